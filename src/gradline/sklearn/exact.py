"""Least squares and ridge regression as estimators."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import told
from gradline.moments import Moments
from gradline.results.fit import Fit
from gradline.sklearn.base import Additive
from gradline.sklearn.checks import refuse_positive, threads_of


class LinearRegression(Additive):
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


class Ridge(Additive):
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
            arrived = told(self.solver)
            raise OptionError(f"{arrived} arrived as solver.\nUse {', '.join(_SOLVERS)}: all are the same.")
        alpha = np.asarray(self.alpha)
        if alpha.dtype.kind not in "fiu" or alpha.ndim > 1 or not (np.isfinite(alpha) & (alpha >= 0)).all():
            arrived = told(self.alpha)
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
        result = ridge_fits(moments, alpha, intercept=self.fit_intercept)
        self._keep(result, flat=len(targets) == 1, single=dimensions == 1)
        self.n_iter_ = 1


def ridge_fits(moments: Moments, alpha: Array, *, intercept: bool) -> Fit | tuple[Fit, ...]:
    """The fit with these strengths (1,) or (k,): one for all targets, or where theirs differ one for each."""
    options: dict[str, Any] = {"intercept": intercept, "aliased": "min-norm"}
    if len(set(alpha.tolist())) == 1:
        return moments.fit(l2=float(alpha[0]), **options)
    each = zip(moments.targets, alpha.tolist(), strict=True)
    return tuple([moments.select(moments.columns, name).fit(l2=l2, **options) for name, l2 in each])


_SOLVERS = ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga")
