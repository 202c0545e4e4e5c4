"""Tables that come item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
import torch
from chunks import chunks
from torch.utils.data import DataLoader, TensorDataset

import gradline as gl
from gradline.errors import ColumnError, DataError, OptionError, ShapeError
from gradline.sources import CHUNK, Stream, is_array, open_table

ROWS = 2 * CHUNK + 9_001
NAMES = ["x1", "x2", "y"]


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    rng = np.random.default_rng(3)
    X = rng.normal(1e5, 1.0, (ROWS, 2))
    return np.column_stack([X, X @ [1.0, 2.0] + rng.normal(size=ROWS)])


def batches(matrix: np.ndarray, size: int = 1_000) -> Iterator[np.ndarray]:
    return (matrix[first : first + size] for first in range(0, len(matrix), size))


def record_batches(matrix: np.ndarray) -> Iterator[pa.RecordBatch]:
    return (pa.record_batch({name: part[:, j] for j, name in enumerate(NAMES)}) for part in batches(matrix))


def reader(matrix: np.ndarray) -> pa.RecordBatchReader:
    schema = pa.schema([(name, pa.float64()) for name in NAMES])
    return pa.RecordBatchReader.from_batches(schema, record_batches(matrix))


class OnlyArrow:
    """What has nothing but Arrow's C interface."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._inner.__arrow_c_stream__(requested_schema)


class Refilled:
    """A loop that fills one array again and again."""

    def __init__(self, matrix: np.ndarray) -> None:
        self._matrix = matrix

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        buffer = np.empty((1_000, 3))
        for part in batches(self._matrix):
            buffer[: len(part)] = part
            yield buffer[: len(part), :2], buffer[: len(part), 2]
        buffer[:] = np.nan


def tensors(matrix: np.ndarray) -> TensorDataset:
    return TensorDataset(torch.from_numpy(matrix[:, :2].copy()), torch.from_numpy(matrix[:, 2:].copy()))


STREAMS: dict[str, Callable[[np.ndarray], Any]] = {
    "pairs of arrays": lambda m: ((part[:, :2], part[:, 2]) for part in batches(m)),
    "pairs in a list": lambda m: [(part[:, :2], part[:, 2:]) for part in batches(m, 70_001)],
    "pairs of an array filled again": Refilled,
    "pairs of tensors": lambda m: ((torch.from_numpy(p[:, :2]), torch.from_numpy(p[:, 2])) for p in batches(m)),
    "zip": lambda m: zip(batches(m[:, :2]), batches(m[:, 2]), strict=True),
    "DataLoader": lambda m: DataLoader(tensors(m), batch_size=4_096),
    "pandas": lambda m: (pd.DataFrame(part, columns=NAMES) for part in batches(m)),
    "pandas, in any order": lambda m: (
        pd.DataFrame(part, columns=NAMES)[NAMES if n % 2 else NAMES[::-1]] for n, part in enumerate(batches(m), 1)
    ),
    "frames of several kinds": lambda m: [
        pl.DataFrame(m[:7], schema=NAMES),
        pd.DataFrame(m[7:50_000], columns=NAMES),
        pa.table({name: m[50_000:, j] for j, name in enumerate(NAMES)}),
    ],
    "polars, a list": lambda m: [pl.DataFrame(part, schema=NAMES) for part in batches(m, 50_000)],
    "pairs of frames": lambda m: (
        (pd.DataFrame(p[:, :2], columns=NAMES[:2]), pd.Series(p[:, 2], name="y")) for p in batches(m)
    ),
    "record batches": record_batches,
    "tables": lambda m: map(pa.Table.from_batches, ([batch] for batch in record_batches(m))),
    "reader": reader,
    "Arrow's C interface": lambda m: OnlyArrow(reader(m)),
    "dataset": lambda m: pa.dataset.dataset(list(record_batches(m))),
    "scanner": lambda m: pa.dataset.dataset(list(record_batches(m))).scanner(),
}
AGAIN = {
    "pairs in a list",
    "pairs of an array filled again",
    "DataLoader",
    "frames of several kinds",
    "polars, a list",
    "dataset",
    "scanner",
}


@pytest.mark.parametrize("kind", STREAMS)
def test_every_stream_gives_numpys_columns_in_chunks_of_its_own(kind: str, matrix: np.ndarray) -> None:
    table = open_table(STREAMS[kind](matrix))
    assert isinstance(table, Stream)
    assert (table.columns, table.numeric, table.labels, table.rows) == (tuple(NAMES), tuple(NAMES), (), None)
    pairs = any(word in kind for word in ("pairs", "zip", "DataLoader"))
    assert table.targets == (("y",) if pairs else ())
    for _ in range(1 + (kind in AGAIN)):
        pieces = list(chunks(table.read(["y", "x1"])))
        assert [(rows.first, len(rows.columns[0])) for rows in pieces] == [
            (0, CHUNK),
            (CHUNK, CHUNK),
            (2 * CHUNK, 9_001),
        ]
        for j, at in enumerate((2, 0)):
            np.testing.assert_array_equal(np.concatenate([rows.columns[j] for rows in pieces]), matrix[:, at])
    if kind not in AGAIN:
        with pytest.raises(DataError, match=r"rows of the \w+ come only once, and they were read already\.\n"):
            next(table.read(["y"]))


@pytest.mark.parametrize("kind", ["pairs of arrays", "DataLoader", "reader", "pandas"])
def test_the_moments_have_the_bytes_of_the_array_in_memory(kind: str, matrix: np.ndarray) -> None:
    expected = gl.Moments.of(matrix[:, :2], matrix[:, 2])
    moments = gl.Moments.of(STREAMS[kind](matrix), target="y")
    assert moments.hi.tobytes() == expected.hi.tobytes()
    assert moments.lo.tobytes() == expected.lo.tobytes()


def test_labels_and_missing_values_stay() -> None:
    frames = [
        pd.DataFrame({"v": [1, 2], "w": ["a", None]}),
        pd.DataFrame({"v": pd.array([3, None], "Int64"), "w": pd.Series(["b", "a"], dtype="category")}),
    ]
    table = open_table(frames)
    assert (table.numeric, table.labels) == (("v",), ("w",))
    [rows] = table.read(["v", "w"])
    np.testing.assert_array_equal(rows.columns[0], [1, 2, 3, np.nan])
    assert rows.columns[1].to_pylist() == ["a", None, "b", "a"]


@pytest.mark.parametrize("kind", ["a generator", "an Arrow reader"])
def test_looking_at_a_stream_takes_nothing_from_it(kind: str) -> None:
    frames = [pd.DataFrame({"x": [1.0, 2.0, 4.0 + i], "y": [2.0, 3.0, 5.0]}) for i in range(3)]
    table = pa.Table.from_pandas(pd.concat(frames))
    stream = (frame for frame in frames) if kind == "a generator" else table.to_reader(3)
    gl.plan(stream, formula="y ~ x")
    with pytest.raises(ColumnError, match="nope"):
        gl.fit(stream, formula="y ~ nope")
    assert gl.fit(stream, formula="y ~ x").nobs == 9
    with pytest.raises(DataError, match="not a single item came"):
        gl.fit(stream, formula="y ~ x")


def test_an_iterator_without_a_hash_is_a_stream() -> None:
    @dataclass
    class Once:
        left: int = 3

        def __iter__(self) -> Once:
            return self

        def __next__(self) -> pd.DataFrame:
            if not self.left:
                raise StopIteration
            self.left -= 1
            return pd.DataFrame({"x": [1.0, 2.0 + self.left], "y": [2.0, 3.0]})

    assert gl.fit(Once(), target="y").nobs == 6


def test_items_without_rows() -> None:
    parts = [np.zeros((0, 2)), np.ones((3, 2)), np.zeros((0, 2))]
    [rows] = open_table(iter(parts)).read(["x2"])
    assert rows.columns[0].tolist() == [1, 1, 1]
    assert list(open_table(iter([np.zeros((0, 2))])).read(["x1"])) == []


def test_what_was_an_array_still_is() -> None:
    for data in ([1.0, 2.0], [[1, 2], [3, 4]], [(1, 2), (3, 4)], [np.zeros(2), np.ones(2)], [np.float64(1)]):
        assert is_array(data)
        assert not isinstance(open_table(data), Stream)
    assert is_array([torch.zeros(2), torch.ones(2)])
    assert is_array((np.zeros(3), np.ones(3)))
    assert is_array([(np.float64(1), np.float64(2))])
    for frame in (pd.DataFrame({"a": [1]}), pl.LazyFrame({"a": [1]}), pa.table({"a": [1]}), pd.Series([1.0])):
        assert not isinstance(open_table(frame), Stream)


PAIR = (np.ones((2, 2)), np.ones(2))


@pytest.mark.parametrize(
    ("items", "kind", "words"),
    [
        ([], DataError, "list_iterator is empty"),
        ([3], DataError, "item 1 of the list_iterator: a int came.\nExpected record batches"),
        (["a,b"], DataError, "item 1 of .* a str came"),
        ([(1.0, "b")], DataError, "item 1 of .* a tuple of float, str came"),
        ([(*PAIR, PAIR[1])], DataError, "a tuple of ndarray, ndarray, ndarray came"),
        ([PAIR, (np.ones((2, 3)), np.ones(2))], ColumnError, "item 2 of .* x1, x2, x3, y.\nThe first had x1, x2, y"),
        ([PAIR, np.ones((2, 2))], ColumnError, "item 2 of .* has the columns x1, x2.\n"),
        ([PAIR, PAIR, (np.ones((3, 2)), np.ones(2))], ShapeError, "item 3 of .*: X has 3 rows and y has 2"),
        ([PAIR, (np.ones((2, 2, 2)), np.ones(2))], ShapeError, r"item 2 of .*: an array of shape \(2, 2, 2\)"),
        (
            [PAIR, (np.array([["a", "b"]] * 2), PAIR[1])],
            ColumnError,
            "item 2 of .*: an array of numbers was expected",
        ),
        ([pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})], ColumnError, "item 2 .* columns b.\n.* had a"),
        (
            [pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": ["x"]})],
            ColumnError,
            "'a' is text here and float64 in the",
        ),
        ([np.ones(2), np.ones(2, np.float32)], ColumnError, "item 2 .*'x' is float32 here and float64 in the first"),
        ([pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"])], ColumnError, "item 1 .* named 'a'"),
    ],
)
def test_items_that_do_not_fit(items: list[Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        list((table := open_table(iter(items))).read(table.columns))
    assert len(str(caught.value).splitlines()) <= 3


def test_other_things_are_no_streams() -> None:
    with pytest.raises(OptionError, match="where= is a condition for files"):
        open_table(iter([PAIR]), where="x1 > 0")
    for data in ({"a": [1]}, {1, 2}, object()):
        with pytest.raises(DataError, match="a table was expected and a"):
            open_table(data)


def test_rows_that_come_once_are_never_wanted_twice() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(size=(900, 40))
    x[:, 1] = x[:, 0] + 1e-5 * rng.normal(size=900)  # sums in float64 would leave too few digits
    y = x.sum(axis=1) + rng.normal(size=900)
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(40)]).assign(y=y)
    fit = gl.fit((frame[at : at + 300] for at in (0, 300, 600)), target="y")
    assert np.array_equal(fit.params, gl.fit(frame, target="y", precision="double-double").params)
    assert "double-double: rows that come only once leave no second look" in str(fit.plan)
    weighted = (frame[at : at + 300] for at in (0, 300, 600))
    with pytest.raises(gl.OptionError, match="come only once"):
        gl.fit(weighted, formula="y ~ center(x0):x1", weights=np.ones(900))
    weights = np.arange(900.0)  # the mean is that of all rows, however much they weigh
    centred = gl.fit(weighted, formula="y ~ center(x0)", weights=weights)
    wanted = gl.fit(frame, formula="y ~ center(x0)", weights=weights)
    np.testing.assert_allclose(centred.params, wanted.params, rtol=1e-12)
    assert centred.recipe == wanted.recipe


def test_an_iterable_that_is_empty_the_second_time() -> None:
    inner = iter([PAIR])

    class Exhausted:
        def __iter__(self) -> Iterator[Any]:
            return iter(list(inner))

    table = open_table(Exhausted())
    assert len(list(table.read(["y"]))) == 1
    with pytest.raises(DataError, match="nothing when it was iterated again"):
        list(table.read(["y"]))


def test_errors_of_the_users_own_code_pass() -> None:
    def broken() -> Iterator[Any]:
        yield PAIR
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(open_table(broken()).read(["y"]))


def test_a_dataset_reads_only_the_columns_that_are_wanted(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]}), tmp_path / "t.parquet")
    table = open_table(pa.dataset.dataset(tmp_path / "t.parquet"))
    for column in ("a", "b"):
        [rows] = table.read([column])
        assert rows.columns[0].sum() == {"a": 3, "b": 7}[column]
