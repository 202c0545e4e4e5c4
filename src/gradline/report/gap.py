"""A `Gap` as a table."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from gradline.layout import WIDTH, cells, left, shortened

if TYPE_CHECKING:
    from gradline.descent.gap import Gap

_HEADINGS = (("trained", 16), ("exact", 16), ("distance", 12), ("in std errors", 15))
_ROOM = WIDTH - sum(width for _, width in _HEADINGS)


def gap_table(gap: Gap) -> str:
    """One line for each parameter, with its target where there are several; at most 80 columns wide."""
    count = len(gap.targets)
    labels = [_label(name, target if count > 1 else "") for name in gap.names for target in gap.targets]
    width = max(map(cells, (*labels, "Intercept")))
    lines = [" " * width + "".join(f"{heading:>{size}}" for heading, size in _HEADINGS)]
    columns = (values.ravel().tolist() for values in (gap.trained, gap.exact, gap.distance, gap.in_se))
    for label, trained, exact, distance, in_se in zip(labels, *columns, strict=True):
        errors = f"{in_se:15.2g}" if isfinite(in_se) else f"{'none':>15}"
        lines.append(f"{left(label, width)}{trained:16.9g}{exact:16.9g}{distance:12.2g}{errors}")
    return "\n".join([*lines, gap.outlook])


def _label(name: str, target: str) -> str:
    """As x1, or as x1 → y2: the shorter of the two is left whole where that is possible."""
    if not target:
        return shortened(name, _ROOM)
    room = _ROOM - cells(" → ")
    target = shortened(target, max(room // 2, room - cells(name)))
    return f"{shortened(name, room - cells(target))} → {target}"
