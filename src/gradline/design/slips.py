"""Text that was perhaps meant as numbers: a column with a slip in it becomes a category, and the result says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gradline.design.quoted import in_backticks
from gradline.design.recipe import Label, Recipe
from gradline.design.terms import Term

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def slips(recipe: Recipe, terms: Sequence[Term], unused: Sequence[tuple[str, Label]] = ()) -> Iterator[str]:
    """A sentence for each column of text that is a category unasked, and whose levels are numbers but for a few.

    `unused`: levels, with their columns, that only dropped rows have.

    >>> from gradline.design.recipe import Category
    >>> recipe = Recipe((), (Category("km"),)).with_levels([["1", "12,5", "2", "3.5"]])
    >>> print(*slips(recipe, ()))
    km is text and so a category: 3 of its 4 levels are numbers, '12,5' is not. Correct it for one slope, or ...
    """
    for category, levels in zip(recipe.categories, recipe.levels, strict=True):
        every = [*levels, *[level for column, level in unused if column == category.column]]
        texts = [level for level in every if isinstance(level, str)]
        odd = [text for text in texts if not _NUMBER.fullmatch(text)]
        call = f"C({in_backticks(category.column)}"
        asked = any(call in term.name for term in terms)
        if odd and not asked and 2 * len(odd) < len(texts):
            numbers = f"{len(texts) - len(odd)} of its {len(texts)} levels are numbers, {odd[0]!r} is not"
            yield (
                f"{category.column} is text and so a category: {numbers}. "
                f"Correct it for one slope, or write {call}) in a formula"
            )
