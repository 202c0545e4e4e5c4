"""SQL as a table: `gl.sql`, and an open DuckDB connection or relation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from gradline.errors import ColumnError, DataError, OptionError, SourceError
from gradline.layout import choices
from gradline.sources.answer import Answer
from gradline.sources.arrow import kind_of
from gradline.sources.duck import batches, database, first_line, interruptible, is_one_query, quoted, reader
from gradline.sources.guessed import type_files
from gradline.sources.rows import Table
from gradline.sources.text import bad_text

_CLASSES = ("DuckDBPyConnection", "DuckDBPyRelation")


@dataclass(frozen=True, repr=False)
class Query:
    """A query that gives a table, made by `gl.sql`."""

    text: str
    connection: Any = None
    """An open DuckDB connection whose tables the query sees, or None."""
    tables: Mapping[str, Any] = field(default_factory=dict)
    """Data frames that the query sees under these names."""

    def __repr__(self) -> str:
        given = [repr(self.text)] + ([] if self.connection is None else ["connection=…"])
        return f"gl.sql({', '.join([*given, *(f'{name}=…' for name in self.tables)])})"


def sql(query: str, connection: Any = None, **tables: Any) -> Query:
    """The rows that an SQL query gives, as a table for `gl.fit` and everything else that takes one.

    DuckDB answers the query: files are named in quotes, globs too. Nothing is read before the table is used, each
    use asks again, and only the columns that are needed are asked for. Without ORDER BY the rows come in the order
    that DuckDB gives them: that of the files, unless the query joins or groups, or the connection has
    preserve_insertion_order = false. Another order changes the last bits of sums, never more.

    A CSV or JSON file in a query is looked through once for the types of its columns, since DuckDB would guess them
    from its first rows and round what does not fit. Where the query calls read_csv itself, or a connection is given,
    the types are left to it. `gl.fit("t.csv", sql="select … from data")` needs no second look.

    Args:
        query: one SELECT. Files are looked for from the current folder. Python variables are not seen.
        connection: an open DuckDB connection, whose tables and views the query may name. It is not disturbed: the
            query runs beside it, on a cursor, which does not see temporary tables nor an open transaction.
            To use those, give the relation itself: gl.fit(con.sql("select …"), target=…).
        **tables: data frames (pandas, Polars, Arrow) that the query may name.

    Raises:
        OptionError: the query is no text, or the connection none of DuckDB's.
        SourceError: when the table is opened, and DuckDB cannot read the query.

    Example:
        >>> import pandas as pd
        >>> trips = pd.DataFrame({"km": [1.0, 2.0, 3.0, -1.0], "fare": [4.0, 6.0, 8.0, 0.0]})
        >>> import gradline as gl
        >>> fit = gl.fit(gl.sql("select km, fare from trips where km > 0", trips=trips), target="fare")
        >>> fit.params
        array([2., 2.])
    """
    if not isinstance(query, str) or not query.strip():
        raise OptionError(f"query is {query!r}; expected SQL: gl.sql(\"select * from 'trips.parquet'\").")  # noqa: S608
    if connection is not None and not (is_duckdb(connection) and hasattr(connection, "cursor")):
        raise OptionError(
            f"connection is a {type(connection).__name__}; expected an open DuckDB connection, duckdb.connect(…)."
        )
    return Query(query, connection, tables)


def is_duckdb(data: Any) -> bool:
    """Whether this is a connection or relation of DuckDB, without importing it."""
    return type(data).__name__ in _CLASSES and type(data).__module__.partition(".")[0] in ("duckdb", "_duckdb")


def query_table(query: Query, where: str | None = None) -> Table:
    """The table of a query, with the rows for which `where` holds.

    Raises:
        SourceError: DuckDB cannot read the query, or it names a table or file that is not there.
    """
    shown = " ".join(query.text.split())
    name = f"the query {shown[:40]!r}" if len(shown) <= 40 else f"the query '{shown[:39]}…'"
    views: dict[str, str] = {}

    @contextmanager
    def connected(reading: bool) -> Iterator[Any]:
        import duckdb

        own = query.connection is None
        try:
            with database() if own else query.connection.cursor() as connection, interruptible():
                # A Python variable that has the name of a table would be read in its place.
                connection.execute("SET python_enable_replacements = false")
                for table, data in query.tables.items():
                    connection.register(table, data)
                if own and reading:  # a plan looks through no file
                    type_files(connection, query.text, query.tables, views)
                yield connection
        except (duckdb.Error, OSError) as problem:
            known = _in_a_file(problem)
            raise known or SourceError(f"{name}: {first_line(problem)}\n{_hint(query, problem)}") from problem

    return selected(name, connected, query.text, where)


def duckdb_table(data: Any, where: str | None = None) -> Table:
    """The table of a DuckDB relation; DataError for a connection, which is no table."""
    if hasattr(data, "cursor"):
        raise DataError(
            "a table was expected and a DuckDB connection arrived.\n"
            f"Say which rows: gl.sql(query, connection=con).\n{choices('tables', _tables(data))}"
        )
    name = "the DuckDB relation"

    @contextmanager
    def related(reading: bool) -> Iterator[Any]:
        import duckdb

        try:
            yield data, None
        except (duckdb.Error, OSError) as problem:
            hint = f"Does the condition {where!r} fit its columns?" if where else "Is its connection closed, or busy?"
            known = _in_a_file(problem)
            raise known or SourceError(f"{name} cannot be read: {first_line(problem)}\n{hint}") from problem

    return _answer(name, related, where)


def selected(
    name: str, connected: Callable[[bool], AbstractContextManager[Any]], text: str, where: str | None = None
) -> Table:
    """The table of one SELECT on a connection that `connected` opens: True to read rows, False to see the columns."""

    @contextmanager
    def related(reading: bool) -> Iterator[Any]:
        with connected(reading) as connection:
            if not is_one_query(connection, text):
                raise OptionError(f"{name}: expected one SELECT.\nOther statements belong on a DuckDB connection.")
            yield connection.sql(text), connection

    return _answer(name, related, where)


def _answer(name: str, related: Callable[[bool], AbstractContextManager[Any]], where: str | None) -> Table:
    """The table of a relation that `related` gives, with its connection where that is known, as in `selected`."""

    @contextmanager
    def rows(columns: Sequence[str]) -> Iterator[Any]:
        with related(True) as (relation, connection):
            yield batches(_where(relation, where).project(", ".join(map(quoted, columns))), connection)

    with related(False) as (relation, _):
        schema = reader(_where(relation, where).limit(0)).schema
    return Answer(name, [(each.name, kind_of(each.type)) for each in schema], rows, filtered=where is not None)


def _where(relation: Any, where: str | None) -> Any:
    return relation if where is None else relation.filter(f"({where}\n)")


def _in_a_file(problem: Exception) -> ColumnError | SourceError | None:
    """What is wrong with a line of a CSV file that the query reads; None where it is something else."""
    file = re.search(r"^\s*file = (.+)$", str(problem), re.MULTILINE)
    advice = "Correct it, or say what it holds: from read_csv('…', types = {'column': 'DOUBLE'})."
    return bad_text(file[1], problem, advice) if file else None


def _hint(query: Query, problem: Exception) -> str:
    said = str(problem)
    if "already closed" in said:
        return "Open the connection again, and make the query with it."
    if "does not exist" in said and "Table" in said:
        if query.connection is not None:
            return f"{choices('tables', _tables(query.connection))} (a temporary one: give con.sql(…) itself)"
        return "Name a file in quotes, from 'trips.parquet', or give the data frame: gl.sql(query, trips=frame)."
    if "No files found" in said:
        return "Check the path and the folder you are in."
    return "Check the query, or try it in DuckDB by itself."


def _tables(connection: Any) -> list[str]:
    import duckdb

    try:
        with connection.cursor() as cursor:
            return [row[0] for row in cursor.execute("SHOW TABLES").fetchall()]
    except duckdb.Error:
        return []
