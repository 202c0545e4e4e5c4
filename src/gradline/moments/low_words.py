"""Compiled cross-products in double-double of columns with low words.

Each product is exact (a fused multiply-add gives its error) and each sum is carried as s + c: the Dot2
recurrence of Ogita, Rump & Oishi (2005), SIAM J. Sci. Comput. 26(6), kept as a pair instead of rounded.
Sums run in tiles of 2 x 2 columns, so that each load serves two products, over stretches of STRETCH rows:
longer ones would let the rounding errors of c itself grow, shorter ones would spend the time on folding.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.moments.double_double import across_lanes
from gradline.moments.packing import VECTOR, WORD
from gradline.moments.simd import (
    LANES,
    add,
    address_of,
    load,
    multiply,
    multiply_add,
    multiply_subtract,
    store,
    subtract,
    zero,
)

STRETCH = 256


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def gain(a: Any, a_low: Any, b: Any, b_low: Any, s: Any, c: Any) -> Any:
    """s + c gains (a + a_low)·(b + b_low), without the product of the low words, below 2**-104."""
    p = multiply(a, b)
    e = multiply_add(a_low, b, multiply_add(a, b_low, multiply_subtract(a, b, p)))
    t = add(s, p)
    z = subtract(t, s)
    return t, add(c, add(add(subtract(s, subtract(t, z)), subtract(p, z)), e))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _fold(sums: Any, tile: Any, s: Any, c: Any) -> None:
    """The running pair of vectors number `tile` gains s + c."""
    high = sums + tile * 2 * VECTOR
    low = high + VECTOR
    a = load(high)
    t = add(a, s)
    z = subtract(t, a)
    e = add(add(load(low), add(subtract(a, subtract(t, z)), subtract(s, z))), c)
    total = add(t, e)  # renormalised: a low word left to grow would be rounded more and more coarsely
    store(high, total)
    store(low, subtract(e, subtract(total, t)))


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _zeros_before(high: Any, low: Any, first: Any) -> Any:
    """With how many whole vectors of zeros two columns from `first` on begin, as those of a triangle do."""
    n = high.shape[1]
    row = 0
    while row < n and high[first, row] == high[first + 1, row] == low[first, row] == low[first + 1, row] == 0.0:
        row += 1
    return row // LANES


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cross_products(left: Any, left_low: Any, right: Any, right_low: Any, out: Any) -> None:
    """Set out[0] + out[1] to (left + left_low)·(right + right_low)ᵀ, of which only i <= j is computed and mirrored.

    All four are (p, n), p even and n a multiple of eight; left is right with each row's weight multiplied in.
    """
    p, n = left.shape
    running = np.zeros((p * p, 2 * LANES))
    sums = address_of(running)
    width = n * WORD
    begins, right_begins = np.zeros(p, np.int64), np.zeros(p, np.int64)
    for i in range(0, p, 2):
        begins[i], right_begins[i] = _zeros_before(left, left_low, i), _zeros_before(right, right_low, i)
    for start in range(0, n, STRETCH):
        vectors = min(STRETCH, n - start) // LANES
        for i in range(0, p, 2):
            a = address_of(left) + i * width + start * WORD
            a_low = address_of(left_low) + i * width + start * WORD
            for j in range(i, p, 2):
                first = max(0, max(begins[i], right_begins[j]) - start // LANES)
                if first >= vectors:
                    continue
                b = address_of(right) + j * width + start * WORD
                b_low = address_of(right_low) + j * width + start * WORD
                s00 = s01 = s10 = s11 = zero()
                c00 = c01 = c10 = c11 = zero()
                for v in range(first, vectors):
                    at = v * VECTOR
                    a0, a1 = load(a + at), load(a + width + at)
                    l0, l1 = load(a_low + at), load(a_low + width + at)
                    b0, b1 = load(b + at), load(b + width + at)
                    m0, m1 = load(b_low + at), load(b_low + width + at)
                    s00, c00 = gain(a0, l0, b0, m0, s00, c00)
                    s01, c01 = gain(a0, l0, b1, m1, s01, c01)
                    s10, c10 = gain(a1, l1, b0, m0, s10, c10)
                    s11, c11 = gain(a1, l1, b1, m1, s11, c11)
                _fold(sums, i * p + j, s00, c00)
                _fold(sums, i * p + j + 1, s01, c01)
                _fold(sums, (i + 1) * p + j, s10, c10)
                _fold(sums, (i + 1) * p + j + 1, s11, c11)
    for i in range(p):
        for j in range(i, p):
            hi, lo = across_lanes(running, i * p + j)
            out[0, i, j] = out[0, j, i] = hi
            out[1, i, j] = out[1, j, i] = lo
