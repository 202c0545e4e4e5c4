"""Expressions such as 'log(x) + `a b`**2': a small language of its own, so that a model file can hold them safely.

Sums, differences, products, quotients and whole powers carry about 32 digits (double-double), functions 16. A missing
value makes the result missing, in comparisons too; only isnan and where look past it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.design.categories import encode
from gradline.design.terms import Words, times, two_words
from gradline.doubledouble import add, divide, negative
from gradline.errors import OptionError

State: TypeAlias = Mapping[str, tuple[float, float, float]]
"""Of each call of center or scale, by its text: the mean in two words, and what to divide by."""

WHOLE_COLUMN = ("center", "scale")
"""Functions that need the whole column before they can say anything about a row."""

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in (
        *("log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "sin", "cos", "tan", "tanh"),
        *("floor", "ceil", "round", "sign", "isnan", "minimum", "maximum", "where"),
    )
}
_ARGUMENTS = {"minimum": 2, "maximum": 2, "where": 3}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod, ast.FloorDiv, ast.BitAnd, ast.BitOr)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_MOST = 64
"""Whole powers up to here are products in double-double."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been checked: nothing but known functions of columns and numbers."""

    text: str
    tree: ast.expr
    quoted: tuple[str, ...]
    """Columns that were written in backticks; in the tree they have plain words for names."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, each once, in the order of first use."""
        return tuple(dict.fromkeys(found for node in _walk(self.tree) if (found := self.column(node)) is not None))

    def source(self, node: ast.AST) -> str:
        """The node as text that can be read again."""
        return re.sub(r"_quoted_(\d+)_", lambda found: f"`{self.quoted[int(found[1])]}`", ast.unparse(node))

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
            place = re.fullmatch(r"_quoted_(\d+)_", node.id)
            return self.quoted[int(place[1])] if place and int(place[1]) < len(self.quoted) else node.id
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
    quoted: list[str] = []

    def word(found: re.Match[str]) -> str:
        if found[1] not in quoted:
            quoted.append(found[1])
        return f"_quoted_{quoted.index(found[1])}_"

    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", word, text.strip()), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        raise OptionError(f"{text[:60]!r} cannot be read.\nExpected arithmetic, e.g. log(x) + x**2.") from None
    return Expression(text, tree, tuple(quoted))


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


def evaluate(expression: Expression, columns: Mapping[str, Any], state: State) -> Words:
    """The value in each row (n,), from the columns' values (n,)."""
    with np.errstate(all="ignore"):
        return _value(expression, expression.tree, columns, state)


def argument(expression: Expression, call: ast.Call, columns: Mapping[str, Any], state: State) -> Words:
    """What a call of center or scale is about, in each row."""
    with np.errstate(all="ignore"):
        return _value(expression, call.args[0], columns, state)


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
    if name != "I" and name not in _FUNCTIONS:
        raise OptionError(
            f"the function {name!r} in {expression.text!r} is not known.\n"
            f"There are {', '.join([*_FUNCTIONS, *WHOLE_COLUMN, 'I', 'C', 'poly'])}."
        )
    wanted = _ARGUMENTS.get(name, 1)
    if call.keywords or len(call.args) != wanted:
        raise OptionError(f"{name} in {expression.text!r} takes {wanted} value{'s' * (wanted > 1)} and no options.")
    for value in call.args:
        _check(expression, value)
    return None


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
            values = [inner(value) for value in node.args[: _ARGUMENTS.get(called(node), 1)]]
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
    if isinstance(exponent, ast.Constant) and isinstance(exponent.value, int) and 1 <= exponent.value <= _MOST:
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
    return np.asarray(_FUNCTIONS[name](*[hi for hi, _ in values]), np.float64), None


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
