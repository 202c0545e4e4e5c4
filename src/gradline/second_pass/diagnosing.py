"""`Fit.diagnose`: one more reading of the rows, for tests of what a fit takes for granted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.design.times import places_of
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.exact import diagnostics as exact
from gradline.exact.diagnostics import Verdict
from gradline.moments import Progress
from gradline.moments.diagnostics import Diagnosing, Evidence
from gradline.results.diagnostics import MOST_PRODUCTS, Diagnostics, DiagnosticTest, products
from gradline.results.fit import Fit
from gradline.second_pass.reading import REMEMBERED, Reading, Source


def diagnosed(
    fit: Fit,
    time: Any = None,
    source: Source = REMEMBERED,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Diagnostics:
    """The tests, from one reading of the rows.

    Raises:
        OptionError: the fit is none of least squares, its rows are not at hand, or time= has no meaning for them.
        DataError: the rows are not those of the fit, or times are missing or equal.
    """
    reading = Reading.of(fit, source, "these tests", threads, progress)
    problem = reading.problem
    if problem.frequency and time is not None:
        raise OptionError(
            "time= is for rows that are neighbours, and frequency weights repeat rows.\n"
            "Write the rows out, or leave time= out."
        )
    order, places = ("", None) if time is None else places_of(problem.table, time)
    if fit.has_intercept:
        root = exact.with_constant_first(reading.model.root)
        reading = replace(reading, model=replace(reading.model, root=root))
    verdicts = _Evident.of(reading, places).verdicts()
    return Diagnostics(
        tests=tuple(DiagnosticTest.of(name, fit, found, order) for name, found in verdicts.items()),
        targets=fit.targets,
        single_target=fit.single_target,
        nobs=fit.nobs,
    )


@dataclass(frozen=True)
class _Evident:
    """A fit, and the evidence of its rows."""

    fit: Fit
    gathering: Diagnosing
    evidence: Evidence
    columns: int
    """Of the model, without the constant."""
    amplified: float

    @staticmethod
    def of(reading: Reading, places: NDArray[np.int64] | None) -> _Evident:
        """Read the rows."""
        fit, model = reading.fit, reading.model
        first = int(fit.has_intercept)
        columns, slopes = len(model.root) - first, model.root[first:, 1:]
        gathering = Diagnosing(
            scale=_positive(np.sqrt(fit.rss / fit.nobs)),
            centre=_fitted_at(model.parameters, model.centre) if first else np.zeros(len(fit.targets)),
            spread=_positive(np.sqrt(np.maximum(fit.tss - fit.rss, 0.0) / fit.nobs)),
            lengths=float(np.sqrt(fit.nobs)),
            first=first,
            products=products(columns) <= MOST_PRODUCTS,
            frequency=reading.problem.frequency,
            places=places,
        )
        evidence = reading.of_rows(gathering).meat
        return _Evident(fit, gathering, evidence, columns, exact.amplification(slopes[:, slopes.any(axis=0)]))

    def verdicts(self) -> dict[str, list[Verdict]]:
        """Of each test, one for each target."""
        found = {
            "breusch_pagan": self._even_spread(white=False),
            "white": self._even_spread(white=True),
            "reset": self._straight(),
            "durbin_watson": self._unrelated_neighbours(),
            "jarque_bera": exact.normal(self.evidence.shape),
        }
        for target, rss in enumerate(self.fit.rss.tolist()):
            reason = "saturated" if self.fit.df_resid <= 0 else "perfect" if rss == 0 else ""
            if reason:
                for verdicts in found.values():
                    verdicts[target] = Verdict(reason)
        return found

    def _even_spread(self, *, white: bool) -> list[Verdict]:
        fit, pair, k = self.fit, self.evidence.variances, len(self.fit.targets)
        if white and not self.gathering.products:
            return [Verdict("wide", figures={"products": products(self.columns)})] * k
        columns = len(pair[0]) - 1 - k if white else self.columns
        return [exact.even_spread(pair, columns, k, target, fit.nobs, self.amplified) for target in range(k)]

    def _straight(self) -> list[Verdict]:
        fit = self.fit
        if not self.columns:
            return [Verdict("constant")] * len(fit.targets)
        found = []
        for pair, spread, rss in zip(self.evidence.curves, self.gathering.spread, fit.rss, strict=True):
            noise = float(np.sqrt(rss / fit.nobs) / spread)  # fitted values are the target less the residual
            amplified = max(self.amplified, 1 + 2 * noise)
            found.append(exact.straight(pair, fit.rank, fit.nobs, amplified))
        return found

    def _unrelated_neighbours(self) -> list[Verdict]:
        fit = self.fit
        neighbours = self.gathering.total(self.evidence.neighbours)
        if neighbours is None:
            return [Verdict("repeated")] * len(fit.targets)
        if fit.df_resid <= 0:
            return [Verdict("saturated")] * len(fit.targets)
        shape = self.evidence.shape
        squares = _positive(shape.second + shape.rows * shape.mean**2)
        return exact.unrelated_neighbours(neighbours, squares, self.gathering.lengths, fit.rows - fit.left_out)


def _fitted_at(parameters: Array, centre: Array) -> Array:
    """(k,) what the model says of its columns' means, about: parameters (2, k, 1 + m) are the words of -β."""
    found: Array = -(parameters[0, :, 0] + parameters[0, :, 1:] @ centre[1:])
    return found


def _positive(values: Array) -> Array:
    """The values, 1 for 0."""
    return np.where(values > 0, values, 1.0)
