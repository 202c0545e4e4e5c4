"""The whole path of full-batch SGD on the squared loss, from the moments alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradline.descent.options import Sgd
from gradline.descent.quadratic import Quadratic
from gradline.descent.recurrence import Plain, Recurrence, carrying, plain
from gradline.doubledouble import Array, Pair, add, divide, multiply, subtract, sum_pairs
from gradline.once import once

_STRETCH = 4096  # steps looked at together: bounds the memory of a long run
_FAR = 1e200  # squares from which on a swing may leave float64's range and come back


@dataclass(frozen=True)
class ClosedForm:
    """What a PyTorch loop over all rows would do, in the principal axes of the loss.

    With root = U·diag(σ)·Vᵀ the residual's part that can still go is v = Uᵀ(root·θ - aim), and

        loss_t = (floor + Σ v_t²) / (n·k),      v_t = (1 - lr·λ)ᵗ·v_0,      λ = 2σ²/(n·k)

    for plain SGD with reduction "mean": a sum of non-negative terms, each of them right to its last digits,
    so it never cancels. θ_t is followed as a displacement from θ_0, because the exact answer is not known
    well along flat axes, and need not be: nothing moves there.

    Source: Goodfellow, Bengio & Courville (2016), Deep Learning, section 7.8.
    """

    quadratic: Quadratic
    start: Array  # θ_0 (p, k), intercept first
    sgd: Sgd
    reduction: str
    epochs: int

    @once
    def stopped_at(self) -> int | None:
        """The first step whose loss is not finite as a float64, or None."""
        motion = self._motion
        if isinstance(motion, Plain) and not motion.grows and np.vdot(self._leftover, self._leftover) < 1e300:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            settles = np.vdot(self._leftover, self._leftover) < _FAR or isinstance(motion, Plain)
            if settles and np.isfinite(self._squares(self.epochs - 1, self.epochs)[0]):
                return None
            for first in range(0, self.epochs, _STRETCH):
                bad = np.flatnonzero(~np.isfinite(self._squares(first, min(first + _STRETCH, self.epochs))))
                if len(bad):
                    return first + int(bad[0])
        return None

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return self.epochs if self.stopped_at is None else self.stopped_at

    @property
    def numbers(self) -> range:
        """All of them."""
        return range(self.steps)

    @property
    def parameters_after(self) -> Array:
        """θ (p, k) after all steps."""
        steps, axes = self.steps, self.quadratic.axes
        if axes.low is not None:
            after: Array = self.parameters(steps, steps + 1)[0]
            return after
        moved: Array = axes.right.dot(self._moved(steps, steps + 1)[0])
        return self.start + moved

    def losses(self, first: int, last: int) -> Array:
        """The losses that the forward passes of steps first … last - 1 saw."""
        squares: Array = self._squares(first, last)
        return squares / self._numbers if self.reduction == "mean" else squares

    def parameters(self, first: int, last: int) -> Array:
        """θ before those steps, (steps, p, k)."""
        moved, right = self._moved(first, last), self.quadratic.axes.right
        adds_up = self.sgd.weight_decay and not self.sgd.zero_grad  # then it is not a place alone where motion rests
        if self.quadratic.axes.low is None or adds_up:
            theta: Array = self.start + right @ moved
            return theta
        # Where an axis has come most of its way, count from its end: start and displacement would cancel.
        goal, ways = self._goal
        ahead = self._motion.positions(self._leftover - goal, None, None, first, last)
        near = np.abs(ahead).max(axis=2) < 0.5 * np.abs(self._leftover - goal).max(axis=1)
        kinds, kind = np.unique(near, axis=0, return_inverse=True)
        bases = np.array([add((self.start, 0.0 * self.start), _total(ways, one))[0] for one in kinds])
        sigma = self.quadratic.axes.sigma[:, None]
        rest = right @ np.where(near[:, :, None], ahead / np.where(sigma > 0.0, sigma, 1.0), moved)
        return np.asarray(bases[kind.reshape(-1)] + rest)

    def gradients(self, first: int, last: int) -> Array:
        """What the backward passes of those steps left in .grad, (steps, p, k)."""
        axes = self.quadratic.axes
        pulls = self._motion.gradients(self._leftover, None, self._decay, first, last)
        sigma = axes.sigma[:, None]
        flat = sigma == 0.0
        gradient: Array = axes.right @ np.where(flat, 0.0, pulls / np.where(flat, 1.0, sigma))
        return gradient

    def _moved(self, first: int, last: int) -> Array:
        """θ - θ_0 along the axes before those steps, (steps, p, k)."""
        axes = self.quadratic.axes
        pull = (self._curvature * axes.sigma)[:, None] * self._leftover
        decay = self.sgd.weight_decay * (axes.right.T @ self.start) if self.sgd.weight_decay else None
        return self._motion.positions(None, pull, decay, first, last)

    @property
    def _numbers(self) -> float:
        return float(self.quadratic.rows * self.start.shape[1])

    @property
    def _curvature(self) -> float:
        return 2.0 / self._numbers if self.reduction == "mean" else 2.0

    @once
    def _motion(self) -> Recurrence:
        if self.sgd.plain:
            return plain(self.sgd, self._curvature * self.quadratic.axes.sigma**2)
        numbers = np.array(self._numbers if self.reduction == "mean" else 1.0)
        high, low = self.quadratic.eigenvalues
        return carrying(self.sgd, divide((2.0 * high, 2.0 * low), (numbers, np.zeros(()))))

    @once
    def _leftover(self) -> Array:
        """v_0 (p, k)."""
        return self.quadratic.leftover(self.start)

    @once
    def _goal(self) -> tuple[Array, Pair]:
        """Where v comes to rest, (p, k), and the way of θ to there along each axis, a pair (p, p, k).

        Only of axes that were sharpened. Level axes have no way to go.
        """
        axes, omega = self.quadratic.axes, self.sgd.weight_decay
        assert axes.low is not None
        assert axes.mixed is not None
        zero = np.zeros_like(self.start)
        wide = axes.sigma[:, None] + zero, axes.low[0][:, None] + zero
        level = wide[0] == 0.0
        wide[0][level] = 1.0
        goal: Pair = (zero, zero)
        if omega:
            aimed = self.quadratic.leftover_pair(zero)
            numbers = self._numbers if self.reduction == "mean" else 1.0
            square = multiply(wide, wide)
            steepness = divide((2.0 * square[0], 2.0 * square[1]), (zero + numbers, zero))
            goal = divide(multiply((zero + omega, zero), aimed), add(steepness, (zero + omega, zero)))
        way = divide(subtract(goal, self.quadratic.leftover_pair(self.start)), wide)
        way[0][level] = way[1][level] = 0.0
        way = add(way, (-axes.mixed @ way[0], zero))
        right = axes.right.T[:, :, None], axes.low[2].T[:, :, None]
        return goal[0], multiply(right, (way[0][:, None, :], way[1][:, None, :]))

    @property
    def _decay(self) -> Array | None:
        """What weight decay pulls v by, however far it is, (p, k)."""
        if not self.sgd.weight_decay:
            return None
        return -self.sgd.weight_decay * self.quadratic.leftover(np.zeros_like(self.start))

    def _squares(self, first: int, last: int) -> Array:
        """The sums of squared residuals, (steps,)."""
        motion, decay = self._motion, self._decay
        if isinstance(motion, Plain) and decay is None:
            return self.quadratic.floor + motion.squares(self._leftover, first, last)
        left = motion.positions(self._leftover, None, decay, first, last)
        squares: Array = self.quadratic.floor + np.einsum("spk,spk->s", left, left)
        return squares


def _total(ways: Pair, those: NDArray[np.bool_]) -> Pair:
    """The sum of those ways."""
    return sum_pairs((ways[0][those], ways[1][those]))
