"""How fast SGD goes at a rate, from which rate on it does not settle, and at which it is fastest."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf, log, sqrt

import numpy as np

from gradline.descent.options import Sgd
from gradline.descent.recurrence import matrices, spectral_radius
from gradline.doubledouble import Array

_LOOKED_AT = 256  # steps that a stretch is judged by
_NEVER = 2**50


def slowest(steepness: Array, options: Sgd) -> float:
    """By what factor the slowest axis shrinks, or the wildest grows, per step in the long run."""
    return float(spectral_radius(options, steepness).max(initial=0.0))


def limit_of(steepness: Array, options: Sgd) -> float:
    """The rate from which on some axis does not settle; the formulas are those of `Stability.lr_limit`."""
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


def best_momentum(steepness: Array, options: Sgd) -> float:
    """The momentum with which the slowest axis is fastest at this rate: (1 - √(lr·λ))² of the worse end.

    It makes that axis' two roots equal and those of the others complex, of modulus √momentum. Below 1 unless the rate
    is too high for any momentum; dampening is left aside.
    """
    ends = np.sqrt(options.lr * (steepness[[0, -1]] + options.weight_decay)) if len(steepness) else np.ones(1)
    return float(np.square(1.0 - ends).max())


def epochs_until(steepness: Array, options: Sgd, tol: float) -> float:
    """How many steps until every axis is within tol of what it started with, and stays there.

    Without momentum the smallest t with ρᵗ ≤ tol. With it the recurrence itself is looked at: close to the best
    momentum an axis shrinks like t·ρᵗ, which takes much longer than ρᵗ. Right to 0.1 % from 1,000 steps on.
    """
    radius = slowest(steepness, options)
    if options.plain:
        if radius >= 1.0:
            return inf
        return max(1, ceil(log(tol) / log(radius) - 1e-9)) if radius > 0.0 else 1
    if radius >= 1.0 - 1e-14:
        return inf
    moves = matrices(options, steepness)
    begun = moves.first[:, :, :1]  # an axis that starts at 1, after its first step

    def near(count: int) -> bool:
        state = np.linalg.matrix_power(moves.step, count - 1) @ begun
        fine, coarse = moves.step, np.linalg.matrix_power(moves.step, max(1, count // (2 * _LOOKED_AT)))
        return all(np.abs(_following(state, stride)).max() <= tol for stride in (fine, coarse))

    far, close = 0, max(1, int(log(tol) / log(radius))) if radius > 0.0 else 1
    while not near(close):
        far, close = close, 2 * close
        if close > _NEVER:
            return inf
    while close - far > 1 + far // 1000:
        middle = (far + close) // 2
        far, close = (far, middle) if near(middle) else (middle, close)
    return close


def _following(state: Array, stride: Array) -> Array:
    """x (p, steps) from this state (p, 3, 1) on, one for each stride (p, 3, 3), by doubling."""
    while state.shape[2] < _LOOKED_AT:
        state, stride = np.concatenate([state, stride @ state], axis=2), stride @ stride
    return state[:, 0]


def _largest_stable(steepness: Array, options: Sgd) -> float:
    """By halving: momentum and gradients that add up are held only by weight decay, if at all."""
    low, high = 0.0, 4.0 / float(steepness[0])
    if slowest(steepness, replace(options, lr=1e-6 * high)) >= 1.0:
        return 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if slowest(steepness, replace(options, lr=middle)) < 1.0 else (low, middle)
    return low


def best_rate(steepness: Array, options: Sgd, limit: float) -> float:
    """The rate at which the slowest axis is fastest; below the limit, or equal to it in the last digits."""
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
    left, right = high - section * (high - low), low + section * (high - low)
    at_left, at_right = (slowest(ends, replace(options, lr=rate)) for rate in (left, right))
    for _ in range(50):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - section * (high - low)
            at_left = slowest(ends, replace(options, lr=left))
        else:
            low, left, at_left = left, right, at_right
            right = low + section * (high - low)
            at_right = slowest(ends, replace(options, lr=right))
    return 0.5 * (low + high)
