"""A fit as an SQL expression that DuckDB and PostgreSQL evaluate to what `Fit.predict` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradline.design.expression import checked
from gradline.export.pieces import Piece, cannot, levels_of, pieces_of, refuse_origin
from gradline.export.sql_expression import identifier, level_literal, number, translated
from gradline.layout import shortened

if TYPE_CHECKING:
    from gradline.design.recipe import Label
    from gradline.results.fit import Fit


def expressions(fit: Fit) -> list[str]:
    """One expression for each target, in their order; see `Fit.to_sql`."""
    refuse_origin(fit, "SQL")
    _refuse_twins(fit)
    writer = _Writer(fit)
    pieces = pieces_of(fit)
    return [writer.total(pieces, number) for number in range(len(fit.targets))]


_SUMMANDS = 200
"""In one pair of parentheses: parsers limit how deep a sum may go, each + one deeper."""


def _sum(summands: list[str]) -> str:
    """The sum in parentheses, so that it may stand within any other expression."""
    while len(summands) > _SUMMANDS:
        summands = [_sum(summands[i : i + _SUMMANDS]) for i in range(0, len(summands), _SUMMANDS)]
    return f"({' + '.join(summands)})"


def _refuse_twins(fit: Fit) -> None:
    """Refuse columns whose names differ only in case: DuckDB takes one for the other, even in quotes."""
    derived = {each.name: checked(each.expression).columns for each in fit.recipe.derived}
    pieces = pieces_of(fit)
    used = [name for piece in pieces for name in (*(column for column, _ in piece.factors), *piece.categories)]
    names: dict[str, str] = {}
    for column in (column for name in used for column in derived.get(name, (name,))):
        other = names.setdefault(column.casefold(), column)
        if other != column:
            twins = f"{shortened(repr(other), 20)} beside {shortened(repr(column), 20)}"
            raise cannot("SQL", f"{twins}: names in SQL are the same in any case", "Rename one, and fit again.")


class _Writer:
    """Columns and levels of one model, as SQL has them."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._levels = levels_of(fit)
        self._derived = {each.name: each for each in fit.recipe.derived}

    def total(self, pieces: list[Piece], target: int) -> str:
        """The sum of the pieces for one target."""
        start = float(self._fit.estimates[0, target]) if self._fit.has_intercept else 0.0
        # The first summand is a double, and so the sum is one, where PostgreSQL would count in decimals.
        return _sum([number(start), *[self._piece(piece, target) for piece in pieces]])

    def _piece(self, piece: Piece, target: int) -> str:
        factors = [self._power(column, power) for column, power in piece.factors]
        if piece.categories:
            return " * ".join([self._choice(piece, target), *factors])
        return " * ".join([number(float(piece.parameters[()][target])), *factors])

    def _power(self, column: str, power: int) -> str:
        value = self._number(column)
        return value if power == 1 else f"POWER({value}, {power})"

    def _number(self, column: str) -> str:
        """The column as a double."""
        derived = self._derived.get(column)
        if derived is None:
            return f"CAST({identifier(column)} AS DOUBLE PRECISION)"
        states = {text: (mean, low, by) for text, mean, low, by in derived.state}
        return translated(checked(derived.expression), states)

    def _choice(self, piece: Piece, target: int) -> str:
        """The parameter of the row's cell; no level and a level that is not known are NULL."""
        cases = [
            f"WHEN {self._in_cell(piece.categories, cell)} THEN {number(float(parameters[target]))}"
            for cell, parameters in piece.parameters.items()
        ]
        if len(piece.parameters) < self._cells(piece.categories):
            known = " AND ".join(self._known(column) for column in piece.categories)
            cases.append(f"WHEN {known} THEN {number(0.0)}")
        return f"CASE {' '.join(cases)} END"

    def _cells(self, categories: tuple[str, ...]) -> int:
        count = 1
        for column in categories:
            count *= len(self._levels[column])
        return count

    def _in_cell(self, categories: tuple[str, ...], cell: tuple[Label, ...]) -> str:
        pairs = zip(categories, cell, strict=True)
        return " AND ".join(f"{self._label(column)} = {level_literal(level, column)}" for column, level in pairs)

    def _known(self, column: str) -> str:
        listed = ", ".join(level_literal(level, column) for level in self._levels[column])
        return f"{self._label(column)} IN ({listed})"

    def _label(self, column: str) -> str:
        return self._number(column) if column in self._derived else identifier(column)
