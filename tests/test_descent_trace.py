"""A trace is what the run did in its first steps: the same batches, rates and losses, and not a step more."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_loop import design

import gradline as gl
from gradline.descent.trace import Trace


def losses(trace: Trace) -> list[float]:
    return [float(change.after) for event in trace.events for change in event.changes if change.name == "loss"]


@pytest.mark.parametrize(
    "options",
    [
        {"lr_schedule": "1/t", "seed": 0},
        {"lr_schedule": lambda epoch: 1.0 - 0.5 * epoch, "seed": 0},
        {"lr_schedule": "1/t", "seed": 0, "optimizer": "adam"},
        {"seed": None},
        {"seed": None, "shuffle": False},
        {"seed": 3, "engine": "autograd"},
    ],
)
def test_it_shows_the_steps_of_the_run(options: dict) -> None:
    x, y = design("line")
    run = gl.train(x, y, batch_size=len(x) // 2, epochs=3, **options)
    before = torch.get_rng_state()
    shown = losses(run.trace(6))
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_allclose(shown, run.history.loss[:6], rtol=1e-7)  # eight digits are shown


def test_it_ends_with_the_run() -> None:
    run = gl.train(*design("line"), epochs=2, seed=0)
    assert len(losses(run.trace(5))) == 2


@pytest.mark.filterwarnings("ignore:lr ")
def test_it_ends_with_the_loss_that_left_the_range() -> None:
    run = gl.train(*design("line"), lr=1e150, epochs=9, seed=0)
    text = str(run.trace(9))
    assert text.splitlines()[-1].endswith("loss = inf")
    assert losses(run.trace(9))[:-1] == pytest.approx(run.history.loss)


def test_a_closure() -> None:
    run = gl.train(*design("line"), optimizer="lbfgs", epochs=3, seed=0)
    assert losses(run.trace(3)) == pytest.approx(run.history.loss, rel=1e-7)
    assert "optimizer.step(closure)" in str(run.trace(1))
