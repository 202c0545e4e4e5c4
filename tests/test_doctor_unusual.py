"""Unusual loops that are right: by hand, with closures, of several models."""

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


@pytest.mark.parametrize("loop", correct, ids=correct.names)
def test_nothing_is_said_and_nothing_changed(loop: Callable[[], Numbers]) -> None:
    assert_silent(loop)
