"""The covariance of estimates whose errors need be neither independent nor equally spread: bread·meat·bread.

Sources: MacKinnon & White (1985), J. Econometrics 29, for HC0 to HC3; Cameron, Gelbach & Miller (2011), J. Business &
Economic Statistics 29(2), for clusters of two kinds; Bell & McCaffrey (2002) for CR2; Newey & West (1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from gradline.doubledouble import Array, add, sum_pairs, two_product


class Whitened(NamedTuple):
    """A root of the inverse cross-products, for columns about their means."""

    root: Array  # (q, p): of the columns less the centre
    centre: Array  # (p,) what is taken from each column


def whitened(root: Array, origin: Array, intercept: bool) -> Whitened:
    """The root (p, p) for columns less about their means, where an intercept takes up what that changes.

    Without it z = root·x would be a difference of large numbers where means are far from 0.

    Args:
        root: With root·A·rootᵀ = 1, for the cross-products A of the columns less the origin.
        origin: (p,)
        intercept: Whether the first column is the constant.
    """
    p = len(root)
    if not intercept or p < 2:
        return Whitened(root, origin)
    # A = root⁻¹·root⁻ᵀ has the means in its first column, which need not be exact.
    first = np.linalg.solve(root, np.linalg.solve(root.T, np.eye(p)[0]))
    centre = origin + first / first[0]
    centre[0] = 0.0
    about = centre - origin  # as rounding has left it
    moved = root.copy()
    away = sum_pairs(two_product(root[:, 1:].T, about[1:, None]))
    moved[:, 0] = add((root[:, 0], np.zeros(p)), away)[0]
    return Whitened(moved, centre)


def sandwich(root: Array, middles: Sequence[tuple[float, Array]]) -> Array:
    """(p, p, k) Σ factor·rootᵀ·middle·root.

    Args:
        root: (q, p).
        middles: Each a factor and (k, q, q).
    """
    total = sum(factor * middle for factor, middle in middles)
    found = np.einsum("ai,kab,bj->ijk", root, np.asarray(total), root, optimize=True)
    return np.asarray((found + found.transpose(1, 0, 2)) / 2, np.float64)


def clusters_factor(kind: str, clusters: int, nobs: float, rank: int) -> float:
    """CR1: G/(G - 1)·(n - 1)/(n - p), as in Stata and statsmodels; 1 otherwise."""
    if kind != "CR1":
        return 1.0
    return clusters / (clusters - 1) * (nobs - 1) / (nobs - rank) if nobs > rank else float("nan")


def standard_errors(covariance: Array) -> Array:
    """(p, k) roots of the diagonal of (p, p, k); NaN where it is negative, as clusters of two kinds may leave it."""
    diagonal = np.einsum("iik->ik", covariance)
    return np.sqrt(np.where(diagonal >= 0, diagonal, np.nan))


def roots(covariance: Array, sigma: Array) -> list[Array]:
    """Of each target R (p, p) with Rᵀ·R = V/σ², as near as one that has no negative eigenvalue can be.

    Args:
        covariance: (p, p, k), NaN for parameters that count as 0.
        sigma: (k,) standard deviations of the residuals.
    """
    found = []
    for target, deviation in enumerate(sigma):
        matrix = np.nan_to_num(covariance[:, :, target])
        scale = np.sqrt(np.maximum(matrix.diagonal(), 0.0))
        inverse = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1.0), 0.0)
        values, vectors = np.linalg.eigh(matrix * np.outer(inverse, inverse))
        unit = scale / deviation if deviation > 0 else np.zeros_like(scale)
        found.append(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T * unit)
    return found


def wald(estimates: Array, covariance: Array, df: float) -> tuple[Array, Array]:
    """(k,) F statistic b'·V⁻¹·b/m of m estimates (m, k) all being zero, and its p-value; NaN where V is singular."""
    m, k = estimates.shape
    f = np.full(k, np.nan)
    for target in range(k if m and df > 0 else 0):
        matrix = covariance[:, :, target]
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.sqrt(matrix.diagonal())
            values, vectors = _eigen(matrix / np.outer(scale, scale))
            if len(values) and values[0] > m * 1e-14:
                f[target] = ((vectors.T @ (estimates[:, target] / scale)) ** 2 / values).sum() / m
    return f, np.asarray(special.fdtrc(max(m, 1), df, f)) if df > 0 else np.full(k, np.nan)


def _eigen(matrix: Array) -> tuple[Array, Array]:
    if not np.isfinite(matrix).all():
        return np.zeros(0), matrix
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors
