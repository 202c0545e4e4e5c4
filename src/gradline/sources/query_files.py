"""A whole query over files, in which their table is called `data`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradline.errors import SourceError
from gradline.layout import choices
from gradline.sources.duck import database, first_line, quoted
from gradline.sources.file_kind import demand_alike
from gradline.sources.hive import keys_in_sql
from gradline.sources.location import locate
from gradline.sources.query import selected
from gradline.sources.rows import TIMES, Table
from gradline.sources.signature import format_of
from gradline.sources.sql import SqlFile


def files_table(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], text: str) -> Table:
    """The table of a query over these files, which it calls `data`; several files are one after the other.

    What folders such as "year=2024" say are columns of `data`, too.

    Raises:
        SourceError: a file is missing or damaged, or DuckDB cannot read the query.
        ColumnError: a column is of numbers in one file and of text in another, and would be text in all of them.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = [location.fetched() for each in several for location in locate(os.fspath(each))]
    keys = [dict(location.keys) for location in found]
    formats = [format_of(each.name, each.head()) for each in found]
    files = [SqlFile(each.path, format_name) for each, format_name in zip(found, formats, strict=True)]
    if any(keys):
        further = keys_in_sql(files, keys)
        files = [
            SqlFile(each.path, format_name, keys=more)
            for each, format_name, more in zip(found, formats, further, strict=True)
        ]
    columns = list(dict.fromkeys(column for file in files for column in file.sql))
    named = dict(zip([each.name for each in found], files, strict=True))
    for column in columns:
        kinds = [file.types[column][0] for file in files if column in file.types]
        if not all(kind in TIMES for kind in kinds):  # dates and times become alike in SQL
            demand_alike(column, named)
    name = f"the query on {found[0].name}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")

    @contextmanager
    def connected(reading: bool) -> Iterator[Any]:
        import duckdb

        with database() as connection:
            try:
                selects = []
                for number, file in enumerate(files):
                    chosen = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in file.sql.items())
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
                    f"{name}: {first_line(problem)}\n{choices('The table is called data; its columns', columns)}"
                ) from problem

    return selected(name, connected, text)
