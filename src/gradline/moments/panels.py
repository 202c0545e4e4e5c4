"""Bringing a stretch of rows into the cache for outer products: row after row, in panels of 24 columns.

A panel holds the stretch's rows of its columns, as float64. Columns that lie side by side in memory are copied eight
at a time, and what two such eights share twice. Contiguous columns are transposed, four at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from gradline.moments.packing import COLUMN, FLOAT32, SINGLE, WORD, Layout, runs, stream, transposed, where
from gradline.moments.simd import (
    LANES,
    load,
    load_one,
    load_one_single,
    load_singles,
    prefetch,
    store,
    store_halves,
    store_one,
)

WIDTH = 3 * LANES
"""Columns of a panel."""
ROW = WIDTH * WORD
"""Bytes of a panel's row."""
_EIGHT, _FOUR = 16, 8  # more bits of a step's kind: eight columns side by side; one of four contiguous columns


def layout(columns: Sequence[NDArray[Any]] | NDArray[Any], apart: int) -> Layout:
    """The layout of these float64 or float32 columns in panels so many bytes apart; steps say where they go in bytes.

    The first place of the first panel is the constant's.
    """
    places, numbers = where(columns), range(1, 1 + len(columns))
    found, pieces = [], runs(places, numbers)
    for first, last in pieces:
        _, stride, size = places[first]
        kind = (COLUMN if stride == size else 0) | (SINGLE if size == FLOAT32 else 0)
        for panel in range(numbers[first] // WIDTH, numbers[last - 1] // WIDTH + 1):
            start, end = max(numbers[first], panel * WIDTH), min(numbers[last - 1] + 1, (panel + 1) * WIDTH)
            eights = [*range(start, end - LANES + 1, LANES), end - LANES] if end - start >= LANES else []
            for place in dict.fromkeys(eights) or range(start, end):
                target = panel * apart + place % WIDTH * WORD
                found.append((kind | _EIGHT if eights else kind, target, places[place - 1][0], stride))
        four = found[-4:]
        if [step[:2] for step in four] == [(kind | COLUMN, target - k * WORD) for k in (3, 2, 1, 0)]:
            found[-4:] = [(kind | _FOUR, *step[1:]) for step in four]
    found.sort(key=lambda step: -(step[0] & (_EIGHT | _FOUR)))
    return Layout(np.array(found, np.int64).reshape(-1, 4), stream(places, pieces))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def pack(plan: Any, start: Any, rows: Any, base: Any, ahead: Any) -> None:
    """Rows start … start + rows of every column, to panels from base on.

    Where rows of several columns do not lie side by side, memory is asked for what is `ahead` rows further on.
    """
    eights = 0
    while eights < len(plan) and plan[eights, 0] & _EIGHT:
        eights += 1
    for r in range(rows):
        for step in range(eights):
            target, source = base + plan[step, 1] + r * ROW, plan[step, 2] + (start + r) * plan[step, 3]
            store(target, load_singles(source) if plan[step, 0] & SINGLE else load(source))
    whole = rows - rows % LANES
    step = eights
    while step < len(plan) and plan[step, 0] & _FOUR:
        target = base + plan[step, 1]
        if plan[step, 0] & SINGLE:
            _of_four(plan[step : step + 4], start, whole, target, ahead, True)
        else:
            _of_four(plan[step : step + 4], start, whole, target, ahead, False)
        step += 4
    for number in range(eights, len(plan)):
        stride, single = plan[number, 3], plan[number, 0] & SINGLE
        target, source = base + plan[number, 1], plan[number, 2] + start * stride
        for r in range(whole if number < step else 0, rows):
            at = source + r * stride
            prefetch(at + ahead * stride)
            store_one(target + r * ROW, load_one_single(at) if single else load_one(at))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _of_four(steps: Any, start: Any, rows: Any, target: Any, ahead: Any, single: Any) -> None:
    """Rows start … start + rows of four contiguous columns, eight rows at a time."""
    size = FLOAT32 if single else WORD
    p0, p1, p2, p3 = steps[0, 2], steps[1, 2], steps[2, 2], steps[3, 2]
    for r in range(0, rows, LANES):
        offset = (start + r) * size
        for p in (p0, p1, p2, p3):
            prefetch(p + offset + ahead * size)
        if single:
            a, b, c, d = (
                load_singles(p0 + offset),
                load_singles(p1 + offset),
                load_singles(p2 + offset),
                load_singles(p3 + offset),
            )
        else:
            a, b, c, d = load(p0 + offset), load(p1 + offset), load(p2 + offset), load(p3 + offset)
        a, b, c, d = transposed(a, b, c, d)
        here, half = target + r * ROW, LANES // 2 * ROW
        store_halves(here, here + half, a)
        store_halves(here + ROW, here + ROW + half, b)
        store_halves(here + 2 * ROW, here + 2 * ROW + half, c)
        store_halves(here + 3 * ROW, here + 3 * ROW + half, d)
