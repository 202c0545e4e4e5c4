"""Whole numbers so large beside their spread that not even 32 digits of their squares say how they vary.

x = 2⁵³ + 1, 2⁵³ + 3 … are exact as integers of 64 bits, yet Σx² takes 109 bits and the variance is in the last few.
Their differences from an origin are exact and small, so a second pass sums those instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.doubledouble import divide, multiply, subtract

if TYPE_CHECKING:
    from gradline.design.problem import Problem
    from gradline.moments.moments import Moments

_EXACT = ("int64", "uint64", ">i8", ">u8")

_LARGE = 2.0**40
"""Means below this are left alone: where such integers vary at all, they vary by enough of their mean."""

_SPREAD = 2.0**-70
"""The share of a sum of squares that may be left about the mean: where it is less, fewer than ten digits are sure."""


def origins(problem: Problem, moments: Moments) -> dict[str, float]:
    """For each column that asks for it an integer near its mean, from what the first pass found.

    Only of a model with an intercept, which takes up the origins. Columns that are used in products or within
    categories stay as they are, and so do those with missing values, which were read as float64.
    """
    if not problem.intercept or not moments.used or moments.precision != "double-double":
        return {}
    table, there = problem.table, set(problem.table.columns)
    plain = {term.factors[0][0] for term in problem.terms if term.plain}
    exact = {name for name in (*plain, *problem.targets) if name in there and table.kind(name) in _EXACT}
    if not exact:
        return {}
    within = {effect.term for effect in problem.effects if effect.categories}
    for number, term in enumerate(problem.terms):
        if number in within or not term.plain:
            exact.difference_update(column for column, _ in term.factors)
    exact.difference_update(moments.lacking)
    exact.difference_update(name for name, same in zip(moments.targets, moments.constant, strict=True) if same)
    names = [*[term.factors[0][0] if term.plain else "" for term in moments.terms], *moments.targets]
    found = {}
    for at, name in enumerate(names, 1):
        if name in exact:
            mean, share = _mean_and_share(moments, at)
            if abs(mean) >= _LARGE and share <= _SPREAD:
                found[name] = float(np.rint(mean))
    return found


def _mean_and_share(moments: Moments, at: int) -> tuple[float, float]:
    """The mean of a column, and how much of its sum of squares is about it."""
    count, total, squares = [(moments.hi[i, j], moments.lo[i, j]) for i, j in ((0, 0), (0, at), (at, at))]
    if not squares[0] > 0:
        return 0.0, 1.0
    mean = divide(total, count)
    about = subtract(squares, multiply(mean, total))
    return float(mean[0]), float(about[0] / squares[0])
