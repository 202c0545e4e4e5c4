"""Sums of a sparse matrix from the numbers that are stored: no row is written out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.design.stored import sparse_table, stored_rows, with_numbers
from gradline.design.terms import exact_words
from gradline.doubledouble import Array, Pair
from gradline.moments.slices import SMALL
from gradline.moments.sums import (
    SMALLEST,
    Summing,
    Sums,
    bad_weight,
    constant_value,
    missing_value,
    too_large,
    too_small,
)
from gradline.sources.rows import Place, infinite_value

if TYPE_CHECKING:
    from gradline.design.problem import Problem

NARROW = 30
"""Columns up to which rows that are written out cost little, and have the same bytes as an array's."""

AS_MANY = 32
"""Products of columns that lie side by side in registers, in the time of one of two stored numbers."""

_TASKS = 8
"""Runs of columns for each thread, so that the last to finish does not keep the others waiting."""


class Entries(NamedTuple):
    """Rows of a sparse matrix with what stands beside it."""

    matrix: Any
    """CSR (n, d) of float64; columns in order within a row, each once."""
    beside: Array
    """(n, 1 + k) the constant 1 and the targets."""
    weights: Array | None
    """(n,)"""


def summed_by(problem: Problem) -> bool:
    """Whether sums are taken from stored numbers: the features are many sparse columns as they stand, mostly 0."""
    d, m = len(problem.terms), 1 + len(problem.targets)
    table = sparse_table(problem) if d > NARROW else None
    if table is None or (table.rows or 0) * (d + m) <= SMALL:
        return False
    together = table.row_sizes() + m
    stored = int((together * (together + 1) // 2).sum())
    return AS_MANY * stored <= (table.rows or 0) * (d + m) * (d + m + 1) // 2


def sums(problem: Problem, summing: Summing, threads: int) -> Sums | None:
    """What all rows of a problem that is `summed_by` stored numbers contribute, to 2**-104 in any order of the rows.

    None where an integer is beyond float64's: it takes two words, which only rows that are written out have.

    Raises:
        DataError: as `accumulate`.
    """
    entries = _entries(problem)
    if entries is None:
        return None
    keep, counts = _usable(entries, summing, Place(problem.table.name))
    rows = len(keep)
    if not keep.any():
        return summing.nothing(rows, counts)
    if not keep.all():
        entries = _of(entries, keep)
    with np.errstate(invalid="ignore", over="ignore"):
        pair = cross_products(entries, threads)
    _refuse(entries, pair, summing.names, Place(problem.table.name))
    weights, targets = entries.weights, entries.beside[:, 1:].T
    logs = 0.0 if weights is None or summing.frequency else float(np.log(weights).sum())
    constant = tuple([constant_value(column, None) for column in targets])
    return Sums(pair, rows, len(entries.beside), counts, logs, constant)


def cross_products(entries: Entries, threads: int = 1) -> Pair:
    """The (1 + d + k, 1 + d + k) pair, the constant 1 first: Σ_rows stored² products.

    Each entry is one thread's, which adds row after row, so the bytes are the same for any number of threads.
    """
    from gradline.moments import entries_compiled

    matrix, beside = entries.matrix, entries.beside
    weights = np.zeros(0) if entries.weights is None else entries.weights
    # Where each column's numbers are: the matrix of their places, turned.
    turned = with_numbers(matrix, np.arange(matrix.nnz, dtype=matrix.indices.dtype)).tocsc()
    by_column = turned.indptr, turned.data, turned.indices
    d = matrix.shape[1]
    out = np.zeros((2, d + beside.shape[1], d + beside.shape[1]))
    parts = _TASKS * threads
    cuts = np.searchsorted(turned.indptr, np.linspace(0, matrix.nnz, parts + 1)[1:-1])
    edges = np.unique([0, *cuts, d])

    def compute(run: tuple[int, int]) -> None:
        entries_compiled.of_columns(*run, by_column, matrix.indptr, matrix.indices, matrix.data, beside, weights, out)

    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(compute, pairwise(edges.tolist()))
        entries_compiled.beside_them(beside, weights, out)
        list(done)
    return out[0], out[1]


def _entries(problem: Problem) -> Entries | None:
    """The rows as they are stored; None where a number takes two words."""
    stored = stored_rows(problem)
    matrix = stored.features
    if any(exact_words(each)[1] is not None for each in (matrix.data, *stored.targets)):
        return None
    beside = np.stack([np.ones(matrix.shape[0]), *stored.targets], axis=1, dtype=np.float64)
    return Entries(with_numbers(matrix, matrix.data.astype(np.float64, copy=False)), beside, stored.weights)


def _of(entries: Entries, keep: NDArray[np.bool_]) -> Entries:
    """Some of the rows."""
    weights = None if entries.weights is None else entries.weights[keep]
    return Entries(entries.matrix[keep], entries.beside[keep], weights)


def _usable(entries: Entries, summing: Summing, place: Place) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which rows can be used, (n,) bool, and how many lack each column; infinities and bad weights raise."""
    matrix, targets = entries.matrix, entries.beside[:, 1:]
    rows, columns = _where(matrix, ~np.isfinite(matrix.data))
    at, number = (~np.isfinite(targets)).nonzero()
    values = np.concatenate([matrix.data[~np.isfinite(matrix.data)], targets[at, number]])
    rows, columns = np.concatenate([rows, at]), np.concatenate([columns, matrix.shape[1] + number])
    for first in np.flatnonzero(np.isinf(values))[:1].tolist():
        raise infinite_value(summing.names[columns[first]], place, int(rows[first]), values[first])
    if len(rows) and summing.missing == "error":
        raise missing_value(summing.names[columns[0]], place, int(rows[0]))
    keep = np.ones(matrix.shape[0], bool)
    keep[rows] = False
    if entries.weights is not None:
        weights = entries.weights
        for row in np.flatnonzero(~(weights >= 0) | np.isinf(weights))[:1].tolist():
            raise bad_weight(summing.weights, place, row, weights[row])
        keep &= weights > 0
    return keep, np.bincount(columns, minlength=len(summing.names)).astype(np.int64)


def _where(matrix: Any, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows and the columns of some of the stored numbers."""
    places = np.flatnonzero(chosen)
    return np.searchsorted(matrix.indptr, places, side="right") - 1, matrix.indices[places].astype(np.int64)


def _refuse(entries: Entries, pair: Pair, names: tuple[str, ...], place: Place) -> None:
    """Raise where squares leave float64's range on either side."""
    squares = pair[0].diagonal()[1:]
    finite = np.isfinite(squares) & np.isfinite(pair[1].diagonal()[1:])
    if not finite.all():
        raise too_large(names[int(np.argmin(finite))], place)
    d = entries.matrix.shape[1]
    for j in np.flatnonzero(squares < SMALLEST).tolist():
        column = entries.matrix[:, [j]].data if j < d else entries.beside[:, 1 + j - d]
        if column.any():
            raise too_small(names[j], place)
