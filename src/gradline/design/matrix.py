"""The design matrix and the targets, row by row: what a loop over rows goes through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from gradline.design.categories import encode, renumbered
from gradline.sources.columns import Held

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.design.problem import Problem
    from gradline.design.recipe import Label, Recipe
    from gradline.design.terms import Term


class Matrix(NamedTuple):
    """Complete rows: features (n, d) without the constant, and targets (n, k), row after row in memory."""

    features: NDArray[Any]
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    """(n,) all above 0; None of ones."""

    def of(self, which: Any) -> Matrix:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[which]
        return Matrix(self.features[which], self.targets[which], weights)


def matrices(problem: Problem, terms: Sequence[Term], recipe: Recipe) -> Iterator[Matrix]:
    """The rows that count: nothing is missing, and no weight is 0. float32 where all columns are, else float64.

    They come some at a time.

    Args:
        problem: The request; its rows have been read once.
        terms: The features that its moments found: categories have their levels.
        recipe: Likewise, with the levels.
    """
    parts = {term.factors: number for number, term in enumerate(problem.terms)}
    columns = [(parts.get(term.factors) if term.factors else None, term.cell) for term in terms]
    known = dict(zip([category.column for category in recipe.categories], recipe.places, strict=True))
    for block in problem.blocks():
        yield _matrix(block, columns, known, len(problem.terms))


def one_matrix(problem: Problem, terms: Sequence[Term], recipe: Recipe, complete: bool) -> Matrix:
    """All rows at once; where arrays in memory have them as they are needed, no copy is made.

    Args:
        problem: As in matrices, and the next two.
        terms: See problem.
        recipe: See problem.
        complete: Whether all rows count.
    """
    held = as_held(problem) if complete else None
    if held is not None:
        return held
    found = list(matrices(problem, terms, recipe))
    if len(found) == 1:
        return found[0]
    return together(found)


def together(parts: Sequence[Matrix]) -> Matrix:
    """All these rows as one."""
    weights = [part.weights for part in parts if part.weights is not None]
    return Matrix(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate(weights) if weights else None,
    )


def as_held(problem: Problem) -> Matrix | None:
    """The arrays in memory of which the columns are views, where all rows count; None if there are none."""
    table, width = problem.table, len(problem.terms)
    if problem.categories or not isinstance(table, Held) or not all(term.plain for term in problem.terms):
        return None
    if not table.views([name for name in problem.columns if name != problem.weights]):
        return None
    blocks = list(problem.blocks())
    if any(low is not None for block in blocks for low in block.lo):
        return None
    features = _joined([block.hi[:width] for block in blocks])
    targets = _joined([block.hi[width:] for block in blocks])
    if features is None or targets is None:
        return None
    kind = np.float32 if features.dtype == targets.dtype == np.float32 else np.float64
    weights = None if problem.weights is None else np.concatenate([_float64(block.weights) for block in blocks])
    return Matrix(np.require(features, kind, ("C", "W")), np.require(targets, kind, ("C", "W")), weights)


def _matrix(
    block: Block,
    columns: Sequence[tuple[int | None, tuple[tuple[str, Label], ...]]],
    known: dict[str, dict[Label, int]],
    terms: int,
) -> Matrix:
    n = len(block.hi[0])
    kind = np.float32 if all(column.dtype == np.float32 for column in block.hi) else np.float64
    keep = np.ones(n, np.bool_)
    for high in block.hi:
        keep &= ~np.isnan(high)
    weights = None if block.weights is None else _float64(block.weights)
    if weights is not None:
        keep &= weights > 0.0
    codes = {}
    for name, labels in zip(known, block.labels, strict=True):
        codes[name] = renumbered(*encode(labels), known[name])
        keep &= codes[name] >= 0
    features, targets = np.empty((n, len(columns)), kind), np.empty((n, len(block.hi) - terms), kind)
    for at, (part, cell) in enumerate(columns):
        features[:, at] = 1.0 if part is None else block.hi[part]
        for name, level in cell:
            features[:, at] *= codes[name] == known[name][level]
    for at, high in enumerate(block.hi[terms:]):
        targets[:, at] = high
    rows = Matrix(features, targets, weights)
    return rows if keep.all() else rows.of(keep)


def _float64(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)


def _joined(pieces: Sequence[Sequence[NDArray[Any]]]) -> NDArray[Any] | None:
    """The one array (n, m) in memory of which these columns, given in pieces, are views; None if there is none."""
    if not pieces or not pieces[0]:
        return None
    first = pieces[0][0]
    kind, stride, start, owner = first.dtype, first.strides[0], _address(first), _owner(first)
    step = _address(pieces[0][1]) - start if len(pieces[0]) > 1 else kind.itemsize
    rows = 0
    for piece in pieces:
        for number, column in enumerate(piece):
            place = start + rows * stride + number * step
            if column.dtype != kind or column.strides[0] != stride or _address(column) != place:
                return None
            if _owner(column) is not owner:  # neighbours by chance
                return None
        rows += len(piece[0])
    return as_strided(first, (rows, len(pieces[0])), (stride, step), writeable=first.flags.writeable)


def _address(values: NDArray[Any]) -> int:
    return int(values.__array_interface__["data"][0])


def _owner(values: Any) -> Any:
    """The object whose memory it is."""
    while isinstance(values, np.ndarray) and values.base is not None:
        values = values.base
    return values
