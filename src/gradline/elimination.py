"""Elimination of a symmetric matrix in double-double: the one that every answer in this package starts from.

Eliminating the first q columns of the symmetric A = [[X'X, X'y], [y'X, y'y]] in their order, downwards only, and
applying to an identity what is applied to A, leaves in row j < q

    left of the diagonal    row j of the inverse of the unit lower triangular L, of which X'X = L·D·L'
    on it and to its right  row j of D·L': the pivot, and what is left of the cross-products

and in the row of each y the parameters, negative, and the residual sum of squares on the diagonal. A column of
which nothing remains is passed over: its row keeps, negative, its coefficients on the columns before it.

Goodnight's sweep operator (1979), The American Statistician 33(3), is the same elimination upwards as well; the
half of it costs a third. Accuracy: Higham (2002), Accuracy and Stability of Numerical Algorithms, chapters 10, 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradline.doubledouble import Array, Pair, subtract_product

FLOATS = 6
"""Up to this size, Python floats are faster than arrays."""
COMPILED = 128
"""From this size on elimination is compiled. Arrays take 20 ms there, loading the compiled code ten times that, but
data of so many columns have mostly loaded it already."""

EXACT = 2.0**-52
"""Relative spacing of float64, and of columns that are exact: the intercept's ones, those of a category."""
SINGLE = 2.0**-23
"""Relative spacing of float32."""


def negligible(matrix: Pair, epsilon: Array, *, intercept: bool) -> Array:
    """Squared norms (q,) down to which columns are called dependent on those before them.

    That is (16·q·2**-52)² of the column's own, which is where float64 would lose the last digit of it. A column whose
    numbers were rounded to float32 before they came here leaves that rounding where it depends on others: less than
    two of its spacings, here of how it varies about its mean, since a column that depends on the intercept alone is
    constant and leaves nothing. What is more than that is data. Halves are as float32: rounding to them leaves
    a relation no part of this size, so none is found.

    Args:
        matrix: The cross-products (size, size) of q columns, and perhaps targets.
        epsilon: (q,) relative spacing of each column's numbers.
        intercept: Whether the first column is the constant.
    """
    q = len(epsilon)
    norms = matrix[0].diagonal()[:q]
    least: Array = (16 * q * EXACT) ** 2 * np.maximum(norms, 0.0)
    single = epsilon > EXACT
    if single.any():
        # In float64: its error, 2**-52 of the norm, times (2·SINGLE)², is less than what `least` is already.
        spread = norms - matrix[0][0, :q] ** 2 / matrix[0][0, 0] if intercept else norms
        least = np.maximum(least, np.where(single, (2 * SINGLE) ** 2 * spread, 0.0))
    return least


def eliminate(
    matrix: Pair, columns: int, least: Array, *, inverse: bool = True, compiled: bool = False
) -> tuple[Pair, Array]:
    """Eliminate the first `columns` columns in their order, each a pivot where more than `least` is left of it.

    Args:
        matrix: (size, size) symmetric, as a pair.
        columns: q.
        least: (q,) a column whose remaining squared norm is at most this is passed over.
        inverse: False leaves what stands left of the diagonal undefined, and takes half the time.
        compiled: Whether fewer columns than COMPILED are worth it, too, since compiled code is mostly loaded.

    Returns:
        The eliminated matrix as described above, of the targets' block only the diagonal; and (q,) what was left of
        each squared norm, to be compared with `least`.
    """
    size = len(matrix[0])
    if size <= FLOATS:
        hi, lo = matrix[0].tolist(), matrix[1].tolist()
        left = in_floats(hi, lo, columns, least.tolist(), inverse)
        return (np.array(hi), np.array(lo)), np.array(left)
    if size < COMPILED and not compiled:
        return _in_arrays(matrix, columns, least, inverse)
    from gradline.elimination_compiled import in_vectors

    return in_vectors(matrix, columns, least, inverse)


def in_floats(
    hi: list[list[Any]], lo: list[list[Any]], columns: int, least: Sequence[float], inverse: bool
) -> list[float]:
    """`eliminate` on nested lists, in place; without the inverse, of the targets only their own diagonal is right."""
    size = len(hi)
    left = [0.0] * columns
    for j in range(columns):
        row, row_low = hi[j], lo[j]
        pivot = row[j], row_low[j]
        left[j] = pivot[0]
        used = pivot[0] > least[j]
        for m in range(j + 1, size):
            below, below_low = hi[m], lo[m]
            if not used:
                below[j] = below_low[j] = 0.0
                continue
            ratio = quotient((row[m], row_low[m]), pivot)
            for n in range(m, size) if m < columns or inverse else (m,):
                below[n], below_low[n] = subtract_product((below[n], below_low[n]), ratio, (row[n], row_low[n]))
            if not inverse:
                continue
            below[j], below_low[j] = -ratio[0], -ratio[1]
            for n in range(j):
                below[n], below_low[n] = subtract_product((below[n], below_low[n]), ratio, (row[n], row_low[n]))
    return left


def _in_arrays(matrix: Pair, columns: int, least: Array, inverse: bool) -> tuple[Pair, Array]:
    hi, lo = matrix[0].copy(), matrix[1].copy()
    left = np.zeros(columns)
    for j in range(columns):
        left[j] = hi[j, j]
        after = slice(j + 1, None)
        if not left[j] > least[j]:
            hi[after, j] = lo[after, j] = 0.0
            continue
        ratio = quotient((hi[j, after], lo[j, after]), (hi[j, j], lo[j, j]))
        across = slice(0 if inverse else j + 1, None)
        row, row_low = hi[j].copy(), lo[j].copy()
        if inverse:  # the identity's column j, until now left out, takes the place of the one that becomes zero
            row[j], row_low[j] = 1.0, 0.0
            hi[after, j] = lo[after, j] = 0.0
        hi[after, across], lo[after, across] = subtract_product(
            (hi[after, across], lo[after, across]),
            (ratio[0][:, None], ratio[1][:, None]),
            (row[None, across], row_low[None, across]),
        )
    return (hi, lo), left


def quotient(a: Pair, b: Pair) -> Pair:
    """a / b, for floats as for arrays."""
    q = a[0] / b[0]
    return q, subtract_product(a, (q, 0.0 * q), b)[0] / b[0]
