"""Pictures of training beside the numbers that they show."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from drawn import LINE, diverged, labelled, table, written

import gradline as gl
from gradline.pictures import surface
from gradline.pictures.rates import factors

pytestmark = pytest.mark.usefixtures("figures")


def test_loss_is_the_history_and_its_floor_the_exact_loss() -> None:
    run = gl.train(*LINE, lr=0.01, epochs=50, seed=0)
    ax = run.plot()
    line = labelled(ax, "training")
    np.testing.assert_array_equal(line.get_xdata(), np.arange(50))
    np.testing.assert_array_equal(line.get_ydata(), run.history.loss)
    assert ax.get_yscale() == "log"
    assert labelled(ax, "exact").get_ydata()[0] == pytest.approx(run.exact.rss / 100, rel=1e-14)


@pytest.mark.parametrize(("reduction", "batch"), [("sum", None), ("sum", 10), ("mean", 10)])
def test_the_floor_is_in_the_units_of_a_step(reduction: str, batch: int | None) -> None:
    run = gl.train(*LINE, lr=1e-4, epochs=2, batch_size=batch, reduction=reduction, seed=0)
    rows = 1 if reduction == "mean" else batch or 100
    assert labelled(run.plot(), "exact").get_ydata()[0] == pytest.approx(run.exact.rss / 100 * rows, rel=1e-14)


def test_loss_of_batches_has_the_mean_of_each_epoch() -> None:
    run = gl.train(*LINE, lr=0.01, epochs=6, batch_size=30, seed=0)
    ax = run.plot()
    each, mean = labelled(ax, "batch of 30"), labelled(ax, "mean of each epoch")
    np.testing.assert_array_equal(each.get_xdata(), np.arange(24) / 4)
    np.testing.assert_array_equal(each.get_ydata(), run.history.loss)
    np.testing.assert_allclose(mean.get_ydata(), run.history.loss.reshape(6, 4).mean(axis=1), rtol=1e-14)
    np.testing.assert_array_equal(mean.get_xdata(), np.arange(6) + 0.5)


def test_a_diverged_run_is_drawn_to_its_end() -> None:
    run = diverged(epochs=1000)
    ax = run.plot()
    ax.figure.canvas.draw()
    end = labelled(ax, "diverged")
    assert end.get_xdata()[0] == run.stopped_at - 1
    assert end.get_ydata()[0] == run.history.loss[-1] > 1e300
    assert f"stopped at step {run.stopped_at}" in end.get_label()


def test_a_loss_without_exact_answer_or_of_zero_has_no_floor() -> None:
    other = gl.train(*LINE, loss="l1", epochs=3, seed=0)
    perfect = gl.train([[1.0], [2.0], [4.0]], [3.0, 5.0, 9.0], lr=0.1, epochs=300, seed=0)
    at_it = gl.train([[0.0], [1.0]], [0.0, 0.0], init=([0.0], 0.0), epochs=3)
    for run in (other, perfect, at_it):
        ax = run.plot()
        ax.figure.canvas.draw()
        assert "exact" not in written(ax)


def test_a_billion_epochs_are_drawn_at_once() -> None:
    run = gl.train(*LINE, lr=1e-8, epochs=10**9, seed=0)
    line = labelled(run.plot(), "training")
    steps = line.get_xdata().astype(int)
    assert (steps[0], steps[-1], len(steps)) == (0, 10**9 - 1, 2000)
    for step, loss in zip(steps[::500].tolist(), line.get_ydata()[::500], strict=True):
        assert run.at(step).loss == loss
    run.plot("surface").figure.canvas.draw()


def test_surface_is_the_loss_of_the_rows_and_the_path_that_of_training() -> None:
    x, y = LINE
    run = gl.train(x, y, lr=0.01, epochs=40, seed=0)
    ax = run.plot("surface")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "Intercept")
    way = labelled(ax, "path")
    np.testing.assert_array_equal(way.get_xdata(), [*run.history.weight[:, 0], run.weight[0]])
    np.testing.assert_array_equal(way.get_ydata(), [*run.history.bias, run.bias])
    star = labelled(ax, "exact solution")
    np.testing.assert_allclose([star.get_xdata()[0], star.get_ydata()[0]], run.exact.params[::-1], rtol=1e-12)
    rings = [one for one in ax.collections if isinstance(one, mpl.contour.QuadContourSet) and not one.filled]
    losses = [((y.ravel() - x.ravel() * w - b) ** 2).mean() for w, b in rings[0].get_paths()[2].vertices]
    np.testing.assert_allclose(losses, np.mean(losses), rtol=1e-3)  # straight pieces between the grid's points
    assert f"start: loss {run.history.loss[0]:.1f}" in written(ax)


def test_other_coefficients_are_at_their_best_on_the_surface() -> None:
    x, y = table(60, 4)
    run = gl.train(x, y, epochs=5, seed=0)
    bowl = run.quadratic
    root = surface.root_over(bowl, [3, 1])
    for east, north in ((0.3, -0.2), (-1.0, 2.0), (0.0, 0.5)):
        held = y - x[:, 2] * (run.exact.params[3] + east) - x[:, 0] * (run.exact.params[1] + north)
        rss = gl.fit(x[:, [1, 3]], held).rss
        assert np.square(root @ [east, north]).sum() == pytest.approx(float(np.squeeze(rss)) - bowl.floor, rel=1e-9)


def test_surface_of_standardized_columns_is_in_their_own_units() -> None:
    x, y = table()
    run = gl.train(100 + 7 * x, y, lr=0.3, epochs=200, standardize=True, seed=0)
    ax = run.plot("surface", plane=("Intercept", "x2"))
    star = labelled(ax, "exact solution")
    np.testing.assert_allclose([star.get_xdata()[0], star.get_ydata()[0]], run.exact.params[[0, 2]], rtol=1e-9)
    np.testing.assert_array_equal(labelled(ax, "path").get_ydata(), [*run.history.weight[:, 1], run.weight[1]])


def test_surface_of_a_diverged_run_ends_with_the_first_step_outside() -> None:
    run = diverged(epochs=1000)
    ax = run.plot("surface")
    way = labelled(ax, "diverges").get_xdata()
    np.testing.assert_array_equal(way, run.history.weight[: len(way), 0])
    low, high = ax.get_xlim()
    assert ((way[:-1] >= low) & (way[:-1] <= high)).all()
    assert not low <= way[-1] <= high


def test_rates_are_those_of_stability() -> None:
    for options in ({}, {"momentum": 0.7}, {"momentum": 0.5, "nesterov": True}, {"weight_decay": 0.1}):
        stability = gl.stability(*table(), lr=0.1, **options)
        ax = stability.plot()
        curve = labelled(ax, "slowest")
        assert labelled(ax, "limit").get_xdata()[0] == stability.lr_limit
        best = labelled(ax, "fastest")
        assert best.get_xdata()[0] == stability.lr_best
        at = {float(rate): factor for rate, factor in zip(*curve.get_data(), strict=True)}
        assert at[stability.lr_limit] == pytest.approx(1.0, abs=1e-6)
        assert at[stability.lr_best] == best.get_ydata()[0] <= min(at.values()) + 1e-6
        assert at[0.1] ** 2 == pytest.approx(stability.growth, rel=1e-12)
        assert labelled(ax, "lr 0.1, ").get_ydata()[0] == at[0.1]
        every = [np.sqrt(gl.stability(*table(), lr=rate, **options).growth) for rate in list(at)[::60]]
        np.testing.assert_allclose(list(at.values())[::60], every, rtol=1e-12)


def test_rates_of_batches_are_those_of_an_epoch() -> None:
    run = gl.train(*LINE, lr=0.01, epochs=2, batch_size=30, seed=0)
    ax = run.plot("rates")
    assert labelled(ax, "lr 0.01, ").get_ydata()[0] == pytest.approx(run.stability.growth**2, rel=1e-12)  # 4 steps
    assert labelled(ax, "batches of 30").get_xdata()[0] == run.stability.lr_limit_batches
    assert factors(run.stability, np.array([1e9])).max() > 1e30


@pytest.mark.parametrize("options", [{"zero_grad": False}, {"zero_grad": False, "momentum": 0.5}, {"lr": 1e3}])
def test_rates_that_are_never_stable_or_far_off(options: dict) -> None:
    ax = gl.stability(*LINE, **{"lr": 0.01} | options).plot()
    ax.figure.canvas.draw()
    assert ("right of the picture" in written(ax)) == (options == {"lr": 1e3})
