"""What a fitted model predicts for new rows, and their leverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.design.newdata import height, predictors
from gradline.doubledouble import Array, add, multiply

if TYPE_CHECKING:
    from gradline.results.fit import Fit


def predict(fit: Fit, new: Any, *, leverage: bool) -> tuple[Array, Array]:
    """Predicted values (n, k), and h = z (X'X)⁻¹ z' (n,) where it is asked for."""
    if not fit.terms:
        n = height(new)
        return np.repeat(fit.estimates, n, axis=0), np.full(n, fit.variance[0])
    values, leverages = [], []
    for hi, lo in predictors(new, fit.terms, array_names=fit.array_names):
        design = _design(hi, fit.has_intercept, None)
        low = _design(lo, fit.has_intercept, hi) if any(word is not None for word in lo) else None
        values.append(_linear(design, low, fit))
        if leverage:
            leverages.append(((design @ fit.root.T) ** 2).sum(axis=1))
    empty = np.empty((0, len(fit.targets)))
    return np.concatenate(values or [empty]), np.concatenate(leverages or [empty[:, 0]])


def _design(columns: Any, has_intercept: bool, like: Any) -> Array:
    """(n, p) design matrix of the high words; given `like`, of the low words, which are zero where there are none."""
    n = len((columns if like is None else like)[0])
    matrix = np.zeros((n, int(has_intercept) + len(columns)))
    if has_intercept and like is None:
        matrix[:, 0] = 1.0
    for number, column in enumerate(columns, int(has_intercept)):
        if column is not None:
            matrix[:, number] = column
    return matrix


def _linear(design: Array, low: Array | None, fit: Fit) -> Array:
    """(n, k) design·params. Polynomials cancel, so with low words the sum is carried in double-double."""
    params = np.nan_to_num(fit.estimates)
    if low is None:
        return design @ params
    total = np.zeros((len(design), params.shape[1])), np.zeros((len(design), params.shape[1]))
    for column, column_low, param, param_low in zip(design.T, low.T, params, fit.estimates_low, strict=True):
        total = add(total, multiply((column[:, None], column_low[:, None]), (param[None, :], param_low[None, :])))
    return total[0]
