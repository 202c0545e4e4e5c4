"""Columns that are computed from those of the table; some after a first pass over the whole column."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from gradline.design.evaluation import argument, evaluate
from gradline.design.expression import Expression, checked, options
from gradline.design.recipe import Derived
from gradline.design.terms import Words
from gradline.doubledouble import Pair, add, divide, multiply, subtract, sum_pairs
from gradline.errors import DataError
from gradline.sources import Table
from gradline.sources.rows import Rows

_Call: TypeAlias = tuple[Expression, ast.Call]
"""A call of center or scale, and the expression in which it stands."""


def sources(derived: Sequence[Derived], names: Sequence[str]) -> list[str]:
    """The columns of the table that these columns need, each once, in the order of first use."""
    if not derived:
        return list(dict.fromkeys(names))
    known = {each.name: each for each in derived}
    found: list[str] = []
    for name in names:
        found += checked(known[name].expression).columns if name in known else (name,)
    return list(dict.fromkeys(found))


def values(derived: Sequence[Derived], names: Sequence[str], columns: Mapping[str, Any]) -> list[Any]:
    """The values (n,) of these columns, computed ones as two words, from those of the table."""
    known = {each.name: each for each in derived}
    return [_computed(known[name], columns) if name in known else columns[name] for name in names]


def whole_columns(derived: Sequence[Derived]) -> dict[str, _Call]:
    """The calls of center and scale by their texts, each of which needs its whole columns."""
    calls: dict[str, _Call] = {}
    for each in derived:
        expression = checked(each.expression)
        calls |= {expression.source(call): (expression, call) for call in expression.calls}
    return calls


def measured(derived: Sequence[Derived], table: Table) -> tuple[Derived, ...]:
    """The same columns, with what calls of center and scale need to know of the whole column.

    Means and deviations are of the values that are there, carried in double-double, in the order of the rows.

    Raises:
        DataError: a column to be scaled is constant, or infinite somewhere.
    """
    calls = whole_columns(derived)
    state: dict[str, tuple[float, float, float]] = {}
    while len(state) < len(calls):
        # A call within another's argument comes first: its state makes the argument's values.
        ready = {text: call for text, call in calls.items() if text not in state and _within(*call) <= state.keys()}
        state |= _pass(ready, table, dict(state))
    return with_state(derived, state)


def with_state(derived: Sequence[Derived], state: Mapping[str, tuple[float, float, float]]) -> tuple[Derived, ...]:
    """The columns with what their calls of center and scale, by their texts, know of whole columns."""
    done = []
    for each in derived:
        expression = checked(each.expression)
        texts = dict.fromkeys(expression.source(call) for call in expression.calls)
        done.append(replace(each, state=tuple((text, *state[text]) for text in texts)))
    return tuple(done)


def _within(expression: Expression, call: ast.Call) -> set[str]:
    """The calls of center and scale within this one."""
    return {expression.source(inner) for inner in expression.calls if inner is not call and inner in ast.walk(call)}


def _computed(derived: Derived, columns: Mapping[str, Any]) -> Words:
    expression = checked(derived.expression)
    hi, lo = evaluate(expression, columns, {text: (mean, low, by) for text, mean, low, by in derived.state})
    return hi, lo


def _pass(
    calls: Mapping[str, _Call], table: Table, state: Mapping[str, tuple[float, float, float]]
) -> dict[str, tuple[float, float, float]]:
    """One reading of the columns that these calls are about."""
    gathered = Gathered(calls, state)
    names = list(dict.fromkeys(column for expression, _ in calls.values() for column in expression.columns))
    for rows in table.read(names):
        gathered.add(rows, names)
    return gathered.state


class Gathered:
    """What calls of center and scale must know of their columns, from rows as they pass."""

    def __init__(self, calls: Mapping[str, _Call], state: Mapping[str, tuple[float, float, float]]) -> None:
        """With the state of the calls within these."""
        zero = np.float64(0.0), np.float64(0.0)
        self._calls = calls
        self._within = state
        self._sums: dict[str, tuple[int, Any, Any]] = dict.fromkeys(calls, (0, zero, zero))

    def add(self, rows: Rows, names: Sequence[str]) -> None:
        """The next rows, whose columns are called so."""
        columns = dict(zip(names, rows.columns, strict=True))
        for text, (expression, call) in self._calls.items():
            hi, lo = argument(expression, call, columns, self._within)
            present = ~np.isnan(hi)
            if np.isinf(hi).any():
                row = rows.place.row(rows.first + int(np.argmax(np.isinf(hi))))
                raise DataError(
                    f"{text} in {rows.place} is of an infinite value at {row}.\nReplace it, or leave the row out."
                )
            pair: Pair = hi[present], np.zeros(int(present.sum())) if lo is None else lo[present]
            count, total, squares = self._sums[text]
            self._sums[text] = (
                count + len(pair[0]),
                add(total, sum_pairs(pair)),
                add(squares, sum_pairs(multiply(pair, pair))),
            )

    @property
    def state(self) -> dict[str, tuple[float, float, float]]:
        """Of each call the mean in two words, and what to divide by."""
        return {text: _state(text, call, *self._sums[text]) for text, (_, call) in self._calls.items()}


def _state(text: str, call: ast.Call, count: int, total: Any, squares: Any) -> tuple[float, float, float]:
    centre, scale, ddof = options(call)
    if not count:
        return np.nan, 0.0, 1.0
    n: Any = np.float64(count), np.float64(0.0)
    if isinstance(centre, bool):
        mean: Any = divide(total, n) if centre else (np.float64(0.0), np.float64(0.0))
    else:
        mean = np.float64(centre), np.float64(0.0)
    if not isinstance(scale, bool):
        return float(mean[0]), float(mean[1]), scale
    if not scale:
        return float(mean[0]), float(mean[1]), 1.0
    # Σ(x - m)² = Σx² - 2m·Σx + n·m², with 32 digits to lose
    doubled = multiply((2 * mean[0], 2 * mean[1]), total)
    spread = add(subtract(squares, doubled), multiply(n, multiply(mean, mean)))[0]
    if not spread > 1e-28 * squares[0] or count <= ddof:
        raise DataError(f"{text}: the column is constant, so it cannot be scaled.\nLeave it out, or use center(…).")
    return float(mean[0]), float(mean[1]), float(np.sqrt(spread / (count - ddof)))
