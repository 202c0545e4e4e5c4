"""An analysis of variance as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradline.layout import WIDTH, column_width, left, shortened, side_by_side
from gradline.report.numbers import brief, probability, significant

if TYPE_CHECKING:
    from gradline.results.anova import Anova

_HEADS = ("nested fits", "terms in their order (type I)", "each term after all that do not contain it (type II)")


def anova_summary(found: Anova) -> str:
    """The table of each target."""
    tables = [_table(found, number, target) for number, target in enumerate(found.targets)]
    return "\n\n".join([*tables, *[f"note: {note}" for note in found.notes]])


def _table(found: Anova, number: int, target: str) -> str:
    f, p = found.statistic[:, number].tolist(), found.p[:, number].tolist()
    df, sums = found.df.tolist(), found.sum_sq[:, number].tolist()
    lines = [f"{shortened(target, 24)}   {_HEADS[found.kind]}", ""]
    test = [("F", [significant(value) for value in f]), ("p", list(map(probability, p)))]
    if found.kind == 0:
        rss = found.rss[:, number].tolist()
        columns = [
            ("model", list(map(str, found.numbers))),
            ("df left", list(map(brief, found.df_resid.tolist()))),
            ("RSS", [significant(value, 6) for value in rss]),
            ("df", list(map(brief, df))),
            ("sum of squares", [significant(value) for value in sums]),
        ]
        lines += side_by_side(columns + test)
        models = [f"model {at}: {names}" for at, names in zip(found.numbers, found.rows, strict=True)]
        return "\n".join([*lines, "", *models])
    df.append(found.df_resid[0])
    sums.append(found.rss[0, number])
    columns = [
        ("df", list(map(brief, df))),
        ("sum of squares", [significant(value) for value in sums]),
        (
            "mean square",
            [significant(value / size) if size > 0 else "—" for value, size in zip(sums, df, strict=True)],
        ),
        *[(title, [*texts, ""]) for title, texts in test],
    ]
    room = WIDTH - sum(2 + column_width(*column) for column in columns)
    names = [shortened(name, room) for name in (*found.rows, "residual")]
    width = column_width("", names)
    table = side_by_side(columns)
    return "\n".join(
        [*lines, *(left(name, width) + "  " + line for name, line in zip(["", *names], table, strict=True))]
    )
