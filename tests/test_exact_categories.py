"""Categories of many levels: cross-products that are zero almost everywhere."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import oracle
import pandas as pd
import pytest

import gradline as gl
from gradline import elimination
from gradline.doubledouble import UNIT
from gradline.exact.solve import Solution, solve
from gradline.moments import plan


def category(levels: int, numeric: int, n: int, seed: int, empty: tuple[int, ...] = ()) -> tuple[np.ndarray, ...]:
    """(n, p + 1): the constant, numeric columns, indicators of all levels but the first, and the target."""
    rng = np.random.default_rng(seed)
    group = rng.choice([g for g in range(levels) if g not in empty], n)
    X = rng.integers(-8, 9, (n, numeric)).astype(float)
    y = X.sum(axis=1) + rng.integers(-5, 6, levels)[group] + rng.integers(-9, 10, n)
    indicators = (group[:, None] == np.arange(1, levels)).astype(float)
    return np.column_stack([np.ones(n), X, indicators, y])


def pair(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers, so these are exact."""
    products = Z.T @ Z
    return products, np.zeros_like(products)


def solved(matrix: tuple[np.ndarray, np.ndarray], way: str = "auto", **options: float) -> Solution:
    p = len(matrix[0]) - 1
    return solve(matrix, p - 1, np.full(p, 2.0**-52), np.array([False]), intercept=True, way=way, l2=0.0, **options)


def agree(a: Solution, b: Solution) -> None:
    np.testing.assert_allclose(a.params, b.params, rtol=1e-14)
    np.testing.assert_allclose(a.params_low, b.params_low, atol=1e-24)
    np.testing.assert_allclose(a.variance, b.variance, rtol=1e-13)
    covariance = b.root.T @ b.root
    np.testing.assert_allclose(a.root.T @ a.root, covariance, rtol=1e-11, atol=1e-14 * abs(covariance).max())
    np.testing.assert_allclose(a.rss, b.rss, rtol=1e-14)
    assert a.condition == pytest.approx(b.condition, rel=1e-3)
    assert a.relations.keys() == b.relations.keys()
    assert a.digits == pytest.approx(b.digits, abs=0.5)


def test_a_small_category_against_rationals() -> None:
    Z = category(6, 2, 40, seed=1)
    params, rss, variance = oracle.solution(oracle.cross_products(list(Z.T)), 8)
    solution = solved(pair(Z), way="unrelated")
    assert solution.method == "double-double: 5 of 8 columns unrelated to each other, then the others"
    for got, low, wanted in zip(solution.params[:, 0], solution.params_low[:, 0], params, strict=True):
        assert abs(Fraction(got) + Fraction(low) - wanted) <= Fraction(2) ** -94
    np.testing.assert_allclose(solution.variance, [float(v) for v in variance], rtol=1e-14)
    assert solution.rss[0] == pytest.approx(float(rss), rel=1e-15)


@pytest.mark.parametrize("empty", [(), (17, 60)])
def test_a_category_of_200_levels_is_as_if_eliminated_in_order(empty: tuple[int, ...]) -> None:
    matrix = pair(category(200, 5, 4000, seed=2, empty=empty))
    fast, slow = solved(matrix), solved(matrix, way="elimination")
    assert "unrelated" in fast.method
    assert slow.method == "double-double: 205 columns"
    assert list(fast.relations) == [g + 5 for g in empty]
    agree(fast, slow)


def test_two_categories() -> None:
    rng = np.random.default_rng(33)
    other = (rng.integers(0, 20, 3000)[:, None] == np.arange(1, 20)).astype(float)
    Z = category(150, 1, 3000, seed=3)
    matrix = pair(np.column_stack([Z[:, :-1], other, Z[:, -1:]]))
    fast = solved(matrix)
    assert "149 of 170 columns unrelated" in fast.method
    agree(fast, solved(matrix, way="elimination"))


def test_all_levels_and_the_constant_are_found_dependent_in_order() -> None:
    Z = category(150, 1, 2000, seed=4)
    first = 1.0 - Z[:, 2:-1].sum(axis=1, keepdims=True)
    solution = solved(pair(np.column_stack([Z[:, :-1], first, Z[:, -1:]])))
    assert list(solution.relations) == [151]
    np.testing.assert_allclose(solution.relations[151], [1, 0] + [-1] * 149 + [0], atol=1e-12)


def test_a_rare_level_beside_common_ones() -> None:
    Z = category(140, 2, 5000, seed=5)
    rare = np.flatnonzero(Z[:, 9] == 1)[1:]
    Z = np.delete(Z, rare, axis=0)  # one row of that level is left
    matrix = pair(Z)
    agree(solved(matrix), solved(matrix, way="elimination"))


def test_a_thousand_levels_from_the_data_to_the_answer() -> None:
    Z = category(1000, 5, 20_000, seed=6)
    solution = solved(pair(Z))
    assert "999 of 1005 columns unrelated" in solution.method
    residuals = Z[:, -1] - Z[:, :-1] @ solution.params[:, 0]
    # X'r = 0 to what rounding in this check itself leaves
    assert abs(Z[:, :-1].T @ residuals).max() < 1e-8
    assert solution.rss[0] == pytest.approx(residuals @ residuals, rel=1e-12)
    assert elimination.COMPILED < 1005


def test_nothing_but_levels_gives_their_means() -> None:
    Z = category(150, 0, 2000, seed=7)
    levels = np.column_stack([1.0 - Z[:, 1:-1].sum(axis=1), Z[:, 1:]])
    matrix = pair(np.column_stack([np.ones(len(Z)), levels]))
    solution = solve(matrix, 150, np.full(151, 2.0**-52), np.array([False]), intercept=False, l2=0.0)
    assert "columns unrelated" in solution.method
    counts = levels[:, :-1].sum(axis=0)
    np.testing.assert_allclose(solution.params[:, 0], levels[:, :-1].T @ levels[:, -1] / counts, rtol=1e-15)
    np.testing.assert_allclose(solution.variance, 1 / counts, rtol=1e-15)


def many_numbers_and_a_category() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n, d = 20_000, 40
    table = pd.DataFrame(rng.normal(size=(n, d)), columns=[f"x{number}" for number in range(d)])
    group = rng.integers(0, 1000, n)
    table["g"] = [f"g{level}" for level in group]
    table["y"] = table.iloc[:, :d] @ rng.normal(size=d) + rng.normal(size=1000)[group] + rng.normal(size=n)
    return table


def test_sums_in_float64_leave_those_of_categories_in_double_double() -> None:
    table = many_numbers_and_a_category()
    formula = "y ~ C(g) + x0:C(g) + " + " + ".join(table.columns[1:40])
    coarse, fine = (gl.Moments.of(table, formula=formula, precision=name) for name in ("float64", "double-double"))
    categorical = np.array([False, *(bool(term.cell) for term in coarse.terms), False])
    np.testing.assert_array_equal(coarse.units == UNIT, categorical)
    off = abs(coarse.hi - fine.hi) / np.sqrt(np.outer(fine.hi.diagonal(), fine.hi.diagonal()))
    assert (off <= np.sqrt(np.outer(coarse.units, coarse.units))).all()
    assert not off[categorical].any()
    assert off[~categorical][:, ~categorical].any()
    assert (fine.units == UNIT).all()


def test_a_category_beside_many_numbers_needs_no_second_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FEW_PRODUCTS", 0)
    table = many_numbers_and_a_category()
    formula = "y ~ C(g) + " + " + ".join(table.columns[:40])
    fit = gl.fit(table, formula=formula)
    assert (fit.plan.precision, fit.plan.passes) == ("float64", 1)
    exact = gl.fit(table, formula=formula, precision="double-double")
    np.testing.assert_allclose(fit.params, exact.params, rtol=1e-10, atol=0)
    np.testing.assert_allclose(fit.se, exact.se, rtol=1e-10)
    table[table.columns[:40]] += 1e4
    assert gl.fit(table, formula=formula).plan.passes == 2
