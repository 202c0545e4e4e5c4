"""What every source gives: a table that can be read, again and again, as runs of consecutive rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

CHUNK = 65_536
"""Rows in a full chunk. Chunk boundaries depend on the data alone, so that sums have one fixed order."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of a table: one numeric 1-D array for each column that was asked for."""

    first: int
    """Number of the first of these rows in the whole table, from 0."""
    columns: tuple[NDArray[Any], ...]
    """Each (n,): float64, float32, integer or bool; strided views are fine; NaN where a value is missing."""
    place: str
    """How an error names where these rows stand: 'penguins.csv', 'a.parquet, row group 3'."""


class Table(Protocol):
    """A table with named columns. Reading it twice gives the same rows in the same chunks."""

    name: str
    """How an error calls the table: 'penguins.csv', 'the DataFrame', 'X'."""
    columns: tuple[str, ...]
    rows: int | None
    """How many rows there are, or None where only reading can tell."""

    def epsilon(self, column: str) -> float:
        """Relative spacing of the numbers in the column: 2**-23 for float32 (less for halves), 2**-52 otherwise."""
        ...

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, in chunks of at most CHUNK, with these columns in this order."""
        ...
