"""The value of an expression in each row.

Sums, differences, products, quotients and whole powers carry about 32 digits (double-double), functions 16. A missing
value makes the result missing, in comparisons too; only isnan and where look past it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.design.categories import encode
from gradline.design.expression import ARGUMENTS, FUNCTIONS, WHOLE_COLUMN, Expression, called
from gradline.design.terms import Words, times, two_words
from gradline.doubledouble import add, divide, negative

State: TypeAlias = Mapping[str, tuple[float, float, float]]
"""Of each call of center or scale, by its text: the mean in two words, and what to divide by."""

MOST_PRODUCTS = 64
"""Whole powers up to here are products in double-double."""


def evaluate(expression: Expression, columns: Mapping[str, Any], state: State) -> Words:
    """The value in each row (n,), from the columns' values (n,)."""
    with np.errstate(all="ignore"):
        return _value(expression, expression.tree, columns, state)


def argument(expression: Expression, call: ast.Call, columns: Mapping[str, Any], state: State) -> Words:
    """What a call of center or scale is about, in each row."""
    with np.errstate(all="ignore"):
        return _value(expression, call.args[0], columns, state)


def _value(expression: Expression, node: ast.expr, columns: Mapping[str, Any], state: State) -> Words:
    def inner(node: ast.expr) -> Words:
        return _value(expression, node, columns, state)

    column = expression.column(node)
    if column is not None:
        return two_words(columns[column])
    pair = expression.comparison(node)
    if pair is not None:
        return _is_text(columns[pair[0]], pair[1], isinstance(node.ops[0], ast.Eq)), None  # type: ignore[attr-defined]
    match node:
        case ast.Constant(value=number):
            return np.float64(number), None  # type: ignore[arg-type, return-value]
        case ast.UnaryOp(op=operator, operand=operand):
            hi, lo = inner(operand)
            if isinstance(operator, ast.UAdd):
                return hi, lo
            if isinstance(operator, ast.Invert):
                return np.where(np.isnan(hi), np.nan, hi == 0), None
            return -hi, None if lo is None else -lo
        case ast.BinOp(left=left, op=operator, right=right):
            if isinstance(operator, ast.Pow):
                return _power(inner(left), right, inner)
            return _operate(operator, inner(left), inner(right))
        case ast.Compare():
            sides = [inner(side) for side in (node.left, *node.comparators)]
            truths = [_compare(op, a, b) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]
            return _with_missing(np.logical_and.reduce([truth != 0 for truth in truths]), *truths), None
        case ast.Call():
            values = [inner(value) for value in node.args[: ARGUMENTS.get(called(node), 1)]]
            return _call(expression.source(node), called(node), values, state)
    raise AssertionError(ast.dump(node))


def _operate(operator: ast.operator, a: Words, b: Words) -> Words:
    if isinstance(operator, ast.Mult):
        return times(_pair(a), _pair(b))
    if isinstance(operator, ast.Add | ast.Sub):
        right = _pair(b) if isinstance(operator, ast.Add) else negative(_pair(b))
        return _finite(add(_pair(a), right), a[0] + right[0])
    if isinstance(operator, ast.Div):
        return _finite(divide(_pair(a), _pair(b)), a[0] / b[0])
    if isinstance(operator, ast.Mod):
        low = 0.0 if a[1] is None else np.mod(a[1], b[0])
        return np.mod(np.mod(a[0], b[0]) + low, b[0]), None
    if isinstance(operator, ast.FloorDiv):
        return np.floor_divide(a[0], b[0]), None
    both = np.logical_and if isinstance(operator, ast.BitAnd) else np.logical_or
    return _with_missing(both(a[0] != 0, b[0] != 0), a[0], b[0]), None


def _power(base: Words, exponent: ast.expr, inner: Callable[[ast.expr], Words]) -> Words:
    if (
        isinstance(exponent, ast.Constant)
        and isinstance(exponent.value, int)
        and 1 <= exponent.value <= MOST_PRODUCTS
    ):
        result = pair = _pair(base)
        for _ in range(exponent.value - 1):
            result = times(result, pair)
        return result
    return np.power(base[0], inner(exponent)[0]), None


def _compare(operator: ast.cmpop, a: Words, b: Words) -> NDArray[Any]:
    (high, low), (high_b, low_b) = _pair(a), _pair(b)
    less = (high < high_b) | ((high == high_b) & (low < low_b))
    equal = (high == high_b) & (low == low_b)
    truth = {
        ast.Lt: less,
        ast.LtE: less | equal,
        ast.Gt: ~(less | equal),
        ast.GtE: ~less,
        ast.Eq: equal,
        ast.NotEq: ~equal,
    }[type(operator)]
    return _with_missing(truth, high, high_b)


def _is_text(values: Any, text: str, wanted: bool) -> NDArray[Any]:
    """1 where the value is this text (or is not, where that is wanted), 0 elsewhere, NaN where it is missing."""
    codes, levels = encode(values)
    found = levels.index(text) if text in levels else len(levels)
    return np.where(codes < 0, np.nan, (codes == found) == wanted)


def _call(text: str, name: str, values: list[Words], state: State) -> Words:
    if name == "I":
        return values[0]
    if name in WHOLE_COLUMN:
        mean, mean_low, spread = (np.float64(number) for number in state[text])
        centred = _finite(add(_pair(values[0]), (-mean, -mean_low)), values[0][0] - mean)  # type: ignore[arg-type]
        return centred if spread == 1 else _operate(ast.Div(), centred, (spread, None))  # type: ignore[arg-type]
    if name == "abs":
        (hi, lo), positive = _pair(values[0]), values[0][0] >= 0
        return np.abs(hi), np.where(positive, lo, -lo)
    if name == "where":
        condition, (yes, yes_low), (no, no_low) = values[0][0], _pair(values[1]), _pair(values[2])
        chosen = condition != 0
        return _with_missing(np.where(chosen, yes, no), condition), np.where(chosen, yes_low, no_low)
    return np.asarray(FUNCTIONS[name](*[hi for hi, _ in values]), np.float64), None


def _pair(words: Words) -> tuple[Any, Any]:
    hi, lo = words
    return hi, np.zeros_like(hi) if lo is None else lo


def _finite(pair: tuple[Any, Any], plain: Any) -> Words:
    """The pair; where double-double has no answer (infinities, overflow), what plain arithmetic says."""
    broken = ~(np.isfinite(pair[0]) & np.isfinite(pair[1]))
    if not np.any(broken):
        return pair
    return np.where(broken, plain, pair[0]), np.where(broken, 0.0, pair[1])


def _with_missing(truth: Any, *sides: Any) -> NDArray[Any]:
    missing = np.logical_or.reduce(np.broadcast_arrays(*[np.isnan(side) for side in sides]))
    return np.where(missing, np.nan, truth)
