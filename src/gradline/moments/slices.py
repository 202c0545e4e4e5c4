"""Cross-products of a small block in double-double, without compiled code.

Each column is cut into slices of so few bits that a matrix product of slices is exact in float64, whatever
the order in which BLAS adds; the exact products are then added in double-double. For ordinary data nothing
at all is rounded before the end.

Source: Ozaki, Ogita, Oishi & Rump (2012), Numer. Algorithms 59, "Error-free transformations of matrix
multiplication by using fast routines of matrix multiplication".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array, Pair, add, quick_two_sum, two_sum

SMALL = 100_000
"""Numbers in a chunk up to which loading compiled code would cost more than it saves."""

_SIGNIFICANT = 116  # bits kept below a column's largest number: 106, and room for the sum of the rest
_MOST = 8  # slices that those bits can take: a block has at most a few ten thousand rows


def cross_products(left: Pair, right: Pair) -> Pair:
    """The pair leftᵀ·right for left (n, p) and right (n, q), each given as high and low words.

    The low words may be scalars 0.0 where there are none. Relative error 2**-104 of Σ|left|·|right|.
    """
    n = len(left[0])
    bits = (53 - math.ceil(math.log2(_MOST * max(n, 1)))) // 2
    count = -(-_SIGNIFICANT // bits)
    a = _slices(left, bits, count)
    b = a if right is left else _slices(right, bits, count)
    hi = a[0] @ b[0].T
    lo = np.zeros(hi.shape)
    for order in range(1, min(count, len(a) + len(b) - 2) + 1):
        hi, error = two_sum(hi, _products(a, order) if right is left else _across(a, b, order))
        lo += error
    return quick_two_sum(hi, lo)


def _across(a: Array, b: Array, order: int) -> Array:
    """Σ a[i]·b[order - i]ᵀ."""
    first, last = max(0, order - len(b) + 1), min(order, len(a) - 1)
    across = b[::-1][len(b) - 1 - order + first : len(b) + last - order]
    total: Array = np.add.reduce(a[first : last + 1] @ across.transpose(0, 2, 1))
    return total


def _products(a: Array, order: int) -> Array:
    """Σ a[i]·a[order - i]ᵀ: half of the products are the others' transposes."""
    total: Array | None = a[order // 2] @ a[order // 2].T if order % 2 == 0 else None
    for i in range(max(0, order - len(a) + 1), (order + 1) // 2):
        product = a[i] @ a[order - i].T
        both = product + product.T
        total = both if total is None else total + both
    assert total is not None
    return total


def grouped(codes: NDArray[np.int32], cells: int, columns: Sequence[tuple[Array, Array | None]]) -> Pair:
    """(cells, 1 + columns): how many rows have each code, then the sums of each column over them.

    Each column (n,) is given as high and low words, None for no low words. Relative error as `cross_products`.
    """
    hi, lo = np.zeros((cells, 1 + len(columns))), np.zeros((cells, 1 + len(columns)))
    hi[:, 0] = np.bincount(codes, minlength=cells)
    bits = 52 - math.ceil(math.log2(max(len(codes), 1)))
    for number, (high, low) in enumerate(columns, 1):
        pair = high[:, None], 0.0 if low is None else low[:, None]
        total: Pair = (np.zeros(cells), np.zeros(cells))
        for part in _slices(pair, bits, -(-_SIGNIFICANT // bits)):  # type: ignore[arg-type]
            exact = np.bincount(codes, part[0], cells).astype(np.float64)
            total = add(total, (exact, np.zeros(cells)))
        hi[:, number], lo[:, number] = total
    return hi, lo


def _slices(pair: Pair, bits: int, count: int) -> Array:
    """(slices, p, n): multiples of one power of two per column and slice, largest first, which add up to the pair."""
    rest, low = np.ascontiguousarray(pair[0].T), pair[1]
    wide = isinstance(low, np.ndarray)
    if wide:
        low = low.T
    # Adding and subtracting 1.5·2**(52 + u) rounds to a multiple of 2**u.
    largest = np.maximum.reduce(abs(rest), axis=1)
    # Of numbers so large that this power has no float64 the squares have none either, and that is all that shows.
    powers = [min(math.frexp(value)[1] + 52 - bits, 1023) for value in largest.tolist()]
    anchor = np.array([[math.ldexp(1.5, power)] for power in powers])
    slices = np.empty((count, *rest.shape))
    for number in range(count):
        part = np.add(rest, anchor, out=slices[number])
        part -= anchor
        rest = rest - part
        if wide:
            from_low = (low + anchor) - anchor
            low = low - from_low
            part += from_low
        if not np.count_nonzero(rest) and not (wide and low.any()):
            return slices[: number + 1]
        anchor = anchor * 2.0**-bits
    return slices
