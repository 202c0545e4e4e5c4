"""Sums of scores by cluster, however many there are, in whole numbers: the order of adding is no matter.

z is orthonormal in the weights ω, so by the inequality of Cauchy and Schwarz Σ|ω·z·e| over any rows is at most
√(Σ ω·z²)·√(Σ ω·e²) = √RSS. Scores in units of √RSS/2⁶⁰ therefore never leave 64 bits, and what rounding them takes
away is averaged out: with 10⁹ rows a score still has 30 bits, and their sum of squares 45.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.design.categories import encode
from gradline.doubledouble import Array
from gradline.errors import DataError
from gradline.moments.cells import Levels
from gradline.moments.meats import products
from gradline.moments.one_pass import in_order, processors
from gradline.sources import CHUNK

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.moments.kernels import Scores

Numbers = NDArray[np.int64]

_BITS = 60
_FIRST = 2**12
_MORE = 2**18
"""Clusters that a table grows by at most: doubling it would take twice the memory that it needs."""
_MOST = 2**28
"""Numbers in a table for CR2: 2 GB."""
_TOGETHER = 2**22
"""Numbers of the matrices that clusters are adjusted with at a time."""
_ALONE = 1e-12
"""What is left of a direction that a cluster determines alone."""
_HALF = 0xFFFFFFFF
_NOTHING = 2**40
"""The first row without a value, where there is none: more than there are rows."""


class _Keys:
    """Whole numbers, numbered as they are met."""

    def __init__(self) -> None:
        self._keys = np.zeros(_FIRST, np.int64)
        self._slots = np.zeros(2 * _FIRST, np.int32)
        self.count = 0

    @property
    def keys(self) -> Numbers:
        """All so far, in the order of their numbers."""
        return self._keys[: self.count]

    def numbers(self, keys: Numbers) -> Numbers:
        """The number of each."""
        from gradline.moments import clusters_compiled as compiled

        needed = self.count + len(keys)
        if needed > len(self._keys):
            size = 1 << (needed - 1).bit_length()
            self._keys = np.concatenate([self.keys, np.zeros(size - self.count, np.int64)])
            self._slots = np.zeros(2 * size, np.int32)
            compiled.place(self._keys, self.count, self._slots)
        found = np.empty(len(keys), np.int64)
        self.count = compiled.number(np.ascontiguousarray(keys), self._keys, self.count, self._slots, found)
        return found


class Column:
    """The clusters of one column, numbered as they are met by any thread."""

    def __init__(self, name: str, whole: bool) -> None:
        """`whole`: the values are integers of 64 bits, which float64 cannot tell apart."""
        self.name = name
        self._whole = whole
        self._keys = _Keys()
        self._levels = Levels()
        self._lock = Lock()

    def numbers(self, values: Any) -> Numbers:
        """The cluster (n,) of each row, -1 where it is missing; numbers, or labels as those of a category."""
        if not isinstance(values, np.ndarray):
            codes, labels = encode(values)
            return np.append(self._levels.numbers(labels), -1)[codes].astype(np.int64)
        missing = np.isnan(values) if values.dtype.kind == "f" else None
        there = values if missing is None else values[~missing]
        # -0.0 and 0.0 are one cluster.
        keys = there.astype(np.int64) if self._whole else (there.astype(np.float64) + 0.0).view(np.int64)
        with self._lock:
            found = self._keys.numbers(keys)
        if missing is None:
            return found
        spread = np.full(len(values), -1, np.int64)
        spread[~missing] = found
        return spread

    def in_order(self) -> Numbers:
        """(clusters,) the numbers in the order of what they stand for, in which no thread has a say."""
        if len(self._levels):
            labels = self._levels.labels
            return np.array(sorted(range(len(labels)), key=lambda at: (isinstance(labels[at], str), labels[at])))
        order: Numbers = np.argsort(self._keys.keys)
        return order


class _Table:
    """Sums by cluster: of whole numbers, and of rows."""

    def __init__(self, width: int, most: int | None) -> None:
        self._sums = np.zeros((0, width + 1), np.int64)
        self._most = most
        self._lock = Lock()

    def gain(self, numbers: Numbers, rows: Array, scales: Array) -> None:
        """Add rows (width, n), times scales (width,) and rounded, to the sums of their clusters."""
        from gradline.moments import clusters_compiled as compiled

        top = int(numbers.max(initial=-1)) + 1
        with self._lock:
            have, width = self._sums.shape
            if self._most is not None and top * width > self._most:
                raise DataError(
                    f"CR2 keeps {width:,} numbers for each of {top:,} clusters or more: too many.\n"
                    'Use kind="CR1", which differs little where clusters are many.'
                )
            if top > have:
                size = max(top, min(2 * have, have + _MORE))
                self._sums = np.concatenate([self._sums, np.zeros((size - have, width), np.int64)])
            compiled.gather(numbers, rows, scales, self._sums)

    def present(self, order: Numbers) -> Numbers:
        """All clusters in this order, without those that have no rows."""
        there = np.zeros(len(order), bool)
        counts = self._sums[: len(order), -1]
        there[: len(counts)] = counts > 0
        return order[there[order]]

    def sums(self, numbers: Numbers) -> Numbers:
        """(clusters, width) of these."""
        return self._sums[numbers, :-1]


class Found(NamedTuple):
    """What clusters of one kind say."""

    middle: Array  # (k, q, q)
    clusters: int


class Clusters:
    """Rows that are independent of all but those in the same cluster; with two columns, in the same of either."""

    power = 0
    squared = False

    def __init__(self, columns: Sequence[Column], scale: Array, q: int, adjusted: bool = False) -> None:
        """For these one or two columns.

        Args:
            columns: One or two.
            scale: (k,) 1/√RSS of each target; 0 where nothing is left.
            q: How many scores each target has.
            adjusted: Whether residuals are adjusted for the leverage of their cluster (CR2): q²/2 more numbers each.
        """
        self.design = adjusted
        self.summed = False
        self._columns = tuple(columns)
        self._scale = scale
        self._q = q
        self._pairs = _Keys()
        self._lock = Lock()
        width = len(scale) * q + adjusted * q * (q + 1) // 2
        self._tables = [_Table(width, _MOST if adjusted else None) for _ in range(2 * len(columns) - 1)]

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """The cluster of each row in each column, that of both columns, and the rows' numbers."""
        numbers = [column.numbers(values) for column, values in zip(self._columns, block.asides, strict=True)]
        if len(numbers) > 1:
            with self._lock:
                there = (numbers[0] >= 0) & (numbers[1] >= 0)
                pairs = np.full(len(there), -1)
                pairs[there] = self._pairs.numbers((numbers[0] << 32 | numbers[1])[there])
                numbers.append(pairs)
        return (*numbers, np.arange(block.first, block.first + len(block.hi[0])))

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> list[tuple[int, int]]:
        """Take in these rows. For each column, how many of them have no value there, and the first of those."""
        values = scores.values
        *numbers, rows = labels
        lacking = [np.flatnonzero(each < 0) for each in numbers[: len(self._columns)]]
        gaps = [(len(each), int(rows[each[0]]) if len(each) else _NOTHING) for each in lacking]
        if any(count for count, _ in gaps):
            return gaps  # what is left of the pass counts them
        k, q, n = len(self._scale), self._q, values.shape[2]
        parts, scales = values[:k].reshape(k * q, n), np.repeat(self._scale * 2.0**_BITS, q)
        if self.design:
            z = values[-1]
            parts = np.concatenate([parts, *[z[j] * z[: j + 1] for j in range(q)]])
            scales = np.append(scales, np.full(len(parts) - k * q, 2.0**_BITS))
        for table, each in zip(self._tables, numbers, strict=True):
            table.gain(each, parts, scales)
        return gaps

    def merge(self, a: list[tuple[int, int]], b: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Both together."""
        return [(m + n, min(i, j)) for (m, i), (n, j) in zip(a, b, strict=True)]

    def total(self, gaps: list[tuple[int, int]], place: str) -> list[Found]:
        """What the clusters of each column say, and with two columns those of both.

        Raises:
            DataError: a column lacks values, or has one cluster only.
        """
        for column, (count, first) in zip(self._columns, gaps, strict=True):
            if count:
                values = "a missing value" if count == 1 else f"{count:,} missing values, the first"
                raise DataError(
                    f"cluster column {column.name!r} in {place} has {values} at row {first}\n"
                    "(the first row is 0). Fill it, or leave such rows out."
                )
        sorts = [column.in_order() for column in self._columns]
        if len(sorts) > 1:
            pairs = self._pairs.keys
            first, second = _ranks(sorts[0])[pairs >> 32], _ranks(sorts[1])[pairs & _HALF]
            sorts.append(np.argsort(first * len(sorts[1]) + second))
        orders = [table.present(order) for table, order in zip(self._tables, sorts, strict=True)]
        for column, order in zip(self._columns, orders, strict=False):
            if len(order) < 2:
                raise DataError(
                    f"cluster column {column.name!r} in {place} has one cluster only; two are needed at least.\n"
                    'For independent rows use se="HC3".'
                )
        return [
            Found(self._middle(table, order), len(order)) for table, order in zip(self._tables, orders, strict=True)
        ]

    def _middle(self, table: _Table, order: Numbers) -> Array:
        """(k, q, q) the products of the sums of each cluster, in this order."""
        k, q = len(self._scale), self._q
        step = max(1, min(CHUNK, _TOGETHER // q**2)) if self.design else CHUNK

        def middle(first: int) -> Array:
            sums = np.asarray(table.sums(order[first : first + step]) * 2.0**-_BITS, np.float64)
            scores = np.ascontiguousarray(sums[:, : k * q].T).reshape(k, q, -1)
            return products(_adjusted(scores, sums[:, k * q :]) if self.design else scores)

        total = np.zeros((k, q, q))
        for part in in_order(middle, iter(range(0, len(order), step)), processors()):
            total += part
        back = np.where(self._scale > 0, self._scale, np.inf)
        return np.asarray(total / back[:, None, None] ** 2)


def _ranks(order: Numbers) -> Numbers:
    """The place of each number in this order."""
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def _adjusted(scores: Array, above: Array) -> Array:
    """The scores (k, q, clusters) times (1 - S)^(-1/2), S the products (clusters, q·(q + 1)/2) of the cluster's z.

    The residuals of a cluster are wanted times (1 - Z·Zᵀ)^(-1/2), Z (rows, q); since Zᵀ·f(Z·Zᵀ) = f(Zᵀ·Z)·Zᵀ, its
    scores can be multiplied instead. A direction that a cluster determines alone is left out of both.
    """
    q = scores.shape[1]
    inner = np.zeros((len(above), q, q))
    rows, columns = np.tril_indices(q)
    inner[:, rows, columns] = inner[:, columns, rows] = -above
    inner[:, np.arange(q), np.arange(q)] += 1.0
    values, vectors = np.linalg.eigh(inner)
    powers = np.where(values > _ALONE, np.maximum(values, _ALONE) ** -0.5, 0.0)
    turned = np.einsum("gij,kig->kgj", vectors, scores) * powers
    return np.ascontiguousarray(np.einsum("gij,kgj->kig", vectors, turned))
