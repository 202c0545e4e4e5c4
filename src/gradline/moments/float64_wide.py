"""Compiled cross-products in float64 of many columns, where computing takes all the time there is.

Outer products of eight columns with up to 24, row after row, so that each number that is loaded is used in up to 24
fused multiply-adds. A few rows are summed in registers, these chains in order, and stretches of ten with TwoSum: the
error does not grow with the number of rows. What is stored for next to nothing here, packed rows and running sums, is
asked for while others are computed with.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from gradline.moments.float64 import fold, place
from gradline.moments.packing import VECTOR, WORD
from gradline.moments.panels import ROW, WIDTH, pack
from gradline.moments.simd import LANES, address_of, load, outer_8, outer_16, outer_24, store, zero

CHAIN = 24
"""Rows that are summed in registers."""
STRETCH = 10 * CHAIN
"""Rows that are packed and computed with together."""
BLOCK = 8
"""Panels of a stretch that stay in the second-level cache while all other columns pass by."""
SUMS = 2 * LANES * WIDTH  # of a panel beside eight columns: vectors of sums, each before the one of its low words

_PACE = -(-SUMS * WORD // STRETCH)  # bytes per row of the sums that come next


def units(p: int) -> int:
    """How many pairs of a panel and eight columns the upper triangle of (p, p) takes."""
    return sum(eight // 3 + 1 for eight in range(-(-p // LANES)))


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cross_products(
    plan: Any, flow: Any, rows: Any, p: Any, chunk: Any, halves: Any, share: Any, buffer: Any, running: Any, out: Any
) -> None:
    """Add the cross-products of one half of each chunk of rows, or of both, of the constant 1 and the columns.

    Args:
        plan: With flow, the panels.layout of the columns.
        flow: See plan.
        rows: How many.
        p: How many columns, with the constant.
        chunk: Rows of a chunk.
        halves: The first and the last + 1. They are of whole stretches; two threads can take one each.
        share: (part, parts): of so many parts that share the columns out among them, this one.
        buffer: (panels, STRETCH, WIDTH), whose first column is 1 and all else 0; it and the next aligned to a vector.
        running: (1 + units(p), SUMS) zeros: room for the chains of a pair, then the sums of each.
        out: (chunks, p(p + 1)/2) what gains them: the upper triangle, row by row, but for entries of other shares.
    """
    here, chains, sums = address_of(buffer), address_of(running), address_of(running[1:])
    mine = 0
    for eight in range(-(-p // LANES)):
        if _has(share, eight):
            mine += eight // 3 + 1
    pace = -(-flow[1] // max(mine, 1))
    for number in range(len(out)):
        start, end = number * chunk, min(rows, (number + 1) * chunk)
        middle = min(end, start + -(-(end - start) // (2 * STRETCH)) * STRETCH)
        for half in range(halves[0], halves[1]):
            last = end if half else middle
            for first in range(middle if half else start, last, STRETCH):
                count = min(STRETCH, last - first)
                pack(plan, first, count, here, STRETCH)
                _add_stretch(here, p, count, share, chains, sums, flow[0] + (first + STRETCH) * flow[1], pace)
            for eight in range(-(-p // LANES)):
                if _has(share, eight):
                    for panel in range(eight // 3 + 1):
                        _add_up(running[1 + _unit(eight, panel)], eight, panel, out[number], p)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _add_stretch(here: Any, p: Any, rows: Any, share: Any, chains: Any, sums: Any, wanted: Any, pace: Any) -> None:
    """The sums gain the products of a stretch, while memory is asked for the next one, which starts at `wanted`."""
    eights, size = -(-p // LANES), STRETCH * ROW
    for block in range(0, -(-p // WIDTH), BLOCK):
        for eight in range(3 * block, eights):
            if not _has(share, eight):
                continue
            own = eight // 3
            y = here + own * size + eight % 3 * VECTOR
            for panel in range(block, min(block + BLOCK, own + 1)):
                x, at = here + panel * size, sums + _unit(eight, panel) * SUMS * WORD
                if panel < own or eight % 3 == 2:
                    _gain(x, y, rows, chains, at, 3, wanted, pace)
                elif eight % 3 == 1:
                    _gain(x, y, rows, chains, at, 2, wanted, pace)
                else:
                    _gain(x, y, rows, chains, at, 1, wanted, pace)
                wanted += rows * pace


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _unit(eight: Any, panel: Any) -> Any:
    """The number of a pair: for each eight columns, the panels up to their own."""
    own = eight // 3
    return 3 * own * (own + 1) // 2 + eight % 3 * (own + 1) + panel


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _has(share: Any, eight: Any) -> Any:
    """Whether these columns fall to this part: to and fro, for later ones have more panels before them."""
    part, parts = share
    turn = eight % (2 * parts)
    return turn in (part, 2 * parts - 1 - part)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _gain(x: Any, y: Any, rows: Any, chains: Any, sums: Any, vectors: Any, wanted: Any, pace: Any) -> None:
    """The sums gain the products of so many vectors of a panel, from x on, and eight columns, from y on."""
    for k in range(LANES * vectors):
        store(chains + k * VECTOR, zero())
    for first in range(0, rows, CHAIN):
        a, b, count = x + first * ROW, y + first * ROW, min(CHAIN, rows - first)
        ask, coming = wanted + first * pace, sums + SUMS * WORD + first * _PACE
        if vectors == 3:
            outer_24(a, b, ROW, count, chains, ask, pace, coming, _PACE)
        elif vectors == 2:
            outer_16(a, b, ROW, count, chains, ask, pace, coming, _PACE)
        else:
            outer_8(a, b, ROW, count, chains, ask, pace, coming, _PACE)
    for k in range(LANES * vectors):
        fold(sums + 2 * k * VECTOR, sums + (2 * k + 1) * VECTOR, load(chains + k * VECTOR))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _add_up(found: Any, eight: Any, panel: Any, out: Any, p: Any) -> None:
    """The triangle gains the sums of eight columns beside a panel, high and low words together."""
    vectors = 3 if panel < eight // 3 else eight % 3 + 1
    for row in range(panel * WIDTH, min(p, panel * WIDTH + vectors * LANES)):
        start = place(row, 0, p)
        v, lane = row % WIDTH // LANES, row % LANES
        for column in range(max(row, eight * LANES), min(p, (eight + 1) * LANES)):
            at = (column % LANES * vectors + v) * 2 * LANES + lane
            out[start + column] += found[at] + found[at + LANES]
    found[:] = 0.0  # for the next half
