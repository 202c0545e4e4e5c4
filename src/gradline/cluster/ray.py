"""Ray: tasks as remote functions, sums as objects that stay where they were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

from gradline.cluster.engine import GROUP, Heard, Watch, a_few_ahead
from gradline.cluster.job import Partial, Request, Task, merged, partition, work
from gradline.cluster.trouble import absent, demand_listener, failed, gone, killed, needed, unreachable
from gradline.errors import GradlineError
from gradline.sources.partitions import Partitions, ray_blocks

_END = 5  # seconds that cancelled tasks may take to end


@contextmanager
def opened(address: str | None) -> Iterator[Ray]:
    """The cluster at the address; or the one that this process is connected to; or one of this machine."""
    try:
        import ray
    except ImportError:
        raise needed("ray", "ray") from None
    if address is None and ray.is_initialized():
        yield Ray()
        return
    if address is not None:
        demand_listener("Ray cluster", address)
    own = {} if address is not None else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        with nullcontext() if address is not None else _loopback():
            ray.init(address, log_to_driver=False, logging_level="ERROR", **own)
    except Exception as problem:  # Ray raises bare ones, too
        raise unreachable("Ray cluster", str(address), problem) from None
    try:
        yield Ray()
    finally:
        ray.shutdown()


@contextmanager
def _loopback() -> Iterator[None]:
    """On Linux Ray takes 127.0.0.1 for this machine's public address, unless it is told that it is on Windows."""
    from ray._private import ray_constants

    before = getattr(ray_constants, "ENABLE_RAY_CLUSTER", None)
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


class Ray:
    """An adapter; see `gradline.cluster.engine.Adapter`."""

    name = "ray"

    @property
    def workers(self) -> int:
        """Processors of the cluster."""
        import ray

        return max(int(ray.cluster_resources().get("CPU", 1)), 1)

    def added_up(self, request: Request, tasks: Sequence[Task], heard: Heard) -> Sequence[Partial[Any]]:
        """See `Adapter`."""
        import ray

        shared = ray.put(request)
        start, add = ray.remote(num_returns=2)(_with_receipt), ray.remote(merged)
        pairs = [start.remote(shared, task) for task in tasks]
        receipts = {receipt: number for number, (receipt, _) in enumerate(pairs)}
        level = [sums for _, sums in pairs]
        del pairs
        while len(level) > GROUP:
            groups = [level[at : at + GROUP] for at in range(0, len(level), GROUP)]
            level = [add.remote(shared, *group) for group in groups]
        waiting, watch = list(receipts), Watch(tasks, heard)
        with _in_a_line(request, tasks):
            try:
                while waiting:
                    done, waiting = ray.wait(waiting)
                    for receipt in done:
                        watch.over(receipts[receipt], _problem(receipt))
                found: list[Partial[Any]] = ray.get(level)
            except BaseException:
                _let_go([*waiting, *level])
                raise
        return found

    def in_order(self, request: Request, tasks: Sequence[Task]) -> Iterator[Partial[Any]]:
        """See `Adapter`."""
        import ray

        shared, start = ray.put(request), ray.remote(work)
        started = ((task, start.remote(shared, task)) for task in tasks)
        return a_few_ahead(started, 2 * self.workers, partial(_result, request), _cancel)

    def of_table(self, request: Request, table: Partitions, columns: Sequence[str]) -> Iterator[Partial[Any]]:
        """See `Adapter`."""
        import ray

        shared, start = ray.put(request), ray.remote(work)
        with ray_blocks(table.data, columns) as blocks:
            tasks = ((partition(table, number), block) for number, block in enumerate(_made(table, blocks)))
            started = ((task, start.remote(shared, task, block)) for task, block in tasks)
            yield from a_few_ahead(started, 2 * self.workers, partial(_result, request), _cancel)


def _problem(receipt: Any) -> GradlineError | None:
    """What was wrong with the data of a task that is over."""
    import ray

    try:
        ray.get(receipt)
    except ray.exceptions.RayTaskError as raised:
        if isinstance(raised.cause, GradlineError):
            return raised.cause
        raise
    return None


def _result(request: Request, one: tuple[Task, Any]) -> Partial[Any]:
    import ray

    task, future = one
    with _in_a_line(request, [task]):
        found: Partial[Any] = ray.get(future)
    return found


def _cancel(started: list[tuple[Task, Any]]) -> None:
    _let_go([unfinished for _, unfinished in started])


def _let_go(unfinished: Sequence[Any]) -> None:
    """Cancel them, and look at how they end: Ray prints the errors that nobody has looked at."""
    import ray

    for one in unfinished:
        ray.cancel(one)
    for one in ray.wait(list(unfinished), num_returns=len(unfinished), timeout=_END)[0] if unfinished else ():
        with suppress(ray.exceptions.RayError):
            ray.get(one)


def _made(table: Partitions, blocks: Iterator[Any]) -> Iterator[Any]:
    """The blocks, which are made while they are asked for."""
    from ray.exceptions import RayError

    try:
        yield from blocks
    except RayError as problem:
        raise failed(table.name, problem) from None


def _with_receipt(request: Request, task: Task) -> tuple[bool, Partial[Any]]:
    """The sums, and beside them what is fetched to know that they are there."""
    return True, work(request, task)


@contextmanager
def _in_a_line(request: Request, tasks: Sequence[Task]) -> Iterator[None]:
    from ray import exceptions

    try:
        yield
    except exceptions.RayTaskError as problem:
        if isinstance(problem.cause, GradlineError):
            raise problem.cause from None
        raise absent("Ray", request.version, str(problem.cause)) from None
    except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError, exceptions.ObjectLostError):
        raise killed("Ray", tasks) from None
    except exceptions.RayError as problem:
        raise gone("the Ray cluster", problem) from None
