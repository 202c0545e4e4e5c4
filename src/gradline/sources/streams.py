"""Streams: tables that come item by item, often only once, such as generators, readers and data loaders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from gradline.errors import ColumnError, DataError, ShapeError
from gradline.layout import ERROR, listing
from gradline.sources.arrays import array_columns, is_tensor
from gradline.sources.arrow import Kind, holds_labels, kind_of, regroup, values_of
from gradline.sources.columns import Column
from gradline.sources.gathered import gathered, is_sample, stacked
from gradline.sources.mappings import mapping_columns
from gradline.sources.rows import Part, Place, Rows, demand, reject_duplicates, together, whole
from gradline.sources.samples import batches

_FRAMES = {
    "pandas",
    "polars",
    "pyarrow",
    "duckdb",
    "dask",
    "modin",
    "cudf",
    "ibis",
    "pyspark",
    "sqlframe",
    "narwhals",
}
_TAKEN: MutableMapping[Any, Any] = WeakKeyDictionary()
"""The first item of each iterator that was looked at and not read: a plan, or a request that is refused, takes it."""

_NOTHING = object()
_EXPECTED = "Expected record batches, data frames, mappings, arrays, or (X, y) pairs of arrays or tensors."


def is_stream(data: Any) -> bool:
    """Whether rows come from this item by item: an iterator, a reader, a loader, a list of frames, dicts or pairs.

    A list of numbers, rows or single arrays is an array, a list of paths is files, and a pair (X, y) itself is no
    stream: only what holds several of them is.
    """
    if isinstance(data, list):
        return bool(data) and (_is_pair(data[0]) or isinstance(data[0], Mapping) or _is_frame(data[0]))
    if isinstance(data, (tuple, str, bytes, Mapping, set, frozenset)):
        return False
    kind = type(data)
    if hasattr(kind, "__next__") or _is_dataset(data):
        return True
    return _root(data) is None and (hasattr(kind, "__iter__") or hasattr(kind, "__arrow_c_stream__"))


class Stream:
    """A table whose rows come item by item; they are cut into chunks anew, so that sums do not depend on the items.

    The first item decides what the columns are: those of a record batch or data frame by name, those of an array x or
    x1 … xd, and those of a pair (X, y) also y or y1 … yk; in a mapping the key stands for the letter. The others must
    have the same. A pair or mapping with a single value in it, (x (d,), y), is one row.

    Raises:
        DataError: nothing comes, or something that is no table, or the rows are wanted again and come only once.
        ColumnError: an item has other columns than the first; its number is named.

    Example:
        >>> import numpy as np
        >>> stream = Stream((np.ones((5, 2)), np.zeros(5)) for _ in range(3))
        >>> stream.columns, stream.targets
        (('x1', 'x2', 'y'), ('y',))
        >>> [len(rows.columns[0]) for rows in stream.read(["x2", "y"])]
        [15]
    """

    rows = None
    identity: str | None = None
    targets: tuple[str, ...]
    """The columns that came as the y of (X, y) pairs; empty where tables came."""

    def __init__(self, data: Any, name: str = "") -> None:
        self.name = name or f"the {type(data).__name__}"
        self._data = data
        items = self._iterate(None)
        # What is an iterator itself is over after one pass; so is whatever only Arrow's C interface can read.
        self.once = items is data or not (hasattr(type(data), "__iter__") or _is_dataset(data))
        first = _first(items)
        self._fresh: Iterator[Any] | None = chain([first], items)
        if first is _NOTHING:
            raise DataError(f"{self.name} is empty: not a single item came.\n{_EXPECTED}")
        item = self._item(stacked([first]) if is_sample(first) else first, 1)
        self._kinds = item.kinds
        self.targets = item.targets
        self.columns = tuple(item.kinds)
        self.numeric = tuple(name for name, (_, epsilon) in item.kinds.items() if epsilon is not None)
        self.labels = tuple(name for name, kind in item.kinds.items() if holds_labels(kind))

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._kinds[column][0]

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers."""
        demand(self, [column])
        return self._kinds[column][1] or 0.0

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, a few chunks at a time."""
        demand(self, columns, labels=True)
        first = 0
        for arrays in regroup(self._pieces(columns), together(len(columns))):
            yield Rows(first, arrays, Place(self.name))
            first += len(arrays[0])

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part: items come one after the other."""
        return whole(self, columns)

    def _pieces(self, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        items, self._fresh = self._fresh, None
        with suppress(TypeError):
            _TAKEN.pop(self._data, None)
        if items is None:
            if self.once:
                raise DataError(
                    f"the rows of {self.name} come only once, and they were read already.\n"
                    "Give a list, a DataLoader or another object that can be iterated anew, or write a file."
                )
            items = self._iterate(columns)
        number = 0
        for number, given in gathered(items):
            item = self._item(given, number)
            self._compare(item.kinds, columns, number)
            yield from item.read(columns)
        if not number:
            raise DataError(f"{self.name} gave rows the first time, and nothing when it was iterated again.")

    def _iterate(self, columns: Sequence[str] | None) -> Iterator[Any]:
        data = self._data
        if _is_dataset(data):
            if columns is None or not hasattr(data, "scanner"):
                return iter(data.to_batches())
            return iter(data.to_batches(columns=list(dict.fromkeys(columns))))
        if not hasattr(type(data), "__iter__") and not hasattr(type(data), "__next__"):
            import pyarrow as pa

            data = pa.RecordBatchReader.from_stream(data)
        return batches(data)

    def _item(self, given: Any, number: int) -> _Item:
        try:
            if _root(given) == "pyarrow" and hasattr(
                given, "to_batches" if hasattr(given, "column_names") else "slice"
            ):
                return _arrow_item(given)
            return _columns_item(given)
        except DataError as problem:
            raise type(problem)(f"item {number} of {self.name}: {problem}") from None

    def _compare(self, kinds: Mapping[str, Kind], columns: Sequence[str], number: int) -> None:
        """Refuse an item that has other columns than the first one, or another kind in one that is read."""
        if kinds == self._kinds:
            return
        place = f"item {number} of {self.name}"
        expected = set(columns) if _is_dataset(self._data) else self._kinds.keys()
        if kinds.keys() != expected:
            here, there = listing(kinds, ERROR // 2), listing(self._kinds, ERROR // 2)
            raise ColumnError(f"{place} has the columns {here}.\nThe first had {there}.")
        for name in columns:
            (label, epsilon), (first_label, first) = kinds[name], self._kinds[name]
            same = holds_labels(kinds[name]) and holds_labels(self._kinds[name])
            # Coarser numbers would be taken for as exact as the first ones.
            if not same and (epsilon is None or first is None or epsilon > first):
                raise ColumnError(
                    f"{place}: column {name!r} is {label} here and {first_label} in the first.\nConvert one of them."
                )


def _first(items: Iterator[Any]) -> Any:
    """The first item, _NOTHING where there is none; the same one again until the items are read."""
    if type(items).__hash__ is None:
        return next(items, _NOTHING)
    if items in _TAKEN:
        return _TAKEN[items]
    first = next(items, _NOTHING)
    with suppress(TypeError):  # nothing can refer weakly to some, such as map and zip
        _TAKEN[items] = first
    return first


class _Item(NamedTuple):
    """One item of a stream."""

    kinds: Mapping[str, Kind]
    targets: tuple[str, ...]
    read: Callable[[Sequence[str]], Iterable[tuple[Any, ...]]]
    """Its columns, in one piece or several."""


def _arrow_item(given: Any) -> _Item:
    """A record batch or table."""
    reject_duplicates(given.schema.names, "it")
    names = given.schema.names

    def read(columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        at = [names.index(name) for name in columns]
        for batch in given.to_batches() if hasattr(given, "to_batches") else [given]:
            yield tuple([values_of(batch.column(j)) for j in at])

    return _Item({field.name: kind_of(field.type) for field in given.schema}, (), read)


def _columns_item(given: Any) -> _Item:
    """A data frame, a mapping, an array, or a pair of them."""
    targets: list[Column] = []
    if isinstance(given, (list, tuple)):
        if not (len(given) == 1 and _is_values(given[0])) and not _is_pair(given):
            inside = ", ".join(type(each).__name__ for each in given[:4]) + (", …" if len(given) > 4 else "")
            raise DataError(f"a {type(given).__name__} of {inside} came.\n{_EXPECTED}")
        if len(given) == 2:
            targets, height = _columns(given[1], "y")
        given = given[0]
    columns, rows = _columns(given, "x")
    if targets and height != rows:
        raise ShapeError(f"X has {rows} rows and y has {height}.\nGive one value of y for each row of X.")
    every = {column.name: column for column in (*columns, *targets)}
    reject_duplicates([column.name for column in (*columns, *targets)], "it")

    def read(names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        # Copied: some loops fill the same array again for the next item.
        pieces = [every[name].part(0, rows) for name in names]
        yield tuple([np.array(piece) if isinstance(piece, np.ndarray) else piece for piece in pieces])

    kinds = {name: (column.kind, column.epsilon) for name, column in every.items()}
    return _Item(kinds, tuple([column.name for column in targets]), read)


def _columns(values: Any, letter: str) -> tuple[list[Column], int]:
    if is_tensor(values) or isinstance(values, np.ndarray):
        return array_columns(values, letter)
    if isinstance(values, Mapping):
        return mapping_columns(values)
    if _root(values) is None:
        raise DataError(f"a {type(values).__name__} came.\n{_EXPECTED}")

    from gradline.sources.frames import frame_columns

    columns, rows = frame_columns(values)
    return [column if column.name else column._replace(name=letter) for column in columns], rows


def _is_pair(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and len(item) == 2 and all(_is_values(each) for each in item)


def _is_frame(item: Any) -> bool:
    return _root(item) is not None and hasattr(type(item), "columns")


def _is_values(item: Any) -> bool:
    """Whether this can be the X or y of a pair: an array, a mapping, a frame or a series, not a single number."""
    if isinstance(item, Mapping):
        return True
    if is_tensor(item) or isinstance(item, np.ndarray):
        return bool(item.ndim)
    return _root(item) is not None and hasattr(item, "__len__")


def _root(item: Any) -> str | None:
    """The package whose frame, series or table this is."""
    roots = (base.__module__.partition(".")[0] for base in type(item).__mro__)
    return next((root for root in roots if root in _FRAMES), None)


def _is_dataset(data: Any) -> bool:
    """Whether this is a dataset or scanner of pyarrow, which gives its record batches when asked."""
    return type(data).__module__ == "pyarrow._dataset" and hasattr(data, "to_batches")
