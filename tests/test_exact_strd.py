"""The eleven NIST reference sets, to the digits that their float64 inputs allow."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import oracle
import pytest

import gradline as gl

SETS = json.loads((Path(__file__).parent / "data" / "strd.json").read_text())

# What float64 inputs allow (rounding the decimal data already moves the exact answer by this much).
ALLOWED = {
    "norris": 14.0,
    "pontius": 13.5,
    "noint1": 16.0,
    "noint2": 16.0,
    "filip": 14.2,
    "longley": 14.7,
    "wampler1": 16.0,
    "wampler2": 13.2,
    "wampler3": 16.0,
    "wampler4": 16.0,
    "wampler5": 16.0,
}


def fitted(name: str) -> gl.Fit:
    data = SETS[name]
    y = np.array(data["y"], float)
    columns = [np.array(values, float) for values in data["x"].values()]
    X = gl.polynomial(columns[0], data["degree"]) if data["model"] == "polynomial" else np.column_stack(columns)
    return gl.fit(X, y, intercept=data["intercept"])


def worst(got: np.ndarray, certified: list[str]) -> float:
    return min(oracle.digits(a, Fraction(c)) for a, c in zip(got, certified, strict=True))


@pytest.mark.parametrize("name", ALLOWED)
def test_coefficients_and_standard_errors(name: str) -> None:
    fit = fitted(name)
    assert not fit.aliased
    assert worst(fit.params, SETS[name]["coef"]) >= ALLOWED[name] - 0.5
    assert worst(fit.se, SETS[name]["se"]) >= ALLOWED[name] - 0.5


@pytest.mark.parametrize("name", ALLOWED)
def test_residual_deviation_and_r_squared(name: str) -> None:
    fit = fitted(name)
    # sd of Pontius and R² of Wampler5 lose what the rounded inputs take, as the coefficients do
    assert oracle.digits(fit.sigma, Fraction(SETS[name]["residual_sd"])) >= 13.5
    assert oracle.digits(fit.r2, Fraction(SETS[name]["r_squared"])) >= 13.5


def test_formula_says_the_same_as_polynomial(tmp_path: Path) -> None:
    import pandas as pd

    data = SETS["filip"]
    frame = pd.DataFrame({"x": np.array(data["x"]["x"], float), "y": np.array(data["y"], float)})
    np.testing.assert_array_equal(gl.fit(frame, formula="y ~ poly(x, 10)").params, fitted("filip").params)


def test_a_high_polynomial_predicts_without_cancelling() -> None:
    data = SETS["filip"]
    x, y = np.array(data["x"]["x"], float), np.array(data["y"], float)
    fit = fitted("filip")
    residuals = y - fit.predict(gl.polynomial(x, 10))
    assert (residuals**2).sum() == pytest.approx(fit.rss[0], rel=1e-9)
