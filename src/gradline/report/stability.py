"""A `Stability` as a table, and in a few lines."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from gradline.layout import WIDTH, cells, left, listing, shortened, wrapped
from gradline.report.numbers import count

if TYPE_CHECKING:
    from gradline.descent.stability import Stability

_LABELS = 22
_HALF = (WIDTH - _LABELS - len("along ; along ")) // 2
_SKEWED = 100.0  # times the condition number of standardized columns: from there on the short form says so


def stability_table(stability: Stability) -> str:
    """One line for each figure, at most 80 columns wide."""
    shrink = f"× {stability.growth:.4g} each step at lr {stability.lr:.4g}"
    rows = [("learning rate limit", f"{stability.lr_limit:.4g}, set by {shortened(stability.column, 30)}")]
    if stability.drawing is not None and stability.lr_limit_batches is not None:
        size = stability.drawing.size
        rows.append((f"  batches of {size}", f"about {stability.lr_limit_batches:.2g}: an estimate from the moments"))
    rows += [
        ("best learning rate", f"{stability.lr_best:.4g}"),
        ("best with momentum", f"lr {stability.lr_momentum_best:.4g}, momentum {stability.momentum_best:.4g}"),
        ("condition number", f"{stability.condition_number:.4g}"),
        ("steepest, flattest", f"along {listing(stability.steep, _HALF)}; along {listing(stability.flat, _HALF)}"),
        ("loss left to go", shrink + ("" if stability.growth < 1.0 else ": it does not shrink")),
        ("epochs to 1e-3, 1e-6", f"{stability.epochs_to(1e-3)}, {stability.epochs_to(1e-6)}"),
    ]
    if stability.standardized is not None:
        rows.append(("standardized columns", _standardized(stability.standardized)))
    lines = [line for name, value in rows for line in wrapped(f"{left(name, _LABELS)}{value}", " " * _LABELS)]
    return "\n".join(lines)


def stability_lines(stability: Stability) -> str:
    """Two lines, or three where standardizing would help."""
    limit = f"Stability: limit {stability.lr_limit:.4g} (set by "
    best = f") · best rate {stability.lr_best:.4g} · condition {stability.condition_number:.3g}"
    column = shortened(stability.column, min(20, WIDTH - cells(limit + best)))
    more = stability.epochs_to(1e-6)
    epochs = f"{_epochs(stability)} to 1e-3 of the start, {more if more < inf else 'never'} to 1e-6"
    lines = [limit + column + best]
    lines.append(f"  at lr {stability.lr:.4g}: {epochs}")
    if stability.drawing is not None and stability.lr_limit_batches is not None:
        about = f"about {stability.lr_limit_batches:.2g} is the limit (estimate)"
        lines.append(f"  with batches of {stability.drawing.size} {about}")
    elif stability.standardized is not None and stability.condition_number > _SKEWED * _round(stability):
        lines.append(
            f"  slowest along {shortened(stability.flat[0], 20)}; "
            f"standardized: condition {_round(stability):.3g}, {_epochs(stability.standardized)} to 1e-3"
        )
    return "\n".join(lines)


def _round(stability: Stability) -> float:
    return stability.condition_number if stability.standardized is None else stability.standardized.condition_number


def _standardized(stability: Stability) -> str:
    return (
        f"condition {stability.condition_number:#.4g}, limit {stability.lr_limit:#.4g}, "
        f"{_epochs(stability)} to 1e-3 at lr {stability.lr:#.4g}"
    )


def _epochs(stability: Stability) -> str:
    epochs = stability.epochs_to(1e-3)
    return count(epochs, "epoch") if epochs < inf else "never"
