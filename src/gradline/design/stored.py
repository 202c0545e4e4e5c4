"""The rows of a sparse matrix as they are stored, with the targets and the weights beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.design.matrix import Matrix
from gradline.sources.sparse import Sparse, sparse_below

if TYPE_CHECKING:
    from gradline.design.problem import Problem


class Stored(NamedTuple):
    """Rows whose features are stored numbers and zeros."""

    features: Any
    """CSR (n, d), columns in order within a row, each once. It may be the caller's: not to be written to."""
    targets: tuple[NDArray[Any], ...]
    """Each (n,)."""
    weights: NDArray[np.float64] | None
    """(n,)"""


def sparse_table(problem: Problem) -> Sparse | None:
    """The sparse matrix of which all features are columns as they stand; None where there is none."""
    if problem.categories or problem.origins or not all(term.plain for term in problem.terms):
        return None
    return sparse_below(problem.table, _features(problem))


def stored_rows(problem: Problem) -> Stored:
    """All rows of a problem that has a `sparse_table`."""
    table = sparse_table(problem)
    assert table is not None, "the features are not those of a sparse matrix"
    names = [*problem.targets, *([] if problem.weights is None else [problem.weights])]
    columns = [np.concatenate(pieces) for pieces in zip(*_read(problem, names), strict=True)]
    weights = None if problem.weights is None else columns.pop().astype(np.float64, copy=False)
    return Stored(table.stored(_features(problem)), tuple(columns), weights)


def sparse_matrix(problem: Problem, complete: bool) -> Matrix:
    """The rows that count, as `one_matrix` has them, with features (n, d) in CSR: float32 where all columns are.

    Args:
        problem: One with a `sparse_table`; its rows have been read once.
        complete: Whether all rows count.
    """
    matrix, columns, weights = stored_rows(problem)
    kind = np.float32 if all(each.dtype == np.float32 for each in (matrix.data, *columns)) else np.float64
    features = with_numbers(matrix, matrix.data.astype(kind, copy=False))
    targets = np.stack(columns, axis=1, dtype=kind)
    rows = Matrix(features, targets, weights)
    if complete:
        return rows
    keep = ~np.isnan(targets).any(axis=1)
    keep[np.repeat(np.arange(len(keep)), np.diff(matrix.indptr))[np.isnan(features.data)]] = False
    if weights is not None:
        keep &= weights > 0.0
    return rows.of(keep)


def with_numbers(matrix: Any, numbers: NDArray[Any]) -> Any:
    """The CSR matrix with other numbers in the same places."""
    return type(matrix)((numbers, matrix.indices, matrix.indptr), matrix.shape)


def _features(problem: Problem) -> list[str]:
    return [term.factors[0][0] for term in problem.terms]


def _read(problem: Problem, names: list[str]) -> list[tuple[Any, ...]]:
    return [rows.columns for rows in problem.table.read(names)]
