"""Every way of solving, judged by exact rationals: what it answers, what it promises, and when it says no."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import oracle
import pytest

from gradline import elimination
from gradline.doubledouble import UNIT
from gradline.exact.solve import Solution, solve

FLOAT64 = 2.0**-50
WAYS = ["floats", "arrays", "compiled", "unrelated", "refinement"]


@cache
def designs(seed: int) -> list[tuple[np.ndarray, list[list[Fraction]], list[Fraction], Fraction, list[Fraction]]]:
    """Forty problems of condition 1 to 1e15: columns and target, cross-products, and the exact answer."""
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < 40:
        d = int(rng.integers(1, 7))
        n = int(rng.integers(d + 2, 14))
        condition = 10 ** rng.uniform(0, 15)
        left, right = (np.linalg.qr(rng.normal(size=(m, d)))[0] for m in (n, d))
        X = left * np.geomspace(1, 1 / condition, d) @ right.T
        if len(found) % 3 == 1:
            X *= 10 ** rng.uniform(-6, 6, d)
        if len(found) % 3 == 2:
            X += np.sqrt(condition) * rng.normal()
        y = X @ rng.normal(size=d) * 10 ** rng.uniform(-3, 3)
        if len(found) % 4:
            y = y + rng.normal(size=n) * 10 ** rng.uniform(-12, 1)
        columns = np.column_stack([np.ones(n), X, y])
        exact = oracle.cross_products(list(columns.T))
        found.append((columns, exact, *oracle.solution(exact, d + 1)))
    return found


def solved(
    monkeypatch: pytest.MonkeyPatch, way: str, matrix: tuple[np.ndarray, np.ndarray], unit: float, **options: object
) -> Solution:
    monkeypatch.setattr(elimination, "FLOATS", 10**9 if way == "floats" else 0)
    monkeypatch.setattr(elimination, "COMPILED", 0 if way == "compiled" else 10**9)
    d = len(matrix[0]) - 2
    given = {"intercept": True, "l2": 0.0, "epsilon": np.full(d + 1, 2.0**-52)} | options
    return solve(
        matrix,
        d,
        given.pop("epsilon"),
        np.array([False]),
        unit=unit,
        way=way if way in ("unrelated", "refinement") else "elimination",
        **given,
    )


def as_float64(exact: list[list[Fraction]], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sums that are off by nearly as much as they may be."""
    hi = oracle.as_pair(exact)[0]
    sizes = np.sqrt(np.outer(hi.diagonal(), hi.diagonal()))
    off = 0.9 * FLOAT64 * np.triu(rng.choice([-1, 1], hi.shape) * sizes)
    return hi + off + np.triu(off, 1).T, np.zeros_like(hi)


@pytest.mark.parametrize("unit", [UNIT, FLOAT64])
@pytest.mark.parametrize("way", WAYS)
def test_no_way_promises_more_than_is_true(way: str, unit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    judged, slack = 0, []
    for _, exact, params, rss, variance in designs(11):
        matrix = oracle.as_pair(exact) if unit == UNIT else as_float64(exact, rng)
        solution = solved(monkeypatch, way, matrix, unit)
        if solution.relations:
            assert unit == UNIT or (solution.unsure == "the rank" and solution.digits == 0)
            continue
        true = min(oracle.digits(a, b) for a, b in zip(solution.params[:, 0], params, strict=True))
        assert solution.digits <= max(true, 0.0)
        slack.append(true - solution.digits)
        if solution.digits < 3:
            continue
        judged += 1
        for got, wanted, error in zip(solution.params[:, 0], params, solution.error[:, 0], strict=True):
            assert abs(Fraction(float(got)) - wanted) <= Fraction(float(error)) + abs(wanted) * Fraction(2) ** -52
        share = 10.0 ** -min(solution.digits - 1, 13.5)
        if way == "refinement":  # the inverse is that of float64, which is for sums in float64
            share = max(share, 64 * 2.0**-52 * solution.condition**2)
        np.testing.assert_allclose(solution.variance, [float(v) for v in variance], rtol=share)
        if not solution.unsure and unit > UNIT:
            assert solution.rss[0] == pytest.approx(float(rss), rel=1e-8)
        if unit == UNIT and rss > Fraction(10) ** -18 * exact[-1][-1]:
            assert solution.rss[0] == pytest.approx(float(rss), rel=1e-10)
    assert judged >= 10
    assert np.median(slack) < 5


@pytest.mark.parametrize("way", ["refinement", "unrelated"])
def test_a_way_that_cannot_be_trusted_hands_over(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=30)
    columns = [np.ones(30), x, rng.normal(size=30), 2 * x + 1, rng.normal(size=30)]
    exact = oracle.cross_products(columns)
    solution = solved(monkeypatch, way, oracle.as_pair(exact), UNIT)
    assert solution.method.startswith("double-double: 4 columns")
    (relation,) = solution.relations.items()
    assert relation[0] == 3
    np.testing.assert_allclose(relation[1], [1, 2, 0, 0], atol=1e-12)


@pytest.mark.parametrize("way", ["floats", "arrays", "compiled"])
def test_dependent_columns_have_the_same_relations(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    a, b = rng.integers(-9, 9, (2, 25)).astype(float)
    columns = [np.ones(25), a, a - 3, b, np.zeros(25), 2 * a + 5 * b, a * b, rng.normal(size=25)]
    exact = oracle.cross_products(columns)
    solution = solved(monkeypatch, way, oracle.as_pair(exact), UNIT)
    wanted = {2: [-3, 1, 0, 0, 0, 0, 0], 4: [0] * 7, 5: [0, 2, 0, 5, 0, 0, 0]}
    assert solution.relations.keys() == wanted.keys()
    for j, relation in wanted.items():
        np.testing.assert_allclose(solution.relations[j], relation, atol=1e-13)
    kept = [0, 1, 3, 6]
    rest = oracle.cross_products([columns[j] for j in [*kept, 7]])
    params, rss, variance = oracle.solution(rest, 4)
    np.testing.assert_allclose(solution.params[kept, 0], [float(v) for v in params], rtol=1e-14)
    np.testing.assert_allclose(solution.variance[kept], [float(v) for v in variance], rtol=1e-14)
    assert solution.rss[0] == pytest.approx(float(rss), rel=1e-14)
    assert np.isnan(solution.params[[2, 4, 5]]).all()


@pytest.mark.parametrize("way", ["refinement", "unrelated"])
def test_float32_rounding_hands_over_too(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(13)
    a, b = rng.normal(size=(2, 30)).astype(np.float32).astype(float)
    columns = [np.ones(30), a, b, a + b + 2e-7 * rng.normal(size=30), *rng.normal(size=(9, 30))]
    matrix = oracle.as_pair(oracle.cross_products(columns))
    coarse = solved(monkeypatch, way, matrix, UNIT, epsilon=np.full(13, 2.0**-23))
    assert list(coarse.relations) == [3]
    assert coarse.method.startswith("double-double: 12 columns")
    fine = solved(monkeypatch, way, matrix, UNIT)  # as float64, that column says something
    assert not fine.relations
    # Refinement by float64 factors hands over at this distance whatever the column says.
    assert fine.method.startswith("double-double: 12 columns") == (way == "refinement")


def test_sums_that_leave_everything_open_promise_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(14)
    a, b = rng.normal(size=(2, 30))
    exact = oracle.cross_products([np.ones(30), a, a + 1e-3 * b, a + b])
    solution = solved(monkeypatch, "floats", oracle.as_pair(exact), 2.0**-20)
    assert solution.digits == 0
    assert np.isinf(solution.error).all()


def test_float64_sums_cannot_tell_a_near_dependence(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 40))
    for distance in (0.0, 1e-9, 1e-3):
        exact = oracle.cross_products([np.ones(40), a, a + distance * b, rng.normal(size=40)])
        coarse = solved(monkeypatch, "arrays", (oracle.as_pair(exact)[0], np.zeros((4, 4))), FLOAT64)
        fine = solved(monkeypatch, "arrays", oracle.as_pair(exact), UNIT)
        assert (coarse.unsure == "the rank") == (distance < 1e-6)
        assert bool(fine.relations) == (distance == 0)
        assert coarse.digits == 0 or distance == 1e-3


@pytest.mark.parametrize("way", ["floats", "arrays", "compiled"])
def test_float32_columns_may_be_surely_dependent_in_float64_sums(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    a, b, c = rng.normal(size=(3, 40))
    columns = [np.ones(40), a, b, (a + b).astype(np.float32).astype(float), c, rng.normal(size=40)]
    exact = oracle.cross_products(columns)
    matrix = oracle.as_pair(exact)[0], np.zeros((6, 6))
    solution = solved(monkeypatch, way, matrix, FLOAT64, epsilon=np.full(5, 2.0**-23))
    assert list(solution.relations) == [3]
    assert not solution.unsure
    assert solution.digits > 10
    # What float32's rounding leaves of that column is there, and must not leak into anything.
    kept = [0, 1, 2, 4]
    params, rss, variance = oracle.solution(oracle.cross_products([columns[j] for j in [*kept, 5]]), 4)
    np.testing.assert_allclose(solution.params[kept, 0], [float(v) for v in params], rtol=1e-13)
    np.testing.assert_allclose(solution.variance[kept], [float(v) for v in variance], rtol=1e-13)
    assert solution.rss[0] == pytest.approx(float(rss), rel=1e-13)
    assert not solution.root[:, 3].any()
    assert not solution.root[3].any()


def test_a_perfect_fit_is_told_from_nearly_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    x, noise = rng.integers(-50, 50, (2, 60)).astype(float)
    for way in WAYS:
        for size in (0.0, 2.0**-30):
            y = 3 * x + 2 + size * noise
            exact = oracle.cross_products([np.ones(60), x, rng.normal(size=60), y])
            fine = solved(monkeypatch, way, oracle.as_pair(exact), UNIT)
            assert fine.perfect[0] == (size == 0)
            assert fine.rss[0] == pytest.approx(float(oracle.solution(exact, 3)[1]), rel=1e-12)
            coarse = solved(monkeypatch, way, (oracle.as_pair(exact)[0], np.zeros((4, 4))), FLOAT64)
            assert coarse.unsure == "the residual sum of squares"
    exact = oracle.as_pair(oracle.cross_products([np.ones(60), x, 3 * x + 2]))[0]
    simple = solved(monkeypatch, "floats", (exact, np.zeros((3, 3))), FLOAT64)
    assert simple.digits > 10
    assert not simple.settled(58)  # the coefficients are right, but not whether any error is left


def large(p: int, seed: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Cross-products of p columns (float32, the first one constant) and a target, to 2**-104."""
    from gradline.moments.kernels import narrow

    rng = np.random.default_rng(seed)
    X = rng.normal(size=(3 * p, p - 1)).astype(np.float32).astype(float)
    X[:, 5] += 30 * X[:, 4]
    y = X @ rng.normal(size=p - 1) + rng.normal(size=3 * p)
    hi, lo = narrow([*X.T, y], len(y))
    return hi[0], lo[0]


def test_refinement_is_elimination_at_300_columns() -> None:
    matrix, epsilon, constant = large(300), np.full(300, 2.0**-52), np.array([False])
    for l2 in (0.0, 10.0):
        options = {"intercept": True, "l2": l2}
        slow = solve(matrix, 299, epsilon, constant, **options)
        fast = solve(matrix, 299, epsilon, constant, way="refinement", **options)
        assert slow.method == "double-double: 300 columns"
        assert fast.method.startswith("float64 and refinement")
        np.testing.assert_array_equal(fast.params, slow.params)
        assert abs((fast.params_low - slow.params_low) / slow.params).max() < 1e-25
        assert fast.rss[0] == pytest.approx(slow.rss[0], rel=1e-15)
        np.testing.assert_allclose(fast.variance, slow.variance, rtol=1e-12)
        np.testing.assert_allclose((fast.root**2).sum(axis=0), slow.variance, rtol=1e-11)
        np.testing.assert_allclose((slow.root**2).sum(axis=0), slow.variance, rtol=1e-11)
        assert fast.freedom == pytest.approx(slow.freedom, rel=1e-13)
        assert fast.condition == pytest.approx(slow.condition, rel=1e-3)
        exact = np.linalg.cond(_unit_columns(matrix, l2))
        assert slow.condition == pytest.approx(np.sqrt(exact), rel=1e-3)


@pytest.mark.parametrize(("p", "method"), [(300, "double-double: 300 columns"), (600, "float64 and refinement")])
def test_how_sums_in_float64_are_solved(p: int, method: str) -> None:
    matrix, epsilon, constant = large(p), np.full(p, 2.0**-52), np.array([False])
    solution = solve(matrix, p - 1, epsilon, constant, intercept=True, l2=0.0, unit=FLOAT64)
    assert solution.method.startswith(method)
    exact = solve(matrix, p - 1, epsilon, constant, intercept=True, l2=0.0)
    np.testing.assert_allclose(solution.params, exact.params, rtol=1e-14)
    np.testing.assert_allclose(solution.variance, exact.variance, rtol=1e-12)
    assert solution.condition == pytest.approx(exact.condition, rel=1e-3)


def _unit_columns(matrix: tuple[np.ndarray, np.ndarray], l2: float) -> np.ndarray:
    square = matrix[0][:-1, :-1] + l2 * np.diag([0.0] + [1.0] * (len(matrix[0]) - 2))
    lengths = np.sqrt(square.diagonal())
    return square / lengths / lengths[:, None]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("l2", "distance"), [(1e-6, 0.01), (1.0, 0.01), (1e8, 0.01), (1e-8, 1e-5), (1e-6, 1e-8)])
def test_ridge_standard_errors_against_rationals(
    way: str, l2: float, distance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(10)
    X = rng.normal(size=(12, 3))
    X[:, 2] = X[:, 1] + distance * X[:, 2]
    columns = [np.ones(12), *X.T, X @ [1.0, 2.0, 3.0] + rng.normal(size=12)]
    exact = oracle.cross_products(columns)
    # The constant 1 is not penalised, and makes no trouble in the oracle: M⁻¹·X'X·M⁻¹ column by column.
    penalised = [
        [v + Fraction(l2) * (i == j) * (0 < i < 4) for j, v in enumerate(row)] for i, row in enumerate(exact)
    ]
    inverse = [
        oracle.solution(
            [[*row[:4], Fraction(int(i == t))] for i, row in enumerate(penalised[:4])] + [[Fraction(0)] * 5], 4
        )[0]
        for t in range(4)
    ]
    wanted = [oracle.dot(m, [oracle.dot(row[:4], m) for row in exact[:4]]) for m in inverse]
    freedom = sum(oracle.dot(inverse[i], [row[i] for row in exact[:4]]) for i in range(4))
    solution = solved(monkeypatch, way, oracle.as_pair(exact), UNIT, l2=l2)
    # By refinement the inverse is that of float64, and the condition of M up to 1e8.
    close = 1e-3 if way == "refinement" and distance < 0.01 else 1e-10
    np.testing.assert_allclose(solution.variance, [float(v) for v in wanted], rtol=close)
    np.testing.assert_allclose((solution.root**2).sum(axis=0), [float(v) for v in wanted], rtol=max(close, 1e-6))
    assert solution.freedom == pytest.approx(float(freedom), rel=max(close, 1e-9))


def test_many_coefficients_are_settled_though_the_smallest_has_few_digits() -> None:
    matrix, epsilon, constant = large(300), np.full(300, 2.0**-52), np.array([False])
    solution = solve((matrix[0], 0 * matrix[0]), 299, epsilon, constant, intercept=True, l2=0.0, unit=FLOAT64)
    fine = solve(matrix, 299, epsilon, constant, intercept=True, l2=0.0)
    assert solution.digits < 10
    assert (abs(solution.params - fine.params) <= solution.error).all()
    assert solution.settled(600)
    assert not solution.settled(0)


def test_what_is_not_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(12)
    x = 1e5 + rng.normal(size=50)
    exact = oracle.cross_products([np.ones(50), x, x + rng.normal(size=50)])
    coarse = solved(monkeypatch, "arrays", (oracle.as_pair(exact)[0], np.zeros((3, 3))), FLOAT64)
    assert not coarse.settled(48)
    assert solved(monkeypatch, "arrays", oracle.as_pair(exact), UNIT).settled(48)
