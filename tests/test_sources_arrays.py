"""NumPy arrays, torch tensors and lists."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from chunks import chunks

from gradline.errors import ColumnError, DataError, ShapeError
from gradline.sources import CHUNK, open_columns, open_table
from gradline.sources.columns import beside

FLOATS = [0.5, -1.25, 3.0]


def column(data: Any) -> np.ndarray:
    table = open_table(data)
    return np.concatenate([rows.columns[0] for rows in table.read(table.columns[:1])])


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?", ">f4", ">i8"]
)
def test_every_numeric_dtype(dtype: str) -> None:
    values = np.array([0, 1, 3]).astype(dtype)
    assert column(values).tolist() == values.tolist()
    kept = {"f2": "float32"}.get(dtype, np.dtype(dtype).newbyteorder("=").name)
    [rows] = open_table(values).read(["x"])
    assert rows.columns[0].dtype == kept
    assert rows.columns[0].dtype.isnative


@pytest.mark.parametrize(
    ("dtype", "epsilon", "arrives"),
    [
        (torch.float64, 2.0**-52, np.float64),
        (torch.float32, 2.0**-23, np.float32),
        (torch.float16, 2.0**-10, np.float32),
        (torch.bfloat16, 2.0**-7, np.float32),
        (torch.int64, 2.0**-52, np.int64),
        (torch.bool, 2.0**-52, np.bool_),
    ],
)
def test_every_tensor_dtype(dtype: torch.dtype, epsilon: float, arrives: type) -> None:
    tensor = torch.tensor(FLOATS).to(dtype)
    assert open_table(tensor).epsilon("x") == epsilon
    assert column(tensor).dtype == arrives
    assert column(tensor).tolist() == tensor.tolist()


def test_bfloat16_is_converted_with_its_infinities_and_strides() -> None:
    tensor = torch.tensor([[float("inf"), 1], [float("-inf"), 1], [float("nan"), 1], [-0.0, 1]], dtype=torch.bfloat16)
    np.testing.assert_array_equal(column(tensor[:, :1]), [np.inf, -np.inf, np.nan, -0.0])


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, torch.from_numpy], ids=["C", "F", "tensor"])
def test_chunks_are_views_of_the_callers_memory(make: Any) -> None:
    matrix = np.zeros((2 * CHUNK + 1, 3))
    data = make(matrix)
    memory = data.numpy() if isinstance(data, torch.Tensor) else data
    pieces = list(chunks(open_table(data).read(["x1", "x3"])))
    assert [len(rows.columns[0]) for rows in pieces] == [CHUNK, CHUNK, 1]
    assert all(np.shares_memory(each, memory) for rows in pieces for each in rows.columns)


def test_names() -> None:
    assert open_table(np.zeros(3)).columns == open_table(np.zeros((3, 1))).columns == ("x",)
    assert open_table(np.zeros((3, 3))).columns == ("x1", "x2", "x3")
    assert open_table(np.zeros((3, 0))).columns == ()


def test_no_rows() -> None:
    table = open_table(np.zeros((0, 2)))
    assert table.rows == 0
    assert list(table.read(["x1"])) == []


def test_python_numbers_of_any_kind() -> None:
    assert column([Fraction(1, 4), Decimal("0.5"), 2**70, True]).tolist() == [0.25, 0.5, 2.0**70, 1.0]
    np.testing.assert_array_equal(column([1.5, None]), [1.5, np.nan])
    assert column([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0], requires_grad=True)]).tolist() == [1.0, 3.0]


def test_masked_values_are_missing() -> None:
    np.testing.assert_array_equal(column(np.ma.array([1, 2, 3], mask=[0, 1, 0])), [1, np.nan, 3])


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (np.zeros((2, 2, 2)), ShapeError, r"\(2, 2, 2\).*\n.*[Rr]eshape"),
        (np.float64(3.0), ShapeError, r"shape \(\)"),
        (3, ShapeError, r"shape \(\)"),
        ([[1, 2], [3]], ShapeError, "different lengths: 2, 1"),
        (np.array([1 + 2j]), ColumnError, "complex"),
        (torch.tensor([1 + 2j]), ColumnError, "complex"),
        (np.array(["2020-01-01"], dtype="M8[D]"), ColumnError, "datetime"),
        (np.array(["1.5", "2.5"]), ColumnError, "text"),
        (np.array(["1.5", 2], dtype=object), ColumnError, "'1.5'"),
        ([[1.0, "a"]], ColumnError, "text"),
        (np.array([{}, 1], dtype=object), ColumnError, "dict"),
        (np.zeros(2, dtype=[("a", "f8")]), ColumnError, "structured"),
        (torch.eye(2).to_sparse(), ColumnError, "to_dense"),
        ({"a": [1]}, DataError, "dict arrived"),
        (None, DataError, "None arrived"),
        (object(), DataError, "object arrived"),
    ],
    ids=lambda value: str(type(value).__name__) if not isinstance(value, str) else value[:12],
)
def test_refused(data: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        open_table(data)


def test_unknown_column_of_an_array() -> None:
    with pytest.raises(ColumnError, match="no column 'x9' in the array"):
        list(open_table(np.zeros((3, 2))).read(["x9"]))


def test_columns_in_memory_lie_beside_the_table() -> None:
    n = CHUNK + 5
    columns = [*open_columns(np.arange(n), "w")[0], *open_columns(torch.ones(n, 1), "t")[0]]
    table = beside(open_table(np.arange(2.0 * n).reshape(n, 2)), columns)
    assert table.columns == ("x1", "x2", "w", "t")
    pieces = list(chunks(table.read(["w", "x2", "w"])))
    np.testing.assert_array_equal(np.concatenate([rows.columns[0] for rows in pieces]), np.arange(n))
    np.testing.assert_array_equal(np.concatenate([rows.columns[1] for rows in pieces]), np.arange(1, 2 * n, 2))
    assert [len(rows.columns[0]) for rows in chunks(table.read(["w"]))] == [CHUNK, 5]
    assert table.epsilon("t") == 2.0**-23


@pytest.mark.parametrize("rows", [2, 4])
def test_columns_in_memory_of_another_length(rows: int) -> None:
    with pytest.raises(ShapeError, match=rf"'w' has shape \({rows},\) and the array has 3 rows"):
        beside(open_table(np.zeros(3)), open_columns(np.zeros(rows), "w")[0])


@pytest.mark.parametrize(
    ("value", "words"),
    [(10**400, "a whole number beyond"), (np.array([1.0]), "ndarray"), (torch.tensor([1.0, 2.0]), "Tensor")],
    ids=["10**400", "an array", "a tensor"],
)
def test_what_is_no_number_among_objects(value: object, words: str) -> None:
    objects = np.empty((3, 2), object)
    objects[:] = 1.5
    objects[2, 1] = value
    with pytest.raises(ColumnError, match=f"an array of numbers was expected and {words}"):
        open_table(objects)
