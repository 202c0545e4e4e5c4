"""Computed columns as operations of ONNX in float64.

Where an expression decides something (a comparison, floor, %), its arithmetic is the double-double of `predict`: in
doubles 0.1 + 0.3 would not be less than 0.4, and a row would fall on the other side. Else it is that of doubles.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from gradline.design.evaluation import MOST_PRODUCTS
from gradline.design.expression import ARGUMENTS, WHOLE_COLUMN, Expression, called
from gradline.doubledouble import add, multiply, quick_two_sum, subtract
from gradline.export.onnx_functions import FUNCTIONS, floor_divide, modulo
from gradline.export.onnx_value import Value, constant, where

if TYPE_CHECKING:
    from gradline.export.onnx_graph import Graph

States: TypeAlias = Mapping[str, tuple[float, float, float]]
_Words: TypeAlias = tuple[Value, Value | None]
"""High words and low words, None where the high words are the whole numbers, as in `design/evaluation.py`."""

_DECIDING = (ast.Compare, ast.Mod, ast.FloorDiv, ast.BitAnd, ast.BitOr, ast.Invert)
_STEPS = ("floor", "ceil", "round", "sign", "where")


class Inputs(NamedTuple):
    """The graph's values of the columns that an expression names."""

    number: Callable[[str], str]
    """(n,) float64."""
    text: Callable[[str], str]
    """(n,) text."""


def translated(expression: Expression, states: States, graph: Graph, inputs: Inputs) -> str:
    """The value (n,) of a computed column; `states` has what center and scale know of their columns."""
    return _Translation(expression, states, graph, inputs).words(expression.tree)[0].name


class _Translation:
    """One expression on its way into the graph; what each node is stands in `design/evaluation.py`."""

    def __init__(self, expression: Expression, states: States, graph: Graph, inputs: Inputs) -> None:
        self._expression = expression
        self._states = states
        self._graph = graph
        self._inputs = inputs
        self._exact = any(
            isinstance(node, _DECIDING) or (isinstance(node, ast.Call) and called(node) in _STEPS)
            for node in ast.walk(expression.tree)
        )

    def words(self, node: ast.expr) -> _Words:
        """The value of a node."""
        column = self._expression.column(node)
        if column is not None:
            return Value(self._graph, self._inputs.number(column)), None
        pair = self._expression.comparison(node)
        if pair is not None:
            return self._is_text(*pair, isinstance(node.ops[0], ast.Eq)), None  # type: ignore[attr-defined]
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return constant(self._graph, number), None
            case ast.UnaryOp(op=operator, operand=operand):
                return self._unary(operator, self.words(operand))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(self.words(left), right)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._operate(operator, self.words(left), self.words(right))
            case ast.Compare():
                sides = [self.words(side) for side in (node.left, *node.comparators)]
                truths = [_compared(op, a, b) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]
                return _with_missing(reduce(Value.__and__, truths), *[hi for hi, _ in sides]), None
            case ast.Call():
                values = [self.words(value) for value in node.args[: ARGUMENTS.get(called(node), 1)]]
                return self._call(node, called(node), values)
        raise AssertionError(ast.dump(node))

    def _is_text(self, column: str, text: str, wanted: bool) -> Value:
        """1 where the column is this text (or is not, where that is wanted), 0 elsewhere."""
        found = Value(self._graph, self._inputs.text(column)).does(
            "LabelEncoder",
            domain="ai.onnx.ml",
            keys_strings=[text],
            values_int64s=[int(wanted)],
            default_int64=int(not wanted),
        )
        return found.does("Cast", to="double")

    def _unary(self, operator: ast.unaryop, value: _Words) -> _Words:
        hi, lo = value
        if isinstance(operator, ast.UAdd):
            return value
        if isinstance(operator, ast.Invert):
            return _with_missing(hi.equals(0), hi), None
        return -hi, None if lo is None else -lo

    def _operate(self, operator: ast.operator, a: _Words, b: _Words) -> _Words:
        match operator:
            case ast.Add():
                return self._either(add, a, b, a[0] + b[0])
            case ast.Sub():
                return self._either(subtract, a, b, a[0] - b[0])
            case ast.Mult():
                return self._either(multiply, a, b, a[0] * b[0])
            case ast.Div():
                return self._either(_divide, a, b, a[0] / b[0])
            case ast.Mod():
                low = 0.0 if a[1] is None else modulo(a[1], b[0])
                return modulo(modulo(a[0], b[0]) + low, b[0]), None
            case ast.FloorDiv():
                return floor_divide(a[0], b[0]), None
        one, other = ~a[0].equals(0), ~b[0].equals(0)
        both = one & other if isinstance(operator, ast.BitAnd) else one | other
        return _with_missing(both, a[0], b[0]), None

    def _either(self, operation: Callable[[Any, Any], Any], a: _Words, b: _Words, plain: Value) -> _Words:
        """The operation in double-double; where that has no answer, and where it is not wanted, the plain one's."""
        if not self._exact:
            return plain, None
        hi, lo = operation(_pair(a), _pair(b))
        broken = ((hi - hi) + (lo - lo)).missing()
        return where(broken, plain, hi), where(broken, 0.0, lo)

    def _power(self, base: _Words, exponent: ast.expr) -> _Words:
        match exponent:
            case ast.Constant(value=int() as whole) if self._exact and 1 <= whole <= MOST_PRODUCTS:
                return reduce(lambda power, _: self._operate(ast.Mult(), power, base), range(whole - 1), base)
        return base[0].does("Pow", self.words(exponent)[0]), None

    def _call(self, call: ast.Call, name: str, values: list[_Words]) -> _Words:
        hi, lo = values[0]
        if name == "I":
            return hi, lo
        if name in WHOLE_COLUMN:
            mean, low, by = self._states[self._expression.source(call)]
            centred = self._centred(values[0], mean, low)
            return centred if by == 1 else self._operate(ast.Div(), centred, (constant(self._graph, by), None))
        if name == "where":
            (yes, yes_low), (no, no_low) = values[1:]
            chosen = ~hi.equals(0)
            result = where(hi.missing(), hi, where(chosen, yes, no))
            if yes_low is None and no_low is None:
                return result, None
            return result, where(chosen, _or_zero(yes_low), _or_zero(no_low))
        if name == "abs" and lo is not None:
            return hi.does("Abs"), where(hi < 0, -lo, lo)
        return FUNCTIONS[name](*[value for value, _ in values]), None

    def _centred(self, value: _Words, mean: float, low: float) -> _Words:
        if not self._exact:
            return value[0] - mean - low, None
        return self._operate(ast.Sub(), value, (constant(self._graph, mean), constant(self._graph, low)))


def _divide(a: Any, b: Any) -> Any:
    """As `doubledouble.divide`, whose zero is an array."""
    quotient = a[0] / b[0]
    whole: Any = quotient, 0.0
    remainder = subtract(a, multiply(b, whole))
    return quick_two_sum(quotient, remainder[0] / b[0])


def _pair(words: _Words) -> tuple[Value, Value | float]:
    return words[0], _or_zero(words[1])


def _or_zero(low: Value | None) -> Value | float:
    return 0.0 if low is None else low


def _compared(operator: ast.cmpop, a: _Words, b: _Words) -> Value:
    """Where the comparison holds, whatever is missing."""
    less, equal = a[0] < b[0], a[0].equals(b[0])
    if a[1] is not None or b[1] is not None:
        low, low_b = [_or_zero(words[1]) for words in (a, b)]
        difference = constant(a[0].graph, 0.0) + low - low_b
        less, equal = less | (equal & (difference < 0)), equal & difference.equals(0)
    match operator:
        case ast.Lt():
            return less
        case ast.LtE():
            return less | equal
        case ast.Gt():
            return ~(less | equal)
        case ast.GtE():
            return ~less
        case ast.Eq():
            return equal
    return ~equal


def _with_missing(truth: Value, *sides: Value) -> Value:
    """1 and 0, and NaN where a side is missing."""
    missing = reduce(Value.__or__, [side.missing() for side in sides])
    return where(missing, math.nan, truth.does("Cast", to="double"))
