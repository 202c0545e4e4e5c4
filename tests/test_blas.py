"""BLAS has one thread for matrices of a few hundred columns, and all of them again afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from gradline.blas import suited_to


def threads() -> set[int]:
    np.eye(2) @ np.eye(2)
    return {each["num_threads"] for each in ThreadpoolController().info() if each["user_api"] == "blas"}


@pytest.mark.parametrize(("columns", "within"), [(10, 2), (100, 1), (999, 1), (2000, 2)])
def test_threads_within_and_after(columns: int, within: int) -> None:
    with threadpool_limits(2, user_api="blas"):
        with suited_to(columns):
            assert threads() == {within}
        assert threads() == {2}


def test_an_error_gives_the_threads_back() -> None:
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ZeroDivisionError), suited_to(100):
            1 / 0  # noqa: B018
        assert threads() == {2}


def test_fits_side_by_side_give_the_threads_back() -> None:
    """The one that began first ends first, while the other is within."""
    began, both, ended = Barrier(2), Barrier(2), Barrier(2)

    def first() -> None:
        with suited_to(100):
            began.wait()
            both.wait()
        ended.wait()

    def second() -> None:
        began.wait()
        with suited_to(100):
            both.wait()
            ended.wait()

    before = threads()
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()
    assert threads() == before
