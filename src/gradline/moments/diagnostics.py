"""What tests of a fit's assumptions need of its residuals, gathered in one pass.

    variances   cross-products of (1, ζ, ζ·ζ, u): do squared residuals e² go with the columns?
    curves      cross-products of (z, g², g³, e): do powers of the fitted values g explain what is left?
    shape       moments of e about their mean: are residuals normal?
    neighbours  differences of rows that stand beside each other: are neighbours related?

e are residuals in units of their root mean square, u = e² - 1, and z orthonormal columns that span those of the model
(ζ those without the constant, not weighted). So nothing cancels, whatever the units; and cross-products are in
double-double, since sums in float64 cannot tell a product that others determine from one that they nearly do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array, Pair, add
from gradline.moments.central import Central, central, together
from gradline.moments.neighbours import Neighbours, beside, in_order, neighbours, with_ends
from gradline.moments.sums import plain
from gradline.sources import CHUNK

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.moments.kernels import Scores

_ROWS = 2**12
"""Whose products of columns are in memory at a time."""

Gathered = list[tuple[Array, NDArray[Any]]]


class Evidence(NamedTuple):
    """What some consecutive rows say."""

    variances: Pair  # each (1 + c + k, 1 + c + k)
    curves: tuple[Pair, ...]  # of each target, each (q + 3, q + 3)
    shape: Central
    neighbours: Neighbours | Gathered | None
    """The rows themselves where they do not stand in the order of time; None of frequency weights."""


@dataclass(frozen=True)
class Diagnosing:
    """Gathers evidence of k targets."""

    scale: Array  # (k,) what residuals are divided by
    centre: Array  # (k,) about which fitted values are taken
    spread: Array  # (k,) what they are divided by
    lengths: float
    """What z is multiplied with, so that its columns are of the order of 1."""
    first: int
    """1 where the first column of z is the constant, 0 where there is none."""
    products: bool
    """Whether products of columns are wanted."""
    frequency: bool
    places: NDArray[np.int64] | None
    """(rows,) of each row in time; None where they stand in order."""
    power: int = 0
    squared: bool = False
    design: bool = True
    summed: bool = False

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """The k targets, what rounding took from each, the weights, and the places of the rows in time."""
        k, n = len(self.scale), len(block.hi[0])
        nothing = np.broadcast_to(0.0, n)
        lows = [nothing if low is None else low for low in block.lo[-k:]]
        weights = np.broadcast_to(1.0, n) if block.weights is None else block.weights
        places = nothing if self.places is None else self.places[block.first : block.first + n]
        return (*block.hi[-k:], *lows, weights, places)

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> Evidence:
        """What these rows say."""
        k = len(self.scale)
        *targets, weights, places = labels
        roots = np.sqrt(np.asarray(weights, np.float64))
        z = scores.values[-1] * self.lengths  # times the roots
        errors = scores.errors / self.scale[:, None]
        fitted = np.stack(
            [
                ((plain(high) - centre) + low - error) / spread
                for high, low, error, centre, spread in zip(
                    targets[:k], targets[k:], scores.errors, self.centre, self.spread, strict=True
                )
            ]
        )
        weighted = errors * roots
        seen, times = (errors, roots) if self.frequency else (weighted, None)
        rows = np.concatenate([weighted, z])
        beside_each_other: Neighbours | Gathered | None = None
        if not self.frequency:
            beside_each_other = neighbours(rows, k) if self.places is None else [(rows, places)]
        return Evidence(
            variances=self._variances(z[self.first :] / roots, seen**2 - 1.0, times),
            curves=tuple([_curves(z, roots, g, e) for g, e in zip(fitted, weighted, strict=True)]),
            shape=central(seen, None if times is None else np.asarray(weights, np.float64)),
            neighbours=beside_each_other,
        )

    def merge(self, a: Evidence, b: Evidence) -> Evidence:
        """Both together."""
        return Evidence(
            variances=add(a.variances, b.variances),
            curves=tuple([add(one, other) for one, other in zip(a.curves, b.curves, strict=True)]),
            shape=together(a.shape, b.shape),
            neighbours=_merged(a.neighbours, b.neighbours),
        )

    def total(self, found: Neighbours | Gathered | None) -> Neighbours | None:
        """How rows differ from their neighbours, once all are there."""
        if isinstance(found, list):
            found = in_order(found, len(self.scale))
        return None if found is None else with_ends(found)

    def _variances(self, z: Array, squares: Array, roots: Array | None) -> Pair:
        """Cross-products of 1, z (d, n), the products of its columns and squares (k, n), rows times roots (n,)."""
        d, n = z.shape
        counted = roots is not None
        size = int(counted) + d + (d * (d + 1) // 2 if self.products else 0) + len(squares)
        total = _nothing(size + (not counted))
        room = np.empty((size, min(n, _ROWS) + 8))  # a power of two would share cache sets
        for first in range(0, n, _ROWS):
            rows = slice(first, min(first + _ROWS, n))
            columns = room[:, : rows.stop - first]
            columns[0] = 1.0
            end = counted + d
            columns[int(counted) : end] = z[:, rows]
            for j in range(d if self.products else 0):
                np.multiply(z[j, rows], z[j:, rows], out=columns[end : end + d - j])
                end += d - j
            columns[end:] = squares[:, rows]
            if roots is not None:
                columns *= roots[rows]
            total = add(total, _cross_products(columns, constant=not counted))
        return total


def _curves(z: Array, roots: Array, fitted: Array, errors: Array) -> Pair:
    """Cross-products of z (q, n), both powers of fitted values (n,) times roots, and errors (n,)."""
    square = fitted * fitted
    return _cross_products(np.concatenate([z, [square * roots, square * fitted * roots, errors]]), constant=False)


def _cross_products(columns: Array, *, constant: bool) -> Pair:
    """Of columns (c, n), after the constant 1 if that is wanted."""
    from gradline.moments import kernels

    c, n = columns.shape
    if not n:
        return _nothing(c + constant)
    high, low = kernels.narrow(list(columns), CHUNK)
    start = 1 - constant
    return high[0, start:, start:], low[0, start:, start:]


def _nothing(size: int) -> Pair:
    return np.zeros((size, size)), np.zeros((size, size))


def _merged(a: Neighbours | Gathered | None, b: Neighbours | Gathered | None) -> Neighbours | Gathered | None:
    if isinstance(a, Neighbours) and isinstance(b, Neighbours):
        return beside(a, b)
    if isinstance(a, list) and isinstance(b, list):
        return a + b
    return None
