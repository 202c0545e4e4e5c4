"""Standard errors that need the residuals: one more reading of the rows of a fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.design.roles import demand_aside, laid_beside
from gradline.design.times import places_of
from gradline.errors import DataError, OptionError
from gradline.exact.robust import clusters_factor
from gradline.layout import listing
from gradline.moments import Progress
from gradline.moments.clusters import Clusters, Column
from gradline.moments.meats import Gathered, Independent, InOrder
from gradline.moments.one_pass import Engine
from gradline.results.covariance import CLASSICAL, Covariance
from gradline.results.fit import Fit
from gradline.results.remembered import recalled, remember
from gradline.second_pass.reading import (
    REMEMBERED,
    Reading,
    Source,
    demand_unpenalised,
)
from gradline.sources import comes_once
from gradline.sources.rows import TIMES

if TYPE_CHECKING:
    from gradline.design.problem import Problem

HETEROSCEDASTIC = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}
"""Kinds for independent rows, and to which power of √(1 - h) their residuals are divided."""
CLUSTERED = ("CR0", "CR1", "CR2")
KINDS = (CLASSICAL, *HETEROSCEDASTIC, *CLUSTERED, "HAC")

_WHOLE = ("int64", "uint64", ">i8", ">u8", *TIMES)


@dataclass(frozen=True)
class Errors:
    """Which standard errors are wanted.

    Raises:
        OptionError: there is no such kind, or it contradicts the other options.
    """

    kind: str
    clusters: tuple[Any, ...] = ()
    """One or two: names of columns, or values (n,)."""
    lags: int | None = None
    time: Any = None
    small_sample: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.kind not in KINDS:
            raise OptionError(f"no standard errors of the kind {self.kind!r}.\nThere are {', '.join(KINDS)}.")
        if self.kind in CLUSTERED and not 1 <= len(self.clusters) <= 2:
            raise OptionError(
                f"{self.kind} is for rows in clusters, and {len(self.clusters)} columns say which.\n"
                'Name one or two: fit.clustered("firm", "year"), or cluster="firm".'
            )
        if self.kind not in CLUSTERED and self.clusters:
            raise OptionError(
                f"{self.kind} standard errors know no clusters.\n"
                f"Leave cluster= out, or choose {', '.join(CLUSTERED)}."
            )
        if self.kind == "CR2" and len(self.clusters) > 1:
            raise OptionError('CR2 takes one column of clusters.\nUse kind="CR1" for two.')
        lags = self.lags
        if lags is not None and (isinstance(lags, bool) or not isinstance(lags, Integral) or lags < 0):
            raise OptionError(f"lags is a whole number, 0 or more, not {lags!r}.")

    @property
    def named(self) -> list[str]:
        """The cluster columns that are columns of the data."""
        return [each for each in self.clusters if isinstance(each, str)]


def demand_kind(kind: str, kinds: Iterable[str]) -> None:
    """Refuse a kind that is not among these.

    Raises:
        OptionError: it is not.
    """
    if kind not in kinds:
        raise OptionError(f"the kind of standard errors is {_listed(tuple(kinds))} here, not {kind!r}.")


def errors_wanted(se: str | None, cluster: Any) -> Errors | None:
    """What `gl.fit(se=, cluster=)` asks for; None for the classical standard errors."""
    if cluster is None:
        if se in CLUSTERED:
            raise OptionError(f'se={se!r} is for rows in clusters.\nSay which column tells them: cluster="firm".')
        return None if se in (None, CLASSICAL) else Errors(str(se))
    columns = tuple(cluster) if _are_names(cluster) else (cluster,)
    return Errors("CR1" if se is None else se, columns)


def demand_possible(problem: Problem, wanted: Errors, l1: float, l2: float) -> None:
    """Refuse what a second pass could not do, before the first."""
    demand_unpenalised(l1, l2, "these standard errors")
    if comes_once(problem.table):
        raise OptionError(
            f"{wanted.kind} standard errors take a second reading; {problem.table.name} comes only once.\n"
            "Put the rows into a file or an array, or give a stream that can be iterated again."
        )
    for name in wanted.named:
        demand_aside(problem.table, name)


def with_errors(
    fit: Fit,
    wanted: Errors,
    source: Source = REMEMBERED,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Fit:
    """The fit with other standard errors, from one reading of its rows.

    Raises:
        OptionError: the fit has a penalty, or its rows are not at hand.
        DataError: the rows are not those of the fit, or cannot be used so.
    """
    if wanted.kind == CLASSICAL:
        raise OptionError(f"a fit has the classical standard errors to begin with.\nChoose {', '.join(KINDS[1:])}.")
    reading = Reading.of(fit, source, "these standard errors", threads, progress, engine)
    if reading.problem.frequency and wanted.kind == "HAC":
        raise OptionError(
            "HAC standard errors are of rows in an order, and frequency weights repeat them.\n"
            "Write the rows out, or use weights= for how sure each is."
        )
    if wanted.kind in HETEROSCEDASTIC:
        covariance = _independent(reading, wanted)
    elif wanted.kind in CLUSTERED:
        covariance = _clustered(reading, wanted)
    else:
        covariance = _in_order(reading, wanted)
    before = () if fit.covariance is None else fit.covariance.notes
    notes = (*[note for note in fit.notes if note not in before], *covariance.notes)
    result = replace(fit, covariance=covariance, notes=notes)
    known = recalled(fit)
    if known is not None:
        remember(result, known)
    return result


def _independent(reading: Reading, wanted: Errors) -> Covariance:
    fit, kind = reading.fit, wanted.kind
    found = reading.of_rows(Independent(HETEROSCEDASTIC[kind]))
    count, first = found.alone
    if count and HETEROSCEDASTIC[kind]:
        rows = "1 row has" if count == 1 else f"{count:,} rows have"
        raise DataError(
            f"{rows} leverage 1 (the first: row {first}, from 0); {kind} divides by 1 - leverage.\n"
            "Use HC1, or leave out the columns that are not 0 in such rows alone."
        )
    factor = fit.nobs / (fit.nobs - fit.rank) if kind == "HC1" and fit.nobs > fit.rank else 1.0
    return Covariance(kind, reading.sandwich([(factor, found.meat)]), fit.df_resid)


def _clustered(reading: Reading, wanted: Errors) -> Covariance:
    fit, problem = reading.fit, reading.problem
    for name in wanted.named:
        demand_aside(problem.table, name)
    table, names = problem.table, []
    for each in wanted.clusters:
        if not isinstance(each, str):
            table, each = laid_beside(table, "cluster", each)
        names.append(each)
    if len(set(names)) < len(names):
        raise OptionError(f"the cluster column {names[0]!r} is named twice.\nName it once.")
    columns = [Column(name, table.kind(name) in _WHOLE) for name in names]
    left = np.sqrt(fit.rss)
    scale = np.where(left > 0, 1 / np.where(left > 0, left, 1.0), 0.0)
    clusters = Clusters(columns, scale, len(reading.root), adjusted=wanted.kind == "CR2")
    found = replace(reading, problem=replace(problem, table=table, asides=tuple(names))).of_rows(clusters)
    parts = clusters.total(found.meat, table.name)
    signs = (1.0, 1.0, -1.0)
    middles = [
        (sign * clusters_factor(wanted.kind, part.clusters, fit.nobs, fit.rank), part.middle)
        for sign, part in zip(signs, parts, strict=False)
    ]
    matrix = reading.sandwich(middles)
    counts = tuple((name, part.clusters) for name, part in zip(names, parts, strict=False))
    fewest = min(count for _, count in counts)
    notes = []
    if fewest < fit.rank:
        notes.append(
            f"{fewest} clusters for {fit.rank} parameters: not all can be tested together, and few clusters make "
            "standard errors too small"
        )
    negative = [
        name for name, values in zip(fit.names, np.einsum("iik->ik", matrix), strict=True) if (values < 0).any()
    ]
    if negative:
        notes.append(
            f"clusters of two kinds leave a negative variance: no standard error for {listing(negative, 60)}"
        )
    return Covariance(wanted.kind, matrix, fewest - 1, counts, notes=tuple(notes))


def _in_order(reading: Reading, wanted: Errors) -> Covariance:
    fit = reading.fit
    lags = int(4 * (fit.nobs / 100) ** (2 / 9)) if wanted.lags is None else int(wanted.lags)
    if lags >= fit.nobs:
        raise OptionError(f"lags is {lags} and there are {fit.nobs} rows.\nGive fewer lags than rows.")
    order, places = "", None
    if wanted.time is not None:
        order, places = places_of(reading.problem.table, wanted.time)
    if places is None:
        ordered = InOrder(lags)
        middle = ordered.total(reading.of_rows(ordered).meat)
    else:
        gathered = Gathered(places)
        middle = gathered.total(reading.of_rows(gathered).meat, lags)
    factor = fit.nobs / (fit.nobs - fit.rank) if wanted.small_sample and fit.nobs > fit.rank else 1.0
    return Covariance("HAC", reading.sandwich([(factor, middle)]), fit.df_resid, (), lags, order, wanted.small_sample)


def _are_names(cluster: Any) -> bool:
    return isinstance(cluster, list | tuple) and bool(cluster) and all(isinstance(each, str) for each in cluster)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:-1]) + f" or {names[-1]!r}"
