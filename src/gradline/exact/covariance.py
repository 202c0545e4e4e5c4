"""The covariance of estimates that a penalty shrinks: M⁻¹·X'X·M⁻¹ with M = X'X + diag(strength)."""

from __future__ import annotations

import numpy as np

from gradline.doubledouble import Array, Pair, divide, multiply, subtract, sum_pairs
from gradline.elimination import COMPILED
from gradline.exact.reduction import Reduced


def penalised(reduced: Reduced, matrix: Array, strength: Array) -> tuple[Array, Array, float]:
    """Diagonal (q,) and root (q, q) of the covariance, and the trace of X·M⁻¹·X', the effective number of parameters.

    Args:
        reduced: The solution of the problem with M.
        matrix: (q, q) M.
        strength: (q,) what was added to the diagonal of X'X.
    """
    q = len(strength)
    inner = np.eye(q) - (reduced.root * strength) @ reduced.root.T
    values, vectors = np.linalg.eigh(inner)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * (vectors.T @ reduced.root)
    freedom = float(reduced.kept.sum()) - float((strength * reduced.inverse.diagonal()).sum())
    if reduced.triangle is None:
        return _diagonal(reduced.inverse, matrix, strength), root, freedom
    return _exact_diagonal(_inverse(*reduced.triangle), strength), root, freedom


def _diagonal(inverse: Array, matrix: Array, strength: Array) -> Array:
    """m'·X'X·m for each column m of M⁻¹, or the equal M⁻¹ - M⁻¹·diag(strength)·M⁻¹: whichever cancels less."""
    squares = (inverse**2) @ strength
    unpenalised = matrix - np.diag(strength)
    form = np.einsum("ij,ij->j", inverse, unpenalised @ inverse)
    lengths = np.sqrt(matrix.diagonal())
    worse = (abs(inverse) @ lengths) ** 2 > inverse.diagonal()
    return np.where(worse, inverse.diagonal() - squares, form)


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
