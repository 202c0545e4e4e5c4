"""Computed columns as operations of ONNX in float64, as far as onnxruntime has these for float64."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from gradline.design.expression import WHOLE_COLUMN, Expression, called
from gradline.export.pieces import cannot
from gradline.layout import shortened

if TYPE_CHECKING:
    from gradline.export.onnx_graph import Graph

_OPERATORS = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div"}
_FUNCTIONS = {"log": "Log", "exp": "Exp", "sqrt": "Sqrt", "abs": "Abs", "floor": "Floor", "ceil": "Ceil"}
_FUNCTIONS |= {"sin": "Sin", "tanh": "Tanh", "sign": "Sign", "round": "Round"}
_LOGARITHMS = {"log2": math.log(2), "log10": math.log(10)}

States = Mapping[str, tuple[float, float, float]]


def translated(expression: Expression, states: States, graph: Graph, number: Callable[[str], str]) -> str:
    """The value (n,) of a computed column; `number` gives that of a column.

    Raises:
        OptionError: it has something that there is no operation for.
    """

    def inner(node: ast.expr) -> str:
        column = expression.column(node)
        if column is not None:
            return number(column)
        match node:
            case ast.Constant(value=bool() | int() | float() as constant):
                return graph.constant(np.array(float(constant)))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return graph.node("Neg", inner(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return inner(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return graph.node("Pow", inner(left), inner(right))
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
                return graph.node(_OPERATORS[type(operator)], inner(left), inner(right))
            case ast.Call():
                return _call(node)
        raise unknown(node)

    def _call(call: ast.Call) -> str:
        name = called(call)
        if name in WHOLE_COLUMN:
            value = inner(call.args[0])
            mean, low, by = states[expression.source(call)]
            for part in (mean, low):
                value = graph.node("Sub", value, graph.constant(np.array(part)))
            return value if by == 1 else graph.node("Div", value, graph.constant(np.array(by)))
        if name == "I":
            return inner(call.args[0])
        if name in _LOGARITHMS:
            value = graph.node("Log", inner(call.args[0]))
            return graph.node("Div", value, graph.constant(np.array(_LOGARITHMS[name])))
        if name in _FUNCTIONS:
            return graph.node(_FUNCTIONS[name], inner(call.args[0]))
        raise unknown(call)

    def unknown(node: ast.expr) -> Exception:
        what = shortened(expression.source(node), 40)
        return cannot("ONNX", what, "Compute that column before and fit on it, or use to_sql().")

    return inner(expression.tree)
