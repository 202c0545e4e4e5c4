"""Ridge regression that chooses its strength: by leaving out each row, or by folds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV

from gradline.allowed import truth
from gradline.crossvalidation import judged
from gradline.doubledouble import Array, divide
from gradline.errors import OptionError
from gradline.exact.centred import residual_squares
from gradline.exact.leave_one_out import LeaveOneOut, leave_one_out
from gradline.exact.penalties import Sums, sums_of
from gradline.exact.strengths import Strengths
from gradline.layout import told
from gradline.moments import Moments
from gradline.results.cross_validation import CrossValidation
from gradline.sklearn.checks import all_or_nothing, finite, named, rows_of, weights_of
from gradline.sklearn.exact import Ridge, ridge_fits
from gradline.sklearn.lasso import demand_number
from gradline.sklearn.splits import Held, folded, splits_of

_SCORES = ("r2", "neg_mean_squared_error", "neg_root_mean_squared_error")
_NUMBERS = 1_000_000
"""Of a stretch of rows that is judged at a time: 8 MB."""


class RidgeCV(MultiOutputMixin, Held):  # type: ignore[misc]
    """Ridge regression with its strength chosen, in the place of `sklearn.linear_model.RidgeCV`.

    The objective is that of `Ridge`. Without cv= each row is predicted by all others, in closed form: a first pass
    gathers moments, a second judges the rows. With it every strength is judged by every fold from moments alone.
    There is no `partial_fit`: which rows are a fold depends on how many there will be.

    Args:
        alphas: Strengths to choose from: above 0, or with cv= 0 or more.
        fit_intercept: Whether b is fitted, or 0.
        scoring: As scikit-learn has it. None is the mean squared error without cv=, and R² with it. With cv=, R² and
            squared errors follow from moments; for any other score each strength and fold is fitted by itself.
        cv: None to leave out each row; how many folds of consecutive rows; a splitter; or pairs (train, test) of row
            numbers.
        gcv_mode: Taken for scikit-learn's sake: there is one way for all.
        store_cv_results: Whether to keep each row's squared error for every strength, without cv=.
        alpha_per_target: Whether each target has a strength of its own, without cv=.

    Attributes:
        alpha_: The strength with the best score, or (k,) one for each target.
        best_score_: Its score; with folds the mean over them.
        cv_results_: (n, m) or (n, k, m) squared errors of rows predicted by all others, where asked for; times their
            weights.
        crossval_: With cv=, the `CrossValidation`.
        coef_: (d,), or (k, d) for k > 1 targets.
        intercept_: A number, or (k,).
        result_: The `Fit` of all rows, or one for each target where strengths differ.
        moments_: The `Moments` of all rows.
        n_features_in_: d.
        feature_names_in_: (d,) where X had names.

    Example:
        >>> x = np.arange(12.0)[:, None]
        >>> model = RidgeCV(alphas=[10.0, 0.1]).fit(x, 2 * x[:, 0] + 1)
        >>> model.alpha_, model.coef_.round(3), round(model.best_score_, 6)
        (0.1, array([1.999]), -4e-05)
    """

    alpha_: Any
    best_score_: Any
    cv_results_: Array
    crossval_: CrossValidation

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: str | None = None,
        cv: Any = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target

    @all_or_nothing
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> RidgeCV:
        """Judge every strength by rows held out, and fit all rows with the best.

        Args:
            X: (n, d) an array, a data frame, or a sparse matrix, of which some rows at a time are written out.
            y: (n,), or (n, k) for k targets.
            sample_weight: (n,) inverse variances up to a factor; held-out rows are weighed by them too.
            params: For the splitter, such as groups, where scikit-learn routes metadata.

        Raises:
            ValueError: the rows or an option cannot be used.
        """
        alphas = self._check_options()
        X, y = rows_of(self, X, y)
        weights = weights_of(sample_weight, X)
        with finite(self, X):
            judge = self._by_rows if self.cv is None else self._by_folds
            moments, scores = judge(alphas, X, y, weights, params)  # scores (m,), or (m, k) one for each target
        best = np.argmax(scores, axis=0)
        strengths = alphas[best]
        self.alpha_, self.best_score_ = strengths, scores[best, np.arange(best.size)] if best.ndim else scores[best]
        if not best.ndim:
            self.alpha_, self.best_score_ = float(self.alpha_), float(self.best_score_)
        result = ridge_fits(moments, np.atleast_1d(strengths), intercept=self.fit_intercept)
        self._keep(result, flat=len(moments.targets) == 1, single=y.ndim == 1)
        self.moments_ = moments
        return self

    def _by_rows(self, alphas: Array, X: Any, y: Array, weights: Array | None, params: Any) -> tuple[Moments, Array]:
        """The moments, and scores of rows that are each predicted by all others."""
        if params:
            raise OptionError(f"{', '.join(params)} arrived, and without cv= there is no splitter to take it.")
        if len(y) < 2:
            raise OptionError(f"leaving out each row needs two rows or more (n_samples = {len(y)}).")
        moments = named(self, Moments.of(X, y, weights=weights, missing="error"))
        judge = leave_one_out(sums_of(moments), alphas, intercept=self.fit_intercept)
        targets = y.reshape(len(y), -1).astype(np.float64, copy=False)
        if self.scoring is None:
            scores, stored = self._squares(judge, X, targets, weights, len(alphas))
        else:
            scores, stored = self._scored(judge, X, targets, weights, len(alphas), flat=y.ndim == 1)
        if self.store_cv_results:
            self.cv_results_ = stored[:, 0] if y.ndim == 1 else stored  # (n, k, m)
        return moments, scores if self.alpha_per_target and y.ndim > 1 else scores.mean(axis=1)

    def _squares(
        self, judge: LeaveOneOut, X: Any, y: Array, weights: Array | None, count: int
    ) -> tuple[Array, Array]:
        """(m, k) the mean squared errors, negative, and if wanted (n, k, m) all squares."""
        k = y.shape[1]
        total, kept = np.zeros((count, k)), [np.zeros((0, k, count))]
        for rows, targets, weight in _stretches(X, y, weights, count * k):
            squares = judge.errors(rows, targets, weight) ** 2  # (rows, m, k)
            if weight is not None:
                squares *= weight[:, None, None]
            total -= squares.sum(axis=0)
            if self.store_cv_results:
                kept.append(squares.transpose(0, 2, 1))
        return total / len(y), np.concatenate(kept)

    def _scored(
        self, judge: LeaveOneOut, X: Any, y: Array, weights: Array | None, count: int, *, flat: bool
    ) -> tuple[Array, Array]:
        """(m, k) scores, the same for all targets unless each has its own, and if wanted (n, k, m) predictions."""
        score, k = check_scoring(_Given(), scoring=self.scoring), y.shape[1]
        options = {} if weights is None else {"sample_weight": weights}
        scores, kept = np.zeros((count, k)), [np.zeros((len(y), k, 0))]
        for number in range(count):
            one = judge.at(number)
            errors = [one.errors(*stretch)[:, 0] for stretch in _stretches(X, y, weights, k)]
            predicted = y - np.concatenate(errors)  # (n, k)
            if self.alpha_per_target:
                scores[number] = [score(_Given(), *pair, **options) for pair in zip(predicted.T, y.T, strict=True)]
            else:
                pair = (predicted[:, 0], y[:, 0]) if flat else (predicted, y)
                scores[number] = score(_Given(), *pair, **options)
            if self.store_cv_results:
                kept.append(predicted[:, :, None])
        return scores, np.concatenate(kept, axis=2)

    def _by_folds(self, alphas: Array, X: Any, y: Array, weights: Array | None, params: Any) -> tuple[Moments, Array]:
        """The moments, and mean scores over folds."""
        splits = splits_of(self, X, y, params)
        if self.scoring not in (None, *_SCORES):
            return self._by_search(alphas, X, y, weights, splits)
        naming = partial(named, self)
        found = folded(X, y, weights, splits, intercept=self.fit_intercept, naming=naming)
        self.crossval_ = judged(found, Strengths(l2=alphas.tolist()), standardize=False, per_row=False)
        errors = self.crossval_.errors  # (m, folds, k)
        if self.scoring == "neg_root_mean_squared_error":
            return found.total, -np.sqrt(errors).mean(axis=(1, 2))
        if self.scoring == "neg_mean_squared_error":
            return found.total, -errors.mean(axis=(1, 2))
        spread = np.stack([_spread(split.test) for split in found.splits])  # (folds, k)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(spread > 0, 1.0 - errors / spread, np.where(errors > 0, 0.0, 1.0))
        single = [split.test.rows == 1 for split in found.splits]
        if any(single):
            warnings.warn("R² of a fold of one row is not defined", UndefinedMetricWarning, stacklevel=4)
            r2[:, single] = np.nan
        return found.total, r2.mean(axis=(1, 2))

    def _by_search(
        self, alphas: Array, X: Any, y: Array, weights: Array | None, splits: Sequence[Any]
    ) -> tuple[Moments, Array]:
        """The same for scores that are no function of moments: each strength and fold is fitted and predicted."""
        model = Ridge(fit_intercept=self.fit_intercept)
        if get_config()["enable_metadata_routing"]:
            model.set_fit_request(sample_weight=True)
        grid = {"alpha": alphas.tolist()}
        search = GridSearchCV(model, grid, cv=splits, scoring=self.scoring, error_score="raise")
        search.fit(X, y, **({} if weights is None else {"sample_weight": weights}))
        return named(self, search.best_estimator_.moments_), search.cv_results_["mean_test_score"]

    def _check_options(self) -> Array:
        """(m,) the strengths, once all options are good."""
        truth("fit_intercept", self.fit_intercept)
        truth("store_cv_results", self.store_cv_results)
        truth("alpha_per_target", self.alpha_per_target)
        if self.gcv_mode not in (None, "auto", "svd", "eigen"):
            arrived = told(self.gcv_mode)
            raise OptionError(
                f"{arrived} arrived as gcv_mode.\nUse None, 'auto', 'svd' or 'eigen': all are the same."
            )
        for name in ("store_cv_results", "alpha_per_target"):
            if self.cv is not None and getattr(self, name):
                raise OptionError(f"cv!=None and {name}=True are incompatible: leave one of them out.")
        if not np.size(self.alphas):
            raise OptionError("alphas is empty.\nGive strengths to choose from.")
        for alpha in np.atleast_1d(np.asarray(self.alphas, dtype=object)).tolist():
            demand_number("alphas", alpha)
            if not alpha and self.cv is None:
                raise OptionError("0 arrived among alphas.\nGive strengths above 0, or cv=.")
        return np.atleast_1d(np.asarray(self.alphas, np.float64))


class _Given(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What scorers take for an estimator whose predictions are the rows that it is given."""

    def fit(self) -> _Given:
        """Nothing is left to do."""
        return self

    def predict(self, X: Any) -> Any:
        """The rows."""
        return X

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _stretches(X: Any, y: Array, weights: Array | None, width: int) -> Iterator[tuple[Array, Array, Array | None]]:
    """Rows (some, d) written out, their targets (some, k) and weights; few where each takes `width` numbers."""
    step = max(1, _NUMBERS // max(X.shape[1], width))
    for first in range(0, X.shape[0], step):
        rows = slice(first, first + step)
        some: Any = X[rows]
        dense = np.asarray(some.toarray() if issparse(X) else some, np.float64)
        yield dense, y[rows], None if weights is None else weights[rows]


def _spread(sums: Sums) -> Array:
    """(k,) the variances of the targets: what is left of them without a slope."""
    hi, lo = sums.pair
    targets = slice(1 + sums.features, None)
    means = divide((hi[:1, targets], lo[:1, targets]), (hi[:1, :1], lo[:1, :1]))
    none = np.zeros((1, sums.features, means[0].size))
    spread: Array = residual_squares(sums.pair, means, (none, none))[0] / hi[0, 0]
    return spread
