"""pandas, Polars and Arrow."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gradline.errors import ColumnError
from gradline.sources import CHUNK, open_table

PLAIN = {"f8": [1.5, 2.5, 3.5], "i8": [1, 2, 3], "b": [True, False, True]}
MISSING = {
    "f8": [1.5, None, 3.5],
    "i8": [1, None, 3],
    "b": [True, None, False],
    "d": [Decimal("0.25"), None, Decimal(2)],
}
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table, "lazy": pl.LazyFrame}


def read(data: Any, *columns: str) -> list[np.ndarray]:
    return list(next(open_table(data).read(columns)).columns)


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_types_stay(make: Any) -> None:
    arrays = read(make(PLAIN), "f8", "i8", "b")
    assert [array.dtype.name for array in arrays] == ["float64", "int64", "bool"]
    assert [array.tolist() for array in arrays] == list(PLAIN.values())


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_missing_values_become_nan(make: Any) -> None:
    frame = make(MISSING)
    if isinstance(frame, pd.DataFrame):
        frame = frame.astype({"i8": "Int64", "b": "boolean"})
    expected = [[1.5, np.nan, 3.5], [1, np.nan, 3], [1, np.nan, 0], [0.25, np.nan, 2]]
    for array, column in zip(read(frame, *MISSING), expected, strict=True):
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, column)


@pytest.mark.parametrize("dtype", ["Int64", "UInt8", "Float32", "boolean", "int64[pyarrow]", "bool[pyarrow]"])
@pytest.mark.parametrize("missing", [True, False])
def test_nullable_pandas_types(dtype: str, missing: bool) -> None:
    values = [1, None if missing else 0, 1]
    frame = pd.DataFrame({"a": pd.array(values, dtype=dtype)})
    np.testing.assert_array_equal(read(frame, "a")[0].astype(float), [1, np.nan if missing else 0, 1])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"])
def test_float32_stays_float32(make: Any) -> None:
    table = open_table(make({"a": np.array([1, 2], np.float32), "b": [1.0, 2.0]}))
    assert (table.epsilon("a"), table.epsilon("b")) == (2.0**-23, 2.0**-52)
    assert next(table.read(["a"])).columns[0].dtype == np.float32


def test_half_precision_and_sparse_pandas_columns() -> None:
    frame = pd.DataFrame({"h": np.array([1, 2], np.float16), "s": pd.arrays.SparseArray([0.0, 2.0]), "o": [1, 2.5]})
    frame["o"] = frame["o"].astype(object)
    assert open_table(frame).epsilon("h") == 2.0**-10
    assert [array.tolist() for array in read(frame, "h", "s", "o")] == [[1, 2], [0, 2], [1, 2.5]]


def test_big_polars_integers() -> None:
    assert read(pl.DataFrame({"a": pl.Series([1, 2], dtype=pl.Int128)}), "a")[0].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"])
def test_float64_columns_are_not_copied(make: Any) -> None:
    frame = make({"a": np.arange(CHUNK + 1.0), "b": np.arange(CHUNK + 1.0)})
    whole = frame["b"].chunk(0).to_numpy() if isinstance(frame, pa.Table) else frame["b"].to_numpy()
    assert all(np.shares_memory(rows.columns[0], whole) for rows in open_table(frame).read(["b"]))


@pytest.mark.parametrize(
    ("series", "name"),
    [
        (pd.Series([1.0, 2.0], name="dist", index=[7, 3]), "dist"),
        (pd.Series([1.0, 2.0]), "x"),
        (pl.Series("dist", [1.0, 2.0]), "dist"),
        (pa.chunked_array([[1.0], [2.0]]), "x"),
        (pa.array([1.0, 2.0]), "x"),
    ],
)
def test_a_series_is_one_column(series: Any, name: str) -> None:
    assert open_table(series).columns == (name,)
    assert read(series, name)[0].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_column_of_a_frame_may_have_no_name(make: Any) -> None:
    """As the row names have that R's write.csv leaves: it is no other column's namesake."""
    frame = make({"": [7.0, 8.0], "x": [1.0, 2.0]})
    assert open_table(frame).columns == ("", "x")
    assert read(frame, "")[0].tolist() == [7.0, 8.0]


def test_names_of_any_kind_become_text() -> None:
    assert open_table(pd.DataFrame(np.zeros((2, 2)))).columns == ("0", "1")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pd.Series(["a", 1], dtype=object), "mixture"),
        (pd.Series(pd.date_range("2020", periods=2)), "datetime"),
        (pd.Series([1j, 2j]), "complex128"),
        (pl.Series([[1], [2]]), "nested"),
        (pa.chunked_array([[{"u": 1}, {"u": 2}]]), "nested"),
    ],
)
def test_other_columns_are_named_with_their_type(values: Any, words: str) -> None:
    maker = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}[
        type(values).__module__.partition(".")[0]
    ]
    frame = maker({"good": [1, 2], "bad": values})
    table = open_table(frame)
    assert (table.columns, table.numeric) == (("good", "bad"), ("good",))
    with pytest.raises(ColumnError, match=rf"column 'bad' in the \w+ is .*{words}.*\n.*features=: good"):
        table.epsilon("bad")
    if words == "datetime":  # in whole numbers: microseconds
        np.testing.assert_array_equal(np.diff(next(table.read(["bad"])).columns[0]), [86_400_000_000])
    else:
        with pytest.raises(ColumnError, match="numbers were expected"):
            list(table.read(["good", "bad"]))
    with pytest.raises(ColumnError, match=r"no column 'god' .* mean 'good'"):
        table.epsilon("god")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]),
        pd.DataFrame([[1, 2]], columns=[1, "1"]),
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    ],
)
def test_duplicate_names(frame: Any) -> None:
    with pytest.raises(ColumnError, match=r"more than one column named '[a1]'\.\n"):
        open_table(frame)


def test_a_lazy_frame_collects_only_the_columns_asked_for() -> None:
    def fail(_: pl.Series) -> pl.Series:
        raise AssertionError

    lazy = pl.LazyFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}).with_columns(
        pl.col("b").map_batches(fail, return_dtype=pl.Float64)
    )
    assert read(lazy, "a")[0].tolist() == [1.0, 2.0]
    assert open_table(lazy).rows is None


WORDS = ["b", None, "a", "b"]


@pytest.mark.parametrize(
    ("values", "kind", "encoded"),
    [
        (pd.Series(WORDS), "text", False),
        (pd.Series(WORDS, dtype=object), "text", False),
        (pd.Series(WORDS, dtype="string"), "text", False),
        (pd.Series(WORDS, dtype="category"), "categorical", True),
        (pd.Series(WORDS, dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))), "categorical", True),
        (pl.Series(WORDS), "text", False),
        (pl.Series(WORDS, dtype=pl.Categorical), "categorical", True),
        (pl.Series(WORDS, dtype=pl.Enum(["b", "a"])), "categorical", True),
        (pa.chunked_array([WORDS]), "text", False),
        (pa.chunked_array([WORDS[:1], WORDS[1:]], pa.large_string()), "text", False),
        (pa.array(WORDS).cast(pa.string_view()), "text", False),
        (pa.chunked_array([WORDS[:1], WORDS[1:]]).dictionary_encode(), "categorical", True),
        (
            pa.chunked_array([pa.array(part).dictionary_encode() for part in (WORDS[:2], WORDS[2:])]),
            "categorical",
            True,
        ),
    ],
)
def test_labels_are_arrow_arrays(values: Any, kind: str, encoded: bool) -> None:
    maker = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
    table = open_table(maker[type(values).__module__.partition(".")[0]]({"good": [1, 2, 3, 4], "word": values}))
    assert (table.numeric, table.labels, table.kind("word")) == (("good",), ("word",), kind)
    numbers, words = next(table.read(["good", "word"])).columns
    assert numbers.tolist() == [1, 2, 3, 4]
    assert isinstance(words, pa.DictionaryArray if encoded else pa.Array)
    assert words.to_pylist() == WORDS
    with pytest.raises(ColumnError, match=r"column 'word' in the .* numbers were expected"):
        table.epsilon("word")


def test_categories_of_numbers_are_read_as_numbers_and_others_as_text() -> None:
    days = pd.to_datetime(["2020-01-03", None, "2020-01-01"])
    table = open_table(pd.DataFrame({"a": pd.Series([3, None, 1], dtype="category"), "b": pd.Categorical(days)}))
    numbers, texts = next(table.read(["a", "b"])).columns
    assert numbers.to_pylist() == [3, None, 1]
    assert [text and text[:10] for text in texts.to_pylist()] == ["2020-01-03", None, "2020-01-01"]


def test_a_lazy_frame_has_labels() -> None:
    table = open_table(pl.LazyFrame({"v": [1, 2, 3, 4], "word": WORDS}))
    assert table.labels == ("word",)
    assert next(table.read(["word"])).columns[0].to_pylist() == WORDS
