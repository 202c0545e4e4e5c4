"""New rows for a model that is there already: its terms and categories, found in whatever table comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.design.categories import Codes, encode, renumbered
from gradline.design.derived import sources, values
from gradline.design.effects import written
from gradline.design.expression import checked
from gradline.design.polynomial import Polynomial
from gradline.design.recipe import EMPTY, Label, Recipe
from gradline.design.terms import Term, columns_of, evaluate
from gradline.errors import ColumnError, DataError, OptionError, ShapeError, no_such_column
from gradline.sources import Table, is_named, open_table
from gradline.sources.rows import Rows, counting_column, infinite_value, not_numbers


class NewRows(NamedTuple):
    """Some of the new rows, as a model needs them."""

    rows: int
    hi: list[NDArray[Any]]
    """High words of each numeric part, in the order of `numeric_parts(terms)`; NaN where a value is missing."""
    lo: list[NDArray[Any] | None]
    codes: list[Codes]
    """Of each category of the recipe, the number of the row's level; -1 where it is missing or was never seen."""


@dataclass(frozen=True, slots=True)
class Predictors:
    """Columns of a table as a model needs them, checked; it can be sent to where the rows are."""

    table: Table
    columns: Sequence[str]
    """Those that are read."""
    needed: Sequence[str]
    """How the model calls them."""
    terms: Sequence[Term]
    recipe: Recipe
    strict: bool
    """Whether a level that the model has not seen is an error."""

    def block(self, rows: Rows) -> NewRows:
        """Rows of the table as numbers and levels."""
        parts = numeric_parts(self.terms)
        given = dict(zip(self.needed, rows.columns, strict=True))
        hi, lo = evaluate(parts, values(self.recipe.derived, columns_of(parts), given))
        _finite(parts, hi, rows)
        codes = []
        for category, known in zip(self.recipe.categories, self.recipe.places, strict=True):
            [labels] = values(self.recipe.derived, [category.column], given)
            codes.append(_codes(labels, known, category.column, rows, self.strict))
        return NewRows(len(rows.columns[0]), hi, lo, codes)

    def blocks(self, progress: Callable[[int, int | None], object] | None = None) -> Iterator[NewRows]:
        """The rows in order; `progress` is called with (rows so far, rows in all or None)."""
        for rows in self.table.read(self.columns):
            block = self.block(rows)
            yield block
            if progress is not None:
                progress(rows.first + block.rows, self.table.rows)


def numeric_parts(terms: Sequence[Term]) -> list[Term]:
    """What the terms are but for their categories, each once; a term that is nothing else has no part."""
    return [Term(term.name, term.factors) for term in {term.factors: term for term in terms if term.factors}.values()]


def predictors(
    data: Any,
    terms: Sequence[Term],
    recipe: Recipe = EMPTY,
    *,
    array_names: bool = False,
    where: str | None = None,
    sql: str | None = None,
    unseen: str = "error",
) -> Predictors:
    """The new data as the numbers and the levels that the terms are made of.

    Columns are found by name in a table that has names, whatever their order; by position in an array,
    and in a table where the model itself was fitted on an array (`array_names`). Missing values stay NaN.

    Args:
        data: As for `gl.fit`.
        terms: Of the model.
        recipe: Of the model.
        array_names: Whether the model has no names of its own.
        where: For files: a SQL condition that rows must meet.
        sql: A SELECT statement about the files.
        unseen: What a level gives that the model has not seen: "error", or "nan" for a prediction that is missing.

    Raises:
        ColumnError: a column of the model is missing or does not hold what it should.
        ShapeError: an array does not have one column for each column of the model.
        DataError: an infinite value, or a level that the model has not seen; when the chunk is reached.
    """
    assert terms or recipe.categories, "a model without features needs only the height of the new data"
    if unseen not in ("error", "nan"):
        raise OptionError(f'unseen is "error" or "nan", not {unseen!r}.')
    names = [*columns_of(terms), *[category.column for category in recipe.categories]]
    needed = sources(recipe.derived, names)
    table = _opened(data, where, sql)
    columns: Sequence[str] = needed
    if not is_named(data) or isinstance(data, Polynomial) or _by_position(table, needed, array_names):
        _fits(table, needed)
        columns = table.columns
    _demand(table, dict(zip(needed, columns, strict=True)), terms, recipe)
    return Predictors(table, columns, needed, terms, recipe, unseen == "error")


def height(data: Any, where: str | None = None, sql: str | None = None) -> int:
    """How many rows the new data have: all that a model without features needs to know of them."""
    table = _opened(data, where, sql)
    if table.rows is not None:
        return table.rows
    return sum(len(rows.columns[0]) for rows in table.read(counting_column(table)))


def _finite(parts: Sequence[Term], hi: Sequence[NDArray[Any]], rows: Rows) -> None:
    """Refuse an infinite value: times a parameter of 0 it would pass for a missing one."""
    for part, column in zip(parts, hi, strict=True):
        if column.dtype.kind != "f":
            continue
        with np.errstate(invalid="ignore", over="ignore"):
            sound = np.isfinite(column.sum())  # at the speed of memory, where rows are sound as they mostly are
        if not sound and (infinite := np.isinf(column)).any():
            row = int(np.argmax(infinite))
            name = ":".join(base if power == 1 else f"{base}^{power}" for base, power in part.factors)
            raise infinite_value(name, rows.place, rows.first + row, column[row])


def _codes(labels: Any, known: Mapping[Label, int], column: str, rows: Rows, strict: bool) -> Codes:
    """The numbers of these rows' levels among the known ones."""
    codes, levels = encode(labels[0] if isinstance(labels, tuple) else labels)
    if any(level not in known for level in levels):  # digits are text in one kind of table, and numbers in another
        same = {str(level): level for level in known}
        levels = [level if level in known else same.get(str(level), level) for level in levels]
    unseen = next((level for level in levels if level not in known), None) if strict else None
    if unseen is not None:
        row = rows.place.row(rows.first + int(np.argmax(codes == levels.index(unseen))))
        listing = ", ".join(written(level) for level in list(known)[:6]) + (", …" if len(known) > 6 else "")
        raise DataError(
            f"the level {written(unseen)!r} of {column!r} in {rows.place}, {row}, "
            f"was not there when the model was fitted.\n"
            f'levels: {listing}. Use unseen="nan" to leave such predictions empty.'
        )
    return renumbered(codes, levels, known)


def _demand(table: Table, found: Mapping[str, str], terms: Sequence[Term], recipe: Recipe) -> None:
    """Refuse a table in which a column of the model is missing, or holds text where numbers were."""
    there, numeric = set(table.columns), set(table.numeric)
    texts = {name for each in recipe.derived for name in checked(each.expression).texts}
    for name in sources(recipe.derived, columns_of(terms)):
        if found[name] not in there:
            raise no_such_column(name, table.columns, table.name)
        if found[name] not in numeric and name not in texts:
            raise not_numbers(found[name], table.kind(found[name]), table.name, table.numeric)
    labels = numeric.union(table.labels)
    for name in sources(recipe.derived, [category.column for category in recipe.categories]):
        if found[name] not in there:
            raise no_such_column(name, table.columns, table.name)
        if found[name] not in labels:
            raise ColumnError(
                f"column {found[name]!r} in {table.name} is {table.kind(found[name])}; "
                "the model has a category there.\nConvert it to text."
            )


def _opened(data: Any, where: str | None, sql: str | None) -> Table:
    options: dict[str, Any] = {} if sql is None else {"sql": sql}
    return open_table(data.x if isinstance(data, Polynomial) else data, where=where, **options)


def _by_position(table: Table, needed: Sequence[str], array_names: bool) -> bool:
    """Whether a table with names stands for an array: the model has no names of its own, or there is one column."""
    if set(needed).issubset(table.columns):
        return False
    return array_names and len(table.columns) == len(needed)


def _fits(table: Table, needed: Sequence[str]) -> None:
    width = len(table.columns)
    if width == len(needed):
        return
    one_row = width == 1 and table.rows == len(needed)
    hint = "For one row, reshape it to (1, d): x.reshape(1, -1)." if one_row else f"Its columns: {', '.join(needed)}."
    raise ShapeError(f"new data has shape ({table.rows}, {width}) and the model needs (n, {len(needed)}).\n{hint}")
