"""Sums of stored numbers: exact, the same for any threads and containers, and no row of the features written out."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import oracle
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn import linear_model

import gradline as gl
from gradline.design.problem import pose
from gradline.moments import entries
from gradline.moments.entries import Entries, cross_products, summed_by
from gradline.sklearn import Lasso, LinearRegression, Ridge
from gradline.sources.sparse import Sparse

UNIT = 2.0**-104


def wide(seed: int = 0, n: int = 900, d: int = 150, density: float = 0.03) -> tuple[sparse.csr_array, NDArray[Any]]:
    """A matrix whose stored numbers are summed, with an empty row and an empty column, and its target."""
    rng = np.random.default_rng(seed)
    X = sparse.random_array((n, d), density=density, rng=rng, data_sampler=rng.normal).tolil()
    X[7] = X[:, [11]] = 0.0
    X = X.tocsr()
    return X, X @ rng.normal(size=d) + rng.normal(size=n)


def off_by(a: Any, b: Any) -> float:
    """The largest difference of two pairs, beside the norms of the two columns that an entry is of."""
    sizes = np.sqrt(np.outer(b.hi.diagonal(), b.hi.diagonal()))
    apart = abs((a.hi - b.hi) + (a.lo - b.lo))
    return float((apart / np.where(sizes > 0, sizes, 1.0)).max())


@pytest.fixture
def never_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a feature raises."""
    monkeypatch.setattr(Sparse, "read", lambda self, columns: pytest.fail(f"{columns} were read"))


def exactly(columns: Sequence[NDArray[Any]], weights: NDArray[Any]) -> list[list[Fraction]]:
    """Σ w·z zᵀ in rationals."""
    z, w = oracle.rationals(columns), [Fraction(float(each)) for each in weights]
    return [[oracle.dot(a, [u * v for u, v in zip(w, b, strict=True)]) for b in z] for a in z]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["integers", "normal", "far apart"])
def test_sums_are_those_of_exact_rationals(kind: str, weighted: bool) -> None:
    rng = np.random.default_rng(3)
    X = np.where(rng.random((40, 6)) < 0.3, rng.integers(-9, 9, (40, 6)).astype(float), 0.0)
    y = rng.integers(-9, 9, (40, 2)).astype(float)
    if kind != "integers":
        X, y = X * rng.normal(size=X.shape), y + rng.normal(size=y.shape)
    if kind == "far apart":  # what is added cancels, and is 10^16 times what stays
        X[:20] *= 1e8
        X[20:] = np.where(rng.random((20, 6)) < 0.5, X[:20], -X[:20])
    weights = rng.integers(1, 9, 40) / (8.0 if kind == "integers" else 7.0) if weighted else np.ones(40)
    beside = np.column_stack([np.ones(40), y])
    hi, lo = cross_products(Entries(sparse.csr_array(X), beside, weights if weighted else None), threads=2)
    exact = exactly([np.ones(40), *X.T, *y.T], weights)
    for i in range(9):
        for j in range(9):
            size = Fraction(float(np.sqrt(hi[i, i] * hi[j, j])) or 1.0)
            most = 0.0 if kind == "integers" else UNIT
            assert oracle.relative_error((hi[i, j], lo[i, j]), exact[i][j], size) <= most


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, bool])
@pytest.mark.usefixtures("never_written_out")
def test_sums_are_those_of_the_numbers_written_out(container: Any, dtype: type) -> None:
    X, y = wide()
    X = (X * 10).astype(dtype)
    targets = np.column_stack([y, (y * 4).astype(np.int32)])
    weights = np.random.default_rng(1).integers(0, 3, 900).astype(np.float32)
    for more in ({}, {"weights": weights}, {"frequency_weights": weights}):
        moments = gl.Moments.of(container(X), targets, **more)  # type: ignore[arg-type]
        dense = gl.Moments.of(X.toarray(), targets, **more)  # type: ignore[arg-type]
        assert off_by(moments, dense) < 4 * UNIT  # the dense sums have an error too
        for name in ("nobs", "rows", "used", "epsilon", "constant", "weighted", "columns", "unit", "precision"):
            assert getattr(moments, name) == getattr(dense, name), name
        assert moments.log_weights == pytest.approx(dense.log_weights, rel=1e-14)


def test_duplicates_are_added_and_zeros_may_be_stored() -> None:
    X, y = wide()
    given = X.tocoo()
    twice = [np.concatenate([part, part, part[:50]]) for part in given.coords]
    values = np.concatenate([given.data / 4, given.data * 0.75, np.zeros(50)])
    order = np.argsort(twice[0], kind="stable")  # rows in order, columns within them not
    starts = np.searchsorted(twice[0][order], np.arange(901))
    loose = sparse.csr_array((values[order], twice[1][order], starts), X.shape)
    assert not loose.has_canonical_format
    before = loose.data.copy(), loose.indices.copy()
    assert summed_by(pose(loose, y))
    assert off_by(gl.Moments.of(loose, y), gl.Moments.of(X.toarray(), y)) < 4 * UNIT
    assert np.array_equal(loose.data, before[0])  # the caller's matrix is as it was
    assert np.array_equal(loose.indices, before[1])


def test_bytes_depend_on_neither_threads_nor_the_container() -> None:
    X, y = wide()
    one = gl.Moments.of(X, y, threads=1)
    for other in (gl.Moments.of(X, y, threads=5), gl.Moments.of(X.tocsc(), y)):
        assert (other.hi.tobytes(), other.lo.tobytes()) == (one.hi.tobytes(), one.lo.tobytes())


@pytest.mark.parametrize("estimator", [LinearRegression, Ridge, lambda: Lasso(alpha=0.01)])
@pytest.mark.parametrize("weighted", [False, True])
def test_estimators_in_any_split_of_the_rows(estimator: Any, weighted: bool) -> None:
    X, y = wide()
    weights = np.random.default_rng(2).integers(1, 4, 900).astype(float) if weighted else None
    model, dense, parts = estimator().fit(X, y, weights), estimator().fit(X.toarray(), y, weights), estimator()
    for rows in (slice(0, 850), slice(850, 900)):  # the second is so small that it is written out
        parts.partial_fit(X[rows], y[rows], None if weights is None else weights[rows])
    size = abs(dense.coef_).max()
    np.testing.assert_allclose(model.coef_, dense.coef_, rtol=0, atol=1e-15 * size)
    np.testing.assert_allclose(parts.coef_, model.coef_, rtol=0, atol=1e-15 * size)
    assert parts.intercept_ == pytest.approx(model.intercept_, rel=1e-14)


def test_ridge_is_that_of_scikit_learn() -> None:
    X, y = wide()
    y, weights = np.column_stack([y, y**2]), np.random.default_rng(2).random(900)
    mine = Ridge(alpha=2.0).fit(X, y, weights)
    theirs = linear_model.Ridge(alpha=2.0, solver="cholesky").fit(X.toarray(), y, weights)
    np.testing.assert_allclose(mine.coef_, theirs.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("never_written_out")
def test_some_of_the_columns_in_another_order() -> None:
    X, y = wide()
    names = [f"x{j}" for j in range(150, 20, -1)]
    moments, dense = gl.Moments.of(X, y, features=names), gl.Moments.of(X.toarray(), y, features=names)
    assert off_by(moments, dense) < 4 * UNIT
    assert moments.columns == dense.columns == tuple(names)


def test_the_plan_says_so_and_float64_is_called_float64() -> None:
    X, y = wide(n=90_000, d=150, density=0.002)
    assert gl.plan(X, y).precision == "double-double"
    assert "double-double: 150 sparse features: only stored numbers are multiplied" in str(gl.plan(X, y))
    assert gl.fit(X, y).plan.passes == 1  # type: ignore[union-attr]
    asked = gl.Moments.of(X, y, precision="float64")
    assert (asked.precision, asked.unit) == ("float64", 2.0**-48)
    read: list[tuple[int, int | None]] = []
    gl.Moments.of(X, y, progress=lambda *rows: read.append(rows))
    assert read[-1] == (90_000, 90_000)


def test_what_is_full_narrow_small_or_of_two_words_is_written_out() -> None:
    X, y = wide()
    assert summed_by(pose(X, y))
    assert not summed_by(pose(X.toarray(), y))
    narrow, target = wide(n=9_000, d=entries.NARROW)
    assert not summed_by(pose(narrow, target))
    assert not summed_by(pose(X[:300], y[:300]))
    assert not summed_by(pose(wide(density=0.4)[0], y))
    large = (X * 10).astype(np.int64)
    large.data[0] = 2**53 + 1
    for given, target in ((large, y), (X, (y * 2.0**58).astype(np.int64) | 1)):
        moments, dense = gl.Moments.of(given, target), gl.Moments.of(given.toarray(), target)
        assert moments.hi.tobytes() == dense.hi.tobytes()
        assert moments.lo.tobytes() == dense.lo.tobytes()


def test_rows_that_lack_a_value_are_left_out_and_counted() -> None:
    X, y = wide()
    X.data[[5, 900]] = np.nan
    y[[3, 700]] = np.nan
    weights = np.ones(900)
    weights[20:40] = 0.0
    moments, dense = gl.Moments.of(X, y, weights=weights), gl.Moments.of(X.toarray(), y, weights=weights)
    assert moments.lacking == dense.lacking
    assert (moments.used, moments.rows) == (dense.used, dense.rows)
    assert off_by(moments, dense) < 4 * UNIT
    nothing = gl.Moments.of(X, np.full(900, np.nan))
    assert (nothing.nobs, nothing.rows, nothing.lacking["y"]) == (0, 900, 900)


def with_entry(value: float) -> sparse.csr_array:
    X = wide()[0]
    X.data[X.indices == 4] *= 1e-3
    X.data[int(X.indptr[600])] = value
    return X


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (np.nan, 'has a missing value at row 600 (the first row is 0).\nFill it, or use missing="drop".'),
        (np.inf, "is infinite (inf) at row 600 (the first row is 0).\nReplace it, or leave the row out."),
        (1e200, "has numbers too large to be squared in float64.\nDivide it by a power of ten first."),
    ],
)
def test_what_cannot_be_used_is_said_as_of_an_array(value: float, says: str) -> None:
    X, y = with_entry(value), wide()[1]
    name = f"x{1 + int(X.indices[X.indptr[600]])}"
    with pytest.raises(gl.DataError) as caught:
        gl.Moments.of(X, y, missing="error")
    assert str(caught.value) == f"column {name!r} in the sparse matrix {says}"


def test_small_numbers_bad_targets_and_bad_weights_are_refused() -> None:
    X, y = wide()
    tiny = X.copy()
    tiny.data[tiny.indices == 4] *= 1e-160
    with pytest.raises(gl.DataError, match=r"column 'x5' in the sparse matrix has numbers too small to be squared"):
        gl.Moments.of(tiny, y)
    with pytest.raises(gl.DataError, match=r"column 'y' in the sparse matrix has numbers too small"):
        gl.Moments.of(X, y * 1e-160)
    for bad in (-1.0, np.inf, np.nan):
        weights = np.ones(900)
        weights[17] = bad
        with pytest.raises(gl.DataError, match=rf"the weight in column .* is {bad} at row 17"):
            gl.Moments.of(X, y, weights=weights)
    y[9] = -np.inf
    with pytest.raises(gl.DataError, match=r"column 'y' in the sparse matrix is infinite \(-inf\) at row 9"):
        gl.Moments.of(X, y)


def test_nan_in_an_estimator_is_said_in_the_words_of_scikit_learn() -> None:
    X = with_entry(np.nan)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        Ridge().fit(X, wide()[1])


def test_memory_is_that_of_the_stored_numbers_and_of_the_sums() -> None:
    n, d = 100_000, 1_000  # 800 MB written out; a stretch of rows 8 MB
    X = sparse.random_array((n, d), density=0.001, rng=np.random.default_rng(0), format="csr")
    y = np.random.default_rng(1).normal(size=n)
    gl.Moments.of(*wide())
    tracemalloc.start()
    try:
        gl.Moments.of(X, y, threads=2)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 2 * 8 * (d + 2) ** 2 + 4 * 12 * X.nnz + 5 * 8 * n + 2e6, most
