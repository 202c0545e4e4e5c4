"""Dask with real workers, each a process of its own on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("distributed")

import dask.dataframe
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
from distributed import Client

import gradline as gl

__all__ = [
    "small_tasks",
    "test_bad_data_end_the_job",
    "test_paths_and_folds",
    "test_predictions",
    "test_the_same_bytes",
    "trips",
]

pytestmark = pytest.mark.filterwarnings(
    # asyncio's own sockets are closed by the event loop thread, after the test that made them
    "ignore:unclosed:ResourceWarning",
)


class Machines:
    """A scheduler, and workers of one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def start(
        self, module: str, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments, "--no-dashboard"],
            cwd=self._folder,
            env=os.environ | (environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._running.append(process)
        return process

    def scheduler(self) -> subprocess.Popen[bytes]:
        said = self._folder / "scheduler.json"
        process = self.start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(said))
        while not said.exists() or not said.read_text():
            assert process.poll() is None
            time.sleep(0.05)
        self.address = json.loads(said.read_text())["address"]
        return process

    def worker(self, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        return self.start(
            "dask_worker",
            self.address,
            "--host",
            "127.0.0.1",
            "--nthreads",
            "1",
            "--no-nanny",
            environment=environment,
        )

    def end(self) -> None:
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    made = Machines(tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = Machines(tmp_path_factory.mktemp("dask"))
    made.scheduler()
    for _ in range(4):
        made.worker()
    with Client(made.address, set_as_default=False) as connected:
        connected.wait_for_workers(4, timeout=60)
        yield connected
    made.end()


@pytest.fixture
def engine(client: Any) -> Any:
    return client


def in_partitions(frames: list[pd.DataFrame]) -> Any:
    return dask.dataframe.from_map(lambda at: frames[at], list(range(len(frames))), meta=frames[0].iloc[:0])


def test_a_data_frame_of_dask(engine: Any) -> None:
    a_table_of_its_own(engine, in_partitions)
    a_table_that_cannot_be(engine, in_partitions, "Dask DataFrame", "ray")


def test_a_partition_that_fails(engine: Any) -> None:
    def fail(number: int) -> Any:
        raise KeyError("no such file")

    table = dask.dataframe.from_map(fail, [0, 1], meta=pd.DataFrame({"a": [1.0], "y": [1.0]}))
    with pytest.raises(gl.ClusterError, match="partition 0 of the Dask DataFrame could not be made:\nKeyError: 'no"):
        gl.fit(table, target="y", engine=engine)


def fit_and_kill(process: subprocess.Popen[bytes], trips: Path, client: Any, **request: Any) -> None:
    """A fit in the middle of which the process ends."""
    files, progress = [trips / "trips.parquet"] * 8, lambda *_: process.kill()
    gl.fit(files, target="y", features=["a"], **request, engine=client, progress=progress)


def test_names_that_are_numbers(engine: Any) -> None:
    frame = pd.DataFrame({0: [1.0, 2.0, 3.0], 1: [2.0, 4.0, 7.0]})
    table = dask.dataframe.from_pandas(frame, npartitions=2)
    for where in (engine, "local"):
        np.testing.assert_allclose(gl.fit(table, target="1", engine=where).params, gl.fit(frame, target="1").params)


def test_a_partition_with_a_name_twice(engine: Any) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": [1.0, 3.0]})
    table = in_partitions([frame, pd.concat([frame, frame[["a"]]], axis=1)])
    with pytest.raises(gl.ColumnError, match=r"partition 1 of the Dask DataFrame: .* more than one column named 'a'"):
        gl.fit(table, target="y", features=["a"], engine=engine)


def test_a_client_that_was_closed(trips: Path, machines: Machines) -> None:
    machines.scheduler()
    one = Client(machines.address, set_as_default=False)
    one.close()
    with pytest.raises(gl.ClusterError, match="this client of Dask is closed"):
        gl.fit(trips / "trips.parquet", target="y", features=["a"], engine=one)


def test_the_last_worker_is_lost(trips: Path, machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradline.cluster import dask

    machines.scheduler()
    with Client(machines.address, set_as_default=False) as one:
        for condition in (None, "a > 0"):  # sums that stay with workers, and sums that come here one by one
            worker = machines.worker()
            one.wait_for_workers(1, timeout=60)
            with monkeypatch.context() as patched:
                patched.setattr(dask, "PATIENCE", 1)
                with pytest.raises(gl.ClusterError, match="the Dask scheduler has no workers, after 1 seconds"):
                    fit_and_kill(worker, trips, one, where=condition)


def test_only_this_machine_is_listened_to(trips: Path) -> None:
    only_this_machine_is_listened_to(trips, "dask")


def test_a_lost_worker_changes_nothing(trips: Path, tmp_path: Path, machines: Machines) -> None:
    machines.scheduler()
    workers = [machines.worker() for _ in range(3)]
    with Client(machines.address, set_as_default=False) as three:
        three.wait_for_workers(3, timeout=60)
        a_lost_worker_changes_nothing(trips, tmp_path, three, lambda: os.kill(workers[1].pid, signal.SIGKILL))
        assert workers[1].wait() == -signal.SIGKILL
        assert len(three.nthreads()) == 2


def test_one_worker_and_threads_of_this_process(trips: Path, tmp_path: Path, machines: Machines) -> None:
    same_bytes(trips, tmp_path, "dask", "categories that cross")
    machines.scheduler()
    machines.worker()
    with Client(machines.address) as one:  # the default client of this process
        one.wait_for_workers(1, timeout=60)
        same_bytes(trips, tmp_path, "dask", "categories that cross")


def test_a_scheduler_that_is_not_there(trips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradline.cluster import dask
    from gradline.cluster.choice import opened

    monkeypatch.setattr(dask, "PATIENCE", 1)
    message = r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"
    with pytest.raises(gl.ClusterError, match=message) as caught, opened("dask", "tcp://127.0.0.1:1"):
        pass
    assert len(str(caught.value).splitlines()) <= 3


def test_no_workers(trips: Path, machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradline.cluster import dask

    monkeypatch.setattr(dask, "PATIENCE", 1)
    machines.scheduler()
    message = "the Dask scheduler has no workers, after 1 seconds"
    with Client(machines.address, set_as_default=False) as none, pytest.raises(gl.ClusterError, match=message):
        gl.fit(trips / "trips.parquet", target="y", features=["a"], engine=none)


def test_a_scheduler_that_is_lost_in_the_middle(trips: Path, machines: Machines) -> None:
    scheduler = machines.scheduler()
    machines.worker()
    with Client(machines.address, set_as_default=False, timeout=2) as one:
        one.wait_for_workers(1, timeout=60)
        with pytest.raises(gl.ClusterError, match="the Dask scheduler was lost in the middle of the work"):
            fit_and_kill(scheduler, trips, one)


def test_workers_with_another_version(trips: Path, tmp_path: Path, machines: Machines) -> None:
    shutil.copytree(Path(gl.__file__).parent, tmp_path / "gradline", ignore=shutil.ignore_patterns("__pycache__"))
    init = tmp_path / "gradline" / "__init__.py"
    init.write_text(init.read_text().replace(f'__version__ = "{gl.__version__}"', '__version__ = "0.0.9"'))
    machines.scheduler()
    machines.worker({"PYTHONPATH": str(tmp_path)})
    with Client(machines.address, set_as_default=False) as one:
        with pytest.raises(gl.ClusterError, match=rf"has gradline 0\.0\.9, and {gl.__version__} asked\.") as caught:
            gl.fit(trips / "trips.parquet", target="y", features=["a"], engine=one)
        assert f"pip install gradline=={gl.__version__}" in str(caught.value)


def test_the_command_line(trips: Path, tmp_path: Path, client: Any) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gradline", "fit", "trips.parquet", "--target", "y", "--features", "a,b"]
        return subprocess.run([*command, *options], cwd=trips, capture_output=True, text=True)

    there = ["--engine", "dask", "--address", client.scheduler.address]
    for name, options in (("here", []), ("there", there)):
        done = run("--save", str(tmp_path / name), *options)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "here").read_bytes() == (tmp_path / "there").read_bytes()
    said = run("--explain", *there).stdout.splitlines()
    assert re.fullmatch(r"dask, 4 at a time: \d+ tasks?, [\d.]+ MB to read, about [\d.]+ kB to move", said[-2])
    wrong = run("--engine", "dask", "--address", "127.0.0.1:1x")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: no Dask scheduler answers at 127.0.0.1:1x")
