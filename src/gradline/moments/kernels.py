"""Compiled cross-products of columns in double-double.

Each product is exact (a fused multiply-add gives its error) and each sum is carried as s + c: the Dot2
recurrence of Ogita, Rump & Oishi (2005), SIAM J. Sci. Comput. 26(6), kept as a pair instead of rounded.
Sums run in tiles of 2 x 2 columns, so that each load serves two products, over stretches of STRETCH rows:
longer ones would let the rounding errors of c itself grow, shorter ones would spend the time on folding.

Column addresses come in as numbers, so one compiled function serves every layout without a copy of the data.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.doubledouble import Array, Pair
from gradline.moments.simd import (
    LANES,
    add,
    address_of,
    load,
    load_one,
    multiply,
    multiply_add,
    multiply_subtract,
    store,
    subtract,
    zero,
)

STRETCH = 256
_PADDED = STRETCH + LANES  # columns a power of two apart would share the same cache sets
_WORD = 8
_VECTOR = LANES * _WORD


def narrow(columns: list[Array], chunk: int) -> Pair:
    """The pairs (c, p, p) of each chunk of so many rows."""
    n = len(columns[0])
    parts = [_one([np.asarray(c[i : i + chunk], np.float64) for c in columns]) for i in range(0, n, chunk)]
    return np.array([hi for hi, _ in parts]), np.array([lo for _, lo in parts])


def plain(columns: list[Array], chunk: int) -> Array:
    """As narrow, in float64."""
    hi, lo = narrow(columns, chunk)
    return hi + lo


def grouped(codes: Any, cells: int, columns: Any, lows: Any) -> Pair:
    """Sums by code."""
    from gradline.moments import slices

    return slices.grouped(codes, cells, list(zip(columns, lows, strict=True)))


def _one(columns: list[Array]) -> Pair:
    """The pair of cross-products of these float64 columns, each (n,) of any stride, after the constant 1."""
    out = np.zeros((2, len(columns) + 1, len(columns) + 1))
    addresses = np.array([column.ctypes.data for column in columns], np.int64)
    strides = np.array([column.strides[0] for column in columns], np.int64)
    cross_products(addresses, strides, len(columns[0]), out)
    return out[0], out[1]


def wide(left: Array, left_low: Array, right: Array, right_low: Array) -> Pair:
    """The pair (left + left_low)ᵀ(right + right_low), each (n, p), symmetric up to the weight of each row."""
    n, p = left.shape
    even = p + (p & 1)
    sides = np.zeros((4, even, -(-n // LANES) * LANES + LANES))
    for side, matrix in zip(sides, (left, left_low, right, right_low), strict=True):
        side[:p, :n] = matrix.T
    out = np.zeros((2, even, even))
    wide_cross_products(*sides, out)
    return out[0, :p, :p], out[1, :p, :p]


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _accumulate(a: Any, b: Any, s: Any, c: Any) -> Any:
    """s + c gains a·b: exact product, exact sum, rounded only in c."""
    p = multiply(a, b)
    e = multiply_subtract(a, b, p)
    t = add(s, p)
    z = subtract(t, s)
    return t, add(c, add(add(subtract(s, subtract(t, z)), subtract(p, z)), e))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _accumulate_wide(a: Any, a_low: Any, b: Any, b_low: Any, s: Any, c: Any) -> Any:
    """s + c gains (a + a_low)·(b + b_low), without the product of the low words, below 2**-104."""
    p = multiply(a, b)
    e = multiply_add(a_low, b, multiply_add(a, b_low, multiply_subtract(a, b, p)))
    t = add(s, p)
    z = subtract(t, s)
    return t, add(c, add(add(subtract(s, subtract(t, z)), subtract(p, z)), e))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _fold(sums: Any, tile: Any, s: Any, c: Any) -> None:
    """The running pair of vectors number `tile` gains s + c."""
    high = sums + tile * 2 * _VECTOR
    low = high + _VECTOR
    a = load(high)
    t = add(a, s)
    z = subtract(t, a)
    e = add(add(load(low), add(subtract(a, subtract(t, z)), subtract(s, z))), c)
    total = add(t, e)  # renormalised: a low word left to grow would be rounded more and more coarsely
    store(high, total)
    store(low, subtract(e, subtract(total, t)))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _across_lanes(running: Any, tile: Any, out: Any, i: Any, j: Any) -> None:
    """The eight lanes of one running pair, added into out[0, i, j] + out[1, i, j].

    It takes the array itself, not its address: Numba frees an array after the last use that it can see.
    """
    hi = lo = 0.0
    for lane in range(LANES):
        x = running[tile, lane]
        t = hi + x
        z = t - hi
        lo += ((hi - (t - z)) + (x - z)) + running[tile, LANES + lane]
        hi = t
    total = hi + lo
    out[0, i, j] = out[0, j, i] = total
    out[1, i, j] = out[1, j, i] = lo - (total - hi)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _pack(address: Any, stride: Any, rows: Any, buffer: Any, column: Any) -> None:
    """One stretch of one column, side by side, with zeros up to a whole vector."""
    for r in range(rows):
        buffer[column, r] = load_one(address + r * stride)
    for r in range(rows, -(-rows // LANES) * LANES):
        buffer[column, r] = 0.0


@nb.njit("void(int64[::1], int64[::1], int64, float64[:, :, ::1])", nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cross_products(addresses: Any, strides: Any, rows: Any, out: Any) -> None:
    """Set out[0] + out[1] to the cross-products of the constant 1 and the columns.

    `addresses` and `strides` (bytes) give each float64 column; out is (2, p, p) with p = columns + 1.
    """
    columns = len(addresses)
    p = columns + 1
    even = p + (p & 1)
    buffer = np.zeros((even, _PADDED))
    base = address_of(buffer)
    pointers = np.empty(even, np.int64)
    running = np.zeros((even * even, 2 * LANES))
    sums = address_of(running)
    for start in range(0, rows, STRETCH):
        m = min(STRETCH, rows - start)
        whole = m % LANES == 0
        for k in range(even):
            pointers[k] = base + k * _PADDED * _WORD
        for k in range(columns):
            at = addresses[k] + start * strides[k]
            if strides[k] == _WORD and whole:
                pointers[k] = at
            else:
                _pack(at, strides[k], m, buffer, k)
        if start == 0 or m < STRETCH:
            for r in range(_PADDED):
                buffer[columns, r] = 1.0 if r < m else 0.0
        vectors = -(-m // LANES)
        for i in range(0, even, 2):
            i0, i1 = pointers[i], pointers[i + 1]
            for j in range(i, even, 2):
                j0, j1 = pointers[j], pointers[j + 1]
                s00 = s01 = s10 = s11 = zero()
                c00 = c01 = c10 = c11 = zero()
                if i == j:
                    for v in range(vectors):
                        a0, a1 = load(i0 + v * _VECTOR), load(i1 + v * _VECTOR)
                        s00, c00 = _accumulate(a0, a0, s00, c00)
                        s01, c01 = _accumulate(a0, a1, s01, c01)
                        s11, c11 = _accumulate(a1, a1, s11, c11)
                else:
                    for v in range(vectors):
                        a0, a1 = load(i0 + v * _VECTOR), load(i1 + v * _VECTOR)
                        b0, b1 = load(j0 + v * _VECTOR), load(j1 + v * _VECTOR)
                        s00, c00 = _accumulate(a0, b0, s00, c00)
                        s01, c01 = _accumulate(a0, b1, s01, c01)
                        s10, c10 = _accumulate(a1, b0, s10, c10)
                        s11, c11 = _accumulate(a1, b1, s11, c11)
                    _fold(sums, (i + 1) * even + j, s10, c10)
                _fold(sums, i * even + j, s00, c00)
                _fold(sums, i * even + j + 1, s01, c01)
                _fold(sums, (i + 1) * even + j + 1, s11, c11)
    for i in range(p):
        for j in range(i, p):
            _across_lanes(running, i * even + j, out, (i + 1) % p, (j + 1) % p)


@nb.njit(
    "void(float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, :, ::1])",
    nogil=True,
    cache=True,
)  # type: ignore[untyped-decorator]
def wide_cross_products(left: Any, left_low: Any, right: Any, right_low: Any, out: Any) -> None:
    """Set out[0] + out[1] to (left + left_low)·(right + right_low)ᵀ, of which only i <= j is computed and mirrored.

    All four are (p, n), p even and n a multiple of eight; left is right with each row's weight multiplied in.
    """
    p, n = left.shape
    running = np.zeros((p * p, 2 * LANES))
    sums = address_of(running)
    width = n * _WORD
    for start in range(0, n, STRETCH):
        vectors = min(STRETCH, n - start) // LANES
        for i in range(0, p, 2):
            a = address_of(left) + i * width + start * _WORD
            a_low = address_of(left_low) + i * width + start * _WORD
            for j in range(i, p, 2):
                b = address_of(right) + j * width + start * _WORD
                b_low = address_of(right_low) + j * width + start * _WORD
                s00 = s01 = s10 = s11 = zero()
                c00 = c01 = c10 = c11 = zero()
                for v in range(vectors):
                    at = v * _VECTOR
                    a0, a1 = load(a + at), load(a + width + at)
                    l0, l1 = load(a_low + at), load(a_low + width + at)
                    b0, b1 = load(b + at), load(b + width + at)
                    m0, m1 = load(b_low + at), load(b_low + width + at)
                    s00, c00 = _accumulate_wide(a0, l0, b0, m0, s00, c00)
                    s01, c01 = _accumulate_wide(a0, l0, b1, m1, s01, c01)
                    s10, c10 = _accumulate_wide(a1, l1, b0, m0, s10, c10)
                    s11, c11 = _accumulate_wide(a1, l1, b1, m1, s11, c11)
                _fold(sums, i * p + j, s00, c00)
                _fold(sums, i * p + j + 1, s01, c01)
                _fold(sums, (i + 1) * p + j, s10, c10)
                _fold(sums, (i + 1) * p + j + 1, s11, c11)
    for i in range(p):
        for j in range(i, p):
            _across_lanes(running, i * p + j, out, i, j)
