"""The exact solution of a least-squares problem from its moments, its rank, and how many digits are sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import UNIT, Array, Pair, add, divide, multiply, subtract, sum_pairs
from gradline.elimination import COMPILED, EXACT, SINGLE, negligible
from gradline.exact.certainty import contradicted, rank_is_unsure, rss_is_unsure, sure
from gradline.exact.condition import scaled_condition
from gradline.exact.covariance import shrunk
from gradline.exact.inference import residual_deviation, standard_errors
from gradline.exact.reduction import Reduced, by_as_many, by_elimination
from gradline.exact.refinement import by_refinement
from gradline.exact.unrelated import by_unrelated, unrelated

UNRELATED = 0.5
"""At least this share of the columns must be orthogonal to each other to be worth eliminating first."""

REFINED = 600
"""From this many columns on, sums taken in float64 are solved by Cholesky in float64 and refined."""

LOADED = 32
"""From this many columns on the elimination of sums taken in float64 is compiled: mostly so is what took them."""

COARSE = 2.0**-60
"""Sums with larger errors than this are as good as sums in float64."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The minimum of RSS + l2·‖coef‖² for q parameters (the intercept first, where there is one) and k targets."""

    params: Array  # (q, k), NaN for columns left out
    params_low: Array  # (q, k) what rounding to float64 took away
    variance: Array  # (q,) the diagonal of the covariance of params for residuals of variance 1
    root: Array  # (q, q): the covariance of params for residuals of variance 1 is rootᵀ·root
    rss: Array  # (k,) residual sum of squares
    tss: Array  # (k,) total sum of squares, about the mean where there is an intercept
    perfect: NDArray[np.bool_]  # (k,) nothing of the target is left beyond its own rounding
    constant: NDArray[np.bool_]  # (k,) the target does not vary
    relations: dict[int, Array]  # for each column left out, its coefficients on the columns before it
    freedom: float  # effective number of parameters: the rank, less with l2
    digits: float
    condition: float
    error: Array  # (q, k) bound on the error of each parameter, in its own unit
    unsure: str  # what the sums are too coarse to tell, if anything: "the rank", "the residual sum of squares"
    method: str  # how it was solved, and why so
    inverse: tuple[Array, Array] | None = None
    """Where coarse sums of full rank leave something to correct: C (q, q) and s (q,), (X'X)⁻¹ = diag(s)·C·diag(s)."""

    def settled(self, df_resid: float) -> bool:
        """Whether more exact sums would change nothing that matters.

        That is so when rank and residuals are not in doubt, and each parameter is known to 10 digits or to 1e-8 of
        its standard error. (`digits` alone asks more than that: of many coefficients one is always nearly zero.)
        """
        if self.unsure:
            return False
        errors = standard_errors(self.variance, residual_deviation(self.rss, df_resid))
        known = np.maximum(1e-10 * abs(self.params), 1e-8 * np.nan_to_num(errors))
        return bool((np.isnan(self.params) | (self.error <= known) | self.constant).all())


def solve(
    moments: Pair,
    features: int,
    epsilon: Array,
    constant: NDArray[np.bool_],
    *,
    intercept: bool,
    l2: float,
    unit: float | Array = UNIT,
    rows: int | None = None,
    way: str = "auto",
) -> Solution:
    """Minimise RSS + l2·‖coef‖² over the parameters, the intercept unpenalised.

    Args:
        moments: (1 + d + k, 1 + d + k) cross-products of (1, x, y), as a pair.
        features: d.
        epsilon: (d + k,) relative spacing of each column's numbers.
        constant: (k,) whether each target is known to have one value in all rows.
        intercept: Whether the constant 1 is among the parameters.
        l2: The weight of the squared coefficients.
        unit: (1 + d + k,) how exactly the sums are known: the error of entry (i, j) is at most √(unit_i·unit_j) of
            the geometric mean of the two diagonal entries that it stands between. One number stands for all;
            2**-104 for sums in double-double, about 2**-50 for float64.
        rows: How many rows the sums are of, if that is known: more columns than that are dependent, whatever rounding
            leaves of them.
        way: For tests: "elimination", "unrelated" or "refinement" where that can be done.
    """
    start = 0 if intercept else 1
    q = 1 + features - start
    spacing = np.concatenate([[EXACT] if intercept else [], epsilon])
    penalised = np.arange(q) >= (1 if intercept else 0)
    norms = moments[0].diagonal()[start:].copy()
    norms[:q] += l2 * penalised
    units = np.broadcast_to(unit, len(moments[0]))[start:]
    coarse = bool((units > UNIT).any())
    # Powers of two bring the diagonal between 1/2 and 2 without a rounding error.
    scales = np.ldexp(1.0, -np.round(np.log2(np.where(norms > 0, norms, 1.0)) / 2).astype(int))
    matrix = _scaled(moments[0][start:, start:], scales), _scaled(moments[1][start:, start:], scales)
    strength = l2 * scales[:q] ** 2 * penalised
    if l2:
        at = np.arange(q)
        matrix[0][at, at], matrix[1][at, at] = add((matrix[0][at, at], matrix[1][at, at]), (strength, np.zeros(q)))
    norms = matrix[0].diagonal().copy()
    # A penalty leaves no column without an answer of its own, so the numbers count as exact.
    least = negligible(matrix, np.full(q, EXACT) if l2 else spacing[:q], intercept=intercept)
    reduced, method = _reduce(matrix, q, least, units[:q], way)
    if rows is not None and not l2 and reduced.kept.sum() > rows:
        reduced = by_as_many(matrix, q, least, units[:q], int(reduced.kept.nonzero()[0][rows]))

    tss = _total(matrix, q, intercept)
    constant = constant & (intercept | (norms[q:] == 0))
    params = reduced.params[0].copy(), reduced.params[1].copy()
    first = np.arange(q) == 0
    if intercept:
        mean = divide((matrix[0][0, q:], matrix[1][0, q:]), (matrix[0][0, 0], matrix[1][0, 0]))
        for word, exact in zip(params, mean, strict=True):
            word[:, constant] = np.where(first[:, None], exact[constant], 0.0)
    rss = reduced.rss
    if l2:
        rss = subtract(rss, _penalty(params, strength))
    rss_high = np.where(constant & intercept, 0.0, np.maximum(rss[0], 0.0))
    nothing = np.maximum(np.minimum(spacing[q:], SINGLE) ** 2, 64 * (q + 1) * UNIT) * norms[q:]
    perfect = rss_high <= nothing

    params_high, error, digits = sure(params, reduced, norms, constant, units)
    unsure = ""
    if rank_is_unsure(reduced, norms[:q], least):
        unsure = "the rank"
    elif coarse and rss_is_unsure(params, rss_high, nothing, norms, reduced.kept, units, constant):
        unsure = "the residual sum of squares"
    wide = rows is not None and reduced.kept.sum() >= rows  # no data can deny that all other columns depend on these
    if (contradicted(reduced, spacing[:q]) and not wide) or (coarse and unsure == "the rank"):
        digits = 0.0
    if l2:
        variance, root, freedom = shrunk(reduced, (matrix[0][:q, :q], matrix[1][:q, :q]), strength)
    else:
        variance, root, freedom = reduced.inverse.diagonal().copy(), reduced.root, float(reduced.kept.sum())
    params_high[~reduced.kept] = np.nan
    params_low = np.where(params_high == params[0], params[1], 0.0)
    back = scales[:q, None] / scales[None, q:]
    variance[~reduced.kept] = np.nan
    relations = {}
    for j, relation in reduced.relations.items():
        # Scaled columns are of like length, so what is this small is rounding and not a part of the relation.
        part = np.where(abs(relation) > 1e-9 * abs(relation).max(initial=0.0), relation, 0.0)
        relations[j] = part * (scales[:q] / scales[j])
    return Solution(
        params=params_high * back,
        params_low=params_low * back,
        variance=variance * scales[:q] ** 2,
        root=root * scales[None, :q],
        rss=np.where(perfect, 0.0, rss_high) / scales[q:] ** 2,
        tss=np.where(constant, 0.0, tss) / scales[q:] ** 2,
        perfect=perfect,
        constant=constant,
        relations=relations,
        freedom=freedom,
        digits=digits,
        condition=_condition(reduced, matrix[0][:q, :q], norms[:q]),
        error=error * back,
        unsure=unsure,
        method=method,
        inverse=(reduced.inverse, scales[:q]) if coarse and not l2 and reduced.kept.all() else None,
    )


def _scaled(matrix: Array, scales: Array) -> Array:
    """diag(scales)·matrix·diag(scales), by products of two scales: one alone might lead out of float64's range."""
    result = np.empty(matrix.shape)
    part = max(1, 65_536 // len(scales))  # few enough rows to stay in the cache
    for start in range(0, len(scales), part):
        rows = slice(start, start + part)
        np.multiply(matrix[rows], scales[rows, None] * scales, out=result[rows])
    return result


def _reduce(matrix: Pair, q: int, least: Array, unit: Array, way: str) -> tuple[Reduced, str]:
    """Choose how to solve, by the number of columns, how they are related, and how exactly the sums are known."""
    forced = way != "auto"
    if way == "unrelated" or (not forced and q >= COMPILED):
        first = unrelated(matrix[0], q, 0.0 if forced else UNRELATED)
        if len(first):
            reduced = by_unrelated(matrix, q, least, unit, first)
            if reduced is not None:
                return reduced, f"double-double: {len(first)} of {q} columns unrelated to each other, then the others"
    method = f"double-double: {q} columns"
    coarse = bool((unit > COARSE).any())
    if way == "refinement" or (not forced and q >= REFINED and coarse):
        reduced = by_refinement(matrix, q, least, unit)
        if reduced is not None:
            return reduced, f"float64 and refinement: {q} columns, sums in float64"
        method += ", too close to dependent for float64"
    return by_elimination(matrix, q, least, unit, compiled=coarse and q >= LOADED), method


def _total(matrix: Pair, q: int, intercept: bool) -> Array:
    """(k,) total sums of squares of the targets: about their mean where the first column is the constant."""
    hi, lo = matrix
    raw = hi.diagonal()[q:], lo.diagonal()[q:]
    if not intercept:
        return raw[0].copy()
    cross = hi[0, q:], lo[0, q:]
    about = subtract(raw, divide(multiply(cross, cross), (hi[0, 0], lo[0, 0])))
    return np.maximum(about[0], 0.0)


def _penalty(params: Pair, strength: Array) -> Pair:
    """(k,) Σ strength·param², in double-double."""
    return sum_pairs(multiply(multiply(params, params), (strength[:, None], np.zeros((len(strength), 1)))))


def _condition(reduced: Reduced, matrix: Array, norms: Array) -> float:
    """Belsley's scaled condition number of the kept columns."""
    if reduced.kept.all():
        return scaled_condition(matrix, reduced.inverse, norms)
    kept = np.ix_(reduced.kept, reduced.kept)
    return scaled_condition(matrix[kept], reduced.inverse[kept], norms[reduced.kept])
