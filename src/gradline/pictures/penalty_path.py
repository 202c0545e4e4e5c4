"""Coefficients against the strength of a penalty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.allowed import place_among
from gradline.pictures.canvas import Style, canvas_on
from gradline.pictures.endings import how_many_fit, room_for, write_at_ends
from gradline.pictures.strengths import strength_axis, strengths_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.results.penalty_path import PenaltyPath

_NAMED = 12
_FEW = 12  # strengths up to which each is a point
_DASHES = ("-", "--", ":")


def penalty_path(path: PenaltyPath, ax: Axes | None, lang: str, target: str | None) -> Axes:
    """The curves of one target: see `PenaltyPath.plot`."""
    at = place_among("target", target, path.moments.targets)
    canvas = canvas_on(ax, lang)
    ax = canvas.ax
    axis, strengths = strengths_of(path)
    order = np.argsort(-strengths, kind="stable")
    strengths, slopes = strengths[order], path.slopes[order, :, at]  # (m, d)
    ends = np.nan_to_num(slopes[-1])
    largest = np.argsort(-np.abs(ends), kind="stable")[: min(_NAMED, how_many_fit(canvas))]
    largest = largest[ends[largest] != 0.0]

    style: Style = {"marker": "." if len(strengths) <= _FEW else "", "lw": 1.5}
    colours = {int(column): canvas.colours[rank % len(canvas.colours)] for rank, column in enumerate(largest)}
    dashes = {int(column): _DASHES[rank // len(canvas.colours)] for rank, column in enumerate(largest)}
    ax.axhline(0.0, color=canvas.ink, lw=0.6, alpha=0.5, zorder=1)
    for column in range(slopes.shape[1]):
        if column in colours:
            ax.plot(strengths, slopes[:, column], color=colours[column], ls=dashes[column], zorder=3, **style)
        else:
            ax.plot(strengths, slopes[:, column], color=canvas.ink, alpha=0.3, zorder=2, **style | {"lw": 0.8})

    names = [canvas.name(path.columns[column]) for column in largest]
    room = room_for(canvas, names)
    strength_axis(canvas, strengths, room)
    write_at_ends(canvas, strengths[-1], ends[largest], names, list(colours.values()), room)
    of = {} if path.moments.single_target else {"target": canvas.name(path.moments.targets[at])}
    canvas.label(canvas.words(axis), canvas.words("coefficient_of" if of else "coefficient", **of))
    return ax
