"""Compiled cross-products in float64: tiles of 4 x 4 columns, one fused multiply-add per product.

A stretch of rows is summed lane by lane in registers (chains of 32 additions), then across lanes, and the
stretches are added with TwoSum: the error does not grow with the number of rows.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from gradline.moments.packing import VECTOR, WORD, fetch, pack, to_fetch
from gradline.moments.simd import (
    LANES,
    add,
    address_of,
    even_lanes,
    high_halves,
    high_pairs,
    load,
    low_halves,
    low_pairs,
    multiply_add,
    odd_lanes,
    store,
    subtract,
    zero,
)

TILE = 4
STRETCH = 256
WIDTH = (STRETCH + LANES) * WORD  # columns a power of two apart would share the same cache sets
BLOCK = 16  # tiles: 64 columns of a stretch, which stay in the second-level cache while all others pass by
SUMS = 4 * LANES  # float64 per tile: 16 sums and their 16 low words


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _sum_four(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Half sums: lanes 0-3 of each of the four, then lanes 4-7 of each."""
    e, f = add(even_lanes(a, b), odd_lanes(a, b)), add(even_lanes(c, d), odd_lanes(c, d))
    return add(low_pairs(e, f), high_pairs(e, f))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _sum_eight(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
    """The sum of the lanes of each of the eight."""
    x, y = _sum_four(a, b, c, d), _sum_four(e, f, g, h)
    return add(low_halves(x, y), high_halves(x, y))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _fold(high: Any, low: Any, s: Any) -> None:
    """The sums at `high`, with the low words at `low`, gain s."""
    a = load(high)
    t = add(a, s)
    z = subtract(t, a)
    store(high, t)
    store(low, add(load(low), add(subtract(a, subtract(t, z)), subtract(s, z))))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _tile(i: Any, j: Any, vectors: Any, sums: Any) -> None:
    """The sixteen sums at `sums` gain the products of four columns from i on and four from j on."""
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = zero()
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = zero()
    for v in range(vectors):
        a, b = i + v * VECTOR, j + v * VECTOR
        b0, b1, b2, b3 = load(b), load(b + WIDTH), load(b + 2 * WIDTH), load(b + 3 * WIDTH)
        x = load(a)
        s00, s01, s02, s03 = (
            multiply_add(x, b0, s00),
            multiply_add(x, b1, s01),
            multiply_add(x, b2, s02),
            multiply_add(x, b3, s03),
        )
        x = load(a + WIDTH)
        s10, s11, s12, s13 = (
            multiply_add(x, b0, s10),
            multiply_add(x, b1, s11),
            multiply_add(x, b2, s12),
            multiply_add(x, b3, s13),
        )
        x = load(a + 2 * WIDTH)
        s20, s21, s22, s23 = (
            multiply_add(x, b0, s20),
            multiply_add(x, b1, s21),
            multiply_add(x, b2, s22),
            multiply_add(x, b3, s23),
        )
        x = load(a + 3 * WIDTH)
        s30, s31, s32, s33 = (
            multiply_add(x, b0, s30),
            multiply_add(x, b1, s31),
            multiply_add(x, b2, s32),
            multiply_add(x, b3, s33),
        )
    _fold(sums, sums + 2 * VECTOR, _sum_eight(s00, s01, s02, s03, s10, s11, s12, s13))
    _fold(sums + VECTOR, sums + 3 * VECTOR, _sum_eight(s20, s21, s22, s23, s30, s31, s32, s33))


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cross_products(
    plan: Any, rows: Any, chunk: Any, part: Any, parts: Any, buffer: Any, running: Any, out: Any
) -> None:
    """Set the cross-products of each chunk of rows, of the constant 1 and the columns, of those blocks that part has.

    out is (chunks, p, p); running is (tiles, tiles, SUMS) and buffer (4·tiles, WIDTH in words), aligned to a vector.
    """
    p = out.shape[1]
    tiles = running.shape[0]
    base, sums = address_of(buffer), address_of(running)
    scattered = to_fetch(plan)
    pieces = scattered * (STRETCH // LANES)
    quota = -(-pieces * parts * 2 // (tiles * (tiles + 1)))
    for number in range(out.shape[0]):
        running[:] = 0.0
        first = number * chunk
        last = min(rows, first + chunk)
        for start in range(first, last, STRETCH):
            m = min(STRETCH, last - start)
            if start == first or m < STRETCH:
                for r in range(STRETCH):
                    buffer[0, r] = 1.0 if r < m else 0.0
            pack(plan, start, m, base + WIDTH, WIDTH, 2 * STRETCH)
            vectors = -(-m // LANES)
            asked = 0
            for block in range(-(-tiles // BLOCK)):
                turn = block % (2 * parts)
                if turn != part and turn != 2 * parts - 1 - part:
                    continue
                end = min(tiles, (block + 1) * BLOCK)
                for i in range(end):
                    for j in range(max(i, block * BLOCK), end):
                        asked = fetch(plan, scattered, start + 2 * STRETCH, asked, min(quota, pieces - asked))
                        _tile(
                            base + i * TILE * WIDTH,
                            base + j * TILE * WIDTH,
                            vectors,
                            sums + (i * tiles + j) * SUMS * WORD,
                        )
        for block in range(-(-tiles // BLOCK)):
            turn = block % (2 * parts)
            if turn != part and turn != 2 * parts - 1 - part:
                continue
            for j in range(block * BLOCK * TILE, min(p, (block + 1) * BLOCK * TILE)):
                for i in range(j + 1):
                    at = i % TILE * TILE + j % TILE
                    total = running[i // TILE, j // TILE, at] + running[i // TILE, j // TILE, at + TILE * TILE]
                    out[number, i, j] = out[number, j, i] = total
