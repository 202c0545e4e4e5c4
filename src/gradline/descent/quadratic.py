"""The squared loss of a linear model as a bowl: where its bottom is, how deep, and how steep each way up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite, sqrt

import numpy as np

from gradline.descent.axes import Axes, axes_of, sharpened, transposed
from gradline.descent.units import Units
from gradline.doubledouble import Array, Pair, add, divide, multiply, subtract, sum_pairs, two_product
from gradline.elimination import EXACT, FLOATS, eliminate, in_floats, negligible
from gradline.errors import DataError
from gradline.moments.moments import Moments
from gradline.moments.slices import cross_products
from gradline.once import once

_UNEVEN = 100.0
"""From here on float64 has too few digits for the flattest axis beside the steepest one."""
_SHARP = 256
"""Up to so many columns sharpening takes less than a second."""


@dataclass(frozen=True)
class Quadratic:
    """The sum of squared residuals over all targets, ‖Y - Zθ‖² = floor + ‖root·θ - aim‖².

    θ (p, k) has the intercept first; root is the Cholesky factor of A_zz (rows of columns that depend on
    earlier ones are 0), so its singular values are the square roots of the eigenvalues of A_zz without
    the loss of half the digits that forming A_zz in float64 would cost.
    """

    root: Array  # (p, p)
    aim: Array  # (p, k)
    floor: float  # the residual sum of squares of the exact answer, from double-double
    rows: float  # n
    gram: Pair  # A_zz (p, p)
    kept: Array  # (p,) |root_jj| / ‖column j‖: what earlier columns left of each, 0 where dependent

    exactly: Callable[[], tuple[Pair, Pair]]  # root and aim to twice as many digits
    largest: float  # sum of squares of a column or target

    @once
    def axes(self) -> Axes:
        """The principal axes of the bowl."""
        axes = axes_of(self.root)
        if len(self.root) <= _SHARP and axes.uneven > _UNEVEN:
            return sharpened(axes, self.exactly()[0])
        return axes

    def leftover(self, theta: Array) -> Array:
        """What of the residuals at θ (p, k) can still go, along each axis: leftᵀ·(root·θ - aim), (p, k)."""
        axes = self.axes
        if axes.low is None:
            left: Array = axes.left.T.dot(self.root.dot(theta) - self.aim)
            return left
        return self.leftover_pair(theta)[0]

    def leftover_pair(self, theta: Array) -> Pair:
        """The same to twice as many digits, of axes that were sharpened."""
        root, aim = self.exactly()
        assert self.axes.low is not None
        rest = subtract(cross_products(transposed(root), (theta, np.zeros_like(theta))), aim)
        return cross_products((self.axes.left, self.axes.low[1]), rest)

    @once
    def eigenvalues(self) -> Pair:
        """σ² (p,) of the axes to twice as many digits: the Rayleigh quotients vᵀ·A_zz·v / vᵀ·v.

        The error of a vector v enters squared.
        """
        v = self.axes.right
        image = cross_products(self.gram, (v, np.zeros_like(v)))  # A is its own transpose
        return divide(sum_pairs(multiply(image, (v, np.zeros_like(v)))), sum_pairs(two_product(v, v)))


def quadratic_of(moments: Moments) -> Quadratic:
    """Eliminate the columns of A in their order, in double-double (Cholesky), and round once.

    Raises:
        DataError: A sum is not finite: the squares of some column leave float64's range.
    """
    p, size = 1 + len(moments.columns), len(moments.hi)
    squares = moments.hi.diagonal().tolist()
    if not all(map(isfinite, squares)):
        names = ("Intercept", *moments.columns, *moments.targets)
        worst = names[int(np.argmin(np.isfinite(np.diagonal(moments.hi))))]
        raise DataError(f"the squares of {worst} add up beyond float64's range.\nRescale it (another unit will do).")
    floor: float
    if size <= FLOATS:
        upper, floor, kept = _in_floats(moments, p)
    else:
        norms = moments.hi.diagonal()
        least = _least(moments, p)
        (hi, _), left = eliminate(moments.pair, p, least, inverse=False)
        used = left > least
        kept = np.sqrt(np.where(used, left, 0.0) / np.where(norms[:p] > 0.0, norms[:p], 1.0))
        upper = np.where(used[:, None], np.triu(hi[:p]), 0.0) / np.sqrt(np.where(used, left, 1.0))[:, None]
        floor = float(np.maximum(hi.diagonal()[p:], 0.0).sum())
    return Quadratic(
        upper[:, :p],
        upper[:, p:],
        max(floor, 0.0),
        float(moments.hi[0, 0]),
        (moments.hi[:p, :p], moments.lo[:p, :p]),
        kept,
        partial(_to_twice_the_digits, moments, p),
        max(squares),
    )


def _to_twice_the_digits(moments: Moments, p: int) -> tuple[Pair, Pair]:
    """The root (p, p) and the aim (p, k) as pairs."""
    least = _least(moments, p)
    (hi, lo), left = eliminate(moments.pair, p, least, inverse=False)
    used = left > least
    pivot = np.where(used, left, 1.0), np.where(used, lo.diagonal()[:p], 0.0)
    scale = np.sqrt(pivot[0])
    rest = subtract(pivot, two_product(scale, scale))[0] / (2.0 * scale)
    wide = np.where(used[:, None], np.triu(hi[:p]), 0.0), np.where(used[:, None], np.triu(lo[:p]), 0.0)
    upper = divide(wide, (scale[:, None] + 0.0 * wide[0], rest[:, None] + 0.0 * wide[0]))
    return (upper[0][:, :p], upper[1][:, :p]), (upper[0][:, p:], upper[1][:, p:])


def _least(moments: Moments, p: int) -> Array:
    """Squared norms (p,) at which nothing is left of a column but its own rounding."""
    return negligible(moments.pair, np.array([EXACT, *moments.epsilon[: p - 1]]), intercept=True)


def _in_floats(moments: Moments, p: int) -> tuple[Array, float, Array]:
    """The same for a small A without arrays, whose calls would take most of the time."""
    hi: list[list[float]] = moments.hi.tolist()
    lo: list[list[float]] = moments.lo.tolist()
    norms = [hi[j][j] for j in range(p)]
    least = _least(moments, p).tolist()
    left = in_floats(hi, lo, p, least, inverse=False)
    upper, kept = [], []
    for j in range(p):
        if left[j] > least[j]:
            scale = 1.0 / sqrt(left[j])
            upper.append([0.0] * j + [sqrt(left[j])] + [value * scale for value in hi[j][j + 1 :]])
            kept.append(sqrt(left[j] / norms[j]))
        else:
            upper.append([0.0] * len(hi))
            kept.append(0.0)
    return np.array(upper), sum(max(hi[m][m], 0.0) for m in range(p, len(hi))), np.array(kept)


def standardized(quadratic: Quadratic) -> tuple[Quadratic, Units]:
    """The same loss as a function of parameters for the columns (x - mean) / standard deviation.

    The deviation is that of all n rows (no n - 1); a constant column is only centred.
    """
    root, rows = quadratic.root, quadratic.rows
    centre = root[0, 1:] / root[0, 0]
    spread = np.linalg.norm(root[1:, 1:], axis=0) / sqrt(rows)
    scale = np.where(spread > 0.0, spread, 1.0)
    upper = root.copy()
    upper[0, 1:] = 0.0
    upper[:, 1:] /= scale
    gram = cross_products((upper, np.zeros_like(upper)), (upper, np.zeros_like(upper)))

    exactly = partial(_standardized_exactly, quadratic.exactly, scale)
    return replace(quadratic, root=upper, gram=gram, exactly=exactly), Units(centre, scale)


def _standardized_exactly(exactly: Callable[[], tuple[Pair, Pair]], scale: Array) -> tuple[Pair, Pair]:
    """The root and the aim as pairs; no function within another, for those cannot be pickled."""
    (hi, lo), aim = exactly()
    hi, lo = hi.copy(), lo.copy()
    hi[0, 1:] = lo[0, 1:] = 0.0
    wide = np.tile(scale, (len(hi), 1))
    hi[:, 1:], lo[:, 1:] = divide((hi[:, 1:], lo[:, 1:]), (wide, 0.0 * wide))
    return (hi, lo), aim


def product(a: Pair, b: Pair) -> Pair:
    """The matrix product of a (…, q, m) and b (…, m, l), in double-double."""
    total: Pair | None = None
    for j in range(b[0].shape[-2]):
        row = slice(j, j + 1)
        term = multiply((a[0][..., row], a[1][..., row]), (b[0][..., row, :], b[1][..., row, :]))
        total = term if total is None else add(total, term)
    assert total is not None
    return total
