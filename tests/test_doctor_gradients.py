"""The doctor on gradients that are never zeroed, and on optimizers of another model.

Each as a learner writes it; the line to change is marked `# here`.
"""

from __future__ import annotations

import pytest
import torch
from doctor_loops import Loop, Mistakes, assert_named, batches, line, linear, mlp, table
from torch import nn
from torch.nn import functional as F  # noqa: N812

mistake = Mistakes()


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


@pytest.mark.parametrize(("kind", "write", "loop"), mistake, ids=mistake.names)
def test_the_doctor_names_the_line(kind: str, write: str, loop: Loop) -> None:
    assert_named(kind, write, loop)
