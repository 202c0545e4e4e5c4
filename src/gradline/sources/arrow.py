"""Arrow record batches as numbers: what a column holds, its values in NumPy, and chunks of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.sources.rows import CHUNK

Kind: TypeAlias = tuple[str, float | None]
"""How an error calls a type, and the relative spacing of its numbers: None where it holds no numbers."""


def kind_of(arrow_type: Any) -> Kind:
    """What a column of this Arrow type holds."""
    from pyarrow import types

    if types.is_floating(arrow_type):
        return str(arrow_type).replace("double", "float64").replace("halffloat", "float16"), _spacing(arrow_type)
    if types.is_integer(arrow_type) or types.is_boolean(arrow_type) or types.is_decimal(arrow_type):
        return str(arrow_type), 2.0**-52
    if types.is_string(arrow_type) or types.is_large_string(arrow_type) or types.is_string_view(arrow_type):
        return "text", None
    if types.is_temporal(arrow_type):
        return "datetime" if types.is_timestamp(arrow_type) else "a date or time", None
    if types.is_dictionary(arrow_type):
        return "categorical", None
    return f"nested ({arrow_type})" if types.is_nested(arrow_type) else str(arrow_type), None


def recut(batches: Iterable[Any], columns: Sequence[int]) -> Iterator[tuple[NDArray[Any], ...]]:
    """The chosen columns of these record batches, in chunks of exactly CHUNK rows and a last one with the rest."""
    import pyarrow as pa

    waiting: list[Any] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= CHUNK:
            table = pa.Table.from_batches(waiting)
            yield tuple(_numbers(table.column(j).slice(0, CHUNK)) for j in columns)
            waiting = table.slice(CHUNK).to_batches()
            rows -= CHUNK
    if rows:
        table = pa.Table.from_batches(waiting)
        yield tuple(_numbers(table.column(j)) for j in columns)


def _numbers(column: Any) -> NDArray[Any]:
    """The values of an Arrow column, NaN where one is missing; a view where Arrow's memory allows it."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_float16(column.type):
        column = column.cast(pa.float32())
    if types.is_decimal(column.type) or (column.null_count and not types.is_floating(column.type)):
        # Integers past 2**53 beside missing values are rounded: float64 is what has a NaN.
        column = column.cast(pa.float64(), safe=False)
    if column.num_chunks == 1:
        return _array(column.chunk(0))
    return np.concatenate([_array(chunk) for chunk in column.chunks])


def _array(chunk: Any) -> NDArray[Any]:
    """The numbers in one piece of Arrow memory. `to_numpy` would do, but it loads pandas."""
    from pyarrow import types, uint8

    if not len(chunk):
        return np.empty(0, np.float64)
    if types.is_boolean(chunk.type):
        return _array(chunk.cast(uint8())).astype(bool)
    valid, content = chunk.buffers()
    dtype = np.dtype(chunk.type.to_pandas_dtype())
    values = np.frombuffer(content, dtype, len(chunk), chunk.offset * dtype.itemsize)
    if not chunk.null_count:
        return values
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")
    present = bits[chunk.offset : chunk.offset + len(chunk)].astype(bool)
    return np.where(present, values, dtype.type(np.nan))


def _spacing(arrow_type: Any) -> float:
    return {16: 2.0**-10, 32: 2.0**-23}.get(arrow_type.bit_width, 2.0**-52)
