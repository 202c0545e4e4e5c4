"""From a formula's terms to effects: which categories are coded with all their levels, and which without the base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, TypeAlias

from gradline.design.effects import Effect
from gradline.design.terms import Term


class Factor(NamedTuple):
    """One factor of a term of a formula: numbers, or a category."""

    text: str
    terms: tuple[Term, ...] = ()
    """The numeric columns that it stands for: one, or k for poly(x, k); none for a category."""
    category: int | None = None
    """Number of the category."""

    @property
    def key(self) -> str | int:
        """What two factors have in common that are the same thing."""
        return self.text if self.category is None else self.category


@dataclass(frozen=True, slots=True)
class Coded:
    """The model's numeric terms and its effects; without categories the terms are the features."""

    terms: tuple[Term, ...]
    effects: tuple[Effect, ...]


_Span: TypeAlias = tuple[tuple[str | int, bool], ...]
"""Factors, each with whether it is without its base level."""


def code(factors: Sequence[Sequence[Factor]], intercept: bool) -> Coded:
    """The effects of these terms, in order, such that no column follows from others by the way it is made.

    With an intercept, or after a term that spans it, a category is coded without its base level, as in R.

    Raises:
        DuplicateError: a term is there twice.
    """
    spanned: set[frozenset[tuple[str | int, bool]]] = {frozenset()} if intercept else set()
    terms: dict[frozenset[tuple[str, int]], tuple[int, Term]] = {}
    effects: list[Effect] = []
    seen = set()
    for chosen in factors:
        for span in _spans(chosen, spanned):
            reduced = dict(span)
            kept = [factor for factor in chosen if factor.key in reduced]
            # The first factor runs fastest, as in R.
            for turned in product(*[factor.terms for factor in kept if factor.category is None][::-1]):
                numbers = joined(turned[::-1])
                categories = tuple(factor.category for factor in kept if factor.category is not None)
                full = tuple(not reduced[number] for number in categories)
                powers = frozenset(numbers.factors)
                identity = powers, frozenset(zip(categories, full, strict=True))
                if identity in seen:
                    raise DuplicateError(":".join(factor.text for factor in kept))
                seen.add(identity)
                place = None
                if powers:
                    place, _ = terms.setdefault(powers, (len(terms), numbers))
                parts = iter(turned[::-1])
                names = tuple(
                    (next(parts).name, None) if factor.category is None else (factor.text, factor.category)
                    for factor in kept
                )
                effects.append(Effect(place, categories, full, names))
    plain = not any(effect.categories for effect in effects)
    return Coded(tuple(term for _, term in terms.values()), () if plain else tuple(effects))


class DuplicateError(ValueError):
    """A term, by its name, is there twice."""


def joined(factors: Sequence[Term]) -> Term:
    """The product of terms; a column that stands in several of them has its powers added."""
    total: dict[str, int] = {}
    for term in factors:
        for column, power in term.factors:
            total[column] = total.get(column, 0) + power
    return Term(":".join(term.name for term in factors), tuple(total.items()))


def _spans(factors: Sequence[Factor], spanned: set[frozenset[tuple[str | int, bool]]]) -> list[_Span]:
    """What a term adds to what is spanned already, with as few pieces as possible."""
    choices: list[list[_Span]] = [
        [((factor.key, False),)] if factor.category is None else [((factor.key, True),), ()] for factor in factors
    ]
    new: list[_Span] = []
    for chosen in product(*choices):
        span = tuple(part for parts in chosen for part in parts)
        if frozenset(span) not in spanned:
            new.append(span)
    if not new:
        raise DuplicateError(":".join(factor.text for factor in factors))
    spanned.update(frozenset(span) for span in new)
    return _simplified(new)


def _simplified(spans: Sequence[_Span]) -> list[_Span]:
    """With a and a:(b without base), a:(b with base): until nothing more can be put together.

    Source: formulaic's materializer (Wardrop), after patsy's (Smith 2012, "Coding categorical data").
    """
    done: list[_Span] = []
    for span in sorted(spans, key=len):
        for other in done:
            more = set(span) - set(other)
            if len(span) - 1 != len(other) or len(more) != 1:
                continue
            key, reduced = next(iter(more))
            if reduced:
                merged = tuple((each, without and each != key) for each, without in span)
                done = _simplified([*[rest for rest in done if rest != other], merged])
                break
        else:
            done.append(span)
    return done
