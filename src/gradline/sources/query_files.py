"""A whole query over files, in which their table is called `data`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradline.errors import SourceError
from gradline.sources.duck import database, first_line, listing, literal, quoted
from gradline.sources.files import file_table
from gradline.sources.location import Location, locate
from gradline.sources.query import selected
from gradline.sources.rows import Table
from gradline.sources.signature import format_of
from gradline.sources.sql import SqlFile

_MISSING_KEY = "__HIVE_DEFAULT_PARTITION__"


def files_table(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], text: str) -> Table:
    """The table of a query over these files, which it calls `data`; several files are one after the other.

    What folders such as "year=2024" say are columns of `data`, too.

    Raises:
        SourceError: a file is missing or damaged, or DuckDB cannot read the query.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = [location.fetched() for each in several for location in locate(os.fspath(each))]
    files = [SqlFile(each.path, format_of(each.name, each.head())) for each in found]
    keys = _keys(paths, found)
    name = f"the query on {found[0].name}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")
    columns = list(
        dict.fromkeys(column for file, values in zip(files, keys, strict=True) for column in {**values, **file.sql})
    )

    @contextmanager
    def connected() -> Iterator[Any]:
        import duckdb

        with database() as connection:
            try:
                selects = []
                for number, (file, values) in enumerate(zip(files, keys, strict=True)):
                    chosen = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in {**values, **file.sql}.items())
                    selects.append(f"SELECT {chosen} FROM {file.source(connection, f'file {number}')}")  # noqa: S608
                connection.execute(f"CREATE TEMP VIEW data AS {' UNION ALL BY NAME '.join(selects)}")
                yield connection
            except (duckdb.Error, OSError) as problem:
                at_fault, location = next(
                    ((file, each) for file, each in zip(files, found, strict=True) if file.path in str(problem)),
                    (files[0], found[0]),
                )
                known = at_fault.in_a_line(problem, columns)
                if known is not None:
                    raise type(known)(str(known).replace(location.path, location.name)) from problem
                raise SourceError(
                    f"{name}: {first_line(problem)}\nThe table is called data; its columns: {listing(columns)}"
                ) from problem

    return selected(name, connected, text)


def _keys(paths: Any, found: Sequence[Location]) -> list[dict[str, str]]:
    """What the folders of each file say, in SQL: a number where it is one for every file."""
    if not any(location.keys for location in found):
        return [{} for _ in found]
    table = file_table(paths)
    types = {"int64": "BIGINT", "float64": "DOUBLE"}
    return [
        {
            key: "NULL" if value == _MISSING_KEY else f"{literal(value)}::{types.get(table.kind(key), 'VARCHAR')}"
            for key, value in location.keys
        }
        for location in found
    ]
