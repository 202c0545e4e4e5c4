"""`Fit`: the exact answer, how sure it is, and what it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.design.recipe import EMPTY, Recipe
from gradline.design.terms import Term
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.exact import inference
from gradline.exact.origin import at_zero
from gradline.moments.plan import Plan
from gradline.results.prediction import Prediction as Prediction
from gradline.results.prediction import predict

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import torch
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """The exact solution of a least-squares problem, with its uncertainty.

    Vectors are aligned with `names`, "Intercept" first. With one target they are (p,); with k targets they have a
    trailing axis of length k, and scalars become (k,). Columns that the ones before them determine are `aliased`:
    their parameter is NaN, and they count as 0 in predictions.

    Example:
        >>> import gradline as gl
        >>> fit = gl.fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> dict(zip(fit.names, fit.params.round(2).tolist()))
        {'Intercept': 3.05, 'x': 1.98}
        >>> fit.conf_int().round(2).tolist(), round(fit.r2, 4)
        ([[2.55, 3.55], [1.8, 2.16]], 0.9991)

    Source: Seber & Lee (2003), Linear Regression Analysis, chapters 3 to 5; AIC and BIC as statsmodels has them
    (the residual variance is not counted as a parameter).
    """

    names: list[str]
    terms: tuple[Term, ...]
    targets: tuple[str, ...]
    has_intercept: bool
    estimates: Array  # (p, k)
    estimates_low: Array  # (p, k) what rounding to float64 took from the estimates
    variance: Array  # (p,) variances of the parameters for residuals of variance 1
    root: Array  # (p, p): the covariance for residuals of variance 1 is rootᵀ·root
    rss: Array  # (k,)
    tss: Array  # (k,)
    nobs: float
    """Rows in the fit; with frequency weights as many as they stand for."""
    rows: int
    """Rows read, with the ones left out."""
    missing: Mapping[str, int]
    """How many rows lacked each column, where any did."""
    rank: int
    freedom: float
    """Effective number of parameters: the rank, less with l2."""
    aliased: Mapping[str, str]
    """Columns that the ones before them determine, each with the relation found."""
    digits: float
    """Lower bound on the correct decimal digits of every parameter, taking the data as exact; at most 15.9.

    A parameter that is zero to within its bound, and whose part in the target would be below 1e-20 of it, far less
    than float64 data carry, is given as 0 and not counted.
    """
    condition_number: float
    """Of the columns scaled to unit length."""
    l2: float
    weighted: bool
    log_weights: float
    single_target: bool
    array_names: bool
    """Whether the columns came without names, so that new data match them by position."""
    source: str
    notes: tuple[str, ...]
    """What a reader of this result should know, in plain words."""
    recipe: Recipe = EMPTY
    """How new data become the columns of the model."""
    plan: Plan | None = None
    """How the rows were read and summed, and why so; None for a fit from moments."""
    left_out: int = 0
    """Rows read that are not in the fit."""
    origin: tuple[float, ...] = ()
    """(d,) where features are integers too large beside their spread: `root` and the condition number are those of
    the features less these. Parameters are those of the features themselves."""
    precision: str = "double-double"
    """Of the sums that were solved: "double-double" or "float64"."""
    l1: float = 0.0
    """Strength of a lasso penalty; with one there are no standard errors, and what is made of them is NaN."""
    standardized: bool = False
    """Whether penalties weigh each coefficient by the standard deviation of its column."""

    @property
    def params(self) -> Array:
        """(p,) the parameters."""
        return self._vector(self.estimates)

    @property
    def se(self) -> Array:
        """(p,) standard errors √(σ²·diag((X'X)⁻¹)); for l2 > 0 of the penalised estimate, which is biased."""
        return self._vector(self._errors)

    @property
    def t(self) -> Array:
        """(p,) params / se."""
        return self._vector(inference.t_statistics(self.estimates, self._errors))

    @property
    def p(self) -> Array:
        """(p,) two-sided p-values of t."""
        return self._vector(inference.two_sided(inference.t_statistics(self.estimates, self._errors), self.df_resid))

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
        """F statistic of all slopes being zero; NaN with l2."""
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
        reach = inference.t_quantile(_probability(level), self.df_resid) * self._errors
        ends = np.stack([self.estimates - reach, self.estimates + reach], axis=1)
        return ends[:, :, 0] if self.single_target else ends

    def predict(
        self,
        new: Any,
        interval: str | None = None,
        level: float = 0.95,
        *,
        unseen: str = "error",
        engine: Any = "local",
    ) -> Array | Prediction:
        """Predict the target for new rows.

        Args:
            new: As the features of `gl.fit`: tables by name in any order, arrays by position.
            interval: None; "mean" for the confidence interval of the expected value, σ·√h; "prediction" for
                one new observation, σ·√(1 + h), with h = z (X'X)⁻¹ z'.
            level: Probability that the interval covers what it is for.
            unseen: What a level of a category gives that was not in the data of the fit: "error", or "nan".
            engine: For files: whose workers read and score them, as for `gl.fit`; the answer comes here.

        Returns:
            (n,) or (n, k); with an interval a named tuple (fit, lower, upper) of these. A row with a missing input
            gives NaN, never a shorter answer.

        Raises:
            ColumnError: a column is missing in new.
            ShapeError: an array has another number of columns than the model.
            OptionError: an interval is asked of a fit with l1, which has no standard errors.
            DataError: an infinite value, or a level that was not in the data of the fit; with its column and row.
        """
        if self.l1 and interval is not None:
            raise OptionError("a fit with l1 has no standard errors, so it gives no intervals.\nLeave interval= out.")
        answer = predict(self, new, interval=interval, level=level, unseen=unseen, engine=engine)
        if interval is None:
            return self._vector(answer.fit)
        return Prediction(*[self._vector(part) for part in answer])

    def to_torch(self, dtype: torch.dtype | None = None) -> torch.nn.Linear:
        """The fit as `nn.Linear`, float64 unless dtype says otherwise; aliased columns have weight 0."""
        import torch

        params = np.nan_to_num(self.estimates)
        slopes = params[int(self.has_intercept) :]
        d, k = slopes.shape
        layer = torch.nn.Linear(d, k, bias=self.has_intercept, dtype=dtype or torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(slopes.T.copy()))
            if self.has_intercept:
                layer.bias.copy_(torch.from_numpy(params[0].copy()))
        return layer

    def to_onnx(self, path: str | Path) -> None:
        """Write the fit as an ONNX model in float64, whole or not at all; it needs the extra `onnx`.

        A fit on an array has one input, x (n, d). Otherwise each column is an input (n,) of its own name: float64,
        for categories string, int64 or bool. The output is `prediction`, (n,) or (n, k). A missing number and a level
        that the fit has not seen give NaN; so does what `predict` refuses, or infinity.

        Raises:
            OptionError: the model has something that there is no operation for; or onnx is not installed.
            StorageError: the file cannot be written.
        """
        from gradline.export.onnx import write

        write(self, path)

    def to_sql(self) -> str | dict[str, str]:
        """The fit as an SQL expression over its columns, for DuckDB and PostgreSQL; of several targets one for each.

        Names are quoted and numbers exact; arithmetic is that of doubles, where `predict` carries powers and
        computed columns to 32 digits. NULL in a column, a level that the fit has not seen, and what has no value
        (log of 0) give NULL. PostgreSQL needs truth values that are numbers here as 0 and 1.

        Raises:
            OptionError: a computed column has something that the two do not share (%, //, x**y).

        Example:
            >>> import gradline as gl
            >>> print(gl.fit([[1.0], [2.0], [4.0]], [3.0, 5.0, 9.0]).to_sql())
            CAST(1.0 AS DOUBLE PRECISION) + CAST(2.0 AS DOUBLE PRECISION) * CAST("x" AS DOUBLE PRECISION)
        """
        from gradline.export.sql import expressions

        found = expressions(self)
        return found[0] if self.single_target else dict(zip(self.targets, found, strict=True))

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row per parameter (and target): estimate, std_error, statistic, p_value, conf_low, conf_high."""
        import pandas as pd

        errors, t = self._errors, inference.t_statistics(self.estimates, self._errors)
        reach = inference.t_quantile(_probability(level), self.df_resid) * errors
        columns = {
            "estimate": self.estimates,
            "std_error": errors,
            "statistic": t,
            "p_value": inference.two_sided(t, self.df_resid),
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
            "nobs": self.nobs,
            "digits": self.digits,
        }
        return pd.DataFrame(figures, index=pd.Index(self.targets, name="target"))

    def summary(self) -> str:
        """The result as a table of at most 80 columns."""
        from gradline.report.text import fit_summary

        return fit_summary(self)

    def plot(
        self,
        kind: str = "coefficients",
        ax: Axes | None = None,
        lang: str = "en",
        *,
        target: str | None = None,
    ) -> Axes:
        """Draw the fit; it needs the extra `plot`.

        Args:
            kind: "coefficients", each with its 95 % confidence interval: all but the intercept, of more than 60 those
                furthest from 0 in standard errors.
            ax: Axes to draw on; by default those of a new figure.
            lang: "en" or "ko".
            target: Of several; by default the first.

        Raises:
            OptionError: No such kind, language or target, or matplotlib is not installed.
        """
        from gradline.pictures.kinds import FIT, picture

        return picture(FIT, kind, self, ax, lang, target=target)

    def save(self, path: str | Path) -> None:
        """Write the fit to one safetensors file, whole or not at all; it holds nothing of the data."""
        from gradline import storage

        storage.save_fit(self, path)

    def __repr__(self) -> str:
        from gradline.report.text import fit_line

        return fit_line(self)

    def _repr_html_(self) -> str:
        from gradline.report.text import as_html

        return as_html(self.summary())

    @cached_property
    def _sigma(self) -> Array:
        return inference.residual_deviation(self.rss, self.df_resid)

    @cached_property
    def _errors(self) -> Array:
        return inference.standard_errors(self.variance, self._sigma)

    @cached_property
    def _r2(self) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.tss > 0, 1 - self.rss / self.tss, np.nan)

    @cached_property
    def _f_test(self) -> tuple[Array, Array]:
        return inference.f_test(self.rss, self.tss, 0 if self.l1 or self.l2 else self.df_model, self.df_resid)

    @cached_property
    def _log_likelihood(self) -> Array:
        return inference.log_likelihood(self.rss, self.nobs, self.log_weights)

    def _vector(self, values: Array) -> Array:
        return values[:, 0] if self.single_target else values

    def _scalar(self, values: Array) -> Any:
        return float(values[0]) if self.single_target else values


def _probability(level: float) -> float:
    if not 0 < level < 1:
        raise OptionError(f"level is a probability between 0 and 1, not {level!r}.")
    return level
