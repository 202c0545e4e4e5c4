"""What each kind of file gives to the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from gradline.sources.arrow import Kind


class Piece(NamedTuple):
    """A stretch of a file that can be read by itself: a row group of a Parquet file, or a file as a whole."""

    place: str
    """How an error names it: 'a.parquet, row group 3'."""
    rows: int | None
    read: Callable[[], Iterator[tuple[str, tuple[Any, ...]]]]
    """The place and the columns of some chunks at a time, in order."""


class File(Protocol):
    """One file, open for reading as often as wanted."""

    path: str
    types: Mapping[str, Kind]
    rows: int | None

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        ...

    def stored(self, columns: Sequence[str]) -> int:
        """Bytes to read for these columns, as far as they can be told without reading."""
        ...

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The place and the columns of some chunks at a time, in order."""
        ...


class Columnar(File, Protocol):
    """A file that is read here, not through SQL."""

    def pieces(self, columns: Sequence[str], *, alone: bool) -> Sequence[Piece]:
        """The same rows in pieces; `alone`: nothing else is read meanwhile, so decoding may take all processors."""
        ...


def by_name(batches: Any, columns: Sequence[str], rows: int) -> Iterator[tuple[Any, ...]]:
    """The batches' columns by name, as values in pieces of so many rows: a reader may give them in another order."""
    from itertools import chain

    from gradline.sources.arrow import recut

    batches = iter(batches)
    head = next(batches, None)
    if head is None:
        return
    names = head.schema.names
    every = chain([head], batches)
    del head  # or it would stay in memory to the end
    yield from recut(every, [names.index(column) for column in columns], rows)
