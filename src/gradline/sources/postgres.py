"""PostgreSQL through Arrow's own driver: binary COPY, a few megabytes at a time, as record batches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from gradline.errors import SourceError
from gradline.sources.answer import Answer
from gradline.sources.arrow import Kind, kind_of
from gradline.sources.databases import Chosen, all_of
from gradline.sources.duck import first_line, literal, quoted
from gradline.sources.rows import Table

_CASTS = {"numeric": "float8", "money": "numeric::float8", "uuid": "text", "name": "text"}
_SECONDS = 10
_TABLES = (
    "SELECT CASE WHEN schemaname = current_schema() THEN '' ELSE schemaname || '.' END || tablename FROM pg_tables "
    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
)


def postgres_table(server: str, chosen: Chosen) -> Table:
    """The rows of a table or query, in one read-only transaction for each reading."""
    with _connection(server, chosen) as connection, connection.cursor() as cursor:
        chosen = _in_its_schema(cursor, chosen)
        schema = cursor.adbc_execute_schema(chosen.select("*"))
        enums = _enums(cursor, schema)
    casts = {field.name: _cast(field, enums) for field in schema}
    types = [(field.name, _kind(field, casts[field.name])) for field in schema]

    @contextmanager
    def rows(columns: Sequence[str]) -> Iterator[Any]:
        with _connection(server, chosen) as connection, connection.cursor() as cursor:
            listed = (
                f"{quoted(each)}::{casts[each]} AS {quoted(each)}" if casts[each] else quoted(each)
                for each in columns
            )
            cursor.execute(chosen.select(", ".join(listed)))
            yield cursor.fetch_record_batch()

    return Answer(chosen.name, types, rows, filtered=chosen.where is not None)


def _in_its_schema(cursor: Any, chosen: Chosen) -> Chosen:
    """schema.table as a table of that schema, unless a table has the dot in its very name."""
    schema, dot, table = chosen.table.partition(".")
    if not dot or chosen.schema:
        return chosen
    cursor.execute(f"SELECT to_regclass({literal(quoted(chosen.table))}) IS NULL")
    return replace(chosen, text=all_of(table, schema)) if cursor.fetchone()[0] else chosen


def postgres_tables(server: str) -> list[str]:
    """The tables of the database."""
    with _connection(server, None) as connection, connection.cursor() as cursor:
        return _tables(cursor)


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    return re.sub(r"(//[^/:@]*):[^/]*@", r"\1@", url)


@contextmanager
def _connection(server: str, chosen: Chosen | None) -> Iterator[Any]:
    """A connection that changes nothing."""
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise SourceError(
            "reading PostgreSQL needs Arrow's driver for it, which is not installed.\n"
            "Install it: pip install 'gradline[postgres]'"
        ) from None
    import pyarrow as pa

    patient = (
        server
        if "connect_timeout=" in server
        else f"{server}{'&' if '?' in server else '?'}connect_timeout={_SECONDS}"
    )
    try:
        connection = dbapi.connect(patient)
    except Error as problem:
        # Not chained: what the driver says of a URL that it cannot read may hold the password.
        reason = _said(problem, server)
        raise SourceError(
            f"{without_password(server.partition('?')[0])} cannot be reached: {reason}\n"
            "Check host, port, database, user and password, and that the server runs."
        ) from None
    with connection:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            yield connection
        except (Error, pa.ArrowException, OSError) as problem:
            raise _readable(connection, server, chosen, problem) from None


def _readable(connection: Any, server: str, chosen: Chosen | None, problem: Exception) -> SourceError:
    said = _said(problem, server)
    if chosen is None:
        return SourceError(
            f"{without_password(server.partition('?')[0])} cannot be read: {said}\nCheck the rights of the user."
        )
    if chosen.table and "does not exist" in said and said.startswith("relation"):
        connection.rollback()
        with connection.cursor() as cursor:
            return chosen.no_such_table(_tables(cursor))
    given = chosen.sql or chosen.where
    hint = f"Does {given!r} fit its columns?" if given else "Check the query, and the rights of the user."
    return SourceError(f"{chosen.name} cannot be read: {said}\n{hint}")


def _said(problem: Exception, server: str) -> str:
    """What the server or the driver says, in one line and without the password."""
    text = re.sub(r"^[A-Z_]+: |\[libpq\] |Failed to [a-z ]+: ", "", str(problem)).partition("\n\nQuery was")[0]
    text = text.partition("ERROR:")[2].strip() or text
    found = re.findall(r"//[^/:@]*:([^/]*)@|[?&]password=([^&]*)", server)
    hidden = {piece for pair in found for secret in pair for piece in (*secret.split("@"), unquote(secret)) if piece}
    for secret in hidden:
        text = text.replace(secret, "…")
    return first_line(Exception(text))


def _cast(field: Any, enums: Mapping[str, str]) -> str:
    """The type that the server is to convert to, or ''."""
    type_ = _type(field)
    return "text" if enums.get(type_) == "e" else _CASTS.get(type_, "")


def _kind(field: Any, cast: str) -> Kind:
    if cast:
        return ("text", None) if cast == "text" else ("float64", 2.0**-52)
    if str(field.type).startswith("extension"):
        return _type(field), None
    return ("an object id", None) if _type(field) == "oid" else kind_of(field.type)


def _type(field: Any) -> str:
    """PostgreSQL's name of the column's type."""
    return ((field.metadata or {}).get(b"POSTGRESQL:type") or b"").decode()


def _enums(cursor: Any, schema: Any) -> dict[str, str]:
    """What kind of type each one is that the driver only knows by its number: 'e' is an enumeration."""
    numbers = {_type(field): found[1] for field in schema if (found := re.search(r"<oid:(\d+)>", _type(field)))}
    if not numbers:
        return {}
    cursor.execute(f"SELECT oid::text, typtype::text FROM pg_type WHERE oid IN ({', '.join(numbers.values())})")  # noqa: S608
    kinds = dict(cursor.fetchall())
    return {name: kinds.get(number, "") for name, number in numbers.items()}


def _tables(cursor: Any) -> list[str]:
    cursor.execute(_TABLES)
    return [row[0] for row in cursor.fetchall()]
