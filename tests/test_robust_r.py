"""Robust standard errors of real tables beside R's sandwich and clubSandwich; `tests/data/robust` says how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gradline as gl

DATA = Path(__file__).parent / "data" / "robust"
KNOWN = json.loads((DATA / "robust.json").read_text())


class Case(NamedTuple):
    formula: str
    options: dict[str, Any]
    accuracy: float
    """Of R's own figures, relative to the variances."""


CASES = {
    "longley": Case(
        "Employed ~ `GNP.deflator` + GNP + Unemployed + `Armed.Forces` + Population + Year",
        {},
        1e-6,  # R takes (X'X)⁻¹ and the meat apart: twice the digits of the condition number are lost
    ),
    "mtcars": Case("mpg ~ wt + hp + C(cyl)", {}, 1e-9),
    "mtcars weighted": Case("mpg ~ wt + hp", {"weights": "qsec"}, 1e-9),
    "mtcars origin": Case("mpg ~ wt + hp - 1", {}, 1e-9),
    "duncan": Case("prestige ~ income + education + type", {}, 1e-9),
    "prestige": Case("prestige ~ education + log(income) + women + type", {}, 1e-9),
    "grunfeld": Case("invest ~ value + capital", {}, 1e-9),
    "penguins": Case("body_mass_g ~ flipper_length_mm + bill_length_mm + species", {}, 1e-9),
    "petersen": Case("y ~ x", {}, 1e-9),
    "fair": Case("affairs ~ rate_marriage + age + yrs_married + children + religious + educ", {}, 1e-9),
    "randhie": Case("mdvis ~ lncoins + idp + lpi + fmde + physlm + disea + hlthg + hlthf + hlthp", {}, 1e-9),
}


@pytest.fixture(scope="module")
def fits() -> dict[str, gl.Fit]:
    found = {}
    for name, case in CASES.items():
        table = name.split()[0]
        source: Any = DATA / f"{table}.csv"
        if not source.exists():
            source = DATA.parent / f"{table}.csv"
        if table in ("fair", "randhie"):
            source = getattr(sm.datasets, table).load_pandas().data
        elif table == "penguins":
            source = DATA.parent.parent.parent / "examples" / "penguins.csv"
        found[name] = gl.fit(source, formula=case.formula, **case.options)
    return found


def wanted(fit: gl.Fit, what: str) -> gl.Fit:
    """The fit with the errors that R's file calls so: "HC3", "CR1 firm year", "HAC 4 adjusted"."""
    kind, *rest = what.split()
    if kind == "HAC":
        return fit.hac(int(rest[0]), small_sample="adjusted" in rest)
    return fit.clustered(*rest, kind=kind) if rest else fit.robust(kind)


@pytest.mark.parametrize(("name", "what"), [(name, what) for name in CASES for what in KNOWN[name]])
def test_covariances_are_those_of_r(fits: dict[str, gl.Fit], name: str, what: str) -> None:
    known = np.array(KNOWN[name][what]["cov"], float)
    got = wanted(fits[name], what)
    p = len(got.names)
    known = known.reshape(p, p)
    # One small entry between two large variances is only as exact as these.
    scale = np.sqrt(np.outer(abs(known.diagonal()), abs(known.diagonal())))
    assert np.max(abs(got.cov - known) / scale) < CASES[name].accuracy
    positive = known.diagonal() > 0
    np.testing.assert_allclose(got.se[positive], np.sqrt(known.diagonal()[positive]), rtol=CASES[name].accuracy)
    assert np.isnan(got.se[~positive]).all()
    assert got.se_kind == what.split()[0]


def test_every_kind_was_compared() -> None:
    kinds = {what.split()[0] for known in KNOWN.values() for what in known}
    assert kinds == {"HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2", "HAC"}
    assert set(KNOWN) == set(CASES)
    assert pd.read_csv(DATA / "petersen.csv").shape == (5000, 4)
