"""Memory does not grow with a row group, nor with a record batch that lies unpacked in its file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("one-group.parquet", 110),  # 16 MB at a time, the next ones, and buffers
        ("plain.feather", 1),  # a memory map: nothing is set aside
    ],
)
def test_how_much_memory_a_huge_row_group_or_batch_takes(name: str, most: float, tmp_path: Path) -> None:
    """Two columns are read, which take 128 MB."""
    table = pa.table({f"c{j}": np.arange(8e6) + j for j in range(3)})
    if name.endswith("parquet"):
        pa.parquet.write_table(
            table, tmp_path / name, row_group_size=len(table), use_dictionary=False, compression="none"
        )
    else:
        pa.feather.write_feather(table, tmp_path / name, compression="uncompressed", chunksize=len(table))
    program = (
        "import sys, pyarrow as pa\n"
        "from gradline.sources import open_table\n"
        "table = open_table(sys.argv[1])\n"
        "rows = sum(len(rows.columns[0]) for part in table.parts(['c0', 'c2']) for rows in part.read())\n"
        "print(table.rows, rows, pa.default_memory_pool().max_memory())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / name], capture_output=True, text=True, check=True
    )
    height, rows, taken = map(int, done.stdout.split())
    assert height == rows == len(table)
    assert taken < most * 1e6
