"""lr="auto" and momentum="auto": the best where there is a formula, and never a run that diverges."""

from __future__ import annotations

import numpy as np
import pytest

import gradline as gl
from gradline.errors import OptionError


def wild(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows with long tails, single rows far out, columns of any size and mean, columns that repeat each other."""
    rng = np.random.default_rng([41, seed])
    n, d = int(rng.integers(3, 80)), int(rng.integers(1, 7))
    x = rng.normal(size=(n, d))
    kind = seed % 6
    if kind == 1:
        x = rng.standard_cauchy(size=(n, d))
    elif kind == 2:
        x = rng.lognormal(0, 3, size=(n, d))
    elif kind == 3:
        x = x * 10.0 ** rng.uniform(-8, 8, d)
    elif kind == 4:
        x[rng.integers(n)] *= 1e4
    elif kind == 5:
        x = np.column_stack([x, x[:, 0] + 1e-6 * rng.normal(size=n)]) + rng.normal() * 100
    return x, x @ rng.normal(size=x.shape[1]) + rng.normal(size=n)


OPTIONS = [
    {},
    {"momentum": "auto"},
    {"momentum": 0.9},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.9, "dampening": 0.9},
    {"standardize": True, "reduction": "sum", "weight_decay": 0.1},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_all_rows_never_diverge(options: dict) -> None:
    for seed in range(200):
        x, y = wild(seed)
        run = gl.train(x, y, lr="auto", epochs=1000, seed=seed, **options)
        first, last = run.path.losses(0, 1)[0], run.path.losses(999, 1000)[0]
        assert run.stopped_at is None
        assert last <= 2 * first, seed  # momentum may swing
        assert run.stability.stable


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_mini_batches_never_diverge(options: dict) -> None:
    for seed in range(200):
        x, y = wild(seed)
        size = int(np.random.default_rng(seed).integers(1, len(x) + 1))
        epochs = 1 + 60 * size // len(x)
        run = gl.train(x, y, lr="auto", epochs=epochs, batch_size=size, seed=seed, shuffle=seed % 7 > 0, **options)
        assert run.stopped_at is None
        ends = (run.history.weight[0], run.history.bias[0]), (run.weight, run.bias)
        before, after = (np.mean((y - x @ weight - bias) ** 2) for weight, bias in ends)
        # The best pair may swing, and noise may lift a run that starts at the bottom, but within the data's range.
        assert after <= 5 * before + 4 * np.mean(y**2), seed


def test_standardized_columns_that_all_but_repeat_each_other() -> None:
    """Their axes are sharpened; that had failed on the shapes of more columns than one."""
    x, y = wild(5)
    run = gl.train(x, y, lr="auto", standardize=True, epochs=50, seed=0)
    assert np.mean((y - x @ run.weight - run.bias) ** 2) == pytest.approx(run.path.losses(50, 51)[0], rel=1e-6)


def test_the_best_pair_is_polyaks_and_beats_the_rate_alone() -> None:
    x, y = gl.line(seed=0)
    run = gl.train(x, y, lr="auto", momentum="auto", seed=0)
    stability = gl.stability(x, y)
    assert run.lr == pytest.approx(stability.lr_momentum_best, rel=1e-12)
    assert run.request.sgd.momentum == pytest.approx(stability.momentum_best, rel=1e-12)
    assert run.stability.epochs_to(1e-6) < 0.3 * stability.epochs_to(1e-6)
    assert gl.Moments.of(x, y).train(lr="auto", momentum="auto", seed=0).lr == run.lr
    assert gl.stability(x, y, momentum="auto").options == run.request.sgd


def test_the_best_momentum_for_a_rate() -> None:
    x, y = gl.line(seed=0)
    run = gl.train(x, y, lr=0.01, momentum="auto", seed=0)
    found = run.request.sgd.momentum
    for other in (0.98 * found, found + 0.02 * (1 - found)):
        assert gl.stability(x, y, lr=0.01, momentum=other).growth > run.stability.growth


def test_a_rate_that_no_momentum_helps() -> None:
    x, y = gl.line(seed=0)
    with pytest.warns(gl.GradlineWarning, match="above the limit"):
        assert gl.train(x, y, lr=0.5, momentum="auto", epochs=3, seed=0).request.sgd.momentum == 0.0


def test_the_safe_rate_for_batches_is_the_one_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 3)) * [1, 2, 3]
    run = gl.train(x, x @ [1.0, 2.0, 3.0], lr="auto", momentum="auto", batch_size=12, epochs=1, seed=0)
    z = np.column_stack([np.ones(120), x])
    top, longest = np.linalg.eigvalsh(2 / 120 * z.T @ z)[-1], 2 * np.square(z).sum(axis=1).max()
    assert run.lr == pytest.approx(12 / (longest + 11 * top), rel=1e-12)
    assert run.request.sgd.momentum == 0.0


def test_a_sum_is_an_average_times_the_rows_of_a_batch() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    mean, total = (
        gl.train(x, y, lr="auto", batch_size=6, reduction=how, epochs=20, seed=0) for how in ("mean", "sum")
    )
    assert total.lr == pytest.approx(mean.lr / 12, rel=1e-12)
    np.testing.assert_allclose(total.weight, mean.weight, rtol=1e-10)


@pytest.mark.parametrize("options", [{"nesterov": True}, {"zero_grad": False}], ids=str)
def test_no_formula_for_the_momentum(options: dict) -> None:
    with pytest.raises(OptionError, match='momentum="auto" is for SGD'):
        gl.train(*gl.line(seed=0), momentum="auto", **options)


@pytest.mark.parametrize(
    "options", [{"loss": "l1"}, {"optimizer": "adam"}, {"loss": "huber", "batch_size": 5}], ids=str
)
def test_no_formula_for_the_rate(options: dict) -> None:
    with pytest.raises(OptionError, match="there is none here; give a number"):
        gl.train(*gl.line(seed=0), lr="auto", **options)
