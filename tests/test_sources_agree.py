"""Every kind of source gives the columns that NumPy has. A new kind joins by a row in SOURCES."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import torch
from chunks import chunks
from scipy import sparse

from gradline.sources import CHUNK, open_table

ROWS = CHUNK + 4_464  # two chunks
NAMES = ("x1", "x2", "x3")


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """(n, 3): means far from the spread, whole numbers, and missing values."""
    rng = np.random.default_rng(7)
    matrix = np.column_stack([rng.normal(1e8, 1.0, ROWS), rng.integers(-9, 9, ROWS), rng.normal(size=ROWS)])
    matrix[rng.integers(0, ROWS, 500), 2] = np.nan
    return matrix


def _csv(matrix: np.ndarray, path: Path) -> Path:
    pd.DataFrame(matrix, columns=NAMES).to_csv(path, index=False, na_rep="NA")
    return path


def _arrow(matrix: np.ndarray) -> pa.Table:
    return pa.table({name: matrix[:, j] for j, name in enumerate(NAMES)})


def _parquet(matrix: np.ndarray, folder: Path) -> Path:
    pa.parquet.write_table(_arrow(matrix), folder / "t.parquet")
    return folder / "t.parquet"


def _feather(matrix: np.ndarray, folder: Path, compression: str) -> Path:
    pa.feather.write_feather(_arrow(matrix), folder / "t.feather", compression=compression, chunksize=CHUNK)
    return folder / "t.feather"


def _stream(matrix: np.ndarray, folder: Path) -> Path:
    table = _arrow(matrix)
    with pa.ipc.new_stream(folder / "t.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=CHUNK)
    return folder / "t.arrow"


def _gzip(matrix: np.ndarray, folder: Path) -> Path:
    (folder / "t.csv.gz").write_bytes(gzip.compress(_csv(matrix, folder / "t.csv").read_bytes(), 1))
    return folder / "t.csv.gz"


def _zstd(matrix: np.ndarray, folder: Path) -> Path:
    with pa.CompressedOutputStream(str(folder / "t.csv.zst"), "zstd") as out:
        out.write(_csv(matrix, folder / "t.csv").read_bytes())
    return folder / "t.csv.zst"


def _in_parts(matrix: np.ndarray, folder: Path) -> str:
    for part, rows in enumerate((matrix[:CHUNK], matrix[CHUNK:])):
        pa.parquet.write_table(_arrow(rows), folder / f"part{part}.parquet")
    return str(folder / "part*.parquet")


def _pandas_nullable(matrix: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(matrix, columns=NAMES).astype({"x2": "Int64", "x3": "Float64"})


SOURCES: dict[str, Callable[[np.ndarray, Path], Any]] = {
    "array": lambda m, _: m,
    "array, Fortran order": lambda m, _: np.asfortranarray(m),
    "array, strided": lambda m, _: np.repeat(np.repeat(m, 2, axis=0), 2, axis=1)[::2, ::2],
    "array, backwards": lambda m, _: m[::-1].copy()[::-1],
    "array, big-endian": lambda m, _: m.astype(">f8"),
    "array, long double": lambda m, _: m.astype(np.longdouble),
    "array, objects": lambda m, _: m.astype(object),
    "array, read-only": lambda m, _: np.frombuffer(m.tobytes()).reshape(m.shape),
    "array, masked": lambda m, _: np.ma.masked_invalid(m),
    "lists": lambda m, _: m.tolist(),
    "tensor": lambda m, _: torch.from_numpy(m),
    "tensor, requires grad": lambda m, _: torch.from_numpy(m).requires_grad_(),
    "tensor, transposed": lambda m, _: torch.from_numpy(np.asfortranarray(m)).mT.contiguous().mT,
    "sparse, by row": lambda m, _: sparse.csr_array(m),
    "sparse, by column": lambda m, _: sparse.csc_matrix(m),
    "pandas": lambda m, _: pd.DataFrame(m, columns=NAMES),
    "pandas, by column": lambda m, _: pd.DataFrame({name: m[:, j].copy() for j, name in enumerate(NAMES)}),
    "pandas, nullable": lambda m, _: _pandas_nullable(m),
    "pandas, on Arrow": lambda m, _: pd.DataFrame(m, columns=NAMES).astype("double[pyarrow]"),
    "polars": lambda m, _: pl.DataFrame(m, schema=list(NAMES)),
    "polars, nulls": lambda m, _: pl.DataFrame(m, schema=list(NAMES)).fill_nan(None),
    "polars, lazy": lambda m, _: pl.DataFrame(m, schema=list(NAMES)).lazy(),
    "polars, in pieces": lambda m, _: pl.concat(
        [pl.DataFrame(part, schema=list(NAMES)) for part in np.array_split(m, 7)], rechunk=False
    ),
    "arrow": lambda m, _: _arrow(m),
    "arrow, record batch": lambda m, _: _arrow(m).combine_chunks().to_batches()[0],
    "parquet": lambda m, folder: _parquet(m, folder),
    "parquet, glob": _in_parts,
    "parquet, list": lambda m, folder: sorted(Path(_in_parts(m, folder)).parent.glob("part*")),
    "feather, lz4": lambda m, folder: _feather(m, folder, "lz4"),
    "feather, plain": lambda m, folder: _feather(m, folder, "uncompressed"),
    "arrow stream": _stream,
    "csv": lambda m, folder: _csv(m, folder / "t.csv"),
    "csv, text path": lambda m, folder: str(_csv(m, folder / "t.txt")),
    "csv, gzip": _gzip,
    "csv, zstd": _zstd,
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_numpys_columns(kind: str, truth: np.ndarray, tmp_path: Path) -> None:
    table = open_table(SOURCES[kind](truth, tmp_path))
    assert table.columns == NAMES
    assert table.numeric == NAMES
    assert table.rows in (ROWS, None)
    assert all(table.epsilon(name) == 2.0**-52 for name in NAMES)
    for _ in range(2):  # reading is repeatable
        pieces = list(chunks(table.read(["x3", "x1", "x2"])))
        assert [(rows.first, len(rows.columns[0])) for rows in pieces] == [(0, CHUNK), (CHUNK, ROWS - CHUNK)]
        assert all(
            column.dtype.kind in "fiub" and column.dtype.isnative for rows in pieces for column in rows.columns
        )
        for j, name in enumerate((2, 0, 1)):
            np.testing.assert_array_equal(np.concatenate([rows.columns[j] for rows in pieces]), truth[:, name])


@pytest.mark.parametrize("kind", ["parquet", "feather, lz4", "csv", "csv, gzip", "arrow stream"])
def test_a_condition_leaves_rows_out_and_keeps_their_order(kind: str, truth: np.ndarray, tmp_path: Path) -> None:
    table = open_table(SOURCES[kind](truth, tmp_path), where="x2 > 3 AND x3 IS NOT NULL -- a comment")
    rows = list(table.read(["x1", "x2"]))
    expected = truth[(truth[:, 1] > 3) & ~np.isnan(truth[:, 2])] if "csv" in kind else truth[truth[:, 1] > 3]
    np.testing.assert_array_equal(np.concatenate([each.columns[0] for each in rows]), expected[:, 0])
    assert table.rows is None


@pytest.mark.parametrize(
    ("data", "unwanted"),
    [
        ("np.zeros((3, 2))", "torch pandas polars pyarrow duckdb narwhals sklearn"),
        ("[[1, 2], [3, 4]]", "torch pandas polars pyarrow duckdb narwhals sklearn"),
        ("'t.parquet'", "torch polars duckdb narwhals sklearn"),
        ("'t.csv'", "torch polars narwhals sklearn"),
    ],
)
def test_a_source_loads_only_what_it_needs(data: str, unwanted: str, tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"a": [1.0]}), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a\n1\n")
    program = (
        "import sys, numpy as np\n"
        "import gradline.sources, gradline.design.problem, gradline.design.newdata, gradline.sources.synthetic\n"
        "heavy = ['torch', 'pandas', 'polars', 'pyarrow', 'duckdb', 'narwhals', 'sklearn', 'formulaic', 'numba']\n"
        "assert not [name for name in heavy if name in sys.modules], 'on import'\n"
        f"table = gradline.sources.open_table({data})\n"
        "assert list(table.read(table.columns))\n"
        f"assert not [name for name in {unwanted.split()!r} if name in sys.modules]\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, cwd=tmp_path, env=_environment())


def test_numbers_beyond_float64_survive_in_typed_sources(tmp_path: Path) -> None:
    values = np.array([2**63 - 1, -(2**63), 2**53 + 1])
    pa.parquet.write_table(pa.table({"a": values}), tmp_path / "t.parquet")
    for data in (values, torch.from_numpy(values), pd.Series(values), pl.Series(values), tmp_path / "t.parquet"):
        rows = next(open_table(data).read(open_table(data).columns))
        assert rows.columns[0].tolist() == values.tolist()


def test_duckdb_is_told_to_stay_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *a, **k: seen.append(k["config"]) or connect(*a, **k))
    (tmp_path / "t.csv").write_text("a\n1\n")
    open_table(tmp_path / "t.csv")
    assert seen
    assert all(each["autoinstall_known_extensions"] == each["autoload_known_extensions"] == "false" for each in seen)


def _environment() -> dict[str, str]:
    import os

    source = str(Path(__file__).parent.parent / "src")
    return {**os.environ, "PYTHONPATH": source}
