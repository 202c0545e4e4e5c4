"""A fit as a table in LaTeX or Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradline.report.marks import Rows, latex, latex_number, latex_table, markdown, markdown_table
from gradline.report.numbers import aligned, brief, fixed, probability, significant
from gradline.report.text import kind_of_errors

if TYPE_CHECKING:
    from gradline.results.fit import Fit


def fit_latex(fit: Fit, level: float = 0.95) -> str:
    """A tabular for each target; what is said of the whole fit is a comment above it."""
    tables = []
    for number, target in enumerate(fit.targets):
        head, rows = _cells(fit, level, number)
        texts = [[latex(row[0]), *map(latex_number, row[1:])] for row in rows]
        note = f"% {' '.join(target.split())}: {_figures(fit, number)}"
        tables.append(note + "\n" + latex_table([latex(cell) for cell in head], texts))
    return "\n\n".join(tables)


def fit_markdown(fit: Fit, level: float = 0.95) -> str:
    """A table with pipes for each target, and a line about the whole fit."""
    tables = []
    for number, target in enumerate(fit.targets):
        head, rows = _cells(fit, level, number)
        texts = [[markdown(row[0]), *row[1:]] for row in rows]
        tables.append(f"{markdown_table(head, texts)}\n\n{markdown(target)}: {_figures(fit, number)}")
    return "\n\n".join(tables)


def _cells(fit: Fit, level: float, number: int) -> tuple[list[str], Rows]:
    columns = [
        np.reshape(values, (len(fit.names), -1))[:, number].tolist() for values in (fit.params, fit.se, fit.t, fit.p)
    ]
    estimates, errors, t, p = columns
    ends = np.reshape(fit.conf_int(level), (len(fit.names), 2, -1))[:, :, number]
    texts = [
        aligned(estimates, 4, errors),
        aligned(errors, 4, errors),
        [fixed(each, 2) if abs(each) < 1e4 else significant(each, 2) for each in t],
        [probability(each) for each in p],
        aligned(ends[:, 0].tolist(), 3, errors),
        aligned(ends[:, 1].tolist(), 3, errors),
    ]
    head = ["", "estimate", "std err", "t", "p", f"{brief(100 * level)} % from", "to"]
    return head, list(zip(fit.names, *texts, strict=True))


def _figures(fit: Fit, number: int) -> str:
    r2, sigma = (float(np.reshape(value, -1)[number]) for value in (fit.r2, fit.sigma))
    freedom = f"residual sd {significant(sigma)} on {brief(fit.df_resid)} df"
    return ", ".join([f"n = {brief(fit.nobs, 12)}", f"R² {fixed(r2, 3)}", freedom, *kind_of_errors(fit)])
