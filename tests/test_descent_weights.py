"""Training on weighted rows: each engine beside a program in PyTorch that writes the weighted loss out."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch_loop import design

import gradline as gl
from gradline.lab.opening import opening_of_run

EACH = {"mse": nn.MSELoss, "l1": nn.L1Loss, "huber": nn.HuberLoss}


def weights_for(rows: int) -> np.ndarray:
    return np.random.default_rng(8).integers(0, 5, rows) / 2.0  # some are 0, others repeat rows


def program(
    x, y, w, *, loss: str, reduction: str, batch: int, epochs: int, lr: float
) -> tuple[list[float], np.ndarray]:
    kept = w > 0
    x, y, w = (torch.tensor(values[kept], dtype=torch.float64) for values in (x, y, w))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = nn.Linear(x.shape[1], y.shape[1]).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.5)
    drawn = torch.Generator().manual_seed(3)
    losses = []
    for _ in range(epochs):
        for xb, yb, wb in DataLoader(
            TensorDataset(x, y, w), batch_size=batch, shuffle=batch < len(x), generator=drawn
        ):
            optimizer.zero_grad()
            each = EACH[loss](reduction="none")(model(xb), yb)
            value = (wb[:, None] * each).sum()
            if reduction == "mean":
                value = value * len(x) / (len(xb) * y.shape[1] * w.sum())
            losses.append(value.item())
            value.backward()
            optimizer.step()
    return losses, np.vstack([model.bias.detach().numpy()[None], model.weight.detach().numpy().T])


def close(run: gl.Run, losses: list[float], theta: np.ndarray) -> None:
    np.testing.assert_allclose(run.history.loss, losses, rtol=1e-10)
    end = np.vstack([np.reshape(run.bias, (1, -1)), run.weight.reshape(theta.shape[1], -1).T])
    np.testing.assert_allclose(end, theta, rtol=0, atol=1e-10 * np.abs(theta).max())


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", ["line", "three targets"])
def test_every_engine_is_the_program(name: str, reduction: str) -> None:
    x, y = design(name)
    w = weights_for(len(x))
    kept = int((w > 0).sum())
    options = {"momentum": 0.5, "epochs": 4, "seed": 3, "weights": w, "reduction": reduction}
    for loss, batch in itertools.product(EACH, (1, 7, kept)):
        lr = 1e-3 if reduction == "mean" else 1e-4 / batch
        truth = program(x, y, w, loss=loss, reduction=reduction, batch=batch, epochs=4, lr=lr)
        size = None if batch == kept else batch
        engines = ["minibatch", "autograd"] + ["closed-form"] * (size is None and loss == "mse")
        for engine in engines:
            close(gl.train(x, y, loss=loss, lr=lr, batch_size=size, engine=engine, **options), *truth)


def test_a_weight_is_how_often_a_row_counts() -> None:
    x, y = design("eight columns")
    w = np.random.default_rng(2).integers(0, 4, len(x))
    weighted = gl.train(x, y, weights=w, lr="auto", seed=0, epochs=50)
    repeated = gl.train(np.repeat(x, w, axis=0), np.repeat(y, w, axis=0), lr="auto", seed=0, epochs=50)
    np.testing.assert_allclose(weighted.history.loss, repeated.history.loss, rtol=1e-10)
    assert weighted.lr == pytest.approx(repeated.lr, rel=1e-10)
    assert weighted.stability.lr_limit == pytest.approx(gl.stability(x, y, weights=w).lr_limit)
    assert ", weighted\n" in weighted.summary()
    assert ", weighted\n" not in repeated.summary()


def test_where_the_rows_come_from_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = design("eight columns")
    frame = pd.DataFrame({**{f"x{j}": x[:, j] for j in range(8)}, "y": y[:, 0], "w": weights_for(len(x))})
    frame.loc[3, "x2"] = np.nan
    frame.to_parquet(tmp_path / "rows.parquet")
    lr = 0.1 / np.square(x).sum(axis=1).max()
    options = {"batch_size": 7, "lr": lr, "epochs": 3, "seed": 0, "weights": "w", "standardize": True}
    run = gl.train(frame, "y", **options)
    assert run.moments.nobs == int((frame.w > 0).sum() - (frame.w[3] > 0))
    file = gl.train(tmp_path / "rows.parquet", "y", **options)
    np.testing.assert_array_equal(run.history.loss, file.history.loss)
    monkeypatch.setattr("gradline.visits.MOST_COPIED", 0)
    streamed = gl.train(tmp_path / "rows.parquet", "y", shuffle=False, **options)
    np.testing.assert_allclose(
        streamed.history.loss, gl.train(frame, "y", shuffle=False, **options).history.loss, rtol=1e-12
    )


def test_the_best_rate_of_batches_knows_how_heavy_rows_are() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 3)), rng.normal(size=400)
    w = np.where(np.arange(400) == 7, 500.0, 1.0)
    run = gl.train(x, y, weights=w, lr="auto", batch_size=4, epochs=20, seed=0)
    assert run.status != "diverged"
    assert run.lr < gl.train(x, y, lr="auto", batch_size=4, epochs=1, seed=0).lr / 10
    assert run.gap().noise is None
    assert run.stability.lr_limit_batches is None


def test_pictures_of_it(tmp_path: Path) -> None:
    x, y = gl.line(seed=0)
    w = np.linspace(0.0, 2.0, len(x))
    run = gl.train(x, y, weights=w, seed=0)
    assert "loss = loss_fn(pred, y, w)" in str(run.trace(1))
    assert f"loss = {run.history.loss[0]:.8g}" in str(run.trace(1))
    opened = opening_of_run(run)
    assert "own=" not in opened.address
    run.save(tmp_path / "run.safetensors")
    assert gl.load(tmp_path / "run.safetensors").summary() == run.summary()


def test_what_weights_cannot_be() -> None:
    x, y = gl.line(seed=0)
    with pytest.raises(
        gl.OptionError, match=r"weights= was given, and loss SmoothL1Loss takes \(pred, target\) alone"
    ):
        gl.train(x, y, weights=np.ones(100), loss=nn.SmoothL1Loss())
    with pytest.raises(gl.GradlineError, match="0 or more; 0 leaves the row out"):
        gl.train(x, y, weights=np.full(100, -1.0))
    with pytest.raises(gl.GradlineError, match="99"):
        gl.train(x, y, weights=np.ones(99))
    with pytest.raises(gl.GradlineError):
        gl.train(x, y, weights=np.zeros(100))
