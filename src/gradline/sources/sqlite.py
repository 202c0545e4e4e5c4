"""SQLite databases, through Python's own sqlite3: a value may have any type there, so each is looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gradline.errors import ColumnError, SourceError, no_such_column
from gradline.sources.answer import Answer
from gradline.sources.arrow import Kind
from gradline.sources.databases import Chosen
from gradline.sources.duck import first_line, quoted
from gradline.sources.location import Location
from gradline.sources.rows import CHUNK, Table
from gradline.sources.text import SAMPLE


def sqlite_table(path: str, chosen: Chosen) -> Table:
    """The rows of a table or query. The first of them decide which columns hold numbers."""
    with _connection(path, chosen) as connection:
        cursor = connection.execute(chosen.select("*"))
        names = [each[0] for each in cursor.description]
        head = list(islice(cursor, SAMPLE))
        texts = _declared_texts(connection, chosen.table)
    types = [(name, _kind([row[j] for row in head], name in texts)) for j, name in enumerate(names)]
    numbers = {name for name, (_, epsilon) in types if epsilon is not None}

    @contextmanager
    def rows(columns: Sequence[str]) -> Iterator[Any]:
        with _connection(path, chosen) as connection:
            cursor = connection.execute(chosen.select(", ".join(map(quoted, columns))))
            yield _batches(connection, cursor, columns, numbers, chosen)

    return Answer(chosen.name, types, rows, filtered=chosen.where is not None)


def sqlite_tables(path: str) -> list[str]:
    """The tables and views of the database."""
    with _connection(path, None) as connection:
        return _tables(connection)


def _batches(
    connection: sqlite3.Connection, cursor: sqlite3.Cursor, columns: Sequence[str], numbers: set[str], chosen: Chosen
) -> Iterator[Any]:
    import pyarrow as pa

    first = 0
    while rows := cursor.fetchmany(CHUNK):
        arrays = []
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            try:
                array = pa.array(values, None if column in numbers else pa.string())
            except (pa.ArrowException, TypeError):
                array = None
            if column in numbers and (array is None or not _holds_numbers(array.type)):
                for number, value in enumerate(values, first + 1):
                    if isinstance(value, str | bytes):
                        raise _misfit(connection, chosen, column, number, value)
                array = pa.array([None if value is None else float(value) for value in values], pa.float64())
            elif array is None:
                array = pa.array([None if value is None else str(value) for value in values], pa.string())
            arrays.append(array)
        yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
        first += len(rows)


def _holds_numbers(arrow_type: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(arrow_type) or types.is_floating(arrow_type))


def _kind(values: Sequence[Any], declared_text: bool) -> Kind:
    """What a column holds, by its first values; by its declaration where it has none yet."""
    found = {type(value) for value in values}
    if found & {int, float}:
        return ("float64" if float in found else "int64"), 2.0**-52
    if str in found:
        return "text", None
    if bytes in found:
        return "bytes", None
    return ("text", None) if declared_text else ("float64", 2.0**-52)


def _misfit(connection: sqlite3.Connection, chosen: Chosen, column: str, number: int, value: Any) -> ColumnError:
    """The error for a value that is no number, with the row's own id where it has one."""
    row = f"row {number}"
    if chosen.table and chosen.sql is None:
        condition = "" if chosen.where is None else f" AND ({chosen.where}\n)"
        query = (
            f"SELECT rowid FROM {quoted(chosen.table)} "  # noqa: S608
            f"WHERE typeof({quoted(column)}) IN ('text', 'blob'){condition} LIMIT 1"
        )
        try:
            row = f"rowid {connection.execute(query).fetchone()[0]}"
        except (sqlite3.Error, TypeError):  # a view, or a table WITHOUT ROWID
            row = f"row {number}"
    return ColumnError(
        f"{chosen.name}, {row}: column {column!r} has {str(value)[:60]!r}, not a number.\n"
        "Correct it, make it NULL if it is missing, or leave such rows out with where=."
    )


@contextmanager
def _connection(path: str, chosen: Chosen | None) -> Iterator[sqlite3.Connection]:
    """The database, for reading only."""
    start = Location(path, path).head()
    if not start.startswith(b"SQLite format 3"):
        raise SourceError(f"{path} is not an SQLite database: it starts with {start[:8]!r}.\nCheck the path.")
    address = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, check_same_thread=False)) as connection:
            try:
                yield connection
            except sqlite3.Error as problem:
                raise _readable(connection, chosen, problem) from problem
    except sqlite3.Error as problem:
        raise SourceError(f"{path} cannot be read: {first_line(problem)}\nIs it damaged?") from problem


def _readable(
    connection: sqlite3.Connection, chosen: Chosen | None, problem: sqlite3.Error
) -> SourceError | ColumnError:
    if chosen is None:
        return SourceError(f"the database cannot be read: {first_line(problem)}\nIs it damaged?")
    said = first_line(problem)
    if chosen.table and said == f"no such table: {chosen.table}":
        return chosen.no_such_table(_tables(connection))
    if chosen.where is not None and said.startswith("no such column: "):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_xinfo({quoted(chosen.table)})")]
        return no_such_column(said.partition(": ")[2], columns, f"{chosen.name} (in where)")
    given = chosen.sql or chosen.where
    hint = f"Does {given!r} fit its columns?" if given else "Check the query; is the database damaged?"
    return SourceError(f"{chosen.name} cannot be read: {said}\n{hint}")


def _tables(connection: sqlite3.Connection) -> list[str]:
    try:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
        ).fetchall()
    except sqlite3.Error:
        return []
    return [row[0] for row in found]


def _declared_texts(connection: sqlite3.Connection, table: str) -> set[str]:
    """The columns of a table that were declared to hold text."""
    if not table:
        return set()
    found = connection.execute(f"PRAGMA table_xinfo({quoted(table)})").fetchall()
    return {row[1] for row in found if any(word in row[2].upper() for word in ("CHAR", "CLOB", "TEXT"))}
