"""The rows of a fit, to be read once more: which they are, and whether they are those that were fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.design.again import pose_again
from gradline.design.written_out import WrittenOut
from gradline.doubledouble import Array
from gradline.errors import DataError, OptionError
from gradline.exact.origin import at_zero
from gradline.exact.robust import sandwich, whitened
from gradline.moments import Progress
from gradline.moments.one_pass import Engine
from gradline.moments.scores import Meat, Scored, Whitening, scored
from gradline.results.fit import Fit
from gradline.results.remembered import recalled

if TYPE_CHECKING:
    from gradline.design.problem import Problem

_AGREE = 1e-7
"""How near to 0, beside the residuals, X'e must be of the rows that were fitted."""
_ROUNDING = 1e-12
"""The share of a target's squares that is rounding, where the fit is perfect."""

Source: TypeAlias = tuple[Any, Any, Any]
"""Data, target and weights, each None for those of the fit."""
REMEMBERED: Source = (None, None, None)


@dataclass(frozen=True)
class Reading:
    """The rows of a fit, and what is needed to read them again."""

    fit: Fit
    problem: Problem
    model: Whitening
    root: Array  # (q, kept) with rootᵀ·root the covariance of the parameters for residuals of variance 1
    kept: NDArray[np.intp]  # the parameters that are not aliased
    threads: int | None
    progress: Progress | None
    engine: Engine | None = None

    @staticmethod
    def of(
        fit: Fit,
        source: Source,
        what: str,
        threads: int | None,
        progress: Progress | None,
        engine: Engine | None = None,
    ) -> Reading:
        """For the rows of a fit, which `what` need, as an error says.

        Raises:
            OptionError: the fit is none of least squares, or its rows are not at hand.
        """
        demand_least_squares(fit, what)
        problem = _rows_of(fit, source, what)
        start, p = int(fit.has_intercept), len(fit.names)
        kept = np.array([number for number, name in enumerate(fit.names) if name not in fit.aliased], np.intp)
        there = np.flatnonzero(~np.isnan(fit.estimates).any(axis=1))  # with aliased ones that have the shortest coef
        origin = np.zeros(p)
        origin[start:] = fit.origin if fit.origin else 0.0
        root = fit.root[:, kept]
        root = root[root.any(axis=1)]
        white = whitened(root, origin[kept], fit.has_intercept)
        # The constant stands first, whether the model has it or not.
        columns = np.zeros((len(root), 1 + p - start))
        centre = np.zeros(1 + p - start)
        words = np.zeros((2, len(fit.targets), 1 + p - start))
        columns[:, kept + 1 - start], centre[kept + 1 - start] = white.root, white.centre
        words[:, :, there + 1 - start] = -np.stack([fit.estimates[there].T, fit.estimates_low[there].T])
        features = there[there >= start] - start
        at = np.concatenate([[0], features + 1])
        model = Whitening(tuple(features.tolist()), words[:, :, at], centre[at], columns[:, at])
        if fit.origin:
            root = at_zero(root, origin[kept][1:])
        return Reading(fit, problem, model, root, kept, threads, progress, engine)

    def of_rows(self, meat: Meat) -> Scored:
        """What a pass over the rows found.

        Raises:
            DataError: they are not the rows of the fit.
        """
        found = scored(
            self.problem,
            self.design,
            self.model,
            meat,
            complete=not self.fit.left_out,
            threads=self.threads,
            progress=self.progress,
            engine=self.engine,
        )
        return self.demand_same(found)

    @property
    def design(self) -> WrittenOut:
        """How blocks of the rows become the columns of the model."""
        return WrittenOut(self.problem, self.fit.terms, self.fit.recipe)

    def demand_same(self, found: Scored | None) -> Scored:
        """What a pass over the rows found, if they are those of the fit.

        Raises:
            DataError: they are not.
        """
        fit, name = self.fit, self.problem.table.name
        if found is None or (found.rows, found.used) != (fit.rows, fit.rows - fit.left_out):
            rows, used = (0, 0) if found is None else (found.rows, found.used)
            raise DataError(
                f"{name} has {used:,} rows to use of {rows:,}; the fit had {fit.rows - fit.left_out:,} of "
                f"{fit.rows:,}.\nA second pass needs the rows that were fitted: give those in data=."
            )
        agree = max(_AGREE, 10 ** (1 - fit.digits))
        left = np.where(fit.rss > 0, agree * fit.rss, _ROUNDING * found.targets)
        away = (found.gradient**2).sum(axis=1)
        if not ((abs(found.squares - fit.rss) <= left) & (away <= agree * left + _ROUNDING**2 * found.targets)).all():
            raise DataError(
                f"the rows of {name} are not those that were fitted: as many, with other values.\n"
                "Give the same rows in data=, in the same units."
            )
        return found

    def sandwich(self, middles: Sequence[tuple[float, Array]]) -> Array:
        """(p, p, k) the covariance, NaN where a parameter is not determined."""
        fit, p = self.fit, len(self.fit.names)
        matrix = np.full((p, p, len(fit.targets)), np.nan)
        matrix[np.ix_(self.kept, self.kept)] = sandwich(self.root, middles)
        matrix[:, :, fit.rss == 0] *= 0.0  # nothing is left but rounding: see docs/architecture.md, "perfect"
        unknown = np.isnan(fit.variance)
        matrix[unknown] = matrix[:, unknown] = np.nan
        if fit.df_resid <= 0:
            matrix[:] = np.nan
        return matrix


def _rows_of(fit: Fit, source: Source, what: str) -> Problem:
    """Where to read the rows of the fit; `what` needs them, as an error says.

    Raises:
        OptionError: they are not at hand.
    """
    data, target, weights = source
    if data is not None:
        return pose_again(
            data,
            target,
            weights,
            terms=fit.terms,
            recipe=fit.recipe,
            targets=fit.targets,
            weight=fit.weight_column,
            frequency=fit.frequency,
            intercept=fit.has_intercept,
        )
    problem = recalled(fit)
    if problem is None:
        raise OptionError(
            f"{what} need the rows, and the fit has them no more: it was loaded,\n"
            "made of moments, or of rows that came once. Give them in data=, arrays also in target=."
        )
    if target is not None or weights is not None:
        raise OptionError("target= and weights= go with data=.\nGive the rows too, or leave all three out.")
    return problem


def demand_least_squares(fit: Fit, what: str) -> None:
    """Refuse a fit that is none of least squares, which `what` are of.

    Raises:
        OptionError: it has a penalty or errors in x.
    """
    demand_unpenalised(fit.l1, fit.l2, what)
    if fit.x_error is not None:
        raise OptionError(f"{what} are of least squares, and the fit has x_error.\nFit without it.")


def demand_unpenalised(l1: float, l2: float, what: str) -> None:
    """Refuse penalties.

    Raises:
        OptionError: there is one.
    """
    if l1 or l2:
        raise OptionError(
            f"{what} are of least squares, and the fit has {'l1' if l1 else 'l2'}.\nLeave the penalty out."
        )
