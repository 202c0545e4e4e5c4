"""Bringing a stretch of rows into the cache: columns of any stride, float32 or float64, side by side as float64.

Row-major data are transposed four columns at a time, eight rows of them in four registers. A run of columns whose
length is no multiple of four packs some of them twice, which costs less than taking the rest one number at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from gradline.moments.simd import (
    LANES,
    even_lanes,
    high_pairs,
    load,
    load_halves,
    load_one,
    load_one_single,
    load_single_halves,
    load_singles,
    low_pairs,
    odd_lanes,
    prefetch,
    store,
    store_one,
)

WORD = 8
VECTOR = LANES * WORD
_ROW, _COLUMN, _SINGLE = 2, 1, 4  # bits of a step's kind: four columns side by side; contiguous; float32
_FOUR = 4
_LINE = 64  # bytes


def steps(columns: Sequence[NDArray[Any]], targets: Sequence[int] | None = None) -> NDArray[np.int64]:
    """How to pack these float64 or float32 columns, to places 0, 1, 2 … or those given: one row per step.

    A row is kind, column, address, stride in bytes, and what to prefetch for eight rows: the offset of the first
    cache line, the distance to the next and their number.
    """
    places = [
        (column.__array_interface__["data"][0], column.strides[0], _SINGLE if column.itemsize == _FOUR else 0)
        for column in columns
    ]
    numbers = range(len(columns)) if targets is None else targets
    found = []
    at = 0
    while at < len(places):
        address, stride, single = places[at]
        size = columns[at].itemsize
        if stride == size:
            found.append((_COLUMN | single, numbers[at], address, stride, 0, 0, 0))
            at += 1
            continue
        end = at + 1
        while (
            end < len(places)
            and places[end] == (address + (end - at) * size, stride, single)
            and numbers[end] == numbers[at] + end - at
        ):
            end += 1
        kind = _ROW if end - at >= _FOUR else 0
        firsts = [*range(at, end - _FOUR + 1, _FOUR), end - _FOUR] if kind else range(at, end)
        firsts = list(dict.fromkeys(firsts))
        dense = abs(stride) < (end - at) * size + _LINE
        for number, k in enumerate(firsts):
            ahead = (0, stride, LANES)
            if dense:  # eight rows are one piece of memory, shared out among the steps
                lines = -(-LANES * abs(stride) // _LINE)
                low, high = number * lines // len(firsts), (number + 1) * lines // len(firsts)
                sign = 1 if stride > 0 else -1
                shift = places[at][0] - places[k][0]
                ahead = (shift + sign * low * _LINE, sign * _LINE, high - low)
            found.append((kind | single, numbers[k], places[k][0], stride, *ahead))
        at = end
    found.sort(key=lambda step: step[0] & _COLUMN)  # first those that `fetch` is for
    return np.array(found, np.int64).reshape(-1, 7)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def to_fetch(plan: Any) -> Any:
    """How many steps, which stand first, are not contiguous columns."""
    number = 0
    while number < len(plan) and not plan[number, 0] & _COLUMN:
        number += 1
    return number


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def fetch(plan: Any, number: Any, start: Any, at: Any, count: Any) -> Any:
    """Ask memory for part of the stretch from row `start` on, while there is other work: its pieces at … at + count.

    A piece is eight rows of one of the first `number` steps. Reading memory and then computing would take the sum
    of both times. Contiguous columns are not among them: they measured faster when `pack` itself asks for them.
    """
    group = at // max(number, 1)
    step = at - group * number
    for _ in range(count):
        source = plan[step, 2] + (start + group * LANES) * plan[step, 3] + plan[step, 4]
        for k in range(plan[step, 6]):
            prefetch(source + k * plan[step, 5])
        step += 1
        if step == number:
            step = 0
            group += 1
    return at + count


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _transpose(a: Any, b: Any, c: Any, d: Any, target: Any, width: Any) -> None:
    """Rows 0-3 in the low halves of a, b, c, d and rows 4-7 in the high ones become four columns of eight rows."""
    e, f, g, h = even_lanes(a, b), odd_lanes(a, b), even_lanes(c, d), odd_lanes(c, d)
    store(target, low_pairs(e, g))
    store(target + width, low_pairs(f, h))
    store(target + 2 * width, high_pairs(e, g))
    store(target + 3 * width, high_pairs(f, h))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def pack(plan: Any, start: Any, rows: Any, base: Any, width: Any, ahead: Any) -> None:
    """Rows start … start + rows of every column, column k from base + k·width on; zeros up to a whole vector.

    Of contiguous columns it asks memory for what is `ahead` rows further on.
    """
    whole = rows - rows % LANES
    for step in range(len(plan)):
        kind, column, stride = plan[step, 0], plan[step, 1], plan[step, 3]
        source = plan[step, 2] + start * stride
        target = base + column * width
        if kind & _COLUMN:
            if kind & _SINGLE:
                for r in range(0, whole, LANES):
                    prefetch(source + (r + ahead) * stride)
                    store(target + r * WORD, load_singles(source + r * stride))
            else:
                for r in range(0, whole, LANES):
                    prefetch(source + (r + ahead) * stride)
                    store(target + r * WORD, load(source + r * stride))
        elif kind & _ROW:
            half = 4 * stride
            for r in range(0, whole, LANES):
                p0 = source + r * stride
                p1, p2, p3 = p0 + stride, p0 + 2 * stride, p0 + 3 * stride
                if kind & _SINGLE:
                    _transpose(
                        load_single_halves(p0, p0 + half),
                        load_single_halves(p1, p1 + half),
                        load_single_halves(p2, p2 + half),
                        load_single_halves(p3, p3 + half),
                        target + r * WORD,
                        width,
                    )
                else:
                    _transpose(
                        load_halves(p0, p0 + half),
                        load_halves(p1, p1 + half),
                        load_halves(p2, p2 + half),
                        load_halves(p3, p3 + half),
                        target + r * WORD,
                        width,
                    )
        done = whole if kind & (_COLUMN | _ROW) else 0
        size = 4 if kind & _SINGLE else WORD
        for k in range(4 if kind & _ROW else 1):
            for r in range(done, rows):
                at = source + k * size + r * stride
                store_one(target + k * width + r * WORD, load_one_single(at) if kind & _SINGLE else load_one(at))
            for r in range(rows, -(-rows // LANES) * LANES):
                store_one(target + k * width + r * WORD, 0.0)
