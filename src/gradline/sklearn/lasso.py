"""Lasso and elastic net as estimators: coordinate descent on the moments, exact steps at the end."""

from __future__ import annotations

from numbers import Real
from typing import Any

from scipy.sparse import csr_matrix

from gradline.errors import OptionError
from gradline.layout import told
from gradline.moments import Moments
from gradline.sklearn.base import Additive
from gradline.sklearn.checks import refuse_positive
from gradline.strength import Strength


class ElasticNet(Additive):
    """Least squares with a penalty on the coefficients' absolute values and squares, to the last digit.

    Minimises Σ w·(y - b - x·coef)² / (2·Σw) + alpha·(l1_ratio·Σ|coef| + (1 - l1_ratio)/2·Σ coef²); the intercept b is
    not penalised, as in `sklearn.linear_model.ElasticNet`, whose place this takes. Several targets are fitted each by
    itself.

    Args:
        alpha: Strength of the penalty, 0 or more.
        l1_ratio: Share of the absolute values, from 0 (ridge) to 1 (lasso).
        fit_intercept: Whether b is fitted, or 0.
        precompute: Taken for scikit-learn's sake: cross-products are always what is computed with.
        max_iter: Likewise: the solution is exact.
        copy_X: Likewise: X is never written to.
        tol: Likewise.
        warm_start: Likewise.
        positive: Only False.
        random_state: Taken for scikit-learn's sake: nothing is drawn.
        selection: Likewise: "cyclic" or "random".

    Attributes:
        coef_: (d,), or (k, d) for k > 1 targets.
        sparse_coef_: The same as a sparse matrix.
        intercept_: A number, or (k,).
        result_: The `Fit`. With alpha and l1_ratio above 0 there are no standard errors: they are NaN.
        moments_: The `Moments` of all rows so far.
        n_iter_: 1: the solution is exact.
        n_features_in_: d.
        feature_names_in_: (d,) where X had names.

    Example:
        >>> model = ElasticNet(alpha=0.5).fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> model.coef_.round(3), round(float(model.intercept_), 3)
        (array([1.483]), 4.292)

    Source: Friedman, Hastie & Tibshirani (2010), J. Stat. Softw. 33(1); docs/architecture.md.
    """

    n_iter_: int

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    @property
    def sparse_coef_(self) -> csr_matrix:
        """(k, d) the coefficients as a sparse matrix."""
        return csr_matrix(self.coef_)

    def _check_options(self) -> None:
        refuse_positive(self.positive, type(self).__name__)
        demand_number("alpha", self.alpha)
        demand_number("l1_ratio", self.l1_ratio, most=1.0)
        demand_selection(self.selection)

    def _solve(self, moments: Moments, dimensions: int) -> None:
        total = float(moments.hi[0, 0])
        strength = Strength.from_sklearn_elastic_net(float(self.alpha), float(self.l1_ratio), total or 1.0)
        options: dict[str, Any] = {"intercept": self.fit_intercept, "l1": strength.l1, "l2": strength.l2}
        result = moments.fit(**options, aliased="nan" if strength.l1 else "min-norm")
        self._keep(result, flat=len(moments.targets) == 1, single=dimensions == 1)
        self.n_iter_ = 1


class Lasso(ElasticNet):
    """Least squares with a penalty on the coefficients' absolute values, to the last digit.

    Minimises Σ w·(y - b - x·coef)² / (2·Σw) + alpha·Σ|coef|, as `sklearn.linear_model.Lasso`, whose place this takes.

    Args:
        alpha: Strength of the penalty, 0 or more.
        fit_intercept: As in `ElasticNet`, and so are all others, and all attributes.
        precompute: See fit_intercept.
        copy_X: See fit_intercept.
        max_iter: See fit_intercept.
        tol: See fit_intercept.
        warm_start: See fit_intercept.
        positive: See fit_intercept.
        random_state: See fit_intercept.
        selection: See fit_intercept.

    Example:
        >>> model = Lasso(alpha=0.5).fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> model.coef_.round(3), round(float(model.intercept_), 3)
        (array([1.58]), 4.05)
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        super().__init__(
            alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
        )


def demand_number(name: str, value: object, most: float = float("inf")) -> None:
    """Refuse what is no number from 0 to `most`, infinity excluded."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else -1.0
    if not 0 <= number <= most or number == float("inf"):
        wanted = "a finite number of 0 or more" if most == float("inf") else f"a number from 0 to {most:g}"
        raise OptionError(f"{told(value)} arrived as {name}.\nGive {wanted}.")


def demand_selection(selection: object) -> None:
    """Refuse an order of coordinate descent that scikit-learn does not know either."""
    if selection not in ("cyclic", "random"):
        arrived = told(selection)
        raise OptionError(f"{arrived} arrived as selection.\nUse 'cyclic' or 'random': both are the same.")
