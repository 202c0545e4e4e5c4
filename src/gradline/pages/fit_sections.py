"""The sections of the report of a fit. Those about its rows take a second reading, where there are rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import floor
from typing import TYPE_CHECKING

import numpy as np

from gradline.design.effects import base_of, written
from gradline.design.terms import columns_of
from gradline.errors import GradlineError
from gradline.exact.strengths import objective
from gradline.layout import shortened
from gradline.pages.advice import advice, lacking
from gradline.pages.inline import Colours, inline
from gradline.pages.parts import (
    Block,
    Facts,
    Note,
    Notes,
    Number,
    Picture,
    Pictures,
    Row,
    Section,
    Table,
    Words,
)
from gradline.pages.tables import coefficients, whole
from gradline.pages.words import Says, named
from gradline.report.numbers import brief, probability, significant
from gradline.results.remembered import recalled
from gradline.second_pass.influence import can_draw, influence_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.results.fit import Fit
    from gradline.results.influence import Influence

_PICTURED = 2
"""Targets with pictures of their own."""
_INFLUENTIAL = 5
_OUTLIER = 0.05
_INFLATED = 40
"""Terms whose inflation is shown."""
_NAME = 40  # cells
_ROW = 0.26  # inches, of a picture of coefficients


def sections_of_fit(fit: Fit, say: Says, level: float, colours: Colours) -> Iterator[Section]:
    """All but the last, which says how to make it again."""
    yield Section("words", say("in_words"), [Words(text) for text in fit.explain(say.lang).split("\n\n")[:6]])
    yield to_know(fit, say)
    yield Section("coefficients", say("coefficients"), list(coefficients(fit, say, level)))
    yield Section("whole", say("whole"), [whole(fit, say)])
    found, reason = _rows_of(fit, say)
    yield Section("pictures", say("pictures"), _pictures(fit, say, colours, drawn=found is not None, reason=reason))
    if found is not None:
        yield Section("influence", say("influence"), list(_influential(found, say)))
    yield Section("read", say("read"), [Facts(list(_what_was_read(fit, say)))])
    yield certainty(fit, say)


def to_know(fit: Fit, say: Says, more: tuple[Note, ...] = ()) -> Section:
    """What stands against the numbers."""
    notes = [*more, *advice(fit, say)]
    return Section("notes", say("to_know"), [Notes(notes) if notes else Words(say("clean"))])


def certainty(fit: Fit, say: Says) -> Section:
    """Digits, rank and condition; and of fits without penalties how much intervals are inflated."""
    digits = say("digits_are", digits=floor(fit.digits)) if fit.digits >= 1 else say("digits_none")
    short = len(fit.names) - fit.rank
    rank = say("rank_short" if short else "rank_full", rank=fit.rank, columns=len(fit.names), short=short)
    condition = say("condition_is", number=brief(fit.condition_number, 3))
    blocks: list[Block] = [Facts([(say("digits"), digits), (say("rank"), rank), (say("condition"), condition)])]
    if not (fit.l1 or fit.l2 or fit.x_error) and fit.rank > 1 + fit.has_intercept:
        found = fit.collinearity()
        order = np.argsort(-np.nan_to_num(found.scaled, posinf=np.inf), kind="stable")[:_INFLATED]
        rows = [
            Row(
                found.terms[at],
                [
                    Number(significant(float(values[at]), 3), float(values[at]))
                    for values in (found.vif, found.scaled)
                ],
            )
            for at in sorted(order.tolist())
        ]
        if len(found.terms) > len(rows):
            rows.append(Row("", (), say("vif_more", count=f"{len(found.terms) - len(rows):,}")))
        blocks.append(Table((say("term"), say("vif"), say("longer")), rows, say("vif_title")))
    return Section("sure", say("sure"), blocks)


def _rows_of(fit: Fit, say: Says) -> tuple[Influence | None, Note | None]:
    """What each row does to the fit; where that cannot be had, the reason."""
    if fit.l1 or fit.l2:
        return None, Note(say("no_rows_penalty"))
    if fit.x_error is not None:
        return None, Note(say("no_rows_x_error"))
    if recalled(fit) is None:
        return None, Note(say("no_rows"))
    try:
        return influence_of(fit), None
    except GradlineError as error:  # a file that is gone, an array that was written over
        return None, Note(f"{say('not_read')} {str(error).splitlines()[0]}")


def _pictures(fit: Fit, say: Says, colours: Colours, *, drawn: bool, reason: Note | None) -> list[Block]:
    kinds = ["coefficients"]
    if drawn:
        kinds = ["data"] * can_draw(fit) + ["residuals", "qq", "scale", "leverage", "coefficients"]
    pictures = []
    for number, target in enumerate(fit.targets[:_PICTURED]):
        for kind in kinds:
            name = named(columns_of(fit.terms)) if kind == "data" else ""
            said = say(f"{kind}_said", target=shortened(target, _NAME), name=name)
            size = _tall(fit) if kind == "coefficients" else None
            draw = partial(_draw, fit, kind, say.lang, target)
            svg = inline(draw, f"{kind}{number}", colours, size)
            pictures.append(Picture(svg, said, say(f"{kind}_look")))
    blocks: list[Block] = [Pictures(pictures)]
    if len(fit.targets) > _PICTURED:
        blocks.append(Words(say("first_targets", targets=named(fit.targets[:_PICTURED]))))
    return blocks if reason is None else [*blocks, Notes([reason])]


def _draw(fit: Fit, kind: str, lang: str, target: str, ax: Axes) -> None:
    fit.plot(kind, ax, lang, target=target)


def _tall(fit: Fit) -> tuple[float, float]:
    """Room for the rows of a picture of coefficients, of which it shows 60."""
    rows = min(len(fit.names) - fit.has_intercept, 60)
    return 5.2, 1.1 + _ROW * max(rows, 3)


def _influential(found: Influence, say: Says) -> Iterator[Block]:
    for at, target in enumerate(found.targets[:_PICTURED]):
        each = found.top[at]
        quantities = (each.leverage, each.studentized, each.cooks_distance, each.dffits)
        rows = []
        for number, row in enumerate(each.rows[:_INFLUENTIAL].tolist()):
            values = [float(quantity[at, number]) for quantity in quantities]
            rows.append(
                Row(say("row_is", row=f"{row:,}"), [Number(significant(value, 3), value) for value in values])
            )
        heads = [say(key) for key in ("row", "leverage", "studentized", "cooks", "dffits")]
        yield Table(heads, rows, "" if len(found.targets) == 1 else target)
        high, far = (f"{int(number):,}" for number in found.beyond[:, at])
        text = say("influence_words", mark=brief(2 * found.rank / found.nobs, 3), high=high, far=far)
        p = float(np.atleast_1d(found.outlier_p)[at])
        if p < _OUTLIER:
            row = f"{found.outlier[1, at]:,.0f}"
            text += " " + say("outlier", row=row, p=probability(p), rows=f"{found.nobs:,.12g}")
        yield Words(text)


def _what_was_read(fit: Fit, say: Says) -> Iterator[tuple[str, str]]:
    used = fit.rows - fit.left_out
    yield say("source"), say.source(fit.source)
    yield say("rows_read"), f"{fit.rows:,}"
    yield say("rows_used"), f"{used:,}"
    if fit.nobs != used:
        yield say("stand_for"), f"{fit.nobs:,.12g}"
    why = say("none")
    if fit.left_out:
        key = "why_missing" if fit.missing else "why_weight"
        why = say(key, count=f"{fit.left_out:,}", columns=lacking(fit))
    yield say("left_out"), why
    yield say("targets"), named(fit.targets)
    yield say("features"), named(term.name for term in fit.terms) if fit.terms else say("none")
    for category, levels in zip(fit.recipe.categories, fit.recipe.levels, strict=True):
        base = base_of(category, levels)
        facts = {"names": named(map(written, levels)), "base": "—" if base is None else written(base)}
        yield (
            say("levels", column=shortened(category.column, _NAME)),
            say("levels_are", count=f"{len(levels):,}", **facts),
        )
    if fit.recipe.derived:
        yield say("computed"), named(each.name for each in fit.recipe.derived)
    if fit.weighted or fit.frequency:
        role = "frequency_weights" if fit.frequency else "weights"
        yield say(role), fit.weight_column or say("given_values")
    if not fit.has_intercept:
        yield say("intercept"), say("through_origin")
    if fit.l1 or fit.l2:
        strengths = ", ".join(f"{name} {brief(value)}" for name, value in (("l1", fit.l1), ("l2", fit.l2)) if value)
        minimised = objective(bool(fit.l1), bool(fit.l2), fit.standardized)
        facts = {"strengths": strengths, "objective": minimised, "freedom": brief(fit.freedom, 4)}
        yield say("penalty"), say("penalty_is", **facts)
    passes = 0 if fit.plan is None else fit.plan.passes
    key = ("from_moments", "one_pass")[passes] if passes < 2 else "passes_are"
    yield say("passes"), say(key, precision=fit.precision, count=passes)
