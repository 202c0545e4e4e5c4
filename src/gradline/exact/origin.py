"""From the answer for columns less an origin to that for the columns themselves: only the intercept differs."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradline.doubledouble import UNIT, Array, add, multiply, subtract, sum_pairs
from gradline.exact.solve import Solution


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
