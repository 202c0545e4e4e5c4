"""The limit is where training turns, for every option that moves it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from torch_loop import design, loop, steepest

import gradline as gl
from gradline.errors import OptionError

OPTIONS = [
    {},
    {"momentum": 0.5},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.5},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 1.0, "nesterov": True},
    {"weight_decay": 0.3},
    {"momentum": 0.8, "weight_decay": 0.3},
    {"momentum": 0.8, "weight_decay": 0.3, "nesterov": True},
    {"zero_grad": False, "weight_decay": 0.3},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_training_settles_just_below_the_limit_and_grows_just_above(options: dict, reduction: str) -> None:
    rng = np.random.default_rng(30)
    x = rng.normal(size=(30, 3)) * [1.0, 1.5, 2.0]
    y = rng.normal(size=(30, 2))
    start = rng.normal(size=(4, 2))
    moments = gl.Moments.of(x, y)
    limit = moments.stability(reduction=reduction, **options).lr_limit
    request = {"epochs": 20_000, "init": (start[1:].T, start[0]), "reduction": reduction, **options}
    below = moments.train(lr=0.999 * limit, **request).history.loss
    with pytest.warns(gl.GradlineWarning, match="above the limit"):
        above = moments.train(lr=1.001 * limit, **request).history.loss
    assert np.ptp(below[-50:]) < 1e-3 * below[0]
    assert above[-50:].max() > 10 * above[0]


@pytest.mark.parametrize(
    "options", [{"momentum": 0.9, "nesterov": True}, {"momentum": 0.5, "dampening": 0.5}], ids=str
)
def test_the_loop_in_pytorch_turns_there_too(options: dict) -> None:
    x, y = design("line")
    limit = gl.stability(x, y, **options).lr_limit
    start = np.array([[0.1], [-0.2]])
    below = loop(x, y, start, epochs=1000, lr=0.98 * limit, **options).loss
    above = loop(x, y, start, epochs=1000, lr=1.02 * limit, **options).loss
    assert below[-10:].max() < below[0] < 1e-3 * above[-10:].max()


def test_the_known_formulas() -> None:
    x, y = design("three targets")
    top = steepest(x, y, "mean")
    for options, limit in (
        ({}, 2 / top),
        ({"momentum": 0.9}, 2 * 1.9 / top),
        ({"momentum": 1.0}, 4 / top),
        ({"zero_grad": False}, 4 / top),
        ({"momentum": 0.9, "nesterov": True}, 3.8 / 2.8 / top),
        ({"zero_grad": False, "momentum": 0.5}, 0.0),
    ):
        assert gl.stability(x, y, **options).lr_limit == pytest.approx(limit, rel=1e-12)


def test_gradients_that_add_up_swing_for_ever_below_their_limit() -> None:
    x, y = design("line")
    run = gl.train(x, y, lr=0.9 * gl.stability(x, y, zero_grad=False).lr_limit, zero_grad=False, epochs=5000, seed=0)
    assert 0.5 * run.history.loss[:100].max() < run.history.loss[-100:].max() < 2 * run.history.loss[:100].max()


@pytest.mark.parametrize(
    "options", [o for o in OPTIONS if o.get("momentum") != 1.0 and "zero_grad" not in o], ids=str
)
def test_no_rate_is_better_than_the_best(options: dict) -> None:
    x, y = design("three targets")
    best = gl.stability(x, y, **options)
    for share in (0.5, 0.9, 0.97, 1.03, 1.1):
        other = gl.stability(x, y, lr=share * best.lr_best, **options)
        assert other.growth >= best.growth * (1 - 1e-9)


def test_the_best_momentum_beats_every_other_pair() -> None:
    x, y = design("line")
    plain = gl.stability(x, y)
    best = gl.stability(x, y, lr=plain.lr_momentum_best, momentum=plain.momentum_best)
    assert best.growth == pytest.approx(plain.momentum_best, rel=1e-6)
    for lr, momentum in ((0.97, 1.0), (1.03, 1.0), (1.0, 0.95), (1.0, 1.05)):
        lr, momentum = lr * plain.lr_momentum_best, momentum * plain.momentum_best
        assert gl.stability(x, y, lr=lr, momentum=momentum).growth > best.growth


@pytest.mark.parametrize("tol", [1e-2, 1e-3, 1e-6])
def test_epochs_to_is_when_the_slowest_direction_has_shrunk_to_tol(tol: float) -> None:
    x, y = design("line")
    stability = gl.stability(x, y, lr=0.01)
    z = np.column_stack([np.ones(len(x)), x])
    slowest = np.abs(1 - 0.01 * np.linalg.eigvalsh(2 / len(x) * z.T @ z)).max()
    epochs = stability.epochs_to(tol)
    assert slowest**epochs <= tol < slowest ** (epochs - 1)
    assert gl.stability(x, y, lr=1.0).epochs_to(tol) == math.inf


def test_growth_is_the_factor_of_the_loss() -> None:
    x, y = design("line")
    with pytest.warns(gl.GradlineWarning):
        run = gl.train(x, y, lr=0.05, epochs=100, seed=0)
    assert run.history.loss[-1] / run.history.loss[-2] == pytest.approx(run.stability.growth, rel=1e-9)


def test_the_column_to_blame() -> None:
    x, y = design("apart")
    assert gl.stability(x, y).column == "x2"
    assert gl.stability(x * 1e-9, y).column == "Intercept"


def test_standardizing_makes_a_bowl_rounder() -> None:
    x, y = design("apart")
    assert gl.stability(x, y).condition_number > 1e11
    assert gl.stability(x, y, standardize=True).condition_number < 10


def test_directions_without_slope_do_not_count() -> None:
    x, y = design("dependent")
    kept = gl.stability(x[:, :3], y)
    whole = gl.stability(x, y)
    assert len(whole.steepness) == len(kept.steepness) == 4
    assert whole.condition_number < 100


def test_a_round_bowl_is_done_in_one_step() -> None:
    x = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    stability = gl.stability(x, np.array([1.0, 2.0, 3.0, 5.0]))
    assert stability.condition_number == pytest.approx(1)
    assert stability.momentum_best == pytest.approx(0)
    assert stability.epochs_to(1e-6) == 1


def test_it_prints_itself_in_a_few_lines() -> None:
    stability = gl.stability(*gl.line(seed=0), lr=0.01)
    assert repr(stability).startswith("Stability: limit 0.02907 (set by x)")
    assert repr(stability).count("\n") <= 2
    assert all(len(line) <= 80 for line in stability.summary().splitlines())


@pytest.mark.parametrize("tol", [0, 1, -1, float("nan"), "x", True])
def test_a_tolerance_out_of_range(tol: object) -> None:
    with pytest.raises(OptionError, match="tol must be a number between 0 and 1"):
        gl.stability(*gl.line(seed=0)).epochs_to(tol)


def test_a_rate_whose_growth_is_beyond_float64() -> None:
    x, y = gl.line(seed=0)
    with pytest.warns(gl.GradlineWarning, match="above the limit .*: the loss will"):
        run = gl.train(x, y, lr=1e200, epochs=3, seed=0)
    assert run.status == "diverged"
    assert run.stability.growth == np.inf
