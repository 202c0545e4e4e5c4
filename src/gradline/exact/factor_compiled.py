"""A Cholesky factor that columns enter and leave: M = UᵀU of the columns on a face, M = S + l2·weight².

A column that enters is one more column of U; one that leaves is cut out, and rotations of neighbouring rows bring U
back to a triangle: a² operations each, where a new factor takes a³. Columns keep the order in which they entered.

Source: Golub & Van Loan (2013), Matrix Computations, section 6.5; Higham (2002), Accuracy and Stability of Numerical
Algorithms, chapter 10.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

TRUSTED = 1e-8
"""The share of its square that a column must have left for float64 to be trusted: each step of refinement then gains
seven digits."""
_PANEL = 64
"""Rows that are eliminated by themselves; the rest of the matrix is then BLAS' work."""
_ANEW = 16
"""A factor is made anew where more than this part of its columns would enter or leave."""


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def assign(target: Any, source: Any) -> None:
    """target[:] = source, for (n,); written so, it would be compiled with its errors, which takes many seconds."""
    for i in range(len(target)):
        target[i] = source[i]


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def bring(gram: Any, l2: Any, weights: Any, signs: Any, upper: Any, order: Any, size: Any) -> Any:
    """Make a factor that of the columns whose sign is not 0.

    Args:
        gram: (d, d) S.
        l2: The strength that the factor is for.
        weights: (d,).
        signs: (d,).
        upper: (d, d) holds U in its upper corner.
        order: (d,) holds the numbers of its columns.
        size: How many they are; 0 where there is no factor yet, or one of another l2.

    Returns:
        How many they are now, and whether these are all: False where too little is left of a column.
    """
    missing = signs != 0.0
    wanted = missing.sum()
    for i in range(size):
        missing[order[i]] = False
    entering = np.nonzero(missing)[0]
    if _ANEW * (size - wanted + 2 * len(entering)) > wanted:
        assign(order[:wanted], np.nonzero(signs)[0])
        known = _anew(gram, l2, weights, upper, order[:wanted])
        return (wanted if known else 0), known
    for i in range(size - 1, -1, -1):
        if signs[order[i]] == 0.0:
            _remove(upper, order, size, i)
            size -= 1
    for j in entering:
        if not _append(gram, l2, weights, upper, order, size, j):
            return size, False
        size += 1
    return size, True


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def solve(upper: Any, size: Any, vector: Any) -> None:
    """The vector (size,) becomes M⁻¹·vector."""
    _forward(upper, size, vector)
    for k in range(size - 1, -1, -1):
        vector[k] = (vector[k] - np.dot(upper[k, k + 1 : size], vector[k + 1 :])) / upper[k, k]


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def diagonal(upper: Any, size: Any) -> Any:
    """(size,) the diagonal of M⁻¹: the squared lengths of the rows of U⁻¹, which is found panel by panel."""
    lengths = np.empty(size)
    inverse = np.zeros((size, size))
    for start in range((size - 1) // _PANEL * _PANEL, -1, -_PANEL):
        end = min(start + _PANEL, size)
        for i in range(end - 1, start - 1, -1):
            inverse[i, i] = 1.0
            for k in range(i + 1, end):
                for m in range(k, end):
                    inverse[i, m] -= upper[i, k] * inverse[k, m]
            for m in range(i, end):
                inverse[i, m] /= upper[i, i]
        if end < size:
            rest = np.dot(upper[start:end, end:size].copy(), inverse[end:, end:].copy())
            corner = np.dot(-inverse[start:end, start:end], rest)
            for i in range(end - start):
                assign(inverse[start + i, end:], corner[i])
        for i in range(start, end):
            lengths[i] = np.dot(inverse[i, i:], inverse[i, i:])
    return lengths


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _forward(upper: Any, size: Any, vector: Any) -> None:
    """The vector becomes U⁻ᵀ·vector."""
    for k in range(size):
        value = vector[k] / upper[k, k]
        vector[k] = value
        for i in range(k + 1, size):
            vector[i] -= value * upper[k, i]


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _append(gram: Any, l2: Any, weights: Any, upper: Any, order: Any, size: Any, j: Any) -> Any:
    """Column j becomes the last; False where too little of it is left."""
    column = np.empty(size)
    for i in range(size):
        column[i] = gram[j, order[i]]
    _forward(upper, size, column)
    whole = gram[j, j] + l2 * weights[j] ** 2
    left = whole - np.dot(column, column)
    if not left > TRUSTED * whole:
        return False
    assign(upper[:size, size], column)
    upper[size, size] = np.sqrt(left)
    order[size] = j
    return True


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _remove(upper: Any, order: Any, size: Any, place: Any) -> None:
    """The column at this place is cut out."""
    for k in range(place, size - 1):
        order[k] = order[k + 1]
    for k in range(size):
        for i in range(max(place, k - 1), size - 1):
            upper[k, i] = upper[k, i + 1]
    for k in range(place, size - 1):  # below the diagonal, row k + 1 now has one entry, in column k
        length = np.hypot(upper[k, k], upper[k + 1, k])
        c, s = upper[k, k] / length, upper[k + 1, k] / length
        for i in range(k, size - 1):
            a, b = upper[k, i], upper[k + 1, i]
            upper[k, i] = c * a + s * b
            upper[k + 1, i] = c * b - s * a


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _anew(gram: Any, l2: Any, weights: Any, upper: Any, columns: Any) -> Any:
    """The factor of these columns, in panels of rows; False where too little is left of a column."""
    a = len(columns)
    whole = np.empty(a)
    for i in range(a):
        for k in range(i, a):
            upper[i, k] = gram[columns[i], columns[k]]
        upper[i, i] += l2 * weights[columns[i]] ** 2
        whole[i] = upper[i, i]
    for start in range(0, a, _PANEL):
        end = min(start + _PANEL, a)
        if start:
            above = upper[:start, start:end].T.copy()
            taken = np.dot(above, upper[:start, start:a].copy())
            for i in range(end - start):
                for m in range(a - start):
                    upper[start + i, start + m] -= taken[i, m]
        for k in range(start, end):
            if not upper[k, k] > TRUSTED * whole[k]:
                return False
            root = np.sqrt(upper[k, k])
            for m in range(k, a):
                upper[k, m] /= root
            for i in range(k + 1, end):
                factor = upper[k, i]
                for m in range(i, a):
                    upper[i, m] -= factor * upper[k, m]
    return True
