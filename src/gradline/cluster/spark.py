"""Spark: tasks as the partitions of an RDD, sums added up in shuffles of neighbours."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias
from uuid import uuid4
from warnings import catch_warnings

from gradline.cluster.engine import GROUP, Heard, Watch
from gradline.cluster.job import Partial, Request, Task, merged, partition, work
from gradline.cluster.trouble import absent, closed, demand_listener, failed, gone, killed, needed, unreachable
from gradline.errors import ClusterError, GradlineError
from gradline.sources.partitions import Partitions, spark_names

_LOOK = 0.05  # seconds between two looks at what has been done
_OF_ONE_MACHINE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # The JVM hands out tasks and nothing else; compiling itself well took it 1 to 4 s of the workers' cores.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@contextmanager
def opened(address: str | None) -> Iterator[Spark]:
    """The session with the master at the address; or the one that there is; or one of this machine."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise needed("spark", "pyspark") from None
    active = SparkSession.getActiveSession()
    if active is not None and address is None:
        yield Spark(active)
        return
    if address is not None:
        demand_listener("Spark master", address)
    settings = _OF_ONE_MACHINE if (address or "local").startswith("local") else {}
    builder = SparkSession.builder.appName("gradline").master(address or "local[*]")
    try:
        with (
            _environment(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1" if settings else ""),
            catch_warnings(action="ignore", category=FutureWarning),  # of versions of pandas, which are not used
        ):
            session = builder.config(map=settings).getOrCreate()
    except Exception as problem:  # Py4J has errors of its own for what Java cannot do, and for no Java at all
        raise unreachable("Spark master", address or "local[*]", problem) from None
    try:
        yield Spark(session)
    finally:
        session.stop()


@contextmanager
def _environment(**wanted: str) -> Iterator[None]:
    """Variables for as long as Spark starts, where they are not set.

    Else workers would run the first Python on the path, and Spark would warn of the address that it finds.
    """
    new = {name: value for name, value in wanted.items() if value and name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]


class Spark:
    """An adapter; see `gradline.cluster.engine.Adapter`."""

    name = "spark"

    def __init__(self, session: Any) -> None:
        if not hasattr(session, "_jsparkSession"):
            raise ClusterError("this is a session of Spark Connect, which has no RDDs.\nGive one of Spark itself.")
        self.session = session
        self._context = session.sparkContext
        if self._context._jsc is None:
            raise closed("this session of Spark")

    @property
    def workers(self) -> int:
        """Cores of all executors."""
        return int(self._context.defaultParallelism)

    def added_up(self, request: Request, tasks: Sequence[Task], heard: Heard) -> Sequence[Partial[Any]]:
        """See `Adapter`."""
        with self._job(request, tasks, heard) as (shared, sums, run):
            left = len(tasks)
            while left > GROUP:
                left = -(-left // GROUP)
                groups = sums.map(lambda each: (each[0] // GROUP, each[1])).groupByKey(left)
                sums = groups.map(lambda each: (each[0], merged(shared.value, *each[1])))
            return [partial for _, partial in run(sums)]

    def in_order(self, request: Request, tasks: Sequence[Task]) -> Iterator[Partial[Any]]:
        """See `Adapter`."""
        ahead = 2 * self.workers
        for at in range(0, len(tasks), ahead):
            with self._job(request, tasks[at : at + ahead], lambda task: None) as (_, sums, run):
                yield from [partial for _, partial in sorted(run(sums), key=lambda each: each[0])]

    def of_table(self, request: Request, table: Partitions, columns: Sequence[str]) -> Iterator[Partial[Any]]:
        """See `Adapter`."""
        shared = self._context.broadcast(request)

        def summed(batches: Iterator[Any]) -> Iterator[Any]:
            import pyarrow as pa
            from pyspark import TaskContext

            task, there = TaskContext.get(), list(batches)
            number = task.partitionId() if task else 0
            sums: Any = Partial[Any]([], [])
            try:
                if there:
                    frame = pa.Table.from_batches(there).rename_columns(columns)
                    sums = work(shared.value, partition(table, number), frame)
            except GradlineError as raised:  # as in _job
                sums = raised
            yield pa.RecordBatch.from_pydict({"sums": [pickle.dumps(sums)]})

        try:
            with _in_a_line(request, [partition(table, 0)], table.name):
                plain = table.data.select(*spark_names(columns)).toDF(*[f"c{at}" for at in range(len(columns))])
                made = plain.mapInArrow(summed, "sums binary").rdd  # mapInArrow itself stumbles over dots in names
                ahead, count = 2 * self.workers, made.getNumPartitions()
                for at in range(0, count, ahead):
                    some = list(range(at, min(at + ahead, count)))
                    for row in self._context.runJob(made, list, some):
                        sums = pickle.loads(row.sums)  # noqa: S301 - what workers of this job have made
                        if isinstance(sums, GradlineError):
                            raise sums
                        yield sums
        finally:
            shared.destroy()

    @contextmanager
    def _job(self, request: Request, tasks: Sequence[Task], heard: Heard) -> Iterator[_Job]:
        """The request on the workers, the numbered sums of tasks, and what collects an RDD that is made of these.

        Spark would try a task again that raises, so what is wrong with the data comes back as a value, and the job is
        ended from here.
        """
        context, group = self._context, f"gradline-{uuid4().hex}"
        shared, reports = context.broadcast(request), context.accumulator([], _Listing())

        def reported(numbered: tuple[int, Task]) -> _Numbered:
            problem, partial = None, Partial[Any]([], [])
            try:
                partial = work(shared.value, numbered[1])
            except GradlineError as raised:
                problem = raised
            reports.add([(numbered[0], problem)])
            return numbered[0], partial

        def collected(rdd: Any) -> list[_Numbered]:
            context.setJobGroup(group, "gradline")  # of this thread
            found: list[_Numbered] = rdd.collect()
            return found

        def run(rdd: Any) -> list[_Numbered]:
            watch = Watch(tasks, heard)
            with ThreadPoolExecutor(1) as pool:
                future = pool.submit(collected, rdd)
                try:
                    while True:
                        over = wait([future], _LOOK).done
                        for number, problem in reports.value:
                            watch.over(number, problem)
                        if over:
                            watch.ended()
                            return future.result()
                except BaseException:
                    context.cancelJobGroup(group)
                    raise

        try:
            with _in_a_line(request, tasks):
                sums = context.parallelize(list(enumerate(tasks)), len(tasks)).map(reported)
                yield _Job(shared, sums, run)
        finally:
            shared.destroy()


_Numbered: TypeAlias = tuple[int, Partial[Any]]


class _Job(NamedTuple):
    shared: Any
    sums: Any
    run: Callable[[Any], list[_Numbered]]


class _Listing:
    """What tasks report, in a list, as an accumulator of Spark adds it up."""

    def zero(self, value: list[Any]) -> list[Any]:
        return []

    def addInPlace(self, one: list[Any], other: list[Any]) -> list[Any]:  # noqa: N802 - Spark's name
        one += other
        return one


@contextmanager
def _in_a_line(request: Request, tasks: Sequence[Task], table: str = "") -> Iterator[None]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException, OSError) as problem:
        said = str(problem)
        if "No module named '" in said or "Can't get attribute" in said:
            raise absent("Spark", request.version, said) from None
        if "exited unexpectedly" in said or "ExecutorLostFailure" in said:
            raise killed("Spark", tasks) from None
        if table and isinstance(problem, PySparkException):
            raise failed(table, problem) from None
        raise gone("Spark", problem) from None
