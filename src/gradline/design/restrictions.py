"""Linear restrictions on parameters, as a person writes them: "2*x1 - x2 = 3.5"."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from gradline.errors import ColumnError, OptionError, no_such_column
from gradline.layout import ERROR, shortened

_NUMBER = re.compile(r"(?:\d{1,99}\.?\d{0,99}|\.\d{1,99})(?:[eE][+-]?\d{1,2})?(?![\w.])")
_OPERATORS = "=+-*/(),"
_OPENING, _CLOSING = "([{", ")]}"
_DEEPEST = 100
"""Parentheses within each other; what is deeper is no formula, and would be too much for Python's stack."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """One equation: Σ weight·parameter = value, in exact numbers."""

    text: str
    weights: Mapping[str, Fraction]
    value: Fraction


@dataclass(frozen=True, slots=True)
class _Linear:
    """Σ weight·parameter + constant."""

    weights: Mapping[str, Fraction]
    constant: Fraction

    def plus(self, other: _Linear, sign: int = 1) -> _Linear:
        names = dict.fromkeys((*self.weights, *other.weights))
        sums = {name: self.weights.get(name, 0) + sign * other.weights.get(name, Fraction(0)) for name in names}
        weights = {name: Fraction(weight) for name, weight in sums.items() if weight}
        return _Linear(weights, self.constant + sign * other.constant)

    def times(self, factor: Fraction) -> _Linear:
        weights = {name: weight * factor for name, weight in self.weights.items() if factor}
        return _Linear(weights, self.constant * factor)


def restrictions(text: str, names: Collection[str], also: Mapping[str, str | None]) -> list[Restriction]:
    """The equations in a text: one for each "=" of a chain "a = b = 0", and for each part between commas.

    Where there is no "=", 0 is meant. Names are found by the longest match, so they may hold any characters; in
    backticks a name is taken as it stands. What reads as a number is one, unless it is in backticks.

    Args:
        text: What is to hold.
        names: Of the parameters.
        also: Other ways to write them, each with the name that it stands for, or None for 0.

    Raises:
        OptionError: it cannot be read, or is not linear.
        ColumnError: it has a name that no parameter has.

    Example:
        >>> for found in restrictions("C(b)[T.Q] = x:z = 0, 2*(x:z - 1) = 3", ["C(b)[T.Q]", "x:z"], {}):
        ...     print({name: float(weight) for name, weight in found.weights.items()}, float(found.value))
        {'C(b)[T.Q]': 1.0, 'x:z': -1.0} 0.0
        {'x:z': 1.0} 0.0
        {'x:z': 2.0} 5.0
    """
    return _Reader(text, names, also).equations()


class _Reader:
    """Recursive descent over one text; `at` is how far it has been read."""

    def __init__(self, text: str, names: Collection[str], also: Mapping[str, str | None]) -> None:
        self.text, self.names = text, names
        forms: dict[str, str | None] = dict(also) | {name: name for name in names}
        forms |= {f"`{name}`": known for name, known in forms.items()}
        self.forms = dict(sorted(forms.items(), key=lambda form: -len(form[0])))
        self.at = self.depth = 0

    def equations(self) -> list[Restriction]:
        found = []
        while True:
            sides = [self._side()]
            while self._take("="):
                self._take("=")
                sides.append(self._side())
            if len(sides) == 1:
                sides.append((_Linear({}, Fraction(0)), "0"))
            found += [_equation(*pair) for pair in pairwise(sides)]
            if not self._take(","):
                break
        if self.at < len(self.text):
            raise self._unread()
        return found

    def _side(self) -> tuple[_Linear, str]:
        self._skip()
        start = self.at
        value = self._sum()
        return value, self.text[start : self.at].strip()

    def _sum(self) -> _Linear:
        value = self._product()
        while sign := self._take("+-"):
            value = value.plus(self._product(), 1 if sign == "+" else -1)
        return value

    def _product(self) -> _Linear:
        value = self._factor()
        while sign := self._take("*/"):
            other = self._factor()
            if sign == "*" and not value.weights:
                value = other.times(value.constant)
            elif other.weights:
                raise self._refused("is not linear: a product or quotient of parameters")
            elif sign == "/" and not other.constant:
                raise self._refused("divides by 0")
            else:
                value = value.times(other.constant if sign == "*" else 1 / other.constant)
        return value

    def _factor(self) -> _Linear:
        self._skip()
        number = _NUMBER.match(self.text, self.at)
        form = next((form for form in self.forms if self._stands_here(form)), "")
        if form and (number is None or len(form) > len(number.group())):
            self.at += len(form)
            known = self.forms[form]
            return _Linear({} if known is None else {known: Fraction(1)}, Fraction(0))
        if number is not None:
            self.at = number.end()
            return _Linear({}, Fraction(number.group()))
        if sign := self._take("+-"):
            return self._deeper(self._factor).times(Fraction(1 if sign == "+" else -1))
        if self._take("("):
            value = self._deeper(self._sum)
            if not self._take(")"):
                raise self._unread("')'")
            return value
        if self.text.startswith("`", self.at):
            raise self._quoted()
        raise self._unread()

    def _deeper(self, read: Callable[[], _Linear]) -> _Linear:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._refused(f"is nested more than {_DEEPEST} deep")
        value = read()
        self.depth -= 1
        return value

    def _quoted(self) -> OptionError | ColumnError:
        """What to say of a backtick with which no name that is known begins."""
        end = self.text.find("`", self.at + 1)
        if end < 0:
            return self._refused("has a backtick that nothing closes")
        return no_such_column(self.text[self.at + 1 : end], self.names, "this fit")

    def _stands_here(self, name: str) -> bool:
        """Whether a name is here as a whole: x1 is no part of x12, nor of x1.old."""
        if not name or not self.text.startswith(name, self.at):
            return False
        rest = self.text[self.at + len(name) : self.at + len(name) + 2]
        continues = _is_word(rest[:1]) or (rest[:1] == "." and _is_word(rest[1:]))
        return not (continues and _is_word(name[-1]))

    def _take(self, signs: str) -> str:
        self._skip()
        sign = self.text[self.at : self.at + 1]
        if sign and sign in signs:
            self.at += 1
            return sign
        return ""

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _unread(self, wanted: str = "a name or a number") -> OptionError | ColumnError:
        """What to say of the text that could not be read on."""
        word = self._word()
        if not word:
            where = f"before {self.text[self.at]!r}" if self.at < len(self.text) else "at its end"
            return self._refused(f"lacks {wanted} {where}")
        if word[0].isdigit() or word[0] in _CLOSING or self._after_a_value():
            return self._refused(f"cannot be read from {shortened(word, 30)!r} on")
        return no_such_column(word, self.names, "this fit")

    def _after_a_value(self) -> bool:
        """Whether what stands here follows a name or a number, where an operator should be."""
        before = self.text[: self.at].rstrip()
        return bool(before) and before[-1] not in "=+-*/(,"

    def _word(self) -> str:
        """The text from here to the next space or operator outside of brackets."""
        depth, end = 0, self.at
        while end < len(self.text):
            letter = self.text[end]
            if not depth and end > self.at and (letter.isspace() or letter in _CLOSING):
                break
            if not depth and letter in _OPERATORS and letter not in _OPENING:
                break
            depth += (letter in _OPENING) - (letter in _CLOSING)
            end += 1
        return self.text[self.at : end]

    def _refused(self, why: str) -> OptionError:
        known = shortened(next(iter(self.names), "x"), ERROR // 2)
        return OptionError(
            f"the hypothesis {shortened(self.text, ERROR - 20)!r}\n{why}.\n"
            f'Write equations of sums of parameters, as "2*{known} = 1"; write the *.'
        )


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def _equation(left: tuple[_Linear, str], right: tuple[_Linear, str]) -> Restriction:
    """left = right, with parameters on the left; "0 = x" is read as "x = 0"."""
    (value, text), (other, other_text) = left, right
    whole = value.plus(other, -1) if value.weights or not other.weights else other.plus(value, -1)
    return Restriction(f"{text} = {other_text}", whole.weights, -whole.constant)


def redundant(system: Sequence[Restriction]) -> tuple[list[int], int | None]:
    """Which equations (numbers, from 0) follow from the ones before them, and the first that contradicts them.

    Eliminated in exact fractions, so there is no tolerance to choose.
    """
    rows: list[tuple[str, dict[str, Fraction], Fraction]] = []
    follows: list[int] = []
    for number, each in enumerate(system):
        weights, value = dict(each.weights), each.value
        for pivot, known, right in rows:
            factor = weights.get(pivot, Fraction(0))
            if factor:
                for name, weight in known.items():
                    weights[name] = weights.get(name, Fraction(0)) - factor * weight
                value -= factor * right
        weights = {name: weight for name, weight in weights.items() if weight}
        if weights:
            pivot = next(iter(weights))
            inverse = 1 / weights[pivot]
            rows.append((pivot, {name: inverse * weight for name, weight in weights.items()}, inverse * value))
        elif value:
            return follows, number
        else:
            follows.append(number)
    return follows, None
