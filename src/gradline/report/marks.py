"""Names and tables in LaTeX, Markdown and HTML: whatever a name holds, it is shown as it stands and does nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "`": r"\textasciigrave{}",
    "—": "---",
    "²": r"\textsuperscript{2}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
    **{sign: f"{{{sign}}}" for sign in "[]-'"},  # an argument of \\, a dash of two, a quotation mark of two
}
_MARKDOWN = set("\\`*_[]<>|~&$")

Rows = Sequence[Sequence[str]]


def latex(text: str) -> str:
    r"""Text for LaTeX, without a meaning of its own.

    >>> print(latex("a_b & 5 % of x^2"))
    a\_b \& 5 \% of x\textasciicircum{}2
    """
    return "".join(_LATEX.get(letter, letter) for letter in _line(text))


def latex_number(text: str) -> str:
    r"""A number with a minus that is one, and its stars as superscript.

    >>> print(latex_number("-1.50**"), latex_number("<2e-16"), latex_number("1.5e+08"))
    $-1.50$\textsuperscript{**} $<2\times10^{-16}$ $1.5\times10^{8}$
    """
    number = text.rstrip("*")
    power = re.sub(r"e([+-]?)0*(\d+)$", r"\\times10^{\1\2}", number).replace("{+", "{")
    shown = f"${power}$" if number[:1] in ("-", "<") or power != number else number.replace("—", "---")
    return shown + (f"\\textsuperscript{{{text[len(number) :]}}}" if number != text else "")


def markdown(text: str) -> str:
    r"""Text for a cell of a Markdown table.

    >>> print(markdown("C(a|b)[*x*]"))
    C(a\|b)\[\*x\*\]
    """
    return "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in _line(text))


def latex_table(head: Sequence[str], rows: Rows, rules: Sequence[int] = ()) -> str:
    """A tabular between three rules of the package booktabs, and more before the rows of these numbers.

    Texts are LaTeX already; the first column is to the left and all others are to the right.
    """
    lines = [f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", "\\toprule", " & ".join(head) + r" \\", "\\midrule"]
    for number, row in enumerate(rows):
        lines += ["\\midrule"] if number in rules else []
        lines.append(" & ".join(row) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


def markdown_table(head: Sequence[str], rows: Rows) -> str:
    """A table with pipes, its columns as wide as they need to be; texts are Markdown already."""
    widths = [max(3, *map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for row in (head, rule, *rows):
        first, *others = zip(row, widths, strict=True)
        texts = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        lines.append("| " + " | ".join(texts) + " |")
    return "\n".join(lines)


def html_table(head: Sequence[str], rows: Rows, rules: Sequence[int] = ()) -> str:
    """A table for a notebook; texts are plain."""

    def row(cells: Sequence[str], tag: str, style: str = "") -> str:
        first, *others = (html.escape(_line(cell)) for cell in cells)
        ends = "".join(f'<{tag} style="text-align: right">{cell}</{tag}>' for cell in others)
        return f'<tr{style}><th style="text-align: left">{first}</th>{ends}</tr>'

    above = ' style="border-top: 1px solid"'
    body = "".join(row(cells, "td", above if number in rules else "") for number, cells in enumerate(rows))
    return f"<table><thead>{row(head, 'th')}</thead><tbody>{body}</tbody></table>"


def _line(text: str) -> str:
    """The text in one line, what cannot be printed as spaces."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
