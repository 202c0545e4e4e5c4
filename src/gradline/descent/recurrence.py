"""What SGD does along one axis of the bowl, for any number of steps.

Along an axis of steepness λ the parameters are one number x, and a step of `torch.optim.SGD` with weight decay ω,
momentum β and dampening τ is

    G ← λ·x + r            the gradient of this step, added to the last one without zero_grad
    D ← G + ω·x + s        the decay is added in the optimizer, not in .grad
    B ← β·B + (1 - τ)·D    the momentum buffer; in the first step B ← D
    x ← x - lr·(D | B | D + β·B)        plain | momentum | Nesterov

with constants r and s. That is linear: t steps are a power of one small matrix, or of one number.

Source: torch/optim/sgd.py; for momentum as a recurrence per eigenvalue, Goh (2017), "Why Momentum Really
Works", Distill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from gradline.descent.options import Sgd
from gradline.descent.quadratic import product
from gradline.doubledouble import Array, Pair


class Recurrence(Protocol):
    """The steps of SGD along each of p axes."""

    def positions(self, x: Array, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """x (steps, p, m) before steps first … last - 1.

        Args:
            x: (p, m) where each of m paths starts along each axis.
            r: (p, m) constant part of the gradient; None for 0.
            s: (p, m) constant part of the decay; None for 0.
            first: The first step, from 0.
            last: One past the last step.
        """
        ...

    def gradients(self, x: Array, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """G (steps, p, m) after the backward passes of those steps; as positions."""
        ...


def carrying(sgd: Sgd, steepness: Pair) -> Recurrence:
    """The recurrence of options that carry something over from step to step, eigenvalues in double-double."""
    return Stacked(_canonical(sgd), *steepness, sgd.zero_grad)


def spectral_radius(sgd: Sgd, steepness: Array) -> Array:
    """By what factor (p,) each axis's distance from the bottom shrinks or grows per step, in the long run."""
    if sgd.plain:
        factor: Array = np.abs(1.0 - sgd.lr * (steepness + sgd.weight_decay))
        return factor
    step = Stacked(_canonical(sgd), steepness, 0.0 * steepness, sgd.zero_grad).later[0][0][:, :3, :3]
    radius: Array = np.abs(np.linalg.eigvals(step)).max(axis=1)
    return radius


def _canonical(sgd: Sgd) -> Sgd:
    """Momentum 1 is gradients that add up: one recurrence for both, so that they agree to the bit."""
    if sgd.momentum == 1.0 and sgd.zero_grad and not (sgd.nesterov or sgd.dampening or sgd.weight_decay):
        return replace(sgd, momentum=0.0, zero_grad=False)
    return sgd


@dataclass(frozen=True)
class Plain:
    """Nothing is carried over: x_t = fᵗ·x_0 - (1 - fᵗ)/(λ + ω)·(r + s), with f = 1 - lr·(λ + ω)."""

    sgd: Sgd
    steepness: Array

    def positions(self, x: Array, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """As Recurrence.positions."""
        rate = self._rate
        steps = np.arange(first, last, dtype=np.float64)[:, None]
        exponent = steps * self._logarithm
        power = np.exp(exponent)
        if self.overshoots:
            power = np.where((rate > 1.0) & (steps % 2.0 == 1.0), -power, power)
        position = _times(power, x, self.grows)
        constant = s if r is None else r if s is None else r + s
        if constant is not None:
            # 1 - fᵗ would lose the digits of a slow axis
            gone = np.where(rate < 0.5, -np.expm1(exponent), 1.0 - power)
            pull = rate / self.sgd.lr
            moved = gone / pull if pull.all() else _divide(gone, pull, self.sgd.lr * steps)
            position = position - _times(moved, constant, self.grows)
        return position

    def gradients(self, x: Array, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """As Recurrence.gradients."""
        own = self.steepness[:, None] * self.positions(x, r, s, first, last)
        return own if r is None else own + r

    @cached_property
    def grows(self) -> bool:
        """Whether |f| > 1 along some axis."""
        return bool(self._rate[0] > 2.0)

    @cached_property
    def overshoots(self) -> bool:
        """Whether f < 0 along some axis: every step jumps to the other side."""
        return bool(self._rate[0] > 1.0)

    @cached_property
    def _rate(self) -> Array:
        """1 - f, largest first."""
        return self.sgd.lr * (self.steepness + self.sgd.weight_decay)

    @cached_property
    def _logarithm(self) -> Array:
        """log |f|; very low where f = 0, so that step 0 still gives 1."""
        rate = self._rate
        near = np.minimum(rate, 0.5)
        far = np.log(np.maximum(np.abs(1.0 - rate), 1e-300))
        return np.where(rate < 0.5, np.log1p(-near), np.where(rate == 1.0, -1e4, far))


@dataclass(frozen=True)
class Stacked:
    """Momentum, or gradients that add up: powers of a 5×5 matrix on (x, G, B, r, s), one for each axis.

    Powers are taken in double-double: a rounding error in the matrix would act in every step alike, where
    those of a loop partly cancel.
    """

    sgd: Sgd
    steepness: Array
    steepness_low: Array
    zero_grad: bool  # as asked for; sgd may have it otherwise (see _canonical)

    def positions(self, x: Array, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """As Recurrence.positions."""
        return self._states(x, r, s, first, last)[:, :, 0]

    def gradients(self, x: Array, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """As Recurrence.gradients."""
        states = self._states(x, r, s, first, last)
        own = self.steepness[:, None] * states[:, :, 0] + states[:, :, 3]
        return own if self.zero_grad else states[:, :, 1] + own

    def _states(self, x: Array, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """(steps, p, 5, m)."""
        zero = np.zeros_like(x)
        state = np.stack([x, zero, zero, zero if r is None else r, zero if s is None else s], axis=1)
        if first == 0:
            if last == 1:
                return state[None]
            after = (self._first @ state)[None]
            return np.concatenate([state[None], self._following(after, last - 1)])
        state = self._first @ state
        for level in range((first - 1).bit_length()):
            if (first - 1) >> level & 1:
                state = self._power(level) @ state
        return self._following(state[None], last - first)

    def _following(self, states: Array, length: int) -> Array:
        """The states from this one on, by doubling."""
        for level in range((length - 1).bit_length()):
            more = self._power(level) @ states[: length - len(states)]
            states = np.concatenate([states, more])
        return states

    def _power(self, level: int) -> Array:
        """The matrices (p, 5, 5) of 2^level steps."""
        while len(self.later) <= level:
            self.later.append(product(self.later[-1], self.later[-1]))
        return self.later[level][0]

    @cached_property
    def later(self) -> list[Pair]:
        """The matrices (p, 5, 5) of 1, 2, 4 … steps after the first, as far as they were needed."""
        return [self._step(1.0 - self.sgd.dampening)]

    @cached_property
    def _first(self) -> Array:
        return self._step(1.0)[0]

    def _step(self, taken: float) -> Pair:
        """The matrices of one step, in which the momentum buffer takes this share of D.

        Made of one matrix per line of the recurrence, whose entries are exact, on (x, G, B, r, s, D).
        """
        sgd, x, g, b, r, s, d = self.sgd, *range(6)
        lines = np.tile(np.eye(6), (4, len(self.steepness), 1, 1))
        gradient, decay, buffer, move = lines
        gradient[:, g, x], gradient[:, g, r] = self.steepness, 1.0
        gradient[:, g, g] = 0.0 if sgd.zero_grad else 1.0
        decay[:, d, [x, g, s, d]] = sgd.weight_decay, 1.0, 1.0, 0.0
        buffer[:, b, [b, d]] = sgd.momentum, taken
        if sgd.nesterov:
            forward = np.eye(6)
            forward[d, b] = sgd.momentum
            buffer = forward @ buffer
            move[:, x, d] = -sgd.lr
        else:
            move[:, x, b if sgd.momentum else d] = -sgd.lr
        step: Pair = (move, np.zeros_like(move))
        low = np.zeros_like(move)
        low[:, g, x] = self.steepness_low
        for line, rest in ((buffer, 0.0 * low), (decay, 0.0 * low), (gradient, low)):
            step = product(step, (line, rest))
        return step[0][:, :5, :5], step[1][:, :5, :5]


def _times(factors: Array, start: Array, grows: bool) -> Array:
    """factors (steps, p) times start (p, m), where an axis that starts at 0 stays there whatever overflows."""
    scaled = factors[:, :, None] * start
    return np.where(start == 0.0, 0.0, scaled) if grows else scaled


def _divide(a: Array, b: Array, otherwise: Array) -> Array:
    """a / b, and where b = 0 otherwise."""
    zero = b == 0.0
    return np.where(zero, otherwise, a / np.where(zero, 1.0, b))
