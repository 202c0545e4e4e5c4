"""Which columns play which role: a request's names, or its values in memory, laid beside the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradline.errors import ColumnError, DataError, OptionError, ShapeError, no_such_column
from gradline.layout import ERROR, cells, choices, listing, shortened
from gradline.sources import Table, demand, is_array, is_named, open_columns
from gradline.sources.columns import Column, beside
from gradline.sources.rows import TIMES, not_numbers, numeric_columns, own_targets


def labels_as_names(table: Table, data: Any, target: Any, weights: Any, features: Any) -> tuple[Any, Any, Any]:
    """The request with whole numbers that label columns (pandas has such) as the columns' names."""
    if _is_label(target):
        target = str(target)
    if _is_label(weights) and is_named(data):
        weights = str(weights)
    if _is_label(features):
        features = [features]
    if isinstance(features, (list, tuple)):
        known = table.columns
        features = [str(name) if _is_label(name) and str(name) in known else name for name in features]
    return target, weights, features


def targets_of(
    table: Table, data: Any, target: Any, features: str | Sequence[str] | None, where: str | None
) -> tuple[Table, tuple[str, ...]]:
    """The names of the targets, and the table with them in it."""
    if target is None:
        if own := own_targets(table):
            return table, own
        if is_named(data):
            raise OptionError(
                f"no target: name a column of {table.name} in target=, or in formula=.\n"
                f"{choices('columns', table.columns)}"
            )
        raise OptionError(f"no target: give its values beside {table.name}, as in fit(X, y).")
    if isinstance(target, (list, tuple)) and not target and is_named(data):
        raise OptionError(f"target is empty: name a column of {table.name}.\n{choices('columns', table.columns)}")
    names = _names(target)
    if names is not None:
        if not is_named(data):
            raise OptionError(f"target is {target!r} and {table.name} has no names.\nGive the values: fit(X, y).")
        for name in names:
            if name not in table.columns:
                raise no_such_column(name, table.columns, table.name)
        return table, names
    _same_index(data, target, "the target")
    if is_array(target):
        _demand_axes(table, data, target)
    columns, height = open_columns(target, "y")
    _same_height(table, data, "target", target, height)
    chosen = None if features is None else [features] if isinstance(features, str) else features
    taken = set(table.columns)
    if is_array(target) or not columns[0].name:
        # The name 'y' is ours, not the user's: it gives way to a column that has it already.
        columns = [_renamed(column, _free(column.name or "y", taken)) for column in columns]
    for column in columns:
        if column.name in (taken if chosen is None else chosen):
            raise ColumnError(
                f"target {column.name!r} is also a column of {table.name}.\n"
                f"Drop it from the features, or name it: target={column.name!r}."
            )
    return _beside(table, columns, where), tuple(column.name for column in columns)


def demand_targets(table: Table, targets: Sequence[str]) -> None:
    """Refuse a target that is not there or holds no numbers, before the features are looked at."""
    numeric = table.numeric
    for name in targets:
        if name not in numeric:
            if name not in table.columns:
                raise no_such_column(name, table.columns, table.name)
            raise not_numbers(name, table.kind(name), table.name, numeric, "target")


def demand_aside(table: Table, name: str) -> None:
    """Refuse a column to tell rows apart by that is not there, or holds neither numbers nor text."""
    if name not in table.columns:
        raise no_such_column(name, table.columns, table.name)
    if name not in table.numeric and name not in table.labels and table.kind(name) not in TIMES:
        raise ColumnError(
            f"column {name!r} in {table.name} is {table.kind(name)}; rows are told apart by numbers or text.\n"
            "Convert it to one of them."
        )


def features_of(table: Table, features: str | Sequence[str] | None, taken: Sequence[str]) -> list[str]:
    """The names of the features: all that have no other role where none are named."""
    if features is None:
        return [name for name in table.columns if name not in taken]
    names = [features] if isinstance(features, str) else list(features)
    for name in names:
        if not isinstance(name, str):
            raise OptionError(f"features holds {name!r}; expected names of columns.")
        if names.count(name) > 1:
            raise ColumnError(f"feature {name!r} is named {names.count(name)} times.\nName each feature once.")
    return names


def refuse_text(table: Table, features: Sequence[str], besides: Sequence[str]) -> None:
    """Refuse columns of text that are features only because none were named.

    They may be identifiers, or numbers with a slip in them.
    """
    numeric, labels = set(table.numeric), set(table.labels)
    texts = [name for name in features if name in labels and name not in numeric]
    if not texts:
        return
    if len(texts) == 1:
        found = f"feature {texts[0]!r} in {table.name} is {table.kind(texts[0])}."
    else:
        found = f" in {table.name} are not numeric."
        found = listing([repr(shortened(name, 40)) for name in texts], max(ERROR - cells(found), ERROR // 2)) + found
    hint = numeric_columns(texts[0], [name for name in features if name in numeric], "feature", besides)
    raise ColumnError(f"{found}\n{hint}\nNamed in features=, text becomes a category.")


def weights_of(table: Table, data: Any, weights: Any, where: str | None) -> tuple[Table, str | None]:
    """The table with the weights in it, and what their column is called there."""
    if weights is None:
        return table, None
    if isinstance(weights, str):
        if not is_named(data):
            raise OptionError(f"weights is {weights!r} and {table.name} has no names.\nGive the values (n,).")
        if weights in table.columns and weights not in table.numeric:
            raise not_numbers(weights, table.kind(weights), table.name, table.numeric, "weights")
        demand(table, [weights])
        return table, weights
    _same_index(data, weights, "weights")
    columns, height = open_columns(weights, "weights")
    _same_height(table, data, "weights", weights, height)
    if len(columns) != 1:
        raise ShapeError(f"weights has shape ({height}, {len(columns)}); expected one weight per row: (n,).")
    column = _renamed(columns[0], _free("weights", set(table.columns)))
    return _beside(table, [column], where), column.name


def laid_beside(table: Table, role: str, values: Any) -> tuple[Table, str]:
    """The table with values in memory that tell rows apart, and what their column is called there.

    Args:
        table: What they go along with.
        role: How errors call them, and the column where they have no name.
        values: (n,) numbers, text or dates; dates become whole numbers.
    """
    column = column_beside(table, role, values)
    return beside(table, [column]), column.name


def column_beside(table: Table, role: str, values: Any) -> Column:
    """The column that `laid_beside` lays there."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"{role} has shape {array.shape}; expected one value per row: (n,).")
    column: Any = array
    if array.dtype.kind in "mM":
        column = array.astype(np.int64)
        if np.isnat(array).any():
            column = np.where(np.isnat(array), np.nan, column)
    elif array.dtype.kind in "OUS":
        import pyarrow as pa

        try:
            column = pa.array(array.tolist(), from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise DataError(f"{role} has values of several types.\nGive numbers, or text, or dates.") from None
        if pa.types.is_temporal(column.type):
            column = column.cast(pa.timestamp("us")).cast(pa.int64())
    columns, _ = open_columns(column, role)
    name = getattr(values, "name", None)
    return _renamed(columns[0], _free(name if isinstance(name, str) and name else role, set(table.columns)))


def _is_label(name: Any) -> bool:
    return isinstance(name, (int, np.integer)) and not isinstance(name, bool)


def _names(target: Any) -> tuple[str, ...] | None:
    """The target as names of columns, or None where it holds values."""
    if isinstance(target, str):
        return (target,)
    if isinstance(target, (list, tuple)) and target and all(isinstance(name, str) for name in target):
        return tuple(target)
    return None


def _beside(table: Table, columns: Sequence[Column], where: str | None) -> Table:
    if where is not None:
        raise OptionError("where= leaves out rows of the file; target and weights must be columns of it as well.")
    return beside(table, columns)


def _renamed(column: Column, name: str) -> Column:
    return column if column.name == name else column._replace(name=name)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a mark where a column has it already."""
    while name in taken:
        name += "_"
    return name


def _demand_axes(table: Table, data: Any, target: Any) -> None:
    """Both shapes, where the target is neither (n,) nor (n, k)."""
    shape = tuple(target.shape) if hasattr(target, "shape") else () if np.isscalar(target) else None
    if shape is None or (len(shape) in (1, 2) and shape[1:] != (0,)):
        return
    n = "n" if table.rows is None else table.rows
    features = tuple(data.shape) if hasattr(data, "shape") else f"({n}, {len(table.columns)})"
    raise ShapeError(
        f"target has shape {shape} and the features have {features}.\n"
        f"Expected ({n},) or ({n}, 1), or ({n}, k) for k targets."
    )


def _same_height(table: Table, data: Any, role: str, values: Any, height: int) -> None:
    """Both shapes, where values in memory do not have one row for each row of the table."""
    if table.rows is None or table.rows == height:
        return
    shapes = [tuple(getattr(each, "shape", (rows,))) for each, rows in ((values, height), (data, table.rows))]
    hint = f"Expected ({table.rows},) or ({table.rows}, 1): one row for each row of the features."
    if shapes[0][1:] == (table.rows,):
        hint = "Its columns look like rows: transpose it."
    raise ShapeError(
        f"{role} has {height} rows and the features have {table.rows}: shapes {shapes[0]} and {shapes[1]}.\n{hint}"
    )


def _same_index(data: Any, values: Any, role: str) -> None:
    """Refuse two pandas objects whose rows are labelled differently: matching them by position would be a guess."""
    for each in (data, values):
        if type(each).__module__.partition(".")[0] != "pandas" or not hasattr(each, "index"):
            return
    if len(data.index) == len(values.index) and not data.index.equals(values.index):
        raise DataError(
            f"{role} and the features have different indexes (pandas).\n"
            "Align them, e.g. y = y.loc[X.index], or drop both indexes with .reset_index(drop=True)."
        )
