"""Selected subsets as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradline.doubledouble import Array
from gradline.layout import WIDTH, cells, column_width, filled, left, listing, shortened, side_by_side, wrapped
from gradline.report.numbers import brief, count, significant

if TYPE_CHECKING:
    from gradline.results.subsets import Subsets

_NAMES = {"aic": "AIC", "bic": "BIC", "cv": "held-out error"}
_AROUND = 8
"""Models shown before and after the best."""


def subsets_summary(found: Subsets) -> str:
    """The models from the smallest to the largest."""
    moments, best = found.moments, found.best
    head = [f"{shortened(moments.targets[0], 40)}   {count(moments.used, 'row')}", f"{found.method} selection"]
    head += [found.assigned] if found.assigned else []
    lines = [*filled(head, "  "), ""]
    shown = range(max(0, best - _AROUND), min(len(found), best + _AROUND + 1))
    columns = [("terms", [str(row) for row in shown])]
    columns.append(("RSS", [significant(float(found.rss[row]), 6) for row in shown]))
    columns += [(name, [brief(float(values[row]), 7) for row in shown]) for name, values in _criteria(found)]
    widths = [column_width(*column) for column in columns]
    added = ["", *found.added]
    room = WIDTH - sum(widths) - 2 * len(widths) - len("  best")
    names = [shortened(added[row], room) for row in shown]
    longest = column_width("added", names)
    ends = [f"{left(name, longest)}{'  best' * (row == best)}" for name, row in zip(names, shown, strict=True)]
    lines += side_by_side(columns, ends, "added")
    lines += ["", *wrapped(f"best by {_NAMES[found.criterion]}: {', '.join(found.terms) or 'no term'}", "  ")]
    lines.append("Standard errors of its fit do not know that the model was chosen.")
    for note in found.notes:
        lines += wrapped(f"note: {note}", "      ")
    return "\n".join(lines)


def subsets_line(found: Subsets) -> str:
    """What was found in two lines."""
    head = f"Subsets: {found.method} selection by {_NAMES[found.criterion]} · {count(len(found), 'model')}"
    start = f"  best has {len(found.terms)} of {count(len(found.names), 'term')}: "
    return f"{head}\n{start}{listing(found.terms or ('none',), WIDTH - cells(start))}"


def _criteria(found: Subsets) -> list[tuple[str, Array]]:
    criteria = [("AIC", found.aic), ("BIC", found.bic)]
    return [*criteria, ("held out", found.mean)] if found.errors.shape[1] else criteria
