"""Cross-products about the means, their columns brought to like length: what penalised fits start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array, Pair, add, divide, multiply, subtract
from gradline.elimination import EXACT


@dataclass(frozen=True, slots=True)
class Centred:
    """Cross-products of d features and k targets, less their means where there is an intercept.

    Columns are scaled by powers of two, without a rounding error, so that the diagonal is of order 1; the penalty is
    that of the columns as they were.
    """

    gram: Pair  # (d, d)
    right: Pair  # (d, k)
    scales: Array  # (d,) what features were multiplied by
    target_scales: Array  # (k,)
    mean: Pair  # (d,) in the columns' own units; 0 without an intercept
    target_mean: Pair  # (k,)
    usable: NDArray[np.bool_]  # (d,) which features vary (without an intercept: are not 0)
    weights: Array  # (d,) by which penalties multiply coefficients: 1, or the standard deviation
    total: float
    """Sum of the rows' weights."""

    def largest_l1(self) -> float:
        """The smallest l1 at which all coefficients of all targets are 0: max |x'(y - mean)| / weight."""
        weights = np.where(self.usable, self.weights * self.scales, 1.0)[:, None]
        reach = abs(self.right[0]) / weights / self.target_scales
        return float(reach[self.usable].max(initial=0.0))

    def largest_square(self) -> float:
        """The largest eigenvalue of X'X, each column divided by its weight: with this l2 all directions halve."""
        weights = np.where(self.usable, self.weights * self.scales, 1.0)
        some = self.usable.nonzero()[0]
        square = (self.gram[0] / weights / weights[:, None])[np.ix_(some, some)]
        return float(np.linalg.norm(square, 2)) if len(some) else 0.0


def centred(moments: Pair, features: int, *, intercept: bool, standardize: bool) -> Centred:
    """Take the means away, in double-double.

    Args:
        moments: (1 + d + k, 1 + d + k) cross-products of (1, x, y), as a pair.
        features: d.
        intercept: Whether to take the means away.
        standardize: Whether the penalty weighs each coefficient by its column's standard deviation, with n (not
            n - 1) below; without an intercept, by its root mean square.
    """
    d = features
    hi, lo = moments
    norms = hi.diagonal()[1:].copy()
    first = powers(norms)
    square = _about(hi, lo, first, intercept)
    share = square[0].diagonal() / np.where(norms > 0, norms * first * first, 1.0)
    usable = share[:d] > (16 * (d + 1) * EXACT) ** 2
    second = powers(square[0].diagonal())
    for word in square:
        word *= second
        word *= second[:, None]
    scales = first * second
    total = float(hi[0, 0])
    deviations = np.sqrt(np.maximum(square[0].diagonal()[:d], 0.0) / total) / scales[:d]
    weights = np.where(usable, deviations, 1.0) if standardize else np.ones(d)
    nothing = np.zeros(len(norms)), np.zeros(len(norms))
    means = divide((hi[0, 1:], lo[0, 1:]), (hi[0, 0], lo[0, 0])) if intercept else nothing
    return Centred(
        gram=(np.ascontiguousarray(square[0][:d, :d]), np.ascontiguousarray(square[1][:d, :d])),
        right=(square[0][:d, d:], square[1][:d, d:]),
        scales=scales[:d],
        target_scales=scales[d:],
        mean=(means[0][:d], means[1][:d]),
        target_mean=(means[0][d:], means[1][d:]),
        usable=usable,
        weights=weights,
        total=total,
    )


def intercepts(about: Centred, slopes: Pair) -> Pair:
    """(m, k) the constants that belong to slopes (m, d, k): mean of y less the means of x times the slopes."""
    from gradline.elimination_compiled import dots

    m, d, k = slopes[0].shape
    turned = slopes[0].swapaxes(0, 1).reshape(d, m * k), slopes[1].swapaxes(0, 1).reshape(d, m * k)
    everywhere = np.ones(m * k)
    hi, lo = dots((about.mean[0][:, None] * everywhere, about.mean[1][:, None] * everywhere), turned)
    return subtract((about.target_mean[0], about.target_mean[1]), (hi.reshape(m, k), lo.reshape(m, k)))


def residual_squares(moments: Pair, constants: Pair, slopes: Pair) -> Array:
    """(m, k) residual sums of squares of the rows in these moments: v'·A·v with v = (-b, -β, 1), in double-double.

    Args:
        moments: (1 + d + k, 1 + d + k), perhaps of other rows than those that were fitted.
        constants: (m, k) intercepts.
        slopes: (m, d, k).
    """
    from gradline.elimination_compiled import dots, times

    m, d, k = slopes[0].shape
    found = np.zeros((m, k))
    for target in range(k):
        some = 1 + np.flatnonzero((slopes[0][:, :, target] != 0).any(axis=0))
        at = np.concatenate([[0], some, [1 + d + target]])
        matrix = moments[0][np.ix_(at, at)], moments[1][np.ix_(at, at)]
        vectors = []
        for word, constant, last in zip(slopes, constants, (1.0, 0.0), strict=True):
            tail = np.full((1, m), last)
            vectors.append(np.concatenate([-constant[None, :, target], -word[:, some - 1, target].T, tail]))
        v = vectors[0], vectors[1]
        found[:, target] = dots(v, times(matrix, v))[0]
    return np.maximum(found, 0.0)


def powers(squares: Array) -> Array:
    """Powers of two that bring numbers of these squares to between 0.7 and 1.5."""
    powers: Array = np.ldexp(1.0, -np.round(np.log2(np.where(squares > 0, squares, 1.0)) / 2).astype(int))
    return powers


def _about(hi: Array, lo: Array, scales: Array, intercept: bool) -> Pair:
    """(d + k, d + k) the cross-products without the constant, scaled and about the means; some rows at a time."""
    square = np.empty((len(scales), len(scales))), np.empty((len(scales), len(scales)))
    part = max(1, 65_536 // len(scales))
    row = hi[0, 1:] * scales, lo[0, 1:] * scales
    mean = divide(row, (hi[0, 0], lo[0, 0]))
    for start in range(0, len(scales), part):
        some = slice(start, start + part)
        both = scales[some, None] * scales
        block = hi[1:, 1:][some] * both, lo[1:, 1:][some] * both
        if intercept:
            left = mean[0][some, None] + 0.0 * both, mean[1][some, None] + 0.0 * both
            block = add(block, multiply(left, (-row[0] + 0.0 * both, -row[1] + 0.0 * both)))
        square[0][some], square[1][some] = block
    # Rounding may leave the halves unlike in the last bits.
    lower = np.tril_indices(len(scales), -1)
    for word in square:
        word[lower] = word.T[lower]
    return square
