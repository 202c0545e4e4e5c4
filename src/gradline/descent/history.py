"""What training saw on its way, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from gradline.descent.units import Units
from gradline.doubledouble import Array
from gradline.errors import OptionError


class Path(Protocol):
    """The way that training took, computed or recorded. Steps count from 0; p parameters, k targets."""

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        ...

    @property
    def stopped_at(self) -> int | None:
        """The first step whose loss was not finite, where there was one."""
        ...

    @property
    def parameters_after(self) -> Array:
        """θ (p, k) after all steps."""
        ...

    def losses(self, first: int, last: int) -> Array:
        """The losses (steps,) that steps first … last - 1 saw."""
        ...

    def parameters(self, first: int, last: int) -> Array:
        """θ (steps, p, k) before those steps."""
        ...

    def gradients(self, first: int, last: int) -> Array:
        """.grad (steps, p, k) after their backward passes."""
        ...


class Moment(NamedTuple):
    """One step: what its forward pass saw, and the gradient that its backward pass left."""

    loss: float
    weight: Array
    bias: Any
    grad: Array


@dataclass(frozen=True, eq=False)
class History:
    """Loss, parameters and gradients at every step, each before the step changed anything.

    Number t belongs to step t: loss[t] is the loss that its forward pass saw, computed from weight[t] and
    bias[t], and grad[t] is what its backward pass left in .grad (without zero_grad: the sum so far). So
    loss[0] belongs to the starting weights, and the weights after the last step are not here but in
    `Run.weight`. All numbers are float64, in the units of the data; they are computed when first read.
    """

    path: Path
    single_target: bool
    steps_per_epoch: int = 1
    units: Units | None = None

    def __len__(self) -> int:
        return self.path.steps

    @cached_property
    def loss(self) -> Array:
        """(steps,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.path.losses(0, len(self))

    @property
    def weight(self) -> Array:
        """(steps, d) for one target, else (steps, k, d)."""
        return self._weights(self._parameters)

    @property
    def bias(self) -> Array:
        """(steps,) for one target, else (steps, k)."""
        return self._biases(self._parameters)

    @cached_property
    def grad(self) -> Array:
        """(steps, d + 1) for one target, else (steps, k, d + 1): by the weights, then by the bias."""
        return self._grads(0, len(self))

    def at(self, epoch: int) -> Moment:
        """The first step of this epoch, as (loss, weight, bias, grad).

        Raises:
            OptionError: No such epoch was trained.
        """
        epochs = -(-len(self) // self.steps_per_epoch)
        if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or not 0 <= epoch < epochs:
            raise OptionError(f"epoch must be a whole number from 0 to {epochs - 1}; {epoch!r} arrived.")
        step = int(epoch) * self.steps_per_epoch
        theta = self._raw(self.path.parameters(step, step + 1))
        loss = float(self.path.losses(step, step + 1)[0])
        return Moment(loss, self._weights(theta)[0], self._biases(theta)[0], self._grads(step, step + 1)[0])

    @cached_property
    def _parameters(self) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            return self._raw(self.path.parameters(0, len(self)))

    def _raw(self, theta: Array) -> Array:
        return theta if self.units is None else self.units.raw(theta)

    def _weights(self, theta: Array) -> Array:
        return theta[:, 1:, 0] if self.single_target else theta[:, 1:].swapaxes(1, 2)

    def _biases(self, theta: Array) -> Array:
        return theta[:, 0, 0] if self.single_target else theta[:, 0]

    def _grads(self, first: int, last: int) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = self.path.gradients(first, last)
            if self.units is not None:
                gradient = self.units.raw_gradient(gradient)
        gradient = np.roll(gradient, -1, axis=1)  # nn.Linear has the weight first
        return gradient[:, :, 0] if self.single_target else gradient.swapaxes(1, 2)

    def __repr__(self) -> str:
        if not len(self):
            return "History: no steps"
        return f"History: {len(self)} steps · loss {self.loss[0]:.6g} … {self.loss[-1]:.6g}"
