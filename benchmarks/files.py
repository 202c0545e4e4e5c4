"""Files larger than anyone wants in memory: fits beside reading alone, DuckDB's own sums, and the memory it takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from timing import alternate, report

import gradline as gl

ROWS = 10_000_000
GROUP = 1_048_576
NAMES = [*[f"x{j}" for j in range(1, 11)], "y"]
ROUNDS = 5
THREADS = 2

PEAK = """
import sys, time
import gradline as gl

fits, paths = int(sys.argv[1]), sys.argv[2:]
gl.Moments.of(paths[0], target="y")
began = time.perf_counter()
for _ in range(fits):
    moments = gl.Moments.of(paths, target="y")
seconds = (time.perf_counter() - began) / fits
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(moments.nobs, seconds, int(peak.split()[1]) / 1024)
"""
"""The most memory that a process of its own ever held, in MiB, after a first run that compiles."""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gradline-bench-") as folder:
        parquet = _write(Path(folder) / "ten.parquet")
        _parquet(parquet)
        _ten_times(parquet)
        _csv(parquet, Path(folder) / "ten.csv")


def _parquet(path: Path) -> None:
    import duckdb

    from gradline.sources import open_table

    table = open_table(path)

    def pieces() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda part: sum(1 for _ in part.read()), table.parts(NAMES)))

    medians = alternate(
        {
            f"pyarrow: row groups, {THREADS} threads": lambda: _row_groups(path),
            "gradline fit, with standard errors": lambda: gl.fit(path, "y"),
            "gradline fit, float64 sums": lambda: gl.fit(path, "y", precision="float64"),
            "gradline: reading alone": pieces,
            "DuckDB: all sums of products": lambda: duckdb.sql(_sums_of_products(path)).fetchall(),
        },
        ROUNDS,
    )
    report(f"Parquet, {ROWS:,} x 11 float64, zstd", medians)


def _ten_times(path: Path) -> None:
    """One fit of the file ten times over and ten fits of the file, each in a process of its own."""
    print(f"\nThat file ten times over, {10 * ROWS:,} rows")
    once = _peak([path], 10)
    often = _peak([path] * 10, 1)
    print(f"  time    {often[0]:8.2f} s, {often[0] / once[0]:.2f} x once")
    print(f"  memory  {often[1]:8.0f} MiB at most, of which importing torch is a part; once {once[1]:.0f} MiB")


def _csv(parquet: Path, path: Path) -> None:
    import duckdb

    duckdb.sql(f"COPY (FROM '{parquet}') TO '{path}' (FORMAT csv)")
    columns = ", ".join(NAMES)

    def arrow() -> None:
        with duckdb.connect() as connection:
            relation = connection.sql(f"SELECT {columns} FROM read_csv('{path}')")
            for _ in relation.to_arrow_reader(65_536):
                pass

    medians = alternate(
        {"DuckDB: the columns to Arrow": arrow, "gradline fit, with standard errors": lambda: gl.fit(path, "y")}, 3
    )
    report(f"CSV, {ROWS:,} x 11", medians)


def _write(path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    schema = pa.schema([(name, pa.float64()) for name in NAMES])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for first in range(0, ROWS, GROUP):
            X = rng.normal(size=(10, min(GROUP, ROWS - first)))
            y = X.sum(axis=0) + rng.normal(size=X.shape[1])
            writer.write_table(pa.table([*X, y], schema=schema), row_group_size=GROUP)
    return path


def _row_groups(path: Path) -> None:
    """What any program pays that has these rows in memory, a row group at a time."""
    import pyarrow.parquet as pq

    def read(group: int) -> None:
        with pq.ParquetFile(path) as file:
            file.read_row_group(group, use_threads=False)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read, range(pq.read_metadata(path).num_row_groups)))


def _sums_of_products(path: Path) -> str:
    products = [f"sum({a} * {b})" for i, a in enumerate(NAMES) for b in NAMES[i:]]
    return f"SELECT count(*), {', '.join([*[f'sum({a})' for a in NAMES], *products])} FROM '{path}'"


def _peak(paths: list[Path], fits: int) -> tuple[float, float]:
    """Seconds of a fit, and MiB."""
    command = [sys.executable, "-c", PEAK, str(fits), *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    nobs, seconds, peak = done.stdout.split()
    assert int(nobs) == ROWS * len(paths)
    return float(seconds), float(peak)


if __name__ == "__main__":
    main()
