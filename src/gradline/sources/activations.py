"""What a layer of a model gives, as a table: one row for each example, never more than a few batches in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from gradline.errors import ColumnError, DataError, OptionError, ShapeError
from gradline.layout import choices, told
from gradline.sources.arrays import array_columns
from gradline.sources.columns import Column
from gradline.sources.layers import Listener, values
from gradline.sources.rows import CHUNK, Part, Place, Rows, demand, reject_duplicates, whole
from gradline.sources.samples import batches

Target: TypeAlias = str | Sequence[str] | Callable[[Any], Any] | None
"""None for the second item of each batch, keys of batches that are mappings, or a function of the batch."""

_Chunk: TypeAlias = tuple[NDArray[Any], NDArray[Any]]
"""Activations (rows, d) and targets (rows, k)."""

_BYTES = 12 * 2**20
"""Of a chunk of activations: several wait in memory while others are summed."""
_STEP = 256
"""Rows of a chunk are a multiple of this, so that the sums take whole stretches."""
_LEAST = 2048
"""Rows of a chunk: of fewer, adding up the (d + k)² sums would cost as much as making them."""


class _Batch(NamedTuple):
    activations: NDArray[Any]  # (n, d)
    targets: NDArray[Any]  # (n, k)
    kinds: tuple[str, ...]
    """How errors call the types of the columns."""


class Activations:
    """The activations h1 … hd of a layer and the targets, for each batch of a loader; they come only once.

    Rows are gathered into chunks of a number that depends on the width alone, so sums do not depend on the batches.

    Raises:
        DataError: no batch comes, or one that is not what `target` promised.
        ShapeError: activations or targets change their width, or differ in their number.
    """

    rows = None
    identity: str | None = None
    labels: tuple[str, ...] = ()
    once = True

    def __init__(self, listener: Listener, loader: Any, target: Target) -> None:
        if not isinstance(loader, Iterable):
            raise OptionError(
                f"loader gives batches when it is iterated; a {type(loader).__name__} does not.\n"
                "Wrap a dataset: DataLoader(dataset, batch_size=256)."
            )
        _demand_target(target)
        self.name = f"the activations of {listener.name}"
        self._listener = listener
        self._loader = f"the {type(loader).__name__}"
        self._target = target
        items = batches(loader)
        first = next(items, self)
        if first is self:
            raise DataError(f"{self._loader} is empty: not a single batch came.\nExpected (inputs, target) pairs.")
        self._batches = items
        self._names: tuple[str, ...] = ()
        found = self._heard(first, 1)
        self._first: _Batch | None = found
        d = found.activations.shape[1]
        features = ["h"] if d == 1 else [f"h{j}" for j in range(1, d + 1)]
        self.targets = self._names
        self.columns = (*features, *self.targets)
        reject_duplicates(self.columns, self.name)
        self.numeric = self.columns
        single = dict.fromkeys(features, found.kinds[0])
        self._kinds = single | dict(zip(self.targets, found.kinds[1:], strict=True))

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._kinds[column]

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers."""
        return _SPACING.get(self._kinds[column], 2.0**-52)

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, a chunk at a time; the model runs in the thread that asks."""
        demand(self, columns)
        at = {name: number for number, name in enumerate(self.columns)}
        first, filled = 0, 0
        chunk: _Chunk | None = None
        for batch in self._all():
            done = 0
            while done < len(batch.targets):
                if chunk is None:
                    chunk = self._chunk(batch)
                taken = min(len(batch.targets) - done, len(chunk[0]) - filled)
                for room, given in zip(chunk, (batch.activations, batch.targets), strict=True):
                    room[filled : filled + taken] = given[done : done + taken]
                filled, done = filled + taken, done + taken
                if filled == len(chunk[0]):
                    yield self._rows(chunk, columns, at, first)
                    first, filled, chunk = first + filled, 0, None
        if chunk is not None:
            yield self._rows((chunk[0][:filled], chunk[1][:filled]), columns, at, first)

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part: batches come one after the other."""
        return whole(self, columns)

    def _rows(self, chunk: _Chunk, columns: Sequence[str], at: Mapping[str, int], first: int) -> Rows:
        every = [*chunk[0].T, *chunk[1].T]
        return Rows(first, tuple([every[at[name]] for name in columns]), Place(self.name))

    def _chunk(self, like: _Batch) -> _Chunk:
        """Room for the rows of a chunk, which another thread may still use when the next is filled."""
        h, y = like.activations, like.targets
        wanted = _BYTES // (h.shape[1] * h.itemsize + y.shape[1] * y.itemsize)
        rows = min(max(_LEAST, wanted - wanted % _STEP), CHUNK)
        return np.empty((rows, h.shape[1]), h.dtype), np.empty((y.shape[1], rows), y.dtype).T

    def _all(self) -> Iterator[_Batch]:
        if self._first is None:
            raise DataError(f"the rows of {self.name} come only once, and they were read already.")
        first, self._first = self._first, None
        yield first
        for number, given in enumerate(self._batches, 2):
            batch = self._heard(given, number)
            self._compare(batch, first, number)
            yield batch

    def _heard(self, given: Any, number: int) -> _Batch:
        """What the layer gives for one batch, beside its targets."""
        place = f"batch {number} of {self._loader}"
        inputs, named = _split(given, self._target, place)
        columns: list[Column] = []
        heights = []
        for name, value in named:
            try:
                found, height = array_columns(value, name or "y")
            except DataError as problem:
                raise type(problem)(f"{place}, target: {problem}") from None
            if name and len(found) != 1:
                raise ShapeError(
                    f"{place}: the target {name!r} has {len(found)} columns; one was expected.\n"
                    "Take several with target=lambda batch: …"
                )
            columns += found
            heights.append(height)
        if number == 1:
            self._names = tuple([column.name for column in columns])
        activations = self._listener.hear(inputs, place)
        n = len(activations)
        wrong = next((height for height in heights if height != n), None)
        if wrong is not None or not columns:
            what = "no targets" if wrong is None else f"{wrong} targets"
            raise ShapeError(
                f"{place}: {self._listener.name} gave {n} rows for {what}.\n"
                "Each example needs one row of activations and one of targets."
            )
        targets = np.stack([column.part(0, n) for column in columns]).T
        return _Batch(values(activations), targets, (self._listener.kind, *[column.kind for column in columns]))

    def _compare(self, batch: _Batch, first: _Batch, number: int) -> None:
        place = f"batch {number} of {self._loader}"
        for what, now, before, hint in (
            (f"{self._listener.name} gave", batch.activations.shape[1], first.activations.shape[1], _ONE_WIDTH),
            ("the target has", batch.targets.shape[1], first.targets.shape[1], ""),
        ):
            if now != before:
                columns = "columns" if now != 1 else "column"
                raise ShapeError(f"{place}: {what} {now} {columns}, and {before} in the first batch.{hint}")
        if batch.kinds != first.kinds:
            now, before = next((a, b) for a, b in zip(batch.kinds, first.kinds, strict=True) if a != b)
            raise ColumnError(f"{place}: {now} numbers came, and {before} in the first batch.\nConvert one of them.")


_ONE_WIDTH = "\nReduce them to one width, e.g. reduce=lambda h: h.mean(1)."
_SPACING = {"float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


def _demand_target(target: Any) -> None:
    if target is None or callable(target):
        return
    names = [target] if isinstance(target, str) else target
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise OptionError(
            f"target is a key or keys of the batches, or a function; {told(target)} arrived.\n"
            "Of other batches take it by a function: target=lambda batch: batch[1]."
        )
    if not any(names):
        raise OptionError("target is empty.\nLeave it out for (inputs, target) pairs, or name keys of the batches.")


def _split(batch: Any, target: Target, place: str) -> tuple[Any, list[tuple[str, Any]]]:
    """The model's inputs, and the targets by name; the name is '' where they have none."""
    if target is None:
        if not isinstance(batch, list | tuple) or len(batch) != 2:
            raise DataError(
                f"{place} is {_described(batch)}; a pair (inputs, target) was expected.\n"
                "Say where the target is: target=lambda batch: …, or a key of the batch."
            )
        return batch[0], [("", batch[1])]
    if callable(target):
        inputs = batch[0] if isinstance(batch, list | tuple) and batch else batch
        try:
            return inputs, [("", target(batch))]
        except Exception as problem:
            problem.add_note(f"This is target= of gl.probe, called with the whole of {place}.")
            raise
    names = [target] if isinstance(target, str) else list(target)
    if not isinstance(batch, Mapping):
        raise DataError(
            f"{place} is {_described(batch)}; target= names keys of a mapping.\n"
            "Leave target= out for (inputs, target) pairs, or give a function."
        )
    for name in names:
        if name not in batch:
            raise DataError(f"{place} has no key {name!r} for the target.\n{choices('keys', map(str, batch))}")
    return {key: value for key, value in batch.items() if key not in names}, [(name, batch[name]) for name in names]


def _described(batch: Any) -> str:
    if isinstance(batch, torch.Tensor):
        return f"a tensor {tuple(batch.shape)}"
    size = f" of {len(batch)}" if isinstance(batch, list | tuple | Mapping) else ""
    return f"a {type(batch).__name__}{size}"
