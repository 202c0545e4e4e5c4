"""One step of refinement over the rows: parameters from sums in float64, corrected by what their residuals say.

The sums in float64 know X'X to about 15 digits, which the condition number takes away from the parameters. But the
residuals r = y - Xβ, and X'r, need no X'X: gathered in double-double they give the correction (X'X)⁻¹·X'r, of which
15 digits less the condition's are as good as all. A pass for them costs as many operations as reading the rows does.

Source: Björck (1967), BIT 7, "Iterative refinement of linear least squares solutions I"; Higham (2002), section 20.5.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from gradline.doubledouble import UNIT, Array, Pair, add, subtract, sum_pairs, two_product
from gradline.elimination import SINGLE
from gradline.exact.certainty import MOST_DIGITS
from gradline.exact.reduction import absolute_times
from gradline.exact.solve import Solution


def corrected(
    solution: Solution, moments: Array, unit: Array, epsilon: Array, gradient: Pair, squares: Pair
) -> Solution:
    """The solution for the residuals' sums: its parameters, their errors, and the residual sum of squares.

        β + δ,  δ = (X'X)⁻¹·X'r,      RSS = r'r - δ'·X'r

    With |ΔA| ≤ u·u' in the sums and g known to double-double, |Δδ| ≤ |A⁻¹|·(u·(u'·|δ|) + |Δg|).

    Args:
        solution: From sums in float64, of full rank, not penalised, with its `inverse`.
        moments: (q + k, q + k) those sums, the parameters' columns first.
        unit: (q + k,) how exactly they are known.
        epsilon: (q + k,) relative spacing of each column's numbers.
        gradient: (q, k) X'r.
        squares: (k,) r'r.
    """
    assert solution.inverse is not None
    q = len(solution.params)
    lengths = np.sqrt(moments.diagonal())
    x, y = lengths[:q], lengths[q:]
    inverse, scale = solution.inverse[0], solution.inverse[1]
    delta = scale[:, None] * (inverse @ (scale[:, None] * gradient[0]))
    params = add((solution.params, solution.params_low), (delta, np.zeros_like(delta)))
    coarse = x * np.sqrt(unit[:q])
    fine = (
        16 * (q + 1) * UNIT * (x @ abs(solution.params) + y)
    )  # what double-double leaves open, per unit of a column
    error = (scale * absolute_times(inverse, scale * coarse))[:, None] * (coarse @ abs(delta))
    error = error + (scale * absolute_times(inverse, scale * x))[:, None] * fine
    rss = subtract(squares, sum_pairs(two_product(delta, gradient[0])))[0]
    rss = np.maximum(np.where(solution.constant, 0.0, rss), 0.0)
    nothing = np.maximum(np.minimum(epsilon[q:], SINGLE) ** 2, 64 * (q + 1) * UNIT) * y**2
    perfect = rss <= nothing
    values = np.where(solution.constant, 1.0, abs(params[0]))
    relative = np.where(solution.constant, 0.0, error / np.where(values > 0, values, 1.0))
    digits = -np.log10(max(float(relative.max()), 10**-MOST_DIGITS))
    return dataclasses.replace(
        solution,
        params=np.where(solution.constant, solution.params, params[0]),
        params_low=np.where(solution.constant, solution.params_low, params[1]),
        rss=np.where(perfect, 0.0, rss),
        perfect=perfect,
        digits=max(digits, 0.0),
        error=error,
        unsure="",
        method=f"{solution.method}; corrected by residuals in double-double",
    )
