"""What a saved model needs to make its columns of new data: computed columns, and categories with their levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

Label: TypeAlias = str | float
"""A level of a category: text, or the number that a numeric column has."""


@dataclass(frozen=True, slots=True)
class Category:
    """A column whose values are levels rather than numbers."""

    column: str
    base: Label | None = None
    """The level that the others are compared with; None for the first in sorted order."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A column that is computed from others, row by row."""

    name: str
    """'log(x)': how terms and messages call it."""
    expression: str
    """How it is computed, in the language of `gradline.design.expression`."""
    state: tuple[tuple[str, float, float, float], ...] = ()
    """What the whole column says: for each call of center or scale its text, the mean in two words, the divisor."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How columns of a table become the columns that terms name.

    Example:
        >>> recipe = Recipe((Derived("log(x)", "log(x)"),), (Category("city"),)).with_levels([["A", "B"]])
        >>> recipe.levels
        (('A', 'B'),)
    """

    derived: tuple[Derived, ...] = ()
    categories: tuple[Category, ...] = ()
    levels: tuple[tuple[Label, ...], ...] = ()
    """Of each category, sorted; empty until the data have been read."""

    def with_levels(self, levels: Sequence[Sequence[Label]]) -> Recipe:
        """The recipe with the levels (sorted) that each category was found to have."""
        assert len(levels) == len(self.categories)
        return replace(self, levels=tuple([tuple(each) for each in levels]))

    @property
    def places(self) -> list[dict[Label, int]]:
        """Of each category, the number of each level."""
        return [{level: at for at, level in enumerate(each)} for each in self.levels]

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Recipe:
        """The recipe from its fields as a file has them, with lists for tuples."""
        return cls(
            derived=tuple(
                Derived(
                    str(each["name"]),
                    str(each["expression"]),
                    tuple((str(text), float(a), float(b), float(c)) for text, a, b, c in each["state"]),
                )
                for each in record["derived"]
            ),
            categories=tuple(Category(str(each["column"]), each["base"]) for each in record["categories"]),
            levels=tuple(tuple(each) for each in record["levels"]),
        )


EMPTY = Recipe()
"""That of a model whose features are columns as they stand, and their powers and products."""
