"""Arrow record batches as numbers and labels: what a column holds, its values, and pieces of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.sources.rows import CHUNK

Kind: TypeAlias = tuple[str, float | None]
"""How an error calls a type, and the relative spacing of its numbers: None where it holds no numbers."""

WHOLE = 2**53
"""Up to here float64 holds every whole number."""

LONG = np.finfo(np.longdouble).nmant >= 63
"""Whether long doubles hold every number of 64 bits, as they do but on Windows and on Apple's processors."""

_LABELS = ("text", "categorical")


def kind_of(arrow_type: Any) -> Kind:
    """What a column of this Arrow type holds."""
    from pyarrow import types

    if types.is_floating(arrow_type):
        return str(arrow_type).replace("double", "float64").replace("halffloat", "float16"), _spacing(arrow_type)
    if types.is_integer(arrow_type) or types.is_boolean(arrow_type) or types.is_decimal(arrow_type):
        return str(arrow_type), 2.0**-52
    if _is_text(arrow_type):
        return "text", None
    if types.is_temporal(arrow_type):
        return "datetime" if types.is_timestamp(arrow_type) else "a date or time", None
    if types.is_dictionary(arrow_type):
        inner = arrow_type.value_type
        return ("categorical" if not types.is_nested(inner) else f"nested ({arrow_type})"), None
    return f"nested ({arrow_type})" if types.is_nested(arrow_type) else str(arrow_type), None


def holds_labels(kind: Kind) -> bool:
    """Whether a column of this kind can be used as categories."""
    return kind[0] in _LABELS


def recut(batches: Iterable[Any], columns: Sequence[int], rows: int = CHUNK) -> Iterator[tuple[Any, ...]]:
    """The chosen columns of these record batches, in pieces of exactly `rows` rows and a last one with the rest."""
    return regroup((tuple([values_of(batch.column(j)) for j in columns]) for batch in batches), rows)


def regroup(pieces: Iterable[tuple[Any, ...]], rows: int) -> Iterator[tuple[Any, ...]]:
    """Columns that come in pieces of any length, in pieces of exactly `rows` rows and a last one with the rest.

    A piece of the right length goes on as it is; the others are joined, which copies them once.
    """
    waiting: list[tuple[Any, ...]] = []
    height = 0
    for piece in pieces:
        size = len(piece[0])
        start = 0
        while start < size:
            stop = min(size, start + rows - height)
            whole = start == 0 and stop == size
            waiting.append(piece if whole else tuple([column[start:stop] for column in piece]))
            height += stop - start
            start = stop
            if height == rows:
                yield _joined(waiting)
                waiting, height = [], 0
    if height:
        yield _joined(waiting)


def values_of(array: Any) -> Any:
    """An Arrow array as `Rows.columns` has it: numbers as NumPy, NaN where one is missing; labels as Arrow.

    Dates and times become the whole numbers that stand for them.
    """
    import pyarrow as pa
    from pyarrow import types

    kind = array.type
    if types.is_dictionary(kind) or _is_text(kind):
        return _labels(array)
    if types.is_temporal(kind):
        array = _whole_numbers(array)
        kind = array.type
    if types.is_float16(kind):
        array = array.cast(pa.float32())
    elif types.is_integer(kind) and kind.bit_width == 64 and array.null_count:
        from pyarrow import compute, scalar

        return beside_nan(_numbers(compute.fill_null(array, scalar(0, kind))), _numbers(array.is_null()))
    elif types.is_decimal(kind) or (array.null_count and not types.is_floating(kind)):
        array = array.cast(pa.float64(), safe=False)
    return _numbers(array)


def beside_nan(whole: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    """Whole numbers (n,) with NaN where one is missing; as long doubles, which round none, if float64 would."""
    past = len(whole) and (int(whole.max()) > WHOLE or int(whole.min()) < -WHOLE)
    numbers = whole.astype(np.longdouble if past and LONG else np.float64)
    numbers[missing] = np.nan
    return numbers


def _whole_numbers(array: Any) -> Any:
    """Dates as days, all other times as microseconds, whatever their unit: files of one table may differ in it."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_date(array.type):
        return array.cast(pa.date32()).cast(pa.int32())
    if types.is_timestamp(array.type):
        return array.cast(pa.timestamp("us", array.type.tz), safe=False).cast(pa.int64())
    if types.is_time(array.type):
        return array.cast(pa.time64("us"), safe=False).cast(pa.int64())
    return array.cast(pa.duration("us"), safe=False).cast(pa.int64())


def one_array(column: Any) -> Any:
    """An Arrow array of a chunked one; dictionaries that differ are made one."""
    if not hasattr(column, "chunks"):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _joined(pieces: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    if len(pieces) == 1:
        return pieces[0]
    return tuple([_concatenated(parts) for parts in zip(*pieces, strict=True)])


def _concatenated(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    import pyarrow as pa

    if len({part.type for part in parts}) == 1:
        try:
            return pa.concat_arrays(parts)
        except pa.ArrowInvalid:  # more labels together than their codes can tell
            pass
    plain = [part.dictionary_decode() if hasattr(part, "dictionary_decode") else part for part in parts]
    kinds = {part.type for part in plain}
    common = pa.large_string()
    if not any(map(_is_text, kinds)):
        common = kinds.pop() if len(kinds) == 1 else pa.float64()
    return pa.concat_arrays([part.cast(common) for part in plain])


def _labels(array: Any) -> Any:
    """Text, dictionary-encoded or not, and dictionaries of numbers; whatever else a dictionary holds becomes text."""
    import pyarrow as pa
    from pyarrow import types

    if not types.is_dictionary(array.type):
        return array
    inner = array.type.value_type
    if not (_is_text(inner) or types.is_integer(inner) or types.is_floating(inner) or types.is_boolean(inner)):
        return pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.string()))
    return array


def _numbers(array: Any) -> NDArray[Any]:
    """The numbers in one piece of Arrow memory. `to_numpy` would do, but it loads pandas."""
    from pyarrow import types, uint8

    if types.is_boolean(array.type):
        return _numbers(array.cast(uint8())).astype(bool)
    dtype = np.dtype(array.type.to_pandas_dtype())
    if not len(array):
        return np.empty(0, dtype)
    valid, content = array.buffers()
    values = np.frombuffer(content, dtype, len(array), array.offset * dtype.itemsize)
    if not array.null_count:
        return values
    start, bit = divmod(array.offset, 8)
    needed = np.frombuffer(valid, np.uint8, (bit + len(array) + 7) // 8, start)
    present = np.unpackbits(needed, bitorder="little")[bit : bit + len(array)].view(bool)
    return np.where(present, values, dtype.type(np.nan))


def _is_text(arrow_type: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(arrow_type) or types.is_large_string(arrow_type) or types.is_string_view(arrow_type))


def _spacing(arrow_type: Any) -> float:
    return {16: 2.0**-10, 32: 2.0**-23}.get(arrow_type.bit_width, 2.0**-52)
