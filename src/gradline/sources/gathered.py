"""Streams of single samples, such as an IterableDataset gives: gathered into items of rows, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from gradline.sources.arrays import is_tensor, is_values

TOGETHER = 4096
"""Samples that are made into one item of a stream."""


def is_sample(item: Any) -> bool:
    """Whether this is one row: (x, y) or a mapping, with at least one single value; what has none is a batch."""
    if isinstance(item, Mapping):
        values = list(item.values())
        return any(map(_is_single, values)) and all(_is_single(each) or _axes(each) == 1 for each in values)
    if not isinstance(item, (list, tuple)) or len(item) != 2:
        return False
    x, y = item
    return _is_number(y) and (_is_number(x) or _axes(x) == 1)


def gathered(items: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """The items with their numbers from 1; of samples of one kind, many are one item with the number of the first."""
    samples: list[Any] = []
    kind: Any = None
    number = 0
    for number, item in enumerate(items, 1):
        this = _kind(item) if is_sample(item) else None
        if samples and (this != kind or len(samples) == TOGETHER):
            yield number - len(samples), stacked(samples)
            samples = []
        if this is None:
            yield number, item
        else:
            samples.append(_kept(item))
        kind = this
    if samples:
        yield number + 1 - len(samples), stacked(samples)


def stacked(samples: list[Any]) -> Any:
    """Samples of one kind as rows."""
    if isinstance(samples[0], Mapping):
        return {key: _stacked([sample[key] for sample in samples]) for key in samples[0]}
    x, y = zip(*samples, strict=True)
    return _stacked(x), _stacked(y)


def _stacked(values: Any) -> Any:
    if is_tensor(values[0]):
        import torch

        return torch.stack(list(values))
    return list(values) if isinstance(values[0], str) else np.stack(values)


def _kept(sample: Any) -> Any:
    """A copy: some loops fill the same array again for the next sample."""
    if isinstance(sample, Mapping):
        return {key: _copy(value) for key, value in sample.items()}
    return _copy(sample[0]), _copy(sample[1])


def _copy(value: Any) -> Any:
    if is_tensor(value):
        return value.detach().clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _kind(sample: Any) -> Any:
    """What samples must share to be stacked."""
    if isinstance(sample, Mapping):
        return {key: _kind_of(value) for key, value in sample.items()}
    return _kind_of(sample[0]), _kind_of(sample[1])


def _kind_of(value: Any) -> Any:
    if isinstance(value, (str, int, float)):
        return isinstance(value, str)
    return is_tensor(value), value.dtype, value.shape


def _is_single(value: Any) -> bool:
    return isinstance(value, str) or _is_number(value)


def _is_number(value: Any) -> bool:
    return _axes(value) == 0 if is_values(value) else isinstance(value, (int, float, np.generic))


def _axes(value: Any) -> int:
    """Of an array or a tensor; -1 of anything else."""
    return int(value.ndim) if is_values(value) else -1
