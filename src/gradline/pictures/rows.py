"""Pictures of the rows of a fit: the data with the line, and what is left of them.

Up to 5,000 rows each is a point; of more a shade says how many lie where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.allowed import place_among
from gradline.design.terms import columns_of
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.pictures.canvas import Canvas, Style, canvas_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.moments.grids import Grid
    from gradline.results.fit import Fit
    from gradline.results.influence import Influence

_CURVE = 200
"""Points of a curve."""
_NAMED = 3
"""Rows whose numbers stand beside them."""
_LEAST = 20
"""Points without which there is no median to draw."""

_RIGHT = 0.75
"""Share of the width beyond which a row's number stands to the left of its mark."""
_NEAR = np.array([0.25, 0.05])
"""Shares of width and height within which two numbers would meet."""


def residuals(fit: Fit, ax: Axes | None, lang: str, target: str | None = None) -> Axes:
    """What is left of each row against what was fitted, with the median and the middle half along the way."""
    return _against_fitted(fit, ax, lang, target, "residuals")


def scale(fit: Fit, ax: Axes | None, lang: str, target: str | None = None) -> Axes:
    """The root of each standardized residual's size against what was fitted: level where the variance is the same."""
    return _against_fitted(fit, ax, lang, target, "scale")


def qq(fit: Fit, ax: Axes | None, lang: str, target: str | None = None) -> Axes:
    """Standardized residuals against the quantiles of a normal distribution: a line where they are normal."""
    from scipy.special import ndtri

    canvas, found, at = _begin(fit, ax, lang, target)
    if found.points is not None:
        y = np.sort(found.points.standardized[at][np.isfinite(found.points.standardized[at])])
        share = (np.arange(len(y)) + 0.5) / max(len(y), 1)
    else:
        grid = found.grids[at]["qq"]
        counts, edges = grid.table[:, 0], grid.edges[0]
        there = counts > 0
        y, share = (edges[:-1] + edges[1:])[there] / 2, ((np.cumsum(counts) - counts / 2) / counts.sum())[there]
    x = ndtri(share)
    _line(canvas, x, x)
    marks: Style = {"marker": ".", "ls": "", "ms": 5, "color": canvas.colours[0], "zorder": 3}
    canvas.ax.plot(x, y, **marks)
    canvas.label(canvas.words("normal_quantile"), canvas.words("standardized"))
    return canvas.ax


def leverage(fit: Fit, ax: Axes | None, lang: str, target: str | None = None) -> Axes:
    """Standardized residuals against leverage, with curves of one Cook's distance: what is beyond moves the fit."""
    canvas, found, at = _begin(fit, ax, lang, target)
    each = found.points
    if each is not None:
        _points(canvas, each.leverage[at], each.standardized[at])
    else:
        _shade(canvas, found.grids[at]["leverage"])
    _name_rows(canvas, found, at, "leverage", "standardized")
    canvas.ax.axhline(0.0, color=canvas.ink, lw=0.8, alpha=0.6)
    canvas.ax.set_xlim(left=0.0)
    low, high = canvas.ax.get_ylim()
    right = canvas.ax.get_xlim()[1]
    h = np.linspace(right / _CURVE, min(right, 1.0 - 1e-9), _CURVE)
    for distance, dashes in ((0.5, ":"), (1.0, "--")):
        reach = np.sqrt(distance * found.rank * (1.0 - h) / h)
        label = canvas.words("cooks", distance=f"{distance:g}")
        if (reach <= high).any() or (-reach >= low).any():
            canvas.ax.plot(h, reach, color=canvas.colours[1], lw=1.0, ls=dashes, label=label)
            canvas.ax.plot(h, -reach, color=canvas.colours[1], lw=1.0, ls=dashes)
    canvas.ax.set_ylim(low, high)
    if canvas.ax.get_legend_handles_labels()[0]:
        canvas.legend()
    canvas.label(canvas.words("leverage"), canvas.words("standardized"))
    return canvas.ax


def data(fit: Fit, ax: Axes | None, lang: str, target: str | None = None) -> Axes:
    """The rows with the line, its 95 % confidence band, and the band in which new rows fall."""
    canvas, found, at = _begin(fit, ax, lang, target)
    name = _feature(fit)
    if found.points is not None and found.feature is not None:
        each = found.points
        x, y = found.feature, each.fitted[at] + each.residual[at]
        _points(canvas, x, y)
        first, last = float(x.min()), float(x.max())
    elif found.grids and "data" in found.grids[at]:
        grid = found.grids[at]["data"]
        _shade(canvas, grid)
        first, last = (float(edge) for edge in grid.edges[0][[0, -1]])
    else:
        raise _no_line(fit)
    along = np.linspace(first, last, _CURVE)
    new: Any = along if fit.array_names else _frame(name, along)
    known = bool(np.isfinite(fit.se).all())
    if known:
        bands = [fit.predict(new, interval=interval) for interval in ("prediction", "mean")]
        for band, key, share in zip(bands, ("prediction_band", "confidence_band"), (0.12, 0.35), strict=True):
            low, high = (_of(part, at) for part in (band.lower, band.upper))  # type: ignore[union-attr]
            colour = canvas.colours[1]
            canvas.ax.fill_between(
                along, low, high, color=colour, alpha=share, lw=0, label=canvas.words(key), zorder=1
            )
            for edge in (low, high):  # over the points, where these hide the band
                canvas.ax.plot(along, edge, color=colour, lw=0.7, alpha=0.7, zorder=4)
    line = _of(fit.predict(new), at)  # type: ignore[arg-type]
    canvas.ax.plot(along, line, color=canvas.colours[1], lw=1.8, label=canvas.words("fitted_line"), zorder=4)
    canvas.label(canvas.name(name), canvas.name(fit.targets[at]))
    canvas.legend()
    return canvas.ax


def _begin(fit: Fit, ax: Axes | None, lang: str, target: str | None) -> tuple[Canvas, Influence, int]:
    from gradline.second_pass.influence import influence_of

    at = place_among("target", target, fit.targets)
    canvas = canvas_on(ax, lang)
    return canvas, influence_of(fit), at


def _against_fitted(fit: Fit, ax: Axes | None, lang: str, target: str | None, kind: str) -> Axes:
    canvas, found, at = _begin(fit, ax, lang, target)
    if found.points is not None:
        x, y = found.points.fitted[at], found.points.residual[at]
        if kind == "scale":
            y = np.sqrt(np.abs(found.points.standardized[at]))
        _points(canvas, x, y)
        bands = _bands_of_points(x, y)
    else:
        grid = found.grids[at][kind]
        _shade(canvas, grid)
        bands = _bands_of_grid(grid)
    if bands is not None:
        middle, quarters = bands
        colour = canvas.colours[1]
        label = canvas.words("middle_half")
        canvas.ax.fill_between(
            middle, quarters[0], quarters[2], color=colour, alpha=0.25, lw=0, label=label, zorder=3
        )
        canvas.ax.plot(middle, quarters[1], color=colour, lw=1.6, label=canvas.words("median"), zorder=4)
    if kind == "residuals":
        canvas.ax.axhline(0.0, color=canvas.ink, lw=0.8, alpha=0.6, zorder=2)
        _name_rows(canvas, found, at, "fitted", "residual")
    label = "residual" if kind == "residuals" else "root_standardized"
    of = "" if fit.single_target else f" ({canvas.name(fit.targets[at])})"
    canvas.label(canvas.words("fitted") + of, canvas.words(label))
    if bands is not None:
        canvas.legend()
    return canvas.ax


def _points(canvas: Canvas, x: Array, y: Array) -> None:
    """Each row, the fainter the more there are."""
    alpha = float(np.clip(12.0 / np.sqrt(max(len(x), 1)), 0.25, 0.9))
    there = np.isfinite(x) & np.isfinite(y)
    canvas.ax.scatter(x[there], y[there], s=14, color=canvas.colours[0], alpha=alpha, lw=0, zorder=2)


def _shade(canvas: Canvas, grid: Grid) -> None:
    """How many rows lie in each cell, in shades from the ground to blue, on a logarithmic scale."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    counts = np.ma.masked_equal(grid.table.T, 0)
    shades = LinearSegmentedColormap.from_list("rows", [canvas.tint(0.2), canvas.tint(1.0)])
    norm = LogNorm(1, max(int(counts.max()), 2))
    cells = canvas.ax.pcolormesh(*grid.edges, counts, cmap=shades, norm=norm, rasterized=True, zorder=1)
    for edges in (cells.sticky_edges.x, cells.sticky_edges.y):
        edges.clear()  # the outermost rows have marks, which the frame would cut
    canvas.ax.margins(0.03)
    bar = canvas.ax.figure.colorbar(cells, ax=canvas.ax, pad=0.02, fraction=0.05)
    bar.set_label(canvas.words("rows"), **canvas.small)
    bar.outline.set_visible(False)


def _name_rows(canvas: Canvas, found: Influence, at: int, x: str, y: str) -> None:
    """The numbers of the rows that move the fit most, beside them: within the frame, and below where one is above."""
    each, ax = found.top[at], canvas.ax
    places = np.column_stack([getattr(each, x)[at], getattr(each, y)[at]])[:_NAMED]
    there = np.isfinite(places).all(axis=1)
    if found.points is None:
        ax.plot(*places[there].T, marker=".", ls="", color=canvas.colours[0], ms=6, zorder=5)
    shares = ax.transAxes.inverted().transform(ax.transData.transform(places))
    for number in there.nonzero()[0]:
        right = shares[number, 0] > _RIGHT
        above = not (abs(shares[:number] - shares[number]) < _NEAR).all(axis=1).any()
        style: Style = {
            "xytext": (-5 if right else 5, 3 if above else -10),
            "textcoords": "offset points",
            "ha": "right" if right else "left",
            "alpha": 0.85,
            "zorder": 6,
        }
        ax.annotate(f"{each.rows[number]:,}", places[number], **canvas.small | style)


def _line(canvas: Canvas, x: Array, y: Array) -> None:
    if len(x):
        canvas.ax.plot(x[[0, -1]], y[[0, -1]], color=canvas.ink, lw=0.8, alpha=0.6, zorder=2)


def _bands_of_points(x: Array, y: Array) -> tuple[Array, Array] | None:
    """Along x, in groups of as many points: the middles (m,), and the quartiles (3, m) of y."""
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    if len(x) < _LEAST or np.ptp(x) == 0.0:
        return None
    groups = np.array_split(np.argsort(x, kind="stable"), int(np.clip(np.sqrt(len(x)) / 1.5, 4, 30)))
    quarters = np.stack([np.quantile(y[group], (0.25, 0.5, 0.75)) for group in groups], axis=1)
    return np.array([np.median(x[group]) for group in groups]), quarters


def _bands_of_grid(grid: Grid) -> tuple[Array, Array] | None:
    """The same from counts, of the columns of cells that hold at least a few rows, by linear interpolation."""
    across, along = grid.edges
    counts = grid.table
    least = max(_LEAST, int(counts.sum() * 1e-4))
    columns = np.flatnonzero(counts.sum(axis=1) >= least)
    if len(columns) < 2:
        return None
    quarters = np.empty((3, len(columns)))
    for number, column in enumerate(columns):
        share = np.concatenate([[0.0], np.cumsum(counts[column])]) / counts[column].sum()
        quarters[:, number] = np.interp((0.25, 0.5, 0.75), share, along)
    return (0.5 * (across[:-1] + across[1:]))[columns], quarters


def _feature(fit: Fit) -> str:
    names = columns_of(fit.terms)
    if len(names) != 1:
        raise _no_line(fit)
    return names[0]


def _no_line(fit: Fit) -> OptionError:
    return OptionError(
        f"the picture 'data' is of a line over one column, and this fit has {len(fit.terms)} features.\n"
        "Use kind='residuals', or fit the target on one column."
    )


def _frame(name: str, values: Array) -> Any:
    import pandas as pd

    return pd.DataFrame({name: values})


def _of(values: Array, at: int) -> Array:
    return values if values.ndim == 1 else values[:, at]
