"""The moments of each fold of the rows, from one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradline.design.effects import Label
from gradline.errors import DataError
from gradline.moments.folding import ByLabel, Folding, Given, Numbers, misfit
from gradline.moments.moments import Moments
from gradline.moments.one_pass import Engine, Progress, added_up_by, moments_of, summing_of
from gradline.moments.sums import Summing, Sums, cut, plain
from gradline.sources import CHUNK

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.design.problem import Problem


class Folds(NamedTuple):
    """What a pass found."""

    moments: list[Moments]
    """Of each fold; all have the same columns."""
    labels: list[Label]
    """What each fold is called: its number from 0, or the value that names it."""
    total: Moments


def fold_moments(
    problem: Problem,
    folding: Folding,
    *,
    missing: str = "drop",
    precision: str = "double-double",
    threads: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Folds:
    """Read the rows once and add up the cross-products of each fold.

    Args:
        problem: The table and what its columns are for; the column of `asides` is what the folding goes by.
        folding: Which fold each row is in.
        missing: As for `accumulate`, and so are the others.
        precision: See missing.
        threads: See missing.
        progress: See missing.
        engine: See missing.

    Raises:
        DataError: as `accumulate`; a value is missing where it says in which fold a row is, or a fold has no rows.
    """
    summing = replace(summing_of(problem, missing, precision), small=0)
    gathering = _Gathering(summing, folding)
    found = added_up_by(engine, problem, gathering, threads, progress).total() or _Folded({}, 0)
    if isinstance(folding, Given) and len(folding.numbers) != found.rows:
        raise misfit(folding.what, len(folding.numbers), f"{found.rows}")
    labels: list[Label] = folding.levels.labels if isinstance(folding, ByLabel) else list(range(folding.count or 0))
    order = sorted(range(len(labels)), key=lambda at: _order(labels[at]))
    total = summing.nothing()
    for at in order:
        total = summing.merge(total, found.sums.get(at, summing.nothing()))
    levels = None if summing.grouping is None else summing.grouping.present(total.cells)
    parts = [moments_of(problem, summing, found.sums.get(at, summing.nothing()), levels) for at in order]
    return Folds(parts, [labels[at] for at in order], moments_of(problem, summing, total, levels))


class _Folded(NamedTuple):
    """What chunks contribute to each fold that has rows in them."""

    sums: Mapping[int, Sums]
    rows: int


@dataclass(frozen=True, slots=True)
class _Gathering:
    """How the chunks of one problem are summed by folds."""

    summing: Summing
    folding: Folding

    @property
    def met(self) -> list[list[Label]]:
        """The levels of each category, and the names of folds."""
        return [*self.summing.met, self.folding.levels.labels if isinstance(self.folding, ByLabel) else []]

    def adopted(self, sums: _Folded, met: Sequence[Sequence[Label]]) -> _Folded:
        """Sums that another process made, by the numbers that levels and folds have here."""
        *levels, names = met
        found = {number: self.summing.adopted(each, levels) for number, each in sums.sums.items()}
        if isinstance(self.folding, ByLabel):
            numbers = self.folding.numbers(names)
            found = {int(numbers[number]): each for number, each in found.items()}
        return _Folded(found, sums.rows)

    def chunks(self, block: Block) -> Iterator[_Folded]:
        """The sums of each chunk of the block, in order."""
        grouping = self.summing.grouping
        codes = [] if grouping is None else grouping.codes(block.labels)
        numbers = self.folding.of(block)
        rows = len(block.hi[0])
        for first in range(0, rows, CHUNK):
            some = slice(first, min(first + CHUNK, rows))
            chunk = cut(block, some.start, some.stop)
            yield self._chunk(chunk, [code.of(some) for code in codes], numbers[some])

    def _chunk(self, chunk: Block, codes: Sequence[Any], numbers: Numbers) -> _Folded:
        from gradline.moments.packing import reordered

        # A stable sort of narrow numbers is by counting.
        order = np.argsort(numbers.astype(np.int16), kind="stable")
        counts = np.bincount(numbers)
        found = counts.nonzero()[0]
        edges = np.concatenate([[0], counts[found].cumsum()]).tolist()
        turned = chunk._replace(
            hi=tuple(reordered([plain(column) for column in chunk.hi], order)),
            lo=tuple([None if low is None else np.take(low, order) for low in chunk.lo]),
            weights=None if chunk.weights is None else np.take(chunk.weights, order),
            labels=(),
        )
        sums = {}
        try:
            for number, (start, end) in zip(found.tolist(), pairwise(edges), strict=True):
                part = [code.of(order[start:end]) for code in codes]
                sums[number] = self.summing.chunk(cut(turned, start, end), part)
        except DataError:
            self.summing.chunk(chunk, codes)  # its error names the row as it stands in the table
            raise
        return _Folded(sums, len(numbers))

    def merge(self, a: _Folded, b: _Folded) -> _Folded:
        """Both together."""
        sums = dict(a.sums)
        for number, each in b.sums.items():
            sums[number] = self.summing.merge(sums[number], each) if number in sums else each
        return _Folded(sums, a.rows + b.rows)


def _order(label: Label) -> tuple[bool, Any]:
    """Numbers first."""
    return (isinstance(label, str), label)
