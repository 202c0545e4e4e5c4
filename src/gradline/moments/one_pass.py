"""From the rows of a problem to its moments: who sums which chunk, and when.

Chunks are numbered by the data alone, each chunk's sum has one fixed order, and chunks are added in a fixed binary
tree over their numbers. Threads only decide who sums a chunk, so the bytes of the moments are the same for any
number of them, and for a run that was interrupted and went on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate as accumulated
from numbers import Integral
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

from gradline.design.effects import Label, expand, left_out
from gradline.errors import OptionError
from gradline.moments import devices, entries
from gradline.moments.cells import Grouping, assembled
from gradline.moments.moments import FLOAT64, Moments
from gradline.moments.moved import moved
from gradline.moments.sums import Summing, Sums
from gradline.moments.tree import Node, SumsT, Tree
from gradline.sources import CHUNK, Part, Rows

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.design.problem import Problem
    from gradline.moments.checkpoint import Checkpoint

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called with the rows read so far, and the rows in all where that is known."""

_FEW_CHUNKS = 4
"""Chunks per thread up to which one more or less makes a difference."""
_WIDE = 128
"""Columns from which on threads can share a chunk: of more than two, several pack the same rows."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def accumulate(
    problem: Problem,
    *,
    missing: str = "drop",
    precision: str = "double-double",
    threads: int | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
    engine: Engine | None = None,
) -> Moments:
    """Read the rows once and add up their cross-products.

    Args:
        problem: The table and what its columns are for.
        missing: "drop" leaves rows with a missing value out and counts them; "error" refuses them.
        precision: "double-double", or "float64" for sums that are right to about 15 digits.
        threads: How many chunks to sum at a time; by default as many as there are processors.
        progress: Called now and then with the rows so far and the rows in all.
        checkpoint: Where to keep what has been summed, and to go on from.
        engine: Who does it elsewhere; the sums do not depend on it.

    Raises:
        DataError: an infinite value, a number too large to square, a missing value with missing="error",
            or a weight that is negative or missing; with the column and the first row.
    """
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, Integral) or threads < 1):
        raise OptionError(f"threads is a whole number from 1 up, or None for all processors, not {threads!r}.")
    alone = checkpoint is None and engine is None
    if precision == "float64" and alone and devices.summed_on(problem) is not None:
        return _there(problem, missing, progress)
    threads = threads or processors()
    if checkpoint is None and entries.summed_by(problem):
        moments = _of_entries(problem, missing, precision, threads, progress)
        if moments is not None:
            return moments
    within = 1 if precision == "double-double" or engine is not None else sharing(problem, threads)
    summing = summing_of(problem, missing, precision, within)
    if alone and problem.table.rows is not None and problem.table.rows <= CHUNK:
        parts = problem.parts()
        rows = next(iter(parts[0].read()), None) if len(parts) == 1 else None
        if rows is not None and len(rows.columns[0]) == problem.table.rows:  # a single chunk needs no threads
            [found] = summing.chunks(problem.block(rows))
            if progress is not None:
                progress(found.rows, problem.table.rows)
            return moments_of(problem, summing, found)
    begun, keep = ((), None) if checkpoint is None else (checkpoint.resume(problem, summing), checkpoint.keep)
    if engine is None:
        tree = added_up(problem, summing, threads // within, progress, begun=begun, keep=keep)
    else:
        tree = engine.added_up(problem, summing, progress)
    if checkpoint is not None:
        checkpoint.keep(tree.nodes, last=True)
    return moments_of(problem, summing, tree.total() or summing.nothing())


def added_up(
    problem: Problem,
    summing: Chunked[SumsT],
    threads: int | None = None,
    progress: Progress | None = None,
    *,
    begun: Sequence[Node[SumsT]] = (),
    keep: Callable[[list[Node[SumsT]]], object] | None = None,
) -> Tree[SumsT]:
    """The sums over all rows, from one reading of them.

    Args:
        problem: The table and what its columns are for.
        summing: How its chunks are summed.
        threads: As for `accumulate`, and so is the next.
        progress: See threads.
        begun: What has been summed already; those rows are passed over.
        keep: Called now and then with what has been summed so far.
    """
    tree = Tree(summing.merge, begun)
    done = sum(node.sums.rows for node in tree.nodes)
    for nodes in runs(problem, summing, threads or processors(), tree.chunks):
        for node in nodes:
            tree.add(node)
            done += node.sums.rows
        if keep is not None:
            keep(tree.nodes)
        if progress is not None:
            progress(done, problem.table.rows)
    return tree


def summing_of(problem: Problem, missing: str, precision: str, threads: int = 1) -> Summing:
    """How the chunks of a problem are summed; the options are those of `accumulate`."""
    if missing not in ("drop", "error"):
        raise OptionError(f'missing is "drop" (leave such rows out) or "error" (refuse them), not {missing!r}.')
    if precision not in ("double-double", "float64"):
        raise OptionError(f'precision is "double-double" or "float64" here, not {precision!r}.')
    terms, targets = problem.terms, problem.targets
    categories = tuple([category.column for category in problem.categories])
    grouping = (
        Grouping(categories, problem.effects, len(terms), len(targets), problem.logical) if categories else None
    )
    names = (*[term.name for term in terms], *targets, *categories)
    double = precision == "double-double"
    return Summing(
        names, len(targets), missing, problem.frequency, grouping, double, threads=threads, weights=problem.weights
    )


def _there(problem: Problem, missing: str, progress: Progress | None) -> Moments:
    """Sums in float64 of rows on another device; what comes back from there is added in double-double."""
    summing = summing_of(problem, missing, "double-double")
    tree = Tree(summing.merge)
    done = 0
    for number, sums in enumerate(devices.chunks(problem, summing)):
        tree.add(Node(0, number, sums))
        done += sums.rows
        if progress is not None:
            progress(done, problem.table.rows)
    moments = moments_of(problem, summing, tree.total() or summing.nothing())
    return replace(moments, precision="float64", unit=FLOAT64)


def _of_entries(
    problem: Problem, missing: str, precision: str, threads: int, progress: Progress | None
) -> Moments | None:
    """Sums in double-double of stored numbers, whatever was asked for; None where they are not to be had."""
    summing = summing_of(problem, missing, "double-double")
    found = entries.sums(problem, summing, threads)
    if found is None:
        return None
    if progress is not None:
        progress(found.rows, problem.table.rows)
    moments = moments_of(problem, summing, found)
    return moments if precision == "double-double" else replace(moments, precision=precision, unit=FLOAT64)


class Chunked(Protocol[SumsT]):
    """How the chunks of a problem are summed."""

    def chunks(self, block: Block) -> Iterator[SumsT]:
        """The sums of each chunk of CHUNK rows in the block, in order."""
        ...

    def merge(self, a: SumsT, b: SumsT) -> SumsT:
        """Both together."""
        ...


class Portable(Chunked[SumsT], Protocol[SumsT]):
    """The same where other processes may sum some of the chunks."""

    @property
    def met(self) -> list[list[Label]]:
        """What the numbers within sums stand for: levels of categories, as this process met them."""
        ...

    def adopted(self, sums: SumsT, met: Sequence[Sequence[Label]]) -> SumsT:
        """Sums that another process made, with the numbers of this one."""
        ...


class WithoutLevels(Generic[SumsT]):
    """What makes sums `Portable` that have no numbers of levels within: they are the same in every process."""

    __slots__ = ()

    @property
    def met(self) -> list[list[Label]]:
        """No level of anything."""
        return []

    def adopted(self, sums: SumsT, met: Sequence[Sequence[Label]]) -> SumsT:
        """Sums that another process made, as they are."""
        return sums


class Engine(Protocol):
    """Who adds up the chunks of a problem elsewhere, in the same tree."""

    def added_up(self, problem: Problem, summing: Portable[SumsT], progress: Progress | None) -> Tree[SumsT]:
        """As `added_up` here."""
        ...


def added_up_by(
    engine: Engine | None,
    problem: Problem,
    summing: Portable[SumsT],
    threads: int | None = None,
    progress: Progress | None = None,
) -> Tree[SumsT]:
    """The sums over all rows, made by an engine, or here where there is none."""
    if engine is None:
        return added_up(problem, summing, threads, progress)
    return engine.added_up(problem, summing, progress)


def runs(problem: Problem, summing: Chunked[SumsT], threads: int, done: int) -> Iterator[list[Node[SumsT]]]:
    """The sums of runs of chunks in order, each run added up as far as the tree allows, without the first `done`."""
    parts = problem.parts()
    if len(parts) > 1 and all(part.rows is not None for part in parts):
        yield from _part_by_part(problem, summing, parts, threads, done)
    else:
        yield from _end_to_end(problem, summing, parts, threads, done)


def _part_by_part(
    problem: Problem, summing: Chunked[SumsT], parts: Sequence[Part], threads: int, done: int
) -> Iterator[list[Node[SumsT]]]:
    """Each worker reads, decodes and sums parts of its own."""

    def work(numbered: tuple[int, Part]) -> list[Node[SumsT]]:
        first, part = numbered
        return summed(problem, summing, part.read(), first)

    firsts = accumulated((-(-(part.rows or 0) // CHUNK) for part in parts), initial=0)
    rest = ((first, part) for first, part in zip(firsts, parts, strict=False) if first >= done)
    return in_order(work, rest, threads)


def _end_to_end(
    problem: Problem, summing: Chunked[SumsT], parts: Sequence[Part], threads: int, done: int
) -> Iterator[list[Node[SumsT]]]:
    """One thread reads, the others sum."""

    def numbered() -> Iterator[tuple[int, Rows]]:
        first = 0
        for part in parts:
            for rows in part.read():
                if first >= done:
                    yield first, rows
                first += -(-len(rows.columns[0]) // CHUNK)

    # Rows wait in memory, and all take like long: one more than there are threads is enough.
    return in_order(lambda item: summed(problem, summing, (item[1],), item[0]), numbered(), threads, threads + 1)


def summed(problem: Problem, summing: Chunked[SumsT], rows: Iterable[Rows], first: int) -> list[Node[SumsT]]:
    """The sums of consecutive chunks, of which this is the number of the first."""
    tree = Tree(summing.merge)
    for each in rows:
        for number, sums in enumerate(summing.chunks(problem.block(each)), first):
            tree.add(Node(0, number, sums))
            first = number + 1
    return tree.nodes


def in_order(
    work: Callable[[_Item], _Result], items: Iterator[_Item], threads: int, ahead: int | None = None
) -> Iterator[_Result]:
    """The work on each item, in their order; so many items at a time that memory stays bounded."""
    ahead = 2 * threads if ahead is None else ahead
    first = next(items, None)
    if first is None:
        return
    second = next(items, None)
    if second is None:  # no pool for one item
        yield work(first)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Result]] = deque((pool.submit(work, first), pool.submit(work, second)))
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def sharing(problem: Problem, threads: int) -> int:
    """How many threads share a chunk in float64: all of them, or one.

    All, where chunks of many columns are so few that one more makes a difference, and none waits to be decoded.
    """
    rows, columns = problem.table.rows, len(problem.terms)
    few = rows is not None and rows <= _FEW_CHUNKS * threads * CHUNK
    return threads if few and columns >= _WIDE and len(problem.parts()) == 1 else 1


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def moments_of(
    problem: Problem, summing: Summing, total: Sums, levels: Sequence[Sequence[Label]] | None = None
) -> Moments:
    """The moments that sums stand for; with the levels given, rows may be of some of them only."""
    pair, terms, epsilon, recipe = summing.whole(total.pair), problem.terms, problem.epsilon, problem.recipe
    unused: tuple[tuple[str, Label], ...] = ()
    if summing.grouping is not None:
        levels = summing.grouping.present(total.cells) if levels is None else levels
        summing.grouping.refuse_too_many(levels)
        unused = left_out(problem.categories, [each.labels for each in summing.grouping.levels], levels)
        features = expand(problem.effects, terms, problem.categories, levels)
        pair = assembled(pair, total.cells, summing.grouping, features, levels)
        spacing = [2.0**-52 if feature.number is None else epsilon[feature.number] for feature in features]
        epsilon = (*spacing, *epsilon[len(terms) :])
        terms = tuple([feature.term for feature in features])
        recipe = recipe.with_levels(levels)
    growth: tuple[float, ...] = ()
    if problem.passing is not None:
        recipe = replace(recipe, derived=problem.passing.derived)
        pair, growth = moved(pair, terms, recipe.derived)
    nobs: float = total.used
    if problem.frequency and total.used:
        nobs = float(pair[0][0, 0])
        nobs = int(nobs) if nobs.is_integer() else nobs
    lacking = zip(summing.names, total.missing.tolist(), strict=True)
    return Moments(
        hi=pair[0],
        lo=pair[1],
        columns=tuple([term.name for term in terms]),
        targets=problem.targets,
        nobs=nobs,
        epsilon=epsilon,
        rows=total.rows,
        used=total.used,
        missing=tuple([(name, count) for name, count in lacking if count]),
        terms=terms,
        unused=unused,
        weighted=problem.weights is not None and not problem.frequency,
        log_weights=total.log_weights,
        constant=tuple([value is not None for value in total.constant]),
        single_target=problem.single_target,
        array_names=problem.array_names,
        source=problem.table.name,
        recipe=recipe,
        precision="double-double" if summing.double else "float64",
        unit=2.0**-104 if summing.double else FLOAT64,
        growth=growth,
    )
