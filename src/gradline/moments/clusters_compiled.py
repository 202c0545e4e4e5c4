"""Compiled parts of sums by cluster: numbering keys as they are met, and adding rows of whole numbers to a table."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.moments.packing import LINE, WORD
from gradline.moments.simd import address_of, prefetch

_AHEAD = 16  # rows whose place in the table is asked for before its turn comes
_TOGETHER = 64  # keys whose slots are asked for before any is looked at; rows that are rounded before they are added


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _home(key: Any, slots: Any) -> Any:
    """The slot from which on the key is looked for; its bits are mixed as in SplitMix64."""
    z = np.uint64(key)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((z ^ (z >> np.uint64(31))) & np.uint64(len(slots) - 1))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _slot(at: Any, key: Any, slots: Any, keys: Any) -> Any:
    """Where from its home on the key's number stands, or an empty slot."""
    while slots[at] and keys[slots[at] - 1] != key:
        at = (at + 1) & (len(slots) - 1)
    return at


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def place(keys: Any, count: Any, slots: Any) -> None:
    """Put the numbers of the first so many keys into empty slots: a power of two, at least twice as many."""
    for number in range(count):
        slots[_slot(_home(keys[number], slots), keys[number], slots, keys)] = number + 1


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def number(wanted: Any, keys: Any, count: Any, slots: Any, out: Any) -> Any:
    """Set out (n,) to the number of each wanted key; new ones get the next. How many there are then.

    `keys` has room for n more, and there are at least twice as many slots.
    """
    homes = np.empty(_TOGETHER, np.int64)
    for first in range(0, len(wanted), _TOGETHER):
        some = min(_TOGETHER, len(wanted) - first)
        for row in range(some):
            homes[row] = _home(wanted[first + row], slots)
            prefetch(address_of(slots) + homes[row] * slots.itemsize)
        for row in range(some):
            prefetch(address_of(keys) + max(slots[homes[row]] - 1, 0) * WORD)
        for row in range(some):
            key = wanted[first + row]
            at = _slot(homes[row], key, slots, keys)
            if not slots[at]:
                keys[count] = key
                count += 1
                slots[at] = count
            out[first + row] = slots[at] - 1
    return count


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def gather(numbers: Any, scores: Any, scales: Any, table: Any) -> None:
    """table[numbers[i]] gains row i of the scores (width, n), times the scales (width,) and rounded; and a row."""
    width = len(scores)
    base, size = address_of(table), table.shape[1] * WORD
    n = len(numbers)
    whole = np.ones((_TOGETHER, width + 1), np.int64)
    for first in range(0, n, _TOGETHER):
        some = min(_TOGETHER, n - first)
        for column in range(width):
            here, scale = scores[column, first : first + some], scales[column]
            for row in range(some):
                whole[row, column] = np.int64(np.rint(here[row] * scale))
        for row in range(some):
            ahead = base + numbers[min(first + row + _AHEAD, n - 1)] * size
            for line in range(0, size + LINE - 1, LINE):
                prefetch(ahead + line)
            goal, gain = table[numbers[first + row]], whole[row]
            for column in range(width + 1):
                goal[column] += gain[column]
