"""What a reader of a fit should know, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradline.design.effects import written
from gradline.design.slips import slips
from gradline.doubledouble import Array
from gradline.exact.relations import briefly
from gradline.exact.solve import Solution
from gradline.layout import listing
from gradline.moments import Moments
from gradline.results.fit import Fit

_LISTED = 100
"""Cells for the columns that lack values."""


def notes_of(
    moments: Moments,
    solution: Solution,
    relations: dict[str, str],
    rank: int,
    origin: Array | None,
    lost: Sequence[str],
) -> tuple[str, ...]:
    """All of it: `origin` (d + k,) was taken from the columns, and `lost` are those where it could not be."""
    return (*_notes(moments, solution, relations, rank), *_moved(moments, origin), *map(_lost, lost))


def few_digits(fit: Fit, moments: Moments) -> str:
    """The warning that few digits are sure, with the columns that are to blame."""
    if fit.digits == 0 and fit.aliased:
        return (
            f"nearly dependent: {briefly(list(fit.aliased.values()), 62)}\nbut for a few last digits of the data.\n"
            f"{_count(len(fit.aliased), 'column')} left out; if those digits mean something, centre first."
        )
    few = f"only {_count(int(fit.digits), 'digit')} of the coefficients are sure"
    if moments.precision == "float64":
        return f'{few}, as sums in float64 leave them.\nTake the sums in precision="double-double".'
    norms = moments.hi.diagonal()[: -len(moments.targets)][-len(fit.names) :]
    inflation = np.nan_to_num(fit.variance) * norms
    worst = [fit.names[j] for j in np.sort(np.argsort(-inflation, kind="stable")[:4])]
    return (
        f"{few}: {', '.join(worst)} are the nearest to dependent\n"
        f"(condition number {fit.condition_number:.1e}). Leave a column out, centre it, or use l2=."
    )


def no_rows(moments: Moments) -> str:
    """The error for moments of no rows, with the reason."""
    if not moments.rows:
        return (
            f"no rows left to fit: {moments.source} gave 0 rows.\n"
            "Is the file only a header, or does where= leave nothing over?"
        )
    if not moments.lacking:
        return f"no rows left to fit: all {moments.rows} rows in {moments.source} have weight 0.\nCheck weights=."
    return (
        f"no rows left to fit: each of the {moments.rows} rows in {moments.source} lacks a value.\n"
        f"missing: {_listed(moments.lacking)}. Leave a column out of features, or fill it."
    )


def _notes(moments: Moments, solution: Solution, relations: dict[str, str], rank: int) -> tuple[str, ...]:
    """What a reader of the result should know, in plain words."""
    notes = []
    left_out = moments.rows - moments.used
    if left_out:
        why = f", missing: {_listed(moments.lacking)}" if moments.lacking else ""
        notes.append(f"{left_out} of {moments.rows} rows left out{why}")
    if moments.unused:
        few = ", ".join(f"{column}[{written(level)}]" for column, level in moments.unused[:6])
        more = ", …" if len(moments.unused) > 6 else ""
        notes.append(f"levels that no row left has are left out: {few}{more}")
    notes += slips(moments.recipe, moments.terms, moments.unused)
    notes += [f"aliased: {briefly([relation], 100)}" for relation in relations.values()]
    if moments.nobs <= rank:
        notes.append(
            f"{_count(moments.nobs, 'row')} for {_count(rank, 'parameter')}: nothing left for standard errors"
        )
    for target, constant, perfect in zip(moments.targets, solution.constant, solution.perfect, strict=True):
        if constant:
            notes.append(f"{target} is constant: slopes are 0 and R² is not defined")
        elif perfect and moments.nobs > rank:
            notes.append(f"perfect fit: nothing of {target} is left beyond its own rounding")
    return tuple(notes)


def _moved(moments: Moments, origin: Array | None) -> list[str]:
    if origin is None:
        return []
    return [
        f"{name}: whole numbers so large beside their spread were summed about {about:.0f}, in a pass of its own"
        for name, about in zip((*moments.columns, *moments.targets), origin.tolist(), strict=True)
        if about
    ]


def _lost(column: str) -> str:
    return (
        f"{column} has whole numbers too large beside their spread for one pass, and its rows come only once: "
        "take a constant away first"
    )


def _listed(counts: dict[str, int]) -> str:
    return listing([f"{name} {count}" for name, count in counts.items()], _LISTED)


def _count(number: float, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
