"""Data frames and series of pandas, Polars, Arrow and others, all through narwhals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradline.errors import DataError
from gradline.sources.arrow import one_array, values_of
from gradline.sources.columns import Column, Held
from gradline.sources.rows import Part, Rows, Table, demand, reject_duplicates, whole

if TYPE_CHECKING:
    import narwhals as nw

_EPSILON = {"Float16": 2.0**-10, "Float32": 2.0**-23}
_KINDS = {
    "String": "text",
    "Binary": "bytes",
    "Datetime": "datetime",
    "Date": "a date",
    "Time": "a time of day",
    "Duration": "a time span",
    "Categorical": "categorical",
    "Enum": "categorical",
    "List": "nested (List)",
    "Array": "nested (Array)",
    "Struct": "nested (Struct)",
    "Object": "a mixture of Python objects",
}
_LABELS = ("String", "Categorical", "Enum")
_PLAIN = {"string", "integer", "floating", "boolean", "empty", "datetime64"}
"""What pandas' inferred_type says of levels that Arrow has as text or numbers."""
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"}
"""What pandas' infer_dtype says of Python objects that are all numbers."""


def frame_table(data: Any) -> Table:
    """The table of a data frame, or of a series as one column ('x' if it has no name)."""
    frame = _open(data)
    if not hasattr(frame, "collect"):
        columns, rows = _columns(frame)
        if not hasattr(frame, "columns") and not columns[0].name:
            columns = [columns[0]._replace(name="x")]
        return Held(f"the {type(data).__name__}", columns, rows)
    return Lazy(frame, f"the {type(data).__name__}")


def frame_columns(data: Any) -> tuple[list[Column], int]:
    """The columns of a data frame or series, with an empty name where it has none, and the number of rows."""
    frame = _open(data)
    return _columns(frame.collect() if hasattr(frame, "collect") else frame)


class Lazy:
    """A lazy frame: each reading collects the columns that it needs."""

    rows = None
    identity: str | None = None

    def __init__(self, frame: nw.LazyFrame[Any], name: str) -> None:
        self._frame = frame
        self.name = name
        self._schema = dict(frame.collect_schema())
        self.columns = tuple(self._schema)
        self.numeric = tuple(column for column, dtype in self._schema.items() if _is_number(dtype))
        self.labels = tuple(column for column, dtype in self._schema.items() if str(dtype).startswith(_LABELS))

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return _kind(self._schema[column])

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers."""
        demand(self, [column])
        return _EPSILON.get(str(self._schema[column]), 2.0**-52)

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order; the chosen columns are in memory while they are read."""
        demand(self, columns, labels=True)
        held, rows = _columns(self._frame.select(list(dict.fromkeys(columns))).collect())
        yield from Held(self.name, held, rows).read(columns)

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part: collecting happens once."""
        return whole(self, columns)


def _open(data: Any) -> Any:
    """The frame or series as narwhals sees it."""
    kind = type(data)
    root = kind.__module__.partition(".")[0]
    if root == "pyarrow" and kind.__name__ == "RecordBatch":
        import pyarrow as pa

        data = pa.Table.from_batches([data])
    elif root == "pyarrow" and kind.__name__.endswith("Array") and kind.__name__ != "ChunkedArray":
        import pyarrow as pa

        data = pa.chunked_array([data])
    names = getattr(data, {"pandas": "columns", "pyarrow": "column_names"}.get(root, ""), None)
    if names is not None:
        # pandas and Arrow allow two columns of one name; here each must be found by its name.
        reject_duplicates([str(name) for name in names], f"the {kind.__name__}")
    import narwhals as nw

    try:
        return nw.from_native(data, allow_series=True)
    except TypeError:
        raise DataError(
            f"a table was expected and a {kind.__name__} arrived.\n"
            "Give an array, a tensor, a data frame (pandas, Polars, Arrow) or the path of a file."
        ) from None


def _columns(frame: Any) -> tuple[list[Column], int]:
    if hasattr(frame, "columns"):
        return [_column(str(name), frame[:, j]) for j, name in enumerate(frame.columns)], len(frame)
    name = "" if frame.name is None else str(frame.name)
    return [_column(name, frame)], len(frame)


def _column(name: str, series: nw.Series[Any]) -> Column:
    label = str(series.dtype)
    epsilon = _EPSILON.get(label, 2.0**-52) if _is_number(series.dtype) else None
    if label in ("Object", "Unknown"):
        epsilon = _pandas_epsilon(series)
    if label.startswith(_LABELS):
        few = label.startswith(("Categorical", "Enum"))  # codes: next to nothing beside numbers
        return Column(name, len(series), _kind(series.dtype), None, _labels(series), labels=True, view=few)
    if label.startswith(("Date", "Time", "Duration")):
        return Column(name, len(series), _kind(series.dtype), None, _times(series))
    if epsilon is None:
        kind = str(getattr(series.to_native(), "dtype", "unknown")) if label == "Unknown" else _kind(series.dtype)
        return Column(name, len(series), kind, None, _no_numbers)

    def part(first: int, last: int) -> NDArray[Any]:
        piece = series[first:last]
        if label in ("Float32", "Float64"):
            return piece.to_numpy()
        if label == "Float16":
            return piece.to_numpy().astype(np.float32)
        if label.startswith(("Int", "UInt", "Boolean")) and not label.endswith("128") and piece.null_count() == 0:
            return piece.to_numpy().astype(label.lower().replace("boolean", "bool"), copy=False)
        if label in ("Int64", "UInt64"):
            numbers: NDArray[Any] = values_of(one_array(piece.to_arrow()))
            return numbers
        import narwhals as nw

        return piece.cast(nw.Float64).to_numpy()

    view = isinstance(getattr(series.to_native(), "dtype", None), np.dtype) and label in ("Float32", "Float64")
    return Column(name, len(series), label.lower(), epsilon, part, view=view)


def _labels(series: nw.Series[Any]) -> Callable[[int, int], Any]:
    """What takes a run of a text or categorical column: an Arrow array, codes and all, null where one is missing."""
    series = _with_plain_levels(series)
    codes = getattr(getattr(series.to_native(), "array", None), "codes", None)
    levels = one_array(series[:0].to_arrow()) if isinstance(codes, np.ndarray) else None
    if levels is not None and hasattr(levels, "dictionary"):
        return _of_codes(codes, levels.dictionary)  # type: ignore[arg-type]

    def part(first: int, last: int) -> Any:
        array = one_array(series[first:last].to_arrow())
        if str(array.type) == "null":  # a column of pandas objects, all of them missing
            array = array.cast("string")
        return values_of(array)

    return part


def _times(series: nw.Series[Any]) -> Callable[[int, int], Any]:
    """What takes a run of a column of dates or times: whole numbers."""
    return lambda first, last: values_of(one_array(series[first:last].to_arrow()))


def _of_codes(codes: NDArray[np.integer[Any]], levels: Any) -> Callable[[int, int], Any]:
    """As _labels, of a categorical of pandas: its codes as they stand, where Arrow would copy and look at each."""
    import pyarrow as pa

    def part(first: int, last: int) -> Any:
        run = codes[first:last]
        missing = run < 0 if run.min(initial=0) < 0 else None
        return values_of(pa.DictionaryArray.from_arrays(pa.array(run, mask=missing), levels, safe=False))

    return part


def _with_plain_levels(series: nw.Series[Any]) -> nw.Series[Any]:
    """A categorical of pandas whose levels Arrow cannot turn into text, as pd.cut's intervals, with their text."""
    levels = getattr(getattr(series.to_native(), "dtype", None), "categories", None)
    if getattr(levels, "inferred_type", "string") in _PLAIN:
        return series
    import narwhals as nw

    return nw.from_native(series.to_native().cat.rename_categories(str), series_only=True)


def _no_numbers(first: int, last: int) -> NDArray[Any]:
    raise AssertionError("a column without numbers was read")


def _is_number(dtype: Any) -> bool:
    return bool(dtype.is_numeric()) or str(dtype) == "Boolean"


def _pandas_epsilon(series: nw.Series[Any]) -> float | None:
    """The spacing in a pandas column of a type that narwhals does not know: halves, decimals, sparse columns."""
    pandas = sys.modules.get("pandas")
    native = series.to_native()
    if pandas is None or not isinstance(native, pandas.Series):
        return None
    if native.dtype == np.float16:
        return _EPSILON["Float16"]
    if native.dtype == object:
        numbers = pandas.api.types.infer_dtype(native, skipna=True) in _NUMBERS
    else:
        numbers = pandas.api.types.is_numeric_dtype(native.dtype) and native.dtype.kind != "c"
    return 2.0**-52 if numbers else None


def _kind(dtype: Any) -> str:
    name = str(dtype).partition("(")[0]
    return _KINDS.get(name, str(dtype).lower())
