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
from math import exp, expm1, log, log1p
from typing import NamedTuple, Protocol

import numpy as np

from gradline.descent.options import Sgd
from gradline.descent.quadratic import product
from gradline.doubledouble import Array, Pair

_FLOATS = 6  # up to so many axes, one step in Python floats is faster than in arrays


class Recurrence(Protocol):
    """The steps of SGD along each of p axes."""

    def positions(self, x: Array | None, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """x (steps, p, m) before steps first … last - 1.

        Args:
            x: (p, m) where each of m paths starts along each axis; None for 0.
            r: (p, m) constant part of the gradient; None for 0.
            s: (p, m) constant part of the decay; None for 0.
            first: The first step, from 0.
            last: One past the last step.
        """
        ...

    def gradients(self, x: Array | None, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """G (steps, p, m) after the backward passes of those steps; as positions."""
        ...


def plain(sgd: Sgd, steepness: Array) -> Plain:
    """The recurrence of options that carry nothing over, on axes of these eigenvalues (p,)."""
    rate = sgd.lr * (steepness + sgd.weight_decay)
    return Plain(steepness, sgd.lr, rate, np.array([_log_factor(one) for one in rate.tolist()]))


def _log_factor(rate: float) -> float:
    """log |1 - rate|, to the last digit for a slow axis too."""
    if rate < 0.5:
        return log1p(-rate)
    return log(abs(1.0 - rate)) if rate != 1.0 else -1e4


def carrying(sgd: Sgd, steepness: Pair) -> Recurrence:
    """The recurrence of options that carry something over from step to step, eigenvalues in double-double."""
    return Stacked(_canonical(sgd), *steepness, sgd.zero_grad)


def spectral_radius(sgd: Sgd, steepness: Array) -> Array:
    """By what factor (p,) each axis's distance from the bottom shrinks or grows per step, in the long run."""
    if sgd.plain:
        factor: Array = np.abs(1.0 - sgd.lr * (steepness + sgd.weight_decay))
        return factor
    radius: Array = np.abs(np.linalg.eigvals(matrices(sgd, steepness).step)).max(axis=1)
    return radius


class Matrices(NamedTuple):
    """Steps along each axis as matrices on (x, G, B), measured from where the axis comes to rest."""

    first: Array  # (p, 3, 3): of the first step, whose momentum buffer takes all of the gradient
    step: Array  # (p, 3, 3): of every later one
    shake: Array  # (p, 3): what 1 more in the gradient of a step does to the state after it


def matrices(sgd: Sgd, steepness: Array) -> Matrices:
    """The matrices of these options on axes of these eigenvalues (p,), in float64."""
    stacked = Stacked(_canonical(sgd), steepness, 0.0 * steepness, sgd.zero_grad)
    step = stacked.later[0][0]
    return Matrices(stacked.first[:, :3, :3], step[:, :3, :3], step[:, :3, 3])


def _canonical(sgd: Sgd) -> Sgd:
    """Momentum 1 is gradients that add up: one recurrence for both, so that they agree to the bit."""
    if sgd.momentum == 1.0 and sgd.zero_grad and not (sgd.nesterov or sgd.dampening or sgd.weight_decay):
        return replace(sgd, momentum=0.0, zero_grad=False)
    return sgd


@dataclass(frozen=True)
class Plain:
    """Nothing is carried over: x_t = fᵗ·x_0 - (1 - fᵗ)/(λ + ω)·(r + s), with f = 1 - lr·(λ + ω)."""

    steepness: Array  # λ, largest first
    lr: float
    rate: Array  # 1 - f
    logarithm: Array  # log |f|; very low where f = 0, so that step 0 still gives 1

    def positions(self, x: Array | None, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """As Recurrence.positions."""
        alone = last - first == 1 and len(self.rate) <= _FLOATS and not self.grows
        power, moved = self._in_floats(first) if alone else self._in_arrays(first, last)
        constant = s if r is None else r if s is None else r + s
        if constant is None:
            assert x is not None
            return _times(power, x, self.grows)
        shift = _times(moved, constant, self.grows)
        return shift if x is None else _times(power, x, self.grows) + shift

    def gradients(self, x: Array | None, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """As Recurrence.gradients."""
        own = self.steepness[:, None] * self.positions(x, r, s, first, last)
        return own if r is None else own + r

    def squares(self, x: Array, first: int, last: int) -> Array:
        """The sums (steps,) over axes and paths of positions², without constants."""
        start = np.square(x[:, 0]) if x.shape[1] == 1 else np.einsum("pm,pm->p", x, x)
        left = np.exp((2.0 * self.logarithm)[:, None] * np.arange(first, last, dtype=np.float64))
        if self.grows:
            left[start == 0.0] = 0.0  # whatever overflows
        total: Array = start @ left
        return total

    def _in_arrays(self, first: int, last: int) -> tuple[Array, Array]:
        """fᵗ and -lr·(1 - fᵗ)/(λ + ω), both (steps, p)."""
        steps = np.arange(first, last, dtype=np.float64)[:, None]
        exponent = steps * self.logarithm
        power = np.exp(exponent)
        if self.rate[0] > 1.0:  # f < 0: every step jumps to the other side
            power = np.where((self.rate > 1.0) & (steps % 2.0 == 1.0), -power, power)
        # 1 - fᵗ would lose the digits of a slow axis
        gone = np.where(self.rate < 0.5, -np.expm1(exponent), 1.0 - power)
        flat = self.rate == 0.0
        return power, np.where(flat, steps, gone / (self.rate + flat)) * -self.lr

    def _in_floats(self, step: int) -> tuple[Array, Array]:
        """As _in_arrays, both (1, p)."""
        powers, moves = [], []
        for rate, logarithm in zip(self.rate.tolist(), self.logarithm.tolist(), strict=True):
            power = exp(step * logarithm)
            power = -power if rate > 1.0 and step % 2 else power
            gone = -expm1(step * logarithm) if rate < 0.5 else 1.0 - power
            powers.append(power)
            moves.append(-self.lr * (gone / rate if rate else step))
        both = np.array([[powers], [moves]])
        return both[0], both[1]

    @property
    def grows(self) -> bool:
        """Whether |f| > 1 along some axis."""
        return bool(self.rate[0] > 2.0)


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

    def positions(self, x: Array | None, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """As Recurrence.positions."""
        return self._states(x, r, s, first, last)[:, :, 0]

    def gradients(self, x: Array | None, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """As Recurrence.gradients."""
        states = self._states(x, r, s, first, last)
        own = self.steepness[:, None] * states[:, :, 0] + states[:, :, 3]
        return own if self.zero_grad else states[:, :, 1] + own

    def _states(self, x: Array | None, r: Array | None, s: Array | None, first: int, last: int) -> Array:
        """(steps, p, 5, m)."""
        given = next(part for part in (x, r, s) if part is not None)
        parts = [x, None, None, r, s]
        state = np.stack([np.zeros_like(given) if part is None else part for part in parts], axis=1)
        if first == 0:
            if last == 1:
                return state[None]
            after = (self.first @ state)[None]
            return np.concatenate([state[None], self._following(after, last - 1)])
        state = self.first @ state
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
    def first(self) -> Array:
        """The matrices (p, 5, 5) of the first step."""
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
