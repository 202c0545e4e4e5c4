"""What the exact estimators share: predictions, inference, and how moments become attributes."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from gradline.allowed import truth
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import told
from gradline.moments import Moments
from gradline.results.fit import Fit, Prediction
from gradline.sklearn.checks import all_or_nothing, finite, named, new_rows_of, rows_of, weights_of
from gradline.sklearn.gathering import Gathered, Stretch, at_once, gathered


class Exact(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predictions and inference of an estimator whose `result_` is a `Fit`, or one for each target."""

    fit_intercept: bool
    moments_: Moments
    result_: Fit | tuple[Fit, ...]
    coef_: Array
    intercept_: Any

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
        if return_interval not in (None, "mean", "prediction"):
            raise OptionError(
                f'return_interval is "mean", "prediction" or None, and {told(return_interval)} arrived.'
            )
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


class Additive(MultiOutputMixin, Exact, metaclass=ABCMeta):  # type: ignore[misc]
    """An estimator that is a function of the moments of its rows, and so can take in more of them."""

    _gathered: Gathered

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit to these rows.

        Args:
            X: (n, d) an array, a data frame, or a sparse matrix. Of more than 30 sparse columns only stored numbers
                are multiplied; of fewer, some rows at a time are written out.
            y: (n,), or (n, k) for k targets.
            sample_weight: (n,) inverse variances up to a factor, or one number; 0 leaves a row out.

        Raises:
            ValueError: the rows or an option cannot be used.
        """
        return self._take(X, y, sample_weight, None)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Take in more rows: afterwards the estimator is as if one `fit` had seen all of them.

        To the bit so for dense rows of one type, all of them with weights or none. For this up to 65,536 rows or a
        million numbers, the latest, wait in the estimator, and each call sums them again. Sums are equal to 2**-104
        only of sparse rows, of mixtures, and after `fit`, which keeps no row.

        Args:
            X: As for `fit`; likewise y and sample_weight.
            y: See X.
            sample_weight: See X.

        Raises:
            ValueError: the rows or an option cannot be used; the rows seen before stay.
        """
        return self._take(X, y, sample_weight, getattr(self, "_gathered", Gathered()))

    @all_or_nothing
    def _take(self, X: Any, y: Any, sample_weight: Any, so_far: Gathered | None) -> Any:
        """Fit to the rows so far and these, or to these alone where None were to be kept."""
        truth("fit_intercept", self.fit_intercept)
        self._check_options()
        X, y = rows_of(self, X, y, first=not so_far)
        rows = Stretch(X, y, weights_of(sample_weight, X, first=not so_far))
        with finite(self, X):
            if so_far is None:
                found = at_once(rows, self._threads)
                so_far = Gathered(found)
            else:
                so_far, found = gathered(so_far, rows, self._threads)
        moments = named(self, found)
        self._solve(moments, y.ndim)
        self.moments_, self._gathered = moments, so_far
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
