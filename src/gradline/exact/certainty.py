"""How sure the answer is, given how exactly the sums are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import UNIT, Array, Pair
from gradline.exact.reduction import Reduced

MOST_DIGITS = 15.9
"""What the last rounding to float64 leaves."""

SURE_RSS = 1e-8
"""A residual sum of squares is unsure when the sums leave a larger share of it open."""


def sure(
    params: Pair, reduced: Reduced, norms: Array, constant: NDArray[np.bool_], unit: float
) -> tuple[Array, Array, float]:
    """The parameters rounded to float64, a bound on the error of each, and on the correct digits of all of them.

    With |ΔA| and |Δb|, scaled to unit diagonal, at most η, |Δβ| ≤ η·|A⁻¹|·(‖β‖₁ + 1) / (1 - η·‖A⁻¹‖) with the sum of
    all |A⁻¹| for its norm; η is the error of the sums and a small multiple of 2**-104 for the elimination. A
    parameter below its own bound, where that bound is also far below what float64 data can carry, is zero.
    """
    kept = reduced.kept
    rounded = params[0].copy()
    error = np.zeros(rounded.shape)
    if not kept.any():
        return rounded, error, MOST_DIGITS
    q = len(kept)
    x, y = np.sqrt(norms[:q]), np.sqrt(norms[q:])
    sums = (x * (abs(reduced.inverse) @ x))[kept]
    to_unit = x[kept, None] / np.where(y > 0, y, 1.0)
    values = abs(params[0][kept]) * to_unit  # (kept, k), for unit columns
    eta = 16 * (q + 1) * UNIT + (unit if unit > UNIT else 0.0)
    stretch = 1 - eta * float(sums.sum())
    bound = eta * sums[:, None] * (values.sum(axis=0) + 1) / stretch if stretch > 0 else np.full(values.shape, np.inf)
    zero = (values <= bound) & (bound <= 1e-20)
    relative = np.where(zero | constant, 0.0, bound / np.where(zero | (values == 0), 1.0, values))
    digits = -np.log10(max(float(relative.max()), 10**-MOST_DIGITS))
    rounded[kept] = np.where(zero, 0.0, rounded[kept])
    error[kept] = bound / to_unit
    return rounded, error, max(digits, 0.0)


def rank_is_unsure(reduced: Reduced, norms: Array, least: Array, unit: float) -> bool:
    """Whether a column has so nearly what it must have left that the error of the sums decides.

    What is left of column j is v'·A·v, where v is the column less its part on those before: known to unit·‖v‖₁².
    """
    there = norms > 0
    distance = abs(reduced.left[there] - least[there] / norms[there])
    return bool((distance <= unit * reduced.span[there] ** 2).any())


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
    unit: float,
    constant: NDArray[np.bool_],
) -> bool:
    """Whether the sums leave open how large a residual sum of squares is, or whether it is `nothing` (k,).

    It is v'·A·v too, with v the target less the fit. For a target known to be constant there is no question.
    """
    q = len(kept)
    x, y = np.sqrt(norms[:q]), np.sqrt(norms[q:])
    span = (abs(params[0][kept]) * x[kept, None]).sum(axis=0) + y
    left_open = unit * span**2
    return not (constant | (rss + left_open <= nothing) | (left_open <= SURE_RSS * rss)).all()
