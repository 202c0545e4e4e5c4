"""Several fits side by side: as text, HTML, LaTeX and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradline.layout import WIDTH, cells, column_width, left, right, shortened
from gradline.report.marks import Rows, html_table, latex, latex_number, latex_table, markdown, markdown_table
from gradline.report.numbers import ABSENT, aligned, brief, fixed, significant

if TYPE_CHECKING:
    from gradline.results.comparison import Comparison
    from gradline.results.fit import Fit

_NAME = 16  # cells that a name may take at least; many fits are wider than a terminal all the same
_HEAD = 20
_STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_LEGEND = "* p < 0.05, ** p < 0.01, *** p < 0.001"


def as_text(found: Comparison) -> str:
    """A table; standard errors stand in parentheses below."""
    head, rows, rule = _cells(found)
    columns = [[shortened(row[at], _HEAD) for row in (head, *rows)] for at in range(1, len(head))]
    widths = [column_width("", column) for column in columns]
    room = max(_NAME, WIDTH - sum(widths) - 2 * len(widths))
    first = [shortened(row[0], room) for row in (head, *rows)]
    width = max(map(cells, first))
    lines = [
        (
            left(name, width) + "".join(f"  {right(text, size)}" for text, size in zip(texts, widths, strict=True))
        ).rstrip()
        for name, *texts in zip(first, *columns, strict=True)
    ]
    lines.insert(1 + rule, "-" * (width + sum(widths) + 2 * len(widths)))
    return "\n".join([*lines, *([_LEGEND] if found.stars else [])])


def as_html(found: Comparison) -> str:
    """A table for a notebook."""
    head, rows, rule = _cells(found)
    return html_table(head, rows, [rule]) + (f"<p>{_LEGEND.replace('<', '&lt;')}</p>" if found.stars else "")


def as_latex(found: Comparison) -> str:
    """A tabular with the rules of booktabs; stars are superscripts."""
    head, rows, rule = _cells(found)
    texts = [[latex(name), *(latex_number(text) for text in more)] for name, *more in rows]
    legend = f"\n% {_LEGEND}" if found.stars else ""
    return latex_table([latex(text) for text in head], texts, [rule]) + legend


def as_markdown(found: Comparison) -> str:
    """A table with pipes."""
    head, rows, _ = _cells(found)
    texts = [[markdown(name), *(text.replace("*", "\\*") for text in more)] for name, *more in rows]
    table = markdown_table([markdown(text) for text in head], texts)
    return table + ("\n\n" + _LEGEND.replace("*", "\\*") if found.stars else "")


def _cells(found: Comparison) -> tuple[list[str], Rows, int]:
    """The head, the rows, and before which of them the figures of the whole fits begin."""
    columns = [_column(fit, found.stars) for fit in found.fits]
    rows: list[list[str]] = []
    for name in found.parameters:
        both = [column.get(name, ("", "")) for column in columns]
        rows += [[name, *(estimate for estimate, _ in both)], ["", *(error for _, error in both)]]
    figures = {
        "R²": [fixed(fit.r2, 3) for fit in found.fits],
        "n": [brief(fit.nobs, 12) for fit in found.fits],
        "residual sd": [significant(fit.sigma) for fit in found.fits],
    }
    targets = [fit.targets[0] for fit in found.fits]
    if len(set(targets)) > 1 and tuple(targets) != found.names:
        figures = {"target": targets} | figures
    if any(fit.l1 or fit.l2 for fit in found.fits):
        figures["penalty"] = [_penalty(fit) for fit in found.fits]
    if any(fit.covariance for fit in found.fits):
        figures["standard errors"] = [fit.covariance.kind if fit.covariance else "classical" for fit in found.fits]
    rule = len(rows)
    rows += [[name, *texts] for name, texts in figures.items()]
    return ["", *found.names], rows, rule


def _penalty(fit: Fit) -> str:
    return " ".join(f"{name}={brief(value)}" for name, value in (("l1", fit.l1), ("l2", fit.l2)) if value) or "none"


def _column(fit: Fit, stars: bool) -> dict[str, tuple[str, str]]:
    """For each parameter its estimate and, in parentheses, its standard error."""
    errors = fit.se.tolist()
    estimates, below = aligned(fit.params.tolist(), 4, errors), aligned(errors, 4, errors)
    marks = [next((mark for limit, mark in _STARS if stars and p < limit), "") for p in fit.p.tolist()]
    return {
        name: (estimate + mark, f"({error})" if error != ABSENT else "")
        for name, estimate, mark, error in zip(fit.names, estimates, marks, below, strict=True)
    }
