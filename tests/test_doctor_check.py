"""`gl.doctor.check`: a loop's parts before it runs; and what findings say with numbers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from doctor_loops import batches, line, linear, mlp, table
from torch import nn

import gradline as gl


def kinds(*parts: Any) -> list[str]:
    return [finding.kind for finding in gl.doctor.check(*parts)]


def sgd(model: nn.Module, lr: float = 0.01, **options: Any) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=lr, **options)


def test_each_part_that_is_wrong_is_named() -> None:
    x, y = table()
    model, other, loss_fn = linear(3), linear(3), nn.MSELoss()
    assert kinds(model, sgd(model), loss_fn, x, y) == []
    assert kinds(model, sgd(other), loss_fn, x, y) == ["other-parameters"]
    assert kinds(model, sgd(model), loss_fn, x, y[:, 0]) == ["broadcast"]
    assert kinds(model, sgd(model), loss_fn, x, y.long()) == ["integer"]
    assert kinds(model, sgd(model), loss_fn, x.long(), y) == ["integer"]
    assert kinds(model, sgd(model), loss_fn, x.double(), y) == ["another-dtype"]
    assert kinds(model, sgd(model), lambda pred, y: loss_fn(pred.detach(), y), x, y) == ["detached"]
    assert kinds(model, sgd(model, lr=5.0), loss_fn, x, y) == ["lr-above-limit"]
    assert kinds(model, sgd(model, lr=1e-7), loss_fn, x * torch.tensor([1.0, 1.0, 1e3]), y) == ["unscaled"]


def test_several_at_once() -> None:
    x, y = table()
    model = linear(3)
    found = gl.doctor.check(model, sgd(linear(3)), nn.MSELoss(), x, y.flatten().long())
    assert [finding.kind for finding in found] == ["integer", "broadcast", "other-parameters"]
    assert found[2].write == "torch.optim.SGD(model.parameters(), lr=0.01)"


@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, {"weight_decay": 0.3}]
)
def test_the_limit_is_that_of_the_data(options: dict[str, Any]) -> None:
    """One per cent below and above the limit that the recurrence itself has."""
    x, y = line()
    steepest = float(torch.linalg.matrix_norm(torch.column_stack([torch.ones(100), x]).double(), 2)) ** 2 / 50
    beta, decay = options.get("momentum", 0.0), options.get("weight_decay", 0.0)
    limit = (2 + 2 * beta) / (1 + 2 * beta if "nesterov" in options else 1) / (steepest + decay)
    model = linear()
    assert kinds(model, sgd(model, 0.99 * limit, **options), nn.MSELoss(), x, y) == []
    (found,) = gl.doctor.check(model, sgd(model, 1.01 * limit, **options), nn.MSELoss(), x, y)
    assert found.kind == "lr-above-limit"
    assert f"is above {limit:.4g}, set by column 0 of 100 rows" in found.seen


def test_the_rate_that_is_proposed_trains() -> None:
    x, y = line()
    model = linear()
    (found,) = gl.doctor.check(model, sgd(model, lr=0.05), nn.MSELoss(), x, y)
    better = sgd(model, lr=float(found.write.rpartition("lr=")[2].rstrip(")")))
    for _ in range(300):
        better.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        better.step()
    exact = gl.fit(x, y)
    assert model.weight.item() == pytest.approx(exact.coef[0], rel=1e-4)
    assert model.bias.item() == pytest.approx(exact.intercept, rel=1e-4)


def test_the_rows_of_one_epoch_of_batches() -> None:
    x, y = line(96)
    for loader in (True, False):
        model = linear()
        optimizer = sgd(model, lr=0.06)
        with pytest.warns(gl.GradlineWarning, match="of 96 rows"), gl.doctor():  # noqa: PT031
            for _ in range(5):
                pairs = batches(x, y, 16) if loader else zip(x.split(16), y.split(16), strict=True)
                for xb, yb in pairs:
                    optimizer.zero_grad()
                    ((model(xb) - yb) ** 2).mean().backward()
                    optimizer.step()


def test_a_rate_above_the_limit_for_a_few_steps_is_nobodys_mistake() -> None:
    x, y = table()
    model = linear(3)
    optimizer = sgd(model, lr=2.0)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.7)
    with gl.doctor() as doctor:
        for _ in range(30):
            optimizer.zero_grad()
            nn.MSELoss()(model(x), y).backward()
            optimizer.step()
            schedule.step()
    assert doctor.findings == ()


def test_features_on_other_scales_are_no_matter_once_training_is_there() -> None:
    """κ is 40,000, and the fit has been reached all the same, for it started there."""
    x, y = line()
    x = 200 * x + 1000
    exact = gl.fit(x, y)
    model = linear()
    with torch.no_grad():
        model.weight.fill_(float(exact.coef[0]))
        model.bias.fill_(float(exact.intercept))
    optimizer = sgd(model, lr=1e-7)
    with gl.doctor() as doctor:
        for _ in range(10):
            optimizer.zero_grad()
            nn.MSELoss()(model(x), y).backward()
            optimizer.step()
    assert doctor.findings == ()


def test_features_that_say_the_same_are_no_matter_of_scale() -> None:
    """κ is above a million, and would be with standardized features."""
    x, y = table()
    alike = torch.column_stack([x, x[:, 0] + 1e-3 * x[:, 1].roll(1)])
    model = linear(4)
    assert kinds(model, sgd(model), nn.MSELoss(), alike, y) == []


def test_check_changes_nothing() -> None:
    x, y = table()
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 1))
    optimizer = sgd(model)
    state, generator = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    assert gl.doctor.check(model, optimizer, nn.MSELoss(), x, y) == ()
    assert gl.doctor().check(model, optimizer, nn.MSELoss(), x, y) == ()
    assert all(torch.equal(part, state[name]) for name, part in model.state_dict().items())
    assert all(part.grad is None for part in model.parameters())
    assert torch.equal(generator, torch.get_rng_state())


def test_what_check_cannot_use() -> None:
    x, y = table()
    model = mlp()
    with pytest.raises(gl.OptionError, match=r"check\(model, optimizer, loss_fn, x, y\)"):
        gl.doctor.check(model, nn.MSELoss(), sgd(model), x, y)
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes"):
        gl.doctor.check(model, sgd(model), nn.MSELoss(), x[:, :2], y)
