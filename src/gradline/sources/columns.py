"""Columns in memory, whatever holds them: a length, a type, and a way to take a run of their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from gradline.errors import ShapeError
from gradline.sources.rows import (
    Part,
    Place,
    Rows,
    Table,
    comes_once,
    counting_column,
    demand,
    own_targets,
    reject_duplicates,
    spread,
    together,
    whole,
)


class There(NamedTuple):
    """Where on another device a column lies."""

    tensor: Any  # (n, d)
    number: int
    """Of the column in the tensor."""


class Column(NamedTuple):
    """One column in memory. Only the run that is asked for is ever converted."""

    name: str
    """Empty where the values came without a name."""
    rows: int
    kind: str
    """How an error calls the type: 'float64', 'text'."""
    epsilon: float | None
    """Relative spacing of the numbers, or None where the column holds something else than numbers."""
    part: Callable[[int, int], Any]
    """Rows first … last - 1, as `Rows.columns` has them: numbers, or labels where `labels`."""
    labels: bool = False
    """Whether the column holds text or categories."""
    view: bool = False
    """Whether any run of it is a view of the caller's memory."""
    there: There | None = None
    """For a column of a tensor on another device; `part` copies from it."""


class Held:
    """A table whose columns are in memory."""

    def __init__(self, name: str, columns: Sequence[Column], rows: int) -> None:
        self._columns = {column.name: column for column in columns}
        if len(self._columns) < len(columns):
            reject_duplicates([column.name for column in columns], name)
        self.name = name
        self.identity: str | None = None
        self.rows: int | None = rows
        self._height = rows
        self.columns = tuple(self._columns)
        self.numeric = tuple([name for name, column in self._columns.items() if column.epsilon is not None])
        self.labels = tuple([name for name, column in self._columns.items() if column.labels])

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._columns[column].kind

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers."""
        if column not in self._columns or self._columns[column].epsilon is None:
            demand(self, (column,))
        return self._columns[column].epsilon or 0.0

    def beside(self, extra: Sequence[Column]) -> Held:
        """The table with further columns of its height; they hide columns of the same name."""
        merged = self._columns | {column.name: column for column in extra}
        return Held(self.name, list(merged.values()), self._height)

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, a few chunks at a time."""
        demand(self, columns, labels=True)
        step = spread(self._height) if self.views(columns) else together(len(columns))
        for first in range(0, self._height, step):
            yield self.stretch(columns, first, min(first + step, self._height))

    def stretch(self, columns: Sequence[str], first: int, last: int) -> Rows:
        """Rows first … last - 1."""
        return Rows(first, tuple([self._columns[name].part(first, last) for name in columns]), Place(self.name))

    def views(self, columns: Sequence[str]) -> bool:
        """Whether reading these columns gives views of the caller's memory."""
        return all(self._columns[name].view for name in columns)

    def there(self, columns: Sequence[str]) -> list[There | None]:
        """Where those of these columns lie that are on another device."""
        return [self._columns[name].there for name in columns]

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part: a chunk is a view, and costs nothing to make."""
        return whole(self, columns)


def beside(table: Table, extra: Sequence[Column]) -> Table:
    """The table with further columns from memory laid beside it; they hide columns of the same name."""
    if isinstance(table, Held) and all(column.rows == table.rows for column in extra):
        return table.beside(extra)
    return Beside(table, extra)


class Beside:
    """A table with further columns from memory laid beside it; they hide columns of the same name."""

    def __init__(self, table: Table, extra: Sequence[Column]) -> None:
        self._table = table
        self._extra = {column.name: column for column in extra}
        self.name = table.name
        self.identity: str | None = None
        self.rows = table.rows
        self.once = comes_once(table)
        self.targets = own_targets(table)
        for column in extra:
            if column.rows != (column.rows if self.rows is None else self.rows):
                raise _misfit(column, self.rows or 0, self.name)

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns, then the further ones."""
        return tuple(dict.fromkeys((*self._table.columns, *self._extra)))

    @property
    def numeric(self) -> tuple[str, ...]:
        """The columns that can be used as numbers."""
        theirs = (name for name in self._table.numeric if name not in self._extra)
        return (*theirs, *(name for name, column in self._extra.items() if column.epsilon is not None))

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns that can be used as categories."""
        theirs = (name for name in self._table.labels if name not in self._extra)
        return (*theirs, *(name for name, column in self._extra.items() if column.labels))

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._extra[column].kind if column in self._extra else self._table.kind(column)

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers."""
        if column not in self._extra:
            return self._table.epsilon(column)
        spacing = self._extra[column].epsilon
        if spacing is None:
            demand(self, [column])
        return spacing or 0.0

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, in the chunks of the table."""
        demand(self, columns, labels=True)
        theirs = [name for name in columns if name not in self._extra]
        place = {name: j for j, name in enumerate(theirs)}
        extra = {name: self._extra[name] for name in columns if name in self._extra}
        if not theirs and self.rows is not None:
            yield from Held(self.name, list(extra.values()), self.rows).read(columns)
            return
        last = 0
        for rows in self._table.read(theirs or counting_column(self._table)):
            last = rows.first + len(rows.columns[0])
            for column in extra.values():
                if column.rows < last:
                    raise _misfit(column, last, self.name, at_least=True)
            beside = {name: column.part(rows.first, last) for name, column in extra.items()}
            arrays = tuple(beside[name] if name in beside else rows.columns[place[name]] for name in columns)
            yield Rows(rows.first, arrays, rows.place)
        for column in extra.values():
            if column.rows != last:
                raise _misfit(column, last, self.name)

    def beneath(self, columns: Sequence[str]) -> Table | None:
        """The table without the further columns, if it is where all of these columns come from."""
        return None if any(name in self._extra for name in columns) else self._table

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part: the further columns go along with the table's own."""
        return whole(self, columns)


def _misfit(column: Column, rows: int, table: str, *, at_least: bool = False) -> ShapeError:
    height = f"at least {rows}" if at_least else f"{rows}"
    return ShapeError(
        f"{column.name or 'a column'!r} has shape ({column.rows},) and {table} has {height} rows.\n"
        "They need one value for each row."
    )
