"""Columns that are orthogonal to each other, as the levels of a category are, eliminated first and all at once.

With D diagonal in A = [[D, B], [B', C]], what is left for the other columns is S = C - B'·D⁻¹·B, as small as they are
few. The work is that of writing the inverse down: [[D⁻¹ + E·S⁻¹·E', -E·S⁻¹], [-S⁻¹·E', S⁻¹]] with E = D⁻¹·B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array, Pair, divide, subtract
from gradline.exact.reduction import Reduced, by_elimination, spans
from gradline.moments.slices import cross_products

SHARE = 0.5
"""At least this share of the columns must be unrelated for this way to be worth its while."""


def unrelated(matrix: Array, columns: int) -> NDArray[np.intp]:
    """The columns of a set in which every two are orthogonal: greedily, those with the fewest relations first."""
    related = matrix[:columns, :columns] != 0.0
    degrees = np.count_nonzero(related, axis=1)
    if np.median(degrees) > (1 - SHARE) * columns + 1:
        return np.empty(0, np.intp)
    free = degrees > 0  # a column of zeros is nobody's business here
    chosen = []
    for j in np.argsort(degrees, kind="stable"):
        if free[j]:
            chosen.append(j)
            free &= ~related[j]
    return np.sort(np.array(chosen, np.intp))


def by_unrelated(matrix: Pair, columns: int, least: Array, first: NDArray[np.intp]) -> Reduced | None:
    """Solve with the columns `first`, orthogonal to each other, eliminated before the others.

    Another order finds other columns dependent: None where any column might be, apart from columns of zeros.
    """
    q = columns
    hi, lo = matrix
    norms = hi.diagonal()[:q]
    kept = norms > 0
    rest = np.setdiff1d(kept.nonzero()[0], first)
    m, k = len(rest), len(hi) - q
    if (norms[first] <= least[first]).any():
        return None
    others = np.concatenate([rest, np.arange(q, q + k)])
    beside, pivots = (hi[np.ix_(first, others)], lo[np.ix_(first, others)]), (hi[first, first], lo[first, first])
    ratio = divide(beside, (pivots[0][:, None], pivots[1][:, None]))
    corner = hi[np.ix_(others, others)], lo[np.ix_(others, others)]
    inner = by_elimination(subtract(corner, cross_products(beside, ratio)), m, least[rest])
    if not inner.kept.all():
        return None

    params = np.zeros((q, k)), np.zeros((q, k))
    step = cross_products(
        (np.ascontiguousarray(ratio[0][:, :m].T), np.ascontiguousarray(ratio[1][:, :m].T)), inner.params
    )
    solved = subtract((ratio[0][:, m:], ratio[1][:, m:]), step)
    for word, of_first, of_rest in zip(params, solved, inner.params, strict=True):
        word[first], word[rest] = of_first, of_rest
    across = ratio[0][:, :m]
    inverse, root = np.zeros((q, q)), np.zeros((q, q))
    mixed = across @ inner.inverse
    inverse[np.ix_(first, first)] = mixed @ across.T
    inverse[first, first] += 1 / pivots[0]
    inverse[np.ix_(first, rest)] = -mixed
    inverse[np.ix_(rest, first)] = -mixed.T
    inverse[np.ix_(rest, rest)] = inner.inverse
    root[first, first] = 1 / np.sqrt(pivots[0])
    root[np.ix_(rest, first)] = -inner.root @ across.T
    root[np.ix_(rest, rest)] = inner.root
    left, span = np.zeros(q), np.ones(q)
    at = np.ix_(kept, kept)
    left[kept], span[kept] = spans(inverse if kept.all() else inverse[at], norms[kept])
    if (left[kept] * norms[kept] <= least[kept]).any():
        return None
    relations = {int(j): np.zeros(q) for j in (~kept).nonzero()[0]}
    return Reduced(params, inner.rss, inverse, root, kept, left, span, relations)
