"""Exact rational arithmetic: the strongest oracle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np


def rationals(columns: Sequence[np.ndarray]) -> list[list[Fraction]]:
    """The columns as exact rationals."""
    return [[Fraction(float(value)) for value in column] for column in columns]


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((u * v for u, v in zip(a, b, strict=True)), Fraction(0))


def cross_products(columns: Sequence[np.ndarray]) -> list[list[Fraction]]:
    """Zᵀ·Z for the columns of Z."""
    exact = rationals(columns)
    return [[dot(a, b) for b in exact] for a in exact]


def least_squares(columns: Sequence[np.ndarray], y: np.ndarray) -> list[Fraction]:
    """The coefficients of y on the columns, which must be independent."""
    matrix = cross_products([*columns, y])
    q = len(columns)
    rows = [matrix[i][: q + 1] for i in range(q)]
    for j in range(q):
        for i in range(q):
            if i != j:
                factor = rows[i][j] / rows[j][j]
                rows[i] = [u - factor * v for u, v in zip(rows[i], rows[j], strict=True)]
    return [rows[i][q] / rows[i][i] for i in range(q)]


def digits(got: float, exact: Fraction) -> float:
    """Correct decimal digits, relative (absolute for an exact zero), at most 16."""
    error = abs(Fraction(float(got)) - exact)
    if exact:
        error /= abs(exact)
    return 16.0 if error == 0 else min(16.0, -math.log10(error))


def relative_error(pair: tuple[float, float], exact: Fraction, scale: Fraction) -> float:
    """Error of hi + lo relative to scale."""
    return float(abs(Fraction(float(pair[0])) + Fraction(float(pair[1])) - exact) / scale)


def as_pair(matrix: list[list[Fraction]]) -> tuple[np.ndarray, np.ndarray]:
    """The high and low words of exact numbers: each relative to 2**-106."""
    hi = np.array([[float(value) for value in row] for row in matrix])
    lo = np.array([[float(v - Fraction(float(v))) for v in row] for row in matrix])
    return hi, lo


def solution(matrix: list[list[Fraction]], q: int) -> tuple[list[Fraction], Fraction, list[Fraction]]:
    """Parameters, residual sum of squares and the diagonal of (X'X)⁻¹, from cross-products with one target."""
    rows = [[*matrix[i], *(Fraction(int(i == j)) for j in range(q))] for i in range(q)]
    for j in range(q):
        for i in range(q):
            if i != j and rows[i][j]:
                factor = rows[i][j] / rows[j][j]
                rows[i] = [u - factor * v for u, v in zip(rows[i], rows[j], strict=True)]
    params = [rows[i][q] / rows[i][i] for i in range(q)]
    rss = matrix[q][q] - dot(matrix[q][:q], params)
    return params, rss, [rows[i][q + 1 + i] / rows[i][i] for i in range(q)]
