"""Every path to the cross-products against exact rationals, and the same bytes whoever counts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import oracle
import pandas as pd
import pytest

import gradline as gl
from gradline.design.block import Block
from gradline.design.problem import pose
from gradline.moments import accumulate, kernels, slices, sums
from gradline.moments.one_pass import sharing
from gradline.moments.residuals import residuals_of


def columns(n: int, kind: str) -> list[np.ndarray]:
    rng = np.random.default_rng(n)
    if kind == "plain":
        return [rng.normal(size=n) for _ in range(3)]
    if kind == "mean 1e8 times the spread":
        return [1e8 + rng.normal(size=n), 1.0 + 1e-8 * rng.normal(size=n)]
    if kind == "12 orders of magnitude apart":
        return [1e-6 * rng.normal(size=n), 1e6 * rng.normal(size=n), rng.normal(size=n)]
    if kind == "wide range within a column":
        return [rng.normal(size=n) * 10.0 ** rng.uniform(-15, 15, n), rng.normal(size=n)]
    if kind == "equal values":
        return [np.full(n, 0.1), np.full(n, 1 / 3)]
    if kind == "zeros":
        return [np.zeros(n), rng.normal(size=n)]
    raise AssertionError(kind)


KINDS = [
    "plain",
    "mean 1e8 times the spread",
    "12 orders of magnitude apart",
    "wide range within a column",
    "equal values",
    "zeros",
]


def compiled(z: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    hi, lo = kernels.narrow(z, len(z[0]))
    return hi[0], lo[0]


def wide(z: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    matrix = np.column_stack([np.ones(len(z[0])), *z])
    zero = np.zeros_like(matrix)
    return kernels.wide(matrix, zero, matrix, zero)


def sliced(z: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    matrix = np.column_stack([np.ones(len(z[0])), *z])
    return slices.cross_products((matrix, 0.0), (matrix, 0.0))


@pytest.mark.parametrize("path", [compiled, wide, sliced])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 7, 8, 9, 511, 512, 513, 1300])
def test_each_path_has_30_digits(path, kind: str, n: int) -> None:
    z = columns(n, kind)
    hi, lo = path(z)
    full = [np.ones(n), *z]
    exact = oracle.cross_products(full)
    sizes = oracle.cross_products([abs(column) for column in full])
    for i in range(len(full)):
        for j in range(len(full)):
            error = oracle.relative_error((hi[i, j], lo[i, j]), exact[i][j], sizes[i][j] or Fraction(1))
            assert error <= 4e-31, (i, j)  # 2**-104 is 5e-32; a stretch of rows rounds its low words 32 times


def test_a_full_chunk_of_equal_values_where_all_rounding_errors_point_one_way() -> None:
    for value in np.random.default_rng(11).random(10):
        z = [np.full(65_536, value)]
        exact = Fraction(value) ** 2 * 65_536
        for path in (compiled, sliced):
            hi, lo = path(z)
            assert oracle.relative_error((hi[1, 1], lo[1, 1]), exact, exact) <= 1e-30


@pytest.mark.parametrize("kind", KINDS)
def test_low_words_and_weights(kind: str) -> None:
    n = 300
    z = columns(n, kind)
    rng = np.random.default_rng(9)
    lows = [column * rng.uniform(-1, 1, n) * 2.0**-54 for column in z]
    weights = rng.uniform(0.1, 5.0, n)
    for size, block_path in ((10**9, "slices"), (0, "kernel")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sums, "SMALL", size)
            block = Block(first=0, hi=tuple(z), lo=tuple(lows), weights=weights, place="here")
            hi, lo = sums.Summing((), 0, "drop", False, None, True)._cross_products(block)
        w = [Fraction(float(value)) for value in weights]
        exact_columns = [[Fraction(1)] * n] + [
            [Fraction(float(a)) + Fraction(float(b)) for a, b in zip(high, low, strict=True)]
            for high, low in zip(z, lows, strict=True)
        ]
        for i, left in enumerate(exact_columns):
            for j, right in enumerate(exact_columns):
                terms = [a * b * c for a, b, c in zip(w, left, right, strict=True)]
                scale = sum(map(abs, terms), Fraction(0)) or Fraction(1)
                error = oracle.relative_error((hi[i, j], lo[i, j]), sum(terms, Fraction(0)), scale)
                assert error <= 4e-31, (block_path, i, j)


def test_numpy_and_compiled_paths_agree_on_real_sizes() -> None:
    rng = np.random.default_rng(3)
    z = [rng.uniform(-10, 10, 9000) for _ in range(9)]
    (a, a_low), (b, b_low) = compiled(z), sliced(z)
    size = np.sqrt(np.outer(a.diagonal(), a.diagonal()))
    assert np.max(abs((a - b) + (a_low - b_low)) / size) <= 1e-30


LAYOUTS = {
    "C": lambda X: np.ascontiguousarray(X),
    "Fortran": lambda X: np.asfortranarray(X),
    "every other row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "backwards": lambda X: np.ascontiguousarray(X[::-1])[::-1],
    "read-only": lambda X: _read_only(X),
    "big-endian": lambda X: X.astype(">f8"),
    "unaligned": lambda X: _unaligned(X),
}


def _read_only(X: np.ndarray) -> np.ndarray:
    X = X.copy()
    X.flags.writeable = False
    return X


def _unaligned(X: np.ndarray) -> np.ndarray:
    raw = np.empty(X.size * 8 + 1, np.uint8)
    view = raw[1:].view(np.float64).reshape(X.shape)
    view[:] = X
    return view


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("n", "d"), [(50, 3), (140_000, 3), (70_003, 8), (70_001, 11), (9_999, 21)])
def test_layout_does_not_matter(layout: str, n: int, d: int) -> None:
    rng = np.random.default_rng(n)
    X, y = rng.normal(size=(n, d)), rng.normal(size=n)
    plain, other = gl.Moments.of(X, y), gl.Moments.of(LAYOUTS[layout](X), y)
    assert plain.hi.tobytes() == other.hi.tobytes()
    assert plain.lo.tobytes() == other.lo.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "int8", "uint16", "bool"])
@pytest.mark.parametrize("n", [40, 70_000])
def test_dtypes_count_for_the_numbers_they_hold(dtype: str, n: int) -> None:
    rng = np.random.default_rng(n)
    X, y = rng.integers(0, 100, size=(n, 2)).astype(dtype), rng.normal(size=n)
    got, wanted = gl.Moments.of(X, y), gl.Moments.of(X.astype(np.float64), y)
    assert got.hi.tobytes() == wanted.hi.tobytes()
    assert got.lo.tobytes() == wanted.lo.tobytes()


@pytest.mark.parametrize(("n", "d"), [(2000, 60), (600, 200), (3001, 99)])
def test_many_columns(n: int, d: int) -> None:
    """The running sums of many columns are a large array: freed too early, it is gone, and not only overwritten."""
    rng = np.random.default_rng(d)
    z = [rng.normal(size=n) for _ in range(d)]
    (a, a_low), (b, b_low), (c, c_low) = compiled(z), sliced(z), wide(z)
    assert np.max(abs((a - b) + (a_low - b_low))) <= 1e-30 * n
    assert np.max(abs((c - b) + (c_low - b_low))) <= 1e-30 * n


def test_same_bytes_while_a_database_works_in_the_same_memory(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(13)
    X = rng.normal(size=(400_000, 6))
    pq.write_table(pa.table({f"c{j}": X[:, j] for j in range(6)}), tmp_path / "t.parquet")
    seen = set()
    for _ in range(8):
        m = gl.Moments.of(tmp_path / "t.parquet", target="c5", where="c0 > -100")
        seen.add(m.hi.tobytes() + m.lo.tobytes())
    plain = gl.Moments.of(X[:, :5], X[:, 5])
    assert seen == {plain.hi.tobytes() + plain.lo.tobytes()}


def test_same_bytes_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(5)
    n = 65_536 * 5 + 123
    X, y = rng.normal(size=(n, 4)), rng.normal(size=n)
    saved = {(m.hi.tobytes(), m.lo.tobytes()) for m in (accumulate(pose(X, y), threads=t) for t in (1, 2, 3, 8))}
    assert len(saved) == 1


@pytest.mark.parametrize("d", [57, 130])
def test_same_bytes_for_threads_that_share_chunks(d: int) -> None:
    rng = np.random.default_rng(d)
    X, y = rng.normal(size=(65_536 + 1234, d)), rng.normal(size=65_536 + 1234)
    problem, params = pose(X, y), (rng.normal(size=(1 + d, 1)), np.zeros((1 + d, 1)))
    saved = {accumulate(problem, precision="float64", threads=t).hi.tobytes() for t in (1, 2, 3, 8)}
    assert len(saved) == 1
    found = [residuals_of(problem, params, complete=True, threads=t) for t in (1, 2, 3, 8)]
    assert len({(*map(bytes, each.gradient), *map(bytes, each.squares)) for each in found}) == 1
    near = X.T @ (y - params[0][0] - X @ params[0][1:, 0])
    np.testing.assert_allclose(found[0].gradient[0][1:, 0], near, rtol=0, atol=1e-6)


def test_which_tables_threads_share_the_chunks_of(tmp_path: Path) -> None:
    """Row groups that are decoded side by side are summed by who decoded them."""
    rows = np.ones((80, 130))
    assert sharing(pose(rows, rows[:, 0]), 4) == 4
    assert sharing(pose(rows[:, :100], rows[:, 0]), 4) == 1
    assert sharing(pose(np.broadcast_to(rows[:1], (65_536 * 17, 130)), np.zeros(65_536 * 17)), 4) == 1
    pd.DataFrame(rows, columns=[f"c{number}" for number in range(130)]).to_parquet(tmp_path / "t.parquet")
    assert sharing(pose(tmp_path / "t.parquet", "c0"), 4) == 4
    table = pd.read_parquet(tmp_path / "t.parquet")
    table.to_parquet(tmp_path / "t.parquet", row_group_size=40)
    assert sharing(pose(tmp_path / "t.parquet", "c0"), 4) == 1


def test_chunks_are_added_in_a_binary_tree() -> None:
    rng = np.random.default_rng(12)
    X, y = rng.normal(size=(65_536 * 6 + 99, 2)), rng.normal(size=65_536 * 6 + 99)
    c = [gl.Moments.of(X[at : at + 65_536], y[at : at + 65_536]) for at in range(0, len(y), 65_536)]
    tree = ((c[0] + c[1]) + (c[2] + c[3])) + ((c[4] + c[5]) + c[6])
    whole = gl.Moments.of(X, y)
    assert whole.hi.tobytes() == tree.hi.tobytes()
    assert whole.lo.tobytes() == tree.lo.tobytes()


def test_no_copy_of_the_input() -> None:
    import tracemalloc

    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(600_000, 10)), rng.normal(size=600_000)
    gl.Moments.of(X, y)
    tracemalloc.start()
    gl.Moments.of(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 20


def test_a_billion_equal_values_by_doubling() -> None:
    m = gl.Moments.of(np.full(1000, 0.1), np.full(1000, 0.3))
    for _ in range(20):
        m = m + m
    count = 1000 * 2**20
    exact = Fraction(0.1) * Fraction(0.3) * count
    assert m.nobs == count
    assert oracle.relative_error((m.hi[1, 2], m.lo[1, 2]), exact, exact) <= 1e-30


@pytest.mark.parametrize("n", [30, 150_000])
def test_missing_rows_are_counted_by_column(n: int) -> None:
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(n, 2)), rng.normal(size=n)
    X[[3, 5], 0] = np.nan
    X[5, 1] = np.nan
    y[n - 1] = np.nan
    keep = ~(np.isnan(X).any(axis=1) | np.isnan(y))
    m = gl.Moments.of(X, y)
    assert (m.rows, m.nobs, m.lacking) == (n, n - 3, {"x1": 2, "x2": 1, "y": 1})
    assert np.allclose(m.hi, gl.Moments.of(X[keep], y[keep]).hi, rtol=1e-15)
    with pytest.raises(gl.DataError, match=r"'x1' in .* missing value at row 3 .*\n.*missing=\"drop\""):
        gl.Moments.of(X, y, missing="error")


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_names_column_and_first_row(value: float) -> None:
    X = np.random.default_rng(8).normal(size=(140_000, 2))
    X[[70_001, 139_999], 1] = value
    with pytest.raises(gl.DataError, match=r"'x2' .*infinite \(-?inf\) at row 70001 "):
        gl.Moments.of(X, X[:, 0])


@pytest.mark.parametrize("size", [1e200, 1e300, 1.7e308 / 3])
def test_numbers_too_large_to_square(size: float) -> None:
    x = size * np.array([1.0, 2.0, 3.0])
    with pytest.raises(gl.DataError, match=r"'x' .*too large to be squared"):
        gl.Moments.of(x, np.ones(3))


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-130])
def test_numbers_too_small_to_square(size: float) -> None:
    with pytest.raises(gl.DataError, match=r"'y' .*too small to be squared"):
        gl.Moments.of(np.arange(3.0), size * np.arange(1.0, 4.0))


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_bad_weights(bad: float) -> None:
    weights = np.ones(10)
    weights[4] = bad
    with pytest.raises(gl.DataError, match=r"weight in .* at row 4"):
        gl.Moments.of(np.arange(10.0), np.arange(10.0), weights=weights)


def test_weight_zero_leaves_the_row_out() -> None:
    rng = np.random.default_rng(10)
    X, y = rng.normal(size=(20, 2)), rng.normal(size=20)
    weights = np.r_[np.zeros(5), np.full(15, 2.0)]
    got = gl.fit(X, y, weights=weights)
    wanted = gl.fit(X[5:], y[5:])
    assert got.nobs == 15
    np.testing.assert_allclose(got.params, wanted.params, rtol=1e-15)
    np.testing.assert_allclose(got.se, wanted.se, rtol=1e-15)


def test_an_identifier_is_refused_before_its_levels_fill_the_memory(tmp_path: Path) -> None:
    x = np.arange(300_000)
    pd.DataFrame({"id": x.astype(str), "y": x % 7}).to_parquet(tmp_path / "t.parquet", row_group_size=15_000)
    seen: list[int] = []
    problem = pose(tmp_path / "t.parquet", formula="y ~ id")
    with pytest.raises(gl.GradlineError, match=r"'id' has more levels than the 20,000 features that fit"):
        accumulate(problem, progress=lambda done, total: seen.append(done))
    assert seen in ([], [15_000])


def test_progress_counts_rows() -> None:
    seen: list[tuple[int, int | None]] = []
    X = np.zeros((150_000, 1))
    gl.Moments.of(X, X[:, 0], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (150_000, 150_000)
    assert all(0 < done <= total == 150_000 for done, total in seen)
