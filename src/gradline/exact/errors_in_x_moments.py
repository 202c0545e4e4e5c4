"""Least squares where columns of x carry errors of their own: cross-products less what the errors put into them.

With X = x + u, u independent of the rest and of covariance Σ, cross-products X'X are too large by c·Σ on their
diagonal (c rows less the columns without error). Taking D = c·Σ away gives

    β = (X'X - D)⁻¹·X'y                        where Σ is known
    D = λ·Υ, λ the least root of |Z'Z - λ·Υ| = 0     where Σ is known up to a factor, Z = (X, y): Deming, orthogonal

    cov β = s²·(C + C·D·C) ± (C·D·β)·(C·D·β)'/c,    C = (X'X - D)⁻¹,  s² = |y - Xβ|²/(n - p)

with + where Σ is known and - where the factor is estimated too. Both are for normal errors and large samples.

Source: Fuller (1987), Measurement Error Models, theorems 2.2.1 and 2.3.2; with one x, sections 1.2 and 1.3.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.linalg import solve_triangular

from gradline.doubledouble import Array, subtract, two_product
from gradline.exact.solve import Solution, solve
from gradline.moments import Moments

_STEPS = 8
"""Of Newton's method for λ, from a start that is right to about 16 digits of the largest root: three are enough."""


def plain(moments: Moments, intercept: bool) -> Solution:
    """Least squares as if there were no errors in x."""
    return _less(moments, intercept, np.zeros(len(moments.columns) + intercept), 1.0)


def with_known(moments: Moments, naive: Solution, intercept: bool, variances: Array) -> Solution | None:
    """The solution for error variances (q,), 0 for columns without error; None where X'X - D is not positive."""
    free = rows_free(moments, naive, variances)
    found = _less(moments, intercept, variances, free)
    return _measured(naive, found, free * variances, moments.nobs, free, 1.0)


def with_ratios(moments: Moments, naive: Solution, intercept: bool, parts: Array) -> Solution | None:
    """The solution where the variance of each column's error is `parts` (q,) times that of y's error.

    None where no λ leaves X'X - D positive: x varies no more than its errors.
    """
    free = rows_free(moments, naive, parts)
    root = _least_root(naive, parts)
    for _ in range(_STEPS):
        found = _less(moments, intercept, parts, root)
        if set(found.relations) != set(naive.relations):
            return None
        params = np.nan_to_num(found.params[:, 0])
        before, root = root, float(_rss(naive, root * parts * params)) / (1 + float(parts @ params**2))
        if abs(root - before) <= 1e-14 * root:
            break
    return _measured(naive, found, root * parts, moments.nobs, free, -1.0)


def rows_free(moments: Moments, naive: Solution, variances: Array) -> float:
    """c: the number of rows less that of the columns without error."""
    return moments.nobs - sum(not variance and at not in naive.relations for at, variance in enumerate(variances))


def _less(moments: Moments, intercept: bool, variances: Array, factor: float) -> Solution:
    """Least squares with factor·variances (q,) taken from the diagonal of X'X, in double-double."""
    hi, lo = moments.hi.copy(), moments.lo.copy()
    at = np.arange(len(variances)) + (0 if intercept else 1)
    taken = two_product(variances, np.full(len(variances), factor))
    hi[at, at], lo[at, at] = subtract((hi[at, at], lo[at, at]), taken)
    return solve(
        (hi, lo),
        len(moments.columns),
        np.array(moments.epsilon),
        np.array(moments.constant, bool),
        intercept=intercept,
        l2=0.0,
        unit=moments.units,
    )


def _rss(naive: Solution, pull: Array) -> float:
    """|y - Xβ|² for the corrected β, pull = D·β: the least RSS plus |X·(β - β₀)|², where β - β₀ = (X'X)⁻¹·D·β."""
    return float(naive.rss[0] + ((naive.root @ pull) ** 2).sum())


def _measured(
    naive: Solution, found: Solution, taken: Array, nobs: float, free: float, sign: float
) -> Solution | None:
    """The solution with its own residuals and covariance."""
    if set(found.relations) != set(naive.relations):
        return None
    pull = taken * np.nan_to_num(found.params[:, 0])
    rss = _rss(naive, pull)
    df = nobs - found.freedom
    inner = np.eye(len(taken)) + (found.root * taken) @ found.root.T
    if df > 0 and rss > 0:
        moved = found.root @ pull
        inner += sign * np.outer(moved, moved) / (free * rss / df)
    root = np.linalg.cholesky(inner).T @ found.root
    variance = np.where(np.isnan(found.variance), np.nan, (root**2).sum(axis=0))
    return dataclasses.replace(found, rss=np.array([rss]), tss=naive.tss, variance=variance, root=root)


def _least_root(naive: Solution, parts: Array) -> float:
    """The least root of |Z'Z - λ·Υ|, with the columns without error taken out of Z = (X, y)."""
    some = np.flatnonzero(parts)
    triangle = np.linalg.qr(naive.root[:, some]).R
    x = solve_triangular(triangle, np.eye(len(some)), trans="T")  # x'x is the cross-products that are left
    y = np.append(x @ naive.params[some, 0], np.sqrt(naive.rss[0]))
    z = np.column_stack([np.vstack([x / np.sqrt(parts[some]), np.zeros(len(some))]), y])
    return float(np.linalg.svd(z, compute_uv=False)[-1] ** 2)
