"""The loss over two coefficients as rings, the path of training among them, and where the loss is least."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gradline.allowed import place_among
from gradline.descent.quadratic import Quadratic, quadratic_of
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import choices
from gradline.pictures.canvas import Canvas, Style, canvas_on
from gradline.report.numbers import significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.results.run import Run

_RINGS = 7  # within the start's loss
_MOST_RINGS = 21
_GRID = 240
_FIRST = 500  # steps that are all drawn; from there on evenly in their logarithms
_LATER = 300
_DOTS = 60  # steps up to which each is a point
_BEYOND = 10.0  # times what the start has above the least loss: the picture does not follow further
_MARGIN = 0.15


def surface(
    run: Run, ax: Axes | None, lang: str, plane: Sequence[str] | None = None, target: str | None = None
) -> Axes:
    """The picture: see `Run.plot`."""
    if run.request.loss != "mse":
        raise OptionError(
            f"moments tell the surface of the squared loss; this run had loss={run.request.loss!r}.\n"
            'run.plot("loss") has its curve.'
        )
    which, at = _plane(run, plane), place_among("target", target, run.moments.targets)
    way, bottom = way_of(run, at), run.gap().exact.reshape(len(run.names), -1)[:, at]
    bowl = quadratic_of(run.moments)
    root = root_over(bowl, which)
    with np.errstate(over="ignore", invalid="ignore"):
        above = np.square((way - bottom)[:, which] @ root.T).sum(axis=1)
    inside = len(way)  # steps that the picture shows
    if run.status == "diverged":
        most = _BEYOND * float(np.square(bowl.root @ (way[0] - bottom)).sum())
        inside = max(1, int(np.argmin(above <= most))) if not (above <= most).all() else len(way)

    canvas = canvas_on(ax, lang)
    low, high = _window(np.vstack([way[:inside, which], bottom[which]]))
    grid = np.linspace(low, high, _GRID)  # (grid, 2)
    _rings(canvas, grid, _squares_over(root, grid - bottom[which]), float(above[:inside].max()))
    unit = 1.0 if run.request.reduction == "sum" else 1.0 / (bowl.rows * len(run.moments.targets))
    ends = [unit * (bowl.floor + float(np.square(bowl.root @ (way[i] - bottom)).sum())) for i in (0, inside - 1)]
    _draw_way(canvas, way[:, which], inside, ends, f"{run.lr:.4g}")
    exact = canvas.words("exact", loss=significant(unit * bowl.floor, 4))
    star: Style = {"color": canvas.colours[2], "mec": canvas.ground, "marker": "*", "ms": 14, "ls": ""}
    canvas.ax.plot(*bottom[which], label=exact, zorder=5, **star)
    canvas.ax.set_xlim(low[0], high[0])
    canvas.ax.set_ylim(low[1], high[1])
    canvas.label(*[canvas.name(run.names[i]) for i in which])
    canvas.legend()
    return canvas.ax


def way_of(run: Run, at: int) -> Array:
    """Parameters (steps, p) of one target: before each step that is shown, and after the last."""
    kept = len(run.history)
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [run.path.parameters(0, min(kept, _FIRST))]
        if kept > _FIRST:
            later = np.unique(np.geomspace(_FIRST, kept - 1, _LATER).round().astype(int)).tolist()
            parts += [run.path.parameters(step, step + 1) for step in later]
        theta = np.concatenate(parts)
        theta = theta if run.units is None else run.units.raw(theta)
    end = np.column_stack([np.atleast_1d(run.bias), run.weight.reshape(-1, len(run.names) - 1)])
    return np.concatenate([theta[:, :, at], end[at : at + 1]])


def root_over(bowl: Quadratic, which: Sequence[int]) -> Array:
    """A triangle (2, 2) whose ‖triangle·δ‖² is what the sum of squares has above its least, a step δ away from it.

    The other coefficients are at their best for each δ: in a plane where they stood still, a path along a valley
    would seem to climb. With the two columns last, that is the end of the triangular factor.
    """
    others = [i for i in range(len(bowl.root)) if i not in which]
    factor: Array = np.asarray(np.linalg.qr(bowl.root[:, [*others, *which]], mode="r"))
    return factor[-2:, -2:]


def _squares_over(root: Array, away: Array) -> Array:
    """‖root·δ‖² (y, x) over a grid of δ, its two coordinates the columns of away (grid, 2)."""
    east, north = root[:, 0, None] * away[:, 0], root[:, 1, None] * away[:, 1]  # (2, grid)
    squares: Array = np.square(north[:, :, None] + east[:, None, :]).sum(axis=0)
    return squares


def _draw_way(canvas: Canvas, way: Array, inside: int, losses: Sequence[float], lr: str) -> None:
    """The path (steps, 2), its first point, and its last one if that is inside."""
    ax, vermillion = canvas.ax, canvas.colours[1]
    whole = inside == len(way)
    marker = "." if inside < _DOTS else ""
    label = canvas.words("path" if whole else "away", lr=lr)
    ax.plot(*way[: inside + 1].T, color=vermillion, lw=1.3, marker=marker, ms=5, zorder=3, label=label)
    point: Style = {"color": vermillion, "mec": canvas.ground, "ms": 8, "ls": "", "zorder": 4}
    ax.plot(*way[0], marker="o", label=canvas.words("start", loss=significant(losses[0], 4)), **point)
    if whole:
        ax.plot(*way[-1], marker="s", label=canvas.words("end", loss=significant(losses[1], 4)), **point)


def _plane(run: Run, plane: Sequence[str] | None) -> list[int]:
    """Which two parameters span the picture."""
    if len(run.names) < 2:
        raise OptionError('a surface needs two coefficients, and this model has the intercept alone.\nTry "loss".')
    if plane is None:
        steep, flat = run.stability.steep[0], run.stability.flat
        plane = run.names[::-1] if len(run.names) == 2 else list(dict.fromkeys([steep, *flat, *run.names]))[:2]
    if isinstance(plane, str) or len(plane) != 2 or plane[0] == plane[1]:
        raise OptionError(
            f"plane must be two different coefficients; {plane!r} arrived.\n{choices('coefficients', run.names)}"
        )
    return [place_among("plane", name, run.names) for name in plane]


def _window(points: Array) -> tuple[Array, Array]:
    """The corners of a picture that has all these points (m, 2), with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = high - low
    span = np.where(span > 1e-9 * np.abs(high), span, np.maximum(0.1 * np.abs(high), 1e-3))
    middle = (low + high) / 2
    return middle - (0.5 + _MARGIN) * span, middle + (0.5 + _MARGIN) * span


def _rings(canvas: Canvas, grid: Array, squares: Array, reached: float) -> None:
    """Evenly spaced rings, as of a cone: the loss goes up with the square of the way from the middle."""
    top = float(squares.max())
    ring = reached / _RINGS**2 if reached > 0.0 else top / _RINGS**2
    ring = max(ring, top / _MOST_RINGS**2)
    if not ring > 0.0:
        return
    levels = ring * np.arange(int(np.sqrt(top / ring)) + 2) ** 2
    shades = [canvas.tint(0.4 * 0.86**number) for number in range(len(levels) - 1)]
    canvas.ax.contourf(*grid.T, squares, levels, colors=shades, zorder=0)
    canvas.ax.contour(*grid.T, squares, levels[1:], colors=[canvas.tint(0.6)], linewidths=0.5, zorder=1)
