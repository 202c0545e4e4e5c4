"""A second pass over the rows, for the residuals of parameters that are nearly right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gradline.doubledouble import Array, Pair, add
from gradline.moments.one_pass import Engine, Progress, WithoutLevels, added_up_by, processors, sharing
from gradline.moments.sums import plain
from gradline.sources import CHUNK

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.design.problem import Problem


class Residuals(NamedTuple):
    """Sums over some rows, for r = y - Xβ."""

    gradient: Pair  # (p, k) X'r, the constant 1 first
    squares: Pair  # (k,) r'r
    rows: int


def residuals_of(
    problem: Problem,
    params: Pair,
    *,
    complete: bool,
    threads: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Residuals:
    """Read the rows once more and add up what the residuals say, in double-double.

    Args:
        problem: Numeric columns as they are, without weights.
        params: (p, k) β, the intercept first.
        complete: Whether nothing is missing.
        threads: How many chunks to sum at a time; by default as many as there are processors.
        progress: Called now and then with the rows so far and the rows in all.
        engine: Who does it elsewhere.
    """
    threads = threads or processors()
    shared = 2 if engine is None and threads % 2 == 0 and sharing(problem, threads) > 1 else 1
    gathering = _Gathering(-np.stack(params).swapaxes(1, 2), complete, shared)
    total = added_up_by(engine, problem, gathering, threads // shared, progress).total()
    assert total is not None
    return total


@dataclass(frozen=True, slots=True)
class _Gathering(WithoutLevels[Residuals]):
    parameters: Array  # (2, k, p) the words of -β
    complete: bool
    threads: int  # that share a chunk, one or two

    def chunks(self, block: Block) -> Iterator[Residuals]:
        """The sums of each chunk of the block, in order."""
        from gradline.moments import kernels

        columns = [plain(column) for column in block.hi]
        for first in range(0, len(columns[0]), CHUNK):
            some = [column[first : first + CHUNK] for column in columns]
            rows = len(some[0])
            if not self.complete:
                keep = ~np.logical_or.reduce([np.isnan(column) for column in some])
                some = [column[keep] for column in some]
            gradient, squares = kernels.residuals(some, self.parameters, self.threads)
            yield Residuals(gradient, squares, rows)

    def merge(self, a: Residuals, b: Residuals) -> Residuals:
        """Both together."""
        return Residuals(add(a.gradient, b.gradient), add(a.squares, b.squares), a.rows + b.rows)
