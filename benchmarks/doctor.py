"""What watching costs: loops with `gl.doctor()` around them and without, taking turns, the same to the bit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
from timing import alternate, report
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import gradline as gl

Data = tuple[torch.Tensor, torch.Tensor]


def full_batch(data: Data, epochs: int) -> list[torch.Tensor]:
    """The notebook's loop."""
    x, y = data
    torch.manual_seed(1)
    model, loss_func = nn.Linear(x.shape[1], 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = loss_func(model(x), y)
        loss.backward()
        optimizer.step()
    return [part.detach() for part in model.parameters()]


def batches(data: Data, epochs: int) -> list[torch.Tensor]:
    """Batches of 32 from a DataLoader, the loss by rows."""
    x, y = data
    torch.manual_seed(1)
    model, loss_func = nn.Linear(x.shape[1], 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    for _ in range(epochs):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_func(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
    return [part.detach() for part in model.parameters()]


def slices(data: Data, epochs: int) -> list[torch.Tensor]:
    """Batches of 32 cut from tensors, the least work there can be around a step."""
    x, y = data
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(x.shape[1], 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for first in range(0, len(x), 32):
            optimizer.zero_grad()
            ((model(x[first : first + 32]) - y[first : first + 32]) ** 2).mean().backward()
            optimizer.step()
    return [part.detach() for part in model.parameters()]


def plain_slices(data: Data, epochs: int) -> list[torch.Tensor]:
    """One linear layer on slices: every batch's rows are gathered for the limit."""
    x, y = data
    torch.manual_seed(1)
    model, loss_func = nn.Linear(x.shape[1], 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for first in range(0, len(x), 32):
            optimizer.zero_grad()
            loss_func(model(x[first : first + 32]), y[first : first + 32]).backward()
            optimizer.step()
    return [part.detach() for part in model.parameters()]


LOOPS: list[tuple[str, Callable[[Data, int], list[torch.Tensor]], int, int, int]] = [
    ("500 epochs of the notebook", full_batch, 100, 1, 500),
    ("100 epochs of 100k rows × 10", full_batch, 100_000, 10, 100),
    ("2 epochs of 5k rows × 10 from a DataLoader", batches, 5_000, 10, 2),
    ("an MLP, 4 epochs of 5k rows × 10 in slices", slices, 5_000, 10, 4),
    ("a linear layer, 4 epochs of 5k rows × 10 in slices", plain_slices, 5_000, 10, 4),
]


def main(rounds: int = 15) -> None:
    for title, loop, rows, columns, epochs in LOOPS:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(rows, columns, generator=generator)
        data = x, x.sum(1, keepdim=True) + 3 + torch.randn(rows, 1, generator=generator)

        def run(*, watched: bool, loop: Callable[[Data, int], list[torch.Tensor]] = loop) -> list[torch.Tensor]:
            with gl.doctor() if watched else contextlib.nullcontext() as doctor:
                numbers = loop(data, epochs)  # noqa: B023 - called in this round
            assert doctor is None or not doctor.findings, doctor
            return numbers

        assert all(torch.equal(one, other) for one, other in zip(run(watched=False), run(watched=True), strict=True))
        report(
            f"{title}: bits equal",
            alternate({"alone": lambda: run(watched=False), "with gl.doctor()": lambda: run(watched=True)}, rounds),
        )


if __name__ == "__main__":
    main()
