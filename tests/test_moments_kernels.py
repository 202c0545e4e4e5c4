"""The compiled kernels on their own: exact rationals, chunks in one call or several, and every layout."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path

import numpy as np
import oracle
import pytest

from gradline.moments import kernels
from gradline.moments.triangle import unpacked


def narrow(columns: list[np.ndarray], chunk: int) -> np.ndarray:
    return np.stack(kernels.narrow(columns, chunk))


def plain(columns: list[np.ndarray], chunk: int) -> np.ndarray:
    size = len(columns) + 1
    triangles = kernels.plain(columns, chunk)
    return np.reshape([unpacked(each, size) for each in triangles], (1, len(triangles), size, size))


def float64_or_float32(d: int, n: int, dtype: str = "float64") -> np.ndarray:
    return np.random.default_rng(n + d).normal(size=(n, d)).astype(dtype)


@pytest.mark.parametrize(("kernel", "tolerance"), [(narrow, 1e-31), (plain, 1e-15)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("n", [1, 9, 127, 128, 129, 300])
def test_row_major_columns_against_exact_rationals(kernel, tolerance: float, dtype: str, d: int, n: int) -> None:
    X = float64_or_float32(d, n, dtype)
    got = kernel(list(X.T), 200)
    assert got.shape[1:] == (-(-n // 200), 1 + d, 1 + d)
    for number in range(got.shape[1]):
        part = X[number * 200 : (number + 1) * 200]
        full = [np.ones(len(part)), *part.T]
        exact = oracle.cross_products(full)
        norms = [math.sqrt(exact[i][i]) for i in range(1 + d)]
        for i in range(1 + d):
            for j in range(1 + d):
                words = sum((Fraction(float(word)) for word in got[:, number, i, j]), Fraction(0))
                assert abs(float(words - exact[i][j])) <= tolerance * norms[i] * norms[j], (number, i, j)


@pytest.mark.parametrize("d", [55, 56, 62, 63, 64, 71, 72, 79, 101])
@pytest.mark.parametrize("n", [1, 23, 25, 240, 241, 480, 1000])
def test_sums_of_many_columns_that_float64_holds_are_exact(d: int, n: int) -> None:
    """Integers, so that an entry of another place, a row too many or one too few is seen."""
    X = np.random.default_rng(n * d).integers(-1000, 1000, (n, d))
    Z = np.column_stack([np.ones(n, int), X])
    for threads in (1, 2, 5):
        triangles = kernels.plain(list(X.astype(float).T), 700, threads)
        for number, triangle in enumerate(triangles):
            part = Z[number * 700 : (number + 1) * 700]
            assert (unpacked(triangle, d + 1) == part.T @ part).all()


def test_processors_without_long_registers_give_the_same_bytes(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import hashlib
        import sys
        import numpy as np
        from gradline.moments import kernels, simd
        if sys.argv[1] == "short":
            simd._features = lambda: ""
        X = np.random.default_rng(0).normal(size=(999, 60))
        print(hashlib.sha256(kernels.plain(X.T, 700).tobytes()).hexdigest())
    """)
    printed = [
        subprocess.run(
            [sys.executable, "-c", program, registers],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / registers)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for registers in ("long", "short")
    ]
    assert printed[0] == printed[1]


LAYOUTS = {
    "row-major": lambda X: list(X.T),
    "column-major": lambda X: list(np.asfortranarray(X).T),
    "some columns of wider rows": lambda X: list(np.column_stack([X, X, X, X])[:, : X.shape[1]].T),
    "columns in another order": lambda X: list(np.ascontiguousarray(X[:, ::-1]).T)[::-1],
    "rows backwards": lambda X: list(np.ascontiguousarray(X[::-1])[::-1].T),
    "columns backwards": lambda X: [np.ascontiguousarray(column[::-1])[::-1] for column in X.T],
    "every third row": lambda X: list(np.repeat(X, 3, axis=0)[::3].T),
    "half row-major, half not": lambda X: [
        *np.ascontiguousarray(X[:, : X.shape[1] // 2]).T,
        *[column.copy() for column in X[:, X.shape[1] // 2 :].T],
    ],
}


@pytest.mark.parametrize("kernel", [narrow, plain])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("n", "d"), [(700, 1), (701, 6), (333, 10), (70, 155)])
def test_layout_and_width_of_words_do_not_change_a_byte(kernel, dtype: str, layout: str, n: int, d: int) -> None:
    X = float64_or_float32(d, n, dtype)
    wanted = kernel([column.astype(np.float64) for column in X.T], 256)
    assert kernel(LAYOUTS[layout](X), 256).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("kernel", [narrow, plain])
@pytest.mark.parametrize("chunk", [64, 100, 999, 5000])
def test_one_call_or_one_per_chunk(kernel, chunk: int) -> None:
    X = float64_or_float32(6, 1999)
    whole = kernel(list(X.T), chunk)
    parts = [kernel(list(X[at : at + chunk].T), chunk) for at in range(0, len(X), chunk)]
    assert whole.tobytes() == np.concatenate(parts, axis=1).tobytes()


@pytest.mark.parametrize("kernel", [narrow, plain])
def test_no_columns_and_no_rows(kernel) -> None:
    assert kernel([np.empty(0)], 8).shape[1:] == (0, 2, 2)
    words = kernel([np.zeros(11)], 8)
    assert words.sum(axis=0)[:, 0, 0].tolist() == [8.0, 3.0]


@pytest.mark.parametrize("kernel", [narrow, plain])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("row", [0, 130, 299])
def test_what_is_not_finite_shows_on_its_own_diagonal(kernel, value: float, row: int) -> None:
    X = float64_or_float32(5, 300)
    X[row, 2] = value
    diagonal = kernel(list(X.T), 300)[0, 0].diagonal()
    assert np.isfinite(diagonal).tolist() == [True, True, True, False, True, True]


@pytest.mark.parametrize("factor", [1e-120, 1e-60, 1e60, 1e150])
def test_the_size_of_the_numbers_does_not_matter(factor: float) -> None:
    X = float64_or_float32(3, 400)
    factor = 2.0 ** round(math.log2(factor))
    one, other = narrow(list(X.T), 400).sum(axis=0)[0], narrow(list((X * factor).T), 400).sum(axis=0)[0]
    scale = np.array([1.0, factor, factor, factor])
    np.testing.assert_allclose(other / scale / scale[:, None], one, rtol=1e-15)


@pytest.mark.parametrize("size", [1e-200, 5e-324])
def test_columns_whose_squares_underflow_beside_others(size: float) -> None:
    """A stretch whose norm underflows to zero has no bias: what it loses must be nothing beside the column's norm."""
    rng = np.random.default_rng(1)
    tiny, large = rng.normal(size=300) * size, rng.normal(size=300) * 1e150
    tiny[-1] = 1.0
    hi, lo = kernels.narrow([tiny, large, np.zeros(300)], 300)
    exact = oracle.cross_products([tiny, large])
    assert oracle.relative_error((hi[0, 1, 2], lo[0, 1, 2]), exact[0][1], exact[0][1]) <= 1e-30
    assert not hi[0, 3].any()
    assert not lo[0, 3].any()


def test_sums_that_cancel_at_every_step() -> None:
    """The largest terms come first and with the sign that takes the biased sum furthest down, or up."""
    for sign in (1.0, -1.0):
        a = np.r_[np.full(64, 1e8), np.full(64, 1e-8), np.full(64, 1.0)]
        b = np.r_[np.full(32, sign * 1e8), np.full(160, -sign * 1e8)] * (1 + 2.0**-40)
        hi, lo = kernels.narrow([a, b], 192)
        exact = oracle.cross_products([a, b])[0][1]
        scale = oracle.cross_products([abs(a), abs(b)])[0][1]
        assert oracle.relative_error((hi[0, 1, 2], lo[0, 1, 2]), exact, scale) <= 4e-31


def test_equal_values_in_float64() -> None:
    """All rounding errors point one way: still some units in the last place, not n of them."""
    for d in (1, 60):
        got = kernels.plain([np.full(65_536, 0.1)] * d, 65_536)[0, -1]
        exact = Fraction(0.1) ** 2 * 65_536
        assert abs(Fraction(float(got)) - exact) / exact <= 2e-15


@pytest.mark.parametrize("apart", [4_000, 0])
@pytest.mark.parametrize("d", [5, 70, 155, 300])
def test_threads_do_not_change_a_byte(d: int, apart: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_APART", apart)
    columns = list(float64_or_float32(d, 300).T)
    one = kernels.plain(columns, 200)
    matrix = np.column_stack([np.ones(300), *columns])
    np.testing.assert_allclose(unpacked(one.sum(axis=0), d + 1), matrix.T @ matrix, rtol=0, atol=1e-12)
    for threads in (2, 3, 8):
        assert kernels.plain(columns, 200, threads).tobytes() == one.tobytes()


@pytest.mark.parametrize("m", [0, 1, 6, 7, 8, 17])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("with_lows", [False, True])
def test_group_sums_against_exact_rationals(m: int, order: str, with_lows: bool) -> None:
    rng = np.random.default_rng(m)
    n, cells = 333, 5
    codes = rng.integers(-1, cells - 1, n).astype(np.int32)  # the last cell stays empty
    X = np.asarray(rng.normal(size=(n, m)) * 10.0 ** rng.uniform(-8, 8, (n, m)), order=order)
    lows = [X[:, j] * 2.0**-55 if with_lows and j % 2 else None for j in range(m)]
    hi, lo = kernels.grouped(codes, cells, list(X.T), lows)
    assert hi.shape == lo.shape == (cells, 1 + m)
    assert hi[:, 0].tolist() == [np.count_nonzero(codes == cell) for cell in range(cells)]
    assert not hi[-1].any()
    assert not lo[-1].any()
    for cell in range(cells - 1):
        for j in range(m):
            low = np.zeros(n) if lows[j] is None else lows[j]
            terms = [Fraction(X[r, j]) + Fraction(low[r]) for r in np.flatnonzero(codes == cell)]
            scale = sum(map(abs, terms), Fraction(0))
            assert oracle.relative_error((hi[cell, 1 + j], lo[cell, 1 + j]), sum(terms, Fraction(0)), scale) <= 1e-30


def test_group_sums_of_float32_and_of_any_stride() -> None:
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 3, 500).astype(np.int32)
    X = rng.normal(size=(500, 3)).astype(np.float32)
    wanted = kernels.grouped(codes, 3, [column.astype(np.float64) for column in X.T], [None] * 3)
    got = kernels.grouped(np.repeat(codes, 2)[::2], 3, list(X[::-1].copy()[::-1].T), [None] * 3)
    assert [part.tobytes() for part in got] == [part.tobytes() for part in wanted]


def test_group_sums_of_many_equal_values() -> None:
    codes = np.zeros(65_536, np.int32)
    hi, lo = kernels.grouped(codes, 1, [np.full(65_536, 0.1)], [None])
    exact = Fraction(0.1) * 65_536
    assert oracle.relative_error((hi[0, 1], lo[0, 1]), exact, exact) <= 1e-29


def test_a_code_beyond_the_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="not below 2"):
        kernels.grouped(np.array([0, 2, 1], np.int32), 2, [np.ones(3)], [None])


@pytest.mark.parametrize("q", [1, 3, 4, 5, 12, 32])
@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000])
def test_products_of_scores_are_those_of_the_scores_themselves(q: int, n: int) -> None:
    rng = np.random.default_rng(q + n)
    columns = list(rng.normal(size=(5, n)))  # three features, two targets
    parameters, centre = np.stack([rng.normal(size=(2, 4)), np.zeros((2, 4))]), np.array([0.0, 1.0, -2.0, 0.5])
    root, factors = 0.01 * rng.normal(size=(q, 4)), rng.uniform(0.5, 1, (3, n))
    each = kernels.scores(columns, parameters, centre, root, factors, 2)
    summed = kernels.scores(columns, parameters, centre, root, factors, 2, summed=True)
    exact = np.einsum("kin,kjn->kij", each.values, each.values)
    np.testing.assert_allclose(summed.products, exact, rtol=1e-12, atol=1e-13 * abs(exact).max())
    assert each.products is None
    for one, other in zip(each[1:5], summed[1:5], strict=True):
        np.testing.assert_array_equal(one, other)
