"""Coefficients with their confidence intervals, one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.allowed import place_among
from gradline.doubledouble import Array
from gradline.layout import shortened
from gradline.pictures.canvas import Style, canvas_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.results.fit import Fit

_MOST = 60
_ROW = 0.26  # inches
_AROUND = 1.1  # inches above and below the rows
_RELATION = 40  # cells


def coefficients(fit: Fit, ax: Axes | None, lang: str, target: str | None = None) -> Axes:
    """The picture of one target: see `Fit.plot`."""
    at = place_among("target", target, fit.targets)
    names = list(fit.names)
    first = int(fit.has_intercept and len(names) > 1)
    estimates = fit.estimates[:, at]
    reach = fit.conf_int().reshape(len(names), 2, -1)[:, 1, at] - estimates
    known = bool(np.isfinite(reach).any())
    shown = first + _largest(estimates[first:], fit.se.reshape(len(names), -1)[first:, at])
    canvas = canvas_on(ax, lang, (6.4, _AROUND + _ROW * max(len(shown), 3)))
    ax = canvas.ax

    ax.axvline(0.0, color=canvas.ink, lw=0.8, alpha=0.6, zorder=1)
    rows = np.arange(len(shown))
    bars = reach[shown] if known else None
    ax.errorbar(estimates[shown], rows, xerr=bars, fmt="o", ms=5, color=canvas.colours[0], elinewidth=1.8, zorder=3)
    for row, name in enumerate([names[i] for i in shown]):
        if name in fit.aliased:
            text = canvas.words("absent", relation=shortened(fit.aliased[name], _RELATION))
            box = {"facecolor": canvas.ground, "edgecolor": "none", "pad": 1.0}  # over the line of 0
            place: Style = {"va": "center", "alpha": 0.75, "bbox": box, "transform": ax.get_yaxis_transform()}
            ax.text(0.02, row, text, **canvas.small | place)
    said = [canvas.words("interval" if known else "estimate")]
    if not known:
        said.append(canvas.words("no_interval_l1" if fit.l1 else "no_interval"))
    if len(shown) < len(names) - first:
        key = "hidden" if known else "hidden_estimates"
        said.append(canvas.words(key, shown=len(shown), all=len(names) - first))
    of = "" if fit.single_target else canvas.name(fit.targets[at])
    canvas.label("\n".join(said), of)
    ax.set_yticks(rows, [canvas.name(names[i]) for i in shown], **canvas.small)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    return ax


def _largest(estimates: Array, se: Array) -> Array:
    """The rows to show, in their order: all, or those furthest from 0 in standard errors where there are any."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(estimates / se) if np.isfinite(se).any() else np.abs(estimates)
    return np.sort(np.argsort(-np.nan_to_num(size), kind="stable")[:_MOST])
