"""Columns that are orthogonal to each other, as the levels of a category are, eliminated first and all at once.

With D diagonal in A = [[D, B], [B', C]], what is left for the other columns is S = C - B'·D⁻¹·B, as small as they are
few. The work is that of writing the inverse down: [[D⁻¹ + E·S⁻¹·E', -E·S⁻¹], [-S⁻¹·E', S⁻¹]] with E = D⁻¹·B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array, Pair, divide, subtract
from gradline.exact.reduction import Reduced, beside_all, by_elimination
from gradline.moments.slices import cross_products


def unrelated(matrix: Array, columns: int, share: float) -> NDArray[np.intp]:
    """The columns of a set in which every two are orthogonal: greedily, those with the fewest relations first.

    None of them where the set cannot be expected to have this share of all columns.
    """
    related = matrix[:columns, :columns] != 0.0
    degrees = np.count_nonzero(related, axis=1)
    if np.median(degrees) > (1 - share) * columns + 1:
        return np.empty(0, np.intp)
    free = degrees > 0  # a column of zeros is nobody's business here
    chosen = []
    for j in np.argsort(degrees, kind="stable"):
        if free[j]:
            chosen.append(j)
            free &= ~related[j]
    found = np.sort(np.array(chosen, np.intp))
    return found if len(found) >= share * columns else found[:0]


def by_unrelated(matrix: Pair, columns: int, least: Array, unit: Array, first: NDArray[np.intp]) -> Reduced | None:
    """Solve with the columns `first`, orthogonal to each other, eliminated before the others.

    Another order finds other columns dependent: None where any column might be, apart from columns of zeros.
    """
    q = columns
    hi, lo = matrix
    norms = hi.diagonal()[:q]
    kept = norms > 0
    rest = np.setdiff1d(kept.nonzero()[0], first)
    if not len(rest):
        first, rest = first[:-1], first[-1:]  # the products below need some column on either side
    m, k = len(rest), len(hi) - q
    if not len(first) or (norms[first] <= least[first]).any():
        return None
    others = np.concatenate([rest, np.arange(q, q + k)])
    beside, pivots = (hi[np.ix_(first, others)], lo[np.ix_(first, others)]), (hi[first, first], lo[first, first])
    ratio = divide(beside, (pivots[0][:, None], pivots[1][:, None]))
    corner = hi[np.ix_(others, others)], lo[np.ix_(others, others)]
    inner = by_elimination(subtract(corner, cross_products(beside, ratio)), m, least[rest], unit[rest])
    if not inner.kept.all():
        return None

    across = np.ascontiguousarray(ratio[0][:, :m].T), np.ascontiguousarray(ratio[1][:, :m].T)  # E'
    params = np.zeros((q, k)), np.zeros((q, k))
    solved = subtract((ratio[0][:, m:], ratio[1][:, m:]), cross_products(across, inner.params))
    for word, of_first, of_rest in zip(params, solved, inner.params, strict=True):
        word[first], word[rest] = of_first, of_rest
    triangle = _triangle(q, first, rest, pivots, across, inner)
    root = triangle[0][0] / np.sqrt(triangle[1][0])[:, None]
    inverse, mixed = np.zeros((q, q)), root[np.ix_(rest, first)]
    inverse[np.ix_(first, first)] = mixed.T @ mixed
    inverse[first, first] += 1 / pivots[0]
    inverse[np.ix_(first, rest)] = beside_rest = mixed.T @ inner.root
    inverse[np.ix_(rest, first)] = beside_rest.T
    inverse[np.ix_(rest, rest)] = inner.inverse
    left, doubt = np.zeros(q), unit.copy()
    at = np.ix_(kept, kept)
    left[kept], doubt[kept] = beside_all(inverse if kept.all() else inverse[at], norms[kept], unit[kept])
    if (left[kept] * norms[kept] <= least[kept]).any():
        return None
    relations = {int(j): np.zeros(q) for j in (~kept).nonzero()[0]}
    return Reduced(params, inner.rss, inverse, root, kept, left, doubt, relations, triangle)


def _triangle(
    q: int, first: NDArray[np.intp], rest: NDArray[np.intp], pivots: Pair, across: Pair, inner: Reduced
) -> tuple[Pair, Pair]:
    """[[1, 0], [-Z·E', Z]] with the Z of what was left, and the pivots of both, at the columns' own places.

    In double-double, because in Z·E' the large numbers of an ill-conditioned S cancel.
    """
    assert inner.triangle is not None
    lower, inner_pivots = inner.triangle
    mixed = cross_products((np.ascontiguousarray(lower[0].T), np.ascontiguousarray(lower[1].T)), across)
    words, both = (np.zeros((q, q)), np.zeros((q, q))), (np.ones(q), np.zeros(q))
    words[0][first, first] = 1.0
    for word, below_first, below_rest in zip(words, mixed, lower, strict=True):
        word[np.ix_(rest, first)], word[np.ix_(rest, rest)] = -below_first, below_rest
    for pivot, of_first, of_rest in zip(both, pivots, inner_pivots, strict=True):
        pivot[first], pivot[rest] = of_first, of_rest
    return words, both
