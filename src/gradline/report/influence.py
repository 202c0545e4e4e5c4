"""The rows that stand out, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.layout import column_width, shortened, side_by_side, wrapped
from gradline.report.numbers import brief, count, probability, significant

if TYPE_CHECKING:
    from gradline.results.influence import Influence

_SURE = 0.05


def influence_summary(found: Influence) -> str:
    """A table of rows for each target, and how many lie beyond the usual marks."""
    lines = [f"{count(found.nobs, 'row')} of {found.source}, counted from 0; those that change the fit most:"]
    for at, target in enumerate(found.targets):
        lines += ["", *([f"target {target}"] if len(found.targets) > 1 else []), *_table(found, at), ""]
        lines += _marks(found, at)
    return "\n".join(lines)


def _table(found: Influence, at: int) -> list[str]:
    each = found.top[at]
    columns = [("row", [f"{row:,}" for row in each.rows])]
    columns += [
        (title, [significant(float(value), 3) for value in values[at]])
        for title, values in (
            ("leverage", each.leverage),
            ("studentized", each.studentized),
            ("Cook's distance", each.cooks_distance),
            ("DFFITS", each.dffits),
        )
    ]
    width = 80 - sum(2 + column_width(*column) for column in columns)
    moved = []
    for row in range(len(each.rows)):
        change = each.dfbetas[:, at, row]
        if np.isnan(change).all():
            moved.append("")
            continue
        most = int(np.nanargmax(np.abs(change)))
        moved.append(f"{shortened(found.names[most], width - 12)} {change[most]:+.3g} se")
    return side_by_side(columns, moved, "moves most")


def _marks(found: Influence, at: int) -> list[str]:
    high, far = (int(number) for number in found.beyond[:, at])
    mark = brief(2 * found.rank / found.nobs, 3)
    lines = [f"leverage above 2p/n = {mark}: {count(high, 'row')} · |studentized| above 3: {count(far, 'row')}"]
    size, row = found.outlier[:, at].tolist()
    p = float(np.atleast_1d(found.outlier_p)[at])
    if np.isfinite(p):
        said = "an outlier" if p < _SURE else "not certainly an outlier"
        lines.append(
            f"the largest |studentized|, {significant(size, 3)}, is that of row {row:,.0f}: {said} "
            f"(p {probability(p)} for the largest of {count(found.nobs, 'row')})"
        )
    return [part for line in lines for part in wrapped(line, "  ")]
