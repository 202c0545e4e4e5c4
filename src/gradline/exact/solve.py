"""The exact solution of a least-squares problem from its moments, its rank, and how many digits are sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import UNIT, Array, Pair, add, divide, multiply, subtract
from gradline.exact.sweep import Swept, sweep
from gradline.moments.slices import cross_products

MOST_DIGITS = 15.9
"""What the last rounding to float64 leaves."""


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


def solve(
    moments: Pair, features: int, epsilon: Array, constant: NDArray[np.bool_], *, intercept: bool, l2: float
) -> Solution:
    """Minimise RSS + l2·‖coef‖² over the parameters, the intercept unpenalised.

    Args:
        moments: (1 + d + k, 1 + d + k) cross-products of (1, x, y), as a pair.
        features: d.
        epsilon: (d + k,) relative spacing of each column's numbers.
        constant: (k,) whether each target is known to have one value in all rows.
        intercept: Whether the constant 1 is among the parameters.
        l2: The weight of the squared coefficients.
    """
    start = 0 if intercept else 1
    q = 1 + features - start
    matrix = moments[0][start:, start:].copy(), moments[1][start:, start:].copy()
    constant_spacing = [2.0**-52] if intercept else []
    spacing = np.concatenate([constant_spacing, epsilon])
    penalised = np.arange(q) >= (1 if intercept else 0)
    if l2:
        diagonal = np.arange(q)[penalised]
        hi, lo = add((matrix[0][diagonal, diagonal], matrix[1][diagonal, diagonal]), (np.array(l2), np.zeros(())))
        matrix[0][diagonal, diagonal], matrix[1][diagonal, diagonal] = hi, lo

    # Powers of two bring the diagonal between 1/2 and 2 without a rounding error.
    norms = matrix[0].diagonal()
    exponents = -np.round(np.log2(np.where(norms > 0, norms, 1.0)) / 2).astype(int)
    scales = np.ldexp(1.0, exponents)
    both = scales[:, None] * scales[None, :]
    matrix = matrix[0] * both, matrix[1] * both
    norms = matrix[0].diagonal().copy()
    swept = sweep(matrix, q, np.maximum((16 * q * spacing[:q]) ** 2 * norms[:q], 0.0))

    tss = _total(matrix, q, intercept)
    constant = constant & (intercept | (norms[q:] == 0))
    params = swept.matrix[0][:q, q:].copy(), swept.matrix[1][:q, q:].copy()
    first = np.arange(q) == 0
    if intercept:
        mean = divide((matrix[0][0, q:], matrix[1][0, q:]), (matrix[0][0, 0], matrix[1][0, 0]))
        for word, exact in zip(params, mean, strict=True):
            word[:, constant] = np.where(first[:, None], exact[constant], 0.0)
    rss = swept.matrix[0][q:, q:].diagonal(), swept.matrix[1][q:, q:].diagonal()
    if l2:
        rss = subtract(rss, _penalty(params, l2 * scales[:q] ** 2 * penalised))
    rss_high = np.where(constant & intercept, 0.0, np.maximum(rss[0], 0.0))
    perfect = rss_high <= np.maximum(spacing[q:] ** 2, 64 * (q + 1) * UNIT) * norms[q:]

    params_high, digits = _sure(params, swept, norms, constant)
    if any(left > 16 * q * UNIT and spacing[j] <= 2.0**-52 for j, left in swept.remaining.items()):
        digits = 0.0  # with the data taken as exact, that column would not be dependent
    variance, root, freedom = _covariance(swept, l2 * scales[:q] ** 2 * penalised)
    params_high[~swept.kept] = np.nan
    params_low = np.where(params_high == params[0], params[1], 0.0)
    units = scales[:q, None] / scales[None, q:]
    variance[~swept.kept] = np.nan
    relations = {}
    for j, relation in swept.relations.items():
        # Scaled columns are of like length, so what is this small is rounding and not a part of the relation.
        part = np.where(abs(relation) > 1e-9 * abs(relation).max(initial=0.0), relation, 0.0)
        relations[j] = part * (scales[:q] / scales[j])
    return Solution(
        params=params_high * units,
        params_low=params_low * units,
        variance=variance * scales[:q] ** 2,
        root=root * scales[None, :q],
        rss=np.where(perfect, 0.0, rss_high) / scales[q:] ** 2,
        tss=np.where(constant, 0.0, tss) / scales[q:] ** 2,
        perfect=perfect,
        constant=constant,
        relations=relations,
        freedom=freedom,
        digits=digits,
        condition=_condition(swept, matrix[0][:q, :q], norms[:q]),
    )


def _total(matrix: Pair, q: int, intercept: bool) -> Array:
    """(k,) total sums of squares of the targets: about their mean where the first column is the constant."""
    hi, lo = matrix
    raw = hi[q:, q:].diagonal(), lo[q:, q:].diagonal()
    if not intercept:
        return raw[0].copy()
    cross = hi[0, q:], lo[0, q:]
    about = subtract(raw, divide(multiply(cross, cross), (hi[0, 0], lo[0, 0])))
    return np.maximum(about[0], 0.0)


def _penalty(params: Pair, strength: Array) -> Pair:
    """(k,) Σ strength·param², in double-double."""
    squares = multiply(multiply(params, params), (strength[:, None], np.zeros((len(strength), 1))))
    hi = lo = np.zeros(params[0].shape[1])
    for square in zip(*squares, strict=True):
        hi, lo = add((hi, lo), square)
    return hi, lo


def _sure(params: Pair, swept: Swept, norms: Array, constant: NDArray[np.bool_]) -> tuple[Array, float]:
    """The parameters rounded to float64, and a lower bound on the correct digits of each of them.

    To first order |Δβ| ≤ |A⁻¹|·(|ΔA|·|β| + |Δb|), and every entry of A and b, scaled to unit diagonal, is known to
    a small multiple of 2**-104, elimination included. A parameter below its own bound, where that bound is also
    far below what float64 data can carry, is zero.
    """
    q = len(norms) - len(constant)
    x, y = np.sqrt(norms[:q]), np.sqrt(norms[q:])
    kept = swept.kept
    if not kept.any():
        return params[0].copy(), MOST_DIGITS
    inverse = abs(swept.matrix[0][:q, :q]) * x[:, None] * x[None, :]
    reach = inverse[np.ix_(kept, kept)].sum(axis=1)
    values = params[0][kept] * x[kept, None] / np.where(y > 0, y, 1.0)  # (kept, k), for unit columns
    bound = 16 * (q + 1) * UNIT * reach[:, None] * (abs(values).sum(axis=0) + 1)
    zero = (abs(values) <= bound) & (bound <= 1e-20)
    relative = np.where(zero | constant, 0.0, bound / np.where(zero | (values == 0), 1.0, abs(values)))
    digits = -np.log10(max(float(relative.max()), 10**-MOST_DIGITS))
    rounded = params[0].copy()
    rounded[kept] = np.where(zero, 0.0, rounded[kept])
    return rounded, max(digits, 0.0)


def _covariance(swept: Swept, strength: Array) -> tuple[Array, Array, float]:
    """Diagonal and root of M⁻¹·X'X·M⁻¹ with M = X'X + diag(strength), and the trace of X·M⁻¹·X'."""
    q = len(strength)
    hi, lo = -swept.matrix[0][:q, :q], -swept.matrix[1][:q, :q]
    rank = int(swept.kept.sum())
    if not strength.any():
        return hi.diagonal().copy(), swept.root, float(rank)
    hi[~swept.kept] = hi[:, ~swept.kept] = lo[~swept.kept] = lo[:, ~swept.kept] = 0.0
    weighted = multiply((hi, lo), (strength[:, None], np.zeros((q, 1))))
    shrunk = subtract((hi, lo), cross_products((hi, lo), weighted))
    freedom = rank - float(weighted[0].diagonal().sum())
    inner = np.eye(q) - (swept.root * strength) @ swept.root.T
    values, vectors = np.linalg.eigh(inner)
    return shrunk[0].diagonal().copy(), np.sqrt(np.maximum(values, 0.0))[:, None] * (vectors.T @ swept.root), freedom


def _condition(swept: Swept, matrix: Array, norms: Array) -> float:
    """Condition number of the kept columns of X, each scaled to unit length (Belsley's scaled condition)."""
    kept = np.ix_(swept.kept, swept.kept)
    if not swept.kept.any():
        return float("nan")
    x = np.sqrt(norms[swept.kept])
    forward = matrix[kept] / (x[:, None] * x[None, :])
    inverse = -swept.matrix[0][: len(norms), : len(norms)][kept] * (x[:, None] * x[None, :])
    return float(np.sqrt(np.linalg.eigvalsh(forward)[-1] * np.linalg.eigvalsh(inverse)[-1]))
