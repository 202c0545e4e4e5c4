"""What every way of solving hands back, and the plainest way: elimination in double-double."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array, Pair, quick_two_sum
from gradline.elimination import COMPILED, eliminate
from gradline.moments.triangle import unpacked


@dataclass(frozen=True, slots=True)
class Reduced:
    """A least-squares problem of q columns and k targets, solved.

    A column that is left out has zeros in `inverse` and `root`, and its parameter means nothing.
    """

    params: Pair  # (q, k)
    rss: Pair  # (k,)
    inverse: Array  # (q, q) (X'X)⁻¹ of the kept columns
    root: Array  # (q, q) with rootᵀ·root = inverse
    kept: NDArray[np.bool_]  # (q,)
    left: Array
    """(q,) the share of its squared norm that each column has left beside those before it, or a lower bound."""
    doubt: Array
    """(q,) how far the error of the sums may move `left`."""
    relations: dict[int, Array]  # for each column left out, its coefficients (q,) on those before it
    triangle: tuple[Pair, Pair] | None = None
    """Z (q, q), unit lower triangular in the order of elimination, and pivots D (q,): Zᵀ·D⁻¹·Z = inverse; in
    double-double, where the inverse is known so well."""


BUSY, WORTH = 64, 1_000
"""From so many columns on BLAS wakes its threads, and from so many on they are worth it: for 30 ms after each call
they look for work, each copy of OpenBLAS its own, and whatever comes next has that many processors less."""


def by_elimination(matrix: Pair, columns: int, least: Array, unit: Array, *, compiled: bool = False) -> Reduced:
    """Solve by elimination in double-double, in the columns' order.

    Args:
        matrix: (q + k, q + k) cross-products, the diagonal of order 1.
        columns: q.
        least: (q,) a column whose remaining squared norm is at most this is left out.
        unit: (q,) how exactly the sums of each column are known.
        compiled: As for `eliminate`.
    """
    q = columns
    (hi, lo), left = eliminate(matrix, q, least, compiled=compiled)
    kept = left > least
    norms = np.where(matrix[0].diagonal()[:q] > 0, matrix[0].diagonal()[:q], 1.0)
    pivots = np.where(kept, hi.diagonal()[:q], 1.0), np.where(kept, lo.diagonal()[:q], 0.0)
    lower, low = np.tril(hi[:q, :q], -1), np.tril(lo[:q, :q], -1)
    lengths, doubts = np.sqrt(norms), np.sqrt(unit)
    span = doubts + absolute_times(lower, lengths * doubts) / lengths
    relations = {int(j): -lower[j] for j in (~kept).nonzero()[0]}
    lower[~kept] = low[~kept] = 0.0
    diagonal = np.arange(q)
    lower[diagonal, diagonal] = kept
    root = lower / np.sqrt(pivots[0])[:, None]
    return Reduced(
        params=quick_two_sum(-hi[q:, :q].T, -lo[q:, :q].T),
        rss=(hi.diagonal()[q:], lo.diagonal()[q:]),
        inverse=_squared(root) if BUSY <= q < WORTH and (compiled or q >= COMPILED) else root.T @ root,
        root=root,
        kept=kept,
        left=left / norms,
        doubt=span**2,
        relations=relations,
        triangle=((lower, low), pivots),
    )


def _squared(root: Array) -> Array:
    """rootᵀ·root (q, q), without BLAS."""
    from gradline.moments import kernels

    q = len(root)
    [triangle] = kernels.plain(root.T, q)  # of a column of ones before the others
    return np.ascontiguousarray(unpacked(triangle, q + 1)[1:, 1:])


def by_as_many(matrix: Pair, columns: int, least: Array, unit: Array, first: int) -> Reduced:
    """As `by_elimination`, where the first so many columns are known to determine all others."""
    after = np.arange(columns) >= first
    reduced = by_elimination(matrix, columns, np.where(after, np.inf, least), unit)
    return replace(reduced, left=np.where(after, 0.0, reduced.left), doubt=np.where(after, 0.0, reduced.doubt))


def beside_all(inverse: Array, norms: Array, unit: Array) -> tuple[Array, Array]:
    """`left` and `doubt` of each column beside all others, where less of it is left than beside those before it.

    What is left of a column is v'·A·v, where v is the column less its part on the others: known to (√unit'·|v|)²,
    with the columns scaled to unit length.
    """
    lengths = np.sqrt(norms)
    variance = inverse.diagonal()
    return 1 / (variance * norms), (absolute_times(inverse, lengths * np.sqrt(unit)) / (variance * lengths)) ** 2


def absolute_times(matrix: Array, vector: Array) -> Array:
    """|matrix|·vector, a few rows at a time: writing down a second matrix would take longer than the product."""
    result = np.empty(len(matrix))
    part = max(1, 65_536 // max(len(vector), 1))  # rows that stay in the cache
    for start in range(0, len(matrix), part):
        rows = slice(start, start + part)
        result[rows] = abs(matrix[rows]) @ vector
    return result
