"""Errors of each row as predicted by ridge regression on all others, for every strength, without fitting again.

With M = X'WX + l2·I of columns less their means, the others' prediction errs by e / (1 - h) where e is the row's
residual in the fit of all rows and h = w·(1/Σw + x'·M⁻¹·x) its leverage.

Source: Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, equation 7.64; Golub, Heath &
Wahba (1979), Technometrics 21(2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradline.doubledouble import Array
from gradline.exact.centred import centred
from gradline.exact.penalties import Sums, penalised


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """What rows are judged with, in float64."""

    mean: Array  # (d,)
    target_mean: Array  # (k,)
    axes: Array  # (d, d) from columns to principal axes
    shrink: Array  # (d, m) 1 / (steepness + l2)
    slopes: Array  # (d, m·k)
    targets: int
    total: float
    """The sum of the rows' weights; infinite without an intercept, which then has no leverage."""

    def at(self, number: int) -> LeaveOneOut:
        """The same for one strength."""
        some = slice(number * self.targets, (number + 1) * self.targets)
        return replace(self, shrink=self.shrink[:, [number]], slopes=self.slopes[:, some])

    def errors(self, X: Array, y: Array, weights: Array | None) -> Array:
        """(n, m, k) errors y - ŷ of rows X (n, d), y (n, k), each predicted by all others.

        A row that alone decides a coefficient is predicted by none: its error is infinite or NaN.
        """
        apart = X - self.mean
        turned = apart @ self.axes
        leverage = turned * turned @ self.shrink + 1.0 / self.total  # (n, m)
        if weights is not None:
            leverage *= weights[:, None]
        fitted = (apart @ self.slopes).reshape(len(X), -1, self.targets)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = ((y - self.target_mean)[:, None] - fitted) / (1.0 - leverage)[:, :, None]
        return found


def leave_one_out(sums: Sums, l2: Array, *, intercept: bool) -> LeaveOneOut:
    """What to judge rows with, for strengths l2 (m,) above 0, from the moments of all of them."""
    d, k, m = sums.features, len(sums.constant), len(l2)
    about = centred(sums.pair, d, intercept=intercept, standardize=False)
    found = penalised(sums, np.zeros(m), l2, intercept=intercept, standardize=False, about=about)
    scales = np.where(about.usable, about.scales, 0.0)  # (d,)
    gram = about.gram[0] / about.scales / about.scales[:, None]
    gram[~about.usable] = gram[:, ~about.usable] = 0.0
    values, axes = np.linalg.eigh(gram)
    axes = np.where((scales > 0)[:, None], axes, 0.0)
    return LeaveOneOut(
        mean=about.mean[0],
        target_mean=about.target_mean[0],
        axes=axes,
        shrink=1.0 / (np.maximum(values, 0.0)[:, None] + l2),
        slopes=np.nan_to_num(found.slopes[0]).transpose(1, 0, 2).reshape(d, m * k),
        targets=k,
        total=float(sums.pair[0][0, 0]) if intercept else np.inf,
    )
