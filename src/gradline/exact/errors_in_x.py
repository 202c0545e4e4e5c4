"""`gl.Deming` and the record of what a fit took into account of errors in its columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradline.doubledouble import Array
from gradline.errors import OptionError, no_such_column
from gradline.exact.errors_in_x_moments import plain, rows_free, with_known, with_ratios
from gradline.exact.solve import Solution
from gradline.layout import shortened
from gradline.moments import Moments


@dataclass(frozen=True)
class Deming:
    """Errors in x known by their ratio to those in y: var(error of y) / var(error of x).

    With ratio 1 the line is the one from which the points' distances, square on, are least: orthogonal regression,
    or total least squares. All scatter about the line is taken for errors of measurement.

    Args:
        ratio: One for all columns, or one for each column that has errors.

    Example:
        >>> import numpy as np, gradline as gl
        >>> truth = np.linspace(0.0, 9.0, 100)
        >>> rng = np.random.default_rng(0)
        >>> x, y = truth + rng.normal(size=100), 2 * truth + rng.normal(size=100)
        >>> gl.fit(x, y).coef.round(2), gl.fit(x, y, x_error=gl.Deming(1.0)).coef.round(2)
        (array([1.73]), array([1.95]))

    Source: Deming (1943), Statistical Adjustment of Data; Fuller (1987), Measurement Error Models, section 1.3.
    """

    ratio: float | Mapping[str, float] = 1.0


@dataclass(frozen=True)
class XError:
    """What was known of the errors in x, and what they had done to the slopes."""

    kind: str
    """"known": standard deviations were given; "ratio": ratios to y's, and they were estimated."""
    names: tuple[str, ...]
    """Of the columns with errors."""
    sd: tuple[float, ...]
    """Standard deviation of the error in each."""
    reliability: tuple[float, ...]
    """The share of each column's variance, beside the other columns, that is not error."""
    naive: tuple[float, ...]
    """(p,) what least squares gives, which takes x as exact."""
    sigma: float
    """Standard deviation of y about the line where x is without error; 0 where those in x leave nothing."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> XError:
        """The record from its fields as a file has them, with lists for tuples."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in record.items()
        }
        return cls(**fields)


def corrected(moments: Moments, x_error: Any, intercept: bool) -> tuple[Solution, XError]:
    """The solution where columns of x carry errors.

    Args:
        moments: Of one target, unweighted.
        x_error: Standard deviation of the errors, of all columns or by name; or `Deming`.
        intercept: Whether there is one.

    Raises:
        OptionError: x_error is not one of these, or more than the columns vary by; weights, several targets, or
            columns whose errors cannot be of one size.
        ColumnError: it names no column.
    """
    if len(moments.targets) > 1 or moments.weighted:
        what = "weights=" if moments.weighted else "several targets"
        raise OptionError(f"x_error is not for {what}.\nUse one target, and frequency_weights= for rows that repeat.")
    ratios = isinstance(x_error, Deming)
    given = _by_column(moments, x_error.ratio if ratios else x_error, "Deming's ratio" if ratios else "x_error")
    start = int(intercept)
    variances = np.zeros(start + len(moments.columns))
    for name, value in given.items():
        if ratios and not value:
            raise OptionError("Deming's ratio is above 0: var(error of y) / var(error of x).\nName no exact columns.")
        variances[start + moments.columns.index(name)] = 1 / value if ratios else value**2
    naive = plain(moments, intercept)
    solution = (with_ratios if ratios else with_known)(moments, naive, intercept, variances)
    if solution is None:
        raise OptionError(
            "x_error leaves nothing of the columns: beside each other they vary no more than\n"
            f"their errors. {_largest(moments, naive, variances, start)}\nIs it a standard deviation, in units of x?"
        )
    params = np.nan_to_num(solution.params[:, 0])
    df = moments.nobs - solution.freedom
    scatter = float(solution.rss[0]) / df if df > 0 else np.nan
    if ratios:
        variances = variances * scatter / (1 + float(variances @ params**2))
    some = np.flatnonzero(variances)
    share = 1 - rows_free(moments, naive, variances) * variances * naive.variance
    record = XError(
        kind="ratio" if ratios else "known",
        names=tuple(moments.columns[at - start] for at in some),
        sd=tuple(np.sqrt(variances[some]).tolist()),
        reliability=tuple(np.clip(share[some], 0.0, 1.0).tolist()),
        naive=tuple(naive.params[:, 0].tolist()),
        sigma=float(np.sqrt(max(scatter - float(variances @ params**2), 0.0))) if df > 0 else 0.0,
    )
    return solution, record


def _largest(moments: Moments, naive: Solution, variances: Array, start: int) -> str:
    at = int(np.argmax(np.nan_to_num(variances * naive.variance)))
    spread = 1 / np.sqrt(max(naive.variance[at] * rows_free(moments, naive, variances), 1e-300))
    return f"{shortened(moments.columns[at - start], 25)} varies by {spread:.3g} (sd)."


def _by_column(moments: Moments, given: Any, what: str) -> dict[str, float]:
    """The number for each column with errors."""
    if isinstance(given, Mapping):
        for name in given:
            if name not in moments.columns:
                raise no_such_column(str(name), moments.columns, "this model")
        named = dict(given)
    else:
        named = dict.fromkeys(moments.columns, given)
    for value in named.values():
        if not _is_size(value):
            raise OptionError(
                f"{what} is {shortened(repr(value), 20)}; expected a number, 0 or more.\n"
                "Give standard deviations, x_error={'x': 0.5}, or gl.Deming(ratio)."
            )
    terms = dict(zip(moments.columns, moments.terms, strict=True))
    for name in named:
        shared = any(column == name and not term.plain for term in moments.terms for column, _ in term.factors)
        computed = [each for each in moments.recipe.derived if _uses(each.expression, name)]
        if not terms[name].plain or shared or computed or (name not in _named(given) and name in _computed(moments)):
            raise OptionError(
                f"{shortened(name, 30)!r} has no error of one size: it is a product, a power or a level,\n"
                "or one is made of it. Name the columns with errors: x_error={'x': 0.5}."
            )
    return {name: float(value) for name, value in named.items()}


def _named(given: Any) -> Mapping[str, float]:
    return given if isinstance(given, Mapping) else {}


def _computed(moments: Moments) -> set[str]:
    return {each.name for each in moments.recipe.derived}


def _uses(expression: str, name: str) -> bool:
    """Whether a column's name is in an expression of others."""
    return expression != name and re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", expression) is not None


def _is_size(value: Any) -> bool:
    """A finite number, 0 or more; NumPy's are numbers, text and truth values are not."""
    number = np.asarray(value)
    return number.ndim == 0 and number.dtype.kind in "iuf" and bool(0 <= number < np.inf)
