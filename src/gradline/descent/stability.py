"""Where training is heading before it starts: the rate at which it diverges, and the rate that is best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, inf, log, sqrt

import numpy as np

from gradline.descent.options import Sgd
from gradline.descent.quadratic import Quadratic
from gradline.descent.recurrence import spectral_radius
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import filled, shortened
from gradline.moments.moments import Moments


@dataclass(frozen=True, eq=False, repr=False)
class Stability:
    """How fast full-batch gradient descent on the squared loss can go on these data.

    Along each principal axis of the loss, of steepness λ, an SGD step is a linear recurrence; training is
    stable where none of them grows. Directions in which the loss does not change are left out.

    Example:
        >>> import gradline as gl
        >>> stability = gl.stability(*gl.line(seed=0), lr=0.01)
        >>> print(stability.summary())
        learning rate limit   0.02907, set by x
        best learning rate    0.02825
        best with momentum    lr 0.04244, momentum 0.5025
        condition number      34.46
        loss left to go       × 0.9605 each step at lr 0.01
        epochs to 1e-3, 1e-6  343, 685
        >>> stability.stable, stability.epochs_to(0.5)
        (True, 35)

    Source: for plain SGD and momentum, Polyak (1964), USSR Comput. Math. 4(5); Goh (2017), Distill.
    """

    steepness: Array  # λ > 0, largest first
    column: str
    """The column to blame: the largest entry of the steepest direction. "Intercept" is possible."""
    mean_square: float
    """Of that column: what standardizing would make 1."""
    options: Sgd
    """For which lr_limit and lr_best hold; its lr is the one that growth and epochs_to speak of."""

    @property
    def lr(self) -> float:
        """The rate of the run; of `gl.stability` without one, lr_best."""
        return self.options.lr

    @cached_property
    def lr_limit(self) -> float:
        """From this rate on training does not settle: 2/λ_max, or what the other options make of it.

        With momentum β 2·(1 + β)/λ_max, over 1 - dampening; with Nesterov's step (2 + 2β)/(1 + 2β)/λ_max;
        without zero_grad 4/λ_max, below which the loss swings for ever, and 0 (never stable) with momentum
        as well. Weight decay adds to λ, in the second case twice.
        """
        return _limit(self.steepness, self.options)

    @cached_property
    def lr_best(self) -> float:
        """The rate at which the slowest direction is fastest: 2/(λ_max + λ_min) for plain SGD."""
        return _best(self.steepness, self.options, self.lr_limit)

    @property
    def condition_number(self) -> float:
        """κ = λ_max/λ_min of the loss; 1 is a round bowl."""
        return float(self.steepness[0] / self.steepness[-1]) if len(self.steepness) else 1.0

    @property
    def momentum_best(self) -> float:
        """((√κ - 1)/(√κ + 1))²: with lr_momentum_best the fastest that SGD with momentum can be."""
        root = sqrt(self.condition_number)
        return ((root - 1.0) / (root + 1.0)) ** 2

    @property
    def lr_momentum_best(self) -> float:
        """The rate that goes with momentum_best: (2/(√λ_max + √λ_min))²."""
        if not len(self.steepness):
            return inf
        return float(2.0 / (np.sqrt(self.steepness[0]) + np.sqrt(self.steepness[-1]))) ** 2

    @cached_property
    def growth(self) -> float:
        """By what the loss is multiplied each step along its worst direction: |1 - lr·λ|² for plain SGD."""
        return self._radius * self._radius  # beyond float64's range infinite, where ** raises

    @property
    def stable(self) -> bool:
        """Whether lr is below the limit."""
        return self.lr < self.lr_limit

    def epochs_to(self, tol: float) -> float:
        """Full-batch epochs until the error in every direction is at most tol of what it was at the start.

        The smallest t with ρᵗ ≤ tol, where ρ is the rate of the slowest direction at `lr` (|1 - lr·λ| for
        plain SGD, the spectral radius of the recurrence otherwise); inf where it does not shrink.

        Raises:
            OptionError: tol is not between 0 and 1.
        """
        if isinstance(tol, bool) or not isinstance(tol, (int, float)) or not 0.0 < tol < 1.0:
            raise OptionError(f"tol must be a number between 0 and 1; {tol!r} arrived.")
        if self._radius >= 1.0:
            return inf
        return max(1, ceil(log(tol) / log(self._radius) - 1e-9)) if self._radius > 0.0 else 1

    @cached_property
    def _radius(self) -> float:
        return _worst(self.steepness, self.options)

    def summary(self) -> str:
        """All of it as a table of at most 80 columns."""
        shrink = f"× {self.growth:.4g} each step at lr {self.lr:.4g}"
        rows = [
            ("learning rate limit", f"{self.lr_limit:.4g}, set by {shortened(self.column, 40)}"),
            ("best learning rate", f"{self.lr_best:.4g}"),
            ("best with momentum", f"lr {self.lr_momentum_best:.4g}, momentum {self.momentum_best:.4g}"),
            ("condition number", f"{self.condition_number:.4g}"),
            ("loss left to go", shrink + ("" if self.growth < 1.0 else ": it does not shrink")),
            ("epochs to 1e-3, 1e-6", f"{self.epochs_to(1e-3)}, {self.epochs_to(1e-6)}"),
        ]
        return "\n".join(f"{name:<22}{value}" for name, value in rows)

    def __repr__(self) -> str:
        parts = (
            f"Stability: limit {self.lr_limit:.4g} (set by {shortened(self.column, 40)})",
            f"best rate {self.lr_best:.4g}",
            f"condition {self.condition_number:.3g}",
        )
        return "\n".join(filled(parts, "  ")) + (
            f"\n  at lr {self.lr:.4g}: {self.epochs_to(1e-3)} epochs to 1e-3 of the start, "
            f"{self.epochs_to(1e-6)} to 1e-6"
        )


def stability_of(
    quadratic: Quadratic, moments: Moments, options: Sgd, reduction: str, *, best: bool = False
) -> Stability:
    """The stability of SGD with these options on these data.

    Directions that only the rounding of the data tells from nothing (the rank rule of the exact answer)
    do not count.

    Args:
        quadratic: The sum of squared residuals, of the columns that are trained on.
        moments: Names and spacings of the columns.
        options: Of SGD.
        reduction: "mean" or "sum" over the n·k numbers of the loss.
        best: Whether growth and epochs_to speak of the best rate rather than of the options' own.
    """
    names = ("Intercept", *moments.columns)
    spacing = np.array([2.0**-52, *moments.epsilon[: len(moments.columns)]])
    rank = int((quadratic.kept > 16 * len(names) * spacing).sum())
    axes = quadratic.axes
    curvature = 2.0 / (quadratic.rows * len(moments.targets)) if reduction == "mean" else 2.0
    top = int(np.abs(axes.right[:, 0]).argmax())
    column = quadratic.root[:, top]
    mean_square = float(column @ column) / quadratic.rows
    found = Stability(curvature * axes.sigma[:rank] ** 2, names[top], mean_square, options)
    if best and 0.0 < found.lr_best < inf:
        found = replace(found, options=replace(options, lr=found.lr_best))
    return found


def _worst(steepness: Array, options: Sgd) -> float:
    return float(spectral_radius(options, steepness).max(initial=0.0))


def _limit(steepness: Array, options: Sgd) -> float:
    if not len(steepness):
        return inf
    top, beta, decay = float(steepness[0]), options.momentum, options.weight_decay
    if not options.zero_grad and beta:
        return 0.0 if decay == 0.0 else _largest_stable(steepness, options)
    if not options.zero_grad:
        return 4.0 / (top + 2.0 * decay)
    if options.nesterov:
        return (2.0 + 2.0 * beta) / (1.0 + 2.0 * beta) / (top + decay)
    taken = 1.0 - options.dampening if beta else 1.0
    return 2.0 * (1.0 + beta) / taken / (top + decay) if taken else inf


def _largest_stable(steepness: Array, options: Sgd) -> float:
    """By halving: momentum and gradients that add up are held only by weight decay, if at all."""
    low, high = 0.0, 4.0 / float(steepness[0])
    if _worst(steepness, replace(options, lr=1e-6 * high)) >= 1.0:
        return 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _worst(steepness, replace(options, lr=middle)) < 1.0 else (low, middle)
    return low


def _best(steepness: Array, options: Sgd, limit: float) -> float:
    if limit in (0.0, inf):
        return limit
    if not options.zero_grad:
        return 0.5 * limit  # nothing shrinks at any rate; here the swings are fast and the limit is far
    if options.nesterov:
        return _fastest(steepness, options, limit)
    taken = 1.0 - options.dampening if options.momentum else 1.0
    both = float(steepness[0] + steepness[-1]) + 2.0 * options.weight_decay
    return 2.0 * (1.0 + options.momentum) / taken / both


def _fastest(steepness: Array, options: Sgd, limit: float) -> float:
    """The minimum over lr of the slowest direction's rate, by golden sections."""
    ends = steepness[[0, -1]]
    section = (sqrt(5.0) - 1.0) / 2.0
    low, high = 0.0, limit
    for _ in range(80):
        left, right = high - section * (high - low), low + section * (high - low)
        if _worst(ends, replace(options, lr=left)) < _worst(ends, replace(options, lr=right)):
            high = right
        else:
            low = left
    return 0.5 * (low + high)
