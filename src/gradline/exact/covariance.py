"""The covariance of estimates that a penalty shrinks: M⁻¹·X'X·M⁻¹ with M = X'X + diag(strength)."""

from __future__ import annotations

import numpy as np

from gradline.doubledouble import Array, Pair, divide, multiply, subtract, sum_pairs
from gradline.elimination import COMPILED
from gradline.exact.reduction import Reduced

EIGENVALUES = 200
"""Up to this size a root comes from eigenvalues; beyond, where they take seconds, from a pivoted Cholesky."""


def shrunk(reduced: Reduced, matrix: Pair, strength: Array) -> tuple[Array, Array, float]:
    """Diagonal (q,) and root (q, q) of the covariance, and the trace of X·M⁻¹·X', the effective number of parameters.

    Args:
        reduced: The solution of the problem with M.
        matrix: (q, q) M, as a pair.
        strength: (q,) what was added to the diagonal of X'X.
    """
    q = len(strength)
    inner = np.eye(q) - (reduced.root * strength) @ reduced.root.T
    root = _root(inner) @ reduced.root
    freedom = float(reduced.kept.sum()) - float((strength * reduced.inverse.diagonal()).sum())
    if reduced.triangle is None:
        return _diagonal(reduced.inverse, matrix, strength), root, freedom
    return _exact_diagonal(_inverse(*reduced.triangle), strength), root, freedom


def _root(matrix: Array) -> Array:
    """R with Rᵀ·R = matrix, positive semi-definite up to rounding."""
    q = len(matrix)
    if q <= EIGENVALUES:
        values, vectors = np.linalg.eigh(matrix)
        return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T, np.float64)
    from scipy.linalg import lapack

    factor, order, rank, _ = lapack.dpstrf(matrix, tol=q * 2.0**-53)  # Cholesky, the largest pivot next each time
    root = np.zeros((q, q))
    root[:rank, order - 1] = np.triu(factor)[:rank]
    return root


def _diagonal(inverse: Array, matrix: Pair, strength: Array) -> Array:
    """m'·X'X·m for each column m of M⁻¹, or the equal M⁻¹ - M⁻¹·diag(strength)·M⁻¹: whichever cancels less."""
    unpenalised = matrix[0].copy()
    diagonal = np.arange(len(strength))
    unpenalised[diagonal, diagonal] = subtract(
        (matrix[0].diagonal(), matrix[1].diagonal()), (strength, np.zeros_like(strength))
    )[0]
    form = np.einsum("ij,ij->j", inverse, unpenalised @ inverse)
    difference = inverse.diagonal() - (inverse**2) @ strength
    lengths = np.sqrt(np.maximum(unpenalised.diagonal(), 0.0))
    return np.where((abs(inverse) @ lengths) ** 2 < inverse.diagonal(), form, difference)


def _exact_diagonal(inverse: Pair, strength: Array) -> Array:
    """The diagonal of M⁻¹ - M⁻¹·diag(strength)·M⁻¹ in double-double, where it may cancel as it likes."""
    diagonal = inverse[0].diagonal(), inverse[1].diagonal()
    part = max(1, 65_536 // len(strength))  # few enough rows to stay in the cache
    sums = []
    for start in range(0, len(strength), part):
        rows = inverse[0][:, start : start + part], inverse[1][:, start : start + part]
        weighted = multiply(multiply(rows, rows), (strength[:, None], np.zeros((len(strength), 1))))
        sums.append(sum_pairs(weighted))
    squares = np.concatenate([hi for hi, _ in sums]), np.concatenate([lo for _, lo in sums])
    return subtract(diagonal, squares)[0]


def _inverse(lower: Pair, pivots: Pair) -> Pair:
    """Zᵀ·D⁻¹·Z."""
    weighted = divide(lower, (pivots[0][:, None], pivots[1][:, None]))
    if len(lower[0]) < COMPILED:
        from gradline.moments.slices import cross_products

        return cross_products(lower, weighted)
    from gradline.moments.kernels import wide

    return wide(*lower, *weighted)
