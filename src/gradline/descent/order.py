"""In which order rows are visited: that of a shuffled `DataLoader`, number for number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ONE_WORD = 2**32 // 20
"""Below so many rows `torch.randperm` draws one 32-bit number for each row but the last."""


class Order:
    """The rows of each epoch, as `DataLoader(shuffle=True, generator=torch.Generator().manual_seed(seed))` has them.

    A loader draws a seed for its workers, then the permutation, and after the last batch a second permutation of
    which it takes nothing; all of that moves the generator on. Without a seed both come from PyTorch's global
    generator, as in a loader that is given none.

    Source: torch/utils/data/dataloader.py, `_BaseDataLoaderIter`; torch/utils/data/sampler.py, `RandomSampler`.

    Example:
        >>> order = Order(5, shuffle=True, seed=0)
        >>> order.epoch().tolist(), order.epoch().tolist()
        ([3, 1, 0, 4, 2], [1, 4, 3, 2, 0])
    """

    def __init__(self, rows: int, *, shuffle: bool = True, seed: int | None = None) -> None:
        """For n rows; without shuffle as they stand; without a seed from PyTorch's global generator."""
        import torch

        self._rows, self._shuffle = rows, shuffle
        self._last: int | None = None  # rows of the permutation before, if there was one
        self._generator = None if seed is None else torch.Generator().manual_seed(int(seed))

    def epoch(self, rows: int | None = None) -> NDArray[np.int64]:
        """The rows of the next epoch, (n,). Of a stream that is shuffled in buffers, those of the next buffer.

        Args:
            rows: Of this buffer; by default n.
        """
        return np.asarray(self.tensor(rows).numpy())

    def tensor(self, rows: int | None = None) -> Any:
        """The same as a tensor on the CPU."""
        import torch

        n = self._rows if rows is None else rows
        if not self._shuffle:
            return torch.arange(n)
        generator = self._generator
        if generator is None:
            _worker_seed(None)
            own = torch.Generator().manual_seed(_worker_seed(None))
            return torch.randperm(n, generator=own)
        if self._last is not None:
            _skip(self._last, generator)
        self._last = n
        _worker_seed(generator)
        return torch.randperm(n, generator=generator)


def _worker_seed(generator: Any) -> int:
    import torch

    return int(torch.empty((), dtype=torch.int64).random_(generator=generator).item())


def _skip(rows: int, generator: Any) -> None:
    """Move the generator on as a permutation of these rows would, in a tenth of its time."""
    import torch

    if rows < _ONE_WORD:
        torch.empty(max(rows - 1, 0), dtype=torch.int32).random_(generator=generator)
    else:
        torch.randperm(rows, generator=generator)
