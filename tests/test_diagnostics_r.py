"""Tests of the residuals of real tables beside R's lmtest; `tests/data/diagnostics` says how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import statsmodels.api as sm

import gradline as gl
from gradline.results.diagnostics import Diagnostics

DATA = Path(__file__).parent / "data"
KNOWN = json.loads((DATA / "diagnostics" / "diagnostics.json").read_text())


class Case(NamedTuple):
    source: str
    formula: str
    options: dict[str, Any] = {}  # noqa: RUF012


CASES = {
    "longley": Case(
        "longley.csv", "Employed ~ `GNP.deflator` + GNP + Unemployed + `Armed.Forces` + Population + Year"
    ),
    "longley short": Case("longley.csv", "Employed ~ GNP + Unemployed + `Armed.Forces`"),
    "mtcars": Case("mtcars.csv", "mpg ~ wt + hp + C(cyl)"),
    "mtcars weighted": Case("mtcars.csv", "mpg ~ wt + hp", {"weights": "qsec"}),
    "mtcars origin": Case("mtcars.csv", "mpg ~ wt + hp - 1"),
    "duncan": Case("duncan.csv", "prestige ~ income + education + type"),
    "prestige": Case("prestige.csv", "prestige ~ education + log(income) + women + type"),
    "grunfeld": Case("robust/grunfeld.csv", "invest ~ value + capital"),
    "penguins": Case("../../examples/penguins.csv", "body_mass_g ~ flipper_length_mm + bill_length_mm + species"),
    "petersen": Case("robust/petersen.csv", "y ~ x"),
    "fair": Case("fair", "affairs ~ rate_marriage + age + yrs_married + children + religious + educ"),
    "randhie": Case("randhie", "mdvis ~ lncoins + idp + lpi + fmde + physlm + disea + hlthg + hlthf + hlthp"),
}


@pytest.fixture(scope="module")
def found() -> dict[str, Diagnostics]:
    diagnoses = {}
    for name, case in CASES.items():
        here = DATA / case.source
        source: Any = here if here.exists() else getattr(sm.datasets, case.source).load_pandas().data
        diagnoses[name] = gl.fit(source, formula=case.formula, **case.options).diagnose()
    return diagnoses


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
