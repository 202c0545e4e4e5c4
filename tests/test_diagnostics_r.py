"""Tests of the residuals of real tables beside R's lmtest; `tests/data/diagnostics` says how."""

from __future__ import annotations

import json

import numpy as np
import pytest
from real_tables import CASES, DATA

from gradline.results.diagnostics import Diagnostics

KNOWN = json.loads((DATA / "diagnostics" / "diagnostics.json").read_text())


@pytest.fixture(scope="module")
def found() -> dict[str, Diagnostics]:
    return {name: case.fit().diagnose() for name, case in CASES.items()}


def figures(found: Diagnostics, test: str) -> list[float]:
    """Those of R's file, in its order."""
    each = getattr(found, test)
    if test in ("breusch_pagan", "white"):
        return [each.statistic, each.df, each.p, each.f.statistic, each.f.df, each.f.df_denom, each.f.p]
    if test == "reset":
        return [each.statistic, each.df, each.df_denom, each.p]
    if test == "durbin_watson":
        return [each.statistic, each.p]
    return [each.statistic, each.df, each.p, *[each.figures[name][0] for name in ("skewness", "kurtosis")]]


@pytest.mark.parametrize(("name", "test"), [(name, test) for name in CASES for test in KNOWN[name]])
def test_figures_are_those_of_r(found: dict[str, Diagnostics], name: str, test: str) -> None:
    known = np.array(KNOWN[name][test], float)
    # A p-value far out has the relative error of its statistic many times.
    np.testing.assert_allclose(figures(found[name], test), known, rtol=1e-9, atol=1e-250)


def test_every_table_was_compared() -> None:
    assert set(KNOWN) == set(CASES)
    assert [name for name in CASES if KNOWN[name]["white"][0] is None] == ["longley"]  # 28 columns of 16 rows
