"""The steepness of a squared loss from rows as they pass, and what follows for the learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from gradline.descent.options import Sgd
from gradline.descent.stability import Stability
from gradline.doubledouble import Array

_HELD = 1 << 18  # numbers that wait to be summed: few calls, and no copy of the data
_WIDEST = 1000  # columns; beyond, the eigenvalues would take longer than many a loop
_NOTHING = 1e-12  # of a correlation matrix: what lies below is rounding


@dataclass
class Rows:
    """Sums of z zᵀ, z = (1, x), in float64; rows wait in a heap until it is worth while."""

    columns: int
    total: Array | None = None  # (1 + d, 1 + d)
    count: int = 0
    waiting: list[torch.Tensor] = field(default_factory=list)
    numbers: int = 0

    def add(self, x: torch.Tensor) -> None:
        """Rows (n, d), kept until enough are there."""
        self.waiting.append(x.detach())
        self.numbers += x.numel()
        self.count += x.numel() // max(self.columns, 1)
        if self.numbers >= _HELD:
            self.sum()

    def sum(self) -> Array | None:
        """The mean of z zᵀ over all rows; None without rows."""
        for part in _stretches(self.waiting, self.columns):
            sums = np.empty((1 + self.columns, 1 + self.columns))
            sums[0, 0], sums[0, 1:], sums[1:, 1:] = len(part), part.sum(axis=0), part.T @ part  # no threads to wake
            sums[1:, 0] = sums[0, 1:]
            self.total = sums if self.total is None else self.total + sums
        self.waiting, self.numbers = [], 0
        return None if self.total is None or not self.count else self.total / self.count


@dataclass(frozen=True)
class Curvature:
    """What the rows say of gradient descent: as they are, and with each column standardized."""

    raw: Stability
    standardized: Stability | None  # None where nothing would change: no bias to centre with


def curvature(mean: Array, scale: float, options: Sgd, trained: tuple[bool, bool]) -> Curvature | None:
    """The stability of SGD on ½·scale·mean (residual)² summed over outputs.

    Args:
        mean: The mean of z zᵀ over the rows, z = (1, x).
        scale: The second derivative of a row's loss by its output; 2/k for the mean squared error of k targets.
        options: Of SGD.
        trained: Whether the bias and the weights are.
    """
    names = ["the bias", *(f"column {j}" for j in range(len(mean) - 1))]
    used = [j for j in range(len(mean)) if trained[min(j, 1)]]
    kept = [j for j in used if mean[j, j] > 0.0]
    if not kept or len(kept) > _WIDEST or not np.isfinite(mean).all():
        return None
    gram = mean[np.ix_(kept, kept)]
    steepness, top = _steepness(gram)
    blame = kept[top]
    raw = Stability(scale * steepness, (names[blame],), (), float(mean[blame, blame]), options)
    return Curvature(raw, _standardized(mean, kept, scale, options))


def _steepness(gram: Array) -> tuple[Array, int]:
    """Eigenvalues that are not 0, largest first, and the largest entry of the steepest direction.

    The smallest one comes from the inverse of the correlations, since next to columns of very different size
    it would drown in the rounding of the largest.
    """
    values, vectors = np.linalg.eigh(gram)
    top = int(np.abs(vectors[:, -1]).argmax())
    size = np.sqrt(gram.diagonal())
    correlations = gram / np.outer(size, size)
    if np.linalg.eigvalsh(correlations)[0] > len(gram) * _NOTHING:
        inverse = np.linalg.inv(correlations) / np.outer(size, size)
        values[0] = min(values[-1], 1.0 / np.linalg.eigvalsh(inverse)[-1])
        values = np.clip(values, values[0], None)
    else:
        values = values[values > len(gram) * _NOTHING * values[-1]]
    return np.array(values[::-1]), top


def _standardized(mean: Array, kept: list[int], scale: float, options: Sgd) -> Stability | None:
    columns = [j for j in kept if j > 0]
    if 0 not in kept or not columns:
        return None
    centre = mean[0, columns]
    covariance = mean[np.ix_(columns, columns)] - np.outer(centre, centre)
    spread = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    moves = spread > 1e-7 * np.abs(centre)  # the difference of two sums knows no smaller spread
    if not moves.any():
        return None
    correlations = covariance[np.ix_(moves, moves)] / np.outer(spread[moves], spread[moves])
    whole = np.eye(1 + int(moves.sum()))
    whole[1:, 1:] = correlations
    steepness, _ = _steepness(whole)
    return Stability(scale * steepness, ("the bias",), (), 1.0, options)


def _stretches(waiting: list[torch.Tensor], columns: int) -> Iterator[Array]:
    """Float64 rows on the CPU, in stretches that do not double a large table's memory."""
    small = [x for x in waiting if x.numel() < _HELD]
    parts = [torch.cat([x.reshape(-1, columns) for x in small])] if small else []
    for x in waiting:
        if x.numel() >= _HELD:
            parts += x.reshape(-1, columns).split(max(1, _HELD // max(columns, 1)))  # type: ignore[no-untyped-call]
    return (part.to("cpu", torch.float64).numpy() for part in parts)
