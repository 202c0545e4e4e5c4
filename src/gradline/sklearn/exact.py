"""Least squares and ridge regression as estimators: moments are gathered once, and added to by `partial_fit`."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import shortened
from gradline.moments import Moments
from gradline.results.fit import Fit, Prediction
from gradline.sklearn.checks import demand_truth, finite, named, new_rows_of, refuse_positive, rows_of, threads_of


class _Exact(MultiOutputMixin, RegressorMixin, BaseEstimator, metaclass=ABCMeta):  # type: ignore[misc]
    """What the exact estimators share: rows become moments, moments the answer."""

    fit_intercept: bool
    moments_: Moments
    result_: Fit | tuple[Fit, ...]
    coef_: Array
    intercept_: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit to these rows.

        Args:
            X: (n, d) an array, a data frame, or a sparse matrix, of which some rows at a time are written out.
            y: (n,), or (n, k) for k targets.
            sample_weight: (n,) inverse variances up to a factor, or one number; 0 leaves a row out.

        Raises:
            ValueError: the rows or an option cannot be used.
        """
        return self._take(X, y, sample_weight, first=True)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Take in more rows: afterwards the estimator is as if one `fit` had seen all of them.

        Args:
            X: As for `fit`; likewise y and sample_weight.
            y: See X.
            sample_weight: See X.

        Raises:
            ValueError: the rows or an option cannot be used; the rows seen before stay.
        """
        return self._take(X, y, sample_weight, first=not hasattr(self, "moments_"))

    def predict(self, X: Any, return_interval: str | None = None, level: float = 0.95) -> Any:
        """Predict the targets of new rows.

        Args:
            X: (n, d).
            return_interval: "mean" for the confidence interval of the expected value, "prediction" for one new
                observation.
            level: Probability that the interval covers what it is for.

        Returns:
            (n,) or (n, k); with an interval a named tuple (fit, lower, upper) of these.
        """
        check_is_fitted(self)
        X = new_rows_of(self, X)
        if return_interval is None:
            return safe_sparse_dot(X, self.coef_.T) + self.intercept_
        found = [fit.predict(X, interval=return_interval, level=level) for fit in self._fits]
        if isinstance(self.result_, Fit):
            shape = (X.shape[0], *self.coef_.shape[:-1])
            return Prediction(*[part.reshape(shape) for part in found[0]])
        return Prediction(*[np.stack(parts, axis=1) for parts in zip(*found, strict=True)])

    def conf_int(self, level: float = 0.95) -> Array:
        """(p, 2) confidence intervals of the parameters, the intercept first; (p, 2, k) for several targets."""
        check_is_fitted(self)
        if isinstance(self.result_, Fit):
            return self.result_.conf_int(level)
        return np.stack([fit.conf_int(level) for fit in self.result_], axis=2)

    def summary(self) -> str:
        """The parameters with their standard errors, tests and intervals, as a table."""
        check_is_fitted(self)
        return "\n\n".join(fit.summary() for fit in self._fits)

    @property
    def _fits(self) -> tuple[Fit, ...]:
        return (self.result_,) if isinstance(self.result_, Fit) else self.result_

    def _take(self, X: Any, y: Any, sample_weight: Any, *, first: bool) -> Any:
        demand_truth("fit_intercept", self.fit_intercept)
        self._check_options()
        X, y = rows_of(self, X, y, first=first)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        with finite(self, X):
            moments = Moments.of(X, y, weights=sample_weight, threads=self._threads, missing="error")
        moments = named(self, moments)
        if not first:
            moments = _together(self.moments_, moments)
        self._solve(moments, y.ndim)
        self.moments_ = moments
        return self

    @property
    def _threads(self) -> int | None:
        return None

    @abstractmethod
    def _check_options(self) -> None:
        """Refuse options that cannot be."""

    @abstractmethod
    def _solve(self, moments: Moments, dimensions: int) -> None:
        """Set what follows from the moments; `dimensions` of y."""

    def _keep(self, result: Fit | tuple[Fit, ...], *, flat: bool, single: bool) -> None:
        """Set the attributes: `flat` says whether coef_ is (d,), `single` whether intercept_ is a number."""
        self.result_ = result
        params = np.concatenate([fit.estimates for fit in self._fits], axis=1)  # (p, k)
        start = int(self.fit_intercept)
        self.coef_ = params[start:, 0].copy() if flat else np.ascontiguousarray(params[start:].T)
        if not self.fit_intercept:
            self.intercept_ = 0.0
        else:
            self.intercept_ = params[0, 0] if single else params[0].copy()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class LinearRegression(_Exact):
    """Ordinary least squares, exact to the digits that the data carry.

    Minimises Σ w·(y - b - x·coef)². Where columns determine each other, coef is the shortest of all solutions, as in
    `sklearn.linear_model.LinearRegression`, whose place this takes.

    Args:
        fit_intercept: Whether b is fitted, or 0.
        copy_X: Taken for scikit-learn's sake: X is never written to.
        tol: Likewise: nothing is iterated.
        n_jobs: How many threads sum; None for all processors, and otherwise as scikit-learn counts them. The answer
            is the same to the bit.
        positive: Only False: an exact solution knows no bounds.

    Attributes:
        coef_: (d,), or (k, d) where y has two axes.
        intercept_: A number, or (k,).
        rank_: Columns that no others determine, without the intercept.
        result_: The `Fit`: standard errors, tests, R², sure digits and notes.
        moments_: The `Moments` of all rows so far.
        n_features_in_: d.
        feature_names_in_: (d,) where X had names.

    Example:
        >>> model = LinearRegression().fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> model.coef_.round(3), model.conf_int().round(2).tolist()
        (array([1.98]), [[2.55, 3.55], [1.8, 2.16]])
        >>> [part.round(2).tolist() for part in model.predict([[5.0]], return_interval="prediction")]
        [[12.95], [12.3], [13.6]]
    """

    rank_: int

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive

    @property
    def _threads(self) -> int | None:
        return threads_of(self.n_jobs)

    def _check_options(self) -> None:
        refuse_positive(self.positive, "LinearRegression")

    def _solve(self, moments: Moments, dimensions: int) -> None:
        result = moments.fit(intercept=self.fit_intercept, aliased="min-norm")
        self._keep(result, flat=dimensions == 1, single=dimensions == 1)
        self.rank_ = result.df_model


class Ridge(_Exact):
    """Least squares with a penalty on the coefficients, solved exactly.

    Minimises Σ w·(y - b - x·coef)² + alpha·‖coef‖²; the intercept b is not penalised, as in
    `sklearn.linear_model.Ridge`, whose place this takes.

    Args:
        alpha: Strength of the penalty, 0 or more: one number, or (k,) one for each target.
        fit_intercept: Whether b is fitted, or 0.
        copy_X: Taken for scikit-learn's sake: X is never written to.
        max_iter: Likewise: nothing is iterated.
        tol: Likewise.
        solver: Likewise: "auto", or a name that scikit-learn has. All of them have the same solution.
        positive: Only False: an exact solution knows no bounds.
        random_state: Taken for scikit-learn's sake: nothing is drawn.

    Attributes:
        coef_: (d,), or (k, d) for k > 1 targets.
        intercept_: A number, or (k,).
        result_: The `Fit`, with the standard errors of the penalised estimate; where targets have strengths of
            their own, a tuple of one `Fit` for each.
        moments_: The `Moments` of all rows so far.
        n_iter_: 1: one elimination.
        n_features_in_: d.
        feature_names_in_: (d,) where X had names.

    Example:
        >>> model = Ridge(alpha=1.0).fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> model.coef_, round(float(model.intercept_), 3)
        (array([1.65]), 3.875)
    """

    n_iter_: int

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def _check_options(self) -> None:
        refuse_positive(self.positive, "Ridge")
        if self.solver not in _SOLVERS:
            arrived = shortened(repr(self.solver), 30)
            raise OptionError(f"{arrived} arrived as solver.\nUse {', '.join(_SOLVERS)}: all are the same.")
        alpha = np.asarray(self.alpha)
        if alpha.dtype.kind not in "fiu" or alpha.ndim > 1 or not (np.isfinite(alpha) & (alpha >= 0)).all():
            arrived = shortened(repr(self.alpha), 30)
            raise OptionError(
                f"{arrived} arrived as alpha.\nGive a finite number of 0 or more, or one for each target."
            )

    def _solve(self, moments: Moments, dimensions: int) -> None:
        alpha, targets = np.ravel(self.alpha).astype(np.float64), moments.targets
        if alpha.size not in (1, len(targets)):
            raise OptionError(
                "Number of targets and number of penalties do not correspond: "
                f"{alpha.size} != {len(targets)}\nGive alpha one number, or one for each target."
            )
        options: dict[str, Any] = {"intercept": self.fit_intercept, "aliased": "min-norm"}
        result: Fit | tuple[Fit, ...]
        if len(set(alpha.tolist())) == 1:
            result = moments.fit(l2=float(alpha[0]), **options)
        else:
            each = zip(targets, alpha.tolist(), strict=True)
            result = tuple([moments.select(moments.columns, name).fit(l2=l2, **options) for name, l2 in each])
        self._keep(result, flat=len(targets) == 1, single=dimensions == 1)
        self.n_iter_ = 1


_SOLVERS = ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga")


def _together(before: Moments, more: Moments) -> Moments:
    """The moments of both; rows without weights among others that have some have the weight 1."""
    weighted = before.weighted or more.weighted
    return replace(before, weighted=weighted) + replace(more, weighted=weighted)
