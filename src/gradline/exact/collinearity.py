"""How nearly the columns of a fit depend on each other, from a root of (X'X)⁻¹ alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_triangular

from gradline.doubledouble import Array


def inflation(root: Array, groups: Sequence[Sequence[int]]) -> Array:
    """(m,) generalised variance inflation of each group S of columns beside all other columns of `root`.

        det(C_SS)·det((C⁻¹)_SS),   C = root'·root

    That is how much larger the confidence region of the group's coefficients is, squared, than if its columns were
    orthogonal to the others. For one column it is its VIF, 1/(1 - R²).

    Args:
        root: (m, q) the columns of the slopes alone: their C is (X'X)⁻¹ of X about its means.
        groups: Numbers of columns.

    Source: Fox & Monette (1992), JASA 87(417), equation 10.
    """
    inverse = _inverse(_triangle(root))
    found = []
    for group in groups:
        # Of a triangle of either matrix's columns, the diagonal's squares multiply to the determinant.
        parts = [np.linalg.qr(columns[:, group]).R for columns in (root, inverse)]
        found.append(np.prod([np.diagonal(part) for part in parts], initial=1.0) ** 2)
    return np.array(found)


def decomposition(root: Array) -> tuple[Array, Array]:
    """Condition indices (q,), ascending, and the share (q, q) that each has in the variance of each coefficient.

    The columns of X are scaled to unit length, not centred; index i is the largest singular value over the i-th, and
    the shares of a coefficient (a column) add up to 1.

    Source: Belsley, Kuh & Welsch (1980), Regression Diagnostics, section 3.2.
    """
    lengths = np.linalg.norm(_inverse(_triangle(root)), axis=0)
    # Singular values of the inverse: the largest of these is known best, and it is the one that says most.
    _, values, vectors = np.linalg.svd(root * lengths)
    parts = (values[:, None] * vectors) ** 2
    order = slice(None, None, -1)
    return (values / values[-1])[order], (parts / parts.sum(axis=0))[order]


def _triangle(root: Array) -> Array:
    """T (q, q), lower triangular, with T'·T = root'·root; elimination's root is one, and is left as it is."""
    if root.shape[0] == root.shape[1] and not np.triu(root, 1).any():
        return root
    flipped: Array = np.linalg.qr(root[:, ::-1]).R
    return flipped[::-1, ::-1]


def _inverse(triangle: Array) -> Array:
    """(q, q) T'⁻¹ of a lower triangular T: the Gram matrix of its columns is (T'·T)⁻¹."""
    inverse: Array = solve_triangular(triangle, np.eye(len(triangle)), lower=True, trans="T")
    return inverse
