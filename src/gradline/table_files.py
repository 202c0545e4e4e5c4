"""Columns that come a chunk at a time, as a data frame or written to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.container import written_whole
from gradline.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".parquet", ".csv", ".feather")
_GROUP = 2**20
"""Rows in a row group of Parquet."""


def frame_of(chunks: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """All chunks as one data frame."""
    import pandas as pd

    parts = [pd.DataFrame({name: _plain(values) for name, values in chunk.items()}) for chunk in chunks]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def write_tables(out: str | Path, chunks: Iterable[Mapping[str, Any]]) -> None:
    """Write the chunks to a file as they come, whole or not at all; NaN is written as missing.

    Raises:
        OptionError: the ending of its name is none of `SUFFIXES`.
        StorageError: it cannot be written.
    """
    kind = Path(out).suffix.lower()
    if kind not in SUFFIXES:
        raise OptionError(f"cannot write {Path(out).name}: its name must end in {', '.join(SUFFIXES)}.")
    with written_whole(out) as unfinished:
        tables = map(_table, chunks)
        first = next(tables)
        _WRITERS[kind](unfinished, first.schema, chain([first], tables))


def write_parquet(path: Path, schema: Any, tables: Iterable[Any]) -> None:
    """Write Arrow tables as they come, in row groups of a million rows."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    waiting: list[Any] = []
    with ParquetWriter(path, schema) as writer:

        def write() -> None:
            table = pa.concat_tables(waiting)
            writer.write_table(table, row_group_size=len(table))
            waiting.clear()

        for table in tables:
            waiting.append(table)
            if sum(map(len, waiting)) >= _GROUP:
                write()
        if waiting:
            write()


def _table(chunk: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    return pa.table({name: _arrow(values) for name, values in chunk.items()})


def _arrow(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, np.ndarray):
        return pa.array(values, from_pandas=True)
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _plain(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else _arrow(values).to_pandas()


def _csv(path: Path, schema: Any, tables: Iterable[Any]) -> None:
    from pyarrow.csv import CSVWriter

    _one_by_one(CSVWriter(path, schema), tables)


def _feather(path: Path, schema: Any, tables: Iterable[Any]) -> None:
    from pyarrow.ipc import new_file

    _one_by_one(new_file(path, schema), tables)


def _one_by_one(writer: Any, tables: Iterable[Any]) -> None:
    with writer:
        for table in tables:
            writer.write(table)


_WRITERS: dict[str, Callable[[Path, Any, Iterable[Any]], None]] = {
    ".parquet": write_parquet,
    ".csv": _csv,
    ".feather": _feather,
}
