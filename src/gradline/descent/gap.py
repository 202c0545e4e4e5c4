"""How far training is from the exact answer, and how many more epochs it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan

import numpy as np

from gradline.allowed import is_real
from gradline.descent.history import Path
from gradline.descent.units import Units
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import told
from gradline.once import once

_NEVER = 2**40  # epochs beyond which it does not matter how many


@dataclass(frozen=True, eq=False, repr=False)
class Gap:
    """The distance of the trained parameters from the exact ones.

    Arrays are (p,) with the intercept first, aligned with names; (p, k) for several targets. Where columns
    depend on each other, exact is the solution nearest to the start, for that is where descent leads.

    Example:
        >>> import gradline as gl
        >>> gap = gl.train(*gl.line(seed=0), lr=0.01, epochs=50, seed=0).gap()
        >>> gap.names, gap.distance.round(3)
        (('Intercept', 'x'), array([-0.896, -0.006]))
        >>> gap.epochs_more(0.01), gap.epochs_more(1e-6), round(gap.largest, 2)
        (169, 626, 0.3)
    """

    names: tuple[str, ...]
    targets: tuple[str, ...]
    trained: Array
    exact: Array
    se: Array
    """Standard errors of the exact answer; NaN where there are none."""
    reach: Callable[[float], float] | None
    """How many more epochs to a tolerance, see epochs_more; None where no formula knows."""
    condition_number: float = nan
    """λ_max/λ_min of the loss that was trained on: about how many times longer the slowest direction takes."""
    noise: Array | None = None
    """An estimate of the standard deviation that mini-batches of a constant rate hold each coefficient at.

    As it is at the ends of epochs of shuffled batches, in the units of the data. From the moments alone, as if the
    residuals' size did not depend on the row. Up to 0.4 of the limit it was mostly within 10 % of what runs showed,
    and between 0.4 and 1.4 times it for each coefficient, but 0.3 times along a slow direction of 100 rows; nearer to
    the limit within a factor of 2, but with momentum and few batches an epoch it can be far too low. inf where the
    noise feeds itself, None where it is not known.
    """

    @property
    def distance(self) -> Array:
        """trained - exact."""
        return self.trained - self.exact

    @property
    def in_se(self) -> Array:
        """|distance| in standard errors: well below 1, nothing that the data could tell is left to learn."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.abs(self.distance) / self.se

    @property
    def relative(self) -> Array:
        """|distance| over the coefficient or its standard error, whichever is larger."""
        return np.abs(self.distance) / _size(self.exact, self.se)

    @property
    def largest(self) -> float:
        """The largest of relative."""
        return float(self.relative.max())

    @property
    def at_floor(self) -> bool:
        """Whether every coefficient is within three of its `noise` of exact: more epochs bring it no nearer."""
        return self.noise is not None and bool((np.abs(self.distance) <= 3.0 * self.noise).all())

    def epochs_more(self, tol: float = 1e-3) -> float | None:
        """How many more epochs until every `relative` is at most tol; inf for never, None where no formula knows.

        Raises:
            OptionError: tol is not a number above 0.
        """
        if not is_real(tol) or tol <= 0:
            raise OptionError(f"tol is a share of the coefficient, above 0, as 1e-3; {told(tol)} arrived.")
        return None if self.reach is None else self.reach(tol)

    @once
    def epochs(self) -> tuple[float, float] | None:
        """How many more to 1e-3 and to 1e-6, see epochs_more."""
        return None if self.reach is None else (self.reach(1e-3), self.reach(1e-6))

    def __str__(self) -> str:
        from gradline.report.gap import gap_table

        return gap_table(self)

    @property
    def outlook(self) -> str:
        """One sentence on the epochs still needed."""
        if self.epochs is None:
            return "epochs more: not known in advance for this way of training"
        first, second = ("never" if n == inf else f"{n:.0f}" for n in self.epochs)
        return f"epochs more: {first} to 1e-3, {second} to 1e-6 of the coefficient or std error"

    __repr__ = __str__


def never(tol: float) -> float:
    """How many epochs a training that blows up needs to any tolerance."""
    return inf


def epochs_to_reach(path: Path, units: Units | None, exact: Array, se: Array, trained: float, tol: float) -> float:
    """How many more epochs a path that can be continued needs to be within tol of the exact answer.

    The first of a rising series of epochs that is close enough is narrowed down by halving, so where
    parameters swing about their goal it is one of the first close ones.

    Args:
        path: Full batch, at least `trained` steps long, every later step computable.
        units: Of the path.
        exact: (p, k).
        se: (p, k).
        trained: Epochs done.
        tol: Of the coefficient or its standard error, whichever is larger.
    """
    done, size = int(trained), _size(exact, se)

    def near(epoch: int) -> bool:
        theta = path.parameters(epoch, epoch + 1)
        theta = theta if units is None else units.raw(theta)
        return bool((np.abs(theta[0] - exact) <= tol * size).all())

    if near(done):
        return 0
    far, close = done, done + 1
    while not near(close):
        far, close = close, done + 2 * (close - done)
        if close - done > _NEVER:
            return inf
    while close - far > 1:
        middle = (far + close) // 2
        far, close = (far, middle) if near(middle) else (middle, close)
    return close - done


def _size(exact: Array, se: Array) -> Array:
    size = np.maximum(np.abs(exact), np.nan_to_num(se, nan=0.0, posinf=0.0))
    return np.where(size > 0.0, size, 1.0)
