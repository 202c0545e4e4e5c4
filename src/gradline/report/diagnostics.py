"""Tests of a fit's residuals as text; the sentences are in `diagnostic_texts`."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from gradline.allowed import language
from gradline.layout import column_width, left, shortened, side_by_side, wrapped
from gradline.report.diagnostic_texts import TEXTS
from gradline.report.numbers import ABSENT, brief, count, probability, significant
from gradline.results.diagnostics import MOST_PRODUCTS

if TYPE_CHECKING:
    from gradline.results.diagnostics import Diagnostics, DiagnosticTest

NAMES = {
    "breusch_pagan": "Breusch-Pagan",
    "white": "White",
    "reset": "RESET",
    "durbin_watson": "Durbin-Watson",
    "jarque_bera": "Jarque-Bera",
}

_LEVEL = 0.05
_SLIGHT = 0.01
"""A share that is shown by p alone, for there are many rows."""
_MANY = 100
"""Rows from which on means are normal enough, whatever the residuals (a convention)."""
_NAME = 30  # cells of a name


def diagnostics_summary(found: Diagnostics, lang: str = "en") -> str:
    """A table for each target, and what each test says."""
    parts = []
    for number, target in enumerate(found.targets):
        said = [f"{NAMES[test.name]}: {sentences(test, lang)[number]}" for test in found.tests]
        lines = [line for text in said for line in wrapped(text, "  ")]
        head = f"{shortened(target, 40)}   {count(round(found.nobs), 'row')}"
        parts.append("\n".join([head, "", *_table(found, number), "", *lines]))
    return "\n\n".join(parts)


def diagnostics_explained(found: Diagnostics, lang: str = "en") -> str:
    """The sentences, a paragraph for each target."""
    said = [sentences(test, lang) for test in found.tests]
    return "\n\n".join(" ".join(each[number] for each in said) for number in range(len(found.targets)))


def test_lines(test: DiagnosticTest) -> list[str]:
    """A test in a line for each target."""
    lines = []
    for number, target in enumerate(test.targets):
        name = NAMES.get(test.name.removesuffix("_f"), test.name)
        more = "" if test.single_target else f" of {shortened(target, 20)}"
        kind, df = _kind(test), _freedom(test, number)
        df = "" if df == ABSENT else f" on {df.replace(', ', ' and ')} df"
        statistic, p = significant(float(test.statistics[number])), probability(float(test.p_values[number]))
        shown = f"{kind} {statistic}{df}, p {p}"
        lines.append(f"{name}{more}: {'not tested, see explain()' if test.reasons[number] else shown}")
    return lines


def sentences(test: DiagnosticTest, lang: str = "en") -> list[str]:
    """What a test says of each target, and what to do.

    Raises:
        OptionError: there are no words in this language.
    """
    language(lang)
    return [_sentence(test, TEXTS[lang], number) for number in range(len(test.targets))]


def _sentence(test: DiagnosticTest, texts: dict[str, str], number: int) -> str:
    figures = {name: float(values[number]) for name, values in test.figures.items()}
    p, target = float(test.p_values[number]), shortened(test.targets[number], _NAME)
    facts = {
        "target": target,
        "rows": f"{round(test.nobs):,}",
        "p": probability(p),
        "d": significant(float(test.statistics[number]), 3),
        "order": texts["order_of"].format(column=shortened(test.order, _NAME)) if test.order else texts["order"],
        "share": brief(100 * figures.get("share", 0.0), 2),
        "products": f"{round(figures.get('products', 0.0)):,}",
        "most": str(MOST_PRODUCTS),
        **{name: significant(figures.get(name, 0.0), 2) for name in ("correlation", "skewness", "kurtosis")},
    }
    if test.reasons[number]:
        return texts[f"not_{test.reasons[number]}"].format(**facts)
    return texts[_key(test, p, figures)].format(**facts)


def _key(test: DiagnosticTest, p: float, figures: dict[str, float]) -> str:
    """Which of a test's sentences is true."""
    name = test.name.removesuffix("_f")
    if isnan(p):
        return f"{name}_few"
    if p >= _LEVEL:
        return f"{name}_no"
    if name == "durbin_watson":
        return f"{name}_alike" if figures["correlation"] > 1 - figures["expected"] / 2 else f"{name}_turns"
    if name == "jarque_bera":
        return f"{name}_{'many' if test.nobs >= _MANY else 'yes'}"
    return f"{name}_{'slight' if figures.get('share', 1.0) < _SLIGHT else 'yes'}"


def _table(found: Diagnostics, number: int) -> list[str]:
    forms = [form for test in found.tests for form in (test, test.f) if form is not None]
    columns = [
        ("", [_kind(form) for form in forms]),
        ("statistic", [significant(float(form.statistics[number])) for form in forms]),
        ("df", [_freedom(form, number) for form in forms]),
        ("p", [probability(float(form.p_values[number])) for form in forms]),
    ]
    names = ["", *(NAMES.get(form.name, "") for form in forms)]
    width = column_width("", names)
    return [f"{left(name, width)}  {line}".rstrip() for name, line in zip(names, side_by_side(columns), strict=True)]


def _kind(form: DiagnosticTest) -> str:
    if form.name == "durbin_watson":
        return "d"
    return "F" if form.name in ("breusch_pagan_f", "white_f", "reset") else "χ²"


def _freedom(form: DiagnosticTest, number: int) -> str:
    df, denom = float(form.dfs[number]), float(form.df_denoms[number])
    return brief(df) if isnan(denom) else f"{brief(df)}, {brief(denom, 12)}"
