"""The error of held-out rows against the strength of a penalty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.allowed import place_among
from gradline.doubledouble import Array
from gradline.pictures.canvas import Canvas, Style, canvas_on
from gradline.pictures.strengths import strength_axis, strengths_of
from gradline.report.numbers import brief

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.results.cross_validation import CrossValidation

_COUNTS = 9  # numbers of coefficients above the picture


def cross_validation(cv: CrossValidation, ax: Axes | None, lang: str, target: str | None) -> Axes:
    """The curve of one target: see `CrossValidation.plot`."""
    path = cv.path
    at = place_among("target", target, path.moments.targets)
    canvas = canvas_on(ax, lang)
    ax = canvas.ax
    axis, strengths = strengths_of(path)
    order = np.argsort(-strengths, kind="stable")
    mean, se = (values.reshape(len(strengths), -1)[:, at] for values in (cv.mean, cv.se))

    x, known = strengths[order], np.isfinite(se).all()
    label = canvas.words("each" if known else "mean", folds=len(cv.folds))
    bars = se[order] if known else None
    ax.errorbar(
        x, mean[order], bars, color=canvas.colours[0], marker=".", lw=1.2, elinewidth=0.7, label=label, zorder=2
    )
    _mark(canvas, cv, "l2" if axis == "l2" else "l1", strengths, mean)
    if path.moments.single_target and known:
        ax.axhline(mean[cv.best] + se[cv.best], color=canvas.colours[1], lw=0.8, ls=":", zorder=1)

    strength_axis(canvas, strengths)
    of = {} if path.moments.single_target else {"target": canvas.name(path.moments.targets[at])}
    canvas.label(canvas.words(axis), canvas.words("held_out_of" if of else "held_out", **of))
    if path.l1.any() and strengths.min() > 0.0:
        _count(canvas, x, (np.nan_to_num(path.slopes[order, :, at]) != 0.0).sum(axis=1))
    canvas.legend()
    return ax


def _mark(canvas: Canvas, cv: CrossValidation, name: str, strengths: Array, mean: Array) -> None:
    """The two strengths that were chosen, one mark if they are the same."""
    _, vermillion, green, _ = canvas.colours
    marks = [("best", cv.best, green, "o"), ("simplest", cv.simplest, vermillion, "D")]
    if cv.best == cv.simplest:
        marks = [("both_are", cv.best, green, "o")]
    for key, number, colour, marker in marks:
        label = canvas.words(key, name=name, strength=brief(strengths[number], 4))
        canvas.ax.axvline(strengths[number], color=colour, lw=0.8, ls="--", zorder=1)
        point: Style = {"color": colour, "marker": marker, "ls": "", "ms": 8, "zorder": 3, "mec": canvas.ground}
        canvas.ax.plot(strengths[number], mean[number], label=label, **point)


def _count(canvas: Canvas, strengths: Array, counts: Array) -> None:
    """How many coefficients are not 0, above the picture."""
    shown = np.unique(np.linspace(0, len(strengths) - 1, _COUNTS).round().astype(int))
    top = canvas.ax.secondary_xaxis("top")
    top.set_xticks(strengths[shown], [str(count) for count in counts[shown]], minor=False)
    top.set_xticks([], minor=True)
    top.tick_params(length=2)
    top.set_xlabel(canvas.words("nonzero"), **canvas.small)
    top.spines["top"].set_visible(False)
