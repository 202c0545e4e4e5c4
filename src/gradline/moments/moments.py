"""The moments of a table: the one small matrix that every answer about a linear model is a function of."""

from __future__ import annotations

from dataclasses import dataclass

from gradline.doubledouble import Array


@dataclass(frozen=True)
class Moments:
    """Cross-products A = Σ w·z zᵀ with z = (1, x_1 … x_d, y_1 … y_k), in double-double."""

    hi: Array  # (1 + d + k, 1 + d + k), symmetric
    lo: Array
    columns: tuple[str, ...]  # the d features
    targets: tuple[str, ...]
    nobs: int  # rows in the sums
    epsilon: tuple[float, ...]  # (d + k,) relative spacing of each column's numbers
