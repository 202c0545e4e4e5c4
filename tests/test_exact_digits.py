"""`digits` never promises more than is true, on designs from easy to hopeless, judged by exact rationals."""

from __future__ import annotations

import warnings

import numpy as np
import oracle
import pytest

import gradline as gl

KINDS = ["as drawn", "columns in other units", "far from zero", "an exact fit"]


def design(rng: np.random.Generator, kind: str) -> tuple[np.ndarray, np.ndarray, float]:
    d = int(rng.integers(1, 6))
    n = int(rng.integers(d + 2, 16))
    condition = 10 ** rng.uniform(0, 15)
    left = np.linalg.qr(rng.normal(size=(n, d)))[0]
    right = np.linalg.qr(rng.normal(size=(d, d)))[0]
    X = left * np.geomspace(1, 1 / condition, d) @ right.T
    if kind == "columns in other units":
        X *= 10 ** rng.uniform(-6, 6, d)
    if kind == "far from zero":
        X += np.sqrt(condition) * rng.normal()
    y = X @ rng.normal(size=d) * 10 ** rng.uniform(-3, 3)
    if kind != "an exact fit":
        y += rng.normal(size=n) * 10 ** rng.uniform(-12, 1)
    return X, y, condition


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_digits_are_a_lower_bound(kind: str, seed: int) -> None:
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    slack, aliased = [], 0
    for _ in range(50):
        X, y, _condition = design(rng, kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gl.GradlineWarning)  # few digits are the point here
            fit = gl.fit(X, y)
        if fit.aliased:
            aliased += 1
            continue
        exact = oracle.least_squares([np.ones(len(X)), *X.T], y)
        true = min(oracle.digits(a, b) for a, b in zip(fit.params, exact, strict=True))
        assert fit.digits <= true
        slack.append(true - fit.digits)
    assert aliased <= 20
    assert np.median(slack) < 5  # a bound that always said 0 would be worthless


def test_easy_data_have_all_digits() -> None:
    rng = np.random.default_rng(1)
    assert gl.fit(rng.normal(size=(100, 4)), rng.normal(size=100)).digits == 15.9


def test_few_digits_warn_with_the_columns_and_a_way_out() -> None:
    x = np.linspace(1, 2, 40)
    with pytest.warns(gl.GradlineWarning, match=r"only \d digits .*(?s:.*)l2=") as caught:
        fit = gl.fit(gl.polynomial(x, 16), np.sin(x))
    assert fit.digits < 6
    assert caught[0].filename == __file__


def test_a_dependence_that_is_not_quite_exact_promises_nothing() -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(size=50)
    almost = a + 8e-15 * rng.normal(size=50)  # inside the rank rule, outside what double-double cannot see
    with pytest.warns(gl.GradlineWarning, match="nearly dependent: x2 = 1·x1"):
        fit = gl.fit(np.column_stack([a, almost]), rng.normal(size=50))
    assert list(fit.aliased) == ["x2"]
    assert fit.digits == 0
