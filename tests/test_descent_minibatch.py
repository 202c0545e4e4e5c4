"""The mini-batch engine beside the program that people write: nn.Linear, torch.optim.SGD, a shuffled DataLoader."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset
from torch_loop import Seen, design

import gradline as gl
from gradline.descent.minibatch import MiniBatch, Streamed
from gradline.descent.options import Objective, Schedule, Sgd
from gradline.descent.order import Order
from gradline.errors import DataError

LOSSES = {"mse": nn.MSELoss, "l1": nn.L1Loss, "huber": nn.HuberLoss}
SGDS: dict[str, dict] = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "dampened": {"momentum": 0.8, "dampening": 0.3},
    "nesterov": {"momentum": 0.7, "nesterov": True},
    "decay": {"weight_decay": 0.1},
    "all": {"momentum": 0.6, "nesterov": True, "weight_decay": 0.01},
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """PyTorch's threads wait for each other over these few numbers."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def program(
    x: np.ndarray, y: np.ndarray, *, loss: nn.Module, batch: int, epochs: int, seed: int, schedule=None, **options
) -> tuple[Seen, list[np.ndarray]]:
    """What it saw, and (p, k) parameters after each step."""
    inputs, targets = torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
    zero_grad = options.pop("zero_grad", True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Linear(inputs.shape[1], targets.shape[1]).double()
    optimizer = torch.optim.SGD(model.parameters(), **options)
    scheduler = None if schedule is None else schedule(optimizer)
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=batch, shuffle=True, generator=generator)

    def read(weight: torch.Tensor, bias: torch.Tensor) -> np.ndarray:
        return np.vstack([bias.detach().numpy()[None], weight.detach().numpy().T])

    losses, thetas, grads, after = [], [], [], []
    for _ in range(epochs):
        for xb, yb in loader:
            if zero_grad:
                optimizer.zero_grad()
            value = loss(model(xb), yb)
            losses.append(value.item())
            thetas.append(read(model.weight, model.bias))
            value.backward()
            grads.append(read(model.weight.grad, model.bias.grad))
            optimizer.step()
            after.append(read(model.weight, model.bias))
        if scheduler is not None:
            scheduler.step()
    return Seen(np.array(losses), np.array(thetas), np.array(grads), after[-1]), after


def close(run: gl.Run, seen: Seen) -> None:
    """1e-10 of the largest parameter, loss and gradient."""
    history, k = run.history, len(run.moments.targets)
    weight = history.weight.reshape(len(history), k, -1)
    theta = np.concatenate([history.bias.reshape(-1, 1, k), weight.swapaxes(1, 2)], axis=1)
    assert history.loss.shape == seen.loss.shape
    np.testing.assert_allclose(history.loss, seen.loss, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(theta, seen.theta, rtol=0, atol=1e-10 * np.abs(seen.theta).max())
    grad = np.roll(history.grad.reshape(len(history), k, -1), 1, axis=2).swapaxes(1, 2)
    np.testing.assert_allclose(grad, seen.grad, rtol=0, atol=1e-10 * np.abs(seen.grad).max())
    end = np.vstack([np.reshape(run.bias, (1, k)), run.weight.reshape(k, -1).T])
    np.testing.assert_allclose(end, seen.end, rtol=0, atol=1e-10 * np.abs(seen.end).max())


@pytest.mark.parametrize("batch", [1, 2, 7, 32, 40])
@pytest.mark.parametrize("sgd", SGDS)
@pytest.mark.parametrize("name", ["line", "three targets"])
def test_it_is_the_program_step_by_step(name: str, sgd: str, batch: int) -> None:
    x, y = design(name)
    for loss, reduction, zero_grad in itertools.product(LOSSES, ("mean", "sum"), (True, False)):
        lr = 2e-4 / (1 if reduction == "mean" else batch)
        options = {"lr": lr, "zero_grad": zero_grad, **SGDS[sgd]}
        seen, _ = program(x, y, loss=LOSSES[loss](reduction=reduction), batch=batch, epochs=3, seed=4, **options)
        run = gl.train(x, y, loss=loss, reduction=reduction, batch_size=batch, epochs=3, seed=4, **options)
        assert run.engine.startswith("minibatch: batch_size=")
        close(run, seen)


@pytest.mark.parametrize("name", ["offset", "apart", "dependent", "more columns than rows", "eight columns"])
def test_on_every_design(name: str) -> None:
    x, y = design(name)
    lr = 0.1 / np.square(x).sum(axis=1).max()
    seen, _ = program(x, y, loss=nn.MSELoss(), batch=3, epochs=4, seed=1, lr=lr, momentum=0.5)
    close(gl.train(x, y, batch_size=3, epochs=4, seed=1, lr=lr, momentum=0.5), seen)


def test_a_huber_loss_with_its_own_delta() -> None:
    x, y = design("line")
    seen, _ = program(x, y, loss=nn.HuberLoss(delta=0.2), batch=7, epochs=3, seed=0, lr=0.01)
    run = gl.train(x, y, loss=nn.HuberLoss(delta=0.2), batch_size=7, epochs=3, seed=0, lr=0.01)
    assert run.engine == "minibatch: batch_size=7, loss='huber'"
    close(run, seen)


@pytest.mark.parametrize(
    ("rates", "schedule"),
    [
        ("step", lambda optimizer: lr_scheduler.StepLR(optimizer, 4, 0.1)),
        ("cosine", lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 10)),
        ("1/t", lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))),
        (lambda t: 0.8**t, lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.8)),
    ],
    ids=["step", "cosine", "1/t", "a function"],
)
@pytest.mark.parametrize("engine", ["minibatch", "autograd"])
@pytest.mark.parametrize("batch", [7, 40])
def test_schedules_are_those_of_pytorch(rates, schedule, engine: str, batch: int) -> None:
    x, y = design("line")
    seen, _ = program(x, y, loss=nn.MSELoss(), batch=batch, epochs=10, seed=2, schedule=schedule, lr=0.01)
    size = None if batch == 40 else batch
    close(gl.train(x, y, batch_size=size, epochs=10, seed=2, lr=0.01, lr_schedule=rates, engine=engine), seen)


@pytest.mark.parametrize("engine", ["minibatch", "autograd"])
def test_the_last_epochs_can_be_averaged(engine: str) -> None:
    x, y = design("three targets")
    _, after = program(x, y, loss=nn.MSELoss(), batch=7, epochs=9, seed=0, lr=0.05)
    run = gl.train(x, y, batch_size=7, epochs=9, seed=0, lr=0.05, average=4, engine=engine)
    mean = np.mean(after[-4 * 6 :], axis=0)
    np.testing.assert_allclose(run.bias, mean[0], rtol=1e-12)
    np.testing.assert_allclose(run.weight, mean[1:].T, rtol=1e-12)
    x, y = design("line")
    alone, averaged = (
        gl.train(x, y, batch_size=1, epochs=100, seed=0, lr=0.005, average=last, engine=engine) for last in (0, 80)
    )
    assert averaged.gap().largest < 0.2 * alone.gap().largest


@pytest.mark.parametrize("rows", [1, 2, 7, 40])
def test_the_order_is_that_of_a_data_loader(rows: int) -> None:
    data = TensorDataset(torch.arange(rows))
    for batch in (1, 3, 40):
        loader = DataLoader(data, batch_size=batch, shuffle=True, generator=torch.Generator().manual_seed(3))
        order = Order(rows, seed=3)
        for _ in range(4):
            assert torch.cat([rows for (rows,) in loader]).tolist() == order.epoch().tolist()
    with torch.random.fork_rng():
        torch.manual_seed(9)
        loader = DataLoader(data, batch_size=2, shuffle=True)
        seen = [torch.cat([rows for (rows,) in loader]).tolist() for _ in range(3)]
        torch.manual_seed(9)
        order = Order(rows)
        assert Order(rows, seed=np.int64(3)).epoch().tolist() == Order(rows, seed=3).epoch().tolist()
        assert [order.epoch().tolist() for _ in range(3)] == seen


def test_every_kind_of_table_gives_the_same_run(tmp_path: Path) -> None:
    x, y = design("three targets")
    frame = pd.DataFrame({**{f"x{j + 1}": x[:, j] for j in range(3)}, "y": y[:, 0]})
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=7)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    options = {"batch_size": 7, "epochs": 5, "seed": 0, "lr": 0.01}
    expected = gl.train(x, y[:, 0], **options)
    holes = frame.sample(frac=1, random_state=0).sort_index()
    holes = pd.concat([holes[:5], pd.DataFrame({"x1": [1.0], "y": [np.nan]}), holes[5:]])
    tables = [
        (np.asfortranarray(x), y[:, 0]),
        (torch.tensor(x), torch.tensor(y[:, :1])),
        (x.tolist(), y[:, 0].tolist()),
        (np.hstack([x, x])[:, :3], y[::1, 0]),
        (frame, "y"),
        (pl.from_pandas(frame), "y"),
        (holes, "y"),
        (tmp_path / "rows.parquet", "y"),
        (tmp_path / "rows.csv", "y"),
        ([frame[:11], frame[11:]], "y"),
        (DataLoader(TensorDataset(torch.tensor(x), torch.tensor(y[:, 0])), batch_size=6), None),
    ]
    for data, target in tables:
        run = gl.train(data, target, **options)
        assert np.array_equal(run.history.loss, expected.history.loss)
        assert np.array_equal(run.weight, expected.weight)


def test_single_precision_columns_are_taken_as_they_are() -> None:
    x, y = (values.astype(np.float32) for values in design("line"))
    run = gl.train(x, y, batch_size=7, epochs=20, seed=0)
    double = gl.train(x.astype(float), y.astype(float), batch_size=7, epochs=20, seed=0)
    np.testing.assert_allclose(run.history.loss, double.history.loss, rtol=1e-13)
    assert gl.train(x, y, batch_size=7, epochs=1, dtype="float32").model.weight.dtype == torch.float32


def test_categories_and_computed_columns() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.uniform(1, 9, 60), "city": rng.choice(list("ABC"), 60)})
    frame["y"] = frame.x + (frame.city == "B") + rng.normal(size=60)
    frame.loc[3, "city"] = None
    whole = frame.dropna()
    dense = np.column_stack(
        [np.log(whole.x), whole.city == "B", whole.city == "C", *[whole.x * (whole.city == level) for level in "ABC"]]
    )
    options = {"batch_size": 8, "epochs": 20, "seed": 0, "lr": 0.01}
    for engine in ("minibatch", "autograd"):
        run = gl.train(frame, formula="y ~ log(x) + city + x:city", engine=engine, **options)
        assert run.names[1:5] == ("log(x)", "city[T.B]", "city[T.C]", "x:city[A]")
        plain = gl.train(dense, whole.y.to_numpy(), engine=engine, **options)
        np.testing.assert_allclose(run.history.loss, plain.history.loss, rtol=1e-12)


def test_standardized_columns() -> None:
    x, y = design("apart")
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    run = gl.train(x, y, batch_size=8, epochs=60, lr=0.1, seed=0, standardize=True, average=20)
    plain = gl.train(scaled, y, batch_size=8, epochs=60, lr=0.1, seed=0, average=20)
    np.testing.assert_allclose(run.history.loss, plain.history.loss, rtol=1e-9)
    np.testing.assert_allclose(run.weight, plain.weight / x.std(axis=0), rtol=1e-9)


@pytest.mark.parametrize("size", [1, 4, 7, 50])
@pytest.mark.parametrize("room", [5, 16, 64])
def test_a_stream_is_shuffled_within_a_buffer(size: int, room: int) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(50, 2)), rng.normal(size=(50, 1))

    def read() -> Iterator[tuple[np.ndarray, np.ndarray, None]]:
        for first in range(0, 50, 9):
            yield x[first : first + 9], y[first : first + 9], None

    visited = [rows.x[rows.order] for rows in Streamed(read, 50, room).epoch(Order(50, seed=1), size)]
    assert all(len(part) % size == 0 for part in visited[:-1])
    seen = np.concatenate(visited)
    assert np.array_equal(np.sort(seen[:, 0]), np.sort(x[:, 0]))
    near = [int(np.flatnonzero(x[:, 0] == value)[0]) for value in seen[:, 0]]
    reach = max(room, size) + size
    assert max(place - row for row, place in zip(near, range(50), strict=True)) <= 50
    assert all(row < place + reach for row, place in zip(near, range(50), strict=True))
    assert near != list(range(50))

    descent = MiniBatch(np.zeros((3, 1)), Sgd(0.01), Objective(), Schedule(2, size), 1)
    streamed = descent.descend(Streamed(read, 50, room))
    assert streamed.steps == 2 * -(-50 // size)
    in_order = MiniBatch(np.zeros((3, 1)), Sgd(0.01), Objective(), Schedule(2, size, shuffle=False), 1)
    plain = gl.train(x, y, init=(np.zeros(2), 0.0), batch_size=size, epochs=2, shuffle=False)
    np.testing.assert_allclose(in_order.descend(Streamed(read, 50, room)).loss, plain.history.loss, rtol=1e-12)


def test_files_larger_than_memory_are_read_anew_each_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = design("three targets")
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y[:, 0]}).to_parquet(tmp_path / "rows.parquet", row_group_size=9)
    options = {"batch_size": 7, "epochs": 5, "lr": 0.01}
    whole = gl.train(tmp_path / "rows.parquet", target="y", init=([0.0, 0.0], 0.0), shuffle=False, **options)
    monkeypatch.setattr("gradline.visits.MOST_COPIED", 100)
    run = gl.train(tmp_path / "rows.parquet", target="y", init=([0.0, 0.0], 0.0), shuffle=False, **options)
    np.testing.assert_allclose(run.history.loss, whole.history.loss, rtol=1e-13)


def test_a_stream_that_comes_once_is_refused() -> None:
    x, y = design("line")
    with pytest.raises(DataError, match="come only once"):
        gl.train(iter([(x, y)]), batch_size=7, epochs=1)


@pytest.mark.parametrize("batch", [1, 7])
def test_divergence_ends_the_run_with_the_history_so_far(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = design("line")
    whole = gl.train(x, y, batch_size=batch, lr=0.3, epochs=400, seed=0)
    assert whole.status == "diverged"
    assert whole.stopped_at == len(whole.history)
    assert np.isfinite(whole.history.loss).all()
    for most in (6, 11, 40):
        monkeypatch.setattr("gradline.descent.recorded.MOST_STEPS", most)
        run = gl.train(x, y, batch_size=batch, lr=0.3, epochs=400, seed=0)
        assert run.stopped_at == whole.stopped_at
        assert run.history.step[-1] == whole.stopped_at - 1
        for name in ("loss", "weight", "grad"):
            assert np.array_equal(getattr(run.history, name), getattr(whole.history, name)[run.history.step])


def test_epochs_are_those_trained_where_not_every_step_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradline.descent.recorded.MOST_STEPS", 7)
    x, y = gl.line(seed=0)
    run = gl.train(x, y, batch_size=10, epochs=3, seed=0, lr=1e-4)
    assert (run.epochs, len(run.history), run.path.steps) == (3, 7, 30)
    assert "3 epochs" in repr(run)


def test_a_frame_of_the_history() -> None:
    x, y = design("three targets")
    run = gl.train(x, y, batch_size=20, epochs=2, seed=0)
    frame = run.history.frame()
    assert list(frame.columns[:5]) == ["step", "epoch", "loss", "Intercept of y1", "Intercept of y2"]
    assert frame["x2 of y3"].tolist() == run.history.weight[:, 2, 1].tolist()
    assert frame["grad Intercept of y2"].tolist() == run.history.grad[:, 1, 3].tolist()
    assert run.history.frame("polars").equals(pl.from_pandas(frame))
    single = gl.train(x, y[:, 0], epochs=3, seed=0).history.frame()
    assert list(single.columns) == [
        *("step", "epoch", "loss", "Intercept", "x1", "x2", "x3"),
        *("grad Intercept", "grad x1", "grad x2", "grad x3"),
    ]


def test_a_trace_shows_the_batches() -> None:
    x, y = design("line")
    run = gl.train(x, y, batch_size=7, seed=0, epochs=1)
    losses = [change.after for event in run.trace(3).events for change in event.changes if change.name == "loss"]
    np.testing.assert_allclose([float(loss) for loss in losses], run.history.loss[:3], rtol=1e-7)
