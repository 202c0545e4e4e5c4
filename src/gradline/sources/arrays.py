"""NumPy arrays, torch tensors and lists as columns, without a copy: a chunk is a view of the caller's array.

Only of tensors on other devices a stretch of rows is copied, when it is asked for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.errors import ColumnError, ShapeError
from gradline.sources.arrow import beside_nan
from gradline.sources.columns import Column, Held, There

_BFLOAT16_EPSILON = 2.0**-7
_LABELS = {
    "U": "text",
    "S": "bytes",
    "T": "text",
    "M": "datetime",
    "m": "a time span",
    "c": "complex",
    "V": "structured",
}


def array_table(data: Any) -> Held:
    """The table of an array (n,) or (n, d): column 'x', or 'x1' … 'xd'."""
    columns, rows = array_columns(data, "x")
    return Held("the tensor" if is_tensor(data) else "the array", columns, rows)


def array_columns(data: Any, letter: str) -> tuple[list[Column], int]:
    """The columns of an array (n,) or (n, d), named by the letter, and n."""
    if is_tensor(data) and data.device.type != "cpu":
        return _columns_there(data, letter)
    matrix, halves = _tensor(data) if is_tensor(data) else (_array(data), False)
    matrix = _two_axes(matrix)
    names = _names(letter, matrix.shape[1])
    return [_column(name, matrix[:, j], halves) for j, name in enumerate(names)], len(matrix)


def is_tensor(data: Any) -> bool:
    """Whether this is a torch tensor, without importing torch."""
    kind: Any = type(data)
    return _is_tensor_class(kind)


def is_values(data: Any) -> bool:
    """Whether this is an array or a tensor, and so surely no list of names or paths."""
    return isinstance(data, np.ndarray) or is_tensor(data)


@lru_cache(maxsize=64)
def _is_tensor_class(kind: type) -> bool:
    return any(base.__module__.partition(".")[0] == "torch" and base.__name__ == "Tensor" for base in kind.__mro__)


def _columns_there(data: Any, letter: str) -> tuple[list[Column], int]:
    """The columns of a tensor on another device, and its rows."""
    _, halves = _tensor(data[:0] if data.ndim and _is_dense(data) else data)
    tensor = _two_axes(data.detach())

    @lru_cache(maxsize=1)  # the columns of a stretch are asked for one after the other, and are one copy
    def stretch(first: int, last: int) -> NDArray[Any]:
        return _tensor(tensor[first:last])[0]

    def column(j: int, name: str) -> Column:
        def part(first: int, last: int) -> NDArray[Any]:
            copied: NDArray[Any] = _column(name, stretch(first, last)[:, j], halves).part(0, last - first)
            return copied

        empty = _column(name, stretch(0, 0)[:, j], halves)
        return empty._replace(rows=len(tensor), part=part, view=False, there=There(tensor, j))

    return [column(j, name) for j, name in enumerate(_names(letter, tensor.shape[1]))], len(tensor)


def _two_axes(matrix: Any) -> Any:
    """The array or tensor as (n, d)."""
    if matrix.ndim not in (1, 2):
        shape = tuple(matrix.shape)
        raise ShapeError(
            f"an array of shape {shape} arrived; expected (n,) or (n, d): one row for each observation.\n"
            "Reshape it, e.g. x.reshape(len(x), -1)."
        )
    return matrix[:, None] if matrix.ndim == 1 else matrix


def _names(letter: str, width: int) -> list[str]:
    return [letter] if width == 1 else [f"{letter}{j}" for j in range(1, width + 1)]


def _column(name: str, values: NDArray[Any], halves: bool) -> Column:
    """The column of these values (n,); `halves`: they are the bits of bfloat16 numbers."""
    label, epsilon = ("bfloat16", _BFLOAT16_EPSILON) if halves else _label_and_epsilon(values.dtype)

    def part(first: int, last: int) -> NDArray[Any]:
        piece = values[first:last]
        if halves:
            return (piece.astype(np.uint32) << np.uint32(16)).view(np.float32)
        if isinstance(piece, np.ma.MaskedArray):
            if piece.dtype.kind in "iu":
                return beside_nan(piece.filled(0), np.ma.getmaskarray(piece))
            return np.ma.filled(np.ma.asarray(piece, np.float64), np.nan)
        kind = piece.dtype
        if kind.kind == "f" and kind.itemsize not in (4, 8):
            return piece.astype(np.float32 if kind.itemsize == 2 else np.float64)
        if not kind.isnative or not piece.flags.aligned:
            return piece.astype(kind.newbyteorder("="))
        return piece

    return Column(name, len(values), label, epsilon, part, view=_is_view(values.dtype) and not halves)


def _is_view(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of this type are used as they stand."""
    return dtype.kind == "f" and dtype.itemsize in (4, 8) and dtype.isnative


@lru_cache(maxsize=64)
def _label_and_epsilon(dtype: np.dtype[Any]) -> tuple[str, float]:
    """How an error calls the type, and the relative spacing of its numbers."""
    return str(dtype), max(float(np.finfo(dtype).eps), 2.0**-52) if dtype.kind == "f" else 2.0**-52


def _tensor(data: Any) -> tuple[NDArray[Any], bool]:
    """The tensor's memory as an array; bfloat16, which NumPy does not know, as its bits."""
    try:
        values = data.numpy(force=True)
    except NotImplementedError:
        raise ColumnError(
            f"a tensor of numbers was expected and one on {data.device} came, without numbers.\n"
            "Load the data first, to the CPU or a device that has memory."
        ) from None
    except (TypeError, RuntimeError):
        import torch

        if not _is_dense(data) or data.is_quantized:
            raise ColumnError(
                "a dense tensor was expected and a sparse or quantized one arrived.\nUse x.to_dense()."
            ) from None
        if data.dtype != torch.bfloat16:
            raise _not_numbers(str(data.dtype)) from None
        return data.detach().cpu().view(torch.int16).numpy().view(np.uint16), True
    if values.dtype.kind == "c":
        raise _not_numbers("complex")
    return values, False


def _is_dense(data: Any) -> bool:
    return str(data.layout) == "torch.strided"


def _array(data: Any) -> NDArray[Any]:
    """The data as a numeric array, the same memory where it is one already."""
    if isinstance(data, np.ma.MaskedArray):
        array: NDArray[Any] = data
    else:
        if isinstance(data, list | tuple):
            data = [item.detach().cpu().tolist() if is_tensor(item) else item for item in data]
        try:
            array = np.asarray(data)
        except (ValueError, TypeError) as problem:
            if "inhomogeneous" in str(problem):
                raise ShapeError(
                    f"the rows have different lengths: {_lengths(data)}.\nGive each row the same number of values."
                ) from None
            raise _not_numbers(type(data).__name__) from None
    if array.dtype.kind == "O":
        return _from_objects(array)
    if array.dtype.kind in _LABELS:
        raise _not_numbers(_LABELS[array.dtype.kind])
    return array


def _from_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Python numbers as float64. Text is refused even where it looks like a number: NumPy would convert it."""
    for value in array.flat:
        if isinstance(value, str | bytes):
            raise _not_numbers(f"text ({value!r})")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise _not_numbers(next(filter(None, map(_strangeness, array.flat)), "object")) from None


def _strangeness(value: Any) -> str:
    """What stands in the way of using the value as a float64, if anything."""
    if isinstance(value, int) and abs(value) >= 2**1024:
        return "a whole number beyond float64's range"
    if value is None or (hasattr(value, "__float__") and not getattr(value, "shape", ())):
        return ""
    return type(value).__name__


def _not_numbers(kind: str) -> ColumnError:
    return ColumnError(
        f"an array of numbers was expected and {kind} arrived.\n"
        "Convert it first, or give a data frame and name its numeric columns."
    )


def _lengths(data: Any) -> str:
    lengths = [str(len(row)) if hasattr(row, "__len__") else "a single value" for row in data]
    return ", ".join(lengths[:5]) + (", …" if len(lengths) > 5 else "")
