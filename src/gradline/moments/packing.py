"""Bringing a stretch of rows into the cache: columns of any stride, float32 or float64, side by side as float64.

Row-major data are transposed four columns at a time, eight rows of them in four registers. A run of columns whose
length is no multiple of four packs some of them twice, which costs less than taking the rest one number at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

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
_ROW, COLUMN, SINGLE = 2, 1, 4  # bits of a step's kind: four columns side by side; contiguous; float32
_FOUR = 4  # columns
FLOAT32 = 4  # bytes
LINE = 64  # bytes
_STRETCH = 4_096  # rows


class Layout(NamedTuple):
    """Where columns lie in memory, as compiled code takes it."""

    steps: NDArray[np.int64]
    """How to pack the columns, one row per step: kind, column, address, stride in bytes. Steps that take one number
    at a time are last."""
    stream: tuple[int, int]
    """Address and bytes per row of the widest piece of memory that rows of several columns fill from end to end; an
    address and 0 where there is none."""


def layout(columns: Sequence[NDArray[Any]] | NDArray[Any], targets: Sequence[int] | None = None) -> Layout:
    """The layout of these float64 or float32 columns, to be packed to places 0, 1, 2 … or those given.

    An array (columns, n) takes half of the time of as many arrays.
    """
    numbers = range(len(columns)) if targets is None else targets
    places = where(columns)
    found, pieces = [], runs(places, numbers)
    for first, last in pieces:
        _, stride, size = places[first]
        kind, width = (_ROW, _FOUR) if last - first >= _FOUR else (0, 1)
        if stride == size:
            kind = COLUMN
        if size == FLOAT32:
            kind |= SINGLE
        starts = dict.fromkeys([*range(first, last - width + 1, width), last - width])
        found += [(kind, numbers[at], places[at][0], stride) for at in starts]
    found.sort(key=lambda step: not step[0] & (_ROW | COLUMN))
    return Layout(np.array(found, np.int64).reshape(-1, 4), stream(places, pieces))


def where(columns: Sequence[NDArray[Any]] | NDArray[Any]) -> list[tuple[int, int, int]]:
    """Address, stride and size of a number in bytes, of each column."""
    if isinstance(columns, np.ndarray):
        first, (step, stride) = columns.__array_interface__["data"][0], columns.strides
        return [(first + at * step, stride, columns.itemsize) for at in range(len(columns))]
    return [(column.__array_interface__["data"][0], column.strides[0], column.itemsize) for column in columns]


def stream(places: Sequence[tuple[int, int, int]], pieces: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Layout.stream of columns that lie there, and these runs of them."""
    widest = places[0][0] if places else 0, 0
    for first, last in pieces:
        address, stride, size = places[first]
        if last - first > 1 and widest[1] < stride < (last - first) * size + LINE:
            widest = address, stride
    return widest


def runs(places: Sequence[tuple[int, int, int]], numbers: Sequence[int]) -> list[tuple[int, int]]:
    """First and last + 1 of each run of columns that lie side by side, in memory and in what is packed."""
    found: list[tuple[int, int]] = []
    for at, (address, stride, size) in enumerate(places):
        beside = at and stride != size and places[at - 1] == (address - size, stride, size)
        if beside and numbers[at - 1] == numbers[at] - 1:
            found[-1] = found[-1][0], at + 1
        else:
            found.append((at, at + 1))
    return found


def reordered(columns: Sequence[NDArray[Any]], order: NDArray[np.int64]) -> NDArray[np.float64]:
    """(columns, n) the rows of float64 or float32 columns in another order, each column contiguous, as float64."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    # Columns a power of two apart would share the same cache sets.
    out = np.empty((len(columns), len(order) + LANES))[:, : len(order)]
    _reorder(np.array(where(columns), np.int64), rank, out)
    return out


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def transposed(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Four columns of eight rows become rows 0-3 in the low halves and rows 4-7 in the high ones, and the reverse."""
    e, f, g, h = even_lanes(a, b), odd_lanes(a, b), even_lanes(c, d), odd_lanes(c, d)
    return low_pairs(e, g), low_pairs(f, h), high_pairs(e, g), high_pairs(f, h)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _of_column(source: Any, stride: Any, target: Any, ahead: Any, single: Any) -> None:
    """Eight numbers of one column; memory is asked for what is `ahead` rows further on."""
    prefetch(source + ahead * stride)
    store(target, load_singles(source) if single else load(source))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _of_rows(p0: Any, stride: Any, target: Any, width: Any, single: Any) -> None:
    """Eight rows of four columns."""
    p1, p2, p3, half = p0 + stride, p0 + 2 * stride, p0 + 3 * stride, 4 * stride
    if single:
        a, b = load_single_halves(p0, p0 + half), load_single_halves(p1, p1 + half)
        c, d = load_single_halves(p2, p2 + half), load_single_halves(p3, p3 + half)
    else:
        a, b = load_halves(p0, p0 + half), load_halves(p1, p1 + half)
        c, d = load_halves(p2, p2 + half), load_halves(p3, p3 + half)
    a, b, c, d = transposed(a, b, c, d)
    store(target, a)
    store(target + width, b)
    store(target + 2 * width, c)
    store(target + 3 * width, d)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def eight(kind: Any, source: Any, stride: Any, target: Any, width: Any, ahead: Any) -> None:
    """Eight rows from `source` on of one column, or of four columns `width` apart at the target."""
    if kind & COLUMN:
        if kind & SINGLE:
            _of_column(source, stride, target, ahead, True)
        else:
            _of_column(source, stride, target, ahead, False)
    elif kind & SINGLE:
        _of_rows(source, stride, target, width, True)
    else:
        _of_rows(source, stride, target, width, False)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def ask(address: Any, lines: Any) -> None:
    """Ask memory for so many cache lines from this address on, none, one or two.

    Asking for a stretch's lines evenly, while another is computed with, keeps memory busy all the time; as rows are
    packed it would be in bursts.
    """
    if lines:
        prefetch(address)
        if lines > 1:
            prefetch(address + LINE)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def in_eights(plan: Any) -> Any:
    """How many steps, which stand first, take eight rows at a time."""
    number = 0
    while number < len(plan) and plan[number, 0] & (_ROW | COLUMN):
        number += 1
    return number


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def pack(plan: Any, start: Any, rows: Any, base: Any, width: Any, ahead: Any) -> None:
    """Rows start … start + rows of every column, column k from base + k·width on; zeros up to a whole vector."""
    whole = rows - rows % LANES
    for step in range(len(plan)):
        kind, column, stride = plan[step, 0], plan[step, 1], plan[step, 3]
        source = plan[step, 2] + start * stride
        target = base + column * width
        done = whole if kind & (COLUMN | _ROW) else 0
        # The kind is asked outside of the loop: a column of eight rows is a few instructions.
        if kind & COLUMN and kind & SINGLE:
            for r in range(0, done, LANES):
                _of_column(source + r * stride, stride, target + r * WORD, ahead, True)
        elif kind & COLUMN:
            for r in range(0, done, LANES):
                _of_column(source + r * stride, stride, target + r * WORD, ahead, False)
        elif kind & SINGLE:
            for r in range(0, done, LANES):
                _of_rows(source + r * stride, stride, target + r * WORD, width, True)
        else:
            for r in range(0, done, LANES):
                _of_rows(source + r * stride, stride, target + r * WORD, width, False)
        size = FLOAT32 if kind & SINGLE else WORD
        for k in range(4 if kind & _ROW else 1):
            for r in range(done, rows):
                at = source + k * size + r * stride
                store_one(target + k * width + r * WORD, load_one_single(at) if kind & SINGLE else load_one(at))
            for r in range(rows, -(-rows // LANES) * LANES):
                store_one(target + k * width + r * WORD, 0.0)


@nb.njit("void(int64[:, ::1], int64[::1], float64[:, :])", nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _reorder(places: Any, rank: Any, out: Any) -> None:
    """Rows are read as they lie in memory, a stretch at a time: columns that share a cache line find it again."""
    for start in range(0, len(rank), _STRETCH):
        end = min(start + _STRETCH, len(rank))
        for column in range(len(places)):
            address, stride, size = places[column]
            if size == FLOAT32:
                for i in range(start, end):
                    out[column, rank[i]] = load_one_single(address + i * stride)
            else:
                for i in range(start, end):
                    out[column, rank[i]] = load_one(address + i * stride)
