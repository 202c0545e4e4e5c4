"""What a cluster is asked for, and what its workers do: read some parts, sum them, add up what others have summed.

A task is a run of parts of the table and the number of its first chunk. What comes of it are nodes of the same tree
as on one machine, so neither the number of tasks nor who did them shows in the bytes of the whole.
"""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol

from gradline import __version__
from gradline.errors import ClusterError, GradlineError, SourceError, gist
from gradline.moments.one_pass import Portable, summed
from gradline.moments.tree import Node, SumsT, Tree
from gradline.sources import CHUNK, Part, Rows, Table
from gradline.sources.files import Files
from gradline.sources.partitions import Partitions

if TYPE_CHECKING:
    from gradline.design.effects import Label


class Readable(Protocol):
    """A table, which columns of it are wanted, and what rows of it are made into."""

    @property
    def table(self) -> Table:
        """Whose rows."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """Which columns."""
        ...

    def block(self, rows: Rows, /) -> Any:
        """Rows as numbers."""
        ...


class Request(NamedTuple):
    """What all tasks of a job share, ready to be sent."""

    version: str
    """Of gradline, where the request was made."""
    problem: bytes
    summing: bytes

    @classmethod
    def of(cls, problem: Readable, summing: Any) -> Request:
        """The request for these sums."""
        return cls(__version__, pickle.dumps(problem), pickle.dumps(summing))


class Task(NamedTuple):
    """Consecutive parts of a table, for one worker."""

    first: int
    """Number of the first of these parts."""
    last: int
    """That of the last, plus one."""
    chunk: int | None
    """Number of the first chunk; None where the parts before must be read to know it."""
    rows: int | None
    place: str
    """How an error names them."""


class Partial(NamedTuple, Generic[SumsT]):
    """What a task, or several, came to."""

    nodes: list[Node[SumsT]]
    """In order. Of a task whose first chunk is unknown: each of its chunks, counted from 0."""
    met: list[list[Label]]
    """What the numbers within the sums stand for."""


def work(request: Request, task: Task, frame: Any = None) -> Partial[Any]:
    """Read the parts of a task and sum their chunks; of a table of the engine's own, `frame` is the partition.

    Raises:
        GradlineError: whatever is wrong, in a line or two. To try again would give the same.
    """
    with in_a_line(request, task.place):
        problem, parts = _opened(request.problem)
        summing = _summing(request)
        if isinstance(problem.table, Partitions):
            chosen: Sequence[Part] = [problem.table.part(task.first, frame, problem.columns)]
        else:
            chosen = parts[task.first : task.last]
        if task.chunk is None:
            nodes = list(_each_chunk(problem, summing, chosen))
            return Partial(nodes, getattr(summing, "met", []))
        tree, chunk = Tree(summing.merge), task.chunk
        for part in chosen:
            for node in summed(problem, summing, part.read(), chunk):
                tree.add(node)
            chunk += -(-(part.rows or 0) // CHUNK)
        return Partial(tree.nodes, summing.met)


def partition(table: Partitions, number: int) -> Task:
    """The task of summing a partition, from 0."""
    return Task(number, number + 1, None, None, f"partition {number} of {table.name}")


def merged(request: Request, *partials: Partial[Any]) -> Partial[Any]:
    """What several tasks that follow each other, in any order here, come to together."""
    with in_a_line(request, "adding up"):
        summing = _summing(request)
        return Partial(tree_of(summing, partials).nodes, summing.met)


def tree_of(summing: Portable[SumsT], partials: Sequence[Partial[SumsT]]) -> Tree[SumsT]:
    """The tree of these partials, which follow each other."""
    tree = Tree(summing.merge)
    for partial in sorted([each for each in partials if each.nodes], key=_start):
        for node in partial.nodes:
            tree.add(node._replace(sums=summing.adopted(node.sums, partial.met)))
    return tree


def parts_of(problem: Readable) -> Sequence[Part]:
    """The parts that workers can read by themselves, the same ones wherever they are asked for."""
    table, columns = problem.table, problem.columns
    if not isinstance(table, Files):
        raise ClusterError(
            f"workers read files and tables of their engine, and {table.name} is neither.\n"
            "Leave engine= out, use where= for sql=, or write the data to Parquet files that all workers see."
        )
    parts = table.parts(columns)
    return parts if len(parts) > 1 else table.separately(columns)


@contextmanager
def in_a_line(request: Request, place: str) -> Iterator[None]:
    """Turn whatever goes wrong on a worker into an error that names the worker or the place, ready to be sent."""
    if request.version != __version__:
        raise ClusterError(
            f"{_here()} has gradline {__version__}, and {request.version} asked.\n"
            f"Install the same there: pip install gradline=={request.version}"
        )
    try:
        yield
    except SourceError as problem:
        if not isinstance(problem.__context__, FileNotFoundError):
            raise
        raise ClusterError(
            f"{_here()} does not find {place}.\n"
            "Workers look under the same path: use a folder that all see, or an address such as s3://."
        ) from None
    except GradlineError:
        raise
    except MemoryError:
        raise ClusterError(
            f"{_here()} has no memory left for {place}.\nGive workers more, or fewer threads each."
        ) from None
    except Exception as problem:
        raise ClusterError(f"{_here()} failed at {place}:\n{gist(problem)}") from problem


def _each_chunk(problem: Readable, summing: Portable[SumsT], parts: Sequence[Part]) -> Iterator[Node[SumsT]]:
    number = 0
    for part in parts:
        for rows in part.read():
            for sums in summing.chunks(problem.block(rows)):
                yield Node(0, number, sums)
                number += 1


@lru_cache(maxsize=4)
def _opened(problem: bytes) -> tuple[Any, Sequence[Part]]:
    """The problem and its parts, kept for the next task: of many files they take longer to make than to read one."""
    made: Readable = pickle.loads(problem)  # noqa: S301 - engines themselves run what they are sent
    return made, () if isinstance(made.table, Partitions) else parts_of(made)


def _summing(request: Request) -> Portable[Any]:
    summing: Portable[Any] = pickle.loads(request.summing)  # noqa: S301 - see above
    return summing


def _start(partial: Partial[Any]) -> int:
    """Number of the first chunk."""
    node = partial.nodes[0]
    return node.place << node.level


def _here() -> str:
    return f"the worker on {socket.gethostname()} (process {os.getpid()})"
