"""Rows of a problem as the columns of a model that has been fitted: categories written out, some rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.design.block import Block
from gradline.design.categories import Codes, encode, renumbered
from gradline.design.problem import Problem
from gradline.design.recipe import Recipe
from gradline.design.terms import Term


class Columns(NamedTuple):
    """Some rows of the design matrix, without the constant."""

    values: list[NDArray[Any]]  # each (n,)
    features: list[int]
    """Of which feature each is: what a feature's high word leaves over follows as a column of its own."""


class WrittenOut:
    """How the blocks of a problem become the columns of a model.

    A level that the model has not seen counts as a missing value.
    """

    def __init__(self, problem: Problem, terms: Sequence[Term], recipe: Recipe) -> None:
        """For these features, all of whose numeric parts the problem has among its terms."""
        numbers = {term.factors: number for number, term in enumerate(problem.terms)}
        places = recipe.places
        category = {each.column: number for number, each in enumerate(recipe.categories)}
        self._parts = [numbers[term.factors] if term.factors else None for term in terms]
        self._cells = [
            [(category[column], places[category[column]][level]) for column, level in term.cell] for term in terms
        ]
        self._places = places
        self._terms = len(problem.terms)

    def codes(self, block: Block) -> list[Codes]:
        """Of each category the number (n,) of each row's level, -1 where it is missing or was never seen."""
        return [renumbered(*encode(labels), known) for labels, known in zip(block.labels, self._places, strict=True)]

    def columns(self, block: Block, codes: Sequence[Codes], features: Sequence[int]) -> Columns:
        """The columns of these features."""
        values, numbers = [], []
        for feature in features:
            part = self._parts[feature]
            words = (None, None) if part is None else (block.hi[part], block.lo[part])
            inside = None
            for number, level in self._cells[feature]:
                found = codes[number] == level
                inside = found if inside is None else inside & found
            for which, word in enumerate(words):
                if word is not None and (not which or word.any()):
                    values.append(word if inside is None else np.where(inside, word, 0.0))
                    numbers.append(feature)
            if part is None:
                assert inside is not None
                values.append(inside.astype(np.float64))
                numbers.append(feature)
        return Columns(values, numbers)

    def beside(self, block: Block, features: Sequence[int]) -> list[NDArray[Any]]:
        """The numeric columns of a block that none of these features is made of, the targets aside."""
        parts = {self._parts[feature] for feature in features}
        return [column for part, column in enumerate(block.hi[: self._terms]) if part not in parts]
