"""The sweep operator in double-double: elimination that leaves everything a regression asks for in one matrix.

After sweeping the symmetric A = [[X'X, X'y], [y'X, y'y]] on the columns of X it holds

    [[-(X'X)⁻¹, β], [β', RSS]]

and a column that is left out because nothing remains of it beyond its own rounding keeps, in its place, its
coefficients on the columns before it: the relation that makes it redundant.

Sources: Goodnight (1979), The American Statistician 33(3); for the accuracy of Gauss-Jordan elimination on
positive definite matrices Higham (2002), Accuracy and Stability of Numerical Algorithms, section 14.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array, Pair, divide, multiply, subtract


@dataclass(frozen=True, slots=True)
class Swept:
    """What `sweep` leaves behind, for q columns to sweep and k targets after them."""

    matrix: Pair  # (q + k, q + k)
    kept: NDArray[np.bool_]  # (q,) the columns that were swept
    relations: dict[int, Array]  # for each column left out, its coefficients (q,) on those before it
    remaining: dict[int, float]  # and how much of its squared norm they leave, as a share
    root: Array
    """(q, q) lower triangular with rootᵀ·root = (X'X)⁻¹ of the kept columns; zero rows and columns elsewhere."""


def sweep(matrix: Pair, columns: int, least: Array) -> Swept:
    """Sweep the first `columns` columns in their order.

    Args:
        matrix: (q + k, q + k) symmetric, as a pair, its diagonal of order 1.
        columns: q.
        least: (q,) a column whose remaining squared norm is at most this is left out.
    """
    hi, lo = matrix[0].copy(), matrix[1].copy()
    original = hi.diagonal().copy()
    kept = np.zeros(columns, bool)
    relations: dict[int, Array] = {}
    remaining: dict[int, float] = {}
    root = np.zeros((columns, columns))
    for j in range(columns):
        if hi[j, j] <= least[j]:
            relations[j] = np.where(kept, hi[j, :columns], 0.0)
            remaining[j] = hi[j, j] / original[j] if original[j] else 0.0
            continue
        scale = 1 / np.sqrt(hi[j, j])
        root[j, kept.nonzero()[0]] = -hi[j, :columns][kept] * scale
        root[j, j] = scale
        kept[j] = True
        pivot = hi[j, j], lo[j, j]
        column = hi[:, j].copy(), lo[:, j].copy()
        row = divide(column, pivot)
        change = multiply((column[0][:, None], column[1][:, None]), (row[0][None, :], row[1][None, :]))
        hi, lo = subtract((hi, lo), change)
        hi[j, :] = hi[:, j] = row[0]
        lo[j, :] = lo[:, j] = row[1]
        inverse = divide((np.ones(()), np.zeros(())), pivot)
        hi[j, j], lo[j, j] = -inverse[0], -inverse[1]
    return Swept((hi, lo), kept, relations, remaining, root)
