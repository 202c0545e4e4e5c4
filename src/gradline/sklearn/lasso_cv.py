"""Lasso and elastic net that choose their strength by rows held out, for one reading of the data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import column_or_1d

from gradline.allowed import truth
from gradline.crossvalidation import judged
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.exact.strengths import Strengths
from gradline.results.cross_validation import CrossValidation
from gradline.sklearn.checks import all_or_nothing, finite, named, refuse_positive, rows_of, weights_of
from gradline.sklearn.lasso import demand_number, demand_selection
from gradline.sklearn.splits import Held, folded, splits_of
from gradline.strength import Strength


class ElasticNetCV(Held):
    """Elastic net with its strength, and the share of the absolute values, chosen by cross-validation.

    Every strength is judged by every fold from moments that one pass gathers. The objective is that of `ElasticNet`;
    this takes the place of `sklearn.linear_model.ElasticNetCV`. There is no `partial_fit`: which rows are a fold
    depends on how many there will be.

    Args:
        l1_ratio: Share of the absolute values, above 0 where alphas are laid out; or several, to choose from.
        eps: The smallest alpha as a share of the largest, where they are laid out.
        alphas: How many to lay out, evenly in their logarithms from the smallest at which all coefficients are 0; or
            a sequence of them.
        fit_intercept: Whether b is fitted, or 0.
        precompute: Taken for scikit-learn's sake, as in `ElasticNet`, and so are max_iter, tol, copy_X, verbose,
            n_jobs, random_state and selection.
        max_iter: See precompute.
        tol: See precompute.
        cv: How many folds of consecutive rows, 5 by default; a splitter; or pairs (train, test) of row numbers.
        copy_X: See precompute.
        verbose: See precompute.
        n_jobs: See precompute.
        positive: Only False.
        random_state: See precompute.
        selection: See precompute.

    Attributes:
        alpha_: The strength with the least mean error of held-out rows.
        l1_ratio_: The share that goes with it.
        alphas_: (m,) the strengths from the strongest; where they are laid out for several shares, (shares, m).
        mse_path_: (m, folds) errors of held-out rows; (shares, m, folds) for several shares.
        crossval_: The `CrossValidation` of that share: errors, one-standard-error rule, the curve.
        coef_: (d,).
        intercept_: A number.
        result_: The `Fit` of all rows with the chosen strength.
        n_iter_: 1: the solution is exact.
        n_features_in_: d.
        feature_names_in_: (d,) where X had names.

    Example:
        >>> x = np.arange(12.0)[:, None]
        >>> model = ElasticNetCV(alphas=[10.0, 0.1], cv=3).fit(x, 2 * x[:, 0] + 1)
        >>> model.alpha_, model.coef_.round(2), model.mse_path_.round(2).tolist()
        (0.1, array([1.99]), [[79.77, 0.57, 79.77], [0.03, 0.0, 0.03]])
    """

    alpha_: float
    l1_ratio_: float
    alphas_: Array
    mse_path_: Array
    crossval_: CrossValidation
    n_iter_: int

    def __init__(
        self,
        *,
        l1_ratio: float | Sequence[float] = 0.5,
        eps: float = 1e-3,
        alphas: int | Sequence[float] | None = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: Any = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    @all_or_nothing
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Any:
        """Judge every strength by rows held out, and fit all rows with the best.

        Args:
            X: (n, d) an array, a data frame, or a sparse matrix, of which some rows at a time are written out.
            y: (n,).
            sample_weight: (n,) inverse variances up to a factor; held-out rows are weighed by them too.
            params: For the splitter, such as groups, where scikit-learn routes metadata.

        Raises:
            ValueError: the rows or an option cannot be used.
        """
        shares = self._check_options()
        X, y = rows_of(self, X, y)
        if y.ndim == 2 and y.shape[1] > 1:
            raise OptionError(
                f"y has {y.shape[1]} targets; {type(self).__name__} chooses one strength for one target.\n"
                "Fit one for each, or use gl.crossval, which judges one strength for all of them."
            )
        y = column_or_1d(y, warn=True)
        weights, splits = weights_of(sample_weight, X), splits_of(self, X, y, params)
        with finite(self, X):
            found = folded(X, y, weights, splits, intercept=self.fit_intercept, naming=partial(named, self))
        n = float(found.total.hi[0, 0])
        each = [judged(found, self._strengths(share, n), standardize=False, per_row=True) for share in shares]
        least = [float(scores.mean[scores.best]) for scores in each]
        best = int(np.argmin(least))
        chosen = each[best]
        given = None if self._given is None else np.sort(np.asarray(self._given, np.float64))[::-1]
        paths = [(scores.l1 + scores.l2) / n if given is None else given for scores in each]
        self.alpha_, self.l1_ratio_ = float(paths[best][chosen.best]), shares[best]
        several = len(shares) > 1
        self.alphas_ = np.stack(paths) if several and self._given is None else paths[0]
        self.mse_path_ = np.stack([scores.scores for scores in each]) if several else chosen.scores
        self.crossval_, self.moments_, self.n_iter_ = chosen, found.total, 1
        self._keep(chosen.fit, flat=True, single=True)
        return self

    def _strengths(self, share: float, n: float) -> Strengths:
        given = self._given
        if given is None:
            return Strengths(count=self._count, mix=share, ratio=float(self.eps))
        each = [Strength.from_sklearn_elastic_net(float(alpha), share, n) for alpha in sorted(given, reverse=True)]
        return Strengths(l1=[one.l1 for one in each], l2=[one.l2 for one in each])

    @property
    def _given(self) -> list[Any] | None:
        """The strengths as they were given; None where they are to be laid out."""
        if self.alphas is None or isinstance(self.alphas, Integral):
            return None
        return np.ravel(np.asarray(self.alphas, dtype=object)).tolist()

    @property
    def _count(self) -> int:
        return int(self.alphas) if isinstance(self.alphas, Integral) else 100

    def _check_options(self) -> list[float]:
        """The shares to choose from, once all options are good."""
        truth("fit_intercept", self.fit_intercept)
        refuse_positive(self.positive, type(self).__name__)
        demand_selection(self.selection)
        shares = np.atleast_1d(np.asarray(self.l1_ratio, dtype=object)).tolist()
        for share in shares:
            demand_number("l1_ratio", share, most=1.0)
        if not shares or self._given == []:
            raise OptionError("there is nothing to choose from.\nGive l1_ratio= and alphas= one number or more.")
        demand_number("eps", self.eps, most=1.0)
        if self._given is None and (self._count < 1 or not self.eps):
            raise OptionError("alphas and eps lay strengths out.\nGive how many, 1 or more, and a share above 0.")
        if self._given is None and not all(shares):
            raise OptionError(
                "alphas are laid out from the strength at which all coefficients are 0, and with\n"
                "l1_ratio=0 there is none. Give alphas= a sequence."
            )
        for alpha in self._given or ():
            demand_number("alphas", alpha)
        return [float(share) for share in shares]


class LassoCV(ElasticNetCV):
    """Lasso with its strength chosen by cross-validation, in the place of `sklearn.linear_model.LassoCV`.

    Args:
        eps: As in `ElasticNetCV`, and so are all others, and all attributes but l1_ratio_.
        alphas: See eps.
        fit_intercept: See eps.
        precompute: See eps.
        max_iter: See eps.
        tol: See eps.
        copy_X: See eps.
        cv: See eps.
        verbose: See eps.
        n_jobs: See eps.
        positive: See eps.
        random_state: See eps.
        selection: See eps.

    Example:
        >>> x = np.arange(12.0)[:, None]
        >>> model = LassoCV(alphas=[10.0, 0.1], cv=3).fit(x, 2 * x[:, 0] + 1)
        >>> model.alpha_, model.coef_.round(3)
        (0.1, array([1.992]))
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: int | Sequence[float] | None = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: Any = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        super().__init__(
            l1_ratio=1.0,
            eps=eps,
            alphas=alphas,
            fit_intercept=fit_intercept,
            precompute=precompute,
            max_iter=max_iter,
            tol=tol,
            cv=cv,
            copy_X=copy_X,
            verbose=verbose,
            n_jobs=n_jobs,
            positive=positive,
            random_state=random_state,
            selection=selection,
        )
