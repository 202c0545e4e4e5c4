"""Sums of squares of terms, from the parameters and a root of (X'X)⁻¹ alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_triangular

from gradline.doubledouble import Array


def by_columns(params: Array, root: Array, order: Sequence[int]) -> Array:
    """(m, k) by how much the RSS grows as columns are taken out of the model, one after the other.

    Taking out the columns S raises the RSS by b'·(C_SS)⁻¹·b with b = params_S and C = (X'X)⁻¹ = root'·root: by |z|²,
    where T'·z = b and T is the triangle of root's columns S. Each column of T adds one square to those before it, so
    nothing is found as a difference of sums.

    Args:
        params: (p, k).
        root: (p, p).
        order: m columns, the one to be taken out first first.

    Source: Seber & Lee (2003), Linear Regression Analysis, section 4.3.
    """
    columns = root[:, order]
    lengths = np.linalg.norm(columns, axis=0)
    triangle = np.linalg.qr(columns / lengths).R
    squares: Array = solve_triangular(triangle, params[order] / lengths[:, None], trans="T") ** 2
    return squares
