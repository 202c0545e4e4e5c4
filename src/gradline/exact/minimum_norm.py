"""Of all solutions of a rank-deficient problem, the one with the shortest coefficients."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradline.exact.solve import Solution


def minimum_norm(solution: Solution, *, intercept: bool) -> Solution:
    """Replace the NaN of columns left out by the solution with the least ‖coef‖; the intercept does not count.

    What one can add to a solution without changing its predictions is spanned by e_j - relation_j, one vector for
    each column j left out. Coefficients that these vectors do not touch keep their standard errors; the others are
    not determined by the data, and theirs are NaN.
    """
    if not solution.relations:
        return solution
    params = np.where(np.isnan(solution.params), 0.0, solution.params)
    free = np.stack([-relation for relation in solution.relations.values()], axis=1)  # (q, left out)
    for number, j in enumerate(solution.relations):
        free[j, number] = 1.0
    counted = slice(1, None) if intercept else slice(None)
    step = np.linalg.lstsq(free[counted], -params[counted], rcond=None)[0]
    touched = np.any(free != 0.0, axis=1)
    return dataclasses.replace(
        solution,
        params=params + free @ step,
        params_low=np.where(touched[:, None], 0.0, solution.params_low),
        variance=np.where(touched, np.nan, solution.variance),
    )
