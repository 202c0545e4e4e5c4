"""One table in every kind of source, read with any number of threads, in either precision: one answer.

A new kind of source joins by a row in SOURCES.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import statsmodels.formula.api as smf

import gradline as gl
from gradline.sources import CHUNK

ROWS = CHUNK + 3_000
FORMULA = "y ~ a + log(b) + a:b + C(city)"
NAMES = ["Intercept", "a", "log(b)", "C(city)[T.Jeju]", "C(city)[T.Seoul]", "C(city)[T.Ulsan]", "a:b"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A column far from zero, missing values in each kind of column, a level that comes last, text with a comma."""
    rng = np.random.default_rng(21)
    a, b = rng.normal(1e4, 1.0, ROWS), rng.uniform(0.5, 9.0, ROWS)
    city = np.array(["Busan, old", "Jeju", "Seoul"], object)[rng.integers(0, 3, ROWS)]
    city[-5:] = "Ulsan"
    y = 3 * a - np.log(b) + 0.01 * a * b + (city == "Jeju") + rng.normal(size=ROWS)
    frame = pd.DataFrame({"a": a, "city": city, "b": b, "y": y, "other": rng.normal(size=ROWS)})
    frame.loc[rng.integers(0, ROWS - 5, 40), "a"] = np.nan
    frame.loc[rng.integers(0, ROWS - 5, 40), "city"] = None
    frame.loc[rng.integers(0, ROWS - 5, 40), "y"] = np.nan
    return frame


def _table(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def _csv(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def _csv_gz(frame: pd.DataFrame, folder: Path) -> Path:
    (folder / "t.csv.gz").write_bytes(gzip.compress(frame.to_csv(index=False, sep=";").encode(), 1))
    return folder / "t.csv.gz"


def _json_lines(frame: pd.DataFrame, folder: Path) -> Path:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "t.jsonl"


def _parquet(frame: pd.DataFrame, folder: Path) -> Path:
    pa.parquet.write_table(_table(frame), folder / "t.parquet", row_group_size=CHUNK)
    return folder / "t.parquet"


def _two_parquets(frame: pd.DataFrame, folder: Path) -> list[Path]:
    table = _table(frame)
    for name, part in (("u1.parquet", table.slice(0, CHUNK)), ("u2.parquet", table.slice(CHUNK))):
        pa.parquet.write_table(part, folder / name)
    return [folder / "u1.parquet", folder / "u2.parquet"]


def _folder(frame: pd.DataFrame, folder: Path) -> Path:
    (folder / "many").mkdir(exist_ok=True)
    _two_parquets(frame, folder / "many")
    return folder / "many"


def _feather(frame: pd.DataFrame, folder: Path) -> Path:
    pa.feather.write_feather(_table(frame), folder / "t.feather", chunksize=CHUNK)
    return folder / "t.feather"


def _sqlite(frame: pd.DataFrame, folder: Path) -> str:
    path = folder / "t.sqlite"
    if not path.exists():
        with sqlite3.connect(path) as connection:
            frame.to_sql("trips", connection, index=False)
        connection.close()
    return f"sqlite:///{path}?table=trips"


SOURCES: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "pandas": lambda frame, _: frame,
    "pandas, categorical": lambda frame, _: frame.astype({"city": "category"}),
    "Polars": lambda frame, _: pl.from_pandas(frame),
    "Polars, lazy": lambda frame, _: pl.from_pandas(frame).lazy(),
    "Arrow": lambda frame, _: _table(frame),
    "CSV": _csv,
    "CSV, gz, semicolons": _csv_gz,
    "JSON lines": _json_lines,
    "Parquet": _parquet,
    "two Parquet files": _two_parquets,
    "a folder": _folder,
    "Feather": _feather,
    "batches of 1,000 rows": lambda frame, _: iter(_table(frame).to_batches(max_chunksize=1000)),
    "a list of frames": lambda frame, _: [frame.iloc[:777], frame.iloc[777:]],
    "gl.sql over Parquet": lambda frame, folder: gl.sql(f"SELECT * FROM '{_parquet(frame, folder)}'"),
    "SQLite": _sqlite,
}


@pytest.fixture(scope="module")
def expected(frame: pd.DataFrame):
    return smf.ols("y ~ a + np.log(b) + a:b + C(city)", frame).fit()


@pytest.fixture(scope="module")
def reference(frame: pd.DataFrame) -> gl.Moments:
    return gl.Moments.of(frame, formula=FORMULA)


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_bytes(kind: str, frame, reference, tmp_path_factory) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    m = gl.Moments.of(SOURCES[kind](frame, folder), formula=FORMULA)
    assert m.columns == tuple(NAMES[1:])
    assert (m.nobs, m.rows, m.lacking) == (reference.nobs, reference.rows, reference.lacking)
    assert m.hi.tobytes() == reference.hi.tobytes()
    assert m.lo.tobytes() == reference.lo.tobytes()


@pytest.mark.parametrize("precision", ["auto", "double-double", "float64"])
def test_the_answer_is_that_of_statsmodels(precision: str, frame, expected) -> None:
    coarse = precision == "float64"  # a and a:b are nearly dependent: float64 sums say that few digits are sure
    with pytest.warns(gl.GradlineWarning, match="digits") if coarse else nullcontext():
        fit = gl.fit(frame, formula=FORMULA, precision=precision)
    assert fit.names == NAMES
    theirs = expected.params.rename({"np.log(b)": "log(b)"})[NAMES]
    np.testing.assert_allclose(fit.params, theirs, rtol=3e-4 if coarse else 2e-7)  # statsmodels' own error
    np.testing.assert_allclose(
        fit.se, expected.bse.rename({"np.log(b)": "log(b)"})[NAMES], rtol=3e-4 if coarse else 2e-7
    )
    assert fit.nobs == expected.nobs
    assert fit.r2 == pytest.approx(expected.rsquared, rel=1e-10)


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("precision", ["double-double", "float64"])
def test_threads_and_files_do_not_change_a_byte(threads: int, precision: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows = 10 * CHUNK
    matrix = rng.normal(size=(rows, 4))
    table = pa.table({name: matrix[:, j] for j, name in enumerate("abcy")})
    pa.parquet.write_table(table, tmp_path / "one.parquet", row_group_size=2 * CHUNK)
    files = []
    for number in range(5):
        files.append(tmp_path / f"part{number}.parquet")
        pa.parquet.write_table(table.slice(number * 2 * CHUNK, 2 * CHUNK), files[-1])
    memory = gl.Moments.of(matrix[:, :3], matrix[:, 3], precision=precision, threads=1)
    saved: list[bytes] = []
    for source in (tmp_path / "one.parquet", files):
        m = gl.Moments.of(source, target="y", precision=precision, threads=threads)
        assert (m.hi.tobytes(), m.lo.tobytes()) == (memory.hi.tobytes(), memory.lo.tobytes())
        m.save(tmp_path / f"{len(saved)}.safetensors")
        saved.append((tmp_path / f"{len(saved)}.safetensors").read_bytes())
    gl.Moments.of(tmp_path / "one.parquet", target="y", precision=precision, threads=1).save(
        tmp_path / "m.safetensors"
    )
    assert saved == [(tmp_path / "m.safetensors").read_bytes()] * 2


PRECISIONS = ["auto", "double-double", "float64"]
KINDS = ["pandas", "Arrow", "CSV", "JSON lines", "two Parquet files", "Feather", "batches of 1,000 rows", "SQLite"]


def plain(rows: int = 40_000) -> pd.DataFrame:
    """Enough rows for the compiled sums of each precision, and columns in which float64 loses nothing."""
    rng = np.random.default_rng(13)
    frame = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["u", "v", "w"])
    frame["city"] = np.array(["Busan", "Jeju", "Seoul"], object)[rng.integers(0, 3, rows)]
    frame["y"] = frame.u - 2 * frame.v + (frame.city == "Jeju") + rng.normal(size=rows)
    return frame


def assert_only_the_unit_differs(after: gl.Fit, before: gl.Fit, k: int) -> None:
    unit = np.array([10.0 ** (-k * (name.count("v") == 1)) for name in before.names])
    np.testing.assert_allclose(after.params, before.params * unit, rtol=1e-12)
    np.testing.assert_allclose(after.se, before.se * unit, rtol=1e-12)
    np.testing.assert_allclose(after.t, before.t, rtol=1e-12)
    assert after.r2 == pytest.approx(before.r2, rel=1e-12)


@pytest.mark.parametrize("k", range(-12, 13))
def test_another_unit_for_the_bills_of_penguins(k: int, penguins: Path) -> None:
    frame = pd.read_csv(penguins)
    formula = "body_mass_g ~ flipper_length_mm + bill_length_mm + C(island)"
    before = gl.fit(frame, formula=formula)
    frame["bill_length_mm"] *= 10.0**k
    after = gl.fit(frame, formula=formula)
    unit = np.where(np.array(before.names) == "bill_length_mm", 10.0**-k, 1.0)
    np.testing.assert_allclose(after.params, before.params * unit, rtol=1e-12)
    np.testing.assert_allclose(after.se, before.se * unit, rtol=1e-12)
    assert after.r2 == pytest.approx(before.r2, rel=1e-12)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_another_unit_changes_nothing_but_the_unit(precision: str) -> None:
    frame, formula = plain(), "y ~ u + v + w + C(city)"
    before = gl.fit(frame, formula=formula, precision=precision)
    for k in range(-12, 13):
        after = gl.fit(frame.assign(v=frame.v * 10.0**k), formula=formula, precision=precision)
        assert_only_the_unit_differs(after, before, k)


@pytest.mark.parametrize("k", [-12, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_another_unit_in_any_source_changes_nothing_but_the_unit(kind: str, k: int, tmp_path: Path) -> None:
    frame, formula = plain(), "y ~ u + v + v:C(city)"
    scaled = frame.assign(v=frame.v * 10.0**k)
    for precision in PRECISIONS:
        before = gl.fit(frame, formula=formula, precision=precision)
        after = gl.fit(SOURCES[kind](scaled, tmp_path), formula=formula, precision=precision)
        assert_only_the_unit_differs(after, before, k)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mean_1e8_times_the_spread_leaves_the_slope(kind: str, tmp_path: Path) -> None:
    frame = plain(100_000)
    x = 1e8 + frame.u
    frame = pd.DataFrame({"x": x, "y": 2.0 * (x - 1e8) + frame.w})
    exact = np.polyfit(x - 1e8, frame.y, 1)[0]  # the difference is exact
    for precision in ("auto", "double-double"):
        fit = gl.fit(SOURCES[kind](frame, tmp_path), target="y", precision=precision)
        assert fit.coef[0] == pytest.approx(exact, rel=1e-7)
        assert fit.digits > 7
    # Sums asked for in float64 have 16 digits of x², and all 16 go into the mean: the fit says that none is left.
    with pytest.warns(gl.GradlineWarning):
        assert gl.fit(SOURCES[kind](frame, tmp_path), target="y", precision="float64").digits == 0


def test_float64_sums_that_leave_too_few_digits_are_followed_by_double_double() -> None:
    rng = np.random.default_rng(8)
    near, far = rng.normal(size=(200_000, 75)), rng.normal(size=(200_000, 75))
    far[:, 3] += 1e8
    y = 2.0 * far[:, 3] + rng.normal(size=200_000)
    first = gl.fit(near, near.sum(axis=1) + rng.normal(size=200_000))
    assert (first.plan.precision, first.plan.passes) == ("float64", 1)
    fit = gl.fit(far, y)
    assert (fit.plan.precision, fit.plan.passes) == ("float64", 2)
    np.testing.assert_array_equal(fit.params, gl.fit(far, y, precision="double-double").params)
    assert fit.digits > 7
