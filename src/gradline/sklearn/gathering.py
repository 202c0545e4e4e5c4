"""Rows that arrive in parts, summed as if they had come at once: dense ones to the same bytes for every split.

Sums are rounded, at 2**-106 of themselves, and where columns lie far from 0 or nearly determine each other that shows
in the coefficients. So rows are summed in stretches whose edges only their number decides, and added in the tree of
`moments.tree`. Rows behind the last edge wait for more of their stretch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from gradline.errors import OptionError
from gradline.moments import Moments
from gradline.moments.one_pass import in_order, processors
from gradline.moments.tree import Node, Tree
from gradline.sources import CHUNK

WAITING = 2**20
"""Numbers that may wait for more of their stretch."""


class Stretch(NamedTuple):
    """Consecutive rows."""

    X: Any  # (n, d)
    y: Any  # (n,) or (n, k)
    weights: Any  # (n,), or None where all are 1

    def of(self, first: int, last: int) -> Stretch:
        """Some of the rows."""
        return Stretch(*[None if part is None else part[first:last] for part in self])

    def then(self, more: Stretch) -> Stretch:
        """These rows and more of them."""
        weights = None
        if self.weights is not None or more.weights is not None:
            weights = np.concatenate([_weights(self), _weights(more)])
        return Stretch(np.concatenate([self.X, more.X]), np.concatenate([self.y, more.y]), weights)


@dataclass(frozen=True)
class Gathered:
    """What the rows so far come to; false before any."""

    before: Moments | None = None
    """Of rows that came without their order: a whole `fit`, or sparse ones."""
    nodes: tuple[Node[Moments], ...] = ()
    """Of full stretches."""
    waiting: Stretch | None = None
    """Rows behind the last full stretch."""

    def __bool__(self) -> bool:
        return self.before is not None or bool(self.nodes) or self.waiting is not None


def at_once(rows: Stretch, threads: int | None) -> Moments:
    """The moments of rows that come in one part."""
    if issparse(rows.X) or _length(rows) == CHUNK:
        return _moments(rows, threads)
    return gathered(Gathered(), rows, threads)[1]


def gathered(so_far: Gathered, more: Stretch, threads: int | None) -> tuple[Gathered, Moments]:
    """What the rows so far and more of them come to, and the moments of all."""
    if issparse(more.X):  # its sums are of stored numbers, in an order of their own
        moments = _moments(more, threads)
        before = moments if so_far.before is None else together(so_far.before, moments)
        so_far = replace(so_far, before=before)
    else:
        so_far = _lengthened(so_far, more, threads)
    tree = Tree(together, so_far.nodes)
    if so_far.waiting is not None:
        tree.add(Node(0, tree.chunks, _moments(so_far.waiting, threads)))
    rest = tree.total()
    parts = [part for part in (so_far.before, rest) if part is not None]
    return so_far, parts[0] if len(parts) == 1 else together(*parts)


def _lengthened(so_far: Gathered, more: Stretch, threads: int | None) -> Gathered:
    """With more rows, of which those behind the last full stretch wait."""
    rows = more if so_far.waiting is None else _demand_alike(so_far.waiting, more).then(more)
    length, n = _length(rows), len(rows.X)
    full = n - n % length
    stretches: Iterator[Stretch] = (rows.of(first, first + length) for first in range(0, full, length))
    tree = Tree(together, so_far.nodes)
    for moments in in_order(lambda stretch: _moments(stretch, 1), stretches, threads or processors()):
        tree.add(Node(0, tree.chunks, moments))
    waiting = None if full == n else Stretch(*[None if part is None else part.copy() for part in rows.of(full, n)])
    return replace(so_far, nodes=tuple(tree.nodes), waiting=waiting)


def together(before: Moments, more: Moments) -> Moments:
    """The moments of both; rows without weights among others that have some have the weight 1."""
    _demand_targets(len(before.targets), len(more.targets))
    weighted = before.weighted or more.weighted
    return replace(before, weighted=weighted) + replace(more, weighted=weighted)


def _demand_alike(before: Stretch, more: Stretch) -> Stretch:
    _demand_targets(_targets(before), _targets(more))
    return before if before.y.ndim == more.y.ndim else before._replace(y=before.y.reshape(-1, *more.y.shape[1:]))


def _demand_targets(earlier: int, now: int) -> None:
    if earlier != now:
        raise OptionError(f"y has {now} target{'s' * (now != 1)}, and rows seen before had {earlier}.")


def _length(rows: Stretch) -> int:
    """Rows in a stretch, a power of two: a chunk of `gl.fit`, or of many columns fewer."""
    width = rows.X.shape[1] + _targets(rows)
    return int(min(CHUNK, 1 << max(WAITING // width, 1).bit_length() - 1))


def _targets(rows: Stretch) -> int:
    return 1 if rows.y.ndim == 1 else int(rows.y.shape[1])


def _moments(rows: Stretch, threads: int | None) -> Moments:
    return Moments.of(rows.X, rows.y, weights=rows.weights, threads=threads, missing="error")


def _weights(rows: Stretch) -> Any:
    return np.ones(len(rows.X)) if rows.weights is None else rows.weights
