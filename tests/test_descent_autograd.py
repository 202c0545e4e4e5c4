"""The autograd engine is the PyTorch loop: beside loops written by hand, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch_loop import design

import gradline as gl
from gradline.errors import OptionError, ShapeError


def by_hand(x: torch.Tensor, y: torch.Tensor, seed: int, make, loss_fn, epochs: int, batch: int | None = None):
    """Losses, and the layer at the end."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Linear(x.shape[1], y.shape[1]).to(x.dtype)
    optimizer = make(model.parameters())
    order = torch.Generator().manual_seed(seed)
    data = TensorDataset(x, y)
    loader = [(x, y)] if batch is None else DataLoader(data, batch_size=batch, shuffle=True, generator=order)
    losses = []
    for _ in range(epochs):
        for inputs, target in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), target)
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return np.array(losses), model


CASES = {
    "adam": ({"optimizer": "Adam", "lr": 0.1}, lambda p: torch.optim.Adam(p, lr=0.1), nn.MSELoss(), None),
    "adam class": ({"optimizer": torch.optim.Adam}, lambda p: torch.optim.Adam(p, lr=0.01), nn.MSELoss(), None),
    "rmsprop with momentum": (
        {"optimizer": "rmsprop", "momentum": 0.5, "weight_decay": 0.1},
        lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, weight_decay=0.1),
        nn.MSELoss(),
        None,
    ),
    "l1": ({"loss": "l1"}, lambda p: torch.optim.SGD(p, lr=0.01), nn.L1Loss(), None),
    "huber, sum": (
        {"loss": "huber", "reduction": "sum", "lr": 1e-4},
        lambda p: torch.optim.SGD(p, lr=1e-4),
        nn.HuberLoss(reduction="sum"),
        None,
    ),
    "a module": (
        {"loss": nn.SmoothL1Loss(beta=0.3)},
        lambda p: torch.optim.SGD(p, lr=0.01),
        nn.SmoothL1Loss(beta=0.3),
        None,
    ),
    "a huber of its own": (
        {"loss": nn.HuberLoss(delta=0.2)},
        lambda p: torch.optim.SGD(p, lr=0.01),
        nn.HuberLoss(delta=0.2),
        None,
    ),
    "a function": (
        {"loss": lambda pred, target: (pred - target).abs().max()},
        lambda p: torch.optim.SGD(p, lr=0.01),
        lambda pred, target: (pred - target).abs().max(),
        None,
    ),
    "batches, the last smaller": (
        {"batch_size": 7, "momentum": 0.9, "lr": 1e-3},
        lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9),
        nn.MSELoss(),
        7,
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["line", "three targets"])
def test_it_is_the_loop_to_the_bit(case: str, dtype: torch.dtype, name: str) -> None:
    options, make, loss_fn, batch = CASES[case]
    x, y = (torch.tensor(values, dtype=dtype) for values in design(name))
    losses, model = by_hand(x, y, 3, make, loss_fn, 20, batch)
    run = gl.train(x, y, seed=3, epochs=20, engine="autograd", **options)
    assert np.array_equal(run.history.loss, losses)
    assert run.model.weight.dtype == dtype
    assert torch.equal(run.model.weight, model.weight)
    assert torch.equal(run.model.bias, model.bias)
    assert run.engine.startswith("autograd")


def test_lbfgs_gets_its_closure() -> None:
    x, y = design("line")
    run = gl.train(x, y, optimizer="lbfgs", lr=1.0, epochs=10, seed=0)
    np.testing.assert_allclose(run.weight, run.exact.coef, rtol=1e-6)


@pytest.mark.parametrize("zero_grad", [True, False])
def test_a_closure_is_the_only_backward_pass_of_a_step(zero_grad: bool) -> None:
    x, y = (torch.tensor(values) for values in design("line"))
    model = nn.Linear(1, 1).double()
    with torch.no_grad():
        model.weight.fill_(0.5)
        model.bias.fill_(-0.7)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1)
    losses = []

    def closure() -> torch.Tensor:
        if zero_grad:
            optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    for _ in range(4):
        losses.append(nn.functional.mse_loss(model(x), y).item())
        optimizer.step(closure)
    run = gl.train(x, y, optimizer="lbfgs", lr=0.1, epochs=4, init=(0.5, -0.7), zero_grad=zero_grad)
    assert run.history.loss.tolist() == losses
    assert run.weight[0] == model.weight.item()


def test_the_engine_may_be_asked_for() -> None:
    x, y = design("line")
    closed = gl.train(x, y, seed=0, epochs=50)
    real = gl.train(x, y, seed=0, epochs=50, engine="autograd")
    assert closed.engine == "closed-form: full batch, MSE, SGD"
    assert real.engine == "autograd: asked for"
    for name in ("loss", "weight", "bias", "grad"):
        np.testing.assert_allclose(getattr(closed.history, name), getattr(real.history, name), rtol=1e-10, atol=1e-10)


def test_one_batch_without_shuffling_goes_through_the_rows_in_order() -> None:
    x, y = design("line")
    run = gl.train(x, y, init=(0.0, 0.0), batch_size=10, shuffle=False, epochs=2, lr=1e-6)
    np.testing.assert_allclose(
        run.history.loss[:4], [np.mean(y[i : i + 10] ** 2) for i in range(0, 40, 10)], rtol=1e-3
    )
    assert len(run.history) == 8
    assert run.epochs == 2
    assert run.history.at(1).loss == run.history.loss[4]


def test_gradients_that_add_up() -> None:
    x, y = design("line")
    run = gl.train(x, y, seed=0, epochs=30, lr=1e-3, zero_grad=False, engine="autograd")
    closed = gl.train(x, y, seed=0, epochs=30, lr=1e-3, zero_grad=False)
    np.testing.assert_allclose(run.history.grad, closed.history.grad, rtol=1e-9)


def test_rows_with_missing_values_are_left_out() -> None:
    x, y = design("line")
    holes = np.vstack([x[:3], [[np.nan]], x[3:]])
    targets = np.vstack([y[:3], [[1.0]], y[3:]])
    run = gl.train(holes, targets, loss="l1", seed=0, epochs=5)
    assert np.array_equal(run.history.loss, gl.train(x, y, loss="l1", seed=0, epochs=5).history.loss)


def test_a_loss_beyond_range_stops_the_loop() -> None:
    x, y = design("line")
    with pytest.warns(gl.GradlineWarning, match="above the limit"):
        run = gl.train(x, y, lr=0.2, epochs=500, engine="autograd", seed=0)
    assert run.status == "diverged"
    assert run.stopped_at == len(run.history) < 500
    assert np.isfinite(run.history.loss).all()
    with pytest.warns(gl.GradlineWarning):
        assert gl.train(x, y, lr=0.2, epochs=500, seed=0).stopped_at == run.stopped_at


def test_a_loss_never_broadcasts() -> None:
    from gradline.descent.autograd import loss_function
    from gradline.descent.options import Objective

    with pytest.raises(ShapeError, match=r"target has shape \(5,\) and the model gives \(5, 1\)"):
        loss_function(Objective())(torch.zeros(5, 1, requires_grad=True), torch.zeros(5))


@pytest.mark.parametrize(
    ("loss", "arrived"),
    [
        (nn.MSELoss(reduction="none"), r"shape \(40, 1\)"),
        (lambda pred, target: 3.0, "float"),
        (lambda pred, target: torch.tensor(1.0), r"shape \(\)"),
    ],
)
def test_a_loss_that_is_not_one_number(loss: object, arrived: str) -> None:
    x, y = design("line")
    with pytest.raises(OptionError, match=f"must return one number with a gradient.*{arrived} arrived"):
        gl.train(x, y, loss=loss, epochs=1)


@pytest.mark.parametrize("engine", ["autograd", "minibatch"])
def test_of_a_long_run_steps_are_kept_evenly(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = design("line")
    options = {"loss": "l1", "epochs": 23, "batch_size": 10, "seed": 1, "engine": engine}
    whole = gl.train(x, y, **options).history
    monkeypatch.setattr("gradline.descent.recorded.MOST_STEPS", 20)
    run = gl.train(x, y, **options)
    assert whole.step.tolist() == list(range(92))
    assert run.history.step.tolist() == [*range(0, 92, 5), 91]
    assert run.history.epoch.tolist() == [step // 4 for step in run.history.step]
    for name in ("loss", "weight", "bias", "grad"):
        assert np.array_equal(getattr(run.history, name), getattr(whole, name)[run.history.step])
    assert "20 kept of 92 steps" in repr(run.history)
    assert (run.at(0).step, run.at(3).step, run.at(22).step) == (0, 15, 90)
    assert run.at(3).loss == whole.loss[15]


def test_an_epoch_of_which_nothing_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradline.descent.recorded.MOST_STEPS", 5)
    run = gl.train(*design("line"), loss="l1", epochs=20)
    with pytest.raises(OptionError, match=r"20 steps 6 were kept, and none of epoch 9.\nKept nearby: epoch 8 and 12"):
        run.at(9)


def test_a_callback_sees_every_step_and_may_end_training() -> None:
    x, y = design("line")
    seen = []

    def watch(step: gl.Step) -> bool:
        seen.append((step.number, step.epoch, step.loss, step.model.weight.item()))
        return step.number == 6

    run = gl.train(x, y, epochs=9, batch_size=10, seed=0, callback=watch)
    assert run.engine == "autograd: a callback, batch_size=10"
    assert [step[:2] for step in seen] == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 1)]
    assert [step[2] for step in seen] == run.history.loss.tolist()
    assert seen[-1][3] == run.weight[0]
    assert run.stopped_at is None
    assert [step[3] for step in seen[:-1]] == run.history.weight[1:, 0].tolist()


def test_progress_counts_epochs() -> None:
    x, y = design("line")
    seen: list[tuple[int, int | None]] = []
    for engine in ("autograd", "minibatch"):
        seen.clear()
        gl.train(x, y, loss="l1", epochs=3, engine=engine, progress=lambda *done: seen.append(done))
        assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_callback_may_change_the_rate() -> None:
    x, y = (torch.from_numpy(part) for part in design("line"))

    def halve(step) -> None:
        for group in step.optimizer.param_groups:
            group["lr"] *= 0.5

    run = gl.train(x, y, epochs=5, seed=0, callback=halve)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Linear(1, 1).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.5
    assert run.weight[0] == model.weight.item()
    assert run.bias == model.bias.item()


class Plain(torch.optim.Optimizer):
    """SGD as people write it for themselves, with no closure."""

    def __init__(self, parameters, lr: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for part in group["params"]:
                part -= group["lr"] * part.grad


class Insisting(Plain):
    """Its closure is called otherwise, and cannot be left out."""

    def step(self, evaluate) -> None:
        with torch.enable_grad():
            evaluate()
        super().step()


class Rateless(Plain):
    def __init__(self, parameters) -> None:
        super().__init__(parameters)


@pytest.mark.parametrize("kind", [Plain, Insisting])
def test_an_optimizer_of_ones_own(kind: type) -> None:
    x, y = design("line")
    own, ours = (gl.train(x, y, optimizer=made, epochs=5, seed=0) for made in (kind, "sgd"))
    assert own.history.loss == pytest.approx(ours.history.loss, rel=1e-12)


def test_an_optimizer_without_a_rate() -> None:
    with pytest.raises(OptionError, match="Rateless has no option lr; write one that has, or use optimizer='sgd'"):
        gl.train(*design("line"), optimizer=Rateless)


@pytest.mark.parametrize("engine", ["auto", "closed-form"])
def test_an_optimizer_that_was_made_already(engine: str) -> None:
    made = torch.optim.Adam(nn.Linear(1, 1).parameters())
    with pytest.raises(OptionError, match="Adam") as caught:
        gl.train(*design("line"), optimizer=made, engine=engine)
    assert str(caught.value).count("\n") < 3


def test_a_device_without_numbers() -> None:
    with pytest.raises(OptionError, match="device 'meta' cannot be used: it holds no numbers"):
        gl.train(*design("line"), device="meta")
