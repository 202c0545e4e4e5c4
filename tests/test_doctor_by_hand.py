"""Loops that are right, by hand or with closures: the doctor says nothing, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from doctor_loops import Correct, Numbers, assert_silent, batches, line, linear, table
from torch import nn

correct = Correct()


@correct
def weights_by_hand() -> Numbers:
    x, y = line()
    w = torch.zeros(1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    for _ in range(20):
        loss = ((w * x + b - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.01 * w.grad
            b -= 0.01 * b.grad
            w.grad.zero_()
            b.grad.zero_()
    return [w, b]


@correct
def weights_by_hand_through_data() -> Numbers:
    x, y = line()
    w = torch.zeros(1, requires_grad=True)
    for _ in range(20):
        loss = ((x * w - y) ** 2).mean()
        loss.backward()
        w.data -= 0.01 * w.grad.data
        w.grad.data.zero_()
    return [w]


@correct
def weights_by_hand_and_torch_autograd_grad() -> Numbers:
    x, y = line()
    model = linear()
    for _ in range(20):
        slopes = torch.autograd.grad(nn.MSELoss()(model(x), y), list(model.parameters()))
        with torch.no_grad():
            for part, slope in zip(model.parameters(), slopes, strict=True):
                part -= 0.01 * slope
    return model.parameters()


@correct
def lbfgs_with_a_closure() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(x), y)
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    return model.parameters()


@correct
def a_closure_of_several_batches() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        total = torch.zeros(())
        for xb, yb in batches(x, y, 16):
            loss = nn.MSELoss()(model(xb), yb) / 4
            loss.backward()
            total += loss.detach()
        return total

    for _ in range(6):
        optimizer.step(closure)
    return model.parameters()


@correct
def cleared_before_the_step_that_has_a_closure() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def closure() -> torch.Tensor:
        loss = nn.MSELoss()(model(x), y)
        loss.backward()
        return loss

    for _ in range(6):
        optimizer.zero_grad()
        optimizer.step(closure)
    return model.parameters()


@pytest.mark.parametrize("loop", correct, ids=correct.names)
def test_nothing_is_said_and_nothing_changed(loop: Callable[[], Numbers]) -> None:
    assert_silent(loop)
