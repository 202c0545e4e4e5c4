"""What the loops of both doctor tests start from, and what they ask of the doctor."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def line(n: int = 100, noise: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """The notebook's data: x (n, 1), y (n, 1)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(n, 1, generator=generator) * 20 - 10
    return x, 2 * (x + noise * torch.randn(n, 1, generator=generator)) + 3


def table(n: int = 64, columns: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of mean 0 and spread 1: x (n, columns), y (n, 1)."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, columns, generator=generator)
    truth = torch.arange(1.0, columns + 1).unsqueeze(1)
    return x, x @ truth + 3 + 0.1 * torch.randn(n, 1, generator=generator)


def batches(x: torch.Tensor, y: torch.Tensor, size: int, **options: bool) -> DataLoader:
    return DataLoader(TensorDataset(x, y), batch_size=size, **options)


def linear(columns: int = 1, outputs: int = 1) -> nn.Linear:
    torch.manual_seed(2)
    return nn.Linear(columns, outputs)


def mlp(columns: int = 3) -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(columns, 8), nn.ReLU(), nn.Linear(8, 1))
