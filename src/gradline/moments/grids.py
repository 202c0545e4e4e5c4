"""How many of any number of points lie where: a grid that grows with what it has to cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array

_FAR = 2.0**60

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Counts in cells of one size. Doubling it is exact, so that the order in which grids are added is no matter."""

    start: tuple[float, float]
    """A corner that all cells are aligned to."""
    width: tuple[float, float]
    """Of the finest cells."""
    doublings: Numbers  # (2,) how many times cells were made twice as wide, along each axis
    low: Numbers  # (2,) the number of the first cell of the table, along each axis
    table: Numbers  # (cells along x, cells along y)
    most: int
    """Cells along an axis; a grid that would have more has cells of twice the width."""

    @staticmethod
    def of(x: Array, y: Array, start: tuple[float, float], width: tuple[float, float], most: int = 256) -> Grid:
        """Of points (n,), those that are not finite left out."""
        there = np.isfinite(x) & np.isfinite(y)
        cells = np.stack([(x[there] - start[0]) / width[0], (y[there] - start[1]) / width[1]])
        places = np.floor(np.clip(cells, -_FAR, _FAR)).astype(np.int64)
        if not places.shape[1]:
            nothing = np.zeros(2, np.int64)
            return Grid(start, width, nothing, nothing, np.zeros((0, 0), np.int64), most)
        doublings = _enough(places.min(axis=1), places.max(axis=1), most)
        places >>= doublings[:, None]
        low = places.min(axis=1)
        across, along = places - low[:, None]
        wide, high = across.max() + 1, along.max() + 1
        table = np.bincount(across * high + along, minlength=wide * high).reshape(wide, high)
        return Grid(start, width, doublings, low, table, most)

    def __add__(self, other: Grid) -> Grid:
        """Both together."""
        if not self.table.size or not other.table.size:
            return self if self.table.size else other
        doublings = np.maximum(self.doublings, other.doublings)
        ends = [each._ends(doublings) for each in (self, other)]
        low, high = np.minimum(ends[0][0], ends[1][0]), np.maximum(ends[0][1], ends[1][1])
        more = _enough(low, high, self.most)
        doublings, low, high = doublings + more, low >> more, high >> more
        table = np.zeros(high - low + 1, np.int64)
        for each in (self, other):
            shift = doublings - each.doublings
            rows, columns = (
                ((each.low[axis] + np.arange(each.table.shape[axis])) >> shift[axis]) - low[axis] for axis in (0, 1)
            )
            np.add.at(table, (rows[:, None], columns[None, :]), each.table)
        return Grid(self.start, self.width, doublings, low, table, self.most)

    @property
    def edges(self) -> tuple[Array, Array]:
        """The edges (cells + 1,) along each axis."""
        return self._edges(0), self._edges(1)

    def _edges(self, axis: int) -> Array:
        cells = self.low[axis] + np.arange(self.table.shape[axis] + 1)
        edges: Array = self.start[axis] + self.width[axis] * 2.0 ** self.doublings[axis] * cells
        return edges

    def _ends(self, doublings: Numbers) -> tuple[Numbers, Numbers]:
        """The first and the last cell along each axis, of cells that much wider."""
        shift = doublings - self.doublings
        return self.low >> shift, (self.low + self.table.shape - 1) >> shift


def _enough(low: Numbers, high: Numbers, most: int) -> Numbers:
    """(2,) how many doublings it takes until no axis has more cells than that."""
    doublings = np.zeros(2, np.int64)
    while (wide := (high >> doublings) - (low >> doublings) >= most).any():
        doublings += wide
    return doublings
