"""Any table as a stream of rows: one door, and a room behind it for each kind of table."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from gradline.errors import DataError, OptionError
from gradline.layout import told
from gradline.sources.arrays import array_columns, array_table, is_tensor
from gradline.sources.columns import Column
from gradline.sources.rows import CHUNK, Part, Rows, Table, comes_once, demand
from gradline.sources.samples import Samples, is_dataset
from gradline.sources.sparse import Sparse, is_sparse
from gradline.sources.streams import Stream, is_stream

__all__ = [
    "CHUNK",
    "Part",
    "Rows",
    "Stream",
    "Table",
    "comes_once",
    "demand",
    "files_of",
    "is_named",
    "is_path",
    "open_columns",
    "open_table",
]

_PATHS = (str, os.PathLike)
_ARRAYS = (np.ndarray, np.generic, list, tuple, int, float, complex)


def open_table(data: Any, where: str | None = None, sql: str | None = None) -> Table:
    """Open any supported kind of table.

    Arrays, tensors and lists; sparse matrices; pandas, Polars and Arrow tables and series; paths and addresses of
    CSV, JSON, Parquet and Feather files, a list of them, a glob or a folder; `gl.sql(…)` and DuckDB relations;
    sqlite:/// and postgresql:// URLs; tables of Dask, Ray and Spark; streams of tables, dicts or (X, y) pairs, or of
    single rows.

    `where` is an SQL condition on the rows of files and databases; of several files, each by itself. `sql` is a
    whole query instead, which calls the table `data`: "select fare, a / b as r from data where a > 0"; several
    files are one table to it.
    """
    if where is not None and not isinstance(where, str):
        raise OptionError(f'where is an SQL condition in text, e.g. "fare > 0"; {told(where)} arrived.')
    if sql is not None and not isinstance(sql, str):
        raise OptionError(f"sql is a query in text; {told(sql)} arrived.\nGive gl.sql(…) in place of the data.")
    if where is not None and not where.strip():
        raise OptionError('where is empty; expected an SQL condition, e.g. "fare > 0 AND year = 2024".')
    if sql is not None and not sql.strip():
        raise OptionError('sql is empty; expected a query, e.g. "select fare, km from data where km > 0".')
    if where is not None and sql is not None:
        raise OptionError("where= and sql= were both given; expected one.\nPut the condition into the query.")
    return _open(data, where, sql)


def open_columns(data: Any, letter: str) -> tuple[list[Column], int]:
    """The columns of a table in memory and its rows; an array's are named by the letter, a nameless series' is ''."""
    if is_array(data):
        return array_columns(data, letter)
    from gradline.sources.frames import frame_columns

    return frame_columns(data)


def is_path(data: Any) -> bool:
    """Whether this names a file, files or a glob."""
    if isinstance(data, (list, tuple)):
        return bool(data) and all(isinstance(item, _PATHS) for item in data)
    return isinstance(data, _PATHS)


def files_of(source: str) -> list[str]:
    """The paths on this machine that a path, glob, folder or URL means, whether or not there is something."""
    from gradline.sources.databases import database_file, is_database
    from gradline.sources.location import locate

    if is_database(source):
        path = database_file(source)
        return [] if path is None else [path]
    return [each.path for each in locate(source) if each.system is None]


def is_array(data: Any) -> bool:
    """Whether this is a table without names: an array, a tensor, a list."""
    return is_tensor(data) or (isinstance(data, _ARRAYS) and not (isinstance(data, list) and is_stream(data)))


def is_named(data: Any) -> bool:
    """Whether the columns of this table have names of their own."""
    return not (is_array(data) or is_sparse(data)) or is_path(data)


def _open(data: Any, where: str | None, sql: str | None) -> Table:
    chosen = where is not None or sql is not None
    if not chosen and is_tensor(data):
        return array_table(data)
    if is_path(data):
        return _stored(data, where, sql)
    if data is None:
        raise DataError("a table was expected and None arrived.\nGive an array, a data frame or the path of a file.")
    if not is_array(data):
        from gradline.sources.query import Query, duckdb_table, is_duckdb, query_table

        if sql is None and isinstance(data, Query):
            return query_table(data, where)
        if sql is None and is_duckdb(data):
            return duckdb_table(data, where)
    if chosen:
        option = "where= is a condition for" if sql is None else "sql= is a query on"
        hint = "Filter its rows before." if sql is None else "Use gl.sql(query, data=data)."
        raise OptionError(f"{option} files and databases, and {type(data).__name__} is neither.\n{hint}")
    if isinstance(data, tuple) and is_stream(list(data)):
        raise DataError(
            "a tuple of tables arrived.\n"
            "Put them into a list to read one after the other; features and target are two arguments, fit(X, y)."
        )
    if is_array(data):
        return array_table(data)
    if is_sparse(data):
        return Sparse(data)
    from gradline.sources.partitions import partitions

    distributed = partitions(data)
    if distributed is not None:
        return distributed
    if is_stream(data):
        return Stream(data)
    if is_dataset(data):
        samples = Samples(data)
        return Stream(samples, samples.name)
    from gradline.sources.frames import frame_table

    return frame_table(data)


def _stored(data: Any, where: str | None, sql: str | None) -> Table:
    """The table of files or of the URL of a database."""
    if isinstance(data, str) and "://" in data:
        from gradline.sources.databases import database_table, is_database

        if is_database(data):
            return database_table(data, where, sql)
    if sql is not None:
        from gradline.sources.query_files import files_table

        return files_table(data, sql)
    from gradline.sources.files import file_table

    return file_table(data, where)
