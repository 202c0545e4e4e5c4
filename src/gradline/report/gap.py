"""A `Gap` as a table."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from gradline.layout import WIDTH, cells, left, shortened

if TYPE_CHECKING:
    from gradline.descent.gap import Gap

_HEADINGS = (("trained", 16), ("exact", 16), ("distance", 12), ("in std errors", 15))
_NOISY = (("trained", 14), ("exact", 14), ("distance", 11), ("in std errors", 14), ("noise", 9))


def gap_table(gap: Gap) -> str:
    """One line for each parameter, with its target where there are several; at most 80 columns wide."""
    headings = _HEADINGS if gap.noise is None else _NOISY
    room = WIDTH - sum(width for _, width in headings)
    count = len(gap.targets)
    labels = [_label(name, target if count > 1 else "", room) for name in gap.names for target in gap.targets]
    width = max(map(cells, (*labels, "Intercept")))
    lines = [" " * width + "".join(f"{heading:>{size}}" for heading, size in headings)]
    digits = 9 if gap.noise is None else 7
    columns = (values.ravel().tolist() for values in (gap.trained, gap.exact, gap.distance, gap.in_se))
    noises = [None] * len(labels) if gap.noise is None else gap.noise.ravel().tolist()
    for label, trained, exact, distance, in_se, noise in zip(labels, *columns, noises, strict=True):
        errors = f"{in_se:.2g}" if isfinite(in_se) else "none"
        cells_of = [f"{trained:.{digits}g}", f"{exact:.{digits}g}", f"{distance:.2g}", errors]
        cells_of += [] if noise is None else [f"{noise:.1e}"]
        row = zip(cells_of, headings, strict=True)
        lines.append(left(label, width) + "".join(f"{text:>{size}}" for text, (_, size) in row))
    if gap.noise is not None:
        lines.append("noise: the standard deviation that mini-batches keep it at, an estimate")
    return "\n".join([*lines, gap.outlook])


def _label(name: str, target: str, width: int) -> str:
    """As x1, or as x1 → y2: the shorter of the two is left whole where that is possible."""
    if not target:
        return shortened(name, width)
    room = width - cells(" → ")
    target = shortened(target, max(room // 2, room - cells(name)))
    return f"{shortened(name, room - cells(target))} → {target}"
