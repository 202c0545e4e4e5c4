"""Tests of what least squares takes for granted, from cross-products of residuals.

Sources: Koenker (1981), J. Econometrics 17, 107-112, for the form of Breusch and Pagan's test that does not take
errors to be normal; White (1980), Econometrica 48, 817-838; Ramsey (1969), J. Royal Statistical Society B 31,
350-371; Durbin & Watson (1950), Biometrika 37, 409-428; Jarque & Bera (1987), International Statistical Review 55,
163-172.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy import special

from gradline.doubledouble import Array, Pair, subtract
from gradline.elimination import eliminate
from gradline.moments.central import Central
from gradline.moments.neighbours import Neighbours

_ALIASED = 16 * 2.0**-52
"""A column of m is determined by those before it when no more is left of it than m times this, times by how much
rounding was amplified when it was computed."""
_EQUAL = 64 * 2.0**-52
"""Squared residuals are all the same when their deviation is at most this beside their mean."""
_NAN = float("nan")


@dataclass(frozen=True)
class Verdict:
    """What one test says of one target."""

    reason: str = ""
    """Why there is no test; empty where there is one."""
    statistic: float = _NAN
    df: float = _NAN
    df_denom: float = _NAN
    p: float = _NAN
    figures: Mapping[str, float] = field(default_factory=dict)
    """What a person should see beside p, by name."""
    f: Verdict | None = None
    """The F form of a test of n·R²."""


class Explained(NamedTuple):
    """How much more of a target some columns explain than those before them."""

    columns: int
    """How many are not determined by the ones before them."""
    left: float
    """Of the target's squared norm, with all columns."""
    more: float
    """What these columns took off it."""

    def f(self, df_denom: float) -> Verdict:
        """F = (more/columns) / (left/df_denom)."""
        with np.errstate(divide="ignore"):
            f = float(np.float64(self.more / self.columns) / np.float64(self.left / df_denom))
        return Verdict("", f, self.columns, df_denom, float(special.fdtrc(self.columns, df_denom, f)))


def explained(pair: Pair, before: int, amplified: float) -> Explained:
    """Regress the last column of cross-products on the others, of which `before` are not counted.

    Args:
        pair: Each (before + columns + 1,) squared.
        before: See above.
        amplified: By how much more than rounding the columns are inexact.
    """
    total = len(pair[0]) - 1
    share = min(_ALIASED * total * amplified, 1.0)
    least = share**2 * pair[0].diagonal()[:-1]
    some = [*range(before), total]
    small, _ = eliminate(_part(pair, some), before, least[:before], inverse=False)
    large, left = eliminate(pair, total, least, inverse=False)
    more, _ = subtract((small[0][-1, -1], small[1][-1, -1]), (large[0][-1, -1], large[1][-1, -1]))
    used = int((left > least)[before:].sum())
    return Explained(used, max(float(large[0][-1, -1]), 0.0), max(float(more), 0.0))


def even_spread(pair: Pair, columns: int, targets: int, target: int, nobs: float, amplified: float) -> Verdict:
    """Whether the squares of residuals go with columns: n·R² of them on the columns, χ²; and F.

    Args:
        pair: Cross-products of the constant, at least so many columns, and squares of k targets less their mean.
        columns: How many of the columns.
        targets: k.
        target: Which of them.
        nobs: n.
        amplified: As in `explained`.
    """
    size = len(pair[0])
    found = explained(_part(pair, [*range(1 + columns), size - targets + target]), 1, amplified)
    if not found.columns:
        return Verdict("constant")
    if found.left + found.more <= _EQUAL**2 * nobs:
        return Verdict("equal")
    df_denom = nobs - 1 - found.columns
    if df_denom <= 0:
        return Verdict("saturated")
    share = found.more / (found.left + found.more)
    p = float(special.chdtrc(found.columns, nobs * share))
    return Verdict("", nobs * share, found.columns, _NAN, p, {"share": share}, found.f(df_denom))


def straight(pair: Pair, columns: int, nobs: float, amplified: float) -> Verdict:
    """Whether powers of the fitted values explain residuals: F of columns beyond the first ones.

    Args:
        pair: Cross-products of the columns of the model, the powers, and the residuals.
        columns: Those of the model.
        nobs: n.
        amplified: As in `explained`.
    """
    found = explained(pair, columns, amplified)
    if not found.columns:
        return Verdict("determined")
    df_denom = nobs - columns - found.columns
    if df_denom <= 0:
        return Verdict("saturated")
    return replace(found.f(df_denom), figures={"share": found.more / (found.left + found.more)})


def unrelated_neighbours(found: Neighbours, squares: Array, lengths: float, rows: int) -> list[Verdict]:
    """Durbin and Watson's d = Σ (De)² / Σ e² of each target, with D the differences of neighbours.

    p is two-sided and that of a normal distribution with the mean and variance that d has for independent normal
    errors, given the columns z = (X'X)^(-1/2)·x:

        mean P/(n - p),   variance 2·(Q - P·mean)/((n - p)·(n - p + 2))
        P = tr A - tr Z'AZ,   Q = tr A² - 2·tr Z'A²Z + tr (Z'AZ)²,   A = D'D

    Args:
        found: Sums over the rows.
        squares: (k,) Σ e².
        lengths: What z was multiplied with.
        rows: n.
    """
    q = len(found.products)
    products, df = found.products / lengths**2, rows - q
    first = 2 * (rows - 1) - float(np.trace(products))
    second = 2 * (3 * rows - 4) - 2 * found.bends / lengths**2 + float((products**2).sum())
    mean = first / df
    variance = 2 / (df * (df + 2)) * (second - first * mean)
    verdicts = []
    for statistic in (found.errors / squares).tolist():
        away = abs(statistic - mean) / np.sqrt(variance) if variance > _ALIASED * mean**2 else _NAN
        figures = {"correlation": 1 - statistic / 2, "expected": mean}
        verdicts.append(Verdict("", statistic, p=float(2 * special.ndtr(-away)), figures=figures))
    return verdicts


def normal(found: Central) -> list[Verdict]:
    """Jarque and Bera's n/6·(skewness² + (kurtosis - 3)²/4) of each target, χ² on 2 degrees of freedom."""
    with np.errstate(divide="ignore", invalid="ignore"):
        second = found.second / found.rows
        skewness = found.third / found.rows / second**1.5
        kurtosis = found.fourth / found.rows / second**2
    verdicts = []
    for s, k in zip(skewness.tolist(), kurtosis.tolist(), strict=True):
        statistic = found.rows / 6 * (s**2 + (k - 3) ** 2 / 4)
        p = float(special.chdtrc(2, statistic))
        verdicts.append(Verdict("", statistic, 2.0, p=p, figures={"skewness": s, "kurtosis": k}))
    return verdicts


def amplification(root: Array) -> float:
    """By how much rounding of the columns x is amplified in z = root·x, of which the columns are orthonormal.

    The largest of Σ |root_ij|·|x_j| over i, for root (q, q): 1 for columns that are orthogonal, whatever their units,
    and about the condition number of the columns scaled to unit length for others.
    """
    if not root.size:
        return 1.0
    scaled = root / np.linalg.norm(root, axis=0)
    norms = np.linalg.norm(np.linalg.pinv(scaled), axis=1)
    return max(float((abs(scaled) @ norms).max()), 1.0)


def with_constant_first(root: Array) -> Array:
    """Another root (q, p) of the same matrix, of which only the first row has column 0, the constant.

    Columns are about their means, so the constant is orthogonal to them: a reflection brings it there.
    """
    away = root[:, 0].copy()
    away[0] += np.copysign(np.linalg.norm(away), away[0])
    found: Array = root - np.outer(away, 2 * (away @ root) / (away @ away))
    return found


def _part(pair: Pair, numbers: list[int]) -> Pair:
    at = np.ix_(numbers, numbers)
    return pair[0][at], pair[1][at]
