"""A model as a sum of pieces: products of columns, each with a parameter or with one for each cell of categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import shortened

if TYPE_CHECKING:
    from gradline.design.recipe import Label
    from gradline.results.fit import Fit


class Piece(NamedTuple):
    """What the terms of the same columns add to a prediction."""

    factors: tuple[tuple[str, int], ...]
    """Columns and their powers; empty where the piece is a constant in each cell."""
    categories: tuple[str, ...]
    """The columns whose levels choose the parameter; empty where there is one parameter."""
    parameters: dict[tuple[Label, ...], Array]
    """(k,) of each cell that has a parameter; rows in other cells of known levels get 0."""


def pieces_of(fit: Fit) -> list[Piece]:
    """The pieces in the order of the model's terms; aliased columns have parameter 0 and are there.

    A category that chooses no parameter is a piece of its own: an unknown level of it leaves no prediction.
    """
    params = np.nan_to_num(fit.estimates)
    found: dict[tuple[tuple[tuple[str, int], ...], tuple[str, ...]], Piece] = {}
    for term, parameter in zip(fit.terms, params[int(fit.has_intercept) :], strict=True):
        names = tuple(column for column, _ in term.cell)
        piece = found.setdefault((term.factors, names), Piece(term.factors, names, {}))
        piece.parameters[tuple(level for _, level in term.cell)] = parameter
    covered = {name for _, names in found for name in names}
    idle = [category.column for category in fit.recipe.categories if category.column not in covered]
    return [*found.values(), *[Piece((), (name,), {}) for name in idle]]


def levels_of(fit: Fit) -> dict[str, tuple[Label, ...]]:
    """The levels of each category that the model knows."""
    return {
        category.column: levels for category, levels in zip(fit.recipe.categories, fit.recipe.levels, strict=True)
    }


def refuse_origin(fit: Fit, language: str) -> None:
    """Refuse a model of whole numbers so large that float64 arithmetic has nothing left of their differences."""
    if fit.origin:
        large = [term.name for term, about in zip(fit.terms, fit.origin, strict=True) if about]
        name = shortened(", ".join(large), 30) or "the target"
        raise cannot(
            language,
            f"{name}, whose whole numbers are too large for float64",
            "Take a constant away from them and fit again.",
        )


def cannot(language: str, what: str, advice: str) -> OptionError:
    """The error for a model that the language has no words for."""
    return OptionError(f"{language} cannot express {what}.\n{advice}")
