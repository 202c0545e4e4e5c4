"""Loops that are right: the doctor says nothing, and changes nothing."""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Iterable

import pytest
import torch
from doctor_loops import batches, line, linear, mlp, table
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.overrides import _get_current_function_mode_stack
from torch.utils.data.dataloader import _BaseDataLoaderIter

import gradline as gl

Numbers = Iterable[torch.Tensor]
LOOPS: list[Callable[[], Numbers]] = []


def correct(loop: Callable[[], Numbers]) -> Callable[[], Numbers]:
    LOOPS.append(loop)
    return loop


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


@pytest.mark.parametrize("loop", LOOPS, ids=[loop.__name__ for loop in LOOPS])
def test_nothing_is_said_and_nothing_changed(loop: Callable[[], Numbers]) -> None:
    torch.manual_seed(7)
    alone = [part.detach().clone() for part in loop()]
    torch.manual_seed(7)
    with gl.doctor() as doctor:
        watched = [part.detach().clone() for part in loop()]
    assert doctor.findings == ()
    assert repr(doctor) == "doctor: nothing found"
    assert all(torch.equal(one, other) for one, other in zip(alone, watched, strict=True))


def test_there_are_more_than_twenty() -> None:
    assert len(LOOPS) >= 20


def listeners() -> list[object]:
    from torch.optim import optimizer

    return [
        torch.autograd.backward,
        _BaseDataLoaderIter.__next__,
        nn.MSELoss.forward,
        len(_get_current_function_mode_stack()),
        len(optimizer._global_optimizer_pre_hooks),
    ]


def test_nothing_is_left_behind() -> None:
    before = listeners()
    with contextlib.suppress(ZeroDivisionError), gl.doctor():
        assert listeners() != before
        raise ZeroDivisionError
    assert listeners() == before
    with gl.doctor():
        the_notebook()
    assert listeners() == before


def test_one_inside_the_other_and_one_twice() -> None:
    before = listeners()
    with gl.doctor() as outer, gl.doctor() as inner:
        the_notebook()
        with pytest.raises(gl.OptionError, match="watching a loop already"), outer:
            pass
        assert repr(outer) == "doctor: watching"
    assert (outer.findings, inner.findings) == ((), ())
    with outer:
        the_notebook()
    assert listeners() == before


def test_the_first_one_closed_first() -> None:
    before = listeners()
    first, second = gl.doctor(), gl.doctor()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    the_notebook()
    second.__exit__(None, None, None)
    the_notebook()
    assert listeners()[3:] == before[3:]
    # The wrappers were not taken off in order: the first one stays, and does nothing.
    torch.autograd.backward, _BaseDataLoaderIter.__next__, nn.MSELoss.forward = before[:3]


def test_other_threads_are_not_watched() -> None:
    def unzeroed() -> None:
        x, y = line()
        model = linear()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
        for _ in range(20):
            nn.MSELoss()(model(x), y).backward()
            optimizer.step()

    with gl.doctor() as doctor:
        other = threading.Thread(target=unzeroed)
        other.start()
        other.join()
    assert doctor.findings == ()


def test_check_changes_nothing() -> None:
    x, y = table()
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    state, generator = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    assert gl.doctor.check(model, optimizer, nn.MSELoss(), x, y) == ()
    assert gl.doctor().check(model, optimizer, nn.MSELoss(), x, y) == ()
    assert all(torch.equal(part, state[name]) for name, part in model.state_dict().items())
    assert all(part.grad is None for part in model.parameters())
    assert torch.equal(generator, torch.get_rng_state())
