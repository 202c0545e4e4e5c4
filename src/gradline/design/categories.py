"""The levels in a run of a category's values, and which of them each row has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.design.effects import Label

Codes = NDArray[np.int32]


def encode(values: Any, logical: bool = False) -> tuple[Codes, list[Label]]:
    """The number (n,) of each row's level, -1 where the value is missing, and the levels that occur.

    Levels stand in the order in which they were met; text stays text, whole numbers become int whatever their
    type (2024.0 and 2024 are one level), and True and False stay bool.

    Args:
        values: (n,) pyarrow Array of text, perhaps dictionary-encoded, or a NumPy array of numbers.
        logical: Whether the column is of truth values, which come as 1.0 and 0.0 beside missing ones.

    Example:
        >>> codes, levels = encode(np.array([2024.0, 0.5, np.nan, 2024.0]))
        >>> codes.tolist(), levels
        ([0, 1, -1, 0], [2024, 0.5])
    """
    array = _arrow(values) if isinstance(values, np.ndarray) else _one_piece(values)
    encoded = _dictionary(array)
    codes, entries = _codes(encoded.indices), encoded.dictionary
    if encoded is array:
        # A dictionary that came with the data may hold entries that no row has, here or in the whole table.
        used = np.flatnonzero(np.bincount(codes[codes >= 0] if len(codes) and codes.min() < 0 else codes))
        if len(used) < len(entries):
            place = np.full(len(entries) + 1, -1, np.int32)  # the last one is what -1 finds
            place[used] = np.arange(len(used), dtype=np.int32)
            codes, entries = place[codes], entries.take(_arrow(used))
    found = entries.to_pylist()
    if _is_text(entries) and len(set(found)) == len(found) and None not in found:
        return codes, found
    return _merged(codes, [_label(entry) for entry in found], logical or _is_bool(values))


def renumbered(codes: Codes, levels: Sequence[Label], places: Mapping[Label, int]) -> Codes:
    """The codes of `encode` as numbers of the known levels, -1 where the value is missing or is none of them.

    Example:
        >>> renumbered(np.array([0, 1, -1], np.int32), ["B", "C"], {"A": 0, "B": 1})
        array([ 1, -1, -1], dtype=int32)
    """
    renumbering: Codes = np.array([*[places.get(level, -1) for level in levels], -1], np.int32)
    return renumbering[codes]


def _merged(codes: Codes, entries: list[Label | None], logical: bool) -> tuple[Codes, list[Label]]:
    """Entries that are the same level as one, and those that are no value as missing."""
    numbers: dict[Label, int] = {}
    place = [-1 if entry is None else numbers.setdefault(entry, len(numbers)) for entry in entries]
    levels: list[Label] = [bool(level) for level in numbers] if logical else list(numbers)
    if len(numbers) == len(entries):
        return codes, levels
    return np.array([*place, -1], np.int32)[codes], levels


def _label(entry: Any) -> Label | None:
    if isinstance(entry, float):
        return None if entry != entry else int(entry) if entry.is_integer() else entry
    if entry is None or isinstance(entry, str | int):
        return entry
    return str(entry)


def _is_bool(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind == "b"


def _is_text(entries: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(entries.type) or types.is_large_string(entries.type))


def _arrow(values: NDArray[Any]) -> Any:
    """Numbers as an Arrow array of the same memory. `pa.array` would do, but it loads pandas."""
    import pyarrow as pa

    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        present = ~np.isnan(values)
        whole = np.where(present, values, 0)
        return pa.array(whole.astype(np.uint64 if whole.max() >= 2.0**63 else np.int64), mask=~present)
    if values.dtype.kind == "b":
        values = values.view(np.uint8)
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def _one_piece(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        values = values.unify_dictionaries().combine_chunks()
    return values


def _dictionary(array: Any) -> Any:
    """The array with its distinct values in a dictionary."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(array.type):
        return array
    if types.is_null(array.type) or types.is_string_view(array.type):
        array = array.cast(pa.large_string())
    return array.dictionary_encode()


def _codes(indices: Any) -> Codes:
    """The indices as they stand in memory where they are 32 bits wide and none is missing."""
    import pyarrow as pa

    if not len(indices):
        return np.empty(0, np.int32)
    if indices.type != pa.int32():
        indices = indices.cast(pa.int32())
    valid, content = indices.buffers()
    codes = np.frombuffer(content, np.int32, len(indices), indices.offset * 4)
    if not indices.null_count:
        return codes
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")
    return np.where(bits[indices.offset : indices.offset + len(indices)], codes, np.int32(-1))
