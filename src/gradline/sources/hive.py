"""Folders such as "year=2024/month=3": what their names say becomes columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any, TypeAlias

import numpy as np

from gradline.sources.arrow import Kind
from gradline.sources.duck import literal
from gradline.sources.file_kind import Columnar, File, Piece

_Value: TypeAlias = int | float | str | None
_MISSING = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def with_keys(files: Sequence[Columnar], keys: Sequence[Mapping[str, str]]) -> list[Columnar]:
    """The files with a column for each key that their folders have: of numbers where all its values are numbers."""
    values = _values(files, keys)
    return [Partitioned(file, each) if each else file for file, each in zip(files, values, strict=True)]


def keys_in_sql(files: Sequence[File], keys: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Of each file, the columns that its folders stand for and their values as SQL writes them."""
    return [{name: _sql(value) for name, value in each.items()} for each in _values(files, keys)]


class Partitioned:
    """A file with further columns of one value each: an int, a float, or text (None where it is missing)."""

    def __init__(self, file: Columnar, values: Mapping[str, _Value]) -> None:
        self._file = file
        self._values = values
        self.path = file.path
        self.rows = file.rows
        self.types: Mapping[str, Kind] = {**file.types, **{name: _kind(value) for name, value in values.items()}}

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self.types[column][0] if column in self._values else self._file.kind(column)

    def stored(self, columns: Sequence[str]) -> int:
        """Of the file; the values of its folders are not in it."""
        return self._file.stored(columns)

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The file's chunks, with the values beside them."""
        for piece in self.pieces(columns, alone=True):
            yield from piece.read()

    def pieces(self, columns: Sequence[str], *, alone: bool) -> Sequence[Piece]:
        """The file's pieces, with the values beside them."""
        # A file of which no column is wanted is counted by its first.
        own = [name for name in columns if name not in self._values] or [self._countable()]
        return [self._beside(piece, own, columns) for piece in self._file.pieces(own, alone=alone)]

    def _beside(self, piece: Piece, own: Sequence[str], columns: Sequence[str]) -> Piece:
        at = {name: number for number, name in enumerate(own)}

        def read() -> Iterator[tuple[str, tuple[Any, ...]]]:
            for place, arrays in piece.read():
                rows = len(arrays[0])
                yield (
                    place,
                    tuple([arrays[at[n]] if n in at else _filled(self._values[n], rows) for n in columns]),
                )

        return Piece(piece.place, piece.rows, read)

    def _countable(self) -> str:
        numbers = [name for name, (_, epsilon) in self._file.types.items() if epsilon is not None]
        return numbers[0] if numbers else next(iter(self._file.types))


def _values(files: Sequence[File], keys: Sequence[Mapping[str, str]]) -> list[dict[str, _Value]]:
    """What the folders of each file say.

    Where a file has a column of that name itself, the file's own column is used. (DuckDB takes the folder's value;
    pyarrow refuses unless the types agree.)
    """
    names = dict.fromkeys(name for each in keys for name in each)
    numeric = {name: _common([each[name] for each in keys if name in each]) for name in names}
    return [
        {name: numeric[name](text) for name, text in each.items() if name not in file.types}
        for file, each in zip(files, keys, strict=True)
    ]


def _sql(value: _Value) -> str:
    if isinstance(value, int):
        return f"{value}::BIGINT"
    if isinstance(value, float):
        return "NULL::DOUBLE" if isnan(value) else f"'{value!r}'::DOUBLE"
    return "NULL::VARCHAR" if value is None else literal(value)


def _common(texts: Sequence[str]) -> Any:
    """What turns the texts of one key into values: whole numbers, else numbers, else text."""
    present = [text for text in texts if text != _MISSING]
    if present and all(_WHOLE.fullmatch(text) for text in present):
        # Beside a missing value they are floats in every file, as a column with a gap is.
        return int if len(present) == len(texts) else _float
    if present and all(_NUMBER.fullmatch(text) for text in present):
        return _float
    return _text


def _float(text: str) -> float:
    return float("nan") if text == _MISSING else float(text)


def _text(text: str) -> str | None:
    return None if text == _MISSING else text


def _kind(value: _Value) -> Kind:
    if isinstance(value, int | float):
        return "int64" if isinstance(value, int) else "float64", 2.0**-52
    return "text", None


def _filled(value: _Value, rows: int) -> Any:
    """The value, so many times."""
    if isinstance(value, int | float):
        return np.full(rows, value)
    import pyarrow as pa

    codes = pa.array(np.zeros(rows, np.int8), mask=None if value is not None else np.ones(rows, bool))
    return pa.DictionaryArray.from_arrays(codes, pa.array([value or ""], pa.string()))
