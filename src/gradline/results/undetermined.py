"""New rows of which the data of the fit say nothing: they break a relation that every row of the fit kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.design.terms import Term
from gradline.doubledouble import Array
from gradline.exact.relations import briefly

if TYPE_CHECKING:
    from gradline.results.fit import Fit

_TOLERANCE = 1e-6
"""Of the size of a relation's terms, as R's predict.lm has it: columns may have been rounded to float32."""


class Open(NamedTuple):
    """Rows whose predictions the data of the fit leave open."""

    rows: int = 0
    first: int = -1
    """The number of the first of them."""
    relation: int = -1
    """The number of the relation that it breaks."""

    @staticmethod
    def of(broken: NDArray[np.int64]) -> Open:
        """From what each row breaks (n,), -1 for nothing."""
        found = np.flatnonzero(broken >= 0)
        return Open(len(found), int(found[0]), int(broken[found[0]])) if len(found) else Open()

    def and_after(self, other: Open, rows: int) -> Open:
        """With those of the next rows, where so many came before."""
        if self.rows or not other.rows:
            return self._replace(rows=self.rows + other.rows)
        return other._replace(first=rows + other.first)


@dataclass(frozen=True, slots=True)
class Relations:
    """What is 0 in every row of a fit: for each column left out, it less what determines it."""

    matrix: Array
    """(p + 1, r); the last row is of no parameter."""
    texts: tuple[str, ...]
    """Each as an equation."""
    levels: int
    """How many, the first ones, are broken only by a combination of levels that no row had."""
    numeric: bool
    """Whether numbers take part in any, and not levels alone."""

    @classmethod
    def of(cls, fit: Fit) -> Relations | None:
        """Those of a fit; None if there are none, or if its file is from before they were kept."""
        if not len(fit.relations):
            return None
        left_out = np.array([name in fit.aliased for name in fit.names])
        matrix = np.zeros((len(fit.names) + 1, len(fit.relations)))
        matrix[:-1][~left_out] = -fit.relations.T
        matrix[left_out.nonzero()[0], np.arange(len(fit.relations))] = 1.0
        terms = [*[Term("Intercept", ())] * fit.has_intercept, *fit.terms]
        among = [[terms[at] for at in np.flatnonzero(column)] for column in matrix.T]
        of_levels = [_is_of_levels(each) for each in among]
        order = np.argsort(np.logical_not(of_levels), kind="stable")
        texts = list(fit.aliased.values())
        numeric = any(term.factors for each in among for term in each)
        return cls(matrix[:, order], tuple([texts[at] for at in order]), sum(of_levels), numeric)

    def warning(self, found: Open, rows: int) -> str:
        """What to say of new rows that break some of these, of so many."""
        advice = "Leave such rows out, or fit rows of both kinds."
        if found.relation < self.levels:
            advice = 'Use unseen="nan" to leave such predictions empty.'
        verb = "is" if found.rows == 1 else "are"
        return (
            f"{found.rows} of {rows} predictions {verb} arbitrary, the first in row {found.first} "
            f"(the first row is 0):\n"
            f"all rows of the fit have {briefly([self.texts[found.relation]], 60)}, and this one has not.\n"
            f"{advice}"
        )


def broken(total: Array, size: Array) -> NDArray[np.int64]:
    """(n,) the first relation that each row breaks, -1 for none.

    From the sum of the terms of each relation, and that of their sizes, both (n, r).
    """
    found = abs(total) > _TOLERANCE * size
    return np.where(found.any(axis=1), found.argmax(axis=1), -1)


def _is_of_levels(terms: Sequence[Term]) -> bool:
    """Whether a relation is one of cells: it holds in a row or not by the levels alone, whatever the numbers are."""
    categories = {column for term in terms for column, _ in term.cell}
    return len({term.factors for term in terms}) == 1 and len(categories) > 1
