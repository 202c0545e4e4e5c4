"""A linear probe on a layer's activations beside scikit-learn's ridge on the same activations, gathered before."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import torch
from timing import alternate, report
from torch import nn

import gradline as gl

ROWS, WIDTH, TARGETS, BATCH, ROUNDS = 200_000, 1_024, 100, 4_096, 3
STRENGTH = 1.0


def resident() -> int:
    """Bytes of memory that this process has now; 0 where the system does not tell."""
    file = Path("/proc/self/statm")
    return int(file.read_text().split()[1]) * 4096 if file.exists() else 0


def growth(program: object) -> int:
    """How far memory rises above what it was while the program runs."""
    before, most, running = resident(), [0], threading.Event()

    def watch() -> None:
        while not running.wait(0.01):
            most[0] = max(most[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        program()  # type: ignore[operator]
    finally:
        running.set()
        watcher.join()
    return most[0] - before


def exact(h: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    """The float64 answer, from centred activations."""
    h, y = h.double(), y.double()
    h, y = h - h.mean(0), y - y.mean(0)
    system = h.T @ h + STRENGTH * torch.eye(h.shape[1], dtype=torch.float64)
    return torch.linalg.solve(system, h.T @ y).numpy()


def main(rows: int = ROWS, width: int = WIDTH, targets: int = TARGETS) -> None:
    from sklearn.linear_model import Ridge

    torch.manual_seed(0)
    h = torch.randn(rows, width)
    y = h @ torch.randn(width, targets) / width**0.5 + torch.randn(rows, targets)
    model = nn.Sequential(nn.Identity())
    batches = list(zip(h.split(BATCH), y.split(BATCH), strict=True))
    ridge, fits = Ridge(alpha=STRENGTH, solver="cholesky"), {}

    def probe() -> None:
        fits["probe"] = gl.probe(model, "0", batches, l2=STRENGTH).coef

    def peer() -> None:
        fits["ridge"] = ridge.fit(h.numpy(), y.numpy()).coef_.T

    began = time.perf_counter()
    rise = growth(probe)
    print(f"\nfirst probe: {time.perf_counter() - began:.2f} s; memory above the batches: {rise / 1e6:.0f} MB")
    title = f"probe of {rows:,} x {width:,} float32 activations, {targets} targets"
    names = {'Ridge(solver="cholesky").fit, float32': peer, "gradline probe": probe}
    report(title, alternate(names, ROUNDS))
    answer = exact(h, y)
    for name, coef in fits.items():
        error = np.abs(coef - answer).max() / np.abs(answer).max()
        print(f"  {name:<44} {error:12.1e} of the largest coefficient from the float64 answer")


if __name__ == "__main__":
    main()
