"""One factor of a formula: a column, a category, powers, or something to be computed."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from gradline.design.coding import Factor
from gradline.design.expression import Expression, called, checked, syntax
from gradline.design.quoted import in_backticks
from gradline.design.recipe import Category, Derived, Label
from gradline.design.terms import column_term, powers
from gradline.errors import ColumnError, OptionError, no_such_column

_TREATMENT = ("Treatment", "contr.treatment")


class Factors:
    """Reads factors, and gathers the categories and the computed columns that they name."""

    def __init__(self, columns: Sequence[str], labels: Sequence[str], place: str, table: str) -> None:
        """For a table with these columns, of which `labels` hold text; an error calls it `table`, and us `place`."""
        self._columns = columns
        self._labels = frozenset(labels)
        self._place = place
        self._table = table
        self.categories: list[Category] = []
        self.derived: list[Derived] = []

    def present(self, column: str) -> str:
        """The column, if the table has it."""
        if column not in self._columns:
            raise no_such_column(column, self._columns, self._table)
        return column

    def column(self, name: str) -> Factor:
        """The factor that is a column: a category where it holds text."""
        self.present(name)
        if name in self._labels:
            return Factor(name, category=self._category(name, None))
        return Factor(name, (column_term(name),))

    def read(self, text: str) -> Factor:
        """The factor that this text means.

        Raises:
            OptionError: it is not a known function of columns.
            ColumnError: it names a column that is not there.
        """
        expression = syntax(text)
        call = expression.tree
        if isinstance(call, ast.Call) and called(call) == "C":
            return Factor(text, category=self._coded(expression, call))
        if isinstance(call, ast.Call) and called(call) == "poly":
            return Factor(text, powers(self._numbers(expression, *call.args[:1]), self._degree(expression, call)))
        column = expression.column(call)
        if column is not None:
            return self.column(column)
        return Factor(text, (column_term(self._numbers(expression, call)),))

    def _numbers(self, expression: Expression, *nodes: ast.expr) -> str:
        """The name of the column that this part of the text stands for, computed if need be."""
        if not nodes:
            raise OptionError(f"{expression.text!r} in {self._place} is of no column.")
        [node] = nodes
        column = expression.column(node)
        if column is not None:
            return self.present(column)
        # The text of a whole factor is formulaic's; a part of one is written as formulaic would.
        name = expression.text if node is expression.tree else expression.source(node)
        if not any(name == known.name for known in self.derived):
            part = checked(name)
            if not part.columns:
                raise OptionError(f"{name!r} in {self._place} is a constant.\nExpected something of a column.")
            for column in part.columns:
                self._demand_kind(self.present(column), column in part.texts, name)
            self.derived.append(Derived(name, name))
        return name

    def _demand_kind(self, column: str, compared: bool, name: str) -> None:
        if column in self._labels and not compared:
            written = in_backticks(column)
            raise ColumnError(
                f"column {column!r} in {name!r} is text; numbers were expected.\n"
                f'Use C({written}) for its levels, or compare it: I({written} == "…").'
            )
        if compared and column not in self._labels:
            raise ColumnError(f"column {column!r} in {name!r} is compared with text, and it holds numbers.")

    def _degree(self, expression: Expression, call: ast.Call) -> int:
        given = dict(zip(("degree", "raw"), call.args[1:], strict=False))
        given |= {str(keyword.arg): keyword.value for keyword in call.keywords}
        degree = getattr(given.pop("degree", None), "value", None)
        raw = given.pop("raw", None)
        if raw is not None and ast.unparse(raw) not in ("True", "TRUE", "T"):
            raise OptionError(f"{expression.text!r} in {self._place}: powers are raw here.\nUse poly(x, k).")
        if given or isinstance(degree, bool) or not isinstance(degree, int) or degree < 1:
            raise OptionError(
                f"{expression.text!r} in {self._place}: expected poly(x, k) with a degree k of 1 or more."
            )
        return degree

    def _coded(self, expression: Expression, call: ast.Call) -> int:
        """The category of a call C(column), C(column, Treatment(base)) or C(column, base=…)."""
        given = dict(zip(("contrasts",), call.args[1:], strict=False))
        given |= {str(keyword.arg): keyword.value for keyword in call.keywords}
        base = given.pop("base", given.pop("reference", None))
        contrasts = given.pop("contrasts", None)
        if isinstance(contrasts, ast.Call):
            options = [*contrasts.args, *[each.value for each in contrasts.keywords]]
            names = {each.arg for each in contrasts.keywords}
            if len(options) > 1 or not names <= {"base", "reference"}:
                raise self._only_treatment(expression)
            base = options[0] if options else base
            contrasts = contrasts.func
        if given or len(call.args) > 2 or (contrasts is not None and ast.unparse(contrasts) not in _TREATMENT):
            raise self._only_treatment(expression)
        return self._category(self._numbers(expression, *call.args[:1]), self._label(expression, base))

    def _label(self, expression: Expression, base: ast.expr | None) -> Label | None:
        if base is None:
            return None
        try:
            level = ast.literal_eval(base)
        except ValueError:
            level = None
        if not isinstance(level, str | int | float):
            raise OptionError(
                f"the base in {expression.text!r} is {ast.unparse(base)}; expected a level: text or a number."
            )
        return int(level) if isinstance(level, float) and level.is_integer() else level

    def _only_treatment(self, expression: Expression) -> OptionError:
        return OptionError(
            f"{expression.text!r} in {self._place} is not supported: categories have treatment coding.\n"
            'Use C(x), or C(x, Treatment("base")) to choose the level that others are compared with.'
        )

    def _category(self, column: str, base: Label | None) -> int:
        """The category's number; a base that is chosen once holds wherever the category stands."""
        for number, known in enumerate(self.categories):
            if known.column != column:
                continue
            if base is not None and known.base is not None and base != known.base:
                raise OptionError(
                    f"{column!r} has two bases in {self._place}: {known.base!r} and {base!r}.\nChoose one."
                )
            self.categories[number] = Category(column, known.base if base is None else base)
            return number
        self.categories.append(Category(column, base))
        return len(self.categories) - 1
