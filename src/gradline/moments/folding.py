"""Which fold each row is in: by its position, its group, its time, a column that says so, or an array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradline.design.categories import encode
from gradline.design.effects import Label
from gradline.errors import DataError, ShapeError
from gradline.moments.cells import Levels

if TYPE_CHECKING:
    from gradline.design.block import Block

Numbers = NDArray[np.int64]

MOST = 1_000
"""Folds that a column or an array may name: each has a matrix of its own."""


class Folding(Protocol):
    """Which fold each row is in."""

    @property
    def count(self) -> int | None:
        """How many folds there are; None where only the rows can tell."""
        ...

    def of(self, block: Block) -> Numbers:
        """(n,) the fold of each row of the block, from 0."""
        ...


@dataclass(frozen=True)
class ByPosition:
    """Each run of `count` consecutive rows has one row in every fold, in an order hashed from seed and position.

    So folds differ by at most one row, whatever the number of rows, which need not be known.
    """

    count: int
    seed: int

    def of(self, block: Block) -> Numbers:
        """By the rows' positions in the whole table."""
        n, first = len(block.hi[0]), block.first
        start = first - first % self.count
        width = -(-(first + n - start) // self.count) * self.count
        runs = hashed(np.arange(start, start + width, dtype=np.uint64), self.seed).reshape(-1, self.count)
        ranks = np.argsort(np.argsort(runs, axis=1, kind="stable"), axis=1)
        return ranks.ravel()[first - start : first - start + n].astype(np.int64)


@dataclass(frozen=True)
class ByGroup:
    """All rows of a group are in one fold: that which the group was dealt to, else one hashed from seed and group."""

    count: int
    seed: int
    column: str
    dealt: Mapping[Label, int] = field(default_factory=dict)

    def of(self, block: Block) -> Numbers:
        """By the values aside."""
        codes, labels = _labels(block, self.column, "group")
        dealt = self.dealt
        folds = [dealt[each] if each in dealt else group_fold(each, self.count, self.seed) for each in labels]
        return np.array(folds, np.int64)[codes]


@dataclass(frozen=True)
class ByTime:
    """Stretches of time: fold i has the rows from edge i - 1 on, and before edge i."""

    edges: NDArray[Any]  # (count - 1,)
    column: str

    @property
    def count(self) -> int:
        """One more than edges."""
        return len(self.edges) + 1

    def of(self, block: Block) -> Numbers:
        """By the times aside."""
        return between(self.edges, _aside(block))


@dataclass(frozen=True)
class ByLabel:
    """Each value of a column is a fold."""

    column: str
    levels: Levels = field(default_factory=Levels)
    count: int | None = None

    def of(self, block: Block) -> Numbers:
        """By the values aside, numbered as they are met."""
        codes, labels = _labels(block, self.column, "fold")
        return self.numbers(labels)[codes]

    def numbers(self, labels: Sequence[Label]) -> Numbers:
        """The fold that each label names; a new one gets the next number."""
        numbers = self.levels.numbers(labels).astype(np.int64)
        if len(self.levels) > MOST:
            raise DataError(
                f"{self.column!r} names more than {MOST:,} folds, each of which takes a matrix.\n"
                "Name fewer, or use groups=."
            )
        return numbers


@dataclass(frozen=True)
class Given:
    """The fold of each row, as an array in memory has it."""

    numbers: Numbers  # (rows,)
    count: int
    what: str = "folds"

    def of(self, block: Block) -> Numbers:
        """By the rows' positions."""
        last = block.first + len(block.hi[0])
        if last > len(self.numbers):
            raise misfit(self.what, len(self.numbers), f"at least {last}")
        return self.numbers[block.first : last]


def between(edges: NDArray[Any], times: NDArray[Any]) -> Numbers:
    """(n,) which stretch each time is in: 0 before the first edge."""
    return np.searchsorted(edges, times, side="right").astype(np.int64)


def hashed(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Numbers scattered over 64 bits (Steele, Lea & Flood 2014, SplitMix64), differently for each seed.

    >>> hashed(np.arange(2, dtype=np.uint64), 0).tolist()
    [16294208416658607535, 7960286522194355700]
    """
    with np.errstate(over="ignore"):
        start = np.uint64((seed * 0xD1342543DE82EF95) % 2**64)
        z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + start
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def deal(groups: Iterable[Label], count: int, seed: int) -> dict[Label, int]:
    """The fold of each group, dealt out in an order hashed from the seed: folds differ by one group at most.

    >>> deal(["a", "b", "c"], 2, 0)
    {'c': 0, 'a': 1, 'b': 0}
    """
    order = sorted(set(groups), key=lambda group: _group_hash(group, seed))
    return {group: at % count for at, group in enumerate(order)}


def group_fold(label: Label, count: int, seed: int) -> int:
    """The fold of a group where the others are not known yet."""
    return _group_hash(label, seed) % count


def _group_hash(label: Label, seed: int) -> int:
    """The same for a group whatever table it is in; 2024 and 2024.0 are one group."""
    number = isinstance(label, float) and label.is_integer()
    text = f"{'s' if isinstance(label, str) else 'n'}{int(label) if number else label}"
    key = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
    return int(hashed(np.array([key], np.uint64), seed)[0])


def misfit(what: str, given: int, rows: str) -> ShapeError:
    """The error for an array beside rows that it does not fit."""
    return ShapeError(f"{what} has shape ({given},) and the data have {rows} rows.\nGive one value for each row.")


def _aside(block: Block) -> Any:
    [values] = block.asides
    return values[0] if isinstance(values, tuple) else values


def _labels(block: Block, column: str, role: str) -> tuple[NDArray[np.int32], list[Label]]:
    codes, labels = encode(_aside(block))
    if len(codes) and codes.min() < 0:
        raise _gap(block, column, role, int(np.argmax(codes < 0)))
    return codes, labels


def _gap(block: Block, column: str, role: str, row: int) -> DataError:
    return DataError(
        f"{role} column {column!r} in {block.place} has a missing value\n"
        f"at {block.place.row(block.first + row)}. Fill it, or leave such rows out."
    )
