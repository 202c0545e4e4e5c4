"""From blocks of rows to moments: who computes which chunk, and in which order the sums are added.

Chunks are numbered by the data alone, each chunk's kernel has one fixed order, and partial sums are added in
a fixed binary tree over chunk numbers. Threads only decide who computes a chunk, so the bytes of the moments
are the same for any number of them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.design.block import Block
from gradline.doubledouble import Array, Pair, add, two_product
from gradline.errors import DataError, OptionError
from gradline.moments import slices
from gradline.moments.moments import Moments

if TYPE_CHECKING:
    from gradline.design.problem import Problem

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called with the rows read so far, and the rows in all where that is known."""

SMALL = 100_000
"""Numbers in a chunk up to which loading compiled code would cost more than it saves."""

_SMALLEST = 1e-250
"""A sum of squares below which the errors of its products, 2**-106 of it and less, leave float64's range."""


class _Sums(NamedTuple):
    """What one chunk, or several added up, contribute."""

    pair: Pair  # each (p, p), the constant 1 first
    rows: int
    used: int
    missing: NDArray[np.int64]  # (d + k,) how many rows lack this column
    log_weights: float = 0.0  # Σ log w
    constant: tuple[float | None, ...] = ()  # the value of each target where all rows share it


def accumulate(
    problem: Problem,
    *,
    missing: str = "drop",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Moments:
    """Read the rows once and add up their cross-products in double-double.

    Args:
        problem: The table and what its columns are for.
        missing: "drop" leaves rows with a missing value out and counts them; "error" refuses them.
        threads: How many chunks to compute at a time; by default as many as there are processors.
        progress: Called after each chunk with the rows so far and the rows in all.

    Raises:
        DataError: an infinite value, a number too large to square, a missing value with missing="error",
            or a weight that is negative or missing; with the column and the first row.
    """
    if missing not in ("drop", "error"):
        raise OptionError(f'missing is "drop" (leave such rows out) or "error" (refuse them), not {missing!r}.')
    tree = _Tree()
    names = [term.name for term in problem.terms] + list(problem.targets)
    done = 0
    for sums in _in_order(problem.blocks(), lambda block: _sum(block, names, len(problem.targets), missing), threads):
        tree.add(sums)
        done += sums.rows
        if progress is not None:
            progress(done, problem.table.rows)
    p = 1 + len(names)
    total = tree.total() or _Sums((np.zeros((p, p)), np.zeros((p, p))), 0, 0, np.zeros(p - 1, np.int64))
    return Moments(
        hi=total.pair[0],
        lo=total.pair[1],
        columns=tuple(names[: len(problem.terms)]),
        targets=problem.targets,
        nobs=total.used,
        epsilon=problem.epsilon,
        rows=total.rows,
        missing=tuple(total.missing.tolist()),
        terms=problem.terms,
        weighted=problem.weights is not None,
        log_weights=total.log_weights,
        constant=tuple([value is not None for value in total.constant]),
        single_target=problem.single_target,
        array_names=problem.array_names,
        source=problem.table.name,
    )


def _in_order(blocks: Iterator[Block], work: Callable[[Block], _Sums], threads: int | None) -> Iterator[_Sums]:
    """The work on each block, in the blocks' order; a few blocks ahead at a time, so that memory stays bounded."""
    first = next(blocks, None)
    if first is None:
        return
    second = next(blocks, None)
    if second is None:  # no pool for one chunk
        yield work(first)
        return
    threads = threads or _processors()
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Sums]] = deque((pool.submit(work, first), pool.submit(work, second)))
        try:
            for block in blocks:
                waiting.append(pool.submit(work, block))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Tree:
    """Adds numbered parts in a fixed binary tree, whoever made them: a counter in base two."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, _Sums]] = []

    def add(self, sums: _Sums) -> None:
        level = 0
        while self._parts and self._parts[-1][0] == level:
            sums = _merge(self._parts.pop()[1], sums)
            level += 1
        self._parts.append((level, sums))

    def total(self) -> _Sums | None:
        if not self._parts:
            return None
        sums = self._parts.pop()[1]
        while self._parts:
            sums = _merge(self._parts.pop()[1], sums)
        return sums


def _merge(a: _Sums, b: _Sums) -> _Sums:
    return _Sums(
        pair=add(a.pair, b.pair),
        rows=a.rows + b.rows,
        used=a.used + b.used,
        missing=a.missing + b.missing,
        log_weights=a.log_weights + b.log_weights,
        constant=_shared(a, b),
    )


def _shared(a: _Sums, b: _Sums) -> tuple[float | None, ...]:
    """The targets' constant values over both parts; a part without rows has no say."""
    if not a.used or not b.used:
        return a.constant if a.used else b.constant
    return tuple(one if one == other else None for one, other in zip(a.constant, b.constant, strict=True))


def _constant(column: NDArray[Any], low: NDArray[Any] | None) -> float | None:
    """The value that the whole column has, if it has one; mostly the two ends tell that it has not."""
    if column[0] != column[-1] or (low is not None and (low != low[0]).any()):
        return None
    return float(column[0]) if (column == column[0]).all() else None


def _sum(block: Block, names: list[str], k: int, missing: str) -> _Sums:
    """The cross-products of one chunk. Only where they are not finite are its rows looked at one by one."""
    rows = len(block.hi[0])
    if block.weights is None:
        with np.errstate(invalid="ignore", over="ignore"):
            pair = _cross_products(block)
        if np.maximum.reduce(pair[0].diagonal()) < np.inf:
            _refuse_underflow(block, pair, names)
            return _Sums(pair, rows, rows, np.zeros(len(names), np.int64), 0.0, _constants(block, k))
    keep, counts = _usable(block, names, missing)
    if not keep.any():
        zero = np.zeros((1 + len(names), 1 + len(names)))
        return _Sums((zero, zero), rows, 0, counts)
    if not keep.all():
        block = Block(
            first=block.first,
            hi=tuple(column[keep] for column in block.hi),
            lo=tuple(None if low is None else low[keep] for low in block.lo),
            weights=None if block.weights is None else block.weights[keep],
            place=block.place,
        )
    with np.errstate(invalid="ignore", over="ignore"):
        pair = _cross_products(block)
    finite = np.isfinite(pair[0].diagonal()) & np.isfinite(pair[1].diagonal())
    if not finite.all():
        name = names[max(int(np.argmin(finite)) - 1, 0)]
        raise DataError(
            f"column {name!r} in {block.place} has numbers too large to be squared in float64.\n"
            "Divide it by a power of ten first."
        )
    _refuse_underflow(block, pair, names)
    log_weights = 0.0 if block.weights is None else float(np.log(np.asarray(block.weights, np.float64)).sum())
    return _Sums(pair, rows, int(keep.sum()), counts, log_weights, _constants(block, k))


def _constants(block: Block, k: int) -> tuple[float | None, ...]:
    """For each of the k targets, which stand last, the value that it has in all these rows."""
    return tuple([_constant(column, low) for column, low in zip(block.hi[-k:], block.lo[-k:], strict=True)])


def _refuse_underflow(block: Block, pair: Pair, names: list[str]) -> None:
    """Squares below float64's range would make a column of small numbers look like zeros."""
    if np.minimum.reduce(pair[0].diagonal()) >= _SMALLEST:
        return
    for name, column, square in zip(names, block.hi, pair[0].diagonal()[1:], strict=True):
        if square < _SMALLEST and column.any():
            raise DataError(
                f"column {name!r} in {block.place} has numbers too small to be squared in float64.\n"
                "Multiply it by a power of ten first."
            )


def _usable(block: Block, names: list[str], missing: str) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which rows can be used, (n,) bool, and how many lack each column; infinities and bad weights raise."""
    keep = np.ones(len(block.hi[0]), bool)
    counts = np.zeros(len(names), np.int64)
    for number, (name, column) in enumerate(zip(names, block.hi, strict=True)):
        values = np.asarray(column)
        if values.dtype.kind != "f":
            continue
        infinite = np.isinf(values)
        if infinite.any():
            row = int(np.argmax(infinite))
            raise DataError(
                f"column {name!r} in {block.place} is infinite ({values[row]}) at row {block.first + row} "
                f"(the first row is 0).\nReplace it, or leave the row out."
            )
        absent = np.isnan(values)
        if absent.any() and missing == "error":
            row = int(np.argmax(absent))
            raise DataError(
                f"column {name!r} in {block.place} has a missing value at row {block.first + row} "
                f'(the first row is 0).\nFill it, or use missing="drop".'
            )
        counts[number] = absent.sum()
        keep &= ~absent
    if block.weights is not None:
        weights = np.asarray(block.weights, np.float64)
        bad = ~(weights >= 0) | np.isinf(weights)
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"the weight in {block.place} is {weights[row]} at row {block.first + row} (the first row is 0).\n"
                "A weight is a finite number, 0 or more; 0 leaves the row out."
            )
        keep &= weights > 0
    return keep, counts


def _cross_products(block: Block) -> Pair:
    """The (p, p) pair for one chunk, the constant 1 first. Which code computes it depends on the size alone."""
    wide = block.weights is not None or any(low is not None for low in block.lo)
    if len(block.hi[0]) * (len(block.hi) + 1) <= SMALL:
        left, right = _sides(block) if wide else (_columns(block.hi), None)
        return slices.cross_products(left, left if right is None else right)
    from gradline.moments import kernels

    if wide:
        left, right = _sides(block)
        return kernels.wide(*left, *(left if right is None else right))
    hi, lo = kernels.narrow([_plain(column) for column in block.hi], len(block.hi[0]))
    return hi[0], lo[0]


def _plain(column: NDArray[Any]) -> Array:
    """The column as aligned float64 in this machine's byte order; the column itself where it is that."""
    values = np.asarray(column, np.float64)
    return values if values.flags.aligned else values.copy()


def _columns(columns: tuple[NDArray[Any], ...]) -> Pair:
    """(n, 1 + columns) high words beside a column of ones, and no low words."""
    matrix = np.empty((len(columns[0]), 1 + len(columns)))
    matrix[:, 0] = 1.0
    for number, column in enumerate(columns, 1):
        matrix[:, number] = column
    return matrix, 0.0  # type: ignore[return-value]


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
