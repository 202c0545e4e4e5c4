"""Compiled cross-products of sparse columns, from the numbers that are stored.

A sum is three words s + c + g. A product is added to s; the error of that and the product's own, both exact, are
added to c; and the errors of those two additions gather in g (Ogita, Rump & Oishi 2005, SIAM J. Sci. Comput. 26(6),
SumK with K = 3). So however many rows there are and in whatever order they come, what is lost is 2**-106 of the sum,
and with weights as much of each product.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.moments.simd import fused


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _gain(sums: Any, at: Any, a: Any, a_low: Any, b: Any) -> None:
    """The sum in row `at` gains (a + a_low)·b."""
    p = a * b
    e = fused(a, b, -p) + a_low * b
    s = sums[at, 0]
    t = s + p
    z = t - s
    f = (s - (t - z)) + (p - z)
    sums[at, 0] = t
    c = sums[at, 1]
    t = c + f
    z = t - c
    g = (c - (t - z)) + (f - z)
    c = t
    t = c + e
    z = t - c
    sums[at, 1] = t
    sums[at, 2] += g + ((c - (t - z)) + (e - z))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _put(sums: Any, at: Any, out: Any, i: Any, j: Any) -> None:
    """The sum in row `at` as a pair at (i, j) and (j, i)."""
    s, c = sums[at, 0], sums[at, 1]
    t = s + c
    z = t - s
    low = ((s - (t - z)) + (c - z)) + sums[at, 2]
    hi = t + low
    out[0, i, j] = out[0, j, i] = hi
    out[1, i, j] = out[1, j, i] = low - (hi - t)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _weighted(weights: Any, row: Any, value: Any) -> Any:
    """The value times the weight of its row, as a pair; without weights they are ones."""
    if not len(weights):
        return value, 0.0
    product = weights[row] * value
    return product, fused(weights[row], value, -product)


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def of_columns(
    first: Any,
    last: Any,
    by_column: Any,
    ends: Any,
    columns: Any,
    values: Any,
    beside: Any,
    weights: Any,
    out: Any,
) -> None:
    """Set in out[0] + out[1], (1 + d + k, 1 + d + k) with the constant first, all of columns first … last - 1.

    `by_column` says where the stored numbers are column by column: where each column starts, and of each number its
    place among `values` and its row. `ends`, `columns` and `values` are the matrix in CSR, columns in order within a
    row; `beside` (n, 1 + k) are the constant and the targets; `weights` are (n,) or (0,).
    """
    starts, places, rows = by_column
    d, m = len(starts) - 1, beside.shape[1]
    sums = np.empty((d + m, 3))
    for i in range(first, last):
        sums[i:] = 0.0
        for number in range(starts[i], starts[i + 1]):
            place, row = places[number], rows[number]
            a, a_low = _weighted(weights, row, values[place])
            for other in range(place, ends[row + 1]):  # those before it in the row were its partners already
                _gain(sums, columns[other], a, a_low, values[other])
            for t in range(m):
                _gain(sums, d + t, a, a_low, beside[row, t])
        for j in range(i, d):
            _put(sums, j, out, 1 + i, 1 + j)
        _put(sums, d, out, 0, 1 + i)
        for t in range(1, m):
            _put(sums, d + t, out, 1 + i, d + t)


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def beside_them(beside: Any, weights: Any, out: Any) -> None:
    """Set what stands at the constant and the targets, `beside` (n, 1 + k), in out[0] + out[1]."""
    n, m = beside.shape
    d = out.shape[1] - m
    sums = np.zeros((m * m, 3))
    for row in range(n):
        for t in range(m):
            a, a_low = _weighted(weights, row, beside[row, t])
            for u in range(t, m):
                _gain(sums, t * m + u, a, a_low, beside[row, u])
    for t in range(m):
        for u in range(t, m):
            _put(sums, t * m + u, out, d + t if t else 0, d + u if u else 0)
