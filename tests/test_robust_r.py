"""Robust standard errors of real tables beside R's sandwich and clubSandwich; `tests/data/robust` says how."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from real_tables import CASES, DATA

import gradline as gl

KNOWN = json.loads((DATA / "robust" / "robust.json").read_text())
ACCURACY = dict.fromkeys(KNOWN, 1e-09) | {"longley": 1e-6}
"""Of R's own figures, relative to the variances: it takes (X'X)⁻¹ and the middle apart, and loses twice the digits of
the condition number. "longley centred" has what Longley's slopes are to 1e-9."""
CENTRED = " centred"


@pytest.fixture(scope="module")
def fits() -> dict[str, gl.Fit]:
    return {name: CASES[name.removesuffix(CENTRED)].fit() for name in KNOWN}


def wanted(fit: gl.Fit, what: str) -> gl.Fit:
    """The fit with the errors that R's file calls so: "HC3", "CR1 firm year", "HAC 4 adjusted"."""
    kind, *rest = what.split()
    if kind == "HAC":
        return fit.hac(int(rest[0]), small_sample="adjusted" in rest)
    return fit.clustered(*rest, kind=kind) if rest else fit.robust(kind)


@pytest.mark.parametrize(("name", "what"), [(name, what) for name in KNOWN for what in KNOWN[name]])
def test_covariances_are_those_of_r(fits: dict[str, gl.Fit], name: str, what: str) -> None:
    known = np.array(KNOWN[name][what]["cov"], float)
    got = wanted(fits[name], what)
    p = len(got.names)
    slopes = slice(1 if name.endswith(CENTRED) else 0, None)
    known, cov, se = known.reshape(p, p)[slopes, slopes], got.cov[slopes, slopes], got.se[slopes]
    # One small entry between two large variances is only as exact as these.
    scale = np.sqrt(np.outer(abs(known.diagonal()), abs(known.diagonal())))
    assert np.max(abs(cov - known) / scale) < ACCURACY[name]
    positive = known.diagonal() > 0
    np.testing.assert_allclose(se[positive], np.sqrt(known.diagonal()[positive]), rtol=ACCURACY[name])
    assert np.isnan(se[~positive]).all()
    assert got.se_kind == what.split()[0]


def test_every_kind_was_compared() -> None:
    kinds = {what.split()[0] for known in KNOWN.values() for what in known}
    assert kinds == {"HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2", "HAC"}
    assert set(KNOWN) == set(CASES) - {"longley short"} | {"longley centred"}
    assert pd.read_csv(DATA / "robust" / "petersen.csv").shape == (5000, 4)
