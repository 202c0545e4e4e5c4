"""What mini-batches do: the estimate of the limit beside real runs, and the noise that a constant rate leaves."""

from __future__ import annotations

import numpy as np
import pytest

import gradline as gl


def rows(kind: str, n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(50)
    x = rng.normal(size=(n, 2)) if kind == "normal" else rng.standard_t(5, size=(n, 2))
    x = x * [1.0, 0.5] + 0.3
    return x, x @ [1.0, -2.0] + 1 + rng.normal(size=n)


# From where on runs diverge, over the estimate: measured on many designs, and written at `drawing.limit`.
@pytest.mark.parametrize(
    ("kind", "options", "settles", "diverges"),
    [
        ("normal", {}, 0.8, 4.0),
        ("normal", {"momentum": 0.9}, 0.5, 4.0),
        ("normal", {"momentum": 0.9, "nesterov": True}, 0.8, 4.0),
        ("t", {}, 0.8, 4.0),
        ("t", {"momentum": 0.9}, 0.25, 4.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [1, 7, 33])
def test_runs_turn_near_the_estimate(kind: str, options: dict, settles: float, diverges: float, size: int) -> None:
    x, y = rows(kind)
    request = {"batch_size": size, "epochs": 30 + 10 * size, "init": ([30.0, 30.0], 30.0), "seed": 2, **options}
    estimate = gl.train(x, y, lr=1e-9, **request | {"epochs": 1}).stability.lr_limit_batches
    below = gl.train(x, y, lr=settles * estimate, **request)
    above = gl.train(x, y, lr=diverges * estimate, **request)
    assert below.stopped_at is None
    assert below.gap().distance @ below.gap().distance < 30**2
    assert above.stopped_at is not None or np.abs(above.gap().distance).max() > 1000


def test_batches_of_all_rows_have_the_full_limit() -> None:
    x, y = rows("normal")
    stability = gl.train(x, y, lr=1e-3, epochs=1, batch_size=100, seed=0).stability
    assert stability.lr_limit_batches == stability.lr_limit == gl.stability(x, y).lr_limit
    assert gl.stability(x, y).lr_limit_batches is None


@pytest.mark.parametrize(
    ("size", "options"),
    [
        (5, {}),
        (20, {"momentum": 0.8}),
        (20, {"momentum": 0.8, "nesterov": True}),
        (33, {}),
        (33, {"reduction": "sum"}),
        (10, {"standardize": True}),
    ],
    ids=str,
)
def test_the_noise_floor_is_what_runs_show(size: int, options: dict) -> None:
    """The spread of θ at the ends of epochs, over 700 of them after the start is forgotten."""
    x, y = rows("normal")
    limit = gl.train(x, y, lr=1e-9, epochs=1, batch_size=size, seed=0, **options).stability.lr_limit_batches
    exact = gl.fit(x, y)
    init = None if options.get("standardize") else (exact.coef, exact.intercept)
    run = gl.train(x, y, lr=0.15 * limit, epochs=800, batch_size=size, init=init, seed=3, **options)
    every = run.history.steps_per_epoch
    ends = np.column_stack([run.history.bias[::every], run.history.weight[::every]])[100:]
    measured = np.sqrt(np.mean((ends - exact.params) ** 2, axis=0))
    np.testing.assert_allclose(run.gap().noise, measured, rtol=0.25)
    assert run.gap().at_floor
    assert "noise" in str(run.gap())
    assert max(map(len, str(run.gap()).splitlines())) <= 80


def test_no_noise_is_claimed_where_none_is_known() -> None:
    x, y = rows("normal")
    for options in (
        {},
        {"batch_size": 5, "loss": "l1"},
        {"batch_size": 5, "optimizer": "adam"},
        {"batch_size": 5, "shuffle": False},
    ):
        assert gl.train(x, y, epochs=3, seed=0, **options).gap().noise is None
    assert (gl.train(x, y, epochs=3, batch_size=100, seed=0).gap().noise == 0).all()


def test_standard_errors_of_a_standardized_run_are_of_the_raw_units() -> None:
    x, y = rows("normal")
    x = x * [1e3, 1e-2] + [5e3, 1.0]
    gap = gl.train(x, y, standardize=True, lr="auto", epochs=200, seed=0).gap()
    fit = gl.fit(x, y)
    np.testing.assert_allclose(gap.se, fit.se, rtol=1e-12)
    np.testing.assert_allclose(gap.trained, fit.params, rtol=1e-9)
    assert gap.condition_number < 2
