"""What a loop saw, step by step, and of which steps it is kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array
from gradline.errors import OptionError

MOST_STEPS = 100_000
"""So many steps are kept at most; of a longer run every second one, or every third …, and the last."""
MOST_BYTES = 2**29
"""What they may take; it is less than MOST_STEPS for a model of more than 300 parameters."""


@dataclass(frozen=True)
class Recorded:
    """The kept steps of a loop. Of a loaded run there are only the losses and the last parameters."""

    loss: Array  # (kept,)
    theta: Array | None  # (kept, p, k)
    gradient: Array | None
    parameters_after: Array  # (p, k)
    stopped_at: int | None
    numbers: NDArray[np.int64]
    """(kept,) which steps they are."""
    steps: int
    """How many were taken."""
    loaded: bool = False

    def losses(self, first: int, last: int) -> Array:
        """As Path.losses."""
        return self.loss[first:last]

    def parameters(self, first: int, last: int) -> Array:
        """As Path.parameters."""
        return self._kept(self.theta)[first:last]

    def gradients(self, first: int, last: int) -> Array:
        """As Path.gradients."""
        return self._kept(self.gradient)[first:last]

    def _kept(self, values: Array | None) -> Array:
        if values is None:
            raise OptionError(
                "this run was loaded, and a saved loop keeps its losses and last weights only, not those of every "
                "step.\nTrain again for them: gl.train(x, y, …).history."
            )
        return values


class Recorder:
    """Room for the steps of a loop that are kept: all of them, or evenly spread ones, and the last."""

    def __init__(self, steps: int, p: int, k: int) -> None:
        """For a run of so many steps, if nothing stops it, with p parameters for each of k targets."""
        most = max(2, min(MOST_STEPS, MOST_BYTES // (8 * (2 * p * k + 1))))
        self.every = -(-steps // most)
        self.last = steps - 1
        room = -(-steps // self.every) + 1
        self.loss = np.empty(room)
        self.theta, self.gradient = np.empty((room, k, p)), np.empty((room, k, p))  # as in nn.Linear, bias last

    def keeps(self, step: int) -> bool:
        """Whether this step is kept whatever comes."""
        return step % self.every == 0 or step == self.last

    def note(self, step: int, loss: float, theta: Array, gradient: Array) -> None:
        """One step after another: parameters and gradients (k, p). The next one takes the place of one not kept."""
        place = -(-step // self.every)
        self.loss[place], self.theta[place], self.gradient[place] = loss, theta, gradient

    def recorded(self, steps: int, after: Array, stopped_at: int | None) -> Recorded:
        """The record of a run of which so many steps were taken, the last of them noted.

        Args:
            steps: Taken.
            after: (k, p) the parameters at the end.
            stopped_at: The step whose loss was not finite, or None.
        """
        numbers = np.arange(0, steps, self.every)
        if steps and numbers[-1] != steps - 1:
            numbers = np.append(numbers, steps - 1)
        kept = len(numbers)
        theta, gradient = bias_first(self.theta[:kept]), bias_first(self.gradient[:kept])
        return Recorded(self.loss[:kept], theta, gradient, bias_first(after), stopped_at, numbers, steps)


def bias_first(values: Array) -> Array:
    """Parameters (…, k, p) with the bias last as (…, p, k) with the bias first."""
    return np.roll(values, 1, axis=-1).swapaxes(-1, -2)


def bias_last(theta: Array) -> Array:
    """The other way round, a copy."""
    return np.ascontiguousarray(np.roll(theta.swapaxes(-1, -2), -1, axis=-1))
