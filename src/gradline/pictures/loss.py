"""The loss from step to step, and the loss of the exact solution below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.doubledouble import Array
from gradline.pictures.canvas import Canvas, Style, canvas_on
from gradline.pictures.ticks import put_ticks, round_numbers
from gradline.report.numbers import significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.results.run import Run

_KEPT = 100_000
"""Steps up to which all are drawn; a billion that are computed as they are read would take hours."""
_SHOWN = 2_000
_FEW = 12
_MARGIN, _LEAST = 0.05, 0.02  # of the logarithms' range, and of a decade
_LOWEST, _HIGHEST = -307.0, 307.0


def loss(run: Run, ax: Axes | None, lang: str) -> Axes:
    """The curve: see `Run.plot`."""
    canvas = canvas_on(ax, lang)
    from matplotlib.ticker import MaxNLocator

    ax = canvas.ax
    step, values = curve(run)
    _draw(canvas, run, step, values)
    floor = floor_of(run)
    if floor is not None:
        label = canvas.words("floor", loss=significant(floor, 4))
        ax.axhline(floor, color=canvas.colours[2], lw=1.2, ls="--", zorder=1, label=label)

    drawn = np.append(values, [] if floor is None else floor)
    drawn = drawn[np.isfinite(drawn) & (drawn > 0.0)]
    if len(drawn):
        low, high = _limits(np.log10(drawn.min()), np.log10(drawn.max()))
        ax.set_ylim(low, high)  # before the scale, whose own margins would overflow
        ax.set_yscale("log")
        put_ticks(ax.yaxis, round_numbers(low, high))
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if len(step) == 1:
        ax.set_xlim(-1.0, 1.0)
    canvas.label(canvas.words("epoch"), canvas.words("loss", loss=run.request.loss))
    canvas.legend()
    return ax


def curve(run: Run) -> tuple[Array, Array]:
    """Steps and their losses: all that are kept, or some 2,000 evenly spread and the last."""
    history = run.history
    if len(history) <= _KEPT:
        return history.step.astype(float), history.loss
    kept = np.unique(np.linspace(0, len(history) - 1, _SHOWN).round().astype(int)).tolist()
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.concatenate([run.path.losses(at, at + 1) for at in kept])
    return np.array([float(run.path.numbers[at]) for at in kept]), values


def floor_of(run: Run) -> float | None:
    """The loss of the exact solution over a step's rows; None where it is not known, or too small to tell from 0."""
    if run.request.loss != "mse":
        return None
    squares, rows = run.quadratic.floor, run.quadratic.rows
    if squares <= (2.0**-52) ** 2 * float(np.square(run.quadratic.aim).sum()):
        return None
    if run.request.reduction == "mean":
        return squares / (rows * len(run.moments.targets))
    return squares * (run.request.batch_size or rows) / rows


def _draw(canvas: Canvas, run: Run, step: Array, values: Array) -> None:
    """The curve; of mini-batches a thin one with the means of epochs over it. Where it diverged its end is marked."""
    ax, (blue, vermillion, _, _) = canvas.ax, canvas.colours
    per_epoch, size, lr = run.history.steps_per_epoch, run.request.batch_size, f"{run.lr:.4g}"
    style: Style = {"marker": "." if len(step) <= _FEW else "", "lw": 1.8, "color": blue}
    if size is None:
        ax.plot(step / per_epoch, values, label=canvas.words("training", lr=lr), **style)
    else:
        label = canvas.words("steps", lr=lr, batch=f"{size:,}")
        ax.plot(step / per_epoch, values, label=label, **style | {"lw": 0.7, "alpha": 0.45})
        ax.plot(*_epochs(step // per_epoch, values), label=canvas.words("epochs"), **style)
    finite = np.flatnonzero(np.isfinite(values))
    if run.status == "diverged" and len(finite):
        last = finite[-1]
        key = "diverged" if run.stopped_at is None else "stopped"
        label = canvas.words(key, loss=significant(values[last], 3), step=f"{run.stopped_at or 0:,}")
        cross: Style = {"color": vermillion, "marker": "x", "ls": "", "ms": 9, "mew": 2.5, "clip_on": False}
        ax.plot(step[last] / per_epoch, values[last], label=label, zorder=3, **cross)


def _epochs(epoch: Array, values: Array) -> tuple[Array, Array]:
    """The middle of each epoch, and the mean of its losses that were kept."""
    numbers, place = np.unique(epoch, return_inverse=True)
    with np.errstate(over="ignore", invalid="ignore"):
        return numbers + 0.5, np.bincount(place, weights=values) / np.bincount(place)


def _limits(low: float, high: float) -> tuple[float, float]:
    """Those of the axis for losses from 10^low to 10^high, with a margin that stays within float64's range."""
    margin = max(_MARGIN * (high - low), _LEAST)
    return 10.0 ** max(low - margin, _LOWEST), 10.0 ** min(high + margin, _HIGHEST)
