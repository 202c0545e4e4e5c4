"""The times of rows: a column, or values in memory, of numbers or dates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.design.roles import column_beside, demand_aside
from gradline.errors import DataError, OptionError
from gradline.sources import Table, comes_once
from gradline.sources.columns import beside
from gradline.sources.rows import TIMES


def times_of(table: Table, time: Any) -> tuple[str, NDArray[Any]]:
    """What the times are called, and the time of each row (n,): dates as whole numbers.

    Args:
        table: Whose rows they are.
        time: The name of a column, or values (n,).

    Raises:
        ColumnError: there is no such column.
        DataError: a time is missing.
        OptionError: they are neither numbers nor dates, or their rows come only once.
        ShapeError: there is not one value for each row.
    """
    if isinstance(time, str):
        demand_aside(table, time)
        _demand_times(time, table.kind(time), time in table.numeric)
        if comes_once(table):
            raise OptionError(
                f"time={time!r} is read before the pass, and rows of {table.name} come only once.\n"
                "Give the times as an array."
            )
        name, parts = time, [rows.columns[0] for rows in table.read([time])]
    else:
        column = column_beside(table, "time", time)
        _demand_times(column.name, column.kind, column.epsilon is not None)
        beside(table, [column])  # says whether there is one for each row
        name, parts = column.name, [column.part(0, column.rows)]
    times = np.concatenate(parts) if parts else np.zeros(0)
    if times.dtype.kind == "f" and np.isnan(times).any():
        count, first = int(np.isnan(times).sum()), int(np.argmax(np.isnan(times)))
        values = "a missing value" if count == 1 else f"{count:,} missing values, the first"
        raise DataError(
            f"time column {name!r} in {table.name} has {values} at row {first}\n"
            "(the first row is 0). Fill it, or leave such rows out."
        )
    return name, times


def places_of(table: Table, time: Any) -> tuple[str, NDArray[np.int64] | None]:
    """What the times are called, and the place (n,) of each row in time: None where rows stand in order already.

    Raises:
        DataError: two rows have the same time; and as `times_of`.
    """
    name, times = times_of(table, time)
    rising = np.diff(times) if times.dtype.kind == "f" else times[1:] > times[:-1]
    if (rising > 0).all():
        return name, None
    order = np.argsort(times, kind="stable")
    again = np.flatnonzero(times[order[1:]] == times[order[:-1]])
    if len(again):
        raise DataError(
            f"time column {name!r} in {table.name} has {times[order[again[0]]]} in more than one row.\n"
            "An order is that of one series: for several side by side, cluster by time or by series."
        )
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return name, places


def _demand_times(name: str, kind: str, numeric: bool) -> None:
    if not numeric and kind not in TIMES:
        raise OptionError(
            f"time column {name!r} is {kind}; numbers or dates were expected.\n"
            "Convert it, for instance with pandas.to_datetime."
        )
