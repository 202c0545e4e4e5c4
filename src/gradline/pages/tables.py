"""The numbers of a fit as tables: coefficients, and the figures about the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.layout import listing
from gradline.pages.parts import Block, Number, Row, Table, Words
from gradline.pages.words import Says, named
from gradline.report.abridged import Rest, abridged
from gradline.report.numbers import aligned, brief, fixed, probability, significant

if TYPE_CHECKING:
    from gradline.results.fit import Fit

MOST_ROWS = 240
"""Rows of one kind on a page, over all targets."""
MOST_TARGETS = 12


def coefficients(fit: Fit, say: Says, level: float) -> Iterator[Block]:
    """A table of coefficients for each target, and what its columns are."""
    count = len(fit.targets)
    for number in range(min(count, MOST_TARGETS)):
        yield _of_target(fit, say, level, number, MOST_ROWS // min(count, MOST_TARGETS))
    if count > MOST_TARGETS:
        yield Words(say("more_targets", shown=MOST_TARGETS, count=f"{count:,}"))
    if _certain(fit):
        yield Words(f"{_errors(fit, say)} {say('level_words', level=brief(100 * level))}")


def whole(fit: Fit, say: Says) -> Table:
    """R² and its like: of one target one below the other, of several side by side."""
    figures = {
        "r2": (fit.r2, _share),
        "adj_r2": (fit.adj_r2, _share),
        "sigma": (fit.sigma, significant),
        "df": (np.full(len(fit.targets), float(fit.df_resid)), lambda value: brief(value, 12)),
        "f": (fit.f, significant),
        "f_p": (fit.f_p, _small),
        "log_likelihood": (fit.log_likelihood, lambda value: significant(value, 6)),
        "aic": (fit.aic, lambda value: significant(value, 6)),
        "bic": (fit.bic, lambda value: significant(value, 6)),
    }
    columns = {
        key: [Number(written(value), value) for value in _each(values)] for key, (values, written) in figures.items()
    }
    known = {key: numbers for key, numbers in columns.items() if not all(np.isnan([each.value for each in numbers]))}
    if fit.single_target:
        rows = [Row(say(key), numbers) for key, numbers in known.items()]
        return Table((say("figure"), say("value")), rows)
    few = ("r2", "adj_r2", "sigma", "f", "f_p")
    heads = [key for key in known if key in few]
    rows = [
        Row(target, [known[key][number] for key in heads]) for number, target in enumerate(fit.targets[:MOST_TARGETS])
    ]
    return Table((say("target"), *map(say, heads)), rows)


def _of_target(fit: Fit, say: Says, level: float, number: int, most: int) -> Table:
    start = int(fit.has_intercept)
    shown, more = abridged(fit.terms, fit.aliased)
    places = [*range(start), *(start + at for at in shown)]
    hidden = len(places) - most
    places = places[:most]
    after = {start + at: rest for at, rest in more.items()}
    cells = _cells(fit, level, number, places)
    rows = []
    for place, numbers in zip(places, cells, strict=True):
        name = fit.names[place]
        said = say("absent", relation=fit.aliased[name]) if np.isnan(fit.estimates[place, number]) else ""
        rows.append(Row(say.name(name, constant=fit.has_intercept), () if said else numbers, said))
        if place in after:
            rows.append(Row("", (), _rest(after[place], say)))
    if hidden > 0:
        rows.append(Row("", (), say("more_rows", count=f"{hidden:,}")))
    heads = ["term", "estimate"] + (["std_error", "t", "p"] if _certain(fit) else [])
    ends = [say("from", level=brief(100 * level)), say("to")] if _certain(fit) else []
    return Table([*map(say, heads), *ends], rows, "" if fit.single_target else fit.targets[number])


def _cells(fit: Fit, level: float, number: int, places: Sequence[int]) -> list[list[Number]]:
    """The numbers of each row."""

    def column(values: Any) -> list[float]:
        found: list[float] = np.reshape(values, (len(fit.names), -1))[places, number].tolist()
        return found

    estimates = column(fit.params)
    if not _certain(fit):
        return [[Number(text, value)] for text, value in zip(aligned(estimates, 5), estimates, strict=True)]
    errors = column(fit.se)
    t, p = column(fit.t), column(fit.p)
    ends = np.reshape(fit.conf_int(level), (len(fit.names), 2, -1))[places, :, number]
    columns = [
        (aligned(estimates, 4, errors), estimates),
        (aligned(errors, 4, errors), errors),
        ([fixed(value, 2) if abs(value) < 1e4 else significant(value, 2) for value in t], t),
        ([probability(value) for value in p], p),
        *((aligned(end, 3, errors), end) for end in (ends[:, 0].tolist(), ends[:, 1].tolist())),
    ]
    numbers = [[Number(*pair) for pair in zip(texts, values, strict=True)] for texts, values in columns]
    return [list(row) for row in zip(*numbers, strict=True)]


def _certain(fit: Fit) -> bool:
    """Whether there is a standard error at all."""
    return bool(np.isfinite(fit.se).any())


def _errors(fit: Fit, say: Says) -> str:
    kind = fit.se_kind
    clusters = listing([f"{name}: {count:,}" for name, count in fit.clusters.items()], 120)
    key = next((each for each in ("HC", "CR", "HAC") if kind.startswith(each)), "classical")
    return say("errors", kind=say(key, kind=kind, clusters=clusters, lags=fit.lags))


def _rest(rest: Rest, say: Says) -> str:
    key = "more_levels_aliased" if rest.aliased else "more_levels"
    return say(key, count=f"{rest.more:,}", effect=named([rest.effect]), aliased=f"{rest.aliased:,}")


def _share(value: float) -> str:
    """R²: three decimals, more where it is nearly 1, and never 1 unless it is."""
    texts = (fixed(value, decimals) for decimals in range(3, 17))
    return next((text for text in texts if float(text if value == value else 0) != 1 or value == 1), fixed(value, 16))


def _small(p: float) -> str:
    return significant(p, 1) if 0 < p < 0.001 else probability(p)


def _each(values: Any) -> list[float]:
    return [float(value) for value in np.atleast_1d(values)]
