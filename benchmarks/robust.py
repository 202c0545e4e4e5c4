"""Robust standard errors from a second pass over a Parquet file, beside the plain fit: time, and memory.

python benchmarks/robust.py [rows]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from timing import alternate, report

import gradline as gl

ROWS = 10_000_000
FIRMS = 10  # rows to a firm
ROUNDS = 5
FEATURES = [f"x{j}" for j in range(1, 11)]

PROGRAMS = {
    "plain fit": {},
    "HC3": {"se": "HC3"},
    "a million firms": {"cluster": "firm"},
    "HAC": {"se": "HAC"},
}


def write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    schema = pa.schema([*[(name, pa.float64()) for name in FEATURES], ("y", pa.float64()), ("firm", pa.int64())])
    with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for first in range(0, rows, 1 << 20):
            n = min(1 << 20, rows - first)
            X = rng.normal(size=(n, 10))
            y = X.sum(axis=1) + rng.normal(size=n) * abs(X[:, 0])
            firm = rng.integers(0, max(rows // FIRMS, 2), n)
            writer.write_table(pa.table([*X.T, y, firm], schema=schema))


def fit(path: str, which: str) -> gl.Fit:
    return gl.fit(path, target="y", features=FEATURES, **PROGRAMS[which])


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write(path, rows)
        medians = alternate({name: lambda name=name: fit(str(path), name) for name in PROGRAMS}, ROUNDS)
        report(f"{rows:,} rows, 10 features, Parquet", medians)
        for name in PROGRAMS:
            found = subprocess.run(
                [sys.executable, __file__, "memory", str(path), name], check=True, capture_output=True, text=True
            )
            print(f"  {name:<44} {found.stdout.strip():>12} MB at most, in a process of its own")


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        fit(*sys.argv[2:4])
        # Not getrusage, which counts what the parent held before this program was loaded.
        [peak] = [
            line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
        ]
        print(int(peak) // 1024)
    else:
        main()
