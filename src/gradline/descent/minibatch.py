"""The mini-batch engine: SGD on the squared, absolute or Huber loss, compiled, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gradline.descent.options import Objective, Schedule, Sgd
from gradline.descent.order import Order
from gradline.descent.recorded import Recorded, Recorder, bias_last
from gradline.design.matrix import Matrix, together
from gradline.doubledouble import Array

_PIECE = 2**20
"""Rows between two looks at the progress and at Ctrl-C: some hundredths of a second."""
_BUFFER = 2**27
"""Bytes of the rows of a stream that are shuffled together."""


class Rows(NamedTuple):
    """Rows in memory, and in which order they are visited."""

    x: NDArray[Any]  # (n, d) float64 or float32
    y: NDArray[Any]  # (n, k)
    weights: NDArray[np.float64] | None  # (n,), None of ones
    order: NDArray[np.int64]  # (m,)


class Source(Protocol):
    """Where the rows of an epoch come from."""

    @property
    def rows(self) -> int:
        """How many an epoch has."""
        ...

    def epoch(self, order: Order, size: int) -> Iterator[Rows]:
        """All of them once; each piece but the last is visited in whole batches of this size."""
        ...


@dataclass(frozen=True)
class InMemory:
    """All rows in memory: an epoch has the order of a `DataLoader`."""

    x: NDArray[Any]
    y: NDArray[Any]
    weights: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """As Source.rows."""
        return len(self.x)

    def epoch(self, order: Order, size: int) -> Iterator[Rows]:
        """As Source.epoch."""
        yield Rows(self.x, self.y, self.weights, order.epoch())


@dataclass(frozen=True)
class Streamed:
    """More rows than memory should hold: they are read anew each epoch, and shuffled within a buffer.

    A buffer is 128 MB of rows. What is left of one after its last whole batch is shuffled again with the next.
    """

    read: Callable[[], Iterable[Matrix]]
    """Some rows at a time."""
    rows: int
    room: int | None = None
    """Rows in a buffer; by default what 128 MB hold."""

    def epoch(self, order: Order, size: int) -> Iterator[Rows]:
        """As Source.epoch."""
        waiting: list[Matrix] = []
        height = 0
        for x, y, weights in self.read():
            room = self.room or _BUFFER // max(8, x.itemsize * (x.shape[1] + y.shape[1]))
            first = 0
            while first < len(x):
                taken = min(len(x) - first, max(room, size) - height)
                waiting.append(Matrix(x, y, weights).of(slice(first, first + taken)))
                height, first = height + taken, first + taken
                if height >= max(room, size):
                    buffer = Rows(*together(waiting), order.epoch(height))
                    visited = height - height % size
                    yield buffer._replace(order=buffer.order[:visited])
                    rest = buffer.order[visited:]
                    waiting, height = [Matrix(*buffer[:3]).of(rest)], len(rest)
        if height:
            yield Rows(*together(waiting), order.epoch(height))


class State(NamedTuple):
    """What a step changes, each (k, p) with the bias last as in nn.Linear."""

    theta: Array
    gradient: Array
    buffer: Array


@dataclass(frozen=True)
class MiniBatch:
    """Everything that the engine needs but the rows."""

    start: Array  # θ_0 (p, k), intercept first
    sgd: Sgd
    objective: Objective
    schedule: Schedule
    seed: int | None
    unit: float = 1.0
    """By which weights are multiplied in a loss that is a mean."""

    def descend(self, source: Source, progress: Callable[[int, int | None], object] | None = None) -> Recorded:
        """Forward, loss, backward and step for every batch of every epoch.

        The first loss that is not finite ends it before its update.

        Args:
            source: The rows.
            progress: Called with (epochs done, epochs).
        """
        schedule = self.schedule
        size = schedule.batch_size or source.rows
        batches = -(-source.rows // size)
        p, k = self.start.shape
        recorder = Recorder(schedule.epochs * batches, p, k)
        state = State(bias_last(self.start), np.zeros((k, p)), np.zeros((k, p)))
        total = np.zeros((k, p))
        order = Order(source.rows, shuffle=schedule.shuffle and size < source.rows, seed=self.seed)
        step, averaged = 0, 0
        for epoch, factor in enumerate(schedule.factors()):
            averaging = epoch >= schedule.epochs - schedule.average
            for rows in source.epoch(order, size):
                for piece in _pieces(rows, size):
                    before = State(*[part.copy() for part in state])
                    count = -(-len(piece.order) // size)
                    taken = self._steps(piece, size, factor, state, total, averaging, step, recorder)
                    averaged += taken * averaging
                    if taken:
                        latest = piece._replace(order=piece.order[: taken * size]), factor, before, step
                    step += taken
                    if taken < count:
                        if step and not recorder.keeps(step - 1):  # once more, so that the record ends with it
                            recorder.last = step - 1
                            piece, factor, before, first = latest
                            self._steps(piece, size, factor, before, total, False, first, recorder)
                        return recorder.recorded(step, state.theta, step)
            if progress is not None:
                progress(epoch + 1, schedule.epochs)
        return recorder.recorded(step, total / averaged if averaged else state.theta, None)

    def _steps(
        self,
        rows: Rows,
        size: int,
        factor: float,
        state: State,
        total: Array,
        averaging: bool,
        first: int,
        recorder: Recorder,
    ) -> int:
        from gradline.descent import minibatch_compiled

        sgd, objective = self.sgd, self.objective
        taken: int = minibatch_compiled.steps(
            rows.x,
            rows.y,
            rows.weights,
            rows.order,
            size,
            ("mse", "l1", "huber").index(objective.loss),
            objective.delta,
            objective.reduction == "mean",
            float(self.unit),
            float(sgd.lr * factor),
            float(sgd.momentum),
            float(sgd.dampening),
            bool(sgd.nesterov),
            float(sgd.weight_decay),
            bool(sgd.zero_grad),
            *state,
            total,
            averaging,
            first,
            recorder.every,
            recorder.last,
            recorder.loss,
            recorder.theta,
            recorder.gradient,
        )
        return taken


def _pieces(rows: Rows, size: int) -> Iterator[Rows]:
    """Whole batches, some at a time."""
    length = max(size, _PIECE - _PIECE % size)
    for first in range(0, len(rows.order), length):
        yield rows._replace(order=rows.order[first : first + length])
