"""Categories at speed: a category of 1,000 levels is counts and group sums, never 1,000 columns of zeros and ones.

The product of a feature that is x within one cell of categories, and of one that is z within another, is the sum of
x·z over the rows that lie in both cells. So for each set of categories that meet in some pair of features, the rows
are grouped by the combination of their levels, and the products of the numeric parts are summed in each group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, groupby
from math import prod
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.design.categories import encode
from gradline.design.effects import Effect, Feature, Label
from gradline.doubledouble import Array, Pair, add, two_product
from gradline.errors import DataError
from gradline.moments import slices
from gradline.moments.slices import SMALL

Codes: TypeAlias = NDArray[np.int32]
Part: TypeAlias = int | None
"""A numeric term or target by its number, or None for the constant 1."""

MOST = 20_000
"""Features that a matrix of their products still fits in memory for: 20,000² pairs are 6.4 GB."""

_BITS = 63
_IDENTIFIER = "Is it an identifier? Leave it out, or group its levels."


class Cells(NamedTuple):
    """Sums over the rows of each combination of levels that occurs."""

    keys: NDArray[np.int64]  # (m,) sorted; the levels' codes side by side
    pair: Pair  # each (m, products)

    @staticmethod
    def none() -> Cells:
        """Of no rows."""
        nothing = np.zeros((0, 0))
        return Cells(np.zeros(0, np.int64), (nothing, nothing))


def merged(a: Cells, b: Cells) -> Cells:
    """The sums of both; a combination that one of them lacks counts as zeros."""
    if not len(a.keys) or not len(b.keys):
        return a if len(a.keys) else b
    if np.array_equal(a.keys, b.keys):
        return Cells(a.keys, add(a.pair, b.pair))
    keys = np.union1d(a.keys, b.keys)
    return Cells(keys, add(_spread(a, keys), _spread(b, keys)))


def _spread(cells: Cells, keys: NDArray[np.int64]) -> Pair:
    at = np.searchsorted(keys, cells.keys)
    hi, lo = (np.zeros((len(keys), cells.pair[0].shape[1])) for _ in range(2))
    hi[at], lo[at] = cells.pair
    return hi, lo


class Coded(NamedTuple):
    """The levels of some rows, by numbers of their own."""

    local: Codes  # (n,) -1 where the level is missing
    numbers: Codes  # for each of their own numbers, that of the level in the whole table

    def of(self, rows: slice | NDArray[np.bool_]) -> Coded:
        """Those of some of the rows."""
        return Coded(self.local[rows], self.numbers)


class Levels:
    """The levels of one category in the order in which they were met, by any thread."""

    def __init__(self, found: Sequence[Label] = ()) -> None:
        self._numbers: dict[Label, int] = {label: number for number, label in enumerate(found)}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._numbers)

    def __reduce__(self) -> tuple[type[Levels], tuple[list[Label]]]:
        return Levels, (self.labels,)  # another process has a lock of its own

    @property
    def labels(self) -> list[Label]:
        """All so far."""
        return list(self._numbers)

    def numbers(self, labels: Sequence[Label]) -> NDArray[np.int32]:
        """The number of each label; new ones get the next."""
        with self._lock:
            known = self._numbers
            return np.array([known.setdefault(label, len(known)) for label in labels], np.int32)


class Grouping:
    """Which categories meet, and which numeric products are summed in each of their combinations."""

    def __init__(
        self,
        categories: Sequence[str],
        effects: Sequence[Effect],
        terms: int,
        targets: int,
        logical: Sequence[str] = (),
    ) -> None:
        self.categories = tuple(categories)
        self.logical = frozenset(logical)  # those of truth values
        self.effects = tuple(effects)
        self.terms = terms
        self.levels = [Levels() for _ in categories]
        self.sets: dict[tuple[int, ...], list[tuple[Part, Part]]] = {}
        plain = [Effect(None), *effects, *(Effect(terms + number) for number in range(targets))]
        for one, other in combinations_with_replacement(plain, 2):
            union = _union(one.categories, other.categories)
            product = _product(one.term, other.term)
            if union and product not in self.sets.setdefault(union, []):
                self.sets[union].append(product)
        self.width = _BITS // max(map(len, self.sets), default=1)

    def refuse_too_many(self, levels: Sequence[Sequence[Label]]) -> None:
        """Raise DataError where the matrix of the model would not fit in memory."""
        features = sum(prod(len(levels[number]) for number in effect.categories) for effect in self.effects)
        if features > MOST:
            widest = max(range(len(levels)), key=lambda number: len(levels[number]))
            raise DataError(
                f"the model has {features:,} features, as {self.categories[widest]!r} has {len(levels[widest]):,} "
                f"levels; at most {MOST:,} features fit.\n{_IDENTIFIER}"
            )

    def codes(self, labels: Sequence[Any]) -> list[Coded]:
        """Each row's level, for each category."""
        found = []
        for name, levels, values in zip(self.categories, self.levels, labels, strict=True):
            local, names = encode(values, name in self.logical)
            found.append(Coded(local, self._numbers(name, levels, names)))
        return found

    @staticmethod
    def _numbers(name: str, levels: Levels, labels: Sequence[Label]) -> Codes:
        numbers = levels.numbers(labels)
        if len(levels) > MOST:  # at once, since those of an identifier would fill the memory
            raise DataError(f"{name!r} has more levels than the {MOST:,} features that fit.\n{_IDENTIFIER}")
        return numbers

    def adopted(self, cells: Sequence[Cells], met: Sequence[Sequence[Label]]) -> tuple[Cells, ...]:
        """Sums that another process made, by the numbers that levels have here; `met` are its own, in their order."""
        numbers = [
            self._numbers(name, levels, labels)
            for name, levels, labels in zip(self.categories, self.levels, met, strict=True)
        ]
        found = []
        for union, each in zip(self.sets, cells, strict=True):
            theirs = self.levels_of(each.keys, union)
            keys = np.zeros(len(each.keys), np.int64)
            for number in union:
                keys = self._beside(keys, numbers[number][theirs[number]], self.categories[number])
            order = np.argsort(keys, kind="stable")
            found.append(Cells(keys[order], (each.pair[0][order], each.pair[1][order])))
        return tuple(found)

    def _beside(self, keys: NDArray[np.int64], code: NDArray[Any], name: str) -> NDArray[np.int64]:
        """The keys with the codes of one more category in them."""
        if int(code.max(initial=0)) >> self.width:
            raise DataError(f"category {name!r} has too many levels to be combined with others.\nLeave it out.")
        joint: NDArray[np.int64] = (keys << self.width) | code
        return joint

    def sums(
        self,
        codes: Sequence[Coded],
        hi: Sequence[NDArray[Any]],
        lo: Sequence[NDArray[Any] | None],
        weights: Array | None,
    ) -> tuple[Cells, ...]:
        """The sums of one chunk, all of whose rows are there, for each set of categories."""
        columns = _Columns(hi, lo, weights)
        found = []
        for union, products in self.sets.items():
            if len(union) == 1:  # the rows need no further look at their levels
                local, keys = codes[union[0]].local, codes[union[0]].numbers.astype(np.int64)
            else:
                local, keys = self._combined([codes[number] for number in union], [self.categories[n] for n in union])
            found.append(_summed(local, keys, [columns.product(*product) for product in products]))
        return tuple(found)

    def _combined(self, codes: Sequence[Coded], names: Sequence[str]) -> tuple[Codes, NDArray[np.int64]]:
        """For each row the number of its combination among those that occur, and these."""
        joint = np.zeros(len(codes[0].local), np.int64)
        for (local, numbers), name in zip(codes, names, strict=True):
            joint = self._beside(joint, numbers[local], name)
        top = int(joint.max())
        if top < 4 * len(joint) + 1024:  # counting is faster than sorting
            present = np.zeros(top + 1, bool)
            present[joint] = True
            keys = present.nonzero()[0]
            place = np.cumsum(present, dtype=np.int32) - np.int32(1)
            return place[joint], keys
        keys, found = np.unique(joint, return_inverse=True)
        return found.astype(np.int32), keys

    def present(self, cells: Sequence[Cells]) -> list[list[Label]]:
        """For each category the levels (sorted) of the rows in these sums: not those of dropped rows alone.

        Sums of no rows have all levels that were met.
        """
        found = []
        for number, levels in enumerate(self.levels):
            labels = levels.labels
            # Each of the sets that a category is in is of all rows; the smallest has the fewest combinations.
            union, keys = min(
                ((union, each.keys) for union, each in zip(self.sets, cells, strict=True) if number in union),
                key=lambda pair: len(pair[1]),
            )
            if len(keys):
                labels = [labels[at] for at in np.unique(self.levels_of(keys, union)[number])]
            if len({isinstance(label, str) for label in labels}) > 1:
                raise _mixed(self.categories[number], labels)
            found.append(sorted(labels))
        return found

    def levels_of(self, keys: NDArray[np.int64], union: Sequence[int]) -> dict[int, NDArray[np.int64]]:
        """For each category of a set, the level in each of these combinations."""
        mask = (1 << self.width) - 1
        last = len(union) - 1
        return {
            number: (keys >> (self.width * (last - place))) & (mask if place else -1)
            for place, number in enumerate(union)
        }


class _Columns:
    """Products of numeric parts as pairs, each computed once."""

    def __init__(self, hi: Sequence[NDArray[Any]], lo: Sequence[NDArray[Any] | None], weights: Array | None) -> None:
        self._hi, self._lo, self._weights = hi, lo, weights
        self._known: dict[tuple[Part, Part], tuple[Array, Array | None] | None] = {}

    def product(self, a: Part, b: Part) -> tuple[Array, Array | None] | None:
        """w·a·b; None stands for a column of ones."""
        if (a, b) not in self._known:
            self._known[a, b] = self._times_weight(self._plain(a, b))
        return self._known[a, b]

    def _plain(self, a: Part, b: Part) -> tuple[Array, Array | None] | None:
        if b is None:
            return None
        if a is None:
            low = self._lo[b]
            return np.asarray(self._hi[b], np.float64), low
        left, right = (np.asarray(self._hi[part], np.float64) for part in (a, b))
        high, error = two_product(left, right)
        for one, part in ((left, b), (right, a)):
            low = self._lo[part]
            error = error if low is None else error + one * low
        return high, error

    def _times_weight(self, column: tuple[Array, Array | None] | None) -> tuple[Array, Array | None] | None:
        if self._weights is None:
            return column
        if column is None:
            return self._weights, None
        high, error = two_product(self._weights, column[0])
        return high, error if column[1] is None else error + self._weights * column[1]


def _summed(local: Codes, keys: NDArray[np.int64], columns: Sequence[tuple[Array, Array | None] | None]) -> Cells:
    """The sum of each column over the rows of each combination, of those that rows have."""
    real = [column for column in columns if column is not None]
    if len(local) * (len(real) + 1) <= SMALL:
        hi, lo = slices.grouped(local, len(keys), real)
    else:
        from gradline.moments import kernels

        hi, lo = kernels.grouped(local, len(keys), [high for high, _ in real], [low for _, low in real])
    place = np.zeros(len(columns), np.int64)  # a column of ones is the count, which stands first
    place[[number for number, column in enumerate(columns) if column is not None]] = np.arange(1, len(real) + 1)
    order = np.argsort(keys, kind="stable")
    at = np.ix_(order[hi[order, 0] > 0], place)
    return Cells(keys[at[0][:, 0]], (hi[at], lo[at]))


def _product(a: Part, b: Part) -> tuple[Part, Part]:
    if a is None or b is None:
        return None, b if a is None else a
    return min(a, b), max(a, b)


def assembled(
    dense: Pair,
    cells: Sequence[Cells],
    grouping: Grouping,
    features: Sequence[Feature],
    levels: Sequence[Sequence[Label]],
) -> Pair:
    """The cross-products of the constant, the features and the targets, from numeric ones and group sums.

    Args:
        dense: Cross-products of the constant, the numeric terms and the targets.
        cells: Of each set of the grouping.
        grouping: What was summed.
        features: The features in order.
        levels: Of each category those that rows have, sorted.
    """
    size = 1 + len(features) + len(dense[0]) - 1 - grouping.terms
    hi, lo = np.zeros((size, size)), np.zeros((size, size))
    sums = dict(zip(grouping.sets, cells, strict=True))
    lengths = [len(each) for each in levels]
    places = [_places(met.labels, each) for met, each in zip(grouping.levels, levels, strict=True)]
    for one, other in combinations_with_replacement(list(_groups(features, grouping.terms, size)), 2):
        union, product = _union(one.categories, other.categories), _product(one.part, other.part)
        if union:
            keys, column = sums[union].keys, grouping.sets[union].index(product)
            if not len(keys):  # of no rows
                continue
            met = grouping.levels_of(keys, union)
            found = {number: places[number][codes] for number, codes in met.items()}
            left, right = one.features_in(found, lengths), other.features_in(found, lengths)
            both = (left >= 0) & (right >= 0)
            rows, columns = left[both], right[both]
            values = sums[union].pair[0][both, column], sums[union].pair[1][both, column]
        else:
            rows, columns = one.at, other.at
            a, b = (0 if part is None else 1 + part for part in product)
            values = dense[0][a, b], dense[1][a, b]
        for matrix, value in zip((hi, lo), values, strict=True):
            matrix[rows, columns] = matrix[columns, rows] = value
    return hi, lo


def _mixed(name: str, labels: Sequence[Label]) -> DataError:
    text, number = (next(label for label in labels if isinstance(label, str) == wanted) for wanted in (True, False))
    return DataError(
        f"category {name!r} is text in some rows ({text!r}) and numbers in others ({number!r}).\n"
        "Convert the column to text."
    )


def _places(met: Sequence[Label], levels: Sequence[Label]) -> NDArray[np.int64]:
    """For each level that was met its place among these, -1 where it has none."""
    place = {level: at for at, level in enumerate(levels)}
    return np.array([place.get(level, -1) for level in met], np.int64)


class _Group(NamedTuple):
    """Columns of the matrix with one numeric part, each in its own cell of the same categories."""

    part: Part
    categories: tuple[int, ...]
    at: NDArray[np.int64]  # where they stand
    cells: NDArray[np.int64]  # (columns, categories) their levels

    def features_in(self, levels: dict[int, NDArray[np.int64]], lengths: Sequence[int]) -> NDArray[np.int64]:
        """Where the column for each combination of levels stands, -1 where there is none."""
        size = len(next(iter(levels.values())))
        if not self.categories:
            return np.full(size, self.at[0])
        table = np.full([lengths[number] for number in self.categories], -1, np.int64)
        table[tuple(self.cells.T)] = self.at
        found: NDArray[np.int64] = table[tuple([levels[number] for number in self.categories])]
        return found


def _groups(features: Sequence[Feature], terms: int, size: int) -> Iterator[_Group]:
    alone = np.zeros((1, 0), np.int64)
    yield _Group(None, (), np.zeros(1, np.int64), alone)
    numbered = enumerate(features, 1)
    for (part, categories), run in groupby(numbered, lambda at: (at[1].number, tuple(n for n, _ in at[1].cell))):
        members = list(run)
        cells = np.array([[level for _, level in feature.cell] for _, feature in members], np.int64)
        yield _Group(part, categories, np.array([at for at, _ in members]), cells.reshape(len(members), -1))
    for number, at in enumerate(range(1 + len(features), size)):
        yield _Group(terms + number, (), np.array([at]), alone)


def _union(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted({*a, *b}))
