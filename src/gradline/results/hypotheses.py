"""`HypothesisTest`: linear restrictions on the parameters of a fit, tested one by one and together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.allowed import probability
from gradline.design.effects import base_of, written
from gradline.design.restrictions import Restriction, redundant, restrictions
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.exact import inference
from gradline.exact.origin import at_zero
from gradline.exact.wald import joint, root_of
from gradline.layout import ERROR, shortened
from gradline.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from gradline.results.fit import Fit


@dataclass(frozen=True, eq=False, repr=False)
class HypothesisTest(Shown):
    """Whether linear restrictions R·params = r hold: q of them jointly, and each by itself.

        F = (R·b - r)'·(R·cov·R')⁻¹·(R·b - r) / q    on q and df_t degrees of freedom

    With one target figures are floats and vectors (q,); with k targets they have a trailing axis of length k.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.random.default_rng(0).normal(size=(50, 2))
        >>> fit = gl.fit(x, x @ [1.0, 1.0] + np.random.default_rng(1).normal(size=50))
        >>> found = fit.test("x1 = x2", "Intercept = 0")
        >>> found.df_num, found.df_denom, round(found.p, 3)
        (2, 47, 0.409)
        >>> found.frame().p_value.round(3).tolist()
        [0.185, 0.745]

    Source: Seber & Lee (2003), Linear Regression Analysis, chapter 4.
    """

    hypotheses: tuple[str, ...]
    """Each restriction, as it was written."""
    names: tuple[str, ...]
    """Of the p parameters."""
    matrix: Array  # (q, p) R
    values: Array  # (q,) r
    estimates: Array  # (q, k) R·params
    errors: Array  # (q, k) their standard errors
    statistics: Array  # (k,) F
    p_values: Array  # (k,)
    df_num: int
    """How many restrictions are tested: those that follow from others count once."""
    df_denom: float
    """`Fit.df_t`: degrees of freedom of the residuals, or the fewest clusters less 1."""
    targets: tuple[str, ...]
    single_target: bool
    notes: tuple[str, ...] = ()
    """What a reader of this result should know, in plain words."""

    @property
    def statistic(self) -> Any:
        """F of all restrictions jointly, a float, or (k,)."""
        return float(self.statistics[0]) if self.single_target else self.statistics

    @property
    def p(self) -> Any:
        """The p-value of `statistic`."""
        return float(self.p_values[0]) if self.single_target else self.p_values

    @property
    def estimate(self) -> Array:
        """(q,) R·params, what is on the left of each restriction."""
        return self._vector(self.estimates)

    @property
    def se(self) -> Array:
        """(q,) standard errors of `estimate`."""
        return self._vector(self.errors)

    @property
    def t(self) -> Array:
        """(q,) (estimate - value) / se."""
        return self._vector(self._t)

    @property
    def each_p(self) -> Array:
        """(q,) two-sided p-values of t, each restriction by itself."""
        return self._vector(inference.two_sided(self._t, self.df_denom))

    def conf_int(self, level: float = 0.95) -> Array:
        """(q, 2) confidence intervals of `estimate`; (q, 2, k) for several targets.

        Raises:
            OptionError: level is not between 0 and 1.
        """
        reach = inference.t_quantile(probability("level", level), self.df_denom) * self.errors
        ends = np.stack([self.estimates - reach, self.estimates + reach], axis=1)
        return ends[:, :, 0] if self.single_target else ends

    def frame(self, level: float = 0.95) -> pd.DataFrame:
        """One row per restriction (and target): estimate, value, std_error, statistic, p_value, interval."""
        import pandas as pd

        q, k = self.estimates.shape
        ends = self.conf_int(level).reshape(q, 2, k)
        columns = {
            "estimate": self.estimates,
            "value": np.repeat(self.values[:, None], k, axis=1),
            "std_error": self.errors,
            "statistic": self._t,
            "p_value": inference.two_sided(self._t, self.df_denom),
            "conf_low": ends[:, 0],
            "conf_high": ends[:, 1],
        }
        frame = pd.DataFrame({"hypothesis": list(self.hypotheses) * k})
        if not self.single_target:
            frame.insert(0, "target", np.repeat(self.targets, q))
        return frame.assign(**{name: values.T.ravel() for name, values in columns.items()})

    def summary(self, level: float = 0.95) -> str:
        """The restrictions as a table of at most 80 columns, and the joint test."""
        from gradline.report.hypotheses import hypotheses_summary

        return hypotheses_summary(self, level)

    def __repr__(self) -> str:
        from gradline.report.hypotheses import hypotheses_line

        return hypotheses_line(self)

    @cached_property
    def _t(self) -> Array:
        return inference.t_statistics(self.estimates - self.values[:, None], self.errors)

    def _vector(self, values: Array) -> Array:
        return values[:, 0] if self.single_target else values


def tested(fit: Fit, hypotheses: Sequence[str]) -> HypothesisTest:
    """`Fit.test`."""
    if fit.l1:
        raise OptionError("a fit with l1 has no standard errors, so nothing can be tested.\nFit without l1.")
    system = _system(fit, hypotheses)
    follows, contradicts = redundant(system)
    if contradicts is not None:
        hypothesis = f"the hypothesis {_short(system[contradicts])}"
        if not contradicts:
            raise OptionError(f"{hypothesis} can never hold.\nCorrect it, or leave it out.")
        raise OptionError(f"{hypothesis} contradicts the ones before it.\nTest them apart.")
    places = {name: place for place, name in enumerate(fit.names)}
    matrix, values = np.zeros((len(system), len(places))), np.zeros(len(system))
    for row, each in enumerate(system):
        try:
            values[row] = float(each.value)
            for name, weight in each.weights.items():
                matrix[row, places[name]] = float(weight)
        except OverflowError:
            raise OptionError(f"the hypothesis {_short(each)}\nhas a number too large for a float.") from None
    estimates = matrix @ np.nan_to_num(fit.estimates)
    independent = [row for row in range(len(system)) if row not in follows]
    roots = _roots(fit, matrix)
    found = [
        joint(estimates[independent, k] - values[independent], root[:, independent], fit.df_t)
        for k, root in enumerate(roots)
    ]
    return HypothesisTest(
        hypotheses=tuple(each.text for each in system),
        names=tuple(fit.names),
        matrix=matrix,
        values=values,
        estimates=estimates,
        errors=np.stack([np.linalg.norm(root, axis=0) for root in roots], axis=1),
        statistics=np.array([each.statistic for each in found]),
        p_values=np.array([each.p for each in found]),
        df_num=len(independent),
        df_denom=fit.df_t,
        targets=fit.targets,
        single_target=fit.single_target,
        notes=tuple(f"{_short(system[row])} follows from the ones before it and is not counted" for row in follows),
    )


def _roots(fit: Fit, matrix: Array) -> list[Array]:
    """For each target R with R'·R the covariance of matrix·params.

    They come from `fit.root` where standard errors are those of it, as it holds twice the digits of the covariance.
    """
    deviations = np.reshape(fit.sigma, -1)
    if fit.covariance is None:
        root = (at_zero(fit.root, np.array(fit.origin)) if fit.origin else fit.root) @ matrix.T
        return [root * deviation for deviation in deviations]
    covariances = np.nan_to_num(np.reshape(fit.cov, (len(fit.names), len(fit.names), -1)))
    return [root_of(matrix @ covariances[:, :, k] @ matrix.T) for k in range(len(deviations))]


def _system(fit: Fit, hypotheses: Sequence[str]) -> list[Restriction]:
    """All equations, each about parameters that the fit has determined."""
    if not hypotheses or not all(isinstance(each, str) for each in hypotheses):
        raise OptionError('a test takes equations as text: fit.test("a = 0", "b = c").')
    also = _also(fit)
    system = [found for text in hypotheses for found in restrictions(text, fit.names, also)]
    unknown = {name for name, variance in zip(fit.names, fit.variance, strict=True) if np.isnan(variance)}
    for each in system:
        for name in each.weights:
            if name in unknown:
                why = fit.aliased.get(name, "others say what it says")
                raise OptionError(
                    f"{shortened(name, 40)!r} cannot be tested: the data do not determine its coefficient.\n"
                    f"{shortened(why, ERROR)}\nLeave a column of these out of the fit, or test another one."
                )
        if not each.weights and not each.value:
            raise OptionError(
                f"the hypothesis {_short(each)} is about no parameter: it always holds.\n"
                "A base level is 0, for the others are compared with it."
            )
    return system


def _also(fit: Fit) -> dict[str, str | None]:
    """Levels as a person writes them: city[B] for city[T.B], and the base, city[A], for 0."""
    recipe, also = fit.recipe, dict[str, str | None]()
    levels = {
        category.column: base_of(category, known)
        for category, known in zip(recipe.categories, recipe.levels, strict=True)
    }
    for term in fit.terms:
        if len(term.cell) != 1 or "[T." not in term.name:
            continue
        ((column, level),) = term.cell
        head, _, tail = term.name.partition(f"[T.{written(level)}]")
        also[f"{head}[{written(level)}]{tail}"] = term.name
        base = levels.get(column)
        if base is not None:
            also[f"{head}[{written(base)}]{tail}"] = also[f"{head}[T.{written(base)}]{tail}"] = None
    return {name: known for name, known in also.items() if name not in fit.names}


def _short(restriction: Restriction) -> str:
    return repr(shortened(restriction.text, 45))
