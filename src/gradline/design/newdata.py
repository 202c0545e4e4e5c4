"""New rows for a model that is there already: its terms, found in whatever table comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from gradline.design.polynomial import Polynomial
from gradline.design.terms import Term, columns_of, evaluate
from gradline.errors import ShapeError
from gradline.sources import Table, demand, is_named, open_table
from gradline.sources.rows import counting_column


def predictors(
    data: Any, terms: Sequence[Term], *, array_names: bool = False, where: str | None = None
) -> Iterator[tuple[list[NDArray[Any]], list[NDArray[Any] | None]]]:
    """High words and low words of each chunk of the new data, term by term.

    Columns are found by name in a table that has names, whatever their order; by position in an array,
    and in a table where the model itself was fitted on an array (`array_names`). Missing values stay NaN.

    Raises:
        ColumnError: a column of the model is missing or not numeric.
        ShapeError: an array does not have one column for each column of the model.
    """
    assert terms, "a model without features needs only the height of the new data"
    needed = columns_of(terms)
    table = _opened(data, where)
    columns: Sequence[str] = needed
    if not is_named(data) or isinstance(data, Polynomial) or _by_position(table, needed, array_names):
        _fits(table, needed)
        columns = table.columns
    demand(table, columns)
    return (evaluate(terms, rows.columns) for rows in table.read(columns))


def height(data: Any, where: str | None = None) -> int:
    """How many rows the new data have: all that a model without features needs to know of them."""
    table = _opened(data, where)
    if table.rows is not None:
        return table.rows
    return sum(len(rows.columns[0]) for rows in table.read(counting_column(table)))


def _opened(data: Any, where: str | None) -> Table:
    return open_table(data.x if isinstance(data, Polynomial) else data, where=where)


def _by_position(table: Table, needed: Sequence[str], array_names: bool) -> bool:
    """Whether a table with names stands for an array: the model has no names of its own, or there is one column."""
    if all(name in table.columns for name in needed):
        return False
    return array_names and len(table.columns) == len(needed)


def _fits(table: Table, needed: Sequence[str]) -> None:
    width = len(table.columns)
    if width == len(needed):
        return
    one_row = width == 1 and table.rows == len(needed)
    hint = "For one row, reshape it to (1, d): x.reshape(1, -1)." if one_row else f"Its columns: {', '.join(needed)}."
    raise ShapeError(f"new data has shape ({table.rows}, {width}) and the model needs (n, {len(needed)}).\n{hint}")
