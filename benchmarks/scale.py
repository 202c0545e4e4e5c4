"""How long a pass takes on 1 to 10,000 workers and 10⁹ to 10¹³ rows: a simulation of the cluster engine.

    python benchmarks/scale.py             the tables of docs/scale.md, from the constants below
    python benchmarks/scale.py --measure   the constants of this machine, and the tables with them

A task waits for the driver to send it, for storage and for its worker; then sums go up the tree of groups. Rates of
processors are measured here, in processor time; networks and storage are assumptions that options change.
"""

from __future__ import annotations

import argparse
import heapq
import pickle
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from gradline.cluster.engine import GROUP as FAN
from gradline.cluster.engine import tasks_of
from gradline.cluster.estimate import nodes
from gradline.sources import CHUNK, Part

ROW_GROUP = 16 * CHUNK
REPEATS = 3


@dataclass(frozen=True)
class Constants:
    """What a pass is made of. Rates per second."""

    decode: float = 5.3e7
    """Numbers that one core unpacks from Parquet."""
    double_double: float = 2.8e9
    """Products z_i·z_j that one core adds up in double-double."""
    float64: float = 6.0e9
    """The same in float64."""
    add: float = 1.1e7
    """Entries of two matrices that one core adds in double-double, with what pickling them costs."""
    compressed: float = 7.9
    """Bytes of a number as it is stored."""
    send: float = 1e-3
    """Seconds of the driver and the scheduler for each task: assumed, as Dask says of itself; Spark takes longer."""
    network: float = 1.25e9
    """Bytes into a worker: assumed, 10 Gbit/s for each of its machine's cores together with storage."""
    storage: float = 1e11
    """Bytes out of the store, for all workers together: assumed, a large object store."""
    latency: float = 1e-3
    """Seconds until a message arrives: assumed."""


@dataclass(frozen=True)
class Pass:
    """Seconds of one pass, and where they went."""

    total: float
    shares: dict[str, float]
    """Seconds that each stage would take if it were alone."""
    tasks: int

    @property
    def bottleneck(self) -> str:
        return max(self.shares, key=lambda stage: self.shares[stage])


def simulated(rows: int, columns: int, workers: int, at: Constants, *, double: bool = True) -> Pass:
    """A pass over rows of so many columns, the constant not being one of them."""
    p = columns + 1
    groups = -(-rows // ROW_GROUP)
    # The cut is that of the engine, for up to 10⁵ row groups; beyond, in proportion.
    scale = max(1, groups // 100_000)
    parts = [Part("", ROW_GROUP * scale, lambda: iter(())) for _ in range(max(1, groups // scale))]
    tasks = tasks_of(parts, columns, workers)
    numbers = [(task.rows or 0) * columns for task in tasks]
    kernel = at.double_double if double else at.float64
    share = at.storage / min(workers, len(tasks))
    source, share = ("storage", share) if share < at.network else ("network", at.network)
    spent = {source: 0.0, "decode": 0.0, "kernel": 0.0}
    free = [0.0] * min(workers, len(tasks))
    ends = []
    for number, count in enumerate(numbers):
        fetch, decode, sums = count * at.compressed / share, count / at.decode, count * (p + 1) / 2 / kernel
        sent = (number + 1) * at.send
        start = max(heapq.heappop(free), sent) + at.latency
        # Fetching goes on beside computing; the longer of the two counts.
        end = start + max(fetch, decode + sums)
        heapq.heappush(free, end)
        ends.append(end)
        for stage, seconds in ((source, fetch), ("decode", decode), ("kernel", sums)):
            spent[stage] += seconds / len(free)
    runs = [(task.chunk or 0, (task.chunk or 0) + -(-(task.rows or 0) // CHUNK)) for task in tasks]
    tree = 0.0
    while len(runs) > FAN:
        ends, runs, took = _added(ends, runs, p, at)
        tree += took
    last = sum(nodes(*run) for run in runs) * p * p
    driver = last * 16 / at.network + last / at.add + p**3 / 1e9
    shares = {**spent, "tree": tree, "driver": driver, "scheduler": len(tasks) * at.send}
    return Pass(max(ends) + at.latency + driver, shares, len(tasks))


def _added(
    ends: list[float], runs: list[tuple[int, int]], p: int, at: Constants
) -> tuple[list[float], list[tuple[int, int]], float]:
    """One round of groups: when each ends, the chunks that it covers, and the longest that one took."""
    later, wider, longest = [], [], 0.0
    for first in range(0, len(runs), FAN):
        group = runs[first : first + FAN]
        entries = sum(nodes(*run) for run in group) * p * p
        took = entries * 16 / at.network + entries / at.add + at.send + at.latency
        later.append(max(ends[first : first + FAN]) + took)
        wider.append((group[0][0], group[-1][1]))
        longest = max(longest, took)
    return later, wider, longest


def measured() -> Constants:
    """The constants of one core here, best of a few: others share the machine, so time is that of the processor."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from gradline.design.block import Block
    from gradline.design.problem import pose
    from gradline.moments.one_pass import summing_of

    columns, rows = 11, ROW_GROUP
    rng = np.random.default_rng(0)
    names = [f"x{j}" for j in range(columns - 1)] + ["y"]
    table = pa.table({name: rng.normal(size=rows) for name in names})
    with tempfile.TemporaryDirectory(prefix="gradline-scale-") as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=rows)
        compressed = path.stat().st_size / (rows * columns)
        problem = pose([path, path], target="y")
        decode = _best(lambda: sum(1 for _ in problem.parts()[0].read()))
        [block] = [Block(0, tuple(table[name].to_numpy() for name in names), (None,) * columns, None, "")]
        fine, coarse = (summing_of(problem, "drop", precision) for precision in ("double-double", "float64"))
        double, single = _best(lambda: list(fine.chunks(block))), _best(lambda: list(coarse.chunks(block)))
        sums = next(fine.chunks(block))
    big = sums._replace(pair=(rng.normal(size=(400, 400)), rng.normal(size=(400, 400))))
    add = _best(lambda: fine.merge(big, pickle.loads(pickle.dumps(big))))
    products = rows * columns * (columns + 2) / 2
    return Constants(
        decode=rows * columns / decode,
        double_double=products / double,
        float64=products / single,
        add=400 * 400 / add,
        compressed=compressed,
    )


def _best(work: Callable[[], object]) -> float:
    """Seconds of this process's processor, after a run that compiles."""
    work()
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def tables(at: Constants) -> str:
    """Seconds and the longest stage, for each number of workers and rows."""
    lines = []
    for columns, double in ((11, True), (201, False)):
        what = "double-double" if double else "float64"
        lines.append(f"\n{columns} columns, {what}: seconds, and the stage that sets them\n")
        sizes = [10**power for power in range(9, 14)]
        lines.append("| workers | " + " | ".join(f"10^{power} rows" for power in range(9, 14)) + " |")
        lines.append("|---|" + "---|" * len(sizes))
        for workers in (1, 10, 100, 1_000, 10_000):
            found = [simulated(rows, columns, workers, at, double=double) for rows in sizes]
            lines.append(
                f"| {workers:,} | " + " | ".join(f"{_time(one.total)} {one.bottleneck}" for one in found) + " |"
            )
    return "\n".join(lines)


def _time(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", action="store_true")
    for field in fields(Constants):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float)
    asked = vars(parser.parse_args())
    at = measured() if asked.pop("measure") else Constants()
    at = replace(at, **{name: value for name, value in asked.items() if value is not None})
    for field in fields(Constants):
        print(f"{field.name:<15}{getattr(at, field.name):12.3g}")
    print(tables(at))


if __name__ == "__main__":
    main()
