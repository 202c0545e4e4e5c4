"""The figures of a fit: what its record says about the parameters and about the whole, one property each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.allowed import probability
from gradline.doubledouble import Array
from gradline.exact import inference, robust
from gradline.exact.errors_in_x import XError
from gradline.exact.origin import at_zero
from gradline.results.covariance import CLASSICAL, Covariance

if TYPE_CHECKING:
    import pandas as pd


class Figures:
    """What `Fit` has as properties; the fields are its own."""

    names: list[str]
    targets: tuple[str, ...]
    has_intercept: bool
    estimates: Array
    variance: Array
    root: Array
    rss: Array
    tss: Array
    nobs: float
    rank: int
    freedom: float
    aliased: Mapping[str, str]
    digits: float
    l1: float
    l2: float
    log_weights: float
    single_target: bool
    origin: tuple[float, ...]
    covariance: Covariance | None
    x_error: XError | None

    @property
    def params(self) -> Array:
        """(p,) the parameters."""
        return self._vector(self.estimates)

    @property
    def se(self) -> Array:
        """(p,) standard errors √(σ²·diag((X'X)⁻¹)), or those of `covariance`.

        For l2 > 0 they are of the penalised estimate, which is biased.
        """
        return self._vector(self._errors)

    @property
    def se_kind(self) -> str:
        """Which standard errors these are: "classical", "HC0" to "HC3", "CR0" to "CR2", or "HAC"."""
        return CLASSICAL if self.covariance is None else self.covariance.kind

    @property
    def clusters(self) -> dict[str, int]:
        """How many clusters each cluster column has."""
        return {} if self.covariance is None else dict(self.covariance.clusters)

    @property
    def lags(self) -> int | None:
        """Of "HAC" standard errors."""
        return None if self.covariance is None else self.covariance.lags

    @property
    def df_t(self) -> float:
        """Degrees of freedom of t, p and intervals: df_resid, or the number of (the fewer) clusters less 1."""
        return self.df_resid if self.covariance is None else self.covariance.df

    @property
    def t(self) -> Array:
        """(p,) params / se."""
        return self._vector(inference.t_statistics(self.estimates, self._errors))

    @property
    def p(self) -> Array:
        """(p,) two-sided p-values of t."""
        return self._vector(inference.two_sided(inference.t_statistics(self.estimates, self._errors), self.df_t))

    @property
    def intercept(self) -> Any:
        """The intercept, a float, or (k,); 0 for a fit through the origin."""
        if not self.has_intercept:
            return self._scalar(np.zeros(len(self.targets)))
        return self._scalar(self.estimates[0])

    @property
    def coef(self) -> Array:
        """(d,) the parameters without the intercept."""
        return self._vector(self.estimates[int(self.has_intercept) :])

    @property
    def df_model(self) -> int:
        """Slopes that could be determined."""
        return self.rank - int(self.has_intercept)

    @property
    def df_resid(self) -> float:
        """Degrees of freedom left for the residuals: rows less (effective) parameters."""
        left = self.nobs - self.freedom
        return left if self.l1 or self.l2 or left % 1 else int(left)

    @property
    def sigma(self) -> Any:
        """Standard deviation of the residuals, √(RSS / df_resid)."""
        return self._scalar(self._sigma)

    @property
    def r2(self) -> Any:
        """1 - RSS/TSS, TSS about the mean with an intercept and about zero without; NaN for a constant target."""
        return self._scalar(self._r2)

    @property
    def adj_r2(self) -> Any:
        """1 - (1 - R²)·(n - 1)/df_resid, with n in place of n - 1 through the origin."""
        if self.df_resid <= 0:
            return self._scalar(np.full(len(self.targets), np.nan))
        return self._scalar(1 - (1 - self._r2) * (self.nobs - int(self.has_intercept)) / self.df_resid)

    @property
    def f(self) -> Any:
        """F statistic of all slopes being zero, with `covariance` Wald's b'·V⁻¹·b/df_model; NaN with l2."""
        return self._scalar(self._f_test[0])

    @property
    def f_p(self) -> Any:
        """The p-value of f."""
        return self._scalar(self._f_test[1])

    @property
    def log_likelihood(self) -> Any:
        """Gaussian log-likelihood at its maximum."""
        return self._scalar(self._log_likelihood)

    @property
    def aic(self) -> Any:
        """2·(parameters - log-likelihood)."""
        return self._scalar(2 * (self.freedom - self._log_likelihood))

    @property
    def bic(self) -> Any:
        """log(n)·parameters - 2·log-likelihood."""
        return self._scalar(np.log(self.nobs) * self.freedom - 2 * self._log_likelihood)

    @property
    def cov(self) -> Array:
        """(p, p) covariance of the parameters, NaN for aliased ones; (p, p, k) for several targets."""
        if self.covariance is not None:
            matrix = self.covariance.matrix
            return matrix[:, :, 0] if self.single_target else matrix
        root = at_zero(self.root, np.array(self.origin)) if self.origin else self.root
        unit = root.T @ root
        unknown = np.isnan(self.variance)
        unit[unknown] = unit[:, unknown] = np.nan
        covariance = unit[:, :, None] * self._sigma**2
        return covariance[:, :, 0] if self.single_target else covariance

    def conf_int(self, level: float = 0.95) -> Array:
        """(p, 2) lower and upper ends of the confidence intervals; (p, 2, k) for several targets.

        Raises:
            OptionError: level is not between 0 and 1.
        """
        reach = inference.t_quantile(probability("level", level), self.df_t) * self._errors
        ends = np.stack([self.estimates - reach, self.estimates + reach], axis=1)
        return ends[:, :, 0] if self.single_target else ends

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row per parameter (and target): estimate, std_error, statistic, p_value, conf_low, conf_high."""
        import pandas as pd

        errors, t = self._errors, inference.t_statistics(self.estimates, self._errors)
        reach = inference.t_quantile(probability("level", level), self.df_t) * errors
        columns = {
            "estimate": self.estimates,
            "std_error": errors,
            "statistic": t,
            "p_value": inference.two_sided(t, self.df_t),
            "conf_low": self.estimates - reach,
            "conf_high": self.estimates + reach,
        }
        frame = pd.DataFrame({"term": list(self.names) * len(self.targets)})
        if not self.single_target:
            frame.insert(0, "target", np.repeat(self.targets, len(self.names)))
        return frame.assign(**{name: values.T.ravel() for name, values in columns.items()})

    def glance(self) -> pd.DataFrame:
        """One row per target with the figures about the whole fit."""
        import pandas as pd

        figures = {
            "r_squared": self.r2,
            "adj_r_squared": self.adj_r2,
            "sigma": self.sigma,
            "statistic": self.f,
            "p_value": self.f_p,
            "df": self.df_model,
            "log_likelihood": self.log_likelihood,
            "aic": self.aic,
            "bic": self.bic,
            "rss": self._scalar(self.rss),
            "df_resid": self.df_resid,
            "se_kind": self.se_kind,
            "nobs": self.nobs,
            "digits": self.digits,
        }
        return pd.DataFrame(figures, index=pd.Index(self.targets, name="target"))

    @cached_property
    def _sigma(self) -> Array:
        return inference.residual_deviation(self.rss, self.df_resid)

    @cached_property
    def _errors(self) -> Array:
        if self.covariance is not None:
            return robust.standard_errors(self.covariance.matrix)
        return inference.standard_errors(self.variance, self._sigma)

    @property
    def roots(self) -> list[Array]:
        """(p, p) matrices R with Rᵀ·R the covariance over sigma²: one for each target, or for all."""
        return [self.root] if self.covariance is None else robust.roots(self.covariance.matrix, self._sigma)

    @cached_property
    def _r2(self) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.tss > 0, 1 - self.rss / self.tss, np.nan)

    @cached_property
    def _f_test(self) -> tuple[Array, Array]:
        if self.covariance is not None:
            known = np.flatnonzero(~np.isnan(self.covariance.matrix[:, :, 0].diagonal()))
            known = known[known >= int(self.has_intercept)]
            return robust.wald(self.estimates[known], self.covariance.matrix[np.ix_(known, known)], self.df_t)
        slopes = 0 if self.l1 or self.l2 or self.x_error else self.df_model
        return inference.f_test(self.rss, self.tss, slopes, self.df_resid)

    @cached_property
    def _log_likelihood(self) -> Array:
        rss = self.rss if self.x_error is None else np.full(len(self.rss), np.nan)
        return inference.log_likelihood(rss, self.nobs, self.log_weights)

    def _vector(self, values: Array) -> Array:
        return values[:, 0] if self.single_target else values

    def _scalar(self, values: Array) -> Any:
        return float(values[0]) if self.single_target else values
