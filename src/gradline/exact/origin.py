"""Whole numbers so large beside their spread that not even 32 digits of their squares say how they vary.

x = 2⁵³ + 1, 2⁵³ + 3 … are exact as integers of 64 bits, yet Σx² takes 109 bits and the variance is in the last few.
Their differences from an origin are exact and small, so a second pass sums those instead, and the answer for them is
that for the columns themselves but for the intercept.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gradline.doubledouble import UNIT, Array, add, divide, multiply, subtract, sum_pairs
from gradline.exact.solve import Solution
from gradline.sources.arrow import LONG

if TYPE_CHECKING:
    from gradline.design.problem import Problem
    from gradline.moments import Moments

_EXACT = ("int64", "uint64", ">i8", ">u8")

_LARGE = 2.0**40
"""Means below this are left alone: where such integers vary at all, they vary by enough of their mean."""

_NEAR = 2.0**-20
"""The share of a sum of squares that is about the mean, at most, for an origin to gain much."""

_SPREAD = 2.0**-70
"""Where that share is less, fewer than ten digits of the variance are sure."""

_RESIDUAL = 1e-8 / (256 * UNIT)
"""How many times the residual sum of squares a column's part squared may be, for eight digits of it."""


def origins(problem: Problem, moments: Moments, solution: Solution) -> dict[str, float]:
    """Integers near the means of such columns, if the first pass left the slope of one or the residuals in doubt.

    Only of a model with an intercept, which takes up the origins. Columns that are used in products or within
    categories stay as they are, and so do those with missing values where those were read as float64.
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
    if not LONG:
        exact.difference_update(moments.lacking)
    exact.difference_update(name for name, same in zip(moments.targets, moments.constant, strict=True) if same)
    names = [*[term.factors[0][0] if term.plain else "" for term in moments.terms], *moments.targets]
    found, doubtful = {}, False
    for at, name in enumerate(names, 1):
        if name in exact:
            mean, share = _mean_and_share(moments, at)
            if abs(mean) >= _LARGE and share <= _NEAR:
                found[name] = float(np.rint(mean))
                doubtful |= share <= _SPREAD or _blurs_residuals(moments, solution, at)
    return found if doubtful else {}


def _blurs_residuals(moments: Moments, solution: Solution, at: int) -> bool:
    """Whether rounding in the sums of this column is more than a little of a residual sum of squares."""
    slopes = np.nan_to_num(solution.params[at]) if at < len(solution.params) else 1.0
    return bool((slopes**2 * moments.hi[at, at] > _RESIDUAL * solution.rss).any())


def _mean_and_share(moments: Moments, at: int) -> tuple[float, float]:
    """The mean of a column, and how much of its sum of squares is about it."""
    count, total, squares = [(moments.hi[i, j], moments.lo[i, j]) for i, j in ((0, 0), (0, at), (at, at))]
    if not squares[0] > 0:
        return 0.0, 1.0
    mean = divide(total, count)
    about = subtract(squares, multiply(mean, total))
    return float(mean[0]), float(about[0] / squares[0])


def about_zero(solution: Solution, origin: Array, target: Array) -> Solution:
    """The same model in terms of x and y, where it was solved for x - origin and y - target.

        y - target = b + (x - origin)·coef,  so the intercept is b + target - origin·coef

    `root` and the condition number stay those of x - origin: about zero they would lose all digits.

    Args:
        solution: With an intercept.
        origin: (d,) of the features; 0 where there is none.
        target: (k,) of the targets.
    """
    params, low = np.nan_to_num(solution.params), np.nan_to_num(solution.params_low)
    away = multiply((origin[:, None], np.zeros((len(origin), 1))), (params[1:], low[1:]))
    moved = subtract((params[0], low[0]), sum_pairs(away))
    intercept = add(moved, (target, np.zeros_like(target)))
    error = solution.error.copy()
    error[0] += abs(origin) @ error[1:] + 4 * UNIT * (abs(away[0]).sum(axis=0) + abs(target))
    variance, relations = solution.variance.copy(), {}
    variance[0] = (at_zero(solution.root, origin)[:, 0] ** 2).sum()
    if (np.isnan(solution.variance) & ~np.isnan(solution.params).any(axis=1)).any():
        variance[0] = np.nan  # of parameters that the data do not determine
    for j, relation in solution.relations.items():
        relations[j] = relation.copy()
        relations[j][0] += origin[j - 1] - relation[1:] @ origin
    relative = np.where(intercept[0] != 0, error[0] / np.where(intercept[0] != 0, abs(intercept[0]), 1.0), 0.0)
    digits = -np.log10(max(float(relative.max()), 1e-300))
    return dataclasses.replace(
        solution,
        params=np.vstack([intercept[0][None], solution.params[1:]]),
        params_low=np.vstack([intercept[1][None], solution.params_low[1:]]),
        variance=variance,
        error=error,
        relations=relations,
        digits=max(0.0, min(solution.digits, digits)),
    )


def at_zero(root: Array, origin: Array) -> Array:
    """The root (p, p) of the covariance of parameters for columns less an origin (d,), for the columns themselves."""
    moved: Array = root.copy()
    moved[:, 0] -= root[:, 1:] @ origin
    return moved
