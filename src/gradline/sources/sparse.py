"""Sparse matrices as a table: a stretch of rows is written out at a time, never the whole.

What needs no rows written out takes the stored numbers themselves, `stored`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.errors import ShapeError
from gradline.sources.columns import Beside
from gradline.sources.rows import CHUNK, Part, Place, Rows, Table, demand, whole

_NUMBERS = 1_000_000
"""Of a stretch that is written out: 8 MB, and each thread has some waiting."""


def is_sparse(data: Any) -> bool:
    """Whether this is a sparse matrix or array of SciPy, without importing it."""
    kind: Any = type(data)
    return _is_sparse_class(kind)


@lru_cache(maxsize=64)
def _is_sparse_class(kind: type) -> bool:
    return any(base.__module__.startswith("scipy.sparse") for base in kind.__mro__)


class Sparse:
    """A sparse matrix (n, d) with columns 'x', or 'x1' … 'xd'.

    Stretches are as long as the number of columns alone says, so CSR and CSC give the same sums to the bit.
    """

    name = "the sparse matrix"
    identity: str | None = None
    labels: tuple[str, ...] = ()

    def __init__(self, matrix: Any) -> None:
        if matrix.ndim != 2:
            raise ShapeError(
                f"a sparse array of shape {matrix.shape} arrived; expected (n, d): one row for each observation.\n"
                "Reshape it, e.g. x.reshape(-1, 1)."
            )
        self._rows = matrix.tocsr()  # rows of CSC are spread over all of its memory
        self._height, width = matrix.shape
        self.rows: int | None = self._height
        self.columns = ("x",) if width == 1 else tuple([f"x{j}" for j in range(1, width + 1)])
        self._place = {name: j for j, name in enumerate(self.columns)}
        self.numeric = self.columns if matrix.dtype.kind in "fiub" else ()

    def kind(self, column: str) -> str:
        """How an error calls the type of the columns."""
        return str(self._rows.dtype)

    def epsilon(self, column: str) -> float:
        """Relative spacing of the columns' numbers."""
        if column not in self._place or not self.numeric:
            demand(self, (column,))
        dtype = self._rows.dtype
        return max(float(np.finfo(dtype).eps), 2.0**-52) if dtype.kind == "f" else 2.0**-52

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, a stretch at a time."""
        demand(self, columns)
        chosen = self._numbers(columns)
        step = min(CHUNK, max(1, _NUMBERS // max(len(self.columns), 1)))
        for first in range(0, self._height, step):
            dense = self._rows[first : first + step].toarray(order="F")  # (step, d)
            yield Rows(first, tuple([dense[:, j] for j in chosen]), Place(self.name))

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part: writing a stretch out is quick beside summing it."""
        return whole(self, columns)

    def has(self, column: str) -> bool:
        """Whether the column is one of these."""
        return column in self._place

    def row_sizes(self) -> NDArray[np.int64]:
        """(n,) how many numbers are stored in each row."""
        sizes: NDArray[np.int64] = np.diff(self._rows.indptr).astype(np.int64)
        return sizes

    def stored(self, columns: Sequence[str]) -> Any:
        """The stored numbers of these columns as a CSR matrix (n, d), each once, in order within their row.

        It may be the caller's own, so it is not to be written to.
        """
        demand(self, columns)
        chosen, rows = self._numbers(columns), self._rows
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        if chosen != list(range(len(self.columns))):
            rows = rows[:, chosen]
            rows.sort_indices()
        return rows

    def _numbers(self, columns: Sequence[str]) -> list[int]:
        return [self._place[name] for name in columns]


def sparse_below(table: Table, columns: Sequence[str]) -> Sparse | None:
    """The sparse matrix that has all of these columns, whatever is laid beside it; None where there is none."""
    below: Table | None = table
    while isinstance(below, Beside):
        below = below.beneath(columns)
    return below if isinstance(below, Sparse) and all(map(below.has, columns)) else None
