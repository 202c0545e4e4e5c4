"""Standard errors, tests and intervals of a linear model with independent, equally spread errors."""

from __future__ import annotations

import numpy as np
from scipy import special

from gradline.doubledouble import Array


def standard_errors(variance: Array, sigma: Array) -> Array:
    """(q, k) square roots of the variances (q,) for unit residuals, times the residual standard deviations (k,)."""
    return np.sqrt(np.maximum(variance, 0.0))[:, None] * sigma[None, :]


def residual_deviation(rss: Array, df_resid: float) -> Array:
    """(k,) sigma = √(RSS / df), NaN where no degrees of freedom are left."""
    if df_resid <= 0:
        return np.full(len(rss), np.nan)
    return np.asarray(np.sqrt(rss / df_resid), np.float64)


def t_statistics(params: Array, se: Array) -> Array:
    """params / se: infinite for a perfect fit, NaN for 0 / 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return params / se


def two_sided(t: Array, df_resid: float) -> Array:
    """P(|T| >= |t|) for Student's t with df_resid degrees of freedom."""
    if df_resid <= 0:
        return np.full(np.shape(t), np.nan)
    return np.asarray(2.0 * special.stdtr(df_resid, -np.abs(t)), np.float64)


def t_quantile(level: float, df_resid: float) -> float:
    """The multiple of the standard error that a two-sided interval of this level reaches."""
    return float(special.stdtrit(df_resid, 0.5 + level / 2)) if df_resid > 0 else float("nan")


def f_test(rss: Array, tss: Array, df_model: int, df_resid: float) -> tuple[Array, Array]:
    """(k,) F statistic of all slopes being zero, and its p-value; NaN where it is not defined."""
    if df_model <= 0 or df_resid <= 0:
        return np.full(len(rss), np.nan), np.full(len(rss), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        f = (np.maximum(tss - rss, 0.0) / df_model) / (rss / df_resid)
    return f, np.asarray(special.fdtrc(df_model, df_resid, f))


def log_likelihood(rss: Array, nobs: float, log_weights: float) -> Array:
    """(k,) Gaussian log-likelihood at its maximum: -n/2·(log 2π + log(RSS/n) + 1) + ½·Σ log w."""
    with np.errstate(divide="ignore"):
        value = -nobs / 2 * (np.log(2 * np.pi) + np.log(rss / nobs) + 1) + log_weights / 2
    return np.asarray(value, np.float64)
