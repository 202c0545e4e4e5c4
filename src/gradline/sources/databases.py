"""Databases by URL: sqlite:///file.db?table=trips, postgresql://user@host/db?query=select…, and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from gradline.errors import OptionError, SourceError
from gradline.layout import choices
from gradline.sources.duck import quoted
from gradline.sources.rows import Table

_SCHEMES = {"sqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql"}
_OURS = ("table", "query", "schema")


@dataclass(frozen=True)
class Chosen:
    """Which rows of a database are meant, in SQL that SQLite and PostgreSQL both read."""

    name: str
    """How an error calls them: 'trips in file.db'. It never has a password."""
    table: str
    """The table that the URL names, or ''."""
    schema: str
    text: str
    """The query of the URL; of a table, all of it."""
    where: str | None
    sql: str | None

    def select(self, columns: str) -> str:
        """The SELECT of these columns."""
        if self.sql is not None:
            inner = f"WITH data AS ({self.text}\n) SELECT * FROM ({self.sql.strip().rstrip(';')}\n) AS answer"  # noqa: S608
        else:
            inner = self.text
        condition = "" if self.where is None else f" WHERE ({self.where}\n)"
        return f"SELECT {columns} FROM ({inner}\n) AS chosen{condition}"  # noqa: S608

    def no_such_table(self, tables: Sequence[str]) -> SourceError:
        """The error for a table that is not there, with those that are."""
        return SourceError(f"no table {self.name}.\n{choices('tables', tables)}")


def is_database(data: Any) -> bool:
    """Whether this is the URL of a database."""
    return isinstance(data, str) and data.partition(":")[0] in _SCHEMES and "://" in data


def database_file(url: str) -> str | None:
    """The path of the file that holds the database; None of one that a server holds."""
    scheme, _, place = url.partition("?")[0].partition("://")
    return unquote(place).removeprefix("/") if _SCHEMES[scheme] == "sqlite" else None


def database_table(url: str, where: str | None = None, sql: str | None = None) -> Table:
    """The rows of a database table or query, with those columns alone that are read.

    DuckDB reads both databases through extensions that it downloads when they are first used. gradline fetches no
    code from anywhere: SQLite comes with Python, and PostgreSQL is read with Arrow's own driver (the extra
    `postgres`), which streams binary COPY in bounded memory.

    Raises:
        SourceError: the database, table or column is not there, or the server refuses.
        OptionError: the URL does not say which table.
    """
    address, _, options = url.partition("?")
    given = dict(_option(each) for each in options.split("&") if each)
    scheme, _, place = address.partition("://")
    if _SCHEMES[scheme] == "sqlite":
        from gradline.sources.sqlite import sqlite_table, sqlite_tables

        path = unquote(place)
        if not path.startswith("/"):
            raise OptionError(f"{address}: three slashes were expected, sqlite:///{path} (four before a full path).")
        path = path[1:]
        strange = [name for name in given if name not in ("table", "query")]
        if strange:
            raise OptionError(f"{address}: ?{strange[0]}= is unknown; expected ?table= or ?query=.")
        if not _is_one(given):
            raise _which(f"sqlite:///{path}", sqlite_tables(path))
        return sqlite_table(path, _chosen(given, path, where, sql))
    from gradline.sources.postgres import postgres_table, postgres_tables, without_password

    rest = "&".join(each for each in options.split("&") if each and _option(each)[0] not in _OURS)
    server = f"postgresql://{place}" + (f"?{rest}" if rest else "")
    shown = without_password(f"postgresql://{place}")
    if not _is_one(given):
        raise _which(shown, postgres_tables(server))
    return postgres_table(server, _chosen(given, shown, where, sql))


def _option(text: str) -> tuple[str, str]:
    # A plus sign stays one, unlike in the address of a web page: it is a sum in SQL.
    name, _, value = text.partition("=")
    return name, unquote(value)


def _is_one(given: Mapping[str, str]) -> bool:
    return bool(given.get("table")) != bool(given.get("query"))


def _chosen(given: Mapping[str, str], place: str, where: str | None, sql: str | None) -> Chosen:
    table, schema = given.get("table", ""), given.get("schema", "")
    if table:
        return Chosen(f"{table!r} in {place}", table, schema, all_of(table, schema), where, sql)
    text = given["query"].strip().rstrip(";")
    return Chosen(f"the query on {place}", "", "", text, where, sql)


def all_of(table: str, schema: str = "") -> str:
    """The SELECT of a whole table."""
    return f"SELECT * FROM {quoted(schema)}.{quoted(table)}" if schema else f"SELECT * FROM {quoted(table)}"  # noqa: S608


def _which(place: str, tables: Sequence[str]) -> OptionError:
    example = tables[0] if tables else "trips"
    return OptionError(
        f'{place}: expected one table or one query, e.g. "…?table={example}" or "…?query=select …".\n'
        + choices("tables", tables)
    )
