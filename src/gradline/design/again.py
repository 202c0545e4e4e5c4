"""The rows of a model that is there already, with their targets: posed as they were when it was fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradline.design.newdata import numeric_parts
from gradline.design.problem import Problem, demand_roles
from gradline.design.recipe import Recipe
from gradline.design.roles import demand_targets, targets_of, weights_of
from gradline.design.terms import Term
from gradline.errors import OptionError, ShapeError
from gradline.sources import is_named, open_table
from gradline.sources.rows import own_targets


def pose_again(
    data: Any,
    target: Any,
    weights: Any,
    *,
    terms: Sequence[Term],
    recipe: Recipe,
    targets: Sequence[str],
    weight: str | None,
    frequency: bool,
    intercept: bool,
) -> Problem:
    """The problem of which these rows are, by the names that its columns had.

    Args:
        data: As for `gl.fit`.
        target: Values in memory or names; by default the names at the time.
        weights: Likewise.
        terms: The features of the model.
        recipe: What their columns are made of.
        targets: What the targets were called.
        weight: What the weights were called; None where there were none.
        frequency: Whether they said how many rows a row stands for.
        intercept: Whether the model has a constant.

    Raises:
        ColumnError: a column is missing, or does not hold what it should.
        ShapeError: an array does not have as many columns, or as many rows, as it should.
        OptionError: weights for a model that has none.
    """
    table = open_table(data)
    if target is None and not own_targets(table):
        target = list(targets)
    if weight is None and weights is not None:
        raise OptionError("weights were given and the fit has none.\nLeave weights= out, or fit with them.")
    if weight is not None:
        table, weight = weights_of(table, data, weight if weights is None else weights, None)
    table, found = targets_of(table, data, target, None, None)
    demand_targets(table, found)
    if len(found) != len(targets):
        raise ShapeError(f"{len(found)} targets arrived and the fit has {len(targets)}: {', '.join(targets)}.")
    return demand_roles(
        Problem(
            table=table,
            terms=tuple(numeric_parts(terms)),
            targets=found,
            weights=weight,
            intercept=intercept,
            array_names=not is_named(data),
            categories=recipe.categories,
            derived=recipe.derived,
            frequency=frequency,
        )
    )
