"""What a model is made of before its data are read: numeric terms, and categories whose levels are to be found."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from gradline.design.recipe import Category as Category
from gradline.design.recipe import Label as Label
from gradline.design.terms import Term
from gradline.errors import ColumnError


@dataclass(frozen=True, slots=True)
class Effect:
    """One term as the formula has it: a numeric term, within the cells of categories if it names any."""

    term: int | None
    """Number of its numeric part among the problem's terms; None for the constant 1."""
    categories: tuple[int, ...] = ()
    """Numbers of its categories among the problem's."""
    full: tuple[bool, ...] = ()
    """For each of them, whether its base level has a feature too."""
    names: tuple[tuple[str, int | None], ...] = ()
    """Its factors in order, as ('C(city)', number of the category) or ('x', None)."""


class Feature(NamedTuple):
    """One column of the design matrix."""

    term: Term
    number: int | None
    """Of its numeric part among the problem's terms; None for the constant 1."""
    cell: tuple[tuple[int, int], ...]
    """Numbers of categories and of their levels: the feature is 0 in rows that have other levels."""


def expand(
    effects: Sequence[Effect],
    terms: Sequence[Term],
    categories: Sequence[Category],
    levels: Sequence[Sequence[Label]],
) -> list[Feature]:
    """The features in order, once the levels (sorted) of each category are known.

    Within an effect the first category runs fastest, as in R.

    Raises:
        ColumnError: a level that was chosen as base does not occur.

    Example:
        >>> city = Category("city")
        >>> found = expand([Effect(None, (0,), (False,), (("city", 0),))], [], [city], [["A", "B", "C"]])
        >>> [feature.term.name for feature in found]
        ['city[T.B]', 'city[T.C]']
    """
    for category, found in zip(categories, levels, strict=True):
        if category.base is not None and found and category.base not in found:
            raise _no_such_base(category.base, category.column, found)
    features = []
    for effect in effects:
        factors = () if effect.term is None else terms[effect.term].factors
        if not effect.categories:
            assert effect.term is not None
            features.append(Feature(terms[effect.term], effect.term, ()))
            continue
        choices = [
            [
                at
                for at, level in enumerate(levels[number])
                if full or level != base_of(categories[number], levels[number])
            ]
            for number, full in zip(effect.categories, effect.full, strict=True)
        ]
        for turned in product(*choices[::-1]):
            chosen = turned[::-1]
            cell = tuple(zip(effect.categories, chosen, strict=True))
            at = dict(cell)
            reduced = {number: not full for number, full in zip(effect.categories, effect.full, strict=True)}
            name = ":".join(
                text if number is None else f"{text}[{'T.' * reduced[number]}{written(levels[number][at[number]])}]"
                for text, number in effect.names
            )
            labels = tuple((categories[number].column, levels[number][level]) for number, level in cell)
            features.append(Feature(Term(name, factors, labels), effect.term, cell))
    return features


def base_of(category: Category, levels: Sequence[Label]) -> Label | None:
    """The level that the others are compared with."""
    if category.base is not None:
        return category.base
    return levels[0] if levels else None


def left_out(
    categories: Sequence[Category], met: Sequence[Sequence[Label]], levels: Sequence[Sequence[Label]]
) -> tuple[tuple[str, Label], ...]:
    """The levels that were met, but only in rows that were dropped, with the columns of their categories; sorted.

    Raises:
        ColumnError: a level that was chosen as base is one of them.
    """
    unused: list[tuple[str, Label]] = []
    for category, every, present in zip(categories, met, levels, strict=True):
        absent = set(every).difference(present)
        if category.base is not None and category.base in absent:
            raise ColumnError(
                f"the base {written(category.base)!r} of {category.column!r} has no row left: "
                f"each lacks a value or has weight 0.\nlevels with rows: {_listed(present)}"
            )
        unused += [(category.column, level) for level in sorted(absent)]
    return tuple(unused)


def written(level: Label) -> str:
    """A level as names show it.

    >>> written("A"), written(2024.0), written(0.5)
    ('A', '2024', '0.5')
    """
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def _no_such_base(base: Label, column: str, levels: Sequence[Label]) -> ColumnError:
    names = [written(level) for level in levels]
    if written(base) in names:
        kind, text = ("a number", written(base)) if isinstance(base, str) else ("text", repr(written(base)))
        return ColumnError(
            f"the base {written(base)!r} is not a level of {column!r}: there it is {kind}: write {text}.\n"
            f"levels: {_listed(levels)}"
        )
    near = difflib.get_close_matches(str(base), names, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ColumnError(f"the base {written(base)!r} is not a level of {column!r}.{hint}\nlevels: {_listed(levels)}")


def _listed(levels: Sequence[Label]) -> str:
    return ", ".join([written(level) for level in levels[:8]]) + (", …" if len(levels) > 8 else "")
