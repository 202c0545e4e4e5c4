"""`eliminate` for large matrices: compiled, in panels of rows, eight columns at a time.

A panel first takes what all earlier panels leave for it, product by product in registers as `moments/kernels.py`
does (an exact product, an exact sum, rounding only in the low word), and is then eliminated within itself. The
order of all additions is fixed by the size alone.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.doubledouble import Array, Pair
from gradline.moments.low_words import gain
from gradline.moments.simd import (
    LANES,
    add,
    address_of,
    broadcast,
    fused,
    load,
    store,
    subtract,
    zero,
)

PANEL = 32  # rows; a multiple of LANES and of 4
_WORD = 8
_VECTOR = LANES * _WORD


def in_vectors(matrix: Pair, columns: int, least: Array, inverse: bool) -> tuple[Pair, Array]:
    """As `elimination.eliminate`; of the targets' block, only the diagonal is right."""
    size = len(matrix[0])
    whole = -(-size // PANEL) * PANEL
    # Rows a power of two apart would share the same cache sets.
    words = np.zeros((2, whole, whole + LANES))
    for word, given in zip(words, matrix, strict=True):
        word[:size, :size] = given
    left = np.zeros(columns)
    _eliminate(words, columns, least, inverse, left)
    return (words[0, :size, :size], words[1, :size, :size]), left


def times(matrix: Pair, vectors: Pair) -> Pair:
    """The product of a symmetric matrix (q, q) and vectors (q, k), each a pair, to 2**-104 of Σ|a|·|b|."""
    rows = np.array([vectors[0].T, vectors[1].T], order="C")
    out = np.zeros(rows.shape)
    _times(np.ascontiguousarray(matrix[0]), np.ascontiguousarray(matrix[1]), rows, out)
    total = out[0] + out[1]
    return total.T, (out[1] - (total - out[0])).T


def dots(a: Pair, b: Pair) -> Pair:
    """(k,) the products of the columns of a and b, pairs (q, k), to q·2**-104 of Σ|a|·|b|."""
    total, low = np.zeros((2, a[0].shape[1]))
    _dots(*a, *b, total, low)
    whole = total + low
    return whole, low - (whole - total)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _take(high: Any, low: Any, s: Any, c: Any) -> None:
    """The pair of vectors at these addresses loses s + c."""
    a = load(high)
    t = subtract(a, s)
    z = subtract(t, a)
    e = add(subtract(subtract(a, subtract(t, z)), add(s, z)), subtract(load(low), c))
    total = add(t, e)
    store(high, total)
    store(low, subtract(e, subtract(total, t)))


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _subtract_rows(
    out: Any, out_low: Any, source: Any, source_low: Any, stride: Any, vectors: Any, factors: Any
) -> None:
    """Panel rows at `out` lose Σ_k factors[·, k, row]·(row k at `source`), over this many vectors of columns.

    `stride` is (that of out, that of source) in bytes; factors is (2, k, PANEL).
    """
    rows = factors.shape[1]
    for v in range(vectors):
        at = v * _VECTOR
        for r in range(0, PANEL, 4):
            s0 = s1 = s2 = s3 = zero()
            c0 = c1 = c2 = c3 = zero()
            for k in range(rows):
                b = load(source + k * stride[1] + at)
                b_low = load(source_low + k * stride[1] + at)
                s0, c0 = gain(broadcast(factors[0, k, r]), broadcast(factors[1, k, r]), b, b_low, s0, c0)
                s1, c1 = gain(broadcast(factors[0, k, r + 1]), broadcast(factors[1, k, r + 1]), b, b_low, s1, c1)
                s2, c2 = gain(broadcast(factors[0, k, r + 2]), broadcast(factors[1, k, r + 2]), b, b_low, s2, c2)
                s3, c3 = gain(broadcast(factors[0, k, r + 3]), broadcast(factors[1, k, r + 3]), b, b_low, s3, c3)
            to, to_low = out + r * stride[0] + at, out_low + r * stride[0] + at
            _take(to, to_low, s0, c0)
            _take(to + stride[0], to_low + stride[0], s1, c1)
            _take(to + 2 * stride[0], to_low + 2 * stride[0], s2, c2)
            _take(to + 3 * stride[0], to_low + 3 * stride[0], s3, c3)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _quotient(a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    """a / b as a pair."""
    q = a / b
    p = q * b
    e = fused(q, b, -p) + q * b_low
    return q, ((a - p) - e + a_low) / b


@nb.njit("void(float64[:, :, ::1], int64, float64[::1], boolean, float64[::1])", nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _eliminate(words: Any, columns: Any, least: Any, inverse: Any, left: Any) -> None:
    """In place, on (2, whole, whole + LANES); left[j] becomes what is left of column j."""
    whole = words.shape[1]
    width = words.shape[2] * _WORD
    base = address_of(words)
    depth = whole * width  # from a high word to its low word
    factors = np.zeros((2, PANEL, PANEL))
    corner = np.zeros((2, PANEL, PANEL))
    strides = (width, width)
    narrow = (width, PANEL * _WORD)
    used = np.zeros(whole, np.bool_)
    for start in range(0, whole, PANEL):
        panel = base + start * width
        words[:, start : start + PANEL, :start] = 0.0
        for before in range(0, min(start, columns), PANEL):
            rows = min(before + PANEL, columns) - before
            for k in range(rows):
                i = before + k
                for r in range(PANEL):
                    factors[0, k, r] = factors[1, k, r] = 0.0
                    if used[i]:
                        j = start + r
                        factors[0, k, r], factors[1, k, r] = _quotient(
                            words[0, i, j], words[1, i, j], words[0, i, i], words[1, i, i]
                        )
            rest = base + before * width
            right = (whole - start) // LANES
            shift = start * _WORD
            some = factors[:, :rows]
            _subtract_rows(
                panel + shift, panel + depth + shift, rest + shift, rest + depth + shift, strides, right, some
            )
            if inverse:
                _subtract_rows(panel, panel + depth, rest, rest + depth, strides, before // LANES, some)
                for k in range(rows):
                    for m in range(k):
                        corner[0, k, m] = words[0, before + k, before + m]
                        corner[1, k, m] = words[1, before + k, before + m]
                    corner[0, k, k] = 1.0
                at = panel + before * _WORD
                square = address_of(corner)
                low = square + PANEL * PANEL * _WORD
                _subtract_rows(at, at + depth, square, low, narrow, PANEL // LANES, some)
                corner[0, 0, 0] = 1.0  # the array is still in use: Numba frees it after the last use that it can see
        for j in range(start, min(start + PANEL, columns)):
            pivot, pivot_low = words[0, j, j], words[1, j, j]
            left[j] = pivot
            used[j] = pivot > least[j]
            if not used[j]:
                words[:, j + 1 : start + PANEL, j] = 0.0
                continue
            words[0, j, j], words[1, j, j] = 1.0, 0.0  # the identity's, for the rows below
            first = 0 if inverse else j // LANES * LANES
            row = base + j * width
            for m in range(j + 1, start + PANEL):
                ratio, ratio_low = _quotient(words[0, j, m], words[1, j, m], pivot, pivot_low)
                words[0, m, j] = words[1, m, j] = 0.0
                a, a_low = broadcast(ratio), broadcast(ratio_low)
                to = base + m * width
                for c in range(first * _WORD, whole * _WORD, _VECTOR):
                    s, e = gain(a, a_low, load(row + c), load(row + depth + c), zero(), zero())
                    _take(to + c, to + depth + c, s, e)
            words[0, j, j], words[1, j, j] = pivot, pivot_low


@nb.njit("void(float64[:, ::1], float64[:, ::1], float64[:, :, ::1], float64[:, :, ::1])", nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _times(hi: Any, lo: Any, rows: Any, out: Any) -> None:
    """out (2, k, q), zeros, becomes the products of the symmetric matrix (q, q) and rows (2, k, q)."""
    q = hi.shape[0]
    for i in range(q):
        row, row_low = hi[i], lo[i]
        for t in range(rows.shape[1]):
            b, b_low = rows[0, t, i], rows[1, t, i]
            total, low = out[0, t], out[1, t]
            for j in range(q):  # sums that do not wait for each other
                a, before = row[j], total[j]
                p = a * b
                e = fused(a, b, -p) + (a * b_low + row_low[j] * b)
                s = before + p
                z = s - before
                low[j] += ((before - (s - z)) + (p - z)) + e
                total[j] = s


@nb.njit(
    "void(float64[:, :], float64[:, :], float64[:, :], float64[:, :], float64[::1], float64[::1])",
    nogil=True,
    cache=True,
)  # type: ignore[untyped-decorator]
def _dots(hi: Any, lo: Any, other: Any, other_low: Any, total: Any, low: Any) -> None:
    """total + low (k,), zeros, become the products of the columns of two pairs (q, k)."""
    for i in range(hi.shape[0]):
        for j in range(hi.shape[1]):
            a, b, before = hi[i, j], other[i, j], total[j]
            p = a * b
            e = fused(a, b, -p) + (a * other_low[i, j] + lo[i, j] * b)
            s = before + p
            z = s - before
            low[j] += ((before - (s - z)) + (p - z)) + e
            total[j] = s
