"""center(x) and scale(x) of rows that come only once: x itself is summed, and its mean and deviation on the way.

The moments of (x - mean)/deviation follow from those of x, so that these two need not be known before the pass.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gradline.design.derived import Gathered, whole_columns, with_state
from gradline.design.expression import WHOLE_COLUMN, called, checked
from gradline.design.recipe import Derived
from gradline.errors import OptionError
from gradline.sources.rows import Part, Rows, Table

if TYPE_CHECKING:
    from gradline.design.problem import Problem

_AS_IT_IS = (0.0, 0.0, 1.0)
"""The mean and the divisor that leave a column as it is."""


class Passing:
    """The computed columns of a problem that are known once its rows have passed."""

    def __init__(self, derived: Sequence[Derived]) -> None:
        self._derived = derived
        self._gathered = Gathered(whole_columns(derived), {})

    def parts(self, parts: Sequence[Part], columns: Sequence[str]) -> Sequence[Part]:
        """The same parts, whose rows are taken into account as they are read."""

        def read(part: Part) -> Iterator[Rows]:
            for rows in part.read():
                self._gathered.add(rows, columns)
                yield rows

        return [part._replace(read=partial(read, part)) for part in parts]

    @property
    def derived(self) -> tuple[Derived, ...]:
        """All computed columns, with what the rows said of whole columns."""
        return with_state(self._derived, self._gathered.state)


def in_passing(problem: Problem) -> Problem:
    """The problem with x in place of center(x) and scale(x), to be moved when its rows have passed.

    Raises:
        OptionError: such a call is within another function, a product, a category or the target.
    """
    products = [name for term in problem.terms if not term.plain for name, _ in term.factors]
    within = {effect.term for effect in problem.effects if effect.categories}
    products += [name for number in within if number is not None for name, _ in problem.terms[number].factors]
    taken = {*products, *problem.targets, *[category.column for category in problem.categories]}
    for each in problem.derived:
        if whole_columns([each]) and (each.name in taken or not _is_of_a_column(each)):
            raise needs_the_column([each], problem.table)
    raw = with_state(problem.derived, dict.fromkeys(whole_columns(problem.derived), _AS_IT_IS))
    return replace(problem, derived=raw, passing=Passing(problem.derived))


def needs_the_column(derived: Sequence[Derived], table: Table) -> OptionError:
    """The error for calls that have to know their whole columns before the pass."""
    return OptionError(
        f"{next(iter(whole_columns(derived)))} needs the whole column first, "
        f"and the rows of {table.name} come only once.\n"
        "Centre before, or give something that can be read again: a list, a DataLoader or a file."
    )


def _is_of_a_column(derived: Derived) -> bool:
    """Whether this is center(x) or scale(x) of a column x of the table, and no more."""
    expression = checked(derived.expression)
    call = expression.tree
    return isinstance(call, ast.Call) and called(call) in WHOLE_COLUMN and expression.column(call.args[0]) is not None
