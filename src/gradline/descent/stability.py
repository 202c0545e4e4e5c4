"""Where training is heading before it starts: the rate at which it diverges, and the rate that is best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import ceil, inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from gradline.descent import drawing as drawn
from gradline.descent.drawing import Drawing
from gradline.descent.options import Sgd
from gradline.descent.quadratic import Quadratic, standardized
from gradline.descent.rates import best_rate, epochs_until, limit_of, slowest
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.moments.moments import Moments

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARE = 0.1  # of a direction's square: from there on a column belongs to it
_NAMED = 3  # columns at most
_BELOW = 1.0 - 1e-9  # where one direction is 1e9 times steeper than another, the best rate rounds to the limit


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
        steepest, flattest    along x; along Intercept
        loss left to go       × 0.9605 each step at lr 0.01
        epochs to 1e-3, 1e-6  343, 685
        standardized columns  condition 1.000, limit 1.000, 1 epoch to 1e-3 at lr 0.5000
        >>> stability.stable, stability.epochs_to(0.5)
        (True, 35)

    Source: for plain SGD and momentum, Polyak (1964), USSR Comput. Math. 4(5); Goh (2017), Distill.
    """

    steepness: Array  # λ > 0 of a step's loss, largest first
    steep: tuple[str, ...]
    """The columns that make the steepest direction and set the limit, the largest first; "Intercept" may be one."""
    flat: tuple[str, ...]
    """Those of the flattest direction, which takes longest."""
    mean_square: float
    """Of the first of `steep`: what standardizing would make 1."""
    options: Sgd
    """For which lr_limit and lr_best hold; its lr is the one that growth and epochs_to speak of."""
    drawing: Drawing | None = None
    """How mini-batches are drawn; None where each step sees all rows."""
    rounded: Callable[[], Stability] | None = None

    @property
    def column(self) -> str:
        """The column to blame: the largest entry of the steepest direction."""
        return self.steep[0]

    @cached_property
    def standardized(self) -> Stability | None:
        """What standardizing the columns would make of it, at its best rate; None where they are standardized."""
        return None if self.rounded is None else self.rounded()

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
        return limit_of(self.steepness, self.options)

    @cached_property
    def lr_limit_batches(self) -> float | None:
        """An estimate of the limit with mini-batches, whose noise feeds itself above it.

        None for full batch, and where rows have weights, whose noise the moments do not tell.

        From the moments alone, as if rows were Gaussian; a few very long rows can make training diverge far below.
        How far off it was found to be is written at `gradline.descent.drawing.limit`.
        """
        if self.drawing is None or self.drawing.weighted:
            return None
        return drawn.limit(self.steepness, self.options, self.drawing, self.lr_limit)

    @cached_property
    def lr_best(self) -> float:
        """The rate at which the slowest direction is fastest: 2/(λ_max + λ_min) for plain SGD."""
        best = best_rate(self.steepness, self.options, self.lr_limit)
        return min(best, _BELOW * self.lr_limit) if self.lr_limit < inf else best

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
        """Epochs until the error in every direction is at most tol of what it was at the start, and stays so.

        For plain SGD the smallest t with ρᵗ ≤ tol, where ρ is the largest |1 - lr·λ|; with momentum the recurrence
        itself is followed; inf where an error does not shrink. With mini-batches: of the mean of many runs, each
        of which stops at the noise.

        Raises:
            OptionError: tol is not between 0 and 1.

        Example:
            >>> import gradline as gl
            >>> s = gl.stability(*gl.line(seed=0), lr=0.01)
            >>> s.epochs_to(1e-3), s.epochs_to(1e-6)
            (343, 685)
        """
        if isinstance(tol, bool) or not isinstance(tol, (int, float)) or not 0.0 < tol < 1.0:
            raise OptionError(f"tol must be a number between 0 and 1; {tol!r} arrived.")
        steps = epochs_until(self.steepness, self.options, tol)
        return steps if self.drawing is None or steps == inf else ceil(steps / self.drawing.steps)

    @property
    def unstable(self) -> bool:
        """Whether lr is at or above the limit, with mini-batches above the estimate of it."""
        return not self.stable or (self.lr_limit_batches is not None and self.lr >= self.lr_limit_batches)

    @cached_property
    def _radius(self) -> float:
        return slowest(self.steepness, self.options)

    def summary(self) -> str:
        """All of it as a table of at most 80 columns."""
        from gradline.report.stability import stability_table

        return stability_table(self)

    def plot(self, ax: Axes | None = None, lang: str = "en") -> Axes:
        """Draw by what factor an epoch shrinks the error, against the learning rate.

        The slowest direction counts, and where it reaches 1 training diverges; the limit, the fastest rate and `lr`
        are marked. It needs the extra `plot`.

        Args:
            ax: Axes to draw on; by default those of a new figure.
            lang: "en" or "ko".

        Raises:
            OptionError: No such language, or matplotlib is not installed.
        """
        from gradline.pictures.rates import rates

        return rates(self, ax, lang)

    def __repr__(self) -> str:
        from gradline.report.stability import stability_lines

        return stability_lines(self)


def stability_of(
    quadratic: Quadratic,
    moments: Moments,
    options: Sgd,
    reduction: str,
    *,
    best: bool = False,
    batch_size: int | None = None,
    rounder: bool = True,
) -> Stability:
    """The stability of SGD with these options on these data.

    Directions that only the rounding of the data tells from nothing (the rank rule of the exact answer)
    do not count.

    Args:
        quadratic: The sum of squared residuals, of the columns that are trained on.
        moments: Names and spacings of the columns.
        options: Of SGD.
        reduction: "mean" or "sum" over the numbers of a step's loss.
        best: Whether growth and epochs_to speak of the best rate rather than of the options' own.
        batch_size: Rows for each step; None for all.
        rounder: Whether the columns can still be standardized.
    """
    names = ("Intercept", *moments.columns)
    rank = int((quadratic.kept > 0.0).sum())
    axes = quadratic.axes
    curvature = 2.0 / (quadratic.rows * len(moments.targets)) if reduction == "mean" else 2.0
    drawing = None if batch_size is None else Drawing(batch_size, int(moments.nobs), moments.weighted)
    if drawing is not None and reduction == "sum":
        curvature *= drawing.size / drawing.rows
    top, low = (_columns(names, axes.right[:, axis]) for axis in (0, max(rank, 1) - 1))
    column = quadratic.root[:, names.index(top[0])]
    mean_square = float(column @ column) / quadratic.rows
    rounded = None
    if rounder:
        rounded = partial(_rounded, quadratic, moments, options, reduction, batch_size)
    found = Stability(curvature * axes.sigma[:rank] ** 2, top, low, mean_square, options, drawing, rounded)
    if best and 0.0 < found.lr_best < inf:
        found = replace(found, options=replace(options, lr=found.lr_best))
    return found


def _rounded(
    quadratic: Quadratic, moments: Moments, options: Sgd, reduction: str, batch_size: int | None
) -> Stability:
    columns, _ = standardized(quadratic)
    return stability_of(columns, moments, options, reduction, best=True, batch_size=batch_size, rounder=False)


def _columns(names: tuple[str, ...], direction: Array) -> tuple[str, ...]:
    """The columns that a direction mostly consists of."""
    order = np.argsort(-np.abs(direction), kind="stable")[:_NAMED]
    return tuple(names[j] for number, j in enumerate(order) if number == 0 or direction[j] ** 2 >= _SHARE)
