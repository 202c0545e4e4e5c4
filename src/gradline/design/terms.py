"""A term of the model, as a product of powers of columns, and its numbers in double-double."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.design.recipe import Recipe
from gradline.doubledouble import Pair, add, multiply, two_sum
from gradline.sources.arrow import WHOLE

Words: TypeAlias = tuple[NDArray[Any], NDArray[Any] | None]
"""Numbers (n,) as high words and low words, None where the high words are the whole numbers."""

"""Integers up to here are float64 numbers."""


@dataclass(frozen=True, slots=True)
class Term:
    """One feature of the model: a column, a power of one, or a product of these."""

    name: str
    """'distance', 'x^3', 'a:b'."""
    factors: tuple[tuple[str, int], ...]
    """Columns and their powers; one factor with power 1 is the column itself."""
    cell: tuple[tuple[str, str | float], ...] = ()
    """Categories and the level of each in which the term is not 0."""

    @property
    def plain(self) -> bool:
        """Whether the term is a column as it stands."""
        return len(self.factors) == 1 and self.factors[0][1] == 1 and not self.cell


def by_effect(terms: Sequence[Term]) -> dict[str, list[int]]:
    """The numbers of the terms that come and go together: a numeric one by itself, those of a category's levels.

    >>> by_effect([Term("x", (("x", 1),)), Term("g[T.b]", (), (("g", "b"),)), Term("g[T.c]", (), (("g", "c"),))])
    {'x': [0], 'g': [1, 2]}
    """
    effects: dict[str, list[int]] = {}
    for number, term in enumerate(terms):
        factors = [name if power == 1 else f"{name}^{power}" for name, power in term.factors]
        name = ":".join([*factors, *(name for name, _ in term.cell)]) if term.cell else term.name
        effects.setdefault(name, []).append(number)
    return effects


def fields_of_record(record: dict[str, Any]) -> dict[str, Any]:
    """The fields of a frozen record from what a file has of them: lists are tuples again, and terms are terms."""
    fields = {name: _tuples(value) for name, value in record.items()}
    fields["terms"] = tuple(
        Term(
            term["name"],
            tuple((str(column), int(power)) for column, power in term["factors"]),
            tuple((str(column), level) for column, level in term.get("cell", ())),
        )
        for term in record["terms"]
    )
    if "recipe" in record:
        fields["recipe"] = Recipe.from_record(record["recipe"])
    return fields


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def column_term(column: str) -> Term:
    """The term that is the column itself."""
    return Term(column, ((column, 1),))


def powers(column: str, degree: int) -> tuple[Term, ...]:
    """The terms x, x^2 … x^degree."""
    return tuple(Term(column if k == 1 else f"{column}^{k}", ((column, k),)) for k in range(1, degree + 1))


def columns_of(terms: Sequence[Term]) -> list[str]:
    """The columns that the terms are made of, each once, in the order of first use."""
    return list(dict.fromkeys(column for term in terms for column, _ in term.factors))


def evaluate(
    terms: Sequence[Term], columns: Sequence[NDArray[Any] | Words]
) -> tuple[list[NDArray[Any]], list[NDArray[Any] | None]]:
    """High and low words of each term, from the columns (n,) in the order of `columns_of(terms)`.

    A column may come as two words, as those do that were computed.

    A column as it stands is passed on untouched, except integers past 2**53, which need a low word.
    Powers and products carry about 32 digits. Where a value is missing or not finite, or a product
    leaves the range of float64, the high word is what plain arithmetic gives and the low word is 0.
    """
    values = dict(zip(columns_of(terms), columns, strict=True))
    known: dict[tuple[str, int], Pair] = {}
    hi: list[NDArray[Any]] = []
    lo: list[NDArray[Any] | None] = []
    for term in terms:
        if term.plain:
            high, low = exact_words(values[term.factors[0][0]])
        else:
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                high, low = _product([_power(values, column, power, known) for column, power in term.factors])
        hi.append(high)
        lo.append(low)
    return hi, lo


def exact_words(values: NDArray[Any] | Words) -> Words:
    """The values as they are, or as two words where they are integers that float64 cannot hold."""
    if isinstance(values, tuple):
        return values
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        rounded = values.astype(np.float64)
        return rounded, np.nan_to_num(values - rounded).astype(np.float64)
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not len(values):
        return values, None
    if int(values.max()) <= WHOLE and int(values.min()) >= -WHOLE:
        return values, None
    # Halves of 32 bits are float64 numbers, and so is the rounding error of their sum.
    upper = (values >> 32).astype(np.float64) * 2.0**32
    lower = (values & np.asarray(0xFFFFFFFF, values.dtype)).astype(np.float64)
    return two_sum(upper, lower)


def two_words(values: NDArray[Any] | Words) -> Words:
    """As `exact_words`, the high words in float64."""
    high, low = exact_words(values)
    return high.astype(np.float64, copy=False), low


def less(values: Words, origin: float) -> Words:
    """The values less a number; without a low word where they are whole without one."""
    high, low = two_words(values[0] if values[1] is None else values)
    pair = add((high, np.zeros_like(high) if low is None else low), (np.float64(-origin), np.float64(0.0)))  # type: ignore[arg-type]
    return pair if pair[1].any() else (pair[0], None)


def times(a: Pair, b: Pair) -> Pair:
    """a·b; where double-double has no answer (infinities, overflow), the plain product: inf must stay inf."""
    high, low = multiply(a, b)
    plain = a[0] * b[0]
    broken = ~(np.isfinite(high) & np.isfinite(low))
    if broken.any():
        high, low = np.where(broken, plain, high), np.where(broken, 0.0, low)
    return high, low


def _power(
    values: dict[str, NDArray[Any] | Words], column: str, power: int, known: dict[tuple[str, int], Pair]
) -> Pair:
    """A power by repeated multiplication, each step from the one below, which other terms may share."""
    if (column, power) not in known:
        if power == 1:
            high, low = two_words(values[column])
            known[column, 1] = high, np.zeros_like(high) if low is None else low
        else:
            below = _power(values, column, power - 1, known)
            known[column, power] = times(below, _power(values, column, 1, known))
    return known[column, power]


def _product(factors: Sequence[Pair]) -> Pair:
    product = factors[0]
    for factor in factors[1:]:
        product = times(product, factor)
    return product
