"""A category of 1,000 levels beside five numeric columns, 10 million rows: in memory and from Parquet."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from timing import alternate, report

import gradline as gl

ROWS = 10_000_000
LEVELS = 1_000
ROUNDS = 5
NUMERIC = "y ~ x1 + x2 + x3 + x4 + x5"


def main() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, LEVELS, ROWS)
    frame = pd.DataFrame({f"x{j}": rng.random(ROWS) for j in range(1, 6)})
    frame["y"] = frame.sum(axis=1) + codes / LEVELS + rng.normal(size=ROWS)
    frame["g"] = pd.Categorical.from_codes(codes, [f"level {number:04d}" for number in range(LEVELS)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "category.parquet"
        pa.parquet.write_table(
            pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=1 << 20, compression="zstd"
        )
        for place, data in (("pandas", frame), ("Parquet", path)):
            medians = alternate(
                {
                    "five numeric columns": lambda data=data: gl.fit(data, formula=NUMERIC),
                    "and a category of 1,000 levels": lambda data=data: gl.fit(data, formula=f"{NUMERIC} + g"),
                },
                ROUNDS,
            )
            report(f"{ROWS:,} rows, {place}", medians)


if __name__ == "__main__":
    main()
