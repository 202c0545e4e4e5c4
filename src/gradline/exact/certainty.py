"""How sure the answer is, given how exactly the sums are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import UNIT, Array, Pair
from gradline.exact.reduction import Reduced, absolute_times

MOST_DIGITS = 15.9
"""What the last rounding to float64 leaves."""

SURE_RSS = 1e-8
"""A residual sum of squares is unsure when the sums leave a larger share of it open."""


def sure(
    params: Pair, reduced: Reduced, norms: Array, constant: NDArray[np.bool_], unit: Array
) -> tuple[Array, Array, float]:
    """The parameters rounded to float64, a bound on the error of each, and on the correct digits of all of them.

    With |ΔA| ≤ u·u' and |Δb| ≤ u·u_y, scaled to unit diagonal, |Δβ| ≤ |A⁻¹|·u·(u'·|β| + u_y) / (1 - u'·|A⁻¹|·u); the
    u² of a column is the error of its sums, and a small multiple of 2**-104 for the elimination. A parameter below
    its own bound, where that bound is also far below what float64 data can carry, is zero.
    """
    kept = reduced.kept
    rounded = params[0].copy()
    error = np.zeros(rounded.shape)
    if not kept.any():
        return rounded, error, MOST_DIGITS
    q = len(kept)
    x, y = np.sqrt(norms[:q]), np.sqrt(norms[q:])
    doubt = np.sqrt(16 * (q + 1) * UNIT + np.where(unit > UNIT, unit, 0.0))
    mine, target = doubt[:q][kept], doubt[q:]
    sums = (x * absolute_times(reduced.inverse, x * doubt[:q]))[kept]
    to_unit = x[kept, None] / np.where(y > 0, y, 1.0)
    values = abs(params[0][kept]) * to_unit  # (kept, k), for unit columns
    stretch = 1 - float(mine @ sums)
    bound = sums[:, None] * (mine @ values + target) / stretch if stretch > 0 else np.full(values.shape, np.inf)
    zero = (values <= bound) & (bound <= 1e-20)
    relative = np.where(zero | constant, 0.0, bound / np.where(zero | (values == 0), 1.0, values))
    digits = -np.log10(max(float(relative.max()), 10**-MOST_DIGITS))
    rounded[kept] = np.where(zero, 0.0, rounded[kept])
    error[kept] = bound / to_unit
    return rounded, error, max(digits, 0.0)


def rank_is_unsure(reduced: Reduced, norms: Array, least: Array) -> bool:
    """Whether a column has so nearly what it must have left that the error of the sums decides."""
    there = norms > 0
    distance = abs(reduced.left[there] - least[there] / norms[there])
    return bool((distance <= reduced.doubt[there]).any())


def contradicted(reduced: Reduced, spacing: Array) -> bool:
    """Whether float64 data, taken as exact, deny that a column left out depends on the others."""
    far = reduced.left > 16 * len(spacing) * UNIT
    return bool((~reduced.kept & far & (spacing <= 2.0**-52)).any())


def rss_is_unsure(
    params: Pair,
    rss: Array,
    nothing: Array,
    norms: Array,
    kept: NDArray[np.bool_],
    unit: Array,
    constant: NDArray[np.bool_],
) -> bool:
    """Whether the sums leave open how large a residual sum of squares is, or whether it is `nothing` (k,).

    It is v'·A·v, with v the target less the fit: known to (√unit'·|v|)². For a target known to be constant there is
    no question.
    """
    q = len(kept)
    x, y = np.sqrt(norms[:q] * unit[:q]), np.sqrt(norms[q:] * unit[q:])
    left_open = ((abs(params[0][kept]) * x[kept, None]).sum(axis=0) + y) ** 2
    return not (constant | (rss + left_open <= nothing) | (left_open <= SURE_RSS * rss)).all()
