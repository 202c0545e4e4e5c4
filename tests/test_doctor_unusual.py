"""Loops that are right, of unusual losses and of several models: the doctor says nothing, and changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from doctor_loops import Correct, Numbers, assert_silent, batches, line, linear, mlp, table
from torch import nn
from torch.nn import functional as F  # noqa: N812

correct = Correct()


@correct
def several_targets() -> Numbers:
    x, _ = table()
    y = x @ torch.ones(3, 2) + 1
    model = linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(20):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
    return model.parameters()


@correct
def flat_on_both_sides() -> Numbers:
    x, y = table()
    y = y.flatten()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        F.mse_loss(model(x)[:, 0], y).backward()
        optimizer.step()
    return model.parameters()


@correct
def pairwise_differences_meant_as_such() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(5):
        score = model(x).flatten()
        apart = score.unsqueeze(1) - score
        wanted = y - y.T
        optimizer.zero_grad()
        ((apart - wanted) ** 2).mean().backward()
        optimizer.step()
    return model.parameters()


@correct
def float64_from_numpy() -> Numbers:
    x, y = (part.double() for part in table())
    model = linear(3).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
    return model.parameters()


@correct
def losses_logged_as_numbers() -> Numbers:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    history, path = [], []
    for _ in range(20):
        optimizer.zero_grad()
        pred = model(x)
        path.append(pred.detach().numpy().copy())
        loss = nn.MSELoss()(pred, y)
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert sum(history) / len(history) > 0
    return model.parameters()


@correct
def classes_rather_than_numbers() -> Numbers:
    x, y = table()
    labels = (y[:, 0] > 3).long()
    model = linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=5.0)
    for _ in range(10):
        optimizer.zero_grad()
        out = model(x)
        nn.CrossEntropyLoss()(out, labels).backward()
        optimizer.step()
        assert 0 <= (out.argmax(1) == labels).float().mean() <= 1
    return model.parameters()


@correct
def adam_on_unscaled_features_above_the_limit_of_sgd() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(30):
        optimizer.zero_grad()
        nn.MSELoss()(model(x * torch.tensor([1.0, 100.0, 1000.0])), y).backward()
        optimizer.step()
    return model.parameters()


@correct
def absolute_errors_at_a_high_rate() -> Numbers:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        nn.L1Loss()(model(x), y).backward()
        optimizer.step()
    return model.parameters()


@correct
def huber_far_from_the_target() -> Numbers:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        nn.HuberLoss()(model(x), y).backward()
        optimizer.step()
    return model.parameters()


@correct
def slices_of_a_permutation() -> Numbers:
    x, y = table(70)
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(6)
    for _ in range(4):
        order, total = torch.randperm(70, generator=generator), 0.0
        for part in order.split(16):
            optimizer.zero_grad()
            loss = nn.MSELoss()(model(x[part]), y[part])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(part)
        total /= 70
    return model.parameters()


@correct
def a_device_as_a_context_and_dropout() -> Numbers:
    x, y = table()
    with torch.device("cpu"):
        model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(20):
            optimizer.zero_grad()
            nn.MSELoss()(model(x), y).backward()
            optimizer.step()
    return model.parameters()


@correct
def one_model_after_the_other() -> Numbers:
    x, y = line()
    parts: list[torch.Tensor] = []
    for _ in range(3):
        model = linear()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(15):
            optimizer.zero_grad()
            nn.MSELoss()(model(x), y).backward()
            optimizer.step()
        parts += model.parameters()
    return parts


@correct
def a_target_network_behind_the_trained_one() -> Numbers:
    x, y = table()
    model = mlp()
    behind = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(10):
        with torch.no_grad():
            goal = y + 0.5 * behind(x)
        loss = F.smooth_l1_loss(model(x), goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for old, new in zip(behind.parameters(), model.parameters(), strict=True):
            old.data.mul_(0.9).add_(new.data, alpha=0.1)
    return model.parameters()


@correct
def fused_steps_and_no_bias() -> Numbers:
    x, y = table()
    model = nn.Linear(3, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
    for _ in range(20):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
    return model.parameters()


@correct
def torch_func_instead_of_backward() -> Numbers:
    x, y = table()
    model = linear(3)
    parts = dict(model.named_parameters())

    def loss(parts: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return ((torch.func.functional_call(model, parts, (x,)) - y) ** 2).mean()

    for _ in range(5):
        slopes = torch.func.grad(loss)(parts, x, y)
        parts = {name: part - 0.1 * slopes[name] for name, part in parts.items()}
    return parts.values()


@correct
def sparse_gradients() -> Numbers:
    _, y = table()
    torch.manual_seed(2)
    model = nn.Embedding(10, 3, sparse=True)
    optimizer = torch.optim.SparseAdam(list(model.parameters()))
    for _ in range(6):
        optimizer.zero_grad()
        ((model(torch.arange(8)).sum(1) - y[:8, 0]) ** 2).mean().backward()
        optimizer.step()
    return model.parameters()


@correct
def steps_to_a_sharper_place_and_back() -> Numbers:
    """Sharpness-aware minimization: parameters move without a step."""
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(8):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        with torch.no_grad():
            away = [0.01 * part.grad for part in model.parameters()]
            for part, move in zip(model.parameters(), away, strict=True):
                part += move
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        with torch.no_grad():
            for part, move in zip(model.parameters(), away, strict=True):
                part -= move
        optimizer.step()
    return model.parameters()


@correct
def inputs_that_fool_the_model() -> Numbers:
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(6):
        moved = x.clone().detach().requires_grad_(True)
        nn.MSELoss()(model(moved), y).backward()
        moved = (x + 0.01 * moved.grad.sign()).detach()
        optimizer.zero_grad()
        nn.MSELoss()(model(moved), y).backward()
        optimizer.step()
    return model.parameters()


@correct
def two_steps_of_a_maker_to_one_of_its_judge() -> Numbers:
    real, _ = table()
    make, judge = linear(2, 3), mlp()
    opt_make = torch.optim.SGD(make.parameters(), lr=1e-2)
    opt_judge = torch.optim.SGD(judge.parameters(), lr=1e-2)
    for _ in range(4):
        opt_judge.zero_grad()
        (judge(make(torch.randn(64, 2)).detach()).mean() - judge(real).mean()).backward()
        opt_judge.step()
        for _ in range(3):
            opt_make.zero_grad()
            (-judge(make(torch.randn(64, 2))).mean()).backward()
            opt_make.step()
    return [*make.parameters(), *judge.parameters()]


@correct
def a_model_that_waits_for_its_turn() -> Numbers:
    x, y = table()
    first, second = linear(3), linear(3)
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in (first, second)]
    for _ in range(6):
        nn.MSELoss()(first(x), y).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    return [*first.parameters(), *second.parameters()]


@correct
def distances_to_as_many_centres() -> Numbers:
    x, _ = table()
    model = linear(3)
    centres = torch.linspace(-1, 1, 64)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(5):
        score = model(x).flatten()
        optimizer.zero_grad()
        ((score.unsqueeze(1) - centres) ** 2).mean().backward()
        optimizer.step()
    return model.parameters()


@correct
def a_difference_that_is_no_loss() -> Numbers:
    x, y = table()
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        pred = model(x)
        worst = (pred - y.round().long()).abs().max().item()
        assert worst > 0
        optimizer.zero_grad()
        nn.MSELoss()(pred, y).backward()
        optimizer.step()
    return model.parameters()


@correct
def another_mean_over_the_batches() -> Numbers:
    x, y = table(70)
    model = linear(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loader = batches(x, y, 16)
    for _ in range(3):
        rows = 0
        for xb, yb in loader:
            optimizer.zero_grad()
            nn.MSELoss()(model(xb), yb).backward()
            optimizer.step()
            rows += len(xb)
        assert rows / len(loader) == 14
    return model.parameters()


@pytest.mark.parametrize("loop", correct, ids=correct.names)
def test_nothing_is_said_and_nothing_changed(loop: Callable[[], Numbers]) -> None:
    assert_silent(loop)
