"""Sparse matrices: the same answer as the same numbers written out, and never all of them written out at once."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

import gradline as gl
from gradline.sources import open_table

FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr"]


def sparse_numbers(n: int, d: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.2)
    return X, X @ rng.normal(size=d) + rng.normal(size=n)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("container", [sparse.coo_matrix, sparse.coo_array])
def test_a_sparse_matrix_is_the_numbers_in_it_to_the_bit(kind: str, container: Any) -> None:
    X, y = sparse_numbers(300, 4)
    dense, fit = gl.fit(X, y), gl.fit(container(X).asformat(kind), y)
    assert np.array_equal(fit.params, dense.params)
    assert np.array_equal(fit.se, dense.se)
    assert fit.names == dense.names
    assert fit.source == "the sparse matrix"


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int8, bool])
def test_numbers_keep_their_type(dtype: type) -> None:
    X, y = sparse_numbers(200, 3)
    X = (X * 10).astype(dtype)
    table = open_table(sparse.csr_array(X))
    assert table.kind("x1") == np.dtype(dtype).name
    assert table.epsilon("x1") == (2.0**-23 if dtype is np.float32 else 2.0**-52)
    assert np.array_equal(gl.fit(sparse.csr_array(X), y).params, gl.fit(X, y).params)


def test_new_rows_may_be_sparse_too() -> None:
    X, y = sparse_numbers(300, 4)
    fit = gl.fit(X, y)
    for mine, plain in zip(
        fit.predict(sparse.csc_array(X), interval="mean"), fit.predict(X, interval="mean"), strict=True
    ):
        np.testing.assert_allclose(mine, plain, rtol=1e-14)


def test_stretches_are_added_up_and_missing_rows_counted() -> None:
    X, y = sparse_numbers(9_000, 500)  # 2,000 rows at a time
    X[7_000, 3] = np.nan
    moments = gl.Moments.of(sparse.csc_matrix(X), y)
    dense = gl.Moments.of(X, y)
    np.testing.assert_allclose(moments.hi, dense.hi, rtol=1e-15, atol=1e-30)
    assert moments.lacking == dense.lacking == {"x4": 1}
    assert gl.Moments.of(sparse.csr_matrix(X), y, threads=1).lo.tobytes() == moments.lo.tobytes()


def test_a_matrix_is_never_written_out_whole() -> None:
    n, d = 200_000, 200  # 320 MB
    X = sparse.random_array((n, d), density=0.001, rng=np.random.default_rng(0), format="csr")
    y = np.random.default_rng(1).normal(size=n)
    gl.Moments.of(X[:2], y[:2])
    tracemalloc.start()
    try:
        gl.Moments.of(X, y, threads=1, precision="float64")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 150e6, most


def test_training_takes_it() -> None:
    X, y = sparse_numbers(200, 3)
    for options in ({}, {"batch_size": 20}):
        mine = gl.train(sparse.csr_matrix(X), y, epochs=20, seed=0, **options)  # type: ignore[arg-type]
        plain = gl.train(X, y, epochs=20, seed=0, **options)  # type: ignore[arg-type]
        np.testing.assert_allclose(mine.weight, plain.weight, rtol=1e-12)


def test_what_cannot_be_used_is_said() -> None:
    X, y = sparse_numbers(20, 3)
    with pytest.raises(
        gl.ColumnError, match=r"feature 'x1' in the sparse matrix is complex128; numbers were expected"
    ):
        gl.fit(sparse.csr_matrix(X.astype(complex)), y)
    with pytest.raises(gl.ShapeError, match=r"sparse array of shape \(20,\) arrived; expected \(n, d\)"):
        gl.fit(sparse.coo_array(X[:, 0]), y)
    X[4, 1] = np.inf
    with pytest.raises(gl.DataError, match=r"column 'x2' in the sparse matrix is infinite \(inf\) at row 4"):
        gl.fit(sparse.csc_matrix(X), y)
    with pytest.raises(gl.DataError, match=r"column 'x2' in the sparse matrix has a missing value at row 4"):
        gl.fit(sparse.csr_matrix(np.where(np.isinf(X), np.nan, X)), y, missing="error")
