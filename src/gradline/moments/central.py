"""Moments of numbers about their mean, gathered part by part.

Source: Pébay (2008), Formulas for robust, one-pass parallel computation of covariances and arbitrary-order
statistical moments, Sandia report 2008-6212, equations 2.1 to 2.3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradline.doubledouble import Array


class Central(NamedTuple):
    """The mean of k rows of numbers, and sums of powers about it."""

    rows: float
    mean: Array  # (k,)
    second: Array  # (k,) Σ (value - mean)²
    third: Array  # (k,)
    fourth: Array  # (k,)


def central(values: Array, times: Array | None = None) -> Central:
    """Of values (k, n), each of which stands for as many as `times` (n,) says."""
    if not values.shape[1]:
        nothing = np.zeros(len(values))
        return Central(0.0, nothing, nothing, nothing, nothing)
    many = np.ones(values.shape[1]) if times is None else times
    count = float(many.sum())
    mean = (many * values).sum(axis=1) / count
    away = values - mean[:, None]
    squares = away * away
    counted = many * squares
    return Central(
        count,
        mean,
        counted.sum(axis=1),
        (counted * away).sum(axis=1),
        (counted * squares).sum(axis=1),
    )


def together(a: Central, b: Central) -> Central:
    """Of both."""
    if not a.rows or not b.rows:
        return a if a.rows else b
    n = a.rows + b.rows
    left, right = a.rows / n, b.rows / n
    apart = b.mean - a.mean
    square = a.rows * right * apart**2
    return Central(
        rows=n,
        mean=a.mean + right * apart,
        second=a.second + b.second + square,
        third=a.third + b.third + square * apart * (left - right) + 3 * apart * (left * b.second - right * a.second),
        fourth=a.fourth
        + b.fourth
        + square * apart**2 * (left**2 - left * right + right**2)
        + 6 * apart**2 * (left**2 * b.second + right**2 * a.second)
        + 4 * apart * (left * b.third - right * a.third),
    )
