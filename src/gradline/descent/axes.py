"""The principal axes of the bowl: the singular value decomposition of its root, sharp along flat axes too."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, hypot

import numpy as np

from gradline.doubledouble import Array, Pair, quick_two_sum, subtract
from gradline.moments.slices import cross_products

_NEAR = 1e-10
"""Singular values whose squares differ by less than this share count as one: any axes between them will do."""


@dataclass(frozen=True)
class Axes:
    """root = left·diag(sigma)·rightᵀ: steepness along each axis, largest first."""

    sigma: Array  # (p,)
    left: Array  # (p, p)
    right: Array  # (p, p), columns are directions of θ
    low: tuple[Array, Array, Array] | None = None  # low words of the three, where they were sharpened
    mixed: Array | None = None  # (p, p) then, what sharpening left of leftᵀ·root·right between axes of one σ, over σ

    @property
    def uneven(self) -> float:
        """How many times steeper (in σ) the steepest axis is than the flattest that is not level."""
        values = self.sigma.tolist()
        steepest = values[0]
        while values and values[-1] <= 0.0:
            values.pop()
        return float(steepest / values[-1]) if values else 1.0


def axes_of(root: Array) -> Axes:
    """To about 1e-16 of the steepest axis. Columns of one size have no more to say."""
    if len(root) == 2:
        return _of_two(*root.ravel().tolist())
    left, sigma, right = np.linalg.svd(root)
    return Axes(sigma, left, right.T)


def sharpened(axes: Axes, root: Pair) -> Axes:
    """Axes to about 1e-32 of the steepest: to the last digit for columns a million times smaller than others too.

    From left and right that are nearly right, the root in their basis is nearly diagonal; what stands beside the
    diagonal says how to turn them.

    Source: Ogita & Aishima (2020), "Iterative refinement for singular value decomposition based on matrix
    multiplication", J. Comput. Appl. Math. 369, algorithm 1.
    """
    zero, eye = np.zeros_like(axes.left), np.eye(len(axes.left))
    left: Pair = axes.left, zero
    right: Pair = axes.right, zero
    sigma = axes.sigma
    for _ in range(3):
        r = subtract((eye, zero), cross_products(left, left))[0]
        s = subtract((eye, zero), cross_products(right, right))[0]
        t, low = cross_products(left, cross_products(transposed(root), right))
        sigma, rest = t.diagonal(), low.diagonal() + 0.5 * t.diagonal() * (r.diagonal() + s.diagonal())
        above, below = t + sigma * r, t.T + sigma * s
        np.fill_diagonal(above, 0.0)
        np.fill_diagonal(below, 0.0)
        across, down = sigma[None, :], sigma[:, None]
        apart = (across - down) * (across + down)
        one = np.abs(apart) <= _NEAR * np.maximum(across, down) ** 2
        apart[one] = 1.0
        turn_left = np.where(one, 0.5 * r, (across * above + down * below) / apart)
        turn_right = np.where(one, 0.5 * s, (down * above + across * below) / apart)
        left = _moved(left, turn_left)
        right = _moved(right, turn_right)
        if max(np.abs(turn_left).max(), np.abs(turn_right).max()) < 1e-12:
            break
    sigma, rest = quick_two_sum(sigma, rest)
    level = sigma == 0.0
    mixed = np.where(one & (eye == 0.0), t + 0.5 * sigma * (r + s), 0.0) / np.where(level, 1.0, sigma)[:, None]
    order = np.argsort(-sigma, kind="stable")
    low_words = rest[order], left[1][:, order], right[1][:, order]
    return Axes(sigma[order], left[0][:, order], right[0][:, order], low_words, mixed[order][:, order])


def transposed(pair: Pair) -> Pair:
    """The transpose."""
    return pair[0].T, pair[1].T


def _moved(basis: Pair, turn: Array) -> Pair:
    return quick_two_sum(basis[0], basis[1] + basis[0] @ turn)


def _of_two(a: float, b: float, zero: float, d: float) -> Axes:
    """The axes of [[a, b], [0, d]] by one Jacobi rotation: a tenth of the time that calling LAPACK takes."""
    if b == 0.0:
        tangent = 0.0
    else:
        slope = (b * b + d * d - a * a) / (2.0 * a * b)
        tangent = copysign(1.0, slope) / (abs(slope) + hypot(1.0, slope))
    cosine = 1.0 / hypot(1.0, tangent)
    sine = tangent * cosine
    x, y, first = cosine * a - sine * b, -sine * d, (cosine, -sine)  # columns of root·right, now orthogonal,
    v, w, second = sine * a + cosine * b, cosine * d, (sine, cosine)  # and of right
    long, short = hypot(x, y), hypot(v, w)
    if long < short:
        x, y, first, long, v, w, second, short = v, w, second, short, x, y, first, long
    turn = copysign(1.0, x * w - y * v)  # the second left vector stands upright on the first, whatever is left of it
    left = np.array([[x / long, -turn * y / long], [y / long, turn * x / long]])
    return Axes(np.array([long, short]), left, np.array([first, second]).T)
