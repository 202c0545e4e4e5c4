"""Compiled cross-products in double-double, at four operations per product instead of Dot2's ten.

A sum s that starts at a number larger than all that follows, its bias, can be continued exactly:

    t = s + a·b        one fused multiply-add, rounded to a multiple of s's last bit
    q = t - s          exact, for t lies between s/2 and 2·s
    r = a·b - q        the part of a·b below that bit, rounded to 53 digits of its own
    c = c + r

so that Σ a·b = (s - bias) + c. This is the extraction of Rump, Ogita & Oishi (2008), SIAM J. Sci. Comput. 31(1),
with the product inside. The bias of columns i and j is 2·|i|·|j|, where |i| is at least the norm of the lane's part
of column i: by Cauchy and Schwarz no partial sum of products exceeds half the bias, so s + a·b never falls below s/2.
The bias costs one multiplication per pair and stretch of rows, the norms one per number.

The error per lane and stretch is some 2**-102 of the product of the two norms. Where squares underflow a norm is too
small and q may be rounded: by 2**-53 of numbers below 1e-154, nothing beside a column whose own sum is above 1e-250.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from gradline.moments.packing import LINE, VECTOR, WORD, pack
from gradline.moments.simd import (
    LANES,
    add,
    address_of,
    broadcast,
    load,
    multiply,
    multiply_add,
    multiply_subtract,
    prefetch,
    square_root,
    store,
    subtract,
    zero,
)

STRETCH = 128  # rows: the bias grows with them and so does the last bit of s; shorter ones spend the time on folding
WIDTH = (STRETCH + LANES) * WORD  # columns a power of two apart would share the same cache sets
GROUP = 4  # vectors after which c starts again, before its own roundings add up
_FACTOR = 2.0 * (1.0 + 2.0**-30)  # of the squared norm: room for its own rounding


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _gain(a: Any, b: Any, s: Any, c: Any) -> Any:
    """(s, c) gains a·b, as above."""
    t = multiply_add(a, b, s)
    return t, add(c, multiply_subtract(a, b, subtract(t, s)))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _fold(sums: Any, pair: Any, bias: Any, s: Any, c: Any, one: Any) -> None:
    """The running pair of that number gains s - bias + c.

    Half of the additions are multiply-adds with 1, which the compiler must not know: they run on other units.
    """
    high = sums + pair * 2 * VECTOR
    low = high + VECTOR
    s = multiply_subtract(s, one, bias)
    a = load(high)
    t = add(a, s)
    z = multiply_subtract(t, one, a)
    e = add(multiply_subtract(a, one, subtract(t, z)), multiply_subtract(s, one, z))
    e = add(multiply_add(load(low), one, e), c)
    total = add(t, e)  # renormalised: a low word left to grow would be rounded more and more coarsely
    store(high, total)
    store(low, subtract(e, multiply_subtract(total, one, t)))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def across_lanes(running: Any, tile: Any) -> Any:
    """The pair that is the sum of the eight lanes of one running pair.

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
    return total, lo - (total - hi)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _norms(base: Any, columns: Any, vectors: Any, norms: Any) -> None:
    """The square root of twice each lane's sum of squares, or a little more, for every column."""
    for k in range(columns):
        at = base + k * WIDTH
        even = odd = zero()
        for v in range(0, vectors, 2):  # the vector after the last one is zero
            x, y = load(at + v * VECTOR), load(at + (v + 1) * VECTOR)
            even, odd = multiply_add(x, x, even), multiply_add(y, y, odd)
        square = multiply(add(even, odd), broadcast(_FACTOR))
        store(norms + k * VECTOR, square_root(square))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _tile(i: Any, j: Any, vectors: Any, u: Any, w: Any, sums: Any, below: Any, one: Any) -> None:
    """The running pairs at `sums` gain the products of two columns from i on and two from j on, norms at u and w."""
    u0, u1, w0, w1 = load(u), load(u + VECTOR), load(w), load(w + VECTOR)
    bias00, bias01, bias10, bias11 = multiply(u0, w0), multiply(u0, w1), multiply(u1, w0), multiply(u1, w1)
    s00, s01, s10, s11 = bias00, bias01, bias10, bias11
    c00 = c01 = c10 = c11 = zero()
    for group in range(0, vectors, GROUP):
        d00 = d01 = d10 = d11 = zero()
        for v in range(group, min(group + GROUP, vectors)):
            a0, a1 = load(i + v * VECTOR), load(i + WIDTH + v * VECTOR)
            b0, b1 = load(j + v * VECTOR), load(j + WIDTH + v * VECTOR)
            s00, d00 = _gain(a0, b0, s00, d00)
            s01, d01 = _gain(a0, b1, s01, d01)
            s10, d10 = _gain(a1, b0, s10, d10)
            s11, d11 = _gain(a1, b1, s11, d11)
        c00, c01, c10, c11 = add(c00, d00), add(c01, d01), add(c10, d10), add(c11, d11)
    _fold(sums, 0, bias00, s00, c00, one)
    _fold(sums, 1, bias01, s01, c01, one)
    _fold(sums, below, bias10, s10, c10, one)
    _fold(sums, below + 1, bias11, s11, c11, one)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _tile_on_diagonal(i: Any, vectors: Any, u: Any, sums: Any, below: Any, one: Any) -> None:
    """As _tile for two columns with themselves: three products, not four."""
    u0, u1 = load(u), load(u + VECTOR)
    bias00, bias01, bias11 = multiply(u0, u0), multiply(u0, u1), multiply(u1, u1)
    s00, s01, s11 = bias00, bias01, bias11
    c00 = c01 = c11 = zero()
    for group in range(0, vectors, GROUP):
        d00 = d01 = d11 = zero()
        for v in range(group, min(group + GROUP, vectors)):
            a0, a1 = load(i + v * VECTOR), load(i + WIDTH + v * VECTOR)
            s00, d00 = _gain(a0, a0, s00, d00)
            s01, d01 = _gain(a0, a1, s01, d01)
            s11, d11 = _gain(a1, a1, s11, d11)
        c00, c01, c11 = add(c00, d00), add(c01, d01), add(c11, d11)
    _fold(sums, 0, bias00, s00, c00, one)
    _fold(sums, 1, bias01, s01, c01, one)
    _fold(sums, below + 1, bias11, s11, c11, one)


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cross_products(
    plan: Any, flow: Any, rows: Any, chunk: Any, buffer: Any, norms: Any, running: Any, unit: Any, out: Any
) -> None:
    """Set out[0] + out[1], each (chunks, p, p), to the cross-products of the constant 1 and the columns by chunk.

    `plan` and `flow` are the packing.layout of the columns. The rest is room to work in, aligned to a
    vector: with q = p rounded up to an even number, buffer (q, WIDTH / 8) and norms (q, 8), both zero, and
    running (q·q, 16); unit is 1.
    """
    p, q = out.shape[2], len(norms)
    base, sizes, sums = address_of(buffer), address_of(norms), address_of(running)
    one = broadcast(unit)
    lines = -(-STRETCH * flow[1] * 8 // (LINE * max(q * (q - 2), 1)))  # to ask for with each tile
    for number in range(out.shape[1]):
        running[:] = 0.0
        first = number * chunk
        last = min(rows, first + chunk)
        for start in range(first, last, STRETCH):
            m = min(STRETCH, last - start)
            vectors = -(-m // LANES)
            if start == first or m < STRETCH:
                buffer[:] = 0.0
                buffer[0, :m] = 1.0
            pack(plan, start, m, base + WIDTH, WIDTH, 2 * STRETCH)
            _norms(base, p, vectors, sizes)
            wanted = flow[0] + (start + 2 * STRETCH) * flow[1]
            for i in range(0, q, 2):
                at, u, line = base + i * WIDTH, sizes + i * VECTOR, sums + i * q * 2 * VECTOR
                _tile_on_diagonal(at, vectors, u, line + i * 2 * VECTOR, q, one)
                for j in range(i + 2, q, 2):
                    for _ in range(lines):
                        prefetch(wanted)
                        wanted += LINE
                    w = sizes + j * VECTOR
                    _tile(at, base + j * WIDTH, vectors, u, w, line + j * 2 * VECTOR, q, one)
        for i in range(p):
            for j in range(i, p):
                hi, lo = across_lanes(running, i * q + j)
                out[0, number, i, j] = out[0, number, j, i] = hi
                out[1, number, i, j] = out[1, number, j, i] = lo
