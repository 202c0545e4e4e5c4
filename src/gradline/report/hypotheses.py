"""Tests of linear restrictions as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradline.doubledouble import Array
from gradline.layout import WIDTH, cells, column_width, left, listing, right, shortened, wrapped
from gradline.report.numbers import aligned, brief, fixed, probability, significant

if TYPE_CHECKING:
    from gradline.results.hypotheses import HypothesisTest

_SHORTEST = 20  # cells of a hypothesis


def hypotheses_summary(test: HypothesisTest, level: float = 0.95) -> str:
    """One line for each restriction, and the joint test; a table for each target."""
    ends = test.conf_int(level).reshape(len(test.hypotheses), 2, -1)
    tables = [_table(test, number, level, ends[:, :, number]) for number in range(len(test.targets))]
    notes = [line for note in test.notes for line in wrapped(f"note: {note}", "      ")]
    return "\n".join(["\n\n".join(tables), *notes])


def hypotheses_line(test: HypothesisTest) -> str:
    """What was tested and the joint test, in a line for each target."""
    lines = []
    for number, target in enumerate(test.targets):
        tail = f" · {_joint(test, number)}"
        more = "" if len(test.targets) == 1 else f"{shortened(target, 20)}: "
        room = WIDTH - cells("HypothesisTest: " + more + tail)
        lines.append(f"HypothesisTest: {more}{listing(test.hypotheses, max(room, 12))}{tail}")
    return "\n".join(lines)


def _table(test: HypothesisTest, number: int, level: float, ends: Array) -> str:
    estimates, errors = test.estimates[:, number].tolist(), test.errors[:, number].tolist()
    t = test.t.reshape(len(errors), -1)[:, number].tolist()
    p = test.each_p.reshape(len(errors), -1)[:, number].tolist()
    columns = [
        ("estimate", aligned(estimates, 4, errors)),
        ("std err", aligned(errors, 4, errors)),
        ("t", [fixed(each, 2) if abs(each) < 1e4 else significant(each, 2) for each in t]),
        ("p", [probability(each) for each in p]),
        ("", aligned(ends[:, 0].tolist(), 3, errors)),
        ("", aligned(ends[:, 1].tolist(), 3, errors)),
    ]
    widths = [column_width(*column) for column in columns]
    room = max(_SHORTEST, WIDTH - sum(widths) - 2 * len(widths))
    labels = [shortened(text, room) for text in test.hypotheses]
    width = max(map(cells, labels))
    head = "".join("  " + right(title, size) for (title, _), size in zip(columns[:4], widths, strict=False))
    interval = f"{brief(100 * level)} % interval".center(widths[4] + widths[5] + 2)
    lines = [shortened(test.targets[number], 40), "", f"{' ' * width}{head}  {interval}".rstrip()]
    for row, label in enumerate(labels):
        texts = (right(column[row], size) for (_, column), size in zip(columns, widths, strict=True))
        lines.append(left(label, width) + "".join(f"  {text}" for text in texts))
    together = "" if len(labels) == 1 else "together: "
    return "\n".join([*lines, "", together + _joint(test, number)])


def _joint(test: HypothesisTest, number: int) -> str:
    statistic, p = float(test.statistics[number]), float(test.p_values[number])
    shown = significant(p, 2) if 2e-16 < p < 0.001 else probability(p)
    return f"F {significant(statistic)} on {test.df_num} and {brief(test.df_denom)} df, p {shown}"
