"""Names, numbers and computed columns in the SQL that DuckDB and PostgreSQL share.

Where Python gives NaN (the logarithm of a negative number), SQL gives NULL: both databases would stop with an error.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gradline.design.expression import WHOLE_COLUMN, Expression, called
from gradline.errors import OptionError
from gradline.export.pieces import cannot
from gradline.layout import shortened

if TYPE_CHECKING:
    from gradline.design.recipe import Label

_NAN = "CAST('NaN' AS DOUBLE PRECISION)"
_ADVICE = "Compute that column in a query first, and fit on it."
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=", ast.NotEq: "<>"}
_FUNCTIONS = {
    "I": "{0}",
    "log": "CASE WHEN {0} > 0 THEN LN({0}) END",
    "log2": "CASE WHEN {0} > 0 THEN LN({0}) / LN(CAST(2 AS DOUBLE PRECISION)) END",
    "log10": "CASE WHEN {0} > 0 THEN LOG10({0}) END",
    # Kahan's: LN(1 + x) and EXP(x) - 1 alone would lose the digits of a small x.
    "log1p": "CASE WHEN 1 + {0} = 1 THEN {0} WHEN {0} > -1 THEN LN(1 + {0}) * ({0} / ((1 + {0}) - 1)) END",
    "expm1": "CASE WHEN EXP({0}) = 1 THEN {0} WHEN EXP({0}) - 1 = -1 THEN -1 "
    "ELSE (EXP({0}) - 1) * ({0} / LN(EXP({0}))) END",
    "exp": "EXP({0})",
    "sqrt": "CASE WHEN {0} >= 0 THEN SQRT({0}) END",
    "abs": "ABS({0})",
    "sin": "SIN({0})",
    "cos": "COS({0})",
    "tan": "TAN({0})",
    "tanh": "TANH({0})",
    "floor": "FLOOR({0})",
    "ceil": "CEIL({0})",
    # Halves go to the even neighbour, as in Python and PostgreSQL; DuckDB's ROUND takes them away from zero.
    "round": "CASE WHEN {0} - FLOOR({0}) = 0.5 THEN 2 * FLOOR((FLOOR({0}) + 1) / 2) ELSE ROUND({0}) END",
    "sign": "CASE WHEN {0} > 0 THEN 1 WHEN {0} < 0 THEN -1 WHEN {0} = 0 THEN 0 END",
    "isnan": "CASE WHEN {0} IS NULL THEN 1 ELSE 0 END",
    "minimum": "CASE WHEN {0} <= {1} THEN {0} WHEN {0} > {1} THEN {1} END",
    "maximum": "CASE WHEN {0} >= {1} THEN {0} WHEN {0} < {1} THEN {1} END",
    "where": "CASE WHEN {0} <> 0 THEN {1} WHEN {0} = 0 THEN {2} END",
}
"""Of doubles; what is no double yet becomes one around them."""


def identifier(name: str) -> str:
    """The name of a column, whatever is in it.

    >>> print(identifier('a "b"; DROP TABLE t'))
    "a ""b""; DROP TABLE t"
    """
    if not name or "\0" in name:
        raise cannot("SQL", f"a column called {name!r}", "Rename it, and fit again.")
    return '"' + name.replace('"', '""') + '"'


def number(value: float) -> str:
    """A double, to the bit.

    >>> number(0.1), number(-3.0)
    ('CAST(0.1 AS DOUBLE PRECISION)', 'CAST(-3.0 AS DOUBLE PRECISION)')
    """
    return f"CAST({float(value)!r} AS DOUBLE PRECISION)"


def level_literal(level: Label, column: str) -> str:
    """A level of a category, to be compared with its column.

    >>> level_literal("O'Hara", "name"), level_literal(2024, "year"), level_literal(True, "new")
    ("'O''Hara'", '2024', 'TRUE')
    """
    if isinstance(level, bool):
        return "TRUE" if level else "FALSE"
    if isinstance(level, str):
        if "\0" in level:
            raise cannot("SQL", f"the level {shortened(level, 20)!r} of {shortened(column, 20)!r}", _ADVICE)
        return "'" + level.replace("'", "''") + "'"
    return repr(level)


def translated(expression: Expression, states: Mapping[str, tuple[float, float, float]]) -> str:
    """A computed column as a double; `states` has what center and scale know of their columns.

    Raises:
        OptionError: it has something that the two databases do not share, or compute otherwise than Python.
    """
    return _value(expression, expression.tree, states)


def _value(expression: Expression, node: ast.expr, states: Mapping[str, tuple[float, float, float]]) -> str:
    def inner(node: ast.expr) -> str:
        return _value(expression, node, states)

    column = expression.column(node)
    if column is not None:
        value = f"CAST({identifier(column)} AS DOUBLE PRECISION)"
        return f"NULLIF({value}, {_NAN})" if _compares(expression) else value
    pair = expression.comparison(node)
    if pair is not None:
        equal = isinstance(node.ops[0], ast.Eq)  # type: ignore[attr-defined]
        name, text = identifier(pair[0]), level_literal(pair[1], pair[0])
        return _double(f"CASE WHEN {name} = {text} THEN {int(equal)} WHEN {name} <> {text} THEN {int(not equal)} END")
    match node:
        case ast.Constant(value=bool() | int() | float() as constant):
            return number(float(constant))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"(- {inner(operand)})"
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return inner(operand)
        case ast.UnaryOp(operand=operand):
            return _truth(f"{inner(operand)} = 0", f"{inner(operand)} <> 0")
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(expression, node, inner(left), right)
        case ast.BinOp(left=left, op=operator, right=right):
            return _operate(expression, node, operator, inner(left), inner(right))
        case ast.Compare():
            sides = [inner(side) for side in (node.left, *node.comparators)]
            signs = [_COMPARISONS[type(operator)] for operator in node.ops]
            pairs = [f"{a} {sign} {b}" for a, sign, b in zip(sides, signs, sides[1:], strict=False)]
            return _truth(" AND ".join(pairs), _present(sides))
        case ast.Call():
            return _call(expression, node, states, [inner(value) for value in node.args])
    raise _unknown(expression, node)


def _compares(expression: Expression) -> bool:
    """Whether NaN would matter other than by making the result NaN: databases have it above all numbers."""
    return any(
        isinstance(node, ast.Compare | ast.BitAnd | ast.BitOr | ast.Invert)
        or (isinstance(node, ast.Call) and called(node) in ("sign", "isnan", "minimum", "maximum", "where"))
        for node in ast.walk(expression.tree)
    )


def _operate(expression: Expression, node: ast.AST, operator: ast.operator, a: str, b: str) -> str:
    if type(operator) in _OPERATORS:
        return f"({a} {_OPERATORS[type(operator)]} {b})"
    if isinstance(operator, ast.Div):
        return f"({a} / NULLIF({b}, 0))"
    if isinstance(operator, ast.BitAnd):
        return _truth(f"{a} <> 0 AND {b} <> 0", _present([a, b]))
    if isinstance(operator, ast.BitOr):
        return _truth(f"({a} <> 0 OR {b} <> 0) AND {_present([a, b])}", _present([a, b]))
    raise _unknown(expression, node)


def _power(expression: Expression, node: ast.AST, base: str, exponent: ast.expr) -> str:
    try:
        power = float(ast.literal_eval(exponent))
    except (ValueError, TypeError):
        raise _unknown(expression, node) from None
    if not power:
        raise _unknown(expression, node)
    if power.is_integer():
        return f"POWER({base if power > 0 else f'NULLIF({base}, 0)'}, {int(power)})"
    sign = ">=" if power > 0 else ">"
    return f"CASE WHEN {base} {sign} 0 THEN POWER({base}, {number(power)}) END"


def _call(
    expression: Expression, call: ast.Call, states: Mapping[str, tuple[float, float, float]], values: list[str]
) -> str:
    name = called(call)
    if name in WHOLE_COLUMN:
        mean, low, by = states[expression.source(call)]
        centred = f"({values[0]} - {number(mean)} - {number(low)})"
        return centred if by == 1 else f"({centred} / {number(by)})"
    return _double(_FUNCTIONS[name].format(*values))


def _truth(yes: str, no: str) -> str:
    return _double(f"CASE WHEN {yes} THEN 1 WHEN {no} THEN 0 END")


def _present(values: list[str]) -> str:
    return " AND ".join(f"{value} IS NOT NULL" for value in values)


def _double(text: str) -> str:
    return f"CAST({text} AS DOUBLE PRECISION)"


def _unknown(expression: Expression, node: ast.AST) -> OptionError:
    return cannot("SQL", shortened(expression.source(node), 40), _ADVICE)
