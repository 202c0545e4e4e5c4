"""Names written at the right ends of lines, none over another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gradline.doubledouble import Array

if TYPE_CHECKING:
    from gradline.pictures.canvas import Canvas

_LEADER = 0.04  # of the axes' width, from the end of a line to its name
_MOST = 0.4
_LINE = 1.25  # heights of a letter


def room_for(canvas: Canvas, names: Sequence[str]) -> float:
    """The share of the axes' width that these names take."""
    ax = canvas.ax
    widest = 0.0
    for name in names:
        text = ax.text(0.0, 0.0, name, **canvas.small)
        widest = max(widest, text.get_window_extent().width)
        text.remove()
    return min(widest / ax.get_window_extent().width + _LEADER + 0.02, _MOST) if names else 0.0


def how_many_fit(canvas: Canvas) -> int:
    """Names, one below the other."""
    ax = canvas.ax
    height = canvas.small["fontsize"] * _LINE * ax.figure.dpi / 72.0
    return int(ax.get_window_extent().height / height)


def write_at_ends(
    canvas: Canvas, x: float, heights: Array, names: Sequence[str], colours: Sequence[str], room: float
) -> None:
    """The names, each at its line's height or as near as there is room, with a thread to where the line ends.

    Args:
        canvas: With its limits set.
        x: Where the lines end.
        heights: (names,) at which they do.
        names: As they are to be written.
        colours: Of the lines.
        room: What `room_for` said.
    """
    ax = canvas.ax
    low, high = ax.get_ylim()
    places = spread(heights, (high - low) / max(how_many_fit(canvas), 1), low, high)
    for height, place, name, colour in zip(heights, places, names, colours, strict=True):
        ax.annotate(
            name,
            xy=(x, height),
            xytext=(1.0 - room + _LEADER, place),
            textcoords=("axes fraction", "data"),
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "lw": 0.8,
                "shrinkA": 2,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
            **canvas.small | {"color": canvas.ink},
        )


def spread(heights: Array, gap: float, low: float, high: float) -> Array:
    """The places nearest to these heights, in the same order and at least a gap apart, if so many fit.

    >>> spread(np.array([0.0, 0.1, 5.0]), 1.0, -9.0, 9.0).round(2).tolist()
    [-0.45, 0.55, 5.0]

    Source: isotonic regression of heights less number·gap; Barlow et al. (1972).
    """
    from scipy.optimize import isotonic_regression

    if not len(heights):
        return heights
    gap = min(gap, (high - low) / len(heights))
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    fitted = np.clip(isotonic_regression(heights[order] - steps).x, low + gap / 2, high - gap / 2 - steps[-1])
    places = np.empty_like(heights)
    places[order] = fitted + steps
    return places
