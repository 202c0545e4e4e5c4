"""The upper triangle of a symmetric matrix, row by row: half of the memory for what is added up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array


def places(size: int) -> int:
    """How many entries the triangle of a (size, size) matrix has."""
    return size * (size + 1) // 2


def place(row: Any, column: Any, size: Any) -> Any:
    """Where an entry of a (size, size) matrix stands, row ≤ column."""
    return row * (2 * size - row - 1) // 2 + column


def diagonal(size: int) -> NDArray[np.int64]:
    """(size,) where the diagonal's entries stand."""
    row = np.arange(size)
    return np.asarray(place(row, row, size))


def packed(matrix: Array) -> Array:
    """The triangle of a matrix (p, p)."""
    return np.concatenate([row[at:] for at, row in enumerate(matrix)])


def unpacked(triangle: Array, size: int) -> Array:
    """The matrix (size, size) that the triangle stands for."""
    matrix = np.empty((size, size))
    for row, start in enumerate(diagonal(size).tolist()):
        matrix[row, row:] = matrix[row:, row] = triangle[start : start + size - row]
    return matrix
