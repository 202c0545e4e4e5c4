"""Dask: tasks as futures of a client of dask.distributed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

from gradline.cluster.engine import GROUP, Heard, Watch, a_few_ahead
from gradline.cluster.job import Partial, Request, Task, merged, partition, work
from gradline.cluster.trouble import (
    PATIENCE,
    absent,
    closed,
    demand_listener,
    failed,
    gone,
    killed,
    needed,
    no_workers,
    unreachable,
)
from gradline.errors import GradlineError
from gradline.moments.one_pass import processors
from gradline.sources.partitions import Partitions, dask_frames

_LOOK = 0.02  # seconds between two looks at what is over
_LOOPBACK = "127.0.0.1:0"  # any port that only this machine can reach


@contextmanager
def opened(address: str | None) -> Iterator[Dask]:
    """The scheduler at the address; or the client that there is; or threads of this process."""
    try:
        from distributed import Client, default_client
    except ImportError:
        raise needed("dask", "dask.distributed") from None
    there_is = None
    with suppress(ValueError):
        there_is = default_client() if address is None else None
    if there_is is not None:
        yield Dask(there_is)
        return
    threads = {
        "processes": False,
        "n_workers": 1,
        "threads_per_worker": processors(),
        "dashboard_address": _LOOPBACK,
        "worker_dashboard_address": _LOOPBACK,
    }
    try:
        if address is not None:
            _demand_address(address)
        client = Client(address, timeout=PATIENCE, set_as_default=False, **({} if address else threads))
    except (OSError, ValueError) as problem:
        raise unreachable("Dask scheduler", str(address), problem) from None
    with client:
        yield Dask(client)


def _demand_address(address: str) -> None:
    """A client that stumbles over its address is never closed, and says so when the process ends."""
    from distributed.comm.addressing import parse_address, parse_host_port

    scheme, place = parse_address(address)
    if scheme in ("tcp", "tls", "ws", "wss"):
        parse_host_port(place)
        demand_listener("Dask scheduler", address)


class Dask:
    """An adapter; see `gradline.cluster.engine.Adapter`."""

    name = "dask"

    def __init__(self, client: Any) -> None:
        self._client = client
        if client.status == "closed":
            raise closed("this client of Dask")
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise no_workers("the Dask scheduler", PATIENCE) from None

    @property
    def workers(self) -> int:
        """Threads of all workers."""
        return max(sum(map(int, self._client.nthreads().values())), 1)

    def added_up(self, request: Request, tasks: Sequence[Task], heard: Heard) -> Sequence[Partial[Any]]:
        """See `Adapter`."""
        from distributed import as_completed

        job = uuid4().hex
        with _in_a_line(request, tasks):
            shared = self._shared(request)
            futures = self._client.map(
                work, [shared] * len(tasks), tasks, key=[f"gradline-{job}-{n}" for n in range(len(tasks))]
            )
            numbers = {future.key: number for number, future in enumerate(futures)}
            waiting = as_completed(futures, loop=self._client.loop)
            while len(futures) > GROUP:
                groups = [futures[at : at + GROUP] for at in range(0, len(futures), GROUP)]
                futures = [self._client.submit(merged, shared, *group, pure=False) for group in groups]
            watch = Watch(tasks, heard)
            try:
                for future in self._each(waiting):  # sums stay with the workers, and are let go once they are added
                    watch.over(numbers[future.key], _problem(future))
                found: list[Partial[Any]] = [self._result(future) for future in futures]
            except BaseException:
                waiting.clear()
                self._client.cancel(futures)
                raise
        return found

    def in_order(self, request: Request, tasks: Sequence[Task]) -> Iterator[Partial[Any]]:
        """See `Adapter`."""
        shared = self._shared(request)
        started = ((task, self._client.submit(work, shared, task, pure=False)) for task in tasks)

        def result(one: tuple[Task, Any]) -> Partial[Any]:
            task, future = one
            with _in_a_line(request, [task]):
                return self._result(future)

        return a_few_ahead(started, 2 * self.workers, result, self._cancel)

    def of_table(self, request: Request, table: Partitions, columns: Sequence[str]) -> Iterator[Partial[Any]]:
        """See `Adapter`."""
        shared = self._shared(request)

        def start() -> Iterator[tuple[Task, Any]]:
            for number, frame in enumerate(dask_frames(table.data, columns)):
                task = partition(table, number)
                yield task, self._client.submit(work, shared, task, self._client.compute(frame), pure=False)

        def result(one: tuple[Task, Any]) -> Partial[Any]:
            task, future = one
            with _in_a_line(request, [task]), _made(task.place):
                return self._result(future)

        return a_few_ahead(start(), 2 * self.workers, result, self._cancel)

    def _each(self, waiting: Any) -> Iterator[Any]:
        """Futures as they are over, for as long as there are workers."""
        silent = time.monotonic()
        while waiting.count():
            over = waiting.next_batch(block=False)
            yield from over
            if over:
                silent = time.monotonic()
            elif time.monotonic() - silent > PATIENCE:
                self._demand_workers()
                silent = time.monotonic()
            else:
                time.sleep(_LOOK)

    def _result(self, future: Any) -> Partial[Any]:
        while True:
            try:
                found: Partial[Any] = future.result(timeout=PATIENCE)
            except TimeoutError:
                if future.done():  # it is the task's own
                    raise
                self._demand_workers()
            else:
                return found

    def _demand_workers(self) -> None:
        """Dask itself would wait for ever.

        Raises:
            ClusterError: none has come in the meantime.
        """
        if not self._client.nthreads():
            raise no_workers("the Dask scheduler", PATIENCE)

    def _cancel(self, started: list[tuple[Task, Any]]) -> None:
        self._client.cancel([future for _, future in started])

    def _shared(self, request: Request) -> Any:
        """The request as a task, not as scattered data: where the worker that has it is lost, it is made again."""
        return self._client.submit(Request, *request, pure=False)


def _problem(future: Any) -> GradlineError | None:
    """What was wrong with the data of a task that is over."""
    if future.status != "finished":
        try:
            future.result()
        except GradlineError as problem:
            return problem
    return None


@contextmanager
def _in_a_line(request: Request, tasks: Sequence[Task]) -> Iterator[None]:
    from distributed import KilledWorker

    try:
        yield
    except KilledWorker:
        raise killed("Dask", tasks) from None
    except (CancelledError, OSError) as problem:
        raise gone("the Dask scheduler", problem) from None
    except (ImportError, AttributeError) as problem:
        raise absent("Dask", request.version, str(problem)) from None


@contextmanager
def _made(place: str) -> Iterator[None]:
    """Errors of whatever kind with which Dask did not come to a partition."""
    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        yield
    except (GradlineError, KilledWorker, CancelledError, CommClosedError):
        raise
    except Exception as problem:
        if isinstance(problem, ImportError | AttributeError) and "gradline" in str(problem):
            raise
        raise failed(place, problem) from None
