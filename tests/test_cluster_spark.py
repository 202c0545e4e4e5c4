"""Spark on this machine: a Java process with Python workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("pyspark")

from cluster_cases import (
    a_lost_worker_changes_nothing,
    a_table_of_its_own,
    only_this_machine_is_listened_to,
    same_bytes,
    small_tasks,
    test_bad_data_end_the_job,
    test_paths_and_folds,
    test_predictions,
    test_the_same_bytes,
    trips,
)
from pyspark.sql import SparkSession
from pyspark.sql.functions import expr, udf

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
    # Sockets between Python and Java are closed by the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
}


@pytest.fixture(scope="module", autouse=True)
def same_python() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        yield
        if (last := SparkSession.getActiveSession()) is not None:
            last.stop()


@pytest.fixture
def session(same_python: None) -> Any:
    """Four tasks at a time, from one test to the next; one that a worker is lost with is tried three times more."""
    return SparkSession.builder.master("local[4, 4]").config(map=SETTINGS).getOrCreate()


@pytest.fixture
def engine(session: Any) -> Any:
    return session


def in_partitions(frames: list[pd.DataFrame], session: Any) -> Any:
    fields = [f"`{name}` {'string' if kind.kind == 'O' else 'double'}" for name, kind in frames[0].dtypes.items()]
    numbers = session.sparkContext.parallelize(range(len(frames)), len(frames))
    return session.createDataFrame(numbers.flatMap(lambda at: frames[at].values.tolist()), ", ".join(fields))


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_a_data_frame_of_spark(session: Any) -> None:
    a_table_of_its_own(session, lambda frames: in_partitions(frames, session))
    table = in_partitions([pd.DataFrame({"a": [1.0, 2.0], "y": [1.0, 2.0]})], session)
    fails = table.withColumn("z", udf(lambda value: 1 / 0, "double")("a"))
    with pytest.raises(gl.ClusterError, match="the Spark DataFrame could not be made:\nZeroDivisionError: division"):
        gl.fit(fails, target="y", features=["z"], engine=session)
    fails = table.withColumn("z", expr("1 / (a - a)"))
    with pytest.raises(gl.ClusterError, match=r"could not be made:\n\[DIVIDE_BY_ZERO\] Division by zero"):
        gl.fit(fails, target="y", features=["z"], engine=session)
    for twice, error in ((session, gl.ClusterError), ("local", gl.DataError)):
        with pytest.raises(error, match=r"could not be made:\n\[AMBIGUOUS_REFERENCE\] Reference `a`"):
            gl.fit(table.select("a", "y", table.y.alias("A")), target="y", features=["a"], engine=twice)
    with pytest.raises(gl.DataError, match="no rows left to fit: the Spark DataFrame gave 0 rows"):
        gl.fit(table.filter("a > 5"), target="y", engine=session)


def ours(word: str) -> list[Any]:
    """The processes below this one that have the word in their command."""
    import psutil

    below = {each.pid for each in psutil.Process().children(recursive=True)}
    running = psutil.process_iter(["cmdline"])  # a process that just ended has no command line, and is no error
    return [each for each in running if each.pid in below and word in " ".join(each.info["cmdline"] or [])]


def test_a_lost_worker_changes_nothing(trips: Path, tmp_path: Path, session: Any) -> None:
    killed: list[int] = []

    def kill() -> None:
        daemons = ours("pyspark.daemon")
        workers = [each for each in daemons if each.parent() in daemons]
        os.kill(workers[0].pid, signal.SIGKILL)
        killed.append(workers[0].pid)

    a_lost_worker_changes_nothing(trips, tmp_path, session, kill)
    assert len(killed) == 1


def test_a_lost_executor_changes_nothing(trips: Path, tmp_path: Path, session: Any) -> None:
    """Two executors, each a Java process of its own with its Python workers, and one of them killed."""
    settings = SETTINGS | {"spark.executor.memory": "512m"}
    session.stop()
    two = SparkSession.builder.master("local-cluster[2,1,512]").config(map=settings).getOrCreate()
    for _ in range(300):  # they start one after the other, and a fit does not wait for both
        if len(ours("CoarseGrainedExecutorBackend")) == 2:
            break
        time.sleep(0.2)
    killed: list[int] = []

    def kill() -> None:
        executors = [each.pid for each in ours("CoarseGrainedExecutorBackend")]
        assert len(executors) == 2
        os.kill(executors[0], signal.SIGKILL)
        killed.append(executors[0])

    try:
        a_lost_worker_changes_nothing(trips, tmp_path, two, kill)
    finally:
        two.stop()
    assert len(killed) == 1


def test_another_number_of_workers_and_no_master_there(trips: Path, tmp_path: Path, session: Any) -> None:
    same_bytes(trips, tmp_path, "spark", "categories that cross")  # the session that there is
    session.stop()
    same_bytes(trips, tmp_path, "spark", "categories that cross")  # one of this machine, ended with the fit
    assert SparkSession.getActiveSession() is None
    with pytest.raises(gl.ClusterError, match="this session of Spark is closed"):
        gl.fit(trips / "trips.parquet", target="y", features=["a"], engine=session)
    only_this_machine_is_listened_to(trips, "spark")
    for address in ("spark://127.0.0.1:1", "nonsense"):
        message = f"no Spark master answers at {address}: "
        with pytest.raises(gl.ClusterError, match=message) as caught, opened("spark", address):
            pass
        assert len(str(caught.value).splitlines()) <= 3
