"""Cholesky in float64, and parameters refined with residuals in double-double.

For sums that were taken in float64 themselves: inverse and standard errors are as good as those sums, and the
parameters are those of the given matrix to the digits of double-double.

Source: Higham (2002), Accuracy and Stability of Numerical Algorithms, chapters 10 and 12.
"""

from __future__ import annotations

import numpy as np

from gradline.doubledouble import UNIT, Array, Pair, add, multiply, subtract, sum_pairs
from gradline.exact.reduction import Reduced, absolute_times, beside_all

TRUSTED = 1e-3
"""Each step of refinement must shrink the error at least to this share."""
_STEPS = 12
_BLOCK = 128


def by_refinement(matrix: Pair, columns: int, least: Array, unit: Array) -> Reduced | None:
    """Solve by Cholesky in float64 and refine; None where float64 cannot be trusted, or a column may be dependent."""
    from scipy.linalg import lapack

    q = columns
    hi, lo = matrix
    norms = hi.diagonal()[:q]
    square = np.ascontiguousarray(hi[:q, :q]).T  # LAPACK's order; the matrix is its own transpose
    factor, failed = lapack.dpotrf(square, lower=1)
    if failed or (factor.diagonal() ** 2 <= 64 * q * 2.0**-53 * norms).any():
        return None
    root, failed = lapack.dtrtri(factor, lower=1, overwrite_c=1)
    if failed:
        return None
    inverse = _mirrored(lapack.dlauum(root, lower=1)[0])  # rootᵀ·root, of which LAPACK writes half
    left, doubt = beside_all(inverse, norms, unit)
    if (left * norms <= least).any():
        return None
    goal = max(float(unit.min()) * 2.0**-20, 2.0**-100)
    refined = _refined((square.T, np.ascontiguousarray(lo[:q, :q])), inverse, (hi[:q, q:], lo[:q, q:]), goal)
    if refined is None:
        return None
    params, explained = refined
    rss = subtract((hi.diagonal()[q:], lo.diagonal()[q:]), explained)
    return Reduced(params, rss, inverse, root, np.ones(q, bool), left, doubt, {})


def _mirrored(lower: Array) -> Array:
    """The symmetric matrix of which this is the lower triangle, in place, block by block for the cache's sake."""
    for start in range(0, len(lower), _BLOCK):
        block, after = slice(start, start + _BLOCK), slice(start + _BLOCK, None)
        square = np.tril(lower[block, block])
        lower[block, block] = square + np.tril(square, -1).T
        lower[block, after] = lower[after, block].T
    return lower


def _refined(square: Pair, inverse: Array, right: Pair, goal: float) -> tuple[Pair, Pair] | None:
    """x (q, k) with square·x = right to the relative error `goal`, and what it explains of the sums of squares (k,).

    That is x'·(right + residual) for the x before the last correction, whose error enters squared.
    """
    from gradline.elimination_compiled import times

    x = inverse @ right[0], np.zeros(right[0].shape)
    size = abs(x[0]).max(axis=0)
    size = np.where(size > 0, size, 1.0)
    finest = UNIT * float(
        absolute_times(inverse, np.ones(len(inverse))).max()
    )  # what the rounding of the residuals leaves in x
    before = 1.0
    for _ in range(_STEPS):
        residual = subtract(right, times(square, x))
        correction = inverse @ residual[0]
        previous, x = x, add(x, (correction, np.zeros_like(correction)))
        now = float((abs(correction).max(axis=0) / size).max())
        if now * now / before <= goal or now <= finest:
            return x, sum_pairs(multiply(previous, add(right, residual)))
        if now > TRUSTED * before:
            return None
        before = now
    return None
