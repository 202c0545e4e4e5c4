"""Ordinary loops that are right: the doctor says nothing, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from doctor_loops import Correct, Numbers, assert_silent, batches, line, linear, mlp, table
from torch import nn
from torch.nn import functional as F  # noqa: N812

correct = Correct()


@correct
def the_notebook() -> Numbers:
    x, y = line()
    model, loss_func = linear(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(500):
        optimizer.zero_grad()
        loss = loss_func(model(x), y)
        loss.backward()
        optimizer.step()
    return model.parameters()


@correct
def shuffled_batches_and_a_weighted_epoch_loss() -> Numbers:
    x, y = table(70)
    model, loss_fn = linear(3), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loader = batches(x, y, 16, shuffle=True)
    torch.manual_seed(5)
    for _ in range(4):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        assert total / len(loader.dataset) > 0
    return model.parameters()


@correct
def equal_batches_and_the_mean_of_them() -> Numbers:
    x, y = table(70)
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loader = batches(x, y, 16, drop_last=True)
    for _ in range(4):
        total = 0.0
        for xb, yb in loader:
            loss = F.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        assert total / len(loader) > 0
    return model.parameters()


@correct
def sums_over_batches_divided_by_rows() -> Numbers:
    x, y = table(70)
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.002)
    for _ in range(3):
        total, rows = 0.0, 0
        for xb, yb in batches(x, y, 16):
            loss = ((model(xb) - yb) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, rows = total + loss.item(), rows + len(xb)
        assert total / rows > 0
    return model.parameters()


@correct
def gradients_accumulated_on_purpose() -> Numbers:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    optimizer.zero_grad()
    for _ in range(3):
        for number, (xb, yb) in enumerate(batches(x, y, 4), start=1):
            (nn.MSELoss()(model(xb), yb) / 4).backward()
            if number % 4 == 0:
                optimizer.step()
                optimizer.zero_grad()
    return model.parameters()


@correct
def gradients_accumulated_and_filled_with_zeros() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        for number, (xb, yb) in enumerate(batches(x, y, 8)):
            if number % 2 == 0:
                optimizer.zero_grad(set_to_none=False)
            (nn.MSELoss()(model(xb), yb) / 2).backward()
            if number % 2 == 1:
                optimizer.step()
    return model.parameters()


@correct
def validation_under_no_grad() -> Numbers:
    x, y = table()
    model, loss_fn = mlp(), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with torch.no_grad():
        best = loss_fn(model(x[48:]), y[48:]).item()
    for _ in range(6):
        model.train()
        for xb, yb in batches(x[:48], y[:48], 16):
            optimizer.zero_grad()
            loss_fn(model(xb), yb).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            best = min(best, loss_fn(model(x[48:]), y[48:]).item())
    return model.parameters()


@correct
def two_models_against_each_other() -> Numbers:
    real, _ = table()
    make, judge = mlp(), mlp()
    make = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))
    opt_make = torch.optim.Adam(make.parameters(), lr=1e-3)
    opt_judge = torch.optim.Adam(judge.parameters(), lr=1e-3)
    loss_fn = nn.BCEWithLogitsLoss()
    for _ in range(8):
        fake = make(torch.randn(64, 2))
        opt_judge.zero_grad()
        loss = loss_fn(judge(real), torch.ones(64, 1)) + loss_fn(judge(fake.detach()), torch.zeros(64, 1))
        loss.backward()
        opt_judge.step()
        opt_make.zero_grad()
        loss_fn(judge(fake), torch.ones(64, 1)).backward()
        opt_make.step()
    return [*make.parameters(), *judge.parameters()]


@correct
def five_steps_of_a_critic_to_one() -> Numbers:
    real, _ = table()
    critic, make = mlp(), nn.Linear(2, 3)
    opt_critic = torch.optim.RMSprop(critic.parameters(), lr=1e-4)
    opt_make = torch.optim.RMSprop(make.parameters(), lr=1e-4)
    for _ in range(4):
        for _ in range(5):
            opt_critic.zero_grad()
            (critic(make(torch.randn(64, 2)).detach()).mean() - critic(real).mean()).backward()
            opt_critic.step()
            for part in critic.parameters():
                part.data.clamp_(-0.1, 0.1)
        opt_make.zero_grad()
        (-critic(make(torch.randn(64, 2))).mean()).backward()
        opt_make.step()
    return [*make.parameters(), *critic.parameters()]


@correct
def a_frozen_first_layer() -> Numbers:
    x, y = table()
    model = mlp()
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD([part for part in model.parameters() if part.requires_grad], lr=0.01)
    for _ in range(10):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
    return model.parameters()


@correct
def clipped_gradients_and_a_schedule() -> Numbers:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for _ in range(10):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.parameters()


@correct
def a_rate_that_warms_up_from_nothing() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: min(1.0, epoch / 5))
    for _ in range(30):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
        schedule.step()
    return model.parameters()


@correct
def the_model_clears_the_gradients() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(10):
        model.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
    return model.parameters()


@correct
def cleared_after_the_step() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(10):
        loss = ((model(x).squeeze(1) - y.squeeze(1)) ** 2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
    return model.parameters()


@pytest.mark.parametrize("loop", correct, ids=correct.names)
def test_nothing_is_said_and_nothing_changed(loop: Callable[[], Numbers]) -> None:
    assert_silent(loop)
