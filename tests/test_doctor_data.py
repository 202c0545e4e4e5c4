"""The doctor on rates above the limit, on unscaled features and on unequal batches.

Each as a learner writes it; the line to change is marked `# here`.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from doctor_loops import Loop, Mistakes, assert_named, batches, line, linear, mlp, table
from torch import nn
from torch.nn import functional as F  # noqa: N812

import gradline as gl

mistake = Mistakes()


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


@mistake("lr-above-limit", "torch.optim.SGD(model.parameters(), 0.0524, 0.9)")
def a_rate_without_its_name() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), 0.5, 0.9)  # here
    for _ in range(10):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
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


@pytest.mark.parametrize(("kind", "write", "loop"), mistake, ids=mistake.names)
def test_the_doctor_names_the_line(kind: str, write: str, loop: Loop) -> None:
    assert_named(kind, write, loop)


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
