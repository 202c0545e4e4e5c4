"""Passes over the rows on a cluster: which tasks there are, and their sums put together here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gradline.cluster.job import Partial, Readable, Request, Task, parts_of, tree_of
from gradline.errors import ClusterError, GradlineError
from gradline.moments.one_pass import Portable, Progress
from gradline.moments.tree import SumsT, Tree
from gradline.sources import CHUNK, Part
from gradline.sources.partitions import Partitions

if TYPE_CHECKING:
    from gradline.design.problem import Problem

Heard = Callable[[Task], object]
"""Called when a task is done."""

GROUP = 16
"""Results that one worker adds up: the tree of n tasks is log16(n) deep, and a worker holds 16 lists of nodes."""
_SHARE, _LAST = 4, 16
"""A task is a 4th of what is left for each worker, but no less than a 16th of all: the last to finish does not keep
the others waiting, and tasks are few."""
_LEAST, _MOST = 2**22, 2**27
"""Numbers that a task reads: of fewer, sending it would cost more than doing it; of more, losing it would be dear."""


_Answer = TypeVar("_Answer", covariant=True)
_Future = TypeVar("_Future")


class Scoring(Protocol[_Answer]):
    """What is made of rows where they are read."""

    def chunks(self, block: Any, /) -> Iterator[_Answer]:
        """The answers for a block of rows, in order."""
        ...


class Adapter(Protocol):
    """How an engine is asked. Tasks are retried where a worker is lost, and not where they raise."""

    @property
    def name(self) -> str:
        """Of the engine."""
        ...

    @property
    def workers(self) -> int:
        """Tasks that can run at the same time."""
        ...

    def added_up(self, request: Request, tasks: Sequence[Task], heard: Heard) -> Sequence[Partial[Any]]:
        """`work` for each task and, on the workers, `merged` for groups of results until few are left."""
        ...

    def in_order(self, request: Request, tasks: Sequence[Task]) -> Iterator[Partial[Any]]:
        """`work` for each task, in order, a few ahead at a time."""
        ...

    def of_table(self, request: Request, table: Partitions, columns: Sequence[str]) -> Iterator[Partial[Any]]:
        """`work` for each partition of a table of this engine, in order, a few ahead at a time."""
        ...


@dataclass(frozen=True)
class Cluster:
    """An engine for passes over rows: `accumulate(…, engine=)` and its kin."""

    adapter: Adapter

    def added_up(self, problem: Problem, summing: Portable[SumsT], progress: Progress | None) -> Tree[SumsT]:
        """The sums over all rows, to the bit those of one machine."""
        if isinstance(problem.table, Partitions):
            request = Request.of(problem, summing)
            return self._numbered_here(problem, summing, progress, self._partitions(problem.table, problem, request))
        parts = parts_of(problem)  # before the request is made: what workers cannot read can often not be sent either
        request = Request.of(problem, summing)
        tasks = tasks_of(parts, len(problem.columns), self.adapter.workers)
        if all(task.chunk is not None for task in tasks):
            done = 0

            def heard(task: Task) -> None:
                nonlocal done
                done += task.rows or 0
                if progress is not None:
                    progress(done, problem.table.rows)

            return tree_of(summing, self.adapter.added_up(request, tasks, heard))
        return self._numbered_here(problem, summing, progress, self.adapter.in_order(request, tasks))

    def in_order(self, problem: Readable, scoring: Scoring[_Answer]) -> Iterator[_Answer]:
        """What workers make of each stretch of rows, in the order of the rows, a few tasks ahead of the caller."""
        if isinstance(problem.table, Partitions):
            partials = self._partitions(problem.table, problem, Request.of(problem, scoring))
        else:
            parts = parts_of(problem)
            request = Request.of(problem, scoring)
            tasks = tasks_of(parts, len(problem.columns), self.adapter.workers, most=_LEAST)
            partials = self.adapter.in_order(request, [task._replace(chunk=None) for task in tasks])
        for partial in partials:
            yield from [node.sums for node in partial.nodes]

    def _partitions(self, table: Partitions, problem: Readable, request: Request) -> Iterator[Partial[Any]]:
        if table.engine != self.adapter.name:
            raise ClusterError(
                f'{table.name} is no table of {self.adapter.name.capitalize()}.\nGive engine="{table.engine}".'
            )
        return self.adapter.of_table(request, table, list(dict.fromkeys(problem.columns)))

    def _numbered_here(
        self,
        problem: Problem,
        summing: Portable[SumsT],
        progress: Progress | None,
        partials: Iterator[Partial[SumsT]],
    ) -> Tree[SumsT]:
        """Where only reading tells how many chunks a part has: they are numbered as they come."""
        tree, done, chunk = Tree(summing.merge), 0, 0
        for partial in partials:
            for node in partial.nodes:
                tree.add(node._replace(place=chunk, sums=summing.adopted(node.sums, partial.met)))
                chunk += 1
                done += node.sums.rows
            if progress is not None:
                progress(done, problem.table.rows)
        return tree


class Watch:
    """Which tasks of a job are over, and of those that fail the first in the order of the rows.

    So the error does not depend on who is faster: a failure is told once all tasks before it are over.
    """

    def __init__(self, tasks: Sequence[Task], heard: Heard) -> None:
        self._heard, self._left = heard, dict(enumerate(tasks))
        self._problem: tuple[int, GradlineError] | None = None

    def over(self, number: int, problem: GradlineError | None) -> None:
        """Task `number` is over, once or again.

        Raises:
            GradlineError: what was wrong with the first task that failed.
        """
        task = self._left.pop(number, None)
        if task is None:
            return
        if problem is None:
            self._heard(task)
        elif self._problem is None or number < self._problem[0]:
            self._problem = number, problem
        if self._problem is not None and next(iter(self._left), self._problem[0]) >= self._problem[0]:
            self.ended()

    def ended(self) -> None:
        """The job is over, whatever was heard of its tasks.

        Raises:
            GradlineError: what was wrong with the first task that failed.
        """
        if self._problem is not None:
            raise self._problem[1]


def a_few_ahead(
    started: Iterator[_Future],
    most: int,
    result: Callable[[_Future], _Answer],
    cancel: Callable[[list[_Future]], object],
) -> Iterator[_Answer]:
    """The results of what is started, in order, so many under way at a time; what is left at the end is cancelled."""
    waiting: deque[_Future] = deque()
    try:
        for future in started:
            waiting.append(future)
            if len(waiting) > most:
                yield result(waiting.popleft())
        while waiting:
            yield result(waiting.popleft())
    finally:
        cancel(list(waiting))


def tasks_of(parts: Sequence[Part], columns: int, workers: int, most: int = _MOST) -> list[Task]:
    """The parts shared out: neighbours together, until there is enough to do in a task, or `most` numbers."""
    if any(part.rows is None for part in parts):
        return [Task(number, number + 1, None, None, part.place) for number, part in enumerate(parts)]
    left = sum(part.rows or 0 for part in parts) * columns
    least = max(left // (_LAST * workers), _LEAST)
    tasks: list[Task] = []
    first = chunk = rows = chunks = 0
    for number, part in enumerate(parts, 1):
        rows += part.rows or 0
        chunks += -(-(part.rows or 0) // CHUNK)
        if rows * columns >= min(max(left // (_SHARE * workers), least), most) or number == len(parts):
            left -= rows * columns
            more = f" and {number - first - 1} more" if number - first > 1 else ""
            tasks.append(Task(first, number, chunk, rows, parts[first].place + more))
            first, chunk, rows, chunks = number, chunk + chunks, 0, 0
    return tasks
