"""What one chunk of rows contributes: cross-products and counts, without the rows that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.design.block import Block
from gradline.design.effects import Label
from gradline.doubledouble import Array, Pair, add, two_product
from gradline.errors import DataError
from gradline.moments import slices
from gradline.moments.cells import Cells, Coded, Grouping, merged
from gradline.moments.slices import SMALL
from gradline.moments.triangle import diagonal, packed, places, unpacked
from gradline.sources import CHUNK
from gradline.sources.rows import Place, infinite_value

SMALLEST = 1e-250
"""A sum of squares below which the errors of its products, 2**-106 of it and less, leave float64's range."""

_NOTHING: NDArray[np.bool_] = np.zeros(0, bool)


class Sums(NamedTuple):
    """What one chunk, or several added up, contribute."""

    pair: Pair  # each (p, p), the constant 1 first; in float64 the triangle, (p(p + 1)/2,)
    rows: int
    used: int
    missing: NDArray[np.int64]  # (d + k + categories,) how many rows lack each
    log_weights: float = 0.0  # Σ log w
    constant: tuple[float | None, ...] = ()  # the value of each target where all rows share it
    cells: tuple[Cells, ...] = ()  # of each of the grouping's sets of categories


@dataclass(frozen=True, slots=True)
class Summing:
    """How the chunks of one problem are summed."""

    names: tuple[str, ...]
    """Of the numeric terms, the targets and the categories."""
    targets: int
    missing: str
    """"drop" or "error"."""
    frequency: bool
    """Whether weights say how many rows a row stands for."""
    grouping: Grouping | None
    double: bool
    """Double-double; else float64."""
    threads: int = 1
    """Among how many threads to share out a chunk, for wide tables of few chunks."""
    weights: str | None = None
    """How an error calls the column of the weights."""
    small: int = SMALL
    """Numbers in a chunk up to which no compiled code is loaded."""

    @property
    def size(self) -> int:
        """p: the constant, the numeric terms and the targets."""
        return 1 + len(self.names) - (0 if self.grouping is None else len(self.grouping.categories))

    def nothing(self, rows: int = 0, missing: NDArray[np.int64] | None = None) -> Sums:
        """What rows contribute of which none can be used."""
        zero = np.zeros((self.size, self.size) if self.double else places(self.size))
        sets = 0 if self.grouping is None else len(self.grouping.sets)
        counts = np.zeros(len(self.names), np.int64) if missing is None else missing
        return Sums((zero, zero), rows, 0, counts, 0.0, (None,) * self.targets, (Cells.none(),) * sets)

    def merge(self, a: Sums, b: Sums) -> Sums:
        """Both together."""
        pair = add(a.pair, b.pair) if self.double else _single(a.pair[0] + b.pair[0])
        return Sums(
            pair=pair,
            rows=a.rows + b.rows,
            used=a.used + b.used,
            missing=a.missing + b.missing,
            log_weights=a.log_weights + b.log_weights,
            constant=_shared(a, b),
            cells=tuple([merged(one, other) for one, other in zip(a.cells, b.cells, strict=True)]),
        )

    @property
    def met(self) -> list[list[Label]]:
        """The levels of each category by their numbers, which stand in sums."""
        return [] if self.grouping is None else [levels.labels for levels in self.grouping.levels]

    def adopted(self, sums: Sums, met: Sequence[Sequence[Label]]) -> Sums:
        """Sums that another process made, in which the numbers are those of the levels that it met."""
        return sums if self.grouping is None else sums._replace(cells=self.grouping.adopted(sums.cells, met))

    def chunks(self, block: Block) -> Iterator[Sums]:
        """The sums of each chunk of CHUNK rows in the block, in order."""
        rows = len(block.hi[0])
        codes = [] if self.grouping is None else self.grouping.codes(block.labels)
        whole = rows - rows % CHUNK
        if whole == CHUNK == rows or not whole:
            yield self.chunk(block, codes)
            return
        pairs = None
        if block.weights is None and not any(low is not None for low in block.lo):
            with np.errstate(invalid="ignore", over="ignore"):
                pairs = self._dense(cut(block, 0, whole))
        for number, first in enumerate(range(0, rows, CHUNK)):
            last = min(first + CHUNK, rows)
            known = None if pairs is None or last - first < CHUNK else (pairs[0][number], pairs[1][number])
            yield self.chunk(cut(block, first, last), [code.of(slice(first, last)) for code in codes], known)

    def _complete(self, block: Block, pair: Pair, cells: tuple[Cells, ...] = ()) -> Sums:
        """The sums of rows that are all there."""
        rows = len(block.hi[0])
        counts = np.zeros(len(self.names), np.int64)
        return Sums(pair, rows, rows, counts, 0.0, _constants(block, self.targets), cells)

    def chunk(self, block: Block, codes: Sequence[Coded], known: Pair | None = None) -> Sums:
        """The sums of one chunk; only where they, perhaps known already, are not finite is each row looked at."""
        rows = len(block.hi[0])
        if block.weights is None and all(code.local.min(initial=0) >= 0 for code in codes):
            with np.errstate(invalid="ignore", over="ignore"):
                pair = known or self._cross_products(block)
            squares = self.squares(pair[0])
            listed = squares.tolist()
            if sum(listed) < inf:
                if min(listed) < SMALLEST:
                    refuse_underflow(block, squares, self.names)
                cells = () if self.grouping is None else self.grouping.sums(codes, block.hi, block.lo, None)
                return self._complete(block, pair, cells)
        keep, counts = _usable(block, codes, self)
        if not keep.any():
            return self.nothing(rows, counts)
        if not keep.all():
            codes = [code.of(keep) for code in codes]
            block = Block(
                first=block.first,
                hi=tuple(column[keep] for column in block.hi),
                lo=tuple(None if low is None else low[keep] for low in block.lo),
                weights=None if block.weights is None else block.weights[keep],
                place=block.place,
            )
        with np.errstate(invalid="ignore", over="ignore"):
            pair = self._cross_products(block)
        squares = self.squares(pair[0])
        finite = np.isfinite(squares) & np.isfinite(self.squares(pair[1]))
        if not finite.all():
            raise too_large(self.names[max(int(np.argmin(finite)) - 1, 0)], block.place)
        refuse_underflow(block, squares, self.names)
        weights = None if block.weights is None else np.asarray(block.weights, np.float64)
        log_weights = 0.0 if weights is None or self.frequency else float(np.log(weights).sum())
        cells = () if self.grouping is None else self.grouping.sums(codes, block.hi, block.lo, weights)
        used = len(block.hi[0])
        return Sums(pair, rows, used, counts, log_weights, _constants(block, self.targets), cells)

    def squares(self, sums: Array) -> Array:
        """(p,) the diagonal of one word of a pair."""
        return sums.diagonal() if self.double else sums[diagonal(self.size)]

    def whole(self, pair: Pair) -> Pair:
        """The pair as matrices (p, p)."""
        hi, lo = pair
        if self.double:
            return pair
        if not lo.any():
            return _single(unpacked(hi, self.size))
        return unpacked(hi, self.size), unpacked(lo, self.size)

    def _cross_products(self, block: Block) -> Pair:
        """The sums of one chunk, the constant 1 first. Which code computes them depends on the size alone."""
        wide = block.weights is not None or any(low is not None for low in block.lo)
        if len(block.hi[0]) * (len(block.hi) + 1) <= self.small:
            left, right = _sides(block) if wide else (_columns(block.hi), None)
            pair = slices.cross_products(left, left if right is None else right)
        elif wide:
            from gradline.moments import kernels

            left, right = _sides(block)
            pair = kernels.wide(*left, *(left if right is None else right))
        else:
            hi, lo = self._dense(block)
            return hi[0], lo[0]
        return pair if self.double else (packed(pair[0]), packed(pair[1]))

    def _dense(self, block: Block) -> Pair:
        """The sums of plain columns, for each chunk."""
        from gradline.moments import kernels

        columns = [plain(column) for column in block.hi]
        if self.double:
            return kernels.narrow(columns, CHUNK)
        return _single(kernels.plain(columns, CHUNK, self.threads))


def _single(sums: Array) -> Pair:
    """Sums without low words."""
    return sums, np.broadcast_to(0.0, sums.shape)


def refuse_underflow(block: Block, squares: Array, names: Sequence[str]) -> None:
    """Squares below float64's range would make a column of small numbers look like zeros."""
    for name, column, square in zip(names, block.hi, squares[1:], strict=False):
        if square < SMALLEST and column.any():
            raise too_small(name, block.place)


def too_large(name: str, place: Place) -> DataError:
    """The error for a column whose squares overflow."""
    return DataError(
        f"column {name!r} in {place} has numbers too large to be squared in float64.\n"
        "Divide it by a power of ten first."
    )


def too_small(name: str, place: Place) -> DataError:
    """The error for a column whose squares underflow."""
    return DataError(
        f"column {name!r} in {place} has numbers too small to be squared in float64.\n"
        "Multiply it by a power of ten first."
    )


def missing_value(name: str, place: Place, row: int) -> DataError:
    """The error for a missing value where none may be."""
    return DataError(
        f'column {name!r} in {place} has a missing value at {place.row(row)}.\nFill it, or use missing="drop".'
    )


def bad_weight(name: str | None, place: Place, row: int, value: object) -> DataError:
    """The error for a weight that is negative, infinite or missing."""
    return DataError(
        f"the weight in column {name!r} of {place} is {value} at {place.row(row)}.\n"
        "A weight is a finite number, 0 or more; 0 leaves the row out."
    )


def cut(block: Block, first: int, last: int) -> Block:
    """Some of the rows of a block, as views."""
    rows = slice(first, last)
    return Block(
        first=block.first + first,
        hi=tuple([column[rows] for column in block.hi]),
        lo=tuple([None if low is None else low[rows] for low in block.lo]),
        weights=None if block.weights is None else block.weights[rows],
        place=block.place,
        labels=tuple([values[rows] for values in block.labels]),
    )


def _shared(a: Sums, b: Sums) -> tuple[float | None, ...]:
    """The targets' constant values over both parts; a part without rows has no say."""
    if not a.used or not b.used:
        return a.constant if a.used else b.constant
    return tuple([one if one == other else None for one, other in zip(a.constant, b.constant, strict=True)])


def _constants(block: Block, k: int) -> tuple[float | None, ...]:
    """For each of the k targets, which stand last, the value that it has in all these rows."""
    return tuple([constant_value(column, low) for column, low in zip(block.hi[-k:], block.lo[-k:], strict=True)])


def constant_value(column: NDArray[Any], low: NDArray[Any] | None) -> float | None:
    """The value that the whole column has, if it has one; mostly the two ends tell that it has not."""
    if column[0] != column[-1] or (low is not None and (low != low[0]).any()):
        return None
    return float(column[0]) if (column == column[0]).all() else None


def _usable(block: Block, codes: Sequence[Coded], summing: Summing) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which rows can be used, (n,) bool, and how many lack each column; infinities and bad weights raise."""
    keep = np.ones(len(block.hi[0]), bool)
    counts = np.zeros(len(summing.names), np.int64)
    for number, (name, column) in enumerate(
        zip(summing.names, (*block.hi, *[code.local for code in codes]), strict=True)
    ):
        absent = _absent(np.asarray(column), name, block) if number < len(block.hi) else column < 0
        if not absent.any():
            continue
        if summing.missing == "error":
            row = int(np.argmax(absent))
            raise missing_value(name, block.place, block.first + row)
        counts[number] = absent.sum()
        keep &= ~absent
    if block.weights is not None:
        weights = np.asarray(block.weights, np.float64)
        bad = ~(weights >= 0) | np.isinf(weights)
        if bad.any():
            row = int(np.argmax(bad))
            raise bad_weight(summing.weights, block.place, block.first + row, weights[row])
        keep &= weights > 0
    return keep, counts


def _absent(values: NDArray[Any], name: str, block: Block) -> NDArray[np.bool_]:
    """Where a number is missing, (n,); an infinite one raises."""
    if values.dtype.kind != "f":
        return _NOTHING
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise infinite_value(name, block.place, block.first + row, values[row])
    absent: NDArray[np.bool_] = np.isnan(values)
    return absent


def plain(column: NDArray[Any]) -> NDArray[Any]:
    """The column as aligned float64 or float32 in this machine's byte order; the column itself where it is that."""
    kind = np.float32 if column.dtype == np.float32 else np.float64
    values = np.asarray(column, kind)
    return values if values.flags.aligned else values.copy()


def _columns(columns: Sequence[NDArray[Any]]) -> Pair:
    """(n, 1 + columns) high words beside a column of ones, each contiguous, and no low words."""
    matrix: Array = np.empty((1 + len(columns), len(columns[0])))
    matrix[0] = 1.0
    for row, column in zip(matrix[1:], columns, strict=True):
        row[:] = column
    return matrix.T, 0.0  # type: ignore[return-value]


def _sides(block: Block) -> tuple[Pair, Pair | None]:
    """Both sides of the product as pairs: the columns, and on the left the columns times the weights."""
    hi, _ = _columns(block.hi)
    lo = np.zeros_like(hi)
    for number, low in enumerate(block.lo, 1):
        if low is not None:
            lo[:, number] = low
    if block.weights is None:
        return (hi, lo), None
    weights = np.asarray(block.weights, np.float64)[:, None]
    high, error = two_product(weights, hi)
    return (high, error + weights * lo), (hi, lo)
