"""Tables of Dask, Ray and Spark: partitions, each of them a data frame where it is needed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradline.errors import ColumnError, DataError, GradlineError, gist
from gradline.sources.frames import frame_table
from gradline.sources.rows import Part, Place, Rows, demand, whole

_WHAT = {"dask": "to_delayed", "ray": "iter_internal_ref_bundles", "spark": "mapInArrow"}
"""What only their tables have."""


_ALIKE = "Give all partitions the same columns."


class Partitions:
    """A table whose partitions come one after the other. Each starts a chunk of its own.

    Read on workers, it is there without its data: an engine hands each worker the partitions that it is to sum.
    """

    rows = None
    identity: str | None = None

    def __init__(self, data: Any, engine: str) -> None:
        self.data = data
        self.engine = engine
        self.name = f"the {engine.capitalize()} {type(data).__name__}"
        try:
            empty = frame_table(_EMPTY[engine](data))
        except GradlineError:
            raise
        except Exception as problem:  # of whatever kind: engines may begin to compute to know their columns
            raise DataError(not_made(self.name, problem)) from None
        self.columns, self.numeric, self.labels = empty.columns, empty.numeric, empty.labels
        self._kinds = {column: empty.kind(column) for column in empty.columns}
        self._spacings = {column: empty.epsilon(column) for column in empty.numeric}

    def __getstate__(self) -> dict[str, Any]:
        """Without the data."""
        return vars(self) | {"data": None}

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._kinds[column]

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers."""
        demand(self, [column])
        return self._spacings[column]

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, a partition at a time in memory here."""
        demand(self, columns, labels=True)
        first = 0
        for number, frame in enumerate(self._frames(list(dict.fromkeys(columns)))):
            part = self.part(number, frame, columns)
            for rows in part.read():
                yield rows._replace(first=first + rows.first, place=Place(part.place, first))
            first += part.rows or 0

    def _frames(self, columns: Sequence[str]) -> Iterator[Any]:
        try:
            yield from _FRAMES[self.engine](self.data, columns)
        except GradlineError:
            raise
        except Exception as problem:  # of whatever kind, as above
            raise DataError(not_made(self.name, problem)) from None

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part: partitions come one after the other."""
        return whole(self, columns)

    def part(self, number: int, frame: Any, columns: Sequence[str]) -> Part:
        """A partition (from 0) that is here as a data frame of any kind.

        Raises:
            ColumnError: it lacks a column, or has text where others have numbers.
        """
        place = f"partition {number} of {self.name}"
        try:
            table = frame_table(frame)
        except ColumnError as problem:
            raise ColumnError(f"{place}: {problem}") from None
        for column in columns:
            if column not in table.columns:
                raise ColumnError(f"{place} has no column {column!r}.\n{_ALIKE}")
            expected = column in self.numeric
            if (column in table.numeric) != expected and table.rows:
                if expected and _is_missing(frame, column):
                    return self.part(number, _with_no_numbers(frame, column), columns)
                raise ColumnError(
                    f"column {column!r} is {table.kind(column)} in {place}, and {self.kind(column)} in the table.\n"
                    "Convert it, so that all partitions are alike."
                )

        def read() -> Iterator[Rows]:
            if table.rows:
                yield from (rows._replace(place=Place(place)) for rows in table.read(columns))

        return Part(place, table.rows, read)


def partitions(data: Any) -> Partitions | None:
    """The table, if this is one of Dask, Ray or Spark."""
    engine = {"dask": "dask", "ray": "ray", "pyspark": "spark"}.get(type(data).__module__.partition(".")[0])
    if engine is None or not hasattr(data, _WHAT[engine]) or not (engine == "ray" or hasattr(data, "columns")):
        return None
    return Partitions(data, engine)


def _is_missing(frame: Any, column: str) -> bool:
    """Whether it has no value in any row, and so a type that says nothing."""
    import narwhals as nw

    return bool(nw.from_native(frame, eager_only=True)[column].is_null().all())


def _with_no_numbers(frame: Any, column: str) -> Any:
    import narwhals as nw

    return nw.from_native(frame).with_columns(nw.lit(None, nw.Float64).alias(column)).to_native()


def not_made(place: str, problem: BaseException) -> str:
    """What to say where an engine did not come to a part of its own table."""
    said = gist(problem)
    return f"{place} could not be made:\n{said}" + (f"\n{_ALIKE}" if said.startswith("KeyError") else "")


def dask_frames(data: Any, columns: Sequence[str]) -> Iterator[Any]:
    """The partitions of a DataFrame of Dask, to be made, with these columns."""
    own = {str(name): name for name in data.columns}
    yield from data[[own[name] for name in columns]].to_delayed()


@contextmanager
def ray_blocks(data: Any, columns: Sequence[str]) -> Iterator[Iterator[Any]]:
    """References to the blocks of a Ray Dataset as they are made, in order, which Ray keeps only if asked to."""
    options = data.context.execution_options
    before, options.preserve_order = options.preserve_order, True
    try:
        bundles = data.select_columns(list(columns)).iter_internal_ref_bundles()
        yield (block for bundle in bundles for block in bundle.block_refs)
    finally:
        options.preserve_order = before


def _of_dask(data: Any, columns: Sequence[str]) -> Iterator[Any]:
    for part in dask_frames(data, columns):
        yield part.compute()


def _of_ray(data: Any, columns: Sequence[str]) -> Iterator[Any]:
    import ray

    with ray_blocks(data, columns) as blocks:
        for block in blocks:
            yield ray.get(block)


def _of_spark(data: Any, columns: Sequence[str]) -> Iterator[Any]:
    chosen = data.select(*spark_names(columns))
    yield chosen.toArrow() if hasattr(chosen, "toArrow") else chosen.toPandas()


def spark_names(columns: Sequence[str]) -> list[str]:
    """The names as Spark takes them, which may have dots."""
    return ["`" + name.replace("`", "``") + "`" for name in columns]


def _empty_of_dask(data: Any) -> Any:
    if any(kind.kind == "O" for kind in data.dtypes):  # text, or anything: only values tell
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of fewer rows in the first partition
            return data.head(100)
    return _empty_frame(data.dtypes.items())


def _empty_of_ray(data: Any) -> Any:
    schema = data.schema()
    if schema is None:
        raise DataError(f"the Ray {type(data).__name__} has no columns: it is empty.")
    if hasattr(schema.base_schema, "empty_table"):
        return schema.base_schema.empty_table()
    return _empty_frame(zip(schema.base_schema.names, schema.base_schema.types, strict=True))


def _empty_frame(kinds: Iterable[tuple[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds})


def _empty_of_spark(data: Any) -> Any:
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(data.schema).empty_table()


_EMPTY: dict[str, Callable[[Any], Any]] = {"dask": _empty_of_dask, "ray": _empty_of_ray, "spark": _empty_of_spark}
_FRAMES: dict[str, Callable[[Any, Sequence[str]], Iterator[Any]]] = {
    "dask": _of_dask,
    "ray": _of_ray,
    "spark": _of_spark,
}
