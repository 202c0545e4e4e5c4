"""Workers of an engine beside each other and beside threads here, on a Parquet file ten times over.

    python benchmarks/cluster.py dask|ray|spark [--rows 10000000] [--times 10] [--rounds 3]

One worker process and two, and one thread and two here. It exits with 1 where a promise is broken: two workers are at
least 1.7 times as fast as one and at most 15 % slower than two threads here, and the bytes of the moments are the
same. Engines have one cluster in a process, so they take turns in rounds of one process each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import files
from timing import report

GAIN, LOSS = 1.7, 1.15


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--rows", type=int, default=files.ROWS)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    files.ROWS = asked.rows
    runs = [("local", 1), ("local", 2), (asked.engine, 1), (asked.engine, 2)]
    seconds: dict[str, list[float]] = {_name(*run): [] for run in runs}
    moments = set()
    with tempfile.TemporaryDirectory(prefix="gradline-bench-") as folder:
        path = files._write(Path(folder) / "rows.parquet")
        for _ in range(asked.rounds):
            for run in runs:
                command = [sys.executable, __file__, "--one", *map(str, run), str(path), str(asked.times)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                said = json.loads(done.stdout.splitlines()[-1])
                seconds[_name(*run)].append(said["seconds"])
                moments.add(said["moments"])
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    report(f"{asked.times} x {asked.rows:,} rows x 11", medians)
    _, two_threads, one, two = medians.values()
    gain, loss, same = one / two, two / two_threads, len(moments) == 1
    print(f"  two workers: {gain:.2f} x one (at least {GAIN}), {loss:.2f} x the time of two threads (at most {LOSS})")
    print(f"  bytes of the moments: {'the same' if same else 'DIFFERENT'}")
    sys.exit(not (same and gain >= GAIN and loss <= LOSS))


def one(engine: str, workers: int, path: str, times: int) -> None:
    """One measurement in this process, after a run like it: a JVM compiles for many seconds."""
    import gradline as gl

    with ENGINES[engine](workers) as there:
        options = {"threads": workers} if there is None else {"engine": there}
        gl.Moments.of([path] * times, target="y", **options)
        began = time.perf_counter()
        moments = gl.Moments.of([path] * times, target="y", **options)
        seconds = time.perf_counter() - began
    words = moments.hi.tobytes() + moments.lo.tobytes()
    print(json.dumps({"seconds": seconds, "moments": words.hex()}))


def _name(engine: str, workers: int) -> str:
    what = "thread" if engine == "local" else "worker"
    return f"{engine}, {workers} {what}{'s' * (workers > 1)}"


@contextmanager
def _local(workers: int) -> Iterator[None]:
    yield None


@contextmanager
def _dask(workers: int) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    started = LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0")
    with started, Client(started) as client:
        yield client


@contextmanager
def _ray(workers: int) -> Iterator[str]:
    import ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    yield "ray"
    ray.shutdown()


@contextmanager
def _spark(workers: int) -> Iterator[Any]:
    from gradline.cluster.spark import opened

    with opened(f"local[{workers}]") as adapter:
        yield adapter.session


ENGINES = {"local": _local, "dask": _dask, "ray": _ray, "spark": _spark}

if __name__ == "__main__":
    if sys.argv[1] == "--one":
        one(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    else:
        main()
