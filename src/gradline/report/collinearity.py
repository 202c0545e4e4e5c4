"""Collinearity as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradline.layout import WIDTH, cells, column_width, left, listing, shortened, side_by_side, wrapped
from gradline.report.numbers import brief, count, significant

if TYPE_CHECKING:
    from gradline.results.collinearity import Collinearity

_MOST = 40
"""Terms in the table, those that are inflated most."""

_LARGE = 30
"""Condition indices from here on are Belsley's "moderate to strong"."""

_INVOLVED = 0.5
"""A column takes part in a near-dependence that has at least this share of its coefficient's variance (Belsley's)."""


def collinearity_summary(found: Collinearity) -> str:
    """Terms with their inflation, the most inflated first where there are many; then near-dependences."""
    order = list(range(len(found.terms)))
    if len(order) > _MOST:
        order = sorted(order, key=lambda at: -found.scaled[at])[:_MOST]
    columns = [("VIF", [significant(float(found.vif[at])) for at in order])]
    if (found.df > 1).any():
        columns.append(("columns", [brief(float(found.df[at])) for at in order]))
    columns.append(("intervals", [f"× {significant(float(found.scaled[at]), 3)}" for at in order]))
    room = WIDTH - sum(2 + column_width(*column) for column in columns)
    names = [shortened(found.terms[at], room) for at in order]
    width = column_width("", names)
    table = zip(["", *names], side_by_side(columns), strict=True)
    lines = [f"{left(name, width)}  {line}" for name, line in table] if order else ["no terms"]
    if len(order) < len(found.terms):
        lines.append(f"… {len(found.terms) - len(order):,} less inflated; all are in .frame()")
    lines += [
        "",
        f"condition number {brief(float(found.indices[-1]), 4)} of {count(len(found.names), 'column')} scaled",
    ]
    lines += _dependences(found)
    for note in found.notes:
        lines += wrapped(f"note: {note}", "      ")
    return "\n".join(lines)


def _dependences(found: Collinearity) -> list[str]:
    """Which columns are nearly dependent: of a large index those with more than half of their variance in it."""
    lines = []
    for at in reversed(range(len(found.indices))):
        if found.indices[at] < _LARGE:
            break
        involved = [name for name, share in zip(found.names, found.shares[at], strict=True) if share >= _INVOLVED]
        start = f"  index {brief(float(found.indices[at]), 4)}: "
        said = listing(involved, WIDTH - cells(start)) if involved else "shared with the larger ones"
        lines.append(start + said)
    if not lines:
        return ["no near-dependence: every condition index is below 30"]
    return ["nearly dependent (index 30 or more, and who has half of their variance in it):", *lines]
