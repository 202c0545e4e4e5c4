"""PyTorch datasets of samples that are asked for by number: rows of a stream, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gradline.errors import ColumnError, DataError, ShapeError
from gradline.sources.gathered import TOGETHER


def is_dataset(data: Any) -> bool:
    """Whether this is a map-style dataset of torch, without importing torch."""
    names = _of_torch(data)
    return "Dataset" in names and "IterableDataset" not in names


def _of_torch(data: Any) -> set[str]:
    """The names of its classes that are torch's."""
    return {base.__name__ for base in type(data).__mro__ if base.__module__.partition(".")[0] == "torch"}


def batches(data: Any) -> Iterator[Any]:
    """What comes when this is iterated; a DataLoader whose samples do not make a batch says so in its own words."""
    return _collated(data) if "DataLoader" in _of_torch(data) else iter(data)


def _collated(loader: Any) -> Iterator[Any]:
    from torch.utils.data import default_collate

    if loader.collate_fn is not default_collate:
        yield from loader
        return
    try:
        yield from loader
    except (TypeError, RuntimeError) as error:
        said = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise DataError(
            f"the DataLoader cannot make batches of its samples: {said}\n"
            "Expected (x, y) pairs of tensors, arrays or numbers, all of one shape; or give it collate_fn=."
        ) from error


class Samples:
    """The samples of a dataset in order, stacked as a DataLoader stacks them; each pass asks for them anew.

    Raises:
        DataError: the dataset has no length, or its samples are nothing that can be stacked.
        ColumnError: samples are mappings and differ in their keys.
        ShapeError: samples differ in their shape.
    """

    def __init__(self, dataset: Any) -> None:
        self.name = f"the {type(dataset).__name__}"
        self._dataset = dataset
        if not hasattr(dataset, "__len__"):
            raise DataError(
                f"{self.name} has no length: its rows cannot be counted.\n"
                "Give it __len__, or make it an IterableDataset in a DataLoader."
            )

    def __iter__(self) -> Iterator[Any]:
        dataset = self._dataset
        rows = len(dataset)
        for first in range(0, rows, TOGETHER):
            last = min(first + TOGETHER, rows)
            if _holds_tensors(dataset):
                yield tuple([tensor[first:last] for tensor in dataset.tensors])
            else:
                yield self._stacked([dataset[number] for number in range(first, last)], first)

    def _stacked(self, samples: list[Any], first: int) -> Any:
        from torch.utils.data import default_collate

        place = f"samples {first} to {first + len(samples) - 1} of {self.name}"
        if isinstance(samples[0], Mapping) and any(sample.keys() != samples[0].keys() for sample in samples):
            raise ColumnError(f"{place} differ in their keys.\nThe first has {', '.join(map(str, samples[0]))}.")
        try:
            return default_collate(samples)
        except TypeError:
            raise DataError(
                f"{place} cannot be stacked: they are {type(samples[0]).__name__}.\n"
                "Expected (x, y) pairs of tensors, arrays or numbers."
            ) from None
        except RuntimeError:
            raise ShapeError(
                f"{place} differ in their shape.\nEach needs as many features and targets as the first."
            ) from None


def _holds_tensors(dataset: Any) -> bool:
    """Whether this is TensorDataset itself, whose samples are rows of tensors: no need to ask for each."""
    kind = type(dataset)
    return kind.__module__.startswith("torch.") and kind.__name__ == "TensorDataset"
