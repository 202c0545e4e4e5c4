"""Mappings from names to values, such as the batches of many data loaders: {"features": (n, d), "labels": (n,)}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradline.errors import DataError, ShapeError
from gradline.sources.arrays import array_columns, is_values
from gradline.sources.columns import Column


def mapping_columns(batch: Mapping[Any, Any]) -> tuple[list[Column], int]:
    """The columns and their rows: a key's own name for (n,), with a number behind it for each column of (n, d).

    What has more axes can be there, but not be read.

    Raises:
        DataError: a value is no array, tensor or list.
        ShapeError: the values differ in their rows.
    """
    columns: list[Column] = []
    first, height = "", 0
    for key, values in batch.items():
        name = str(key)
        try:
            found, rows = _columns(name, values)
        except DataError as problem:
            raise type(problem)(f"{name!r}: {problem}") from None
        if not columns:
            first, height = name, rows
        if rows != height:
            raise ShapeError(
                f"{first!r} has {height} rows and {name!r} has {rows}.\nGive each the same number of rows."
            )
        columns += found
    if not columns:
        raise DataError("a mapping without columns came.\nExpected arrays or tensors by name.")
    return columns, height


def _columns(name: str, values: Any) -> tuple[list[Column], int]:
    if is_values(values) and values.ndim > 2:
        kind = f"an array of shape (n, {', '.join(map(str, values.shape[1:]))})"
        return [Column(name, len(values), kind, None, _no_numbers)], len(values)
    if isinstance(values, np.ndarray) and values.dtype.kind == "U":
        values = values.tolist()
    if isinstance(values, (list, tuple)) and values and all(isinstance(each, str) for each in values):
        import pyarrow as pa

        values = pa.array(values)
    elif is_values(values) or isinstance(values, (list, tuple)):
        return array_columns(values, name)
    elif not hasattr(values, "__len__") or isinstance(values, (str, bytes, Mapping)):
        raise DataError(f"a {type(values).__name__} came.\nExpected an array or a tensor, with a value for each row.")
    from gradline.sources.frames import frame_columns

    columns, rows = frame_columns(values)
    return [column._replace(name=name) for column in columns], rows


def _no_numbers(first: int, last: int) -> Any:
    raise AssertionError("demand() lets nobody read this")
