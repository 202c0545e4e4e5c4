"""`gl.anova`: nested fits compared, or the terms of one fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from gradline.design.terms import Term, by_effect
from gradline.doubledouble import Array
from gradline.errors import DataError, OptionError
from gradline.exact.removal import by_columns
from gradline.layout import ERROR, listing, shortened
from gradline.results.fit import Fit
from gradline.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

_SAME = 1e-8
"""Total sums of squares of the same rows agree to this, however they were summed."""


@dataclass(frozen=True, eq=False, repr=False)
class Anova(Shown):
    """An analysis of variance: what each model or term takes off the residual sum of squares, and its F test.

        F = (sum_sq / df) / (RSS / df_resid)    RSS and df_resid of the largest model

    Arrays have a row for each model or term, and an axis of k targets.

    Example:
        >>> import numpy as np, pandas as pd, gradline as gl
        >>> rows = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2)), columns=["a", "b"])
        >>> rows["y"] = rows.a + 0.5 * rows.b + np.sin(np.arange(50.0))
        >>> table = gl.anova(gl.fit(rows, formula="y ~ a"), gl.fit(rows, formula="y ~ a + b"))
        >>> table
        y   nested fits
        <BLANKLINE>
        model  df left      RSS  df  sum of squares      F        p
            1       48  42.9337   —               —      —        —
            2       47  24.1182   1           18.82  36.67  2.2e-07
        <BLANKLINE>
        model 1: Intercept + a
        model 2: Intercept + a + b
        >>> table.frame().columns.tolist()
        ['model', 'df_resid', 'rss', 'df', 'sum_sq', 'statistic', 'p_value']
    """

    kind: int
    """0: nested fits; 1: terms in their order, as R's anova; 2: each after all that do not contain it (type II)."""
    rows: tuple[str, ...]
    """Terms, or the features of each model."""
    numbers: tuple[int, ...]
    """For each row, of nested fits the place (from 1) at which the fit was given."""
    df: Array  # (m,) parameters that it has beyond the row above, or of the term; NaN for the smallest model
    sum_sq: Array  # (m, k)
    statistic: Array  # (m, k) F
    p: Array  # (m, k)
    df_resid: Array  # (m,) of the model; for terms that of the whole model
    rss: Array  # (m, k) likewise
    targets: tuple[str, ...]
    single_target: bool
    notes: tuple[str, ...] = ()
    """What else should be known."""

    def frame(self) -> pd.DataFrame:
        """One row per model or term (and target), that of the residuals last: df, sum_sq, F and p."""
        import pandas as pd

        frames = []
        for number, target in enumerate(self.targets):
            test = {"statistic": self.statistic[:, number], "p_value": self.p[:, number]}
            if self.kind == 0:
                models = {"model": self.numbers, "df_resid": self.df_resid, "rss": self.rss[:, number]}
                frame = pd.DataFrame(models | {"df": self.df, "sum_sq": self.sum_sq[:, number]} | test)
            else:
                df, sum_sq = (
                    np.append(self.df, self.df_resid[0]),
                    np.append(self.sum_sq[:, number], self.rss[0, number]),
                )
                with np.errstate(divide="ignore", invalid="ignore"):
                    squares = {"df": df, "sum_sq": sum_sq, "mean_sq": sum_sq / df}
                test = {name: np.append(values, np.nan) for name, values in test.items()}
                frame = pd.DataFrame({"term": [*self.rows, "residual"]} | squares | test)
            if not self.single_target:
                frame.insert(0, "target", target)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def summary(self) -> str:
        """The analysis as a table of at most 80 columns."""
        from gradline.report.anova import anova_summary

        return anova_summary(self)


def anova(*fits: Fit, kind: int = 1) -> Anova:
    """Compare nested fits by F tests, or test the terms of one fit.

    All of it comes from the fits; the rows are not read again.

    Args:
        fits: Several fits of the same rows, each with all columns of the smaller ones, in any order; F refers each to
            the residual variance of the largest, as R does. Or one fit, for a table of its terms: a column, or all
            columns of a category or of its product with a column.
        kind: Of the table of one fit: 1, each term after those before it (R's anova); or 2, each after all terms that
            do not contain it, as x:z contains x (car's Anova).

    Raises:
        OptionError: a fit is penalised, or two have the same number of parameters.
        DataError: the fits are not nested, or not of the same rows, target or weights; with the reason.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.random.default_rng(0).normal(size=(50, 3))
        >>> m = gl.Moments.of(x, x[:, 0] + np.random.default_rng(1).normal(size=50))
        >>> gl.anova(m.select(["x1"]).fit(), m.fit())
        y   nested fits
        <BLANKLINE>
        model  df left      RSS  df  sum of squares       F      p
            1       48  38.8141   —               —       —      —
            2       46  37.3727   2           1.441  0.8871  0.419
        <BLANKLINE>
        model 1: Intercept + x1
        model 2: Intercept + x1 + x2 + x3

    Source: Chambers & Hastie (1992), Statistical Models in S, chapter 4; Fox & Weisberg (2019), An R Companion to
    Applied Regression, section 5.3.
    """
    if not fits or not all(isinstance(fit, Fit) for fit in fits):
        raise OptionError("anova takes fits: gl.anova(small, large), or gl.anova(fit).")
    for number, fit in enumerate(fits, 1):
        if fit.l1 or fit.l2 or fit.x_error:
            raise OptionError(
                f"fit {number} is not a least-squares fit, which F tests need.\nFit without l1, l2 and x_error."
            )
    if kind not in (1, 2):
        raise OptionError(f"kind is 1 or 2, not {kind!r}.\n1: terms in their order; 2: each after all others.")
    found = _terms(fits[0], kind) if len(fits) == 1 else _nested(fits)
    kinds = dict.fromkeys(fit.covariance.kind for fit in fits if fit.covariance)
    if not kinds:
        return found
    return replace(found, notes=(f"F takes one variance for all rows, not {', '.join(kinds)}; fit.test(…) does",))


def _terms(fit: Fit, kind: int) -> Anova:
    effects = by_effect(fit.terms)
    start = int(fit.has_intercept)
    columns = [[start + number for number in numbers] for numbers in effects.values()]
    columns = [[at for at in each if fit.names[at] not in fit.aliased] for each in columns]
    if not any(columns):
        raise OptionError("this fit has no terms to test: only an intercept.")
    sum_sq = np.zeros((len(columns), len(fit.targets)))
    if kind == 1:
        last_first = [at for each in columns for at in each][::-1]
        squares = by_columns(fit.estimates, fit.root, last_first)
        place = {at: number for number, each in enumerate(columns) for at in each}
        np.add.at(sum_sq, [place[at] for at in last_first], squares)
    else:
        contents = [_content(fit.terms[numbers[0]]) for numbers in effects.values()]
        for number, each in enumerate(columns):
            wider = [
                at for other, more in zip(columns, contents, strict=True) if contents[number] < more for at in other
            ]
            if each:
                sum_sq[number] = by_columns(fit.estimates, fit.root, [*wider, *each])[len(wider) :].sum(axis=0)
    df = np.array([len(each) for each in columns], float)
    return _record(fit, kind, tuple(effects), (), df, sum_sq, np.full(len(df), fit.df_resid), fit.rss + 0 * sum_sq)


def _content(term: Term) -> frozenset[object]:
    """What a term is a product of: another contains it if it is a product of more."""
    return frozenset([*term.factors, *(column for column, _ in term.cell)])


def _nested(fits: Sequence[Fit]) -> Anova:
    order = sorted(range(len(fits)), key=lambda number: -fits[number].df_resid)
    for small, large in pairwise(order):
        _demand_nested((small + 1, fits[small]), (large + 1, fits[large]))
    chain = [fits[number] for number in order]
    rss, df_resid = np.array([fit.rss for fit in chain]), np.array([fit.df_resid for fit in chain], float)
    df = np.append(np.nan, -np.diff(df_resid))
    sum_sq = np.vstack([np.full(rss.shape[1], np.nan), np.maximum(-np.diff(rss, axis=0), 0.0)])
    labels = tuple(listing(fit.names, ERROR - len("model 1: "), " + ") for fit in chain)
    return _record(chain[-1], 0, labels, tuple(number + 1 for number in order), df, sum_sq, df_resid, rss)


def _record(
    largest: Fit,
    kind: int,
    rows: tuple[str, ...],
    numbers: tuple[int, ...],
    df: Array,
    sum_sq: Array,
    df_resid: Array,
    rss: Array,
) -> Anova:
    """The table with its F tests, which refer to the residuals of the largest model."""
    left = largest.df_resid
    with np.errstate(divide="ignore", invalid="ignore"):
        f = (sum_sq / df[:, None]) / (largest.rss / left if left > 0 else np.nan)
        p = np.asarray(special.fdtrc(df[:, None], left, f) if left > 0 else np.full(f.shape, np.nan), np.float64)
    return Anova(kind, rows, numbers, df, sum_sq, f, p, df_resid, rss, largest.targets, largest.single_target)


def _demand_nested(one: tuple[int, Fit], other: tuple[int, Fit]) -> None:
    """Refuse fits of which the first is not the second without some of its columns."""
    (a, small), (b, large) = one, other
    both = f"fit {a} and fit {b}"
    if small.targets != large.targets:
        names = [shortened(", ".join(fit.targets), 25) for fit in (small, large)]
        raise DataError(f"{both} are of different targets: {names[0]} and {names[1]}.")
    if (small.nobs, small.rows - small.left_out) != (large.nobs, large.rows - large.left_out):
        raise DataError(
            f"{both} are of different rows: {small.nobs:,} and {large.nobs:,}.\n"
            "Leave out rows with missing values first, or take both from one gl.Moments."
        )
    if small.weighted != large.weighted or abs(small.log_weights - large.log_weights) > _SAME * small.nobs:
        raise DataError(f"{both} are weighted differently.\nGive both the same weights=.")
    known = [name for name in small.names if name not in small.aliased]
    lacking = [name for name in known if name not in large.names]
    if lacking:
        raise DataError(
            f"{both} are not nested, as far as names tell: the larger one lacks\n{listing(lacking, ERROR)}."
        )
    same = small.has_intercept == large.has_intercept
    differ = same and (abs(small.tss - large.tss) > _SAME * np.maximum(small.tss, large.tss)).any()
    if differ or (large.rss > small.rss + _SAME * np.maximum(small.tss, large.tss)).any():
        raise DataError(f"{both} are of different data: their sums of squares say so.\nFit both to the same rows.")
    if not differ and not large.aliased.keys() & set(known):
        beyond = [at for at, name in enumerate(large.names) if name not in known and name not in large.aliased]
        without = large.rss + by_columns(large.estimates, large.root, beyond).sum(axis=0)
        if (abs(without - small.rss) > _SAME * np.maximum(small.tss, large.tss)).any():
            raise DataError(
                f"{both} are not nested: a column has other values in one than in the other of that name.\n"
                "Arrays name their columns by position: take both from one gl.Moments, or from a data frame."
            )
    if small.df_resid == large.df_resid:
        raise OptionError(f"{both} have the same columns, so there is nothing to test.\nLeave one of them out.")
