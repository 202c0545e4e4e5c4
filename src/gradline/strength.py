"""`Strength`: how strongly other programs penalise, in gradline's terms, and back.

Programs differ in what they divide by: the objective may be a sum or a mean over the rows, halved or not, of columns
as they are or divided by their standard deviations, and of a target that is divided by its own. Each converter's
docstring has the objective that it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt
from numbers import Real
from typing import Any

from gradline.allowed import one_of, truth
from gradline.errors import OptionError
from gradline.layout import told


@dataclass(frozen=True)
class Strength:
    """A penalty 2·l1·Σ s·|coef| + l2·Σ s²·coef² beside the RSS; s is 1, or with `standardize` the column's deviation.

    `from_…` makes one of another program's arguments, and `to_…` gives that program's arguments back, which `from_…`
    takes again: from_glmnet(**s.to_glmnet(n), n=n). n is the number of rows; of weighted rows the sum of the weights,
    since these programs divide by it.

    Raises:
        OptionError: a strength is negative, a share not between 0 and 1, n not positive; or the other program has no
            such penalty.

    Example:
        >>> import gradline as gl
        >>> s = gl.Strength.from_sklearn_elastic_net(alpha=0.1, l1_ratio=0.5, n=100)
        >>> s
        Strength(l1=5.0, l2=5.0, standardize=False)
        >>> s.to_statsmodels(n=100)
        {'alpha': 0.1, 'L1_wt': 0.5}
        >>> gl.path([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], **gl.Strength(l1=1.0).options).coef
        array([[1.5]])
    """

    l1: float = 0.0
    l2: float = 0.0
    standardize: bool = False

    def __post_init__(self) -> None:
        """Refuse strengths that cannot be."""
        _checked(l1=self.l1, l2=self.l2)
        object.__setattr__(self, "standardize", truth("standardize", self.standardize))

    @property
    def options(self) -> dict[str, Any]:
        """The options of `gl.path` that say the same; of `gl.fit` too, which does not standardize."""
        standardize = {"standardize": True} if self.standardize else {}
        return {"l1": self.l1, "l2": self.l2, **standardize}

    @classmethod
    def from_sklearn_ridge(cls, alpha: float) -> Strength:
        """Of scikit-learn's Ridge: RSS + alpha·Σ coef².

        Raises:
            OptionError: alpha is negative.

        Example:
            >>> Strength.from_sklearn_ridge(2.0), Strength.from_sklearn_ridge(2.0).to_sklearn_ridge()
            (Strength(l1=0.0, l2=2.0, standardize=False), {'alpha': 2.0})
        """
        return cls(l2=_checked(alpha=alpha))

    def to_sklearn_ridge(self) -> dict[str, float]:
        """The arguments of Ridge."""
        self._demand("Ridge", l1=False)
        return {"alpha": self.l2}

    @classmethod
    def from_sklearn_lasso(cls, alpha: float, n: float) -> Strength:
        """Of scikit-learn's Lasso: RSS/(2n) + alpha·Σ|coef|.

        Raises:
            OptionError: alpha is negative, or n not positive.

        Example:
            >>> s = Strength.from_sklearn_lasso(alpha=0.1, n=50)
            >>> s, s.to_sklearn_lasso(n=50)
            (Strength(l1=5.0, l2=0.0, standardize=False), {'alpha': 0.1})
        """
        return cls._mixed(alpha, 1.0, n)

    def to_sklearn_lasso(self, n: float) -> dict[str, float]:
        """The arguments of Lasso."""
        self._demand("Lasso", l2=False)
        return {"alpha": self.l1 / _rows(n)}

    @classmethod
    def from_sklearn_elastic_net(cls, alpha: float, l1_ratio: float, n: float) -> Strength:
        """Of scikit-learn's ElasticNet: RSS/(2n) + alpha·(l1_ratio·Σ|coef| + (1 - l1_ratio)/2·Σ coef²)."""
        return cls._mixed(alpha, l1_ratio, n)

    def to_sklearn_elastic_net(self, n: float) -> dict[str, float]:
        """The arguments of ElasticNet."""
        return self._shares("ElasticNet", "alpha", "l1_ratio", n)

    @classmethod
    def from_sklearn_sgd(cls, alpha: float, n: float, penalty: str | None = "l2", l1_ratio: float = 0.15) -> Strength:
        """Of scikit-learn's SGDRegressor with its squared error, where it has converged.

        RSS/(2n) + alpha·(share·Σ|coef| + (1 - share)/2·Σ coef²), the share 0 of penalty "l2", 1 of "l1", and l1_ratio
        of "elasticnet".

        Raises:
            OptionError: there is no such penalty, or a number is out of its range.

        Example:
            >>> s = Strength.from_sklearn_sgd(alpha=0.1, n=50, penalty="l1")
            >>> s, s.to_sklearn_sgd(n=50)
            (Strength(l1=5.0, l2=0.0, standardize=False), {'penalty': 'elasticnet', 'alpha': 0.1, 'l1_ratio': 1.0})
        """
        shares = {"l2": 0.0, "l1": 1.0, "elasticnet": l1_ratio}
        if penalty is None:
            return cls()
        one_of("penalty", penalty, shares, " or None")
        return cls._mixed(alpha, shares[penalty], n)

    def to_sklearn_sgd(self, n: float) -> dict[str, Any]:
        """The arguments of SGDRegressor."""
        return {"penalty": "elasticnet", **self._shares("SGDRegressor", "alpha", "l1_ratio", n)}

    @classmethod
    def from_statsmodels(cls, alpha: float, L1_wt: float, n: float) -> Strength:
        """Of statsmodels' OLS.fit_regularized: RSS/(2n) + alpha·((1 - L1_wt)/2·Σ coef² + L1_wt·Σ|coef|).

        There a constant is a column like any other: give it the alpha 0, as in alpha=[0, a, a, …].

        Raises:
            OptionError: a number is out of its range.

        Example:
            >>> s = Strength.from_statsmodels(alpha=0.1, L1_wt=0.5, n=50)
            >>> s, s.to_statsmodels(n=50)
            (Strength(l1=2.5, l2=2.5, standardize=False), {'alpha': 0.1, 'L1_wt': 0.5})
        """
        return cls._mixed(alpha, L1_wt, n)

    def to_statsmodels(self, n: float) -> dict[str, float]:
        """The arguments of OLS.fit_regularized."""
        return self._shares("fit_regularized", "alpha", "L1_wt", n)

    @classmethod
    def from_glmnet(
        cls,
        lambda_: float | None = None,
        alpha: float = 1.0,
        n: float = nan,
        target_sd: float = 1.0,
        *,
        standardize: bool = True,
        **named: float,
    ) -> Strength:
        """Of R's glmnet with family "gaussian".

        RSS/(2n) + lambda·(alpha·Σ s·|coef| + (1 - alpha)/(2·target_sd)·Σ s²·coef²): glmnet divides the target by its
        standard deviation first (with n below, not n - 1), and takes lambda to be that of the l1 part.

        Args:
            lambda_: λ as glmnet reports it.
            alpha: Share of l1.
            n: Rows.
            target_sd: Standard deviation of the target, with n below; it matters where alpha is less than 1.
            standardize: Whether glmnet standardizes the columns, as it does unless it is told not to.
            named: λ as `lambda`, which Python lets through as from_glmnet(**arguments) alone.

        Raises:
            OptionError: λ is given twice or not at all, or a number is out of its range.

        Example:
            >>> s = Strength.from_glmnet(0.1, alpha=0.5, n=50, target_sd=2.0)
            >>> s
            Strength(l1=2.5, l2=1.25, standardize=True)
            >>> s.to_glmnet(n=50, target_sd=2.0)
            {'lambda': 0.1, 'alpha': 0.5, 'standardize': True}
        """
        given = [*([] if lambda_ is None else [("lambda_", lambda_)]), *named.items()]
        if len(given) != 1 or given[0][0] not in ("lambda_", "lambda"):
            names = ", ".join(name for name, _ in given) or "nothing"
            raise OptionError(f"glmnet's λ is given once, as lambda_= or as lambda in **; {names} arrived.")
        l1 = cls._mixed(given[0][1], alpha, n)
        return cls(l1.l1, l1.l2 / _deviation(target_sd), standardize)

    def to_glmnet(self, n: float, target_sd: float = 1.0) -> dict[str, Any]:
        """The arguments of glmnet, λ as `lambda`."""
        even = Strength(self.l1, self.l2 * _deviation(target_sd))
        return {**even._shares("glmnet", "lambda", "alpha", n), "standardize": self.standardize}

    @classmethod
    def from_spark(
        cls,
        regParam: float,
        elasticNetParam: float,
        n: float,
        target_sd: float = 1.0,
        *,
        standardization: bool = True,
        solver: str = "normal",
    ) -> Strength:
        """Of Spark's LinearRegression: glmnet's objective, its standard deviations depending on the solver.

        Args:
            regParam: λ.
            elasticNetParam: Share of l1.
            n: Rows.
            target_sd: Standard deviation of the target, with n below.
            standardization: Whether columns are standardized; the target always is.
            solver: "normal" has n below its standard deviations, "l-bfgs" n - 1. Spark's "auto" is the first up to
                4,096 columns.

        Raises:
            OptionError: there is no such solver, or a number is out of its range.

        Example:
            >>> s = Strength.from_spark(0.1, 0.5, n=50, target_sd=2.0)
            >>> s
            Strength(l1=2.5, l2=1.25, standardize=True)
            >>> s.to_spark(n=50, target_sd=2.0)
            {'regParam': 0.1, 'elasticNetParam': 0.5, 'standardization': True, 'solver': 'normal'}
        """
        wider = _wider(solver, n)
        even = cls._mixed(regParam, elasticNetParam, n)
        s = wider if truth("standardization", standardization) else 1.0
        return cls(even.l1 * s, even.l2 * s * s / (wider * _deviation(target_sd)), standardization)

    def to_spark(self, n: float, target_sd: float = 1.0, *, solver: str = "normal") -> dict[str, Any]:
        """The arguments of LinearRegression."""
        wider = _wider(solver, n)
        s = wider if self.standardize else 1.0
        even = Strength(self.l1 / s, self.l2 * wider * _deviation(target_sd) / (s * s))
        shares = even._shares("LinearRegression", "regParam", "elasticNetParam", n)
        return {**shares, "standardization": self.standardize, "solver": solver}

    @classmethod
    def _mixed(cls, alpha: float, share: float, n: float) -> Strength:
        """RSS/(2n) + alpha·(share·Σ|coef| + (1 - share)/2·Σ coef²), times 2n."""
        whole = _checked(alpha=alpha) * _rows(n)
        if not (_is_number(share) and 0 <= share <= 1):
            raise OptionError(f"the share of l1 is between 0 (ridge) and 1 (lasso), not {told(share)}.")
        return cls(l1=whole * share, l2=whole * (1 - share))

    def _shares(self, program: str, strength: str, share: str, n: float) -> dict[str, float]:
        if program not in ("glmnet", "LinearRegression"):
            self._demand(program)
        whole = self.l1 + self.l2
        return {strength: whole / _rows(n), share: self.l1 / whole if whole else 0.0}

    def _demand(self, program: str, *, l1: bool = True, l2: bool = True) -> None:
        """Refuse what the program cannot do."""
        for name, value, has in (("l1", self.l1, l1), ("l2", self.l2, l2), ("standardize", self.standardize, False)):
            if value and not has:
                other = "Divide the columns yourself." if name == "standardize" else "Take ElasticNet."
                raise OptionError(f"{program} has no {name}, and this penalty has {name}={told(value)}.\n{other}")


def _checked(**strengths: float) -> float:
    """The strengths' last, if all are finite and 0 or more."""
    for name, value in strengths.items():
        if not _is_number(value) or not 0 <= value < inf:
            raise OptionError(
                f"{name} is the strength of a penalty, a finite number of 0 or more, not {told(value)}."
            )
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _rows(n: float) -> float:
    if not (_is_number(n) and n > 0 and isfinite(n)):
        raise OptionError(f"n is the number of rows, or the sum of their weights, not {told(n)}.")
    return n


def _deviation(target_sd: float) -> float:
    if not (_is_number(target_sd) and target_sd > 0 and isfinite(target_sd)):
        raise OptionError(f"target_sd is the standard deviation of the target, above 0, not {told(target_sd)}.")
    return target_sd


def _wider(solver: str, n: float) -> float:
    """A standard deviation as the solver has it, beside that with n below."""
    if solver not in ("normal", "l-bfgs"):
        raise OptionError(f'solver is "normal" or "l-bfgs", not {told(solver)}.')
    if solver == "normal":
        return 1.0
    if not (_is_number(n) and n > 1):
        raise OptionError(f'n must be above 1 for solver "l-bfgs", which divides by n - 1; it is {told(n)}.')
    return sqrt(n / (n - 1))
