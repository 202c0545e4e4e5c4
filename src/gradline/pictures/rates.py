"""By what factor an epoch shrinks the error, at every learning rate up to beyond the limit."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from gradline.descent.recurrence import spectral_radius
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import listing
from gradline.pictures.canvas import Canvas, Style, canvas_on
from gradline.report.numbers import significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.descent.stability import Stability
    from gradline.results.run import Run

_RATES = 400
_WIDEST = 3.0  # times the limit: a rate beyond it is not drawn
_HIGHEST = 2.0
_NAMES = 24


def rates_of_run(run: Run, ax: Axes | None, lang: str) -> Axes:
    """The picture of a run that SGD on the squared loss made; of others the formulas say nothing."""
    request = run.request
    if request.loss != "mse" or request.optimizer != "sgd":
        raise OptionError(
            "a picture of rates is known for SGD on the squared loss; "
            f"this run was {request.optimizer} on {request.loss}.\n"
            'run.plot("loss") has its curve.'
        )
    return rates(run.stability, ax, lang)


def rates(stability: Stability, ax: Axes | None, lang: str) -> Axes:
    """The picture: see `Stability.plot`."""
    canvas = canvas_on(ax, lang)
    ax = canvas.ax
    blue, _, _, purple = canvas.colours
    limit = stability.lr_limit
    width = limit if 0.0 < limit < inf else 4.0 / float(stability.steepness[0])
    right = max(1.2 * width, 1.1 * stability.lr) if stability.lr <= _WIDEST * width else 1.2 * width
    marked = [rate for rate in (limit, stability.lr_best, stability.lr) if 0.0 < rate <= right]
    grid = np.unique([*np.linspace(right / _RATES, right, _RATES), *marked])
    ends = factors(stability, grid)
    ax.plot(grid, ends.max(axis=1), color=canvas.ink, lw=2.5, alpha=0.85, zorder=2, label=canvas.words("slowest"))
    if stability.condition_number > 1.0 + 1e-9:
        for key, column, colour, names in (
            ("steepest", 0, blue, stability.steep),
            ("flattest", 1, purple, stability.flat),
        ):
            label = canvas.words(key, columns=listing([canvas.name(name) for name in names], _NAMES))
            ax.plot(grid, ends[:, column], color=colour, lw=1.4, ls="--", zorder=3, label=label)
    ax.axhline(1.0, color=canvas.ink, lw=0.6, alpha=0.5, zorder=1)
    _mark(canvas, stability, right)
    ax.set_xlim(0.0, right)
    ax.set_ylim(0.0, _HIGHEST)
    canvas.label(canvas.words("rate"), canvas.words("left"))
    canvas.legend("upper left")  # below the limit nothing is above 1
    return ax


def factors(stability: Stability, lr: Array) -> Array:
    """What an epoch leaves of an error along the steepest and the flattest direction, (rates, 2).

    All others lie between. With mini-batches the mean of many runs, each of whose errors ends at the noise.
    """
    steps = 1 if stability.drawing is None else stability.drawing.steps
    ends = stability.steepness[[0, -1]]
    each = [spectral_radius(replace(stability.options, lr=float(rate)), ends) for rate in lr]
    with np.errstate(over="ignore"):
        left: Array = np.array(each) ** steps
    return left


def _mark(canvas: Canvas, stability: Stability, right: float) -> None:
    """The limit, the fastest rate, and the rate of the run."""
    blue, vermillion, green, _ = canvas.colours
    ax, limit, best, lr = canvas.ax, stability.lr_limit, stability.lr_best, stability.lr
    if limit < inf:
        label = canvas.words("limit", lr=significant(limit, 4))
        ax.axvline(limit, color=vermillion, lw=1.5, zorder=2, label=label)
        ax.axvspan(limit, right, color=vermillion, alpha=0.1, lw=0, zorder=0)
    if stability.drawing is not None and stability.lr_limit_batches is not None:
        about = significant(stability.lr_limit_batches, 2)
        label = canvas.words("limit_batches", batch=f"{stability.drawing.size:,}", lr=about)
        ax.axvline(stability.lr_limit_batches, color=vermillion, lw=1.5, ls=":", zorder=2, label=label)
    point: Style = {"ls": "", "mec": canvas.ground, "zorder": 5, "clip_on": False}
    if 0.0 < best <= right:
        factor = float(factors(stability, np.array([best])).max())
        label = canvas.words("fastest", lr=significant(best, 4), factor=significant(factor, 4))
        ax.plot(best, factor, color=green, marker="*", ms=14, label=label, **point)
    if lr == best:
        return
    factor = float(factors(stability, np.array([lr])).max())
    if lr > right:
        ax.plot([], [], ls="", label=canvas.words("beyond", lr=f"{lr:.4g}", factor=significant(factor, 4)))
    else:
        label = canvas.words("own", lr=f"{lr:.4g}", factor=significant(factor, 4))
        marker = "o" if factor <= _HIGHEST else "^"
        ax.plot(lr, min(factor, _HIGHEST), color=blue, marker=marker, ms=8, label=label, **point)
