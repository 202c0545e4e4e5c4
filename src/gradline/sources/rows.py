"""What every source gives: a table that can be read, again and again, as runs of consecutive rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from gradline.errors import ColumnError, DataError, no_such_column
from gradline.layout import choices

CHUNK = 65_536
"""Rows in a full chunk. Chunk boundaries depend on the data alone, so that sums have one fixed order."""

TIMES = ("datetime", "a date", "a date or time", "a time of day", "a time span")
"""Kinds of columns that are read as whole numbers, to tell rows apart or to order them; never as features."""

_MOST_CHUNKS = 16
_MOST_BYTES = 2**24
_RUNS = 16


class Place(NamedTuple):
    """Where rows stand: a table, or a file, row group or partition of it."""

    name: str
    """How an error calls it: 'penguins.csv', 'a.parquet, row group 3'."""
    first: int = 0
    """Number of its first row in the whole table, from 0."""
    filtered: bool = False
    """Whether where= left out rows of it, so that the others are all that can be counted."""

    def __str__(self) -> str:
        return self.name

    def row(self, number: int) -> str:
        """How an error names the row that has this number in the whole table.

        >>> Place("b.csv", 50).row(57), Place("b.csv", 50, filtered=True).row(57)
        ('row 7 (the first row is 0)', 'row 7 of those that where= leaves (the first is 0)')
        """
        row = number - self.first
        if self.filtered:
            return f"row {row} of those that where= leaves (the first is 0)"
        return f"row {row} (the first row is 0)"


class Rows(NamedTuple):
    """Consecutive rows of a table: one 1-D array for each column that was asked for.

    They are one chunk or several: a chunk starts at the first row and after each CHUNK rows, so that only the last
    may be shorter. What follows in the next Rows is a new chunk.
    """

    first: int
    """Number of the first of these rows in the whole table, from 0."""
    columns: tuple[Any, ...]
    """Each (n,). Numbers are a NumPy array: float64, float32, integer or bool; strided views are fine; NaN where a
    value is missing. Labels are a pyarrow Array of text, perhaps dictionary-encoded, or of a dictionary of numbers;
    null where one is missing."""
    place: Place
    """Where these rows stand."""


class Part(NamedTuple):
    """Rows of a table that can be read by themselves, at the same time as those of other parts."""

    place: str
    """How an error names them: 'a.parquet, row group 3'."""
    rows: int | None
    """How many, where that is known before they are read: then all chunks are full but the last."""
    read: Callable[[], Iterator[Rows]]
    """The rows in order, in chunks as `Table.read` gives them; `first` counts from the start of the table."""


class Table(Protocol):
    """A table with named columns. Reading it twice gives the same rows in the same chunks."""

    @property
    def name(self) -> str:
        """How an error calls the table: 'penguins.csv', 'the DataFrame', 'the array'."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns in order, numeric or not."""
        ...

    @property
    def numeric(self) -> tuple[str, ...]:
        """The columns that can be used as numbers."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns of text, and categorical ones: they can be used as categories."""
        ...

    @property
    def rows(self) -> int | None:
        """How many rows there are, or None where only reading can tell."""
        ...

    @property
    def identity(self) -> str | None:
        """What tells these data from others that have the same name, or None where nothing can."""
        ...

    def kind(self, column: str) -> str:
        """How an error calls the type of the column: 'float64', 'text', 'datetime'."""
        ...

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers: 2**-23 for float32, more for halves, 2**-52 otherwise."""
        ...

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, one chunk or several at a time, with these columns in this order.

        Numbers and labels can be read, dates and times as whole numbers; anything else is a ColumnError.
        """
        ...

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """The same rows in the same chunks, in parts; a table that can only be read from end to end is one part."""
        ...


def comes_once(table: Table) -> bool:
    """Whether the rows cannot be read a second time, as those of a generator."""
    return bool(getattr(table, "once", False))


def own_targets(table: Table) -> tuple[str, ...]:
    """The targets that the table knows itself, as a stream of pairs (X, y) does."""
    own: tuple[str, ...] = getattr(table, "targets", ())
    return own


def whole(table: Table, columns: Sequence[str]) -> Sequence[Part]:
    """The one part of a table that is read from end to end."""
    return (Part(table.name, table.rows, lambda: table.read(columns)),)


def together(width: int) -> int:
    """How many rows of this many columns are read together: whole chunks, 16 MB or less where a chunk allows it.

    Fewer Rows cost less to hand over; larger ones would not fit the cache between decoding and use.
    """
    return CHUNK * max(1, min(_MOST_CHUNKS, _MOST_BYTES // (8 * CHUNK * max(width, 1))))


def spread(rows: int) -> int:
    """How many rows are read together where that costs no memory: whole chunks, in runs enough for all processors."""
    return CHUNK * max(1, min(_MOST_CHUNKS, rows // CHUNK // _RUNS))


def demand(table: Table, columns: Sequence[str], *, labels: bool = False) -> None:
    """Raise ColumnError unless the table has these columns, of numbers; with `labels`, of labels or times too."""
    numeric = frozenset(table.numeric)
    for column in columns:
        if column in numeric or (labels and (column in table.labels or _is_time(table, column))):
            continue
        if column not in table.columns:
            raise no_such_column(column, table.columns, table.name)
        raise not_numbers(column, table.kind(column), table.name, table.numeric)


def _is_time(table: Table, column: str) -> bool:
    return column in table.columns and table.kind(column) in TIMES


def counting_column(table: Table) -> tuple[str]:
    """A column to count the rows by, in a table that must be read for that."""
    if not table.numeric:
        raise ColumnError(f"{table.name} has no numeric column.\nAt least one is needed to read its rows.")
    return (table.numeric[0],)


def not_numbers(
    column: str, kind: str, place: str, numeric: Sequence[str], role: str = "column", besides: Sequence[str] = ()
) -> ColumnError:
    """The error for a column that holds something else than numbers, with those that could stand in its place.

    `besides`: columns that may be numeric, but have another role already.
    """
    hint = numeric_columns(column, numeric, role, besides)
    return ColumnError(f"{role} {column!r} in {place} is {kind}; numbers were expected.\n{hint}")


def infinite_value(name: str, place: Place, row: int, value: object) -> DataError:
    """The error for a column with an infinite value: where the first one stands, by its number in the table."""
    return DataError(
        f"column {name!r} in {place} is infinite ({value}) at {place.row(row)}.\nReplace it, or leave the row out."
    )


def numeric_columns(column: str, numeric: Sequence[str], role: str, besides: Sequence[str]) -> str:
    """The columns that could stand in the place of one that holds no numbers, as the line of an error."""
    if numeric:
        option = role if role in ("target", "weights") else "features"
        return choices(f"numeric columns, for {option}=", numeric, ",")
    start = f"Besides {', '.join(besides)} no" if besides else "No"
    return f"{start} column is numeric: convert {column!r} to numbers."


def reject_duplicates(columns: Sequence[str], place: str) -> None:
    """Raise ColumnError where two columns have one name."""
    if len(set(columns)) < len(columns):
        twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
        listing = ", ".join(repr(name) for name in twice[:5])
        raise ColumnError(f"{place} has more than one column named {listing}.\nRename them, or leave one out.")
