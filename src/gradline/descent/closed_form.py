"""The whole path of full-batch SGD on the squared loss, from the moments alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradline.descent.options import Sgd
from gradline.descent.quadratic import Quadratic
from gradline.descent.recurrence import Plain, Recurrence, carrying, plain
from gradline.doubledouble import Array, divide

_STRETCH = 4096  # steps looked at together: bounds the memory of a long run


@dataclass(frozen=True)
class ClosedForm:
    """What a PyTorch loop over all rows would do, in the principal axes of the loss.

    With root = U·diag(σ)·Vᵀ the residual's part that can still go is v = Uᵀ(root·θ - aim), and

        loss_t = (floor + Σ v_t²) / (n·k),      v_t = (1 - lr·λ)ᵗ·v_0,      λ = 2σ²/(n·k)

    for plain SGD with reduction "mean": a sum of non-negative terms, each of them right to its last digits,
    so it never cancels. θ_t is followed as a displacement from θ_0, because the exact answer is not known
    well along flat axes, and need not be: nothing moves there.

    Source: NUMERICS section 5; Goodfellow, Bengio & Courville (2016), Deep Learning, section 7.8.
    """

    quadratic: Quadratic
    start: Array  # θ_0 (p, k), intercept first
    sgd: Sgd
    reduction: str
    epochs: int

    @cached_property
    def stopped_at(self) -> int | None:
        """The first step whose loss is not finite as a float64, or None."""
        motion = self._motion
        if isinstance(motion, Plain) and not motion.grows and np.vdot(self._leftover, self._leftover) < 1e300:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(self._squares(self.epochs - 1, self.epochs)[0]):
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
    def parameters_after(self) -> Array:
        """θ (p, k) after all steps."""
        steps = self.steps
        moved: Array = self.quadratic.axes.right.dot(self._moved(steps, steps + 1)[0])
        return self.start + moved

    def losses(self, first: int, last: int) -> Array:
        """The losses that the forward passes of steps first … last - 1 saw."""
        squares: Array = self._squares(first, last)
        return squares / self._numbers if self.reduction == "mean" else squares

    def parameters(self, first: int, last: int) -> Array:
        """θ before those steps, (steps, p, k)."""
        theta: Array = self.start + self.quadratic.axes.right @ self._moved(first, last)
        return theta

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

    @cached_property
    def _motion(self) -> Recurrence:
        if self.sgd.plain:
            return plain(self.sgd, self._curvature * self.quadratic.axes.sigma**2)
        numbers = np.array(self._numbers if self.reduction == "mean" else 1.0)
        high, low = self.quadratic.eigenvalues
        return carrying(self.sgd, divide((2.0 * high, 2.0 * low), (numbers, np.zeros(()))))

    @cached_property
    def _leftover(self) -> Array:
        """v_0 (p, k)."""
        quadratic = self.quadratic
        leftover: Array = quadratic.axes.left.T.dot(quadratic.root.dot(self.start) - quadratic.aim)
        return leftover

    @property
    def _decay(self) -> Array | None:
        """What weight decay pulls v by, however far it is, (p, k)."""
        if not self.sgd.weight_decay:
            return None
        return self.sgd.weight_decay * (self.quadratic.axes.left.T @ self.quadratic.aim)

    def _squares(self, first: int, last: int) -> Array:
        """The sums of squared residuals, (steps,)."""
        motion, decay = self._motion, self._decay
        if isinstance(motion, Plain) and decay is None:
            return self.quadratic.floor + motion.squares(self._leftover, first, last)
        left = motion.positions(self._leftover, None, decay, first, last)
        squares: Array = self.quadratic.floor + np.einsum("spk,spk->s", left, left)
        return squares
