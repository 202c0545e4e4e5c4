"""`Fit.collinearity` beside car::vif, statsmodels, an SVD, and exact rationals."""

from __future__ import annotations

from fractions import Fraction

import cars
import numpy as np
import oracle
import pandas as pd
import pytest
from statsmodels.stats.outliers_influence import variance_inflation_factor

import gradline as gl

FITS = {
    "longley vif": ("longley", {"target": "Employed"}),
    "mtcars vif": ("mtcars", {"formula": "mpg ~ wt + hp + C(cyl)"}),
    "duncan vif": ("duncan", {"formula": "prestige ~ income*type + education"}),
    "prestige vif": ("prestige", {"formula": "prestige ~ log(income) + education + women + C(type)"}),
}


@pytest.mark.parametrize("what", FITS)
def test_inflation_is_cars(what: str) -> None:
    name, request = FITS[what]
    got = {}
    for row in gl.fit(cars.table(name), **request).collinearity().frame().to_dict("records"):
        term = row["term"].replace("cyl", "factor(cyl)")
        got |= {f"{term} vif": row["vif"], f"{term} df": row["df"], f"{term} scaled": row["scaled"]}
    cars.agree(cars.values(what), got.__getitem__)


@pytest.mark.parametrize("intercept", [True, False])
def test_indices_are_those_of_an_svd(intercept: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal([0, 3, 50, 0], size=(80, 4))
    x[:, 3] = x[:, 0] - x[:, 1] + 0.01 * x[:, 3]
    X = np.column_stack([np.ones(80), x]) if intercept else x
    found = gl.fit(x, rng.normal(size=80), intercept=intercept).collinearity()
    _, values, vectors = np.linalg.svd(X / np.linalg.norm(X, axis=0))
    np.testing.assert_allclose(found.indices, values[0] / values, rtol=1e-10)
    parts = (vectors / values[:, None]) ** 2
    np.testing.assert_allclose(found.shares, parts / parts.sum(axis=0), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(found.shares.sum(axis=0), 1)
    if intercept:
        vif = [variance_inflation_factor(X, at) for at in range(1, 5)]
    else:
        vif = (np.linalg.inv(X.T @ X) * (X.T @ X)).diagonal()
    np.testing.assert_allclose(found.vif, vif, rtol=1e-8)
    assert ("about zero" in found.summary()) is not intercept


def test_the_last_index_is_the_condition_number() -> None:
    fit = gl.fit(cars.table("longley"), target="Employed")
    assert fit.collinearity().indices[-1] == pytest.approx(fit.condition_number, rel=1e-9)


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9])
def test_near_dependence_in_exact_rationals(gap: float) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(-99, 99, 25) + 1000.0
    columns = [np.ones(25), x, rng.integers(-9, 9, 25) + 0.0, x + gap * rng.integers(-9, 9, 25)]
    y = rng.integers(-9, 9, 25) + 0.0
    _, _, variances = oracle.solution(oracle.cross_products([*columns, y]), 4)
    exact = []
    for column, variance in zip(oracle.rationals(columns)[1:], variances[1:], strict=True):
        mean = sum(column, Fraction(0)) / 25
        exact.append(variance * sum(((value - mean) ** 2 for value in column), Fraction(0)))
    found = gl.fit(np.stack(columns[1:], axis=1), y).collinearity()
    # up to 1e24 of inflation, where X'X in float64 would have lost every digit
    assert [float(abs(Fraction(got) / each - 1)) for got, each in zip(found.vif, exact, strict=True)] < [1e-9] * 3


def test_wide_fits_that_were_not_eliminated_in_order() -> None:
    rng = np.random.default_rng(2)
    levels = rng.integers(0, 150, 2000)
    frame = pd.DataFrame({"g": [f"l{level:03}" for level in levels], "x": rng.normal(size=2000) + levels / 50})
    frame["y"] = rng.normal(size=2000)
    found = gl.fit(frame, formula="y ~ g + x").collinearity()
    r2 = gl.fit(frame, formula="x ~ g").r2
    assert found.vif[1] == pytest.approx(1 / (1 - r2), rel=1e-9)
    assert found.df.tolist() == [149, 1]
    assert found.vif[0] == pytest.approx(found.vif[1], rel=1e-9)  # of two terms both are det of the same matrices


def test_determined_columns_and_fits_without_slopes() -> None:
    frame = cars.table("duncan").assign(both=lambda table: table["income"] + table["education"])
    found = gl.fit(frame, target="prestige", features=["income", "education", "both"]).collinearity()
    plain = gl.fit(frame, target="prestige", features=["income", "education"]).collinearity()
    assert found.vif.tolist() == [*plain.vif.tolist(), np.inf]
    assert found.scaled[-1] == np.inf
    assert "both = 1·income + 1·education" in found.summary()
    assert gl.fit(frame, formula="prestige ~ 1").collinearity().summary().startswith("no terms")
    with pytest.raises(gl.OptionError, match="without l1, l2 and x_error"):
        gl.fit(frame, target="prestige", features=["income"], l2=1.0).collinearity()


def test_whole_numbers_about_an_origin() -> None:
    rng = np.random.default_rng(4)
    small = rng.integers(0, 1000, (60, 2))
    y = small.sum(axis=1) + rng.integers(0, 9, 60)
    large = pd.DataFrame(small + 2**53, columns=["a", "b"]).assign(y=y)
    found = gl.fit(large, target="y").collinearity()
    np.testing.assert_allclose(found.vif, gl.fit(small, y).collinearity().vif, rtol=1e-9)
    assert "less an origin" in found.summary()


def test_the_summary_says_what_is_dependent() -> None:
    text = gl.fit(cars.table("longley"), target="Employed").collinearity().summary()
    assert "index 4.328e+04: Intercept, GNP, Unemployed, Year" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "no near-dependence" in gl.fit(cars.table("mtcars"), formula="mpg ~ C(cyl)").collinearity().summary()
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 60))).add_prefix(
        "a_rather_long_name_of_a_column" * 3
    )
    text = gl.fit(wide.assign(y=wide.sum(axis=1)), target="y").collinearity().summary()
    assert max(map(len, text.splitlines())) <= 80
    assert "… 20 less inflated" in text
