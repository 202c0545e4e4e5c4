"""Expressions such as 'log(x) + `a b`**2': a small language of its own, so that a model file can hold them safely.

There are numbers, columns, arithmetic, comparisons and a few functions, and nothing else: what is read here is never
handed to Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from gradline.design.quoted import Quoted
from gradline.errors import OptionError

WHOLE_COLUMN = ("center", "scale")
"""Functions that need the whole column before they can say anything about a row."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in (
        *("log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "sin", "cos", "tan", "tanh"),
        *("floor", "ceil", "round", "sign", "isnan", "minimum", "maximum", "where"),
    )
}
"""By name; each takes one value unless ARGUMENTS says otherwise."""

ARGUMENTS = {"minimum": 2, "maximum": 2, "where": 3}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod, ast.FloorDiv, ast.BitAnd, ast.BitOr)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been checked: nothing but known functions of columns and numbers."""

    text: str
    tree: ast.expr
    quoted: Quoted
    """Columns that were written in backticks; in the tree they have plain words for names."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, each once, in the order of first use."""
        return tuple(dict.fromkeys(found for node in _walk(self.tree) if (found := self.column(node)) is not None))

    def source(self, node: ast.AST) -> str:
        """The node as text that can be read again."""
        return self.quoted.shown(ast.unparse(node))

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that are compared with text."""
        compared = [pair for node in ast.walk(self.tree) if (pair := self.comparison(node)) is not None]
        return tuple(dict.fromkeys(column for column, _ in compared))

    @property
    def calls(self) -> tuple[ast.Call, ...]:
        """The calls of center and scale, each after those within it."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and called(node) in WHOLE_COLUMN]
        return tuple(reversed(found))

    def column(self, node: ast.AST) -> str | None:
        """The column that this node stands for, if it is one."""
        if isinstance(node, ast.Name):
            return self.quoted.name(node.id)
        if isinstance(node, ast.Attribute):
            return ast.unparse(node)
        if (
            isinstance(node, ast.Call)
            and called(node) == "Q"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            return str(node.args[0].value)
        return None

    def comparison(self, node: ast.AST) -> tuple[str, str] | None:
        """Column and text where this node is column == "text" or column != "text"."""
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            return None
        sides = (node.left, node.comparators[0])
        for one, other in (sides, sides[::-1]):
            column = self.column(one)
            if column is not None and isinstance(other, ast.Constant) and isinstance(other.value, str):
                return column, other.value
        return None


def syntax(text: str) -> Expression:
    """The expression that this text is, not yet checked.

    Raises:
        OptionError: it is no expression.
    """
    quoted = Quoted()
    try:
        tree = ast.parse(quoted.hide(text.strip()), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        raise OptionError(f"{text[:60]!r} cannot be read.\nExpected arithmetic, e.g. log(x) + x**2.") from None
    return Expression(text, tree, quoted)


@lru_cache(maxsize=256)
def checked(text: str) -> Expression:
    """The expression that this text is; it may come from a file, so nothing but the language is let through.

    Raises:
        OptionError: it cannot be read, or holds something else than known functions of columns and numbers.

    Example:
        >>> checked("log(`a b` + 1) * c").columns
        ('a b', 'c')
    """
    expression = syntax(text)
    try:
        _check(expression, expression.tree)
    except (RecursionError, OverflowError):
        raise OptionError(f"{text[:60]!r} cannot be read: it is too deep, or a number is too large.") from None
    return expression


def options(call: ast.Call) -> tuple[bool | float, bool | float, float]:
    """Of a call of center or scale: centre, scale and ddof, each whether it is wanted or what it is."""
    given = dict(zip(("center", "scale", "ddof"), call.args[1:], strict=False))
    given |= {str(keyword.arg): keyword.value for keyword in call.keywords}
    if (called(call) == "center" and given) or not given.keys() <= {"center", "scale", "ddof"}:
        raise OptionError(
            f"{ast.unparse(call)} is not known.\nThere are center(x), and scale(x, center, scale, ddof)."
        )
    try:
        known = {name: ast.literal_eval(value) for name, value in given.items()}
        centre, spread, ddof = known.get("center", True), known.get("scale", True), float(known.get("ddof", 1))
        return (
            centre if isinstance(centre, bool) else float(centre),
            called(call) == "scale" and spread if isinstance(spread, bool) else float(spread),
            ddof,
        )
    except (ValueError, TypeError):
        raise OptionError(f"the options of {ast.unparse(call)} must be numbers, True or False.") from None


def called(call: ast.Call) -> str:
    """The function's name, without 'np.' or 'numpy.'."""
    return re.sub(r"^(np|numpy)\.", "", ast.unparse(call.func))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that have a value, from left to right: not the names of functions, nor of options."""
    yield node
    if isinstance(node, ast.Attribute):
        return
    children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    for child in children:
        yield from _walk(child)


def _check(expression: Expression, node: ast.expr) -> None:
    """Refuse what is not in the language."""
    if expression.column(node) is not None or expression.comparison(node) is not None:
        return None
    match node:
        case ast.Constant(value=bool() | int() | float() as number):
            float(number)
            return None
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert(), operand=inner):
            return _check(expression, inner)
        case ast.BinOp(left=left, op=operator, right=right) if isinstance(operator, _OPERATORS):
            _check(expression, left)
            return _check(expression, right)
        case ast.Compare() if all(isinstance(each, _COMPARISONS) for each in node.ops):
            for side in (node.left, *node.comparators):
                _check(expression, side)
            return None
        case ast.Call():
            return _check_call(expression, node)
    raise OptionError(
        f"{ast.unparse(node)!r} in {expression.text!r} is not supported.\n"
        "There are numbers, columns, + - * / ** % //, comparisons, & | ~ and functions such as log(x)."
    )


def _check_call(expression: Expression, call: ast.Call) -> None:
    name = called(call)
    if name in WHOLE_COLUMN and call.args:
        options(call)
        return _check(expression, call.args[0])
    if name != "I" and name not in FUNCTIONS:
        raise OptionError(
            f"the function {name!r} in {expression.text!r} is not known.\n"
            f"There are {', '.join([*FUNCTIONS, *WHOLE_COLUMN, 'I', 'C', 'poly'])}."
        )
    wanted = ARGUMENTS.get(name, 1)
    if call.keywords or len(call.args) != wanted:
        raise OptionError(f"{name} in {expression.text!r} takes {wanted} value{'s' * (wanted > 1)} and no options.")
    for value in call.args:
        _check(expression, value)
    return None
