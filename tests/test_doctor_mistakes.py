"""Each classic mistake as a learner writes it. The line to change is marked `# here`, the mistake with its kind."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from doctor_loops import batches, line, linear, mlp, table
from torch import nn
from torch.nn import functional as F  # noqa: N812

import gradline as gl
from gradline.loopdoctor.finding import Finding

Loop = Callable[[], None]
LOOPS: list[tuple[str, str, Loop]] = []


def mistake(kind: str, write: str) -> Callable[[Loop], Loop]:
    """A loop with one mistake of this kind, and what the finding must say to write."""

    def add(loop: Loop) -> Loop:
        LOOPS.append((kind, write, loop))
        return loop

    return add


def findings(loop: Loop) -> tuple[Finding, ...]:
    doctor = gl.doctor()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with doctor:
                loop()
        except RuntimeError as error:
            assert "does not require grad" in str(error) or "same dtype" in str(error)  # noqa: PT017 - some fail
    told = [str(warning.message) for warning in caught if warning.category is gl.GradlineWarning]
    assert told == [str(finding) for finding in doctor.findings]
    return doctor.findings


def marked(loop: Loop) -> str:
    """file:line of the line with the mark in the loop's source."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    first = loop.__code__.co_firstlineno
    number = next(n for n in range(first, len(lines)) if lines[n - 1].endswith("# here"))
    return f"{Path(__file__).name}:{number}"


# 1 -- gradients that are never zeroed, or at the wrong moment -------------------------------------------------


@mistake("never-zeroed", "optimizer.zero_grad() before this line")
def the_notebook_without_zero_grad() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    for _ in range(20):
        loss = nn.MSELoss()(model(x), y)
        loss.backward()  # here
        optimizer.step()


@mistake("never-zeroed", "opt.zero_grad() before this line")
def adam_and_batches_without_zero_grad() -> None:
    x, y = table()
    model = mlp()
    opt = torch.optim.Adam(model.parameters(), lr=0.001)
    for _ in range(3):
        for xb, yb in batches(x, y, 16, shuffle=True):
            loss = F.mse_loss(model(xb), yb)
            loss.backward()  # here
            opt.step()


@mistake("never-zeroed", "optimizer.zero_grad() before this line")
def zero_grad_once_per_epoch_only() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        for xb, yb in batches(x, y, 8):
            loss = ((model(xb) - yb) ** 2).mean()
            loss.backward()  # here
            optimizer.step()


@mistake("never-zeroed", "optimizer.zero_grad()")
def zero_grad_without_brackets() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(10):
        optimizer.zero_grad  # noqa: B018  # here
        loss = nn.MSELoss()(model(x), y)
        loss.backward()
        optimizer.step()


@mistake("never-zeroed", "optimizer.zero_grad() before this line")
def clipped_and_never_zeroed() -> None:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(10):
        loss = nn.MSELoss()(model(x), y)
        loss.backward()  # here
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()


@mistake("never-zeroed", "optimizer.zero_grad() before this line")
def a_closure_without_zero_grad() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=5)

    def closure() -> torch.Tensor:
        loss = nn.MSELoss()(model(x), y)
        loss.backward()  # here
        return loss

    for _ in range(3):
        optimizer.step(closure)


@mistake("never-zeroed", "optimizer.zero_grad() before this line")
def accumulation_that_is_never_cleared() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(4):
        for number, (xb, yb) in enumerate(batches(x, y, 8)):
            loss = nn.MSELoss()(model(xb), yb) / 4
            loss.backward()  # here
            if number % 4 == 3:
                optimizer.step()


@mistake("never-zeroed", "w.grad = None for each parameter before this line")
def weights_by_hand_without_zeroing() -> None:
    x, y = line()
    w = torch.zeros(1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    for _ in range(20):
        loss = ((w * x + b - y) ** 2).mean()
        loss.backward()  # here
        with torch.no_grad():
            w -= 0.001 * w.grad
            b -= 0.001 * b.grad


@mistake("never-zeroed", "w.grad = None for each parameter before this line")
def weights_by_hand_through_data() -> None:
    x, y = line()
    w = torch.zeros(1, requires_grad=True)
    for _ in range(20):
        loss = ((w * x - y) ** 2).mean()
        loss.backward()  # here
        w.data -= 0.001 * w.grad.data


@mistake("cleared", "optimizer.zero_grad() before loss.backward()")
def zero_grad_between_backward_and_step() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        loss = nn.MSELoss()(model(x), y)
        loss.backward()
        optimizer.zero_grad()  # here
        optimizer.step()


@mistake("cleared", "optimizer.zero_grad() before loss.backward()")
def zeros_between_backward_and_step() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(5):
        loss = nn.MSELoss()(model(x), y)
        loss.backward()
        optimizer.zero_grad(set_to_none=False)  # here
        optimizer.step()


# 2 -- an optimizer that holds another model's parameters -------------------------------------------------------


@mistake("other-parameters", "torch.optim.SGD(params=model_1.parameters(), lr=0.01)")
def the_optimizer_of_model_0() -> None:
    x, y = line()
    model_0, model_1 = linear(), linear()
    del x
    x = torch.linspace(0, 1, 100).unsqueeze(1)
    loss_fn = nn.L1Loss()
    optimizer = torch.optim.SGD(params=model_0.parameters(), lr=0.01)  # here
    for _ in range(5):
        pred = model_1(x)
        loss = loss_fn(pred, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("other-parameters", "torch.optim.Adam(model.parameters(), lr=0.01)")
def a_model_made_again_after_the_optimizer() -> None:
    x, y = table()
    model = mlp()
    opt = torch.optim.Adam(model.parameters(), lr=0.01)  # here
    model = mlp()
    for _ in range(3):
        for xb, yb in batches(x, y, 16):
            opt.zero_grad()
            nn.MSELoss()(model(xb), yb).backward()
            opt.step()


@mistake("other-parameters", "torch.optim.SGD(second.parameters(), lr=0.01, momentum=0.9)")
def an_optimizer_whose_model_was_trained_before() -> None:
    x, y = table()
    first, second = linear(3), linear(3)
    optimizer = torch.optim.SGD(first.parameters(), lr=0.01, momentum=0.9)  # here
    nn.MSELoss()(first(x), y).backward()
    optimizer.step()
    for _ in range(6):
        second.zero_grad()
        nn.MSELoss()(second(x), y).backward()
        optimizer.step()


# 3 -- a loss that broadcasts -----------------------------------------------------------------------------------


@mistake("broadcast", "model(x) - y.unsqueeze(1)")
def a_flat_target_in_a_loss_by_hand() -> None:
    x, y = line()
    y = y[:, 0]
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()  # here
        loss.backward()
        optimizer.step()


@mistake("broadcast", "loss_fn(model(x), y.unsqueeze(1))")
def a_flat_target_in_mse_loss() -> None:
    x, y = table()
    y = y.flatten()
    model, loss_fn = linear(3), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)  # here
        loss.backward()
        optimizer.step()


@mistake("broadcast", "yb.unsqueeze(1) - pred")
def a_flat_target_in_batches_target_first() -> None:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    for xb, yb in batches(x, y[:, 0], 16):
        pred = model(xb)
        loss = torch.mean((yb - pred) ** 2)  # here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("broadcast", "pred - y.squeeze(1)")
def a_flat_prediction_and_a_sum() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
    for _ in range(5):
        pred = model(x).squeeze()
        loss = (pred - y).pow(2).sum() / len(x)  # here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("broadcast", "F.huber_loss(model(x), y.unsqueeze(1))")
def a_flat_target_in_huber_loss() -> None:
    x, y = table()
    y = y.reshape(-1)
    model = linear(3)
    optimizer = torch.optim.RMSprop(model.parameters())
    for _ in range(5):
        optimizer.zero_grad()
        F.huber_loss(model(x), y).backward()  # here
        optimizer.step()


# 4 -- detached tensors and whole numbers ------------------------------------------------------------------------


@mistake("detached", "model(x), without .detach()")
def a_detached_prediction() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        pred = model(x).detach()  # here
        loss = ((pred - y) ** 2).mean()
        loss.backward()
        optimizer.step()


@mistake("detached", "pred, without torch.tensor()")
def a_prediction_copied_and_made_to_require_grad() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        pred = model(x)
        pred = torch.tensor(pred, requires_grad=True)  # here
        loss = nn.MSELoss()(pred, y)
        loss.backward()
        optimizer.step()


@mistake("detached", "model(x), without .detach()")
def an_error_silenced_by_requires_grad() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        pred = model(x).detach()  # here
        loss = nn.MSELoss()(pred, y)
        loss.requires_grad = True
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("detached", "loss, without .item()")
def a_loss_turned_into_a_number() -> None:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    for xb, yb in batches(x, y, 16):
        loss = nn.MSELoss()(model(xb), yb)
        loss = torch.tensor(loss.item(), requires_grad=True)  # here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("detached", "model(x), without .data")
def the_data_of_a_prediction() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    optimizer.zero_grad()
    pred = model(x).data  # here
    loss = nn.MSELoss()(pred, y)
    loss.backward()
    optimizer.step()


@mistake("detached", "the forward pass outside torch.no_grad()")
def a_forward_pass_without_gradients() -> None:
    x, y = line()
    model = linear()
    with torch.no_grad():
        pred = model(x)  # here
    loss = nn.MSELoss()(pred, y)
    loss.backward()


@mistake("detached", "model.requires_grad_(True)")
def a_frozen_model() -> None:
    x, y = line()
    model = linear().requires_grad_(False)
    loss = nn.MSELoss()(model(x), y)
    loss.backward()  # here


@mistake("detached", "model(x), as it was")
def a_rounded_prediction() -> None:
    x, y = line()
    model = linear()
    pred = model(x).long()  # here
    loss = ((pred - y) ** 2).mean()
    loss.backward()


@mistake("integer", "model(x.float())")
def whole_numbers_as_features() -> None:
    x = torch.arange(10).unsqueeze(1)
    y = 2.0 * x + 3
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    optimizer.zero_grad()
    loss = nn.MSELoss()(model(x), y)  # here
    loss.backward()
    optimizer.step()


@mistake("integer", "loss_fn(model(x), y.float())")
def a_target_cut_to_whole_numbers() -> None:
    x, y = table()
    y = y.long()
    model, loss_fn = linear(3), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)  # here
        loss.backward()
        optimizer.step()


@mistake("integer", "pred - yb.float()")
def whole_targets_in_a_loss_by_hand() -> None:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for xb, yb in batches(x, y.int(), 16):
        optimizer.zero_grad()
        pred = model(xb)
        loss = ((pred - yb) ** 2).mean()  # here
        loss.backward()
        optimizer.step()


@mistake("another-dtype", "model(x.float())")
def numpy_features_in_float64() -> None:
    x = torch.from_numpy(np.linspace(-1, 1, 50)[:, None])
    model = linear()
    loss = ((model(x) - x) ** 2).mean()  # here
    loss.backward()


# 5 -- a learning rate above the limit -----------------------------------------------------------------------------


@mistake("lr-above-limit", "torch.optim.SGD(model.parameters(), lr=0.0276)")
def the_notebook_with_too_high_a_rate() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)  # here
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(x), y)
        loss.backward()
        optimizer.step()


@mistake("lr-above-limit", "momentum=0.9")
def momentum_in_a_loop_by_hand() -> None:
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(50, 1, generator=generator) * 6 - 3
    y = 0.1 * x + 1
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)  # here
    for _ in range(10):
        loss = ((model(x) - y) ** 2).sum() / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@mistake("lr-above-limit", "torch.optim.SGD(model.parameters(), lr=")
def batches_with_too_high_a_rate() -> None:
    x, y = line(96)
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.06)  # here
    for _ in range(3):
        for xb, yb in batches(x, y, 32, shuffle=True):
            optimizer.zero_grad()
            nn.MSELoss()(model(xb), yb).backward()
            optimizer.step()


@mistake("lr-above-limit", "torch.optim.SGD(model.parameters(), lr=")
def a_sum_instead_of_a_mean() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)  # here
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.MSELoss(reduction="sum")(model(x), y)
        loss.backward()
        optimizer.step()


# 6 -- features so unscaled that the epochs are hopeless -------------------------------------------------------------


@mistake("unscaled", "(x - x.mean(0)) / x.std(0)")
def celsius_to_fahrenheit() -> None:
    celsius = torch.linspace(-40, 400, 45).unsqueeze(1)
    fahrenheit = 1.8 * celsius + 32
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(celsius), fahrenheit)  # here
        loss.backward()
        optimizer.step()


@mistake("unscaled", "(x - x.mean(0)) / x.std(0)")
def rooms_and_square_feet_in_batches() -> None:
    generator = torch.Generator().manual_seed(4)
    x = torch.rand(64, 2, generator=generator) * torch.tensor([5.0, 2000.0]) + 1
    y = 10 * x[:, :1] + 0.1 * x[:, 1:]
    model = linear(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-7)
    for _ in range(5):
        for xb, yb in batches(x, y, 16):
            optimizer.zero_grad()
            loss = ((model(xb) - yb) ** 2).mean()  # here
            loss.backward()
            optimizer.step()


# 7 -- a mean of unequal batch means --------------------------------------------------------------------------------


@mistake("unequal-batches", "total / len(loader.dataset), of loss.item() * len(xb)")
def a_sum_over_the_number_of_batches() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = batches(x, y, 30)
    for _ in range(3):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.MSELoss()(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        epoch_loss = total / len(loader)  # here
        assert epoch_loss > 0


@mistake("unequal-batches", "sum(losses) / len(train_loader.dataset), of loss.item() * len(xb)")
def a_list_and_its_mean() -> None:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    train_loader = batches(x, y, 25, shuffle=True)
    history = []
    for _ in range(3):
        losses = []
        for xb, yb in train_loader:
            loss = F.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        history.append(np.mean(losses))  # here


@mistake("unequal-batches", "sum(losses) / len(loader.dataset), of loss.item()")
def a_list_its_sum_and_its_length() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = batches(x, y, 60)

    def epoch() -> float:
        losses = []
        for xb, yb in loader:
            loss = ((model(xb) - yb) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return float(sum(losses) / len(losses))  # here

    for _ in range(4):
        epoch()


@mistake("unequal-batches", "test_loss / len(test.dataset), of loss.item() * len(xb)")
def a_validation_loss_as_in_the_tutorial() -> None:
    x, y = table()
    model, loss_fn = linear(3), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    train, test = batches(x[:32], y[:32], 16), batches(x[32:], y[32:], 30)
    for _ in range(3):
        for xb, yb in train:
            optimizer.zero_grad()
            loss_fn(model(xb), yb).backward()
            optimizer.step()
        test_loss = 0.0
        with torch.no_grad():
            for xb, yb in test:
                test_loss += loss_fn(model(xb), yb).item()
        test_loss /= len(test)  # here


@mistake("unequal-batches", "running / len(loader.dataset), of loss.item() * len(xb)")
def a_counter_of_batches() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = batches(x, y, 20)
    for epoch in range(3):
        running, number = torch.zeros(()), 0
        for number, (xb, yb) in enumerate(loader):  # noqa: B007 - as learners do
            optimizer.zero_grad()
            loss = nn.MSELoss()(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.detach()
        print(epoch, float(running) / (number + 1))  # noqa: T201  # here


@pytest.mark.parametrize(("kind", "write", "loop"), LOOPS, ids=[loop.__name__ for _, _, loop in LOOPS])
def test_the_doctor_names_the_line(kind: str, write: str, loop: Loop) -> None:
    found = findings(loop)
    assert [finding.kind for finding in found] == [kind], found
    assert found[0].where == marked(loop)
    assert write in found[0].write
    assert str(found[0]).count("\n") == 2
    assert all(len(row) <= 80 for row in str(found[0]).splitlines()), str(found[0])


def test_slices_by_hand_at_the_end_of_the_block() -> None:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with pytest.warns(gl.GradlineWarning, match="unequal-batches"), gl.doctor() as doctor:  # noqa: PT031
        for _ in range(3):
            total, count = 0.0, 0
            for first in range(0, 64, 24):
                xb, yb = x[first : first + 24], y[first : first + 24]
                optimizer.zero_grad()
                loss = nn.MSELoss()(model(xb), yb)
                loss.backward()
                optimizer.step()
                total, count = total + loss.item(), count + 1
            average = total / count
    assert average > 0
    assert [finding.kind for finding in doctor.findings] == ["unequal-batches"]


def test_the_limit_is_that_of_the_data() -> None:
    """Exactly: one per cent below and above it."""
    x, y = line()
    limit = gl.stability(x, y).lr_limit
    for lr, kinds in ((0.99 * limit, []), (1.01 * limit, ["lr-above-limit"])):
        model = linear()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        found = gl.doctor.check(model, optimizer, nn.MSELoss(), x, y)
        assert [finding.kind for finding in found] == kinds
        for finding in found:
            assert re.search(rf"{limit:.4g}, set by column 0 of 100 rows", finding.seen)
