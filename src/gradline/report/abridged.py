"""Which rows of a long table are shown: the first levels of a category, and how many more there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import NamedTuple

from gradline.design.terms import Term

LONGEST = 60
"""Rows up to which a table is shown whole."""

FIRST = 5
"""Levels that are shown of each category in a longer one."""


class Rest(NamedTuple):
    """Levels that are not shown: how many, of what, and how many of them are aliased."""

    more: int
    effect: str
    aliased: int

    def __str__(self) -> str:
        also = f" ({self.aliased:,} of them aliased)" if self.aliased else ""
        return f"… {self.more:,} more levels of {self.effect}{also}"


def abridged(terms: Sequence[Term], aliased: Collection[str]) -> tuple[list[int], dict[int, Rest]]:
    """The terms that are shown, and what stands after some of them for the rest.

    Numeric terms are always shown; levels are left out where that saves a row.

    >>> levels = [Term(f"C(g)[T.{level}]", (), (("g", level),)) for level in range(1, 100)]
    >>> shown, more = abridged([Term("x", (("x", 1),)), *levels], aliased=["C(g)[T.9]"])
    >>> print(shown, more[5])
    [0, 1, 2, 3, 4, 5] … 94 more levels of g (1 of them aliased)
    """
    if len(terms) < LONGEST:
        return list(range(len(terms))), {}
    shown: list[int] = []
    more: dict[int, Rest] = {}
    for effect, run in groupby(enumerate(terms), lambda numbered: _effect(numbered[1])):
        members = list(run)
        first = len(members) if not effect or len(members) <= FIRST + 1 else FIRST
        shown += [number for number, _ in members[:first]]
        rest = [term.name for _, term in members[first:]]
        if rest:
            more[shown[-1]] = Rest(len(rest), effect, sum(name in aliased for name in rest))
    return shown, more


def _effect(term: Term) -> str:
    """The numeric columns and the categories of a term within a cell, as 'x:city'; nothing for a numeric term."""
    return ":".join([column for column, _ in (*term.factors, *term.cell)]) if term.cell else ""
