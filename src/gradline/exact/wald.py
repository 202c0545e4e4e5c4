"""Wald tests: whether differences from what is claimed are more than their covariance allows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from gradline.doubledouble import Array

_SINGULAR = 1e-13
"""The share of a difference's standard deviation that is left beside the others' where V is called singular."""


_NOTHING = 1e-12
"""Eigenvalues of a correlation matrix below this are rounding: sums in float64 know no more of it."""


class Wald(NamedTuple):
    """A joint test: F = d'·V⁻¹·d / q for q differences d with covariance V, and its p-value."""

    statistic: float
    p: float


def joint(differences: Array, root: Array, df_resid: float) -> Wald:
    """Test that all differences are 0.

    With V = rootᵀ·root, d'·V⁻¹·d is |z|² for Rᵀ·z = d and the triangular R of root: as the condition number of V
    is the square of that of R, V itself is never formed.

    Args:
        differences: (q,) estimates less claimed values.
        root: (m, q).
        df_resid: F is referred to (q, df_resid) degrees of freedom; for infinitely many that is χ²/q on q.

    Returns:
        Infinity where a difference is not 0 and has no variance; NaN where V is singular otherwise, or nothing is
        left to estimate it by.
    """
    q = len(differences)
    lengths = np.linalg.norm(root, axis=0)
    if not df_resid > 0 or not np.isfinite(lengths).all():
        return Wald(np.nan, np.nan)
    if not lengths.all():
        certain = bool((differences[lengths == 0] != 0).any())
        return Wald(np.inf, 0.0) if certain else Wald(np.nan, np.nan)
    triangle = np.linalg.qr(root / lengths).R
    if len(triangle) < q or abs(np.diagonal(triangle)).min() <= _SINGULAR:
        return Wald(np.nan, np.nan)
    from scipy.linalg import solve_triangular

    z = solve_triangular(triangle, differences / lengths, trans="T")
    f = float(z @ z) / q
    if np.isinf(df_resid):
        return Wald(f, float(special.chdtrc(q, q * f)))
    return Wald(f, float(special.fdtrc(q, df_resid, f)))


def root_of(covariance: Array) -> Array:
    """R (q, q) with R'·R = covariance, where that is all there is."""
    scale = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    unit = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / unit / unit[:, None])
    root: Array = np.sqrt(np.where(values > _NOTHING, values, 0.0))[:, None] * vectors.T * unit
    return root
