"""Compiled cross-products in float64: tiles of 4 x 4 columns, one fused multiply-add per product.

A stretch of rows is summed lane by lane in registers (chains of 32 additions), then across lanes, and the
stretches are added with TwoSum: the error does not grow with the number of rows.
"""

from __future__ import annotations

from typing import Any

import numba as nb

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
STRETCH = 256
"""Rows that are packed and computed with together, at most."""
NARROW_STRETCH = 64
"""The same for narrow tables, of which two stretches then fit the first-level cache beside what flows through it."""
NARROW = 8
"""Tiles across up to which a table is narrow."""
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
def _run(errand: Any, v: Any, width: Any) -> None:
    """What is done beside the products of one vector: eight rows of a step are packed, and lines asked for."""
    kind, source, stride, target, ahead, wanted, lines = errand
    if kind:
        eight(kind, source + v * LANES * stride, stride, target + v * VECTOR, width, ahead)
    ask(wanted + v * lines * LINE, lines)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _tile(i: Any, j: Any, width: Any, vectors: Any, sums: Any, errand: Any) -> None:
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
    _fold(sums, sums + 2 * VECTOR, _sum_eight(s00, s01, s02, s03, s10, s11, s12, s13))
    _fold(sums + VECTOR, sums + 3 * VECTOR, _sum_eight(s20, s21, s22, s23, s30, s31, s32, s33))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _tile_on_diagonal(i: Any, width: Any, vectors: Any, sums: Any, errand: Any) -> None:
    """As _tile for four columns with themselves: ten products, not sixteen."""
    s00 = s01 = s02 = s03 = s11 = s12 = s13 = s22 = s23 = s33 = zero()
    for v in range(vectors):
        _run(errand, v, width)
        a = i + v * VECTOR
        a0, a1, a2, a3 = load(a), load(a + width), load(a + 2 * width), load(a + 3 * width)
        s00, s01 = multiply_add(a0, a0, s00), multiply_add(a0, a1, s01)
        s02, s03 = multiply_add(a0, a2, s02), multiply_add(a0, a3, s03)
        s11, s12, s13 = multiply_add(a1, a1, s11), multiply_add(a1, a2, s12), multiply_add(a1, a3, s13)
        s22, s23, s33 = multiply_add(a2, a2, s22), multiply_add(a2, a3, s23), multiply_add(a3, a3, s33)
    _fold(sums, sums + 2 * VECTOR, _sum_eight(s00, s01, s02, s03, s01, s11, s12, s13))
    _fold(sums + VECTOR, sums + 3 * VECTOR, _sum_eight(s02, s12, s22, s23, s03, s13, s23, s33))


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cross_products(
    plan: Any, flow: Any, rows: Any, chunk: Any, stretch: Any, share: Any, buffer: Any, running: Any, out: Any
) -> None:
    """Set the cross-products of each chunk of rows, of the constant 1 and the columns: out (chunks, p, p).

    `plan` and `flow` are the packing.layout of the columns; `share` is (part, parts): of so many parts that share the
    blocks of tiles out among them, this one. The rest is room to work in, aligned to a vector: running
    (tiles, tiles, SUMS), and buffer (4·tiles, stretch + 8), or twice as many columns: then the next stretch is packed
    while this one is computed with.
    """
    tiles = len(running)
    sums, width = address_of(running), (stretch + LANES) * WORD
    here = there = address_of(buffer)
    if len(buffer) > tiles * TILE:
        there = here + tiles * TILE * width
    beside = in_eights(plan) if there != here else 0
    turns = tiles * (tiles + 1) // 2 * (stretch // LANES) // share[1]
    lines = min(2, -(-stretch * flow[1] // (LINE * turns)))
    for number in range(len(out)):
        running[:] = 0.0
        first = number * chunk
        last = min(rows, first + chunk)
        _ones(there, stretch, stretch)
        _ones(here, min(stretch, last - first), stretch)
        pack(plan, first, min(stretch, last - first), here + width, width, 2 * stretch)
        for start in range(first, last, stretch):
            following = start + stretch
            left = min(stretch, last - following)
            vectors = -(-min(stretch, last - start) // LANES)
            done, doable = 0, beside if left == stretch else 0
            wanted = flow[0] + (following + min(2 * stretch, STRETCH)) * flow[1]
            for block in range(-(-tiles // BLOCK)):
                if not _has(share, block):
                    continue
                top = min(tiles, (block + 1) * BLOCK)
                for i in range(top):
                    for j in range(max(i, block * BLOCK), top):
                        kind = source = stride = target = 0
                        if done < doable:
                            kind, stride = plan[done, 0], plan[done, 3]
                            source, target = plan[done, 2] + following * stride, there + (1 + plan[done, 1]) * width
                            done += 1
                        errand = kind, source, stride, target, 2 * stretch, wanted, lines
                        x, y = here + i * TILE * width, here + j * TILE * width
                        if i == j:
                            _tile_on_diagonal(x, width, vectors, sums + (i * tiles + j) * SUMS * WORD, errand)
                        else:
                            _tile(x, y, width, vectors, sums + (i * tiles + j) * SUMS * WORD, errand)
                        wanted += vectors * lines * LINE
            if left > 0:
                if left < stretch:
                    _ones(there, left, stretch)
                pack(plan[done:], following, left, there + width, width, 2 * stretch)
            here, there = there, here
        for block in range(-(-tiles // BLOCK)):
            if _has(share, block):
                _add_up(running, block, out[number])


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _ones(base: Any, rows: Any, stretch: Any) -> None:
    """The constant's column: 1 in so many rows, and 0 in the rest of the stretch."""
    for r in range(stretch):
        store_one(base + r * WORD, 1.0 if r < rows else 0.0)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _has(share: Any, block: Any) -> Any:
    """Whether the block falls to this part: to and fro, for later blocks have more tiles."""
    part, parts = share
    turn = block % (2 * parts)
    return turn in (part, 2 * parts - 1 - part)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _add_up(running: Any, block: Any, out: Any) -> None:
    """The sums of a block's columns, high and low words together, both ways round."""
    for j in range(block * BLOCK * TILE, min(len(out), (block + 1) * BLOCK * TILE)):
        for i in range(j + 1):
            at = i % TILE * TILE + j % TILE
            out[i, j] = out[j, i] = (
                running[i // TILE, j // TILE, at] + running[i // TILE, j // TILE, at + TILE * TILE]
            )
