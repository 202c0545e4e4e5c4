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
from gradline.errors import DataError, OptionError
from gradline.sources import Table, comes_once

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


def whole_columns(derived: Sequence[Derived], table: Table) -> dict[str, _Call]:
    """The calls of center and scale by their texts, each of which needs its columns before the pass.

    Raises:
        OptionError: the rows come only once, so that they cannot be read for this and then for the model.
    """
    calls: dict[str, _Call] = {}
    for each in derived:
        expression = checked(each.expression)
        calls |= {expression.source(call): (expression, call) for call in expression.calls}
    if calls and comes_once(table):
        raise OptionError(
            f"{next(iter(calls))} needs the whole column first, and the rows of {table.name} come only once.\n"
            "Centre before, or give something that can be read again: a list, a DataLoader or a file."
        )
    return calls


def measured(derived: Sequence[Derived], table: Table) -> tuple[Derived, ...]:
    """The same columns, with what calls of center and scale need to know of the whole column.

    Means and deviations are of the values that are there, carried in double-double, in the order of the rows.

    Raises:
        DataError: a column to be scaled is constant, or infinite somewhere.
        OptionError: as `whole_columns`.
    """
    calls = whole_columns(derived, table)
    state: dict[str, tuple[float, float, float]] = {}
    while len(state) < len(calls):
        # A call within another's argument comes first: its state makes the argument's values.
        ready = {text: call for text, call in calls.items() if text not in state and _within(*call) <= state.keys()}
        state |= _pass(ready, table, dict(state))
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
    names = list(dict.fromkeys(column for expression, _ in calls.values() for column in expression.columns))
    zero = np.float64(0.0), np.float64(0.0)
    sums: dict[str, tuple[int, Any, Any]] = dict.fromkeys(calls, (0, zero, zero))
    for rows in table.read(names):
        columns = dict(zip(names, rows.columns, strict=True))
        for text, (expression, call) in calls.items():
            hi, lo = argument(expression, call, columns, state)
            present = ~np.isnan(hi)
            if np.isinf(hi).any():
                row = rows.place.row(rows.first + int(np.argmax(np.isinf(hi))))
                raise DataError(
                    f"{text} in {rows.place} is of an infinite value at {row}.\nReplace it, or leave the row out."
                )
            pair: Pair = hi[present], np.zeros(int(present.sum())) if lo is None else lo[present]
            count, total, squares = sums[text]
            sums[text] = (
                count + len(pair[0]),
                add(total, sum_pairs(pair)),
                add(squares, sum_pairs(multiply(pair, pair))),
            )
    return {text: _state(text, call, *sums[text]) for text, (_, call) in calls.items()}


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
