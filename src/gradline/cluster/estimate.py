"""What a pass on a cluster will cost: how many tasks, how much to read and to send; nothing is read for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gradline.cluster.choice import opened
from gradline.cluster.engine import GROUP, Cluster, tasks_of
from gradline.cluster.job import Request, Task, parts_of
from gradline.design.problem import Problem, pose
from gradline.moments.one_pass import summing_of
from gradline.moments.plan import plan_of
from gradline.sources import CHUNK
from gradline.sources.files import Files


@dataclass(frozen=True)
class Estimate:
    """The cost of one pass."""

    engine: str
    workers: int
    tasks: int
    read: int
    """Bytes from storage, compressed as they lie there."""
    moved: int
    """Bytes of requests and sums between processes; with categories, of the numeric columns alone."""
    numbered: bool
    """Whether chunks have numbers before they are read, so that workers can add them up among themselves."""

    def __str__(self) -> str:
        tasks = f"{self.tasks:,} task" + ("" if self.tasks == 1 else "s")
        how = "added up on the workers" if self.numbered else "added up here, as only reading tells their heights"
        cost = f"{size(self.read)} to read, about {size(self.moved)} to move"
        return f"{self.engine}, {self.workers} at a time: {tasks}, {cost}\nsums are {how}"


def explain(
    data: Any,
    target: Any = None,
    engine: Any = "local",
    address: str | None = None,
    *,
    precision: str = "auto",
    **request: Any,
) -> str:
    """The plan and, where workers read, what that costs; options as in `gl.plan` and `gl.fit`, no row is read."""
    problem = pose(data, target, **request, measure=False)
    planned = str(plan_of(problem, precision))
    with opened(engine, address) as there:
        return planned if there is None else f"{planned}\n{estimate(problem, there)}"


def estimate(problem: Problem, cluster: Cluster) -> Estimate:
    """The cost of a pass over the rows of this problem.

    Raises:
        ClusterError: workers cannot read the data.
    """
    parts = parts_of(problem)
    table = problem.table
    assert isinstance(table, Files), "parts_of refuses what is no file"
    tasks = tasks_of(parts, len(problem.columns), cluster.adapter.workers)
    summing = summing_of(problem, "drop", "double-double")
    matrix = 16 * summing.size**2
    numbered = all(task.chunk is not None for task in tasks)
    chunks = [-(-(part.rows or 0) // CHUNK) for part in parts]
    sums = matrix * (_handed_on(tasks, chunks) if numbered else sum(chunks))
    request = sum(map(len, Request.of(problem, summing)))
    return Estimate(
        engine=cluster.adapter.name,
        workers=cluster.adapter.workers,
        tasks=len(tasks),
        read=table.stored(problem.columns),
        moved=sums + request * min(len(tasks), cluster.adapter.workers),
        numbered=numbered,
    )


def _handed_on(tasks: Sequence[Task], chunks: Sequence[int]) -> int:
    """How many matrices go from one process to another until the total is here; `chunks` are those of each part."""
    starts = [task.chunk or 0 for task in tasks]
    runs = list(pairwise([*starts, sum(chunks)]))
    matrices = sum(nodes(*run) for run in runs)
    while len(runs) > GROUP:
        runs = [(runs[at][0], runs[min(at + GROUP, len(runs)) - 1][1]) for at in range(0, len(runs), GROUP)]
        matrices += sum(nodes(*run) for run in runs)
    return matrices


def nodes(first: int, last: int) -> int:
    """How many nodes of the tree a run of chunks is, `last` not being one of them.

    >>> nodes(0, 8), nodes(1, 8), nodes(3, 5)
    (1, 3, 2)
    """
    count = 0
    while first < last:
        count += first % 2 + last % 2
        first, last = -(-first // 2), last // 2
    return count


def size(count: float) -> str:
    """Bytes in a unit that a person reads.

    >>> size(958_000_000), size(12)
    ('958.0 MB', '12 bytes')
    """
    for unit, power in (("TB", 12), ("GB", 9), ("MB", 6), ("kB", 3)):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count:.0f} bytes"
