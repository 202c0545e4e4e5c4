"""One epoch of mini-batch SGD over 1M x 10 float64 in memory: gradline, scikit-learn and loops in PyTorch, in turn.

A DataLoader takes minutes for batches of one: it is timed over fewer rows, as many as the title says, and its time is
scaled up to 1M rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.linear_model import SGDRegressor
from timing import alternate, report
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import gradline as gl

ROWS, FEATURES = 1_000_000, 10
LR = {1: 1e-3, 32: 1e-2, 1024: 1e-1}
LOADED = {1: 10_000, 32: 100_000, 1024: ROWS}
"""Rows that the DataLoader goes through."""


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, FEATURES))
    return x, x @ rng.normal(size=(FEATURES, 1)) + 3.0 + rng.normal(size=(ROWS, 1))


def loop(batches: Callable[[], object], lr: float) -> nn.Linear:
    """The usual program over such batches, from zero."""
    model = nn.Linear(FEATURES, 1).double()
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    loss_fn, optimizer = nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=lr)
    for inputs, target in batches():
        optimizer.zero_grad()
        loss_fn(model(inputs), target).backward()
        optimizer.step()
    return model


def sliced(x: torch.Tensor, y: torch.Tensor, size: int) -> Callable[[], object]:
    """Batches of a permutation, sliced by index: the fastest loop that PyTorch allows."""

    def batches():
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
        for first in range(0, len(x), size):
            rows = order[first : first + size]
            yield x[rows], y[rows]

    return batches


def regressor(lr: float) -> SGDRegressor:
    """One epoch of the same: a constant rate and no penalty."""
    return SGDRegressor(penalty=None, learning_rate="constant", eta0=lr, max_iter=1, tol=None, random_state=0)


def main() -> None:
    x, y = data()
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    start = (np.zeros(FEATURES), 0.0)
    for size, lr in LR.items():
        rows = LOADED[size]

        def loader(size: int = size, rows: int = rows) -> DataLoader:
            generator = torch.Generator().manual_seed(0)
            some = TensorDataset(inputs[:rows], targets[:rows])
            return DataLoader(some, batch_size=size, shuffle=True, generator=generator)

        def ours(x: np.ndarray = x, y: np.ndarray = y, size: int = size, lr: float = lr) -> gl.Run:
            return gl.train(x, y, batch_size=size, epochs=1, lr=lr, init=start, seed=0)

        run = ours(x[:rows], y[:rows])
        theirs = loop(loader, lr)
        difference = float(np.abs(run.weight - theirs.weight.detach().numpy()[0]).max())
        programs: dict[str, Callable[[], object]] = {f"gradline, batch {size}": ours}
        if size == 1:
            programs["scikit-learn SGDRegressor"] = lambda lr=lr: regressor(lr).fit(x, y[:, 0])
        else:
            programs["PyTorch, sliced tensors"] = lambda size=size, lr=lr: loop(sliced(inputs, targets, size), lr)
        times = alternate(programs, rounds=7)
        began = time.perf_counter()
        loop(loader, lr)
        times["PyTorch, DataLoader"] = (time.perf_counter() - began) * ROWS / rows
        report(
            f"one epoch of 1M x 10, batch {size} (weights within {difference:.0e} of the DataLoader loop's; "
            f"that over {rows:,} rows)",
            times,
        )


if __name__ == "__main__":
    main()
