"""What training saw on its way, step by step."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gradline.allowed import one_of
from gradline.descent.units import Units
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.once import once


class Path(Protocol):
    """The way that training took, computed or recorded; p parameters, k targets.

    Of a long loop not every step is kept: `first` and `last` below count those that are.
    """

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        ...

    @property
    def numbers(self) -> Sequence[int] | NDArray[np.int64]:
        """Which steps are kept, rising from 0; a range takes no memory."""
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
        """The losses (steps,) that kept steps first … last - 1 saw."""
        ...

    def parameters(self, first: int, last: int) -> Array:
        """θ (steps, p, k) before those steps."""
        ...

    def gradients(self, first: int, last: int) -> Array:
        """.grad (steps, p, k) after their backward passes."""
        ...


class Moment(NamedTuple):
    """One step: what its forward pass saw, and the gradient that its backward pass left."""

    step: int
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
    `Run.weight`. All numbers are float64, in the units of the data.

    A closed-form run keeps nothing, and computes what is read. Of a loop up to 100,000 steps are kept (fewer for more
    than 300 parameters); of a longer one every second step, or every third …, and the last: `step` says which.

    Example:
        >>> import gradline as gl
        >>> x, y = gl.line(seed=0)
        >>> history = gl.train(x, y, epochs=3, batch_size=50, seed=0).history
        >>> history.step, history.epoch, history.loss.round(1)
        (array([0, 1, 2, 3, 4, 5]), array([0, 0, 1, 1, 2, 2]), array([122.1,  30. ,   8.1,  10. ,   7.8,   8.8]))
    """

    path: Path
    names: tuple[str, ...]
    """Of the parameters, "Intercept" first."""
    targets: tuple[str, ...]
    single_target: bool
    steps_per_epoch: int = 1
    units: Units | None = None

    def __len__(self) -> int:
        return len(self.path.numbers)

    @once
    def step(self) -> NDArray[np.int64]:
        """(steps,) their numbers, from 0."""
        return np.asarray(self.path.numbers)

    @property
    def epoch(self) -> NDArray[np.int64]:
        """(steps,) the epoch of each."""
        return self.step // self.steps_per_epoch

    @once
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

    @once
    def grad(self) -> Array:
        """(steps, d + 1) for one target, else (steps, k, d + 1): by the weights, then by the bias."""
        return self._grads(0, len(self))

    def at(self, epoch: int) -> Moment:
        """The first step of this epoch that was kept, as (step, loss, weight, bias, grad).

        Raises:
            OptionError: No such epoch was trained, or none of its steps was kept.
        """
        epochs = -(-self.path.steps // self.steps_per_epoch)
        if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or not 0 <= epoch < epochs:
            raise OptionError(f"epoch must be a whole number from 0 to {epochs - 1}; {epoch!r} arrived.")
        numbers = self.path.numbers
        at = bisect_left(numbers, int(epoch) * self.steps_per_epoch)
        step = int(numbers[at])
        if step // self.steps_per_epoch != epoch:
            near = sorted({int(numbers[max(at - 1, 0)]) // self.steps_per_epoch, step // self.steps_per_epoch})
            raise OptionError(
                f"of the {self.path.steps} steps {len(self)} were kept, and none of epoch {epoch}.\n"
                f"Kept nearby: epoch {' and '.join(map(str, near))}."
            )
        theta = self._raw(self.path.parameters(at, at + 1))
        loss = float(self.path.losses(at, at + 1)[0])
        return Moment(step, loss, self._weights(theta)[0], self._biases(theta)[0], self._grads(at, at + 1)[0])

    def frame(self, library: str = "pandas") -> Any:
        """All of it as a table: step, epoch, loss, each parameter by its name, and its gradient as "grad …".

        Args:
            library: "pandas" or "polars".

        Raises:
            OptionError: The library is another one, or is not installed.

        Example:
            >>> import gradline as gl
            >>> gl.train(*gl.line(seed=0), epochs=2, seed=0).history.frame().round(2)
               step  epoch    loss  Intercept     x  grad Intercept  grad x
            0     0      0  136.27       0.54 -0.01           -3.99 -132.28
            1     1      1   21.31       0.58  1.32           -4.52  -41.28
        """
        one_of("library", library, ("pandas", "polars"))
        try:
            module = import_module(library)
        except ImportError:
            raise OptionError(f"{library} is not installed; pip install {library}.") from None
        columns: dict[str, Any] = {"step": self.step, "epoch": self.epoch, "loss": self.loss}
        bias, weight = self.bias.reshape(len(self), 1, -1), self.weight.reshape(len(self), len(self.targets), -1)
        grad = np.roll(self.grad.reshape(len(self), len(self.targets), -1), 1, axis=2)
        values = np.concatenate([bias.swapaxes(1, 2), weight], axis=2)
        for prefix, table in (("", values), ("grad ", grad)):
            for place, name in enumerate(self.names):
                for number, target in enumerate(self.targets):
                    of = "" if self.single_target else f" of {target}"
                    columns[f"{prefix}{name}{of}"] = table[:, number, place]
        return module.DataFrame(columns)

    @once
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
        kept = "" if len(self) == self.path.steps else f"{len(self)} kept of "
        return f"History: {kept}{self.path.steps} steps · loss {self.loss[0]:.6g} … {self.loss[-1]:.6g}"
