"""Compiled parts of sums by cluster: numbering keys as they are met, and adding rows of whole numbers to a table."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.moments.packing import LINE, WORD
from gradline.moments.simd import address_of, prefetch

_AHEAD = 16  # rows whose place in the table is asked for before its turn comes


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _slot(key: Any, slots: Any, keys: Any) -> Any:
    """Where the key's number stands, or an empty slot; the key's bits are mixed as in SplitMix64."""
    z = np.uint64(key)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    at = np.int64((z ^ (z >> np.uint64(31))) & np.uint64(len(slots) - 1))
    while slots[at] and keys[slots[at] - 1] != key:
        at = (at + 1) & (len(slots) - 1)
    return at


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def place(keys: Any, count: Any, slots: Any) -> None:
    """Put the numbers of the first so many keys into empty slots: a power of two, at least twice as many."""
    for number in range(count):
        slots[_slot(keys[number], slots, keys)] = number + 1


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def number(wanted: Any, keys: Any, count: Any, slots: Any, out: Any) -> Any:
    """Set out (n,) to the number of each wanted key; new ones get the next. How many there are then.

    `keys` has room for n more, and there are at least twice as many slots.
    """
    for row in range(len(wanted)):
        key = wanted[row]
        at = _slot(key, slots, keys)
        if not slots[at]:
            keys[count] = key
            count += 1
            slots[at] = count
        out[row] = slots[at] - 1
    return count


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def whole(scores: Any, scale: Any, out: Any) -> None:
    """Set out (n, q) to the scores (q, n) times the scale, rounded."""
    for first in range(0, out.shape[0], 64):
        last = min(first + 64, out.shape[0])
        for column in range(len(scores)):
            for row in range(first, last):
                out[row, column] = np.int64(np.rint(scores[column, row] * scale))


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def gather(numbers: Any, rows: Any, table: Any) -> None:
    """table[numbers[i]] gains row i, and one in its last column."""
    width = rows.shape[1]
    base, size = address_of(table), table.shape[1] * WORD
    n = len(numbers)
    for row in range(n):
        ahead = base + numbers[min(row + _AHEAD, n - 1)] * size
        for line in range(0, size + LINE - 1, LINE):
            prefetch(ahead + line)
        goal = table[numbers[row]]
        for column in range(width):
            goal[column] += rows[row, column]
        goal[width] += 1
