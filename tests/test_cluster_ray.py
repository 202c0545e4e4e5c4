"""Ray with real workers, each a process of its own on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ray")

import psutil
import ray
import ray.data
from cluster_cases import (
    a_lost_worker_changes_nothing,
    a_table_of_its_own,
    a_table_that_cannot_be,
    only_this_machine_is_listened_to,
    same_bytes,
    small_tasks,
    test_bad_data_end_the_job,
    test_paths_and_folds,
    test_predictions,
    test_the_same_bytes,
    trips,
)

import gradline as gl
from gradline.cluster.choice import opened

__all__ = [
    "small_tasks",
    "test_bad_data_end_the_job",
    "test_paths_and_folds",
    "test_predictions",
    "test_the_same_bytes",
    "trips",
]

pytestmark = [
    # Ray leaves sockets and pipes of its own to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    # It says so of its own defaults.
    pytest.mark.filterwarnings("ignore:.*accelerator.*:FutureWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_AUTH_MODE", "disabled")  # no token in the home of whoever runs this
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield
        ray.shutdown()


@pytest.fixture(autouse=True)
def four(quiet: None) -> None:
    """Four workers, from one test to the next."""
    if not ray.is_initialized():
        ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")


@pytest.fixture
def engine(four: None) -> str:
    return "ray"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray, which copies its own options
def test_a_dataset_of_ray(engine: str) -> None:
    a_table_of_its_own(engine, ray.data.from_pandas)
    a_table_that_cannot_be(engine, ray.data.from_pandas, "Ray MaterializedDataset", "dask")


def test_a_lost_worker_changes_nothing(trips: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill() -> None:
        busy = [
            child.pid
            for child in psutil.Process().children(recursive=True)
            if any("_with_receipt" in word for word in child.cmdline())  # Ray names a worker after its task
        ]
        os.kill(busy[0], signal.SIGKILL)
        killed.append(busy[0])

    a_lost_worker_changes_nothing(trips, tmp_path, "ray", kill)
    assert len(killed) == 1


def test_another_number_of_workers_and_no_cluster_there(trips: Path, tmp_path: Path) -> None:
    ray.shutdown()
    message = r"no Ray cluster answers at 127\.0\.0\.1:1: "
    with pytest.raises(gl.ClusterError, match=message) as caught, opened("ray", "127.0.0.1:1"):
        pass
    assert len(str(caught.value).splitlines()) <= 3
    only_this_machine_is_listened_to(trips, "ray")
    same_bytes(trips, tmp_path, "ray", "categories that cross")  # a cluster of this machine, ended with the fit
    assert not ray.is_initialized()
