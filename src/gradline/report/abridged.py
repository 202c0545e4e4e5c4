"""Which rows of a long table are shown: the first levels of a category, and how many more there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby

from gradline.design.terms import Term

LONGEST = 60
"""Rows up to which a table is shown whole."""

FIRST = 5
"""Levels that are shown of each category in a longer one."""


def abridged(terms: Sequence[Term], aliased: Collection[str]) -> tuple[list[int], dict[int, str]]:
    """The terms that are shown, and what is said after some of them in place of the rest.

    Numeric terms are always shown; levels are left out where that saves a row.

    >>> levels = [Term(f"C(g)[T.{level}]", (), (("g", level),)) for level in range(1, 100)]
    >>> abridged([Term("x", (("x", 1),)), *levels], aliased=["C(g)[T.9]"])
    ([0, 1, 2, 3, 4, 5], {5: '… 94 more levels of g (1 of them aliased)'})
    """
    if len(terms) < LONGEST:
        return list(range(len(terms))), {}
    shown: list[int] = []
    more: dict[int, str] = {}
    for effect, run in groupby(enumerate(terms), lambda numbered: _effect(numbered[1])):
        members = list(run)
        first = len(members) if not effect or len(members) <= FIRST + 1 else FIRST
        shown += [number for number, _ in members[:first]]
        rest = [term.name for _, term in members[first:]]
        if rest:
            dependent = sum(name in aliased for name in rest)
            also = f" ({dependent:,} of them aliased)" if dependent else ""
            more[shown[-1]] = f"… {len(rest):,} more levels of {effect}{also}"
    return shown, more


def _effect(term: Term) -> str:
    """The numeric columns and the categories of a term within a cell, as 'x:city'; nothing for a numeric term."""
    return ":".join([column for column, _ in (*term.factors, *term.cell)]) if term.cell else ""
