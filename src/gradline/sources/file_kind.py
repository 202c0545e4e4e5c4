"""What each kind of file gives to the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from gradline.errors import ColumnError
from gradline.sources.arrow import Kind, holds_labels


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


def demand_alike(column: str, files: Mapping[str, File]) -> None:
    """Refuse a column that is of numbers in one of the files, which errors call by their keys, and not in another.

    Files that lack the column have no say.
    """
    first: File | None = None
    for name, file in files.items():
        if column not in file.types:
            continue
        first = first or file
        wanted, here = first.types[column], file.types[column]
        numbers = wanted[1] is not None
        if (here[1] is None) == numbers or not (numbers or holds_labels(here) or here == wanted):
            raise ColumnError(
                f"{name}: column {column!r} is {file.kind(column)} here and {shown(column, first)}.\n"
                "Convert it, or leave the file out with a narrower glob."
            )


def shown(column: str, file: File) -> str:
    """How an error says what a column is in another file."""
    kind, spacing = file.types[column]
    return f"{kind if spacing is None else f'a number ({kind})'} in {file.path}"


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
