"""One elimination, three ways to run it: Python floats, arrays, compiled."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import oracle
import pytest

from gradline import elimination
from gradline.descent.quadratic import quadratic_of
from gradline.doubledouble import Pair
from gradline.moments import Moments

LEAST = 1e-24


def run(
    monkeypatch: pytest.MonkeyPatch, way: str, matrix: Pair, q: int, inverse: bool = True
) -> tuple[Pair, np.ndarray]:
    monkeypatch.setattr(elimination, "FLOATS", 10**9 if way == "floats" else 0)
    monkeypatch.setattr(elimination, "COMPILED", 0 if way == "compiled" else 10**9)
    return elimination.eliminate(matrix, q, np.full(q, LEAST), inverse=inverse)


def cross_products(seed: int, n: int, q: int, k: int) -> list[list[Fraction]]:
    rng = np.random.default_rng(seed)
    return oracle.cross_products(list(rng.normal(size=(q + k, n)) / np.sqrt(n)))


@pytest.mark.parametrize("way", ["floats", "arrays", "compiled"])
def test_every_part_against_rationals(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    q, k = 6, 2
    exact = cross_products(1, 9, q, k)
    (hi, lo), left = run(monkeypatch, way, oracle.as_pair(exact), q)
    # by hand: the identity beside the matrix, rows changed downwards
    rows = [[*row, *(Fraction(int(i == j)) for j in range(q + k))] for i, row in enumerate(exact)]
    for j in range(q):
        for i in range(j + 1, q + k):
            factor = rows[i][j] / rows[j][j]
            rows[i] = [u - factor * v for u, v in zip(rows[i], rows[j], strict=True)]
    for i in range(q + k):
        for j in range(q + k):
            if i >= q and j >= q and i != j:
                continue
            wanted = rows[i][j] if j >= min(i, q) else rows[i][q + k + j]
            assert abs(Fraction(hi[i, j]) + Fraction(lo[i, j]) - wanted) <= Fraction(2) ** -90 * (1 + abs(wanted))
    np.testing.assert_allclose(left, [float(rows[j][j]) for j in range(q)], rtol=1e-15)


@pytest.mark.parametrize(("q", "k"), [(1, 0), (5, 1), (31, 1), (32, 1), (33, 31), (63, 2), (64, 40), (97, 1)])
def test_compiled_is_arrays_at_every_edge_of_a_panel(q: int, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(q)
    columns = rng.integers(-9, 10, (2 * q + k + 5, q + k)).astype(float)
    columns[:, q // 2] = 0.0
    if q > 4:
        columns[:, q - 1] = columns[:, 0] + columns[:, q - 2]
    hi = columns.T @ columns / 2.0 ** round(np.log2(30 * len(columns)))  # whole numbers, and so exact
    matrix = hi, np.zeros_like(hi)
    (a, a_low), left = run(monkeypatch, "arrays", matrix, q)
    (b, b_low), compiled_left = run(monkeypatch, "compiled", matrix, q)
    meant = np.ones(a.shape, bool)
    meant[q:, q:] = np.eye(k, dtype=bool)
    np.testing.assert_allclose(left, compiled_left, rtol=0, atol=1e-15)
    assert abs((a - b) + (a_low - b_low))[meant].max() <= 1e-27
    assert (left > LEAST).sum() == q - (1 if q <= 4 else 2)
    for way in ("arrays", "compiled"):
        upper = run(monkeypatch, way, matrix, q, inverse=False)[0]
        assert abs((a - upper[0]) + (a_low - upper[1]))[np.triu(meant)].max() <= 1e-27


def test_low_words_count(monkeypatch: pytest.MonkeyPatch) -> None:
    hi = np.full((40, 40), 0.5) + 0.5 * np.eye(40)
    hi[1, 1] = hi[0, 0] = hi[0, 1] = hi[1, 0] = 1.0
    hi[1, 2:] = hi[2:, 1] = 0.5
    lo = np.zeros_like(hi)
    lo[1, 1] = 2.0**-60
    for way in ("floats", "arrays", "compiled"):
        assert run(monkeypatch, way, (hi, lo), 40)[1][1] == 2.0**-60


@pytest.mark.parametrize("more", [0, 9])
def test_training_judges_float32_columns_by_their_own_rounding(more: int) -> None:
    rng = np.random.default_rng(2)
    columns = rng.normal(size=(50, 3 + more))
    columns[:, 2] = columns[:, 0] + columns[:, 1]
    for dtype, kept in ((np.float32, False), (np.float64, True)):
        X = columns.astype(np.float32).astype(dtype)  # the same numbers: off by float32's rounding
        quadratic = quadratic_of(Moments.of(X, rng.normal(size=50)))
        assert bool(quadratic.kept[3]) == bool(quadratic.root[3].any()) == kept
