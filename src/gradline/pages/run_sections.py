"""The sections of the report of a run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from gradline.errors import OptionError
from gradline.layout import shortened
from gradline.pages.fit_sections import certainty, to_know
from gradline.pages.inline import Colours, inline
from gradline.pages.parts import (
    Block,
    Facts,
    Frame,
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
from gradline.pages.tables import MOST_ROWS, coefficients, whole
from gradline.pages.words import Says, named
from gradline.report.explanation import explained
from gradline.report.numbers import brief, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.results.run import Run

_SIZE = (5.4, 4.0)  # inches: pictures of runs have long legends
_NAME = 60  # cells


def sections_of_run(run: Run, say: Says, colours: Colours, *, lab: bool) -> Iterator[Section]:
    """All but the last, which says how to make it again."""
    yield Section("words", say("in_words"), [Words(" ".join(explained(run, say.lang)))])
    yield to_know(run.exact, say, tuple(_how_it_went(run, say)))
    yield Section("gap", say("gap"), list(_gap(run, say)))
    yield Section("pictures", say("pictures"), _pictures(run, say, colours))
    if lab:
        yield Section("lab", say("lab"), _lab(run, say))
    yield Section("ran", say("ran"), [Facts(list(_what_ran(run, say)))])
    if run.request.loss == "mse" and run.request.optimizer == "sgd":
        yield Section("rate", say("rate"), [Facts(list(_rates(run, say)))])
    exact = [*coefficients(run.exact, say, 0.95), whole(run.exact, say)]
    yield Section("exact", say("exact"), exact)
    yield certainty(run.exact, say)


def _how_it_went(run: Run, say: Says) -> Iterator[Note]:
    if run.status == "diverged":
        known = run.request.smooth and not run.stability.stable
        yield Note(say("diverged"), say("diverged_do" if known else "diverged_other_do"))
    elif run.status == "not yet converged" and not run.gap().at_floor:
        yield Note(say("unfinished"), say("unfinished_do"))


def _gap(run: Run, say: Says) -> Iterator[Block]:
    gap = run.gap()
    heads = [
        ("trained", 9),
        ("exact_value", 9),
        ("distance", 2),
        ("in_se", 2),
        *[("noise", 2)] * (gap.noise is not None),
    ]
    values = [gap.trained, gap.exact, gap.distance, gap.in_se, *([] if gap.noise is None else [gap.noise])]
    columns = [np.reshape(each, (len(gap.names), -1)) for each in values]
    rows = []
    for place in range(len(gap.names)):
        for number, target in enumerate(gap.targets):
            name = say.name(gap.names[place], constant=place == 0)
            label = name if len(gap.targets) == 1 else f"{name} → {target}"
            numbers = [float(column[place, number]) for column in columns]
            texts = (
                (brief if digits > 2 else significant)(each, digits)
                for each, (_, digits) in zip(numbers, heads, strict=True)
            )
            rows.append(Row(label, [Number(*pair) for pair in zip(texts, numbers, strict=True)]))
    hidden = len(rows) - MOST_ROWS
    if hidden > 0:
        rows = [*rows[:MOST_ROWS], Row("", (), f"… {hidden:,}")]
    yield Table([say("term"), *(say(key) for key, _ in heads)], rows)
    if gap.noise is not None:
        yield Words(say("noise_words"))
    if gap.epochs is None:
        yield Words(say("outlook_unknown"))
    else:
        first, second = (say("never") if number == inf else f"{number:,.0f}" for number in gap.epochs)
        yield Words(say("outlook", first=first, second=second))


def _pictures(run: Run, say: Says, colours: Colours) -> list[Block]:
    pictures, notes = [], []
    for kind in ("loss", "surface", "rates"):
        try:
            svg = inline(partial(_draw, run, kind, say.lang), kind, colours, _SIZE)
        except OptionError as error:
            notes.append(Note(f"{say('not_drawn')} {str(error).splitlines()[0]}"))
            continue
        pictures.append(Picture(svg, say(f"{kind}_said"), say(f"{kind}_look")))
    return [Pictures(pictures), *([Notes(notes)] if notes else [])]


def _draw(run: Run, kind: str, lang: str, ax: Axes) -> None:
    run.plot(kind, ax, lang)


def _lab(run: Run, say: Says) -> list[Block]:
    """The lab, opened with the run; where it cannot show it, the reason."""
    from gradline.lab.bundle import page
    from gradline.lab.opening import opening_of_run

    try:
        opening = opening_of_run(run)
    except OptionError as error:
        return [Notes([Note(f"{say('lab_not')} {str(error).splitlines()[0]}")])]
    text = page({"address": opening.address, "given": opening.given, "lang": say.lang})
    return [Words(say("lab_words")), Frame(text, say("lab_print"))]


def _what_ran(run: Run, say: Says) -> Iterator[tuple[str, str]]:
    request, moments = run.request, run.moments
    first, last = (significant(loss, 6) for loss in run.ends)
    options = [f"{name} {getattr(request.sgd, name):g}" for name in _OPTIONS if getattr(request.sgd, name)]
    options += ["zero_grad=False"] * (not request.sgd.zero_grad) + ["standardize=True"] * request.standardize
    options += [f"lr_schedule {request.lr_schedule}"] * (request.lr_schedule != "constant")
    options += [f"average {request.average}"] * bool(request.average)
    yield say("outcome"), _outcome(run, say)
    yield say("model"), say("model_is", d=len(run.names) - 1, k=run.start.shape[1])
    yield say("optimizer"), ", ".join([request.optimizer, f"lr {run.lr:.6g}", *options])
    yield say("loss"), say("loss_is", loss=request.loss, reduction=request.reduction, first=first, last=last)
    yield say("epochs"), f"{run.epochs:,}"
    yield say("batch"), say("all_rows") if request.batch_size is None else f"{request.batch_size:,}"
    yield say("engine"), run.engine
    yield say("dtype"), request.dtype
    yield say("source"), say.source(moments.source)
    yield say("rows_read"), f"{moments.rows:,}"
    yield say("rows_used"), f"{moments.used:,}"
    yield say("targets"), named(moments.targets)
    yield say("features"), named(moments.columns) if moments.columns else say("none")


_OPTIONS = ("momentum", "dampening", "nesterov", "weight_decay")


def _outcome(run: Run, say: Says) -> str:
    if run.stopped_at is not None:
        return say("stopped", step=f"{run.stopped_at:,}", dtype=run.request.computed_in)
    return say("diverged_outcome" if run.status == "diverged" else run.status)


def _rates(run: Run, say: Says) -> Iterator[tuple[str, str]]:
    stability = run.stability
    yield say("lr"), f"{run.lr:.6g}"
    if isfinite(stability.lr_limit):
        limit = significant(stability.lr_limit)
        yield say("limit"), say("limit_is", limit=limit, column=shortened(stability.column, _NAME))
    if stability.lr_limit_batches is not None:
        yield say("limit_batches"), say("about", limit=significant(stability.lr_limit_batches, 2))
    if isfinite(stability.lr_best) and stability.lr_best > 0.0:
        yield say("best"), significant(stability.lr_best)
    yield say("steep"), named(stability.steep)
    yield say("flat"), named(stability.flat)
    yield say("kappa"), brief(stability.condition_number, 4)
