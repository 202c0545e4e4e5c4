"""The middle of the sandwich for rows that are independent, and for rows that stand in an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array
from gradline.moments.triangle import unpacked
from gradline.sources import CHUNK

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.moments.kernels import Scores


def products(scores: Array) -> Array:
    """(k, q, q) Σ s·sᵀ over rows, of each target, for scores (k, q, n)."""
    from gradline.moments import kernels

    k, q, n = scores.shape
    if not n or not q:
        return np.zeros((k, q, q))
    sums = [kernels.plain(each, CHUNK).sum(axis=0) for each in scores]
    return np.stack([unpacked(triangle, 1 + q)[1:, 1:] for triangle in sums])


@dataclass(frozen=True, slots=True)
class Independent:
    """Rows that are independent, with a variance of their own each: Σ s·sᵀ."""

    power: int
    squared: bool = True
    design: bool = False
    summed: bool = True

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """Nothing is needed."""
        return ()

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> Array:
        """(k, q, q)."""
        return products(scores.values) if scores.products is None else scores.products

    def merge(self, a: Array, b: Array) -> Array:
        """Both together."""
        return a + b


class Windows(NamedTuple):
    """Consecutive rows: the products over all windows within them, and what neighbours need."""

    products: Array  # (k, q, q)
    head: Array  # (k, q, m) the first rows, as many as lags, or all
    tail: Array  # (k, q, m) the last ones


@dataclass(frozen=True, slots=True)
class InOrder:
    """Rows whose neighbours are related, less and less up to some lags (Newey and West, Bartlett's weights).

    With L lags the weights 1 - l/(L + 1) are those with which two rows l apart are in the same windows of L + 1 rows.
    So the sum over all lags is one of products over windows, and cannot have a negative eigenvalue:

        Σ s·sᵀ + Σ (1 - l/(L+1))·(Γ_l + Γ_lᵀ) = 1/(L+1)·Σ S·Sᵀ,   S the sum of s over a window, also beyond the ends
    """

    lags: int
    power: int = 0
    squared: bool = False
    design: bool = False
    summed: bool = False

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """Nothing is needed."""
        return ()

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> Windows:
        """The windows within these rows."""
        return self.within(scores.values)

    def within(self, scores: Array) -> Windows:
        """The windows within rows of these scores (k, q, n)."""
        n, lags = scores.shape[2], self.lags
        return Windows(
            products=products(self._sums(scores)),
            head=scores[:, :, :lags].copy(),
            tail=scores[:, :, max(n - lags, 0) :].copy(),
        )

    def merge(self, a: Windows, b: Windows) -> Windows:
        """Both together, with the windows that lie across."""
        across = self._sums(np.concatenate([a.tail, b.head], axis=2))
        first, last = a.head, b.tail
        if first.shape[2] < self.lags:
            first = np.concatenate([first, b.head], axis=2)[:, :, : self.lags]
        if last.shape[2] < self.lags:
            last = np.concatenate([a.tail, last], axis=2)
            last = last[:, :, max(last.shape[2] - self.lags, 0) :]
        return Windows(a.products + products(across) + b.products, first, last)

    def total(self, found: Windows) -> Array:
        """(k, q, q) the middle, once the rows are all there."""
        k, q, _ = found.head.shape
        nothing = np.zeros((k, q, self.lags))
        beyond = Windows(np.zeros((k, q, q)), nothing, nothing)
        return self.merge(self.merge(beyond, found), beyond).products / (self.lags + 1)

    def _sums(self, scores: Array) -> Array:
        """The sums (k, q, n - L) over all whole windows."""
        from gradline.moments import windows_compiled

        k, q, n = scores.shape
        found = np.empty((k, q, max(n - self.lags, 0)))
        if n > self.lags:
            windows_compiled.sums(scores, found)
        return found


@dataclass(frozen=True, slots=True)
class Gathered:
    """All scores, with the time of each row, for rows that do not stand in the order of time."""

    numbers: NDArray[np.int64]
    """(rows,) the place of each row in time."""
    power: int = 0
    squared: bool = False
    design: bool = False
    summed: bool = False

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """The places of the rows in time."""
        return (self.numbers[block.first : block.first + len(block.hi[0])],)

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> list[tuple[Array, NDArray[Any]]]:
        """These rows."""
        return [(scores.values, labels[0])]

    def merge(self, a: list[Any], b: list[Any]) -> list[Any]:
        """Both together."""
        return a + b

    def total(self, found: list[Any], lags: int) -> Array:
        """(k, q, q) the middle."""
        order = np.argsort(np.concatenate([times for _, times in found]))
        scores = np.concatenate([each for each, _ in found], axis=2)[:, :, order]
        ordered = InOrder(lags)
        return ordered.total(ordered.within(scores))
