"""The functions of computed columns, composed of what onnxruntime has for float64.

What it has for float32 alone (tan), or not at all (log1p, expm1, Python's % and //), is made of others without losing
digits. Its sine and cosine are right to 1e-16 of 1, not of a value near 0: angles are brought near 0 first.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradline.export.onnx_value import Value, constant, where

_PARTS = 1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21
"""π/2 as a sum: the first two have 33 bits, so that products with up to 20 bits are exact (fdlibm's e_rem_pio2.c)."""
_MOST = 1e6
"""Angles up to here have so few quarter turns."""


def modulo(a: Value, b: Value | float) -> Value:
    """NumPy's mod: the remainder has the sign of b."""
    rest = a.does("Mod", b, fmod=1)
    return where(_opposite(rest, b), rest + b, rest)


def floor_divide(a: Value, b: Value) -> Value:
    """NumPy's floor_divide, step by step."""
    rest = a.does("Mod", b, fmod=1)
    quotient = (a - rest) / b
    quotient = where(_opposite(rest, b), quotient - 1, quotient)
    whole = quotient.does("Floor")
    return where(b.equals(0), a / b, where(quotient - whole > 0.5, whole + 1, whole))


def _opposite(rest: Value, b: Value | float) -> Value:
    """Where the two have opposite signs, and none is 0."""
    other = b.does("Sign") if isinstance(b, Value) else math.copysign(1.0, b)
    return rest.does("Sign") * other < 0


def _log1p(x: Value) -> Value:
    """log(1 + x): Kahan's, since 1 + x alone would lose the digits of a small x."""
    sum_ = 1 + x
    accurate = sum_.does("Log") * (x / (sum_ - 1))
    return where(sum_.equals(1), x, where(sum_.equals(math.inf), x, accurate))


def _expm1(x: Value) -> Value:
    """exp(x) - 1, likewise."""
    power = x.does("Exp")
    less = power - 1
    accurate = less * (x / power.does("Log"))
    return where(power.equals(1), x, where(less.equals(-1) | power.equals(math.inf), less, accurate))


def _logarithm(base: int) -> Callable[[Value], Value]:
    """The logarithm to a base; whole where it is whole, so that floor(log10(1000)) is 3."""

    def logarithm(x: Value) -> Value:
        value = x.does("Log") / math.log(base)
        whole = value.does("Round")
        return where(constant(x.graph, base).does("Pow", whole).equals(x), whole, value)

    return logarithm


def _turns(x: Value) -> tuple[Value, Value, Value]:
    """The quarter turns modulo 4 in an angle, and sine and cosine of what is left."""
    quarters = (x * (2 / math.pi)).does("Round")
    left = x
    for part in _PARTS:
        left = left - quarters * part
    return modulo(quarters, 4.0), left.does("Sin"), left.does("Cos")


def _sin(x: Value) -> Value:
    quarters, sine, cosine = _turns(x)
    return where(_few(x), _of_four(quarters, sine, cosine, -sine, -cosine), x.does("Sin"))


def _cos(x: Value) -> Value:
    quarters, sine, cosine = _turns(x)
    return where(_few(x), _of_four(quarters, cosine, -sine, -cosine, sine), x.does("Cos"))


def _tan(x: Value) -> Value:
    quarters, sine, cosine = _turns(x)
    tangent = where(modulo(quarters, 2.0).equals(0), sine / cosine, -cosine / sine)
    return where(_few(x), tangent, x.does("Sin") / x.does("Cos"))


def _few(x: Value) -> Value:
    return x.does("Abs") < _MOST


def _of_four(quarters: Value, *values: Value) -> Value:
    first, second, third, fourth = values
    return where(quarters < 2, where(quarters < 1, first, second), where(quarters < 3, third, fourth))


def _named(operator: str) -> Callable[..., Value]:
    """A function that is an operator."""
    return lambda x, *others: x.does(operator, *others)


_OPERATORS = {"log": "Log", "exp": "Exp", "sqrt": "Sqrt", "abs": "Abs", "floor": "Floor", "ceil": "Ceil"}
_OPERATORS |= {"tanh": "Tanh", "sign": "Sign", "round": "Round", "minimum": "Min", "maximum": "Max"}

FUNCTIONS: dict[str, Callable[..., Value]] = {name: _named(operator) for name, operator in _OPERATORS.items()} | {
    "log1p": _log1p,
    "expm1": _expm1,
    "log2": _logarithm(2),
    "log10": _logarithm(10),
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "isnan": lambda x: x.missing().does("Cast", to="double"),
}
"""By name, of values (n,)."""
