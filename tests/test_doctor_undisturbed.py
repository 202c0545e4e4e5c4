"""What the doctor puts in the way of PyTorch is taken out again, and it keeps to its own loop."""

from __future__ import annotations

import contextlib
import threading

import pytest
import torch
from doctor_loops import line, linear
from torch import nn
from torch.overrides import _get_current_function_mode_stack
from torch.utils.data.dataloader import _BaseDataLoaderIter

import gradline as gl


def the_notebook() -> None:
    x, y = line()
    model, loss_func = linear(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(500):
        optimizer.zero_grad()
        loss = loss_func(model(x), y)
        loss.backward()
        optimizer.step()


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


@pytest.mark.filterwarnings("error::gradline.GradlineWarning")
def test_where_warnings_are_errors_the_loops_own_error_comes_first() -> None:
    x, y = line()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    doctor = gl.doctor()

    def loop() -> None:
        with doctor:
            for _ in range(8):
                nn.MSELoss()(model(x), y).backward()
                optimizer.step()
            raise KeyError("the loop's own")

    with pytest.raises(KeyError, match="the loop's own"):
        loop()
    assert [finding.kind for finding in doctor.findings] == ["never-zeroed", "lr-above-limit"]
