"""`digits` never promises more than is true, on designs from easy to hopeless, judged by exact rationals."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import oracle
import pandas as pd
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


def test_few_digits_name_the_columns_that_are_to_blame() -> None:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.normal(size=(60, 7)), columns=list("abcdefg"))
    table["b"] = table["a"] + 1e-12 * table["b"]
    with pytest.warns(gl.GradlineWarning, match=r"only \d digits? of the coefficients are sure: ") as caught:
        gl.fit(table, target="g")
    named = str(caught[0].message).partition(": ")[2].partition(" are ")[0].split(", ")
    assert {"a", "b"} <= set(named)
    assert len(named) == 4


def test_few_digits_of_sums_in_float64_ask_for_double_double() -> None:
    rng = np.random.default_rng(5)
    x = 1e6 + rng.normal(size=(60_000, 2))
    with pytest.warns(gl.GradlineWarning, match='in float64 leave them.\nTake the sums in precision="double'):
        gl.fit(x, x @ [1.0, 2.0], precision="float64")


def test_a_dependence_that_is_not_quite_exact_promises_nothing() -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(size=50)
    almost = a + 8e-15 * rng.normal(size=50)  # inside the rank rule, outside what double-double cannot see
    with pytest.warns(gl.GradlineWarning, match="nearly dependent: x2 = 1·x1"):
        fit = gl.fit(np.column_stack([a, almost]), rng.normal(size=50))
    assert list(fit.aliased) == ["x2"]
    assert fit.digits == 0


def levels_exactly(g: np.ndarray, h: np.ndarray, x: np.ndarray, y: np.ndarray) -> list[Fraction]:
    """The coefficients of y ~ C(g) + x:C(h) for whole g and h: the levels of g eliminated one by one."""
    unit = 100  # every number here is a multiple of 2**-100
    xs, ys = ([int(value) for value in np.ldexp(column, unit)] for column in (x, y))
    counts, width = np.bincount(g).tolist(), int(h.max()) + 1
    sums = [[0] * (width + 1) for _ in counts]  # of x within each level of h, and of y
    square = [[0] * (width + 1) for _ in range(width)]
    for level, at, a, b in zip(g.tolist(), h.tolist(), xs, ys, strict=True):
        sums[level][at] += a
        sums[level][width] += b
        square[at][at] += a * a
        square[at][width] += a * b
    rows = [[Fraction(value) for value in row] for row in square]
    for count, total in zip(counts, sums, strict=True):
        for i in range(width):
            for j in range(width + 1):
                rows[i][j] -= Fraction(total[i] * total[j], count)
    slopes = oracle.solution([*rows, [Fraction(0)] * (width + 1)], width)[0]
    means = [
        (total[width] - oracle.dot(slopes, list(map(Fraction, total[:width])))) / count / Fraction(2) ** unit
        for count, total in zip(counts, sums, strict=True)
    ]
    return [means[0], *(mean - means[0] for mean in means[1:]), *slopes]


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_digits_of_many_levels_are_sharp_though_other_sums_are_in_float64(shift: float) -> None:
    rng = np.random.default_rng(3)
    n, levels = 40_000, 500
    g, h, x = rng.integers(0, levels, n), rng.integers(0, 3, n), rng.normal(size=n).round(6)
    y = shift + rng.normal(size=levels)[g] + rng.normal(size=3)[h] * x  # no noise but rounding
    exact = levels_exactly(g, h, x, y)
    table = pd.DataFrame({"g": [f"g{v:03}" for v in g], "h": [f"h{v}" for v in h], "x": x, "y": y})
    for precision, most in (("double-double", 1), ("float64", 5)):
        fit = gl.fit(table, formula="y ~ C(g) + x:C(h)", precision=precision)
        true = min(oracle.digits(a, b) for a, b in zip(fit.params, exact, strict=True))
        assert fit.digits <= true
        assert fit.digits > true - most
