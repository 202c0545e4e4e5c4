"""Columns that the ones before them determine are found, named and left to the caller's choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pandas as pd
import pytest
from sklearn.base import clone

import gradline as gl
from gradline.sklearn import ElasticNet, Lasso, LinearRegression, Ridge


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    c = rng.normal(size=60)
    frame = pd.DataFrame({"a": rng.normal(size=60), "c": c, "d": c + 2, "e": rng.normal(size=60)})
    frame["y"] = frame.a + 2 * frame.c + 3 * frame.e + rng.normal(size=60)
    return frame


def test_relation_is_named(frame: pd.DataFrame) -> None:
    fit = gl.fit(frame, target="y")
    assert fit.aliased == {"d": "d = 1·c + 2·Intercept"}
    assert fit.rank == 4
    assert np.isnan(fit.params[3])
    assert np.isnan(fit.se[3])
    assert np.isnan(fit.conf_int()[3]).all()
    rest = gl.fit(frame.drop(columns="d"), target="y")
    np.testing.assert_allclose(np.delete(fit.params, 3), rest.params, rtol=1e-14)
    np.testing.assert_allclose(np.delete(fit.se, 3), rest.se, rtol=1e-14)
    np.testing.assert_allclose(fit.predict(frame), rest.predict(frame), rtol=1e-13)
    assert fit.df_resid == rest.df_resid
    assert "aliased: d = 1·c + 2·Intercept" in fit.notes
    assert fit.digits == 15.9


def test_a_note_of_a_long_relation_is_short() -> None:
    X = np.random.default_rng(0).normal(size=(90, 40))
    fit = gl.fit(np.column_stack([X, X.sum(1)]), np.arange(90.0))
    assert fit.aliased["x41"].count("+") == 39
    assert max(map(len, fit.notes)) <= 109


def test_dummy_trap() -> None:
    rng = np.random.default_rng(1)
    group = rng.integers(0, 3, 90)
    X = pd.DataFrame({f"g{i}": (group == i).astype(int) for i in range(3)})
    fit = gl.fit(X, rng.normal(size=90))
    assert fit.aliased == {"g2": "g2 = -1·g0 - 1·g1 + 1·Intercept"}


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e12])
def test_units_do_not_change_the_rank(scale: float) -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(50, 3))
    X = np.column_stack([X, (X[:, 0] - 0.3 * X[:, 2]) * scale])
    fit = gl.fit(X, X[:, 1] + rng.normal(size=50))
    assert list(fit.aliased) == ["x4"]
    full = gl.fit(np.column_stack([X[:, :3], X[:, 3] + scale * rng.normal(size=50)]), X[:, 1])
    assert not full.aliased


@pytest.mark.parametrize("k", range(-12, 13, 4))
def test_a_columns_unit_changes_only_its_unit(k: int) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, 2)) + 5
    y = X @ [1.0, -2.0] + rng.normal(size=80)
    plain, scaled = gl.fit(X, y), gl.fit(X * [1.0, 10.0**k], y)
    unit = np.array([1.0, 1.0, 10.0**k])
    np.testing.assert_allclose(scaled.params * unit, plain.params, rtol=1e-12)
    np.testing.assert_allclose(scaled.se * unit, plain.se, rtol=1e-12)
    np.testing.assert_allclose(scaled.p, plain.p, rtol=1e-10)
    assert scaled.r2 == pytest.approx(plain.r2, rel=1e-12)


def test_float32_columns_are_judged_by_float32_rounding() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 100))
    X = np.column_stack([a, b, a + b]).astype(np.float32)  # the sum is off by float32's rounding
    assert list(gl.fit(X, rng.normal(size=100)).aliased) == ["x3"]
    assert not gl.fit(X.astype(np.float64), rng.normal(size=100)).aliased


def test_float32_far_from_zero_keeps_its_slope() -> None:
    rng = np.random.default_rng(5)
    x = (1e4 + rng.normal(size=500)).astype(np.float32)
    y = (3 * x.astype(np.float64) + 1).astype(np.float32)
    fit = gl.fit(x, y)
    wanted = gl.fit(x.astype(np.float64), y.astype(np.float64))
    np.testing.assert_allclose(fit.params, wanted.params, rtol=1e-9)


def hard_in_float32(case: str) -> np.ndarray:
    rng = np.random.default_rng(8)
    near = rng.normal(size=400)[:, None]
    wide = {
        "far from 0": 300 + 0.05 * rng.normal(size=(400, 120)),
        "nearly copies": near + 2e-4 * rng.normal(size=(400, 120)),
        "a square of a narrow column": (1000 + near) ** (1, 2) / (1, 1000),
    }
    return wide[case].astype(np.float32)


@pytest.mark.parametrize("case", ["far from 0", "nearly copies", "a square of a narrow column"])
@pytest.mark.parametrize("strength", [{}, {"l2": 1e-3}, {"l1": 1e-3}])
def test_float32_columns_have_the_float64_answer_of_their_numbers(case: str, strength: dict[str, float]) -> None:
    X = hard_in_float32(case)
    y = X[:, 0] + np.random.default_rng(9).normal(size=400)
    single, double = (gl.fit(given, y, **strength) for given in (X, X.astype(np.float64)))
    assert not single.aliased
    np.testing.assert_allclose(single.params, double.params, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(single.se, double.se, rtol=1e-9)


@pytest.mark.parametrize("estimator", [LinearRegression(), Ridge(alpha=1e-4), Lasso(alpha=1e-3), ElasticNet(1e-3)])
def test_estimators_give_the_float64_answer_of_float32_numbers(estimator: Any) -> None:
    X = hard_in_float32("far from 0")
    y = X[:, 0] + np.random.default_rng(9).normal(size=400)
    single, double = (clone(estimator).fit(given, y) for given in (X, X.astype(np.float64)))
    assert single.coef_.any()
    np.testing.assert_allclose(single.coef_, double.coef_, rtol=1e-9, atol=1e-12)


def test_folds_and_subsets_give_the_float64_answer_of_float32_numbers() -> None:
    X = hard_in_float32("far from 0")
    y = 100 * X[:, 0] + np.random.default_rng(9).normal(size=400)
    single, double = (gl.crossval(given, y, folds=5, l1=[0.1, 1.0]) for given in (X, X.astype(np.float64)))
    np.testing.assert_allclose(single.errors, double.errors, rtol=1e-10)
    single, double = (gl.subsets(given, y) for given in (X, X.astype(np.float64)))
    assert (single.models, list(single.rss)) == (double.models, list(double.rss))


def test_float32_columns_that_vary_little_about_a_large_mean() -> None:
    k = np.arange(400) % 4
    x, y = (16_000_000 + k).astype(np.float32), 2.0 * k + np.random.default_rng(1).normal(size=400)
    single, double = (gl.fit(given, y) for given in (x, x.astype(np.float64)))
    assert (single.params.tolist(), single.aliased) == (double.params.tolist(), {})
    for estimator in (Lasso(alpha=0.1), LinearRegression()):
        np.testing.assert_array_equal(
            estimator.fit(x[:, None], y).coef_, estimator.fit(x[:, None].astype(float), y).coef_
        )
    assert gl.subsets(x, y).models == gl.subsets(x.astype(float), y).models
    assert repr(gl.stability(x, y)) == repr(gl.stability(x.astype(float), y))
    assert gl.fit(np.full(400, 0.1, np.float32), y).aliased


def test_float32_columns_of_one_temperature_are_one() -> None:
    celsius = (20 + 8 * np.random.default_rng(2).normal(size=400)).astype(np.float32)
    X = np.column_stack([celsius, np.float32(1.8) * celsius + np.float32(32)])
    assert gl.fit(X, np.arange(400.0)).aliased == {"x2": "x2 = 1.8·x1 + 32·Intercept"}
    assert np.isfinite(Lasso(alpha=0.1).fit(X, np.arange(400.0)).coef_).all()


def test_a_penalty_leaves_no_float32_column_out() -> None:
    rng = np.random.default_rng(10)
    a, b = rng.normal(size=(2, 100))
    X = np.column_stack([a, b, a + b]).astype(np.float32)
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=100)
    single, double = (gl.fit(given, y, l2=1e-9) for given in (X, X.astype(np.float64)))
    assert not single.aliased
    np.testing.assert_allclose(single.params, double.params, rtol=1e-12)


def test_constant_feature_beside_the_intercept() -> None:
    rng = np.random.default_rng(6)
    X = np.column_stack([np.full(30, 5.0), rng.normal(size=30)])
    fit = gl.fit(X, rng.normal(size=30))
    assert fit.aliased == {"x1": "x1 = 5·Intercept"}


def test_a_column_of_zeros() -> None:
    rng = np.random.default_rng(7)
    X = np.column_stack([np.zeros(30), rng.normal(size=30)])
    for intercept in (True, False):
        assert gl.fit(X, rng.normal(size=30), intercept=intercept).aliased == {"x1": "x1 = 0"}


def test_more_columns_than_rows() -> None:
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(4, 6)), rng.normal(size=4)
    fit = gl.fit(X, y)
    assert fit.rank == 4
    assert list(fit.aliased) == ["x4", "x5", "x6"]
    np.testing.assert_allclose(fit.predict(X), y, rtol=1e-12)
    assert "4 rows for 4 parameters: nothing left for standard errors" in fit.notes


def test_minimum_norm_is_scikit_learns(frame: pd.DataFrame) -> None:
    from sklearn.linear_model import LinearRegression

    X = frame[["a", "c", "d", "e"]]
    fit = gl.fit(frame, target="y", aliased="min-norm")
    peer = LinearRegression(tol=1e-12).fit(X, frame["y"])
    np.testing.assert_allclose(fit.coef, peer.coef_, rtol=1e-10)
    assert fit.intercept == pytest.approx(peer.intercept_, rel=1e-10)
    # a and e are determined by the data, c and d only together
    assert np.isnan(fit.se).tolist() == [True, False, True, True, False]


def test_what_is_not_determined_does_not_depend_on_units() -> None:
    rng = np.random.default_rng(10)
    a, b, c = rng.normal(size=(3, 40))
    X = np.column_stack([a, 1e12 * b, a + b, c])
    fit = gl.fit(X, rng.normal(size=40), aliased="min-norm")
    assert np.isnan(fit.se).tolist() == [False, True, True, True, False]


def test_aliased_as_an_error(frame: pd.DataFrame) -> None:
    with pytest.raises(gl.DataError, match=r"d = 1·c \+ 2·Intercept"):
        gl.fit(frame, target="y", aliased="error")


def test_unknown_choice(frame: pd.DataFrame) -> None:
    with pytest.raises(gl.OptionError, match="'drop'"):
        gl.fit(frame, target="y", aliased="drop")


def test_raw_units_that_scikit_learn_drops() -> None:
    rng = np.random.default_rng(9)
    population, rate = rng.uniform(1e5, 2e6, 300), rng.uniform(0, 0.1, 300)
    y = 1e-5 * population + 200 * rate
    fit = gl.fit(np.column_stack([population, rate]), y)
    np.testing.assert_allclose(fit.coef, [1e-5, 200], rtol=1e-12)


@pytest.mark.parametrize("seed", [117, 127, 129])
def test_eight_rows_determine_eight_columns_at_most(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"g": rng.choice(list("abc"), 8), "h": rng.choice(list("uvwx"), 8)})
    # Far from zero: rounding leaves more of a column than the rule allows.
    frame["x"] = 1000 + rng.normal(size=8)
    frame["y"] = frame.x + rng.normal(size=8)
    fit = gl.fit(frame, formula="y ~ g * h * x - 1")
    assert fit.rank == 8
    assert list(fit.aliased) == [name for name in fit.names if np.isnan(fit.params[fit.names.index(name)])]
    kept = [term for term in fit.terms if term.name not in fit.aliased]
    columns = []
    for term in kept:
        within = np.all([frame[column] == level for column, level in term.cell] or [np.ones(8, bool)], axis=0)
        columns.append(np.where(within, frame.x if term.factors else 1.0, 0.0))
    exact = oracle.least_squares(columns, frame.y.to_numpy())
    got = fit.params[~np.isnan(fit.params)]
    assert 10 < fit.digits <= min(oracle.digits(a, b) for a, b in zip(got, exact, strict=True))
    np.testing.assert_allclose(fit.predict(frame), frame.y, rtol=1e-9)


def test_a_hundred_dependent_levels_are_an_error_of_three_lines() -> None:
    rng = np.random.default_rng(9)
    code = np.resize(np.arange(100), 300)
    frame = pd.DataFrame(
        {"g": [f"g{v:02}" for v in code], "h": [f"h{v:02}" for v in code], "y": rng.normal(size=300)}
    )
    with pytest.raises(gl.DataError) as caught:
        gl.fit(frame, formula="y ~ g + h", aliased="error")
    lines = str(caught.value).splitlines()
    assert lines[0] == "99 of 199 columns are determined by the ones before them:"
    assert lines[1] == "h[T.h01] = 1·g[T.g01]; h[T.h02] = 1·g[T.g02]; h[T.h03] = 1·g[T.g03]; … 96 more"
    assert len(lines) == 3
    frame["z"] = code  # depends on all levels at once
    with pytest.raises(gl.DataError) as caught:
        gl.fit(frame, formula="y ~ g + z", aliased="error")
    lines = str(caught.value).splitlines()
    assert lines[1].startswith("z = 1·g[T.g01] + 2·g[T.g02] + ")
    assert lines[1].endswith(" …")
    assert max(map(len, lines)) <= 80


def test_more_columns_than_rows_is_no_contradiction() -> None:
    from sklearn.datasets import make_regression

    X, y = make_regression(n_samples=50, n_features=100, noise=0, bias=10, random_state=42)
    fit = gl.fit(X, y, intercept=False)  # the first 50 columns nearly depend on each other, so rounding grows
    assert len(fit.aliased) == 50
    assert fit.digits > 6
