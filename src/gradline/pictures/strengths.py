"""The strength of a penalty as an axis: logarithmic, the strongest at the left, strength 0 where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.doubledouble import Array
from gradline.pictures.ticks import put_ticks, round_numbers

if TYPE_CHECKING:
    from gradline.pictures.canvas import Canvas
    from gradline.results.penalty_path import PenaltyPath

_MARGIN = 0.015  # of the width: a point at an edge is not cut in half


def strengths_of(path: PenaltyPath) -> tuple[str, Array]:
    """What the axis shows, "l1", "l2" or "both", and the strengths (m,) that stand on it."""
    vary = [len(np.unique(values)) > 1 for values in (path.l1, path.l2)]
    if all(vary):
        return "both", path.l1
    return ("l2", path.l2) if vary[1] or not path.l1.any() else ("l1", path.l1)


def strength_axis(canvas: Canvas, strengths: Array, room: float = 0.0) -> None:
    """Scale, limits and ticks.

    Args:
        canvas: With the curves drawn.
        strengths: (m,).
        room: Share of the width that is left free at the right, for names.
    """
    ax = canvas.ax
    positive = strengths[strengths > 0.0]
    most, least = strengths.max(), strengths.min()
    if not len(positive):
        return
    if least > 0.0:
        ax.set_xscale("log")
    else:
        ax.set_xscale("symlog", linthresh=positive.min(), linscale=0.5)
    forward = ax.xaxis.get_transform()
    left, right = forward.transform(np.array([most, least if most > least else least / 10.0]))
    width = (left - right) / (1.0 - 2.0 * _MARGIN - room)
    edges = np.array([left + _MARGIN * width, right - (_MARGIN + room) * width])
    ax.set_xlim(*forward.inverted().transform(edges))
    put_ticks(ax.xaxis, round_numbers(positive.min(), most) + [0.0] * int(least == 0.0))
    ax.spines["bottom"].set_bounds(least, most)
