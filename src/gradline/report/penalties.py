"""Paths of penalised coefficients as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.layout import WIDTH, cells, column_width, filled, listing, shortened, side_by_side, wrapped
from gradline.report.numbers import aligned, brief, count, fixed, significant

if TYPE_CHECKING:
    from gradline.results.cross_validation import CrossValidation
    from gradline.results.penalty_path import PenaltyPath

_SHOWN = 12
"""Strengths in a table; of more, some are left out between the first and the last."""


def path_summary(path: PenaltyPath) -> str:
    """The objective, and for each target a table of strengths and what they leave."""
    lines = []
    for target, name in enumerate(path.moments.targets):
        title = filled(
            [f"{shortened(name, 40)}   {count(path.moments.used, 'row')}", count(len(path), "strength")], "  "
        )
        lines += [*title, *wrapped(f"minimises {path.objective}", "  "), "", *_table(path, target), ""]
    if path.l1.any():
        lines.append("No standard errors: coefficients under l1 are biased towards 0.")
    lines.append("path.at(number) is a fit, to predict and to save; path.frame() has it all.")
    for note in path.notes:
        lines += wrapped(f"note: {note}", "      ")
    return "\n".join(lines)


def path_line(path: PenaltyPath) -> str:
    """The path in two lines of at most 80 columns."""
    nonzero = (np.nan_to_num(path.slopes) != 0).any(axis=2).sum(axis=1)
    tail = (
        f" · {count(len(path), 'strength')} · {nonzero.min()} to {nonzero.max()} of {len(path.columns)} coefficients"
    )
    formula = listing(path.moments.targets, 20) + " ~ "
    formula += listing(path.columns or ("1",), max(WIDTH - cells("PenaltyPath: " + formula + tail), 12), " + ")
    return f"PenaltyPath: {formula}{tail}\n  minimises {path.objective}"


def shown_rows(m: int) -> list[int]:
    """The strengths that a table shows.

    >>> shown_rows(3), shown_rows(100)
    ([0, 1, 2], [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99])
    """
    return list(range(m)) if m <= _SHOWN else np.linspace(0, m - 1, _SHOWN).round().astype(int).tolist()


def _table(path: PenaltyPath, target: int) -> list[str]:
    rows = shown_rows(len(path))
    slopes = np.nan_to_num(path.slopes[:, :, target])
    order = np.argsort(-(slopes != 0).sum(axis=0), kind="stable")  # those that come first
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(path.tss[target] > 0, 1 - path.rss[:, target] / path.tss[target], np.nan)
    columns = _strengths(path, rows, target)
    columns.append(("R²", [fixed(float(r2[row]), 4) for row in rows]))
    room = WIDTH - sum(column_width(*column) + 2 for column in columns)
    hidden = len(path.columns)
    for at in order.tolist():
        texts = [
            text if slopes[row, at] else "·"
            for row, text in zip(rows, aligned(slopes[rows, at].tolist(), 3), strict=True)
        ]
        column = (shortened(path.columns[at], 16), texts)
        if column_width(*column) + 2 > room:
            break
        hidden -= 1
        room -= column_width(*column) + 2
        columns.append(column)
    lines = side_by_side(columns)
    if hidden:
        lines.append(f"{count(hidden, 'more coefficient')} in path.frame()")
    return lines


def _strengths(path: PenaltyPath, rows: list[int], target: int) -> list[tuple[str, list[str]]]:
    """The columns that say which strengths these are."""
    columns = [("#", [str(row) for row in rows])]
    for name, values in (("l1", path.l1), ("l2", path.l2)):
        if values.any():
            columns.append((name, [brief(values[row], 4) for row in rows]))
    return [*columns, ("df", [brief(path.freedom[row, target], 4) for row in rows])]


def crossval_summary(cv: CrossValidation) -> str:
    """For each target the curve of held-out errors, with what was chosen."""
    lines = []
    m = len(cv.l1)
    rows = sorted({*shown_rows(m), cv.best, cv.simplest})
    means, errors = cv.mean.reshape(m, -1), cv.se.reshape(m, -1)
    for target, name in enumerate(cv.path.moments.targets):
        title = [f"{shortened(name, 40)}   {count(cv.path.moments.used, 'row')}", count(len(cv.folds), "fold")]
        lines += [*filled([*title, cv.assigned], "  "), *wrapped(f"minimises {cv.path.objective}", "  "), ""]
        columns = _strengths(cv.path, rows, target)
        columns.append(("held-out error", [significant(float(means[row, target]), 5) for row in rows]))
        columns.append(("std err", [significant(float(errors[row, target]), 3) for row in rows]))
        marks = [["best"] * (row == cv.best) + ["simplest within one std err"] * (row == cv.simplest) for row in rows]
        lines += side_by_side(columns, [", ".join(each) for each in marks])
        lines.append("")
    lines.append("held-out error: mean squared error of the rows left out, mean of the folds")
    lines.append("cv.fit is the best, cv.simplest_fit the other; cv.frame() has every fold.")
    for note in cv.notes:
        lines += wrapped(f"note: {note}", "      ")
    return "\n".join(lines)


def crossval_line(cv: CrossValidation) -> str:
    """What was found in two lines."""
    figures = [count(len(cv.folds), "fold"), count(len(cv.l1), "strength")]
    return (
        f"CrossValidation: {' · '.join(figures)}\n  best {_named(cv, cv.best)} · simplest {_named(cv, cv.simplest)}"
    )


def _named(cv: CrossValidation, number: int) -> str:
    strengths = [f"{name} {brief(values[number], 4)}" for name, values in (("l1", cv.l1), ("l2", cv.l2))]
    shown = [text for text, values in zip(strengths, (cv.l1, cv.l2), strict=True) if values.any()]
    return f"{number} ({', '.join(shown) or 'no penalty'})"
