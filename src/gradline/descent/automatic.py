"""What "auto" stands for: the learning rate, and the momentum, that these data allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from gradline.allowed import truth
from gradline.descent import drawing as drawn
from gradline.descent.options import Sgd
from gradline.descent.rates import best_momentum
from gradline.descent.stability import Stability
from gradline.errors import OptionError

_CALM = 0.9
_SKEWED = 10.0  # √κ


@dataclass(frozen=True)
class Auto:
    """Which of the two were left open."""

    lr: bool = False
    momentum: bool = False

    def __bool__(self) -> bool:
        return self.lr or self.momentum


def options_of(
    lr: float | str,
    momentum: float | str,
    dampening: float,
    nesterov: bool,
    weight_decay: float,
    zero_grad: bool,
) -> tuple[Sgd, Auto]:
    """The options of SGD with 1 and 0 for a rate and a momentum that are left open, and which are.

    Raises:
        OptionError: A value that cannot be, or momentum left open for a step that it has no formula for.
    """
    nesterov, zero_grad = truth("nesterov", nesterov), truth("zero_grad", zero_grad)
    auto = Auto(isinstance(lr, str) and lr == "auto", isinstance(momentum, str) and momentum == "auto")
    if auto.momentum and (nesterov or not zero_grad):
        raise OptionError(
            'momentum="auto" is for SGD with zero_grad and without nesterov; '
            f"nesterov={nesterov}, zero_grad={zero_grad} arrived.\nGive momentum as a number."
        )
    rate, beta = 1.0 if auto.lr else lr, 0.0 if auto.momentum else momentum
    return Sgd(rate, beta, dampening, nesterov, weight_decay, zero_grad), auto  # type: ignore[arg-type]


def chosen(
    stability: Stability, auto: Auto, *, longest: Callable[[], float] | None, summed: bool, targets: int
) -> Sgd:
    """The options with what was left open filled in.

    1. Mini-batches: momentum 0, for noise takes away what momentum would gain, and the rate of `drawing.safe`.
    2. Both open: the rate and momentum of Polyak, at which the slowest direction is fastest. Where one direction is
       more than 100 times steeper than another, its error would first grow κ-fold: then 3/λ_max and the momentum that
       goes with it, which takes a sixth more epochs, and the loss at most fourfold on its way.
    3. Momentum open, rate given: the momentum that makes the slowest direction fastest at this rate; 0 if the rate is
       too high for any.
    4. Rate open: `Stability.lr_best`; with momentum at most 0.9 of the limit, near which swings last.

    Args:
        stability: Of the run, with the options as far as they are known.
        auto: What is left open.
        longest: Gives the largest ‖z‖² of the rows, where the rows are at hand.
        summed: Whether the loss adds up rather than averages.
        targets: How many.

    Raises:
        OptionError: No rate is stable, or any is.
    """
    sgd, steepness = stability.options, stability.steepness
    if stability.drawing is not None and stability.drawing.spread:
        if auto.lr:
            row = None if longest is None else longest()
            usable = len(steepness) and sgd.zero_grad and not (sgd.momentum and sgd.dampening == 1.0)
            rate = drawn.safe(steepness, sgd, stability.drawing, longest=row, summed=summed, targets=targets)
            sgd = replace(sgd, lr=_usable(rate if usable else 0.0))
        return sgd
    if not auto.momentum:
        rate, limit = stability.lr_best, stability.lr_limit
        return replace(sgd, lr=_usable(min(rate, _CALM * limit) if sgd.momentum and limit < inf else rate))
    if not auto.lr:
        beta = best_momentum(steepness, replace(sgd, lr=sgd.lr * (1.0 - sgd.dampening)))
        return replace(sgd, momentum=beta if beta < 1.0 else 0.0)
    if not len(steepness):
        return replace(sgd, lr=_usable(inf))
    top, low = np.sqrt(steepness[[0, -1]] + sgd.weight_decay).tolist()
    rate = (2.0 / (top + low)) ** 2 if top <= _SKEWED * low else 3.0 / top**2
    beta = best_momentum(steepness, replace(sgd, lr=rate))
    taken = 1.0 - sgd.dampening if beta else 1.0
    return replace(sgd, lr=_usable(rate / taken if taken else inf), momentum=beta)


def refuse() -> OptionError:
    """What is said where there is no formula for the best rate."""
    return OptionError(
        'lr="auto" is the best rate of SGD with the MSE loss (and momentum="auto" its momentum), and there is none '
        "here; give a number."
    )


def _usable(rate: float) -> float:
    if not 0.0 < rate < inf:
        raise refuse()
    return rate
