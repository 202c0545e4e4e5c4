"""The opponent: the loop that a person writes by hand in PyTorch, and designs to run it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Seen:
    """What the loop saw before each step, and the parameters at its end; parameters as (p, k), bias first."""

    loss: np.ndarray
    theta: np.ndarray
    grad: np.ndarray
    end: np.ndarray


def loop(
    x: np.ndarray,
    y: np.ndarray,
    start: np.ndarray,
    *,
    epochs: int,
    reduction: str = "mean",
    zero_grad: bool = True,
    **options: Any,
) -> Seen:
    """Full-batch SGD on the squared loss, float64."""
    inputs, target = torch.tensor(x), torch.tensor(y)
    model = nn.Linear(x.shape[1], y.shape[1]).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor(start[1:].T))
        model.bias.copy_(torch.tensor(start[0]))
    optimizer = torch.optim.SGD(model.parameters(), **options)
    loss_fn = nn.MSELoss(reduction=reduction)
    losses, thetas, grads = [], [], []

    def read(weight: torch.Tensor, bias: torch.Tensor) -> np.ndarray:
        return np.vstack([bias.detach().numpy()[None], weight.detach().numpy().T])

    for _ in range(epochs):
        if zero_grad:
            optimizer.zero_grad()
        loss = loss_fn(model(inputs), target)
        if not torch.isfinite(loss):
            break
        losses.append(loss.item())
        thetas.append(read(model.weight, model.bias))
        loss.backward()
        grads.append(read(model.weight.grad, model.bias.grad))
        optimizer.step()
    return Seen(np.array(losses), np.array(thetas), np.array(grads), read(model.weight, model.bias))


def design(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, d) and targets (n, k), float64."""
    rng = np.random.default_rng(20)
    n = 40
    if name == "line":
        x = rng.uniform(-10, 10, (n, 1))
        return x, 2 * x + 3 + rng.normal(size=(n, 1))
    if name == "offset":  # the mean is 10³ times the spread
        x = rng.normal(size=(n, 2)) + 1e3
        return x, x @ [[1.0], [-2.0]] + rng.normal(size=(n, 1))
    if name == "apart":  # columns 10⁶ apart
        x = rng.normal(size=(n, 3)) * [1, 1e4, 1e-2]
        return x, x @ [[1.0], [-2.0], [3.0]] + 3 + rng.normal(size=(n, 1))
    if name == "three targets":
        x = rng.normal(size=(n, 3))
        return x, x @ rng.normal(size=(3, 3)) + rng.normal(size=(n, 3))
    if name == "dependent":  # rank 3 of 5, and a constant
        x = rng.normal(size=(n, 3))
        x = np.column_stack([x, x[:, 0] + x[:, 1], np.full(n, 2.0)])
        return x, x @ rng.normal(size=(5, 1)) + rng.normal(size=(n, 1))
    if name == "more columns than rows":
        return rng.normal(size=(4, 6)), rng.normal(size=(4, 2))
    assert name == "eight columns"  # elimination in arrays, where the others go through floats
    x = rng.normal(size=(n, 8)) * np.logspace(0, 3, 8)
    return x, x @ rng.normal(size=(8, 1)) + rng.normal(size=(n, 1))


DESIGNS = (
    "line",
    "offset",
    "apart",
    "three targets",
    "dependent",
    "more columns than rows",
    "eight columns",
)


def steepest(x: np.ndarray, y: np.ndarray, reduction: str) -> float:
    """λ_max of the loss."""
    z = np.column_stack([np.ones(len(x)), x])
    return float(np.linalg.norm(z, 2) ** 2 * (2 / y.size if reduction == "mean" else 2))
