"""Formulas such as 'y ~ a + log(b) + a:b + C(city) + poly(x, 3) - 1', parsed by formulaic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from gradline.design.coding import Coded, DuplicateError, Factor, code
from gradline.design.factors import Factors
from gradline.design.quoted import Quoted
from gradline.design.recipe import Category, Derived
from gradline.design.terms import Term, column_term
from gradline.errors import OptionError
from gradline.layout import shortened


@dataclass(frozen=True, slots=True)
class Model:
    """What a formula says: which columns explain which, and how they are made."""

    targets: tuple[str, ...]
    coded: Coded
    intercept: bool
    categories: tuple[Category, ...] = ()
    derived: tuple[Derived, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The numeric terms; without categories they are the features."""
        return self.coded.terms


class _Part(NamedTuple):
    """One factor of a term, as it was written."""

    text: str
    kind: str  # "lookup" of a column, "literal" for a number, "python" for what is computed


_Parts: TypeAlias = tuple[_Part, ...]


def parse(formula: str, columns: Sequence[str], labels: Sequence[str] = (), *, intercept: bool = True) -> Model:
    """What a formula means for a table with these columns, of which `labels` hold text.

    Terms are columns (in backticks where the name is not a plain word), functions and arithmetic such as log(x) or
    I(a / b), categories C(x), products a:b, a*b for both with their product, a/b for a within b, and poly(x, k) for
    the raw powers x, x^2 … x^k. Columns of text are categories. '- 1' or '+ 0' leaves out the intercept, and so does
    intercept=False. Main terms come before products, as in R.
    """
    left, right = _sides(formula, columns)
    factors = Factors(columns, labels, f"formula {formula!r}", f"the data, for formula {shortened(formula, 40)!r}")
    targets = tuple(_target(term, factors, formula) for term in left)
    constant = False
    terms: list[list[Factor]] = []
    # Formulaic's degree: a number in a term does not count.
    for term in sorted(right, key=lambda term: sum(part.kind != "literal" for part in term)):
        parts = [part for part in term if part != _Part("1", "literal")]
        if any(part.kind == "literal" for part in parts):
            raise OptionError(
                f"{_written(term)} in formula {formula!r} scales a column by a number.\nUse I(…) for that: I(2 * x)."
            )
        if not parts:
            constant = intercept
            continue
        terms.append([_factor(part, factors) for part in parts])
    try:
        coded = code(terms, constant)
    except DuplicateError as twice:
        raise OptionError(f"formula {formula!r} has the term {str(twice)!r} twice.\nLeave one of them out.") from None
    return Model(targets, coded, constant, tuple(factors.categories), tuple(factors.derived))


def choose(
    names: Sequence[str], columns: Sequence[str], labels: Sequence[str], table: str, *, intercept: bool
) -> Model:
    """The model whose features are these columns of a table; those that hold text are categories."""
    if not set(labels).intersection(names):
        return Model((), Coded(tuple([column_term(name) for name in names]), ()), intercept)
    factors = Factors(columns, labels, "the features", table)
    coded = code([[factors.column(name)] for name in names], intercept)
    return Model((), coded, intercept, tuple(factors.categories))


def _target(term: _Parts, factors: Factors, formula: str) -> str:
    """The column that a term left of the tilde is, perhaps a computed one."""
    advice = "The target is a column or computed of columns, or several such: 'a + log(b) ~ x'."
    if len(term) != 1 or term[0].kind == "literal":
        raise OptionError(f"the target {_written(term)!r} in formula {formula!r} is not supported.\n{advice}")
    [(text, kind)] = term
    if kind == "lookup":
        return factors.present(text)
    factor = factors.read(text)
    if factor.category is not None or len(factor.terms) != 1 or not factor.terms[0].plain:
        raise OptionError(f"the target {text!r} in formula {formula!r} is not supported.\n{advice}")
    return factor.terms[0].factors[0][0]


def _factor(part: _Part, factors: Factors) -> Factor:
    return factors.column(part.text) if part.kind == "lookup" else factors.read(part.text)


def _written(term: _Parts) -> str:
    return ":".join(part.text for part in term)


def _sides(formula: str, columns: Sequence[str]) -> tuple[list[_Parts], list[_Parts]]:
    """Formulaic's terms left and right of the tilde."""
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    if not isinstance(formula, str) or not all(side.strip() for side in formula.partition("~")):
        raise OptionError(f"formula is {formula!r}; expected a target, a tilde and features: 'y ~ a + b'.")
    names = Quoted()  # formulaic takes a column `1` for the number, and Python's parser changes names within calls
    text = names.hide(formula, set(columns))
    available = [names.word(column) for column in columns]
    try:
        parsed = DefaultFormulaParser().get_terms(text, context={"__formulaic_variables_available__": available})
        left, right = list(parsed.lhs), list(parsed.rhs)
    except (FormulaicError, SyntaxError, AttributeError) as problem:
        reason = "brackets or calls in it make no sense."  # Python's own errors, of (a] and of f(a).b()
        if isinstance(problem, FormulaicError):
            reason = re.sub(r"\x1b\[[0-9;]*m|[⧛⧚]", "", str(problem)).strip().splitlines()[0]
            reason = names.shown(reason).replace("``", "`")[:150]  # formulaic has backticks of its own
        raise OptionError(f"formula {formula!r} cannot be read: {reason}\nExpected e.g. 'y ~ a + b + a:b'.") from None
    if any(not hasattr(term, "factors") for term in left + right):
        raise OptionError(f"formula {formula!r} has several parts (|).\nExpected one: 'y ~ a + b'.")
    return [_parts(term, names) for term in left], [_parts(term, names) for term in right]


def _parts(term: Any, names: Quoted) -> _Parts:
    found = [(str(part.expr), str(part.eval_method.value)) for part in term.factors]
    return tuple([_Part(names.name(text) if kind == "lookup" else names.shown(text), kind) for text, kind in found])
