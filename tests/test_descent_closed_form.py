"""The closed form beside the loop that a person writes by hand, over the grid of SGD's options."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch_loop import DESIGNS, design, loop, steepest

from gradline.descent.axes import axes_of
from gradline.descent.closed_form import ClosedForm
from gradline.descent.options import Sgd
from gradline.descent.quadratic import quadratic_of
from gradline.moments import Moments

KINDS = {  # momentum, dampening, nesterov
    "plain": (0.0, 0.0, False),
    "momentum": (0.9, 0.0, False),
    "a little momentum": (0.3, 0.0, False),
    "momentum 1": (1.0, 0.0, False),
    "dampened": (0.9, 0.1, False),
    "dampened momentum 1": (1.0, 0.5, False),
    "nesterov": (0.9, 0.0, True),
    "nesterov, momentum 1": (1.0, 0.0, True),
}
OTHERS = list(
    itertools.product(
        ("mean", "sum"),  # reduction
        (True, False),  # zero_grad
        (0.0, 0.01),  # weight decay
        (0.5, 0.99, 1.05),  # lr over 2/λ_max
    )
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """PyTorch's threads wait for each other over these few numbers, ten times as long on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def start_for(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.random.default_rng(21).uniform(-1, 1, (1 + x.shape[1], y.shape[1]))


def largest_near(values: np.ndarray) -> np.ndarray:
    """The largest of each number and the three before and after it."""
    padded = np.pad(values, 3, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 7).max(axis=1)


def check(
    name: str, kind: str, reduction: str, zero_grad: bool, weight_decay: float, share: float, epochs: int = 500
) -> None:
    x, y = design(name)
    momentum, dampening, nesterov = KINDS[kind]
    lr = share * 2 / steepest(x, y, reduction)
    sgd = Sgd(lr, momentum, dampening, nesterov, weight_decay, zero_grad)
    start = start_for(x, y)
    options = {"momentum": momentum, "dampening": dampening, "nesterov": nesterov, "weight_decay": weight_decay}
    seen = loop(x, y, start, epochs=epochs, reduction=reduction, zero_grad=zero_grad, lr=lr, **options)
    path = ClosedForm(quadratic_of(Moments.of(x, y)), start, sgd, reduction, epochs)

    steps = len(seen.loss)
    assert path.steps == steps
    assert path.stopped_at == (None if steps == epochs else steps)
    # Above the loop's own rounding: residuals are differences of numbers as large as y, which leaves them
    # an absolute error of some ε·|y|. It matters only where the loss has all but vanished.
    squares = seen.loss / (1 if reduction == "sum" else 1 / y.size)
    rounding = 1e-10 + 100 * np.finfo(float).eps * np.abs(y).max() / np.sqrt(squares / y.size)
    # A swing that grows crosses zero, where all but the rounding of its neighbours is gone for a step.
    rounding *= np.maximum(1.0, 1e-2 * np.sqrt(largest_near(seen.loss) / seen.loss))
    above = seen.loss > 1e-20 * seen.loss[0]
    assert np.all((np.abs(path.losses(0, steps) / seen.loss - 1) <= rounding)[above])
    size = largest_near(np.abs(seen.theta).max(axis=(1, 2)))[:, None, None]
    assert np.abs((path.parameters(0, steps) - seen.theta) / size).max() <= 1e-10
    assert np.abs(path.parameters_after - seen.end).max() <= 1e-10 * np.abs(seen.end).max()
    # Gradients fade to rounding where training arrives: relative to the largest of the steps so far.
    largest = np.maximum.accumulate(np.abs(seen.grad).max(axis=(1, 2)))[:, None, None]
    assert np.abs((path.gradients(0, steps) - seen.grad) / largest).max() <= 1e-10


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_with_every_other(kind: str) -> None:
    for other in OTHERS:
        check("line", kind, *other, epochs=250)


@pytest.mark.parametrize("name", [name for name in DESIGNS if name != "line"])
def test_every_design(name: str) -> None:
    picks = np.random.default_rng(len(name)).permutation(len(OTHERS))
    for number, kind in enumerate(KINDS):
        for pick in picks[2 * number : 2 * number + 2]:
            check(name, kind, *OTHERS[pick])


@pytest.mark.parametrize("kind", ["plain", "dampened", "nesterov"])
def test_any_step_is_the_same_alone_as_among_others(kind: str) -> None:
    x, y = design("three targets")
    path = ClosedForm(
        quadratic_of(Moments.of(x, y)), start_for(x, y), Sgd(0.05, *KINDS[kind], 0.01, False), "mean", 99
    )
    for step in (0, 1, 2, 3, 7, 64, 98):
        for values in (path.losses, path.parameters, path.gradients):
            np.testing.assert_allclose(values(step, step + 1)[0], values(0, 99)[step], rtol=1e-12, atol=1e-13)


def test_gradients_that_add_up_are_momentum_1_to_the_bit() -> None:
    x, y = design("three targets")
    once = ClosedForm(quadratic_of(Moments.of(x, y)), start_for(x, y), Sgd(0.05, zero_grad=False), "mean", 300)
    twice = replace(once, sgd=Sgd(0.05, momentum=1.0))
    assert np.array_equal(once.losses(0, 300), twice.losses(0, 300))
    assert once._motion.sgd == twice._motion.sgd  # not by chance: the same matrices
    assert np.array_equal(once.parameters(0, 300), twice.parameters(0, 300))
    # what .grad holds is another matter: the sum, or each step's own
    np.testing.assert_allclose(np.cumsum(twice.gradients(0, 300), axis=0), once.gradients(0, 300), atol=1e-12)


def test_nothing_moves_where_columns_depend_on_each_other() -> None:
    x, y = design("dependent")
    start = start_for(x, y)
    path = ClosedForm(quadratic_of(Moments.of(x, y)), start, Sgd(0.1), "mean", 10_000_000)
    for direction in ([0, 1, 1, 0, -1, 0], [-2, 0, 0, 0, 0, 1]):
        moved = np.array(direction) @ (path.parameters_after - start)
        assert abs(moved[0]) <= 1e-12
    exact = np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y)[0]
    fitted = np.column_stack([np.ones(len(x)), x])
    np.testing.assert_allclose(fitted @ path.parameters_after, fitted @ exact, atol=1e-10)


def test_clean_labels_end_at_a_loss_of_nothing_and_never_below() -> None:
    x, _ = design("line")
    y = 2 * x + 3
    path = ClosedForm(quadratic_of(Moments.of(x, y)), np.array([[0.5], [-0.7]]), Sgd(0.01), "mean", 5000)
    loss = path.losses(0, 5000)
    assert np.all(loss >= 0)
    assert loss[-1] <= 1e-28 * loss[0]


@pytest.mark.parametrize(("lr", "rtol"), [(5e-9, 1e-9), (1e-12, 1e-9)])
def test_a_slow_axis_keeps_its_digits_over_a_million_epochs(lr: float, rtol: float) -> None:
    x, y = design("apart")
    start = start_for(x, y)
    path = ClosedForm(quadratic_of(Moments.of(x, y)), start, Sgd(lr), "mean", 10**6)
    # one step as a matrix on (θ - θ_0, 1), squared again and again in long double
    z = np.column_stack([np.ones(len(x)), x]).astype(np.longdouble)
    gram, pull = 2 / len(x) * z.T @ z, 2 / len(x) * z.T @ (y - z @ start)
    step = np.block([[np.eye(4) - lr * gram, lr * pull], [np.zeros((1, 4)), np.ones((1, 1))]])
    exponent, total = 10**6, np.eye(5, dtype=np.longdouble)
    while exponent:
        total = step @ total if exponent & 1 else total
        step, exponent = step @ step, exponent >> 1
    moved = path.parameters_after - start
    np.testing.assert_allclose(moved, total[:4, 4:].astype(float), rtol=rtol, atol=1e-13)


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="long double is no wider than float64 here")
def test_a_growing_swing_keeps_its_phase() -> None:
    """Long double judges: an error in λ, or in one step's matrix, would act in all 500 steps alike."""
    x, y = design("more columns than rows")
    start, lr, wide = start_for(x, y), 1.9 / steepest(x, y, "mean"), np.longdouble
    path = ClosedForm(quadratic_of(Moments.of(x, y)), start, Sgd(lr, 0.9, 0.1, zero_grad=False), "mean", 500)
    z = np.column_stack([np.ones(len(x)), x]).astype(wide)
    theta, gradient, buffer = start.astype(wide), wide(0), None
    for seen in path.parameters(0, 500):
        assert np.abs(seen - theta).max() <= 5e-13 * np.abs(theta).max()
        gradient = gradient + wide(2) / y.size * z.T @ (z @ theta - y)
        buffer = gradient if buffer is None else wide(0.9) * buffer + wide(1 - 0.1) * gradient
        theta = theta - wide(lr) * buffer


def test_a_loss_beyond_float64_stops_the_run_with_its_history() -> None:
    x, y = design("line")
    path = ClosedForm(quadratic_of(Moments.of(x, y)), start_for(x, y), Sgd(0.05), "mean", 10**9)
    assert path.stopped_at == path.steps < 1000
    loss = path.losses(0, path.steps)
    assert np.isfinite(loss).all()
    assert loss[-1] > 1e300
    assert np.isfinite(path.parameters_after).all()


def test_elimination_in_floats_and_in_arrays_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DESIGNS:
        moments = Moments.of(*design(name))
        monkeypatch.setattr("gradline.descent.quadratic.FLOATS", 99)
        floats = quadratic_of(moments)
        monkeypatch.setattr("gradline.descent.quadratic.FLOATS", 0)
        monkeypatch.setattr("gradline.elimination.FLOATS", 0)
        arrays = quadratic_of(moments)
        np.testing.assert_allclose(floats.root, arrays.root, rtol=1e-14, atol=0)
        np.testing.assert_allclose(floats.aim, arrays.aim, rtol=1e-14, atol=0)
        assert floats.floor == pytest.approx(arrays.floor, rel=1e-14, abs=1e-25)


def test_two_axes_by_rotation_are_those_of_lapack() -> None:
    rng = np.random.default_rng(22)
    for _ in range(2000):
        a, d = 10 ** rng.uniform(-6, 6, 2)
        b = rng.normal() * 10 ** rng.uniform(-6, 6)
        for root in (np.array([[a, b], [0, d]]), np.array([[a, b], [0, 0]]), np.array([[a, 0], [0, d]])):
            axes = axes_of(root)
            sigma = np.linalg.svd(root)[1]
            np.testing.assert_allclose(axes.sigma, sigma, rtol=0, atol=1e-15 * sigma[0])
            np.testing.assert_allclose(axes.left * axes.sigma @ axes.right.T, root, rtol=0, atol=1e-15 * sigma[0])
            for side in (axes.left, axes.right):
                np.testing.assert_allclose(side.T @ side, np.eye(2), rtol=0, atol=1e-15)
