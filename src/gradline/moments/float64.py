"""Compiled cross-products in float64: tiles of 4 x 4 columns, one fused multiply-add per product.

A stretch of rows is summed lane by lane in registers, then across lanes, and the stretches are added with TwoSum: the
error does not grow with the number of rows. What is here is for narrow tables; `float64_wide` has the others.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from gradline.moments import triangle
from gradline.moments.packing import LINE, VECTOR, WORD, ask, eight, in_eights, pack
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
    store_one,
    subtract,
    zero,
)

TILE = 4
NARROW = 14
"""Tiles across up to which a table is narrow: packing and computing take about as long, so they are done together."""
STRETCH = 64
"""Rows that are packed and computed with together: two stretches fit the first-level cache beside what flows in."""
AHEAD = 2 * STRETCH
"""By how many rows memory is asked for before they are packed."""
SUMS = 4 * LANES  # float64 per tile: 16 sums and their 16 low words

place = nb.njit(inline="always")(triangle.place)


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
def fold(high: Any, low: Any, s: Any) -> None:
    """The sums at `high`, with the low words at `low`, gain s."""
    a = load(high)
    t = add(a, s)
    z = subtract(t, a)
    store(high, t)
    store(low, add(load(low), add(subtract(a, subtract(t, z)), subtract(s, z))))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _run(errand: Any, v: Any, width: Any) -> None:
    """What is done beside the products of one vector: eight rows of a step are packed, and lines asked for."""
    kind, source, stride, target, ahead, wanted, lines = errand
    if kind:
        eight(kind, source + v * LANES * stride, stride, target + v * VECTOR, width, ahead)
    ask(wanted + v * lines * LINE, lines)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def tile(i: Any, j: Any, width: Any, vectors: Any, sums: Any, errand: Any) -> None:
    """The sixteen sums at `sums` gain the products of four columns from i on and four from j on."""
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = zero()
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = zero()
    for v in range(vectors):
        _run(errand, v, width)
        a, b = i + v * VECTOR, j + v * VECTOR
        b0, b1, b2, b3 = load(b), load(b + width), load(b + 2 * width), load(b + 3 * width)
        x = load(a)
        s00, s01 = multiply_add(x, b0, s00), multiply_add(x, b1, s01)
        s02, s03 = multiply_add(x, b2, s02), multiply_add(x, b3, s03)
        x = load(a + width)
        s10, s11 = multiply_add(x, b0, s10), multiply_add(x, b1, s11)
        s12, s13 = multiply_add(x, b2, s12), multiply_add(x, b3, s13)
        x = load(a + 2 * width)
        s20, s21 = multiply_add(x, b0, s20), multiply_add(x, b1, s21)
        s22, s23 = multiply_add(x, b2, s22), multiply_add(x, b3, s23)
        x = load(a + 3 * width)
        s30, s31 = multiply_add(x, b0, s30), multiply_add(x, b1, s31)
        s32, s33 = multiply_add(x, b2, s32), multiply_add(x, b3, s33)
    fold(sums, sums + 2 * VECTOR, _sum_eight(s00, s01, s02, s03, s10, s11, s12, s13))
    fold(sums + VECTOR, sums + 3 * VECTOR, _sum_eight(s20, s21, s22, s23, s30, s31, s32, s33))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def tile_on_diagonal(i: Any, width: Any, vectors: Any, sums: Any, errand: Any) -> None:
    """As tile for four columns with themselves: ten products, not sixteen."""
    s00 = s01 = s02 = s03 = s11 = s12 = s13 = s22 = s23 = s33 = zero()
    for v in range(vectors):
        _run(errand, v, width)
        a = i + v * VECTOR
        a0, a1, a2, a3 = load(a), load(a + width), load(a + 2 * width), load(a + 3 * width)
        s00, s01 = multiply_add(a0, a0, s00), multiply_add(a0, a1, s01)
        s02, s03 = multiply_add(a0, a2, s02), multiply_add(a0, a3, s03)
        s11, s12, s13 = multiply_add(a1, a1, s11), multiply_add(a1, a2, s12), multiply_add(a1, a3, s13)
        s22, s23, s33 = multiply_add(a2, a2, s22), multiply_add(a2, a3, s23), multiply_add(a3, a3, s33)
    fold(sums, sums + 2 * VECTOR, _sum_eight(s00, s01, s02, s03, s01, s11, s12, s13))
    fold(sums + VECTOR, sums + 3 * VECTOR, _sum_eight(s02, s12, s22, s23, s03, s13, s23, s33))


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cross_products(plan: Any, flow: Any, rows: Any, p: Any, chunk: Any, buffer: Any, running: Any, out: Any) -> None:
    """Set the cross-products of each chunk of rows, of the constant 1 and the columns: out (chunks, p(p + 1)/2).

    `plan` and `flow` are the packing.layout of the columns. The rest is room to work in, aligned to a vector and
    zero: running (tiles·(tiles + 1)/2, SUMS), and buffer (2, 4·tiles, STRETCH + 8), for a stretch that is computed
    with and for the next, packed meanwhile.
    """
    tiles, width = buffer.shape[1] // TILE, (STRETCH + LANES) * WORD
    sums, here = address_of(running), address_of(buffer)
    there = here + tiles * TILE * width
    beside = in_eights(plan)
    turns = tiles * (tiles + 1) // 2 * (STRETCH // LANES)
    lines = min(2, -(-STRETCH * flow[1] // (LINE * turns)))
    for number in range(len(out)):
        first = number * chunk
        last = min(rows, first + chunk)
        _ones(there, STRETCH, STRETCH)
        _ones(here, min(STRETCH, last - first), STRETCH)
        pack(plan, first, min(STRETCH, last - first), here + width, width, AHEAD)
        for start in range(first, last, STRETCH):
            following = start + STRETCH
            left = min(STRETCH, last - following)
            vectors = -(-min(STRETCH, last - start) // LANES)
            done, doable = 0, beside if left == STRETCH else 0
            wanted = flow[0] + (following + AHEAD) * flow[1]
            at = sums
            for i in range(tiles):
                for j in range(i, tiles):
                    kind = source = stride = target = 0
                    if done < doable:
                        kind, stride = plan[done, 0], plan[done, 3]
                        source, target = plan[done, 2] + following * stride, there + (1 + plan[done, 1]) * width
                        done += 1
                    errand = kind, source, stride, target, AHEAD, wanted, lines
                    x, y = here + i * TILE * width, here + j * TILE * width
                    if i == j:
                        tile_on_diagonal(x, width, vectors, at, errand)
                    else:
                        tile(x, y, width, vectors, at, errand)
                    at += SUMS * WORD
                    wanted += vectors * lines * LINE
            if left > 0:
                if left < STRETCH:
                    _ones(there, left, STRETCH)
                pack(plan[done:], following, left, there + width, width, AHEAD)
            here, there = there, here
        for i in range(tiles):
            for j in range(i, tiles):
                add_up(running, i, j, tiles, out[number], p)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _ones(base: Any, rows: Any, stretch: Any) -> None:
    """The constant's column: 1 in so many rows, and 0 in the rest of the stretch."""
    for r in range(stretch):
        store_one(base + r * WORD, 1.0 if r < rows else 0.0)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def add_up(running: Any, i: Any, j: Any, tiles: Any, out: Any, p: Any) -> None:
    """The sums of tile (i, j), high and low words together, go to their places in the triangle of (p, p)."""
    found = running[place(i, j, tiles)]
    for row in range(i * TILE, min(p, (i + 1) * TILE)):
        start = place(row, 0, p)
        for column in range(max(row, j * TILE), min(p, (j + 1) * TILE)):
            at = row % TILE * TILE + column % TILE
            out[start + column] = found[at] + found[at + TILE * TILE]
    found[:] = 0.0  # for the next chunk
