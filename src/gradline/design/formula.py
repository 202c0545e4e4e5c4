"""Formulas such as 'y ~ a + b + a:b + poly(x, 3) - 1', parsed by formulaic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

from gradline.design.terms import Term, powers
from gradline.errors import OptionError, no_such_column

_POLY = re.compile(
    r"poly\(\s*(?P<column>`[^`]+`|[^\s,()]+)\s*,\s*(degree\s*=\s*)?(?P<degree>\d+)\s*(,\s*raw\s*=\s*T(RUE|rue)?\s*)?\)$"
)


def parse(formula: str, columns: Sequence[str]) -> tuple[tuple[str, ...], tuple[Term, ...], bool]:
    """The targets, the terms and whether there is an intercept.

    Terms are columns (in backticks where the name is not a plain word), products a:b, a*b for both
    with their product, and poly(x, k) for the raw powers x, x^2 … x^k. '- 1' or '+ 0' leaves out the
    intercept. Main terms come before products, as in R.
    """
    left, right = _sides(formula, columns)
    targets: list[str] = []
    for term in left:
        column = _plain(term)
        if column is None:
            raise _unknown(str(term), formula, "the target must be a column, or several: 'a + b ~ x'")
        targets.append(_present(column, columns, formula))
    intercept = False
    terms: list[Term] = []
    for parts in sorted((term.factors for term in right), key=len):
        if [part.expr for part in parts] == ["1"]:
            intercept = True
            continue
        choices = [_factor(part, formula, columns) for part in parts]
        terms.extend(_joined(chosen) for chosen in product(*choices))
    for number, term in enumerate(terms):
        if any(sorted(term.factors) == sorted(other.factors) for other in terms[:number]):
            raise OptionError(f"formula {formula!r} has the term {term.name!r} twice.\nLeave one of them out.")
    return tuple(targets), tuple(terms), intercept


def _sides(formula: str, columns: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """Formulaic's terms left and right of the tilde."""
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    if not isinstance(formula, str) or not all(side.strip() for side in formula.partition("~")):
        raise OptionError(f"formula is {formula!r}; expected a target, a tilde and features: 'y ~ a + b'.")
    try:
        parsed = DefaultFormulaParser().get_terms(
            formula, context={"__formulaic_variables_available__": list(columns)}
        )
        left, right = list(parsed.lhs), list(parsed.rhs)
    except FormulaicError as problem:
        reason = re.sub(r"\x1b\[[0-9;]*m|[⧛⧚]", "", str(problem)).strip().splitlines()[0][:150]
        raise OptionError(f"formula {formula!r} cannot be read: {reason}\nExpected e.g. 'y ~ a + b + a:b'.") from None
    if any(not hasattr(term, "factors") for term in left + right):
        raise OptionError(f"formula {formula!r} has several parts (|).\nExpected one: 'y ~ a + b'.")
    return left, right


def _plain(term: Any) -> str | None:
    """The column that this term is, or None where it is more than a column."""
    factors = list(term.factors)
    if len(factors) != 1 or factors[0].eval_method.value != "lookup":
        return None
    return str(factors[0].expr)


def _factor(part: Any, formula: str, columns: Sequence[str]) -> tuple[Term, ...]:
    """The terms that one factor stands for: one for a column, k for poly(x, k)."""
    text = str(part.expr)
    if part.eval_method.value == "lookup":
        return powers(_present(text, columns, formula), 1)
    call = _POLY.match(text)
    if call is None:
        raise _unknown(text, formula, "compute it as a column first, and name that column")
    degree = int(call["degree"])
    if degree < 1:
        raise OptionError(f"{text} in formula {formula!r}: expected a degree of 1 or more.")
    return powers(_present(call["column"].strip("`"), columns, formula), degree)


def _joined(factors: Sequence[Term]) -> Term:
    """The product of terms; a column that stands in several of them has its powers added."""
    total: dict[str, int] = {}
    for term in factors:
        for column, power in term.factors:
            total[column] = total.get(column, 0) + power
    return Term(":".join(term.name for term in factors), tuple(total.items()))


def _present(column: str, columns: Sequence[str], formula: str) -> str:
    if column not in columns:
        raise no_such_column(column, columns, f"the data, for formula {formula!r}")
    return column


def _unknown(text: str, formula: str, advice: str) -> OptionError:
    return OptionError(
        f"{text!r} in formula {formula!r} is not supported: columns, a:b, a*b, poly(x, k) and -1 are.\n"
        f"{advice[0].upper()}{advice[1:]}."
    )
