"""Integers of 64 bits beyond what float64 holds, which vary by little of their size: exact all the same."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import torch

import gradline as gl
from gradline.errors import GradlineWarning
from gradline.sources import CHUNK

START = 2**53
N = CHUNK + 500


def table(n: int = 40, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = START + rng.integers(0, 60, n)
    return pd.DataFrame(
        {
            "x": x,
            "z": rng.normal(size=n),
            "g": np.array(["u", "v", "w"])[rng.integers(0, 3, n)],
            "w": rng.uniform(1, 2, n),
            "y": 0.7 * (x - START) + rng.normal(size=n),
            "t": 3 * (x - START) + 2**61 + rng.integers(0, 9, n),
        }
    )


def exact(columns: list[Any], target: Any) -> tuple[list[Fraction], Fraction, list[Fraction]]:
    """Parameters, residual sum of squares and diagonal of (X'X)⁻¹, the constant first."""
    made = [
        [Fraction(1)] * len(target),
        *[[Fraction(value) for value in column.tolist()] for column in (*columns, target)],
    ]
    return oracle.solution([[oracle.dot(a, b) for b in made] for a in made], len(made) - 1)


def _parquet(rows: pd.DataFrame, folder: Path) -> Path:
    pa.parquet.write_table(pa.Table.from_pandas(rows), folder / "t.parquet", row_group_size=17)
    return folder / "t.parquet"


def _feather(rows: pd.DataFrame, folder: Path) -> Path:
    pa.feather.write_feather(pa.Table.from_pandas(rows), folder / "t.feather")
    return folder / "t.feather"


def _csv(rows: pd.DataFrame, folder: Path) -> Path:
    rows.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def _json(rows: pd.DataFrame, folder: Path) -> Path:
    rows.to_json(folder / "t.jsonl", orient="records", lines=True, double_precision=15)
    return folder / "t.jsonl"


KINDS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "pandas": lambda rows, folder: rows,
    "pandas, nullable": lambda rows, folder: rows.convert_dtypes(),
    "pandas, unsigned": lambda rows, folder: rows.astype({"x": np.uint64}),
    "polars": lambda rows, folder: pl.from_pandas(rows),
    "arrow": lambda rows, folder: pa.Table.from_pandas(rows),
    "stream": lambda rows, folder: [rows[:7], rows[7:]],
    "parquet": _parquet,
    "feather": _feather,
    "sql": lambda rows, folder: gl.sql(f"select * from '{_parquet(rows, folder)}'"),
    "csv": _csv,
    "json": _json,
    "duckdb": lambda rows, folder: duckdb.from_arrow(pa.Table.from_pandas(rows)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_holds_them(kind: str, tmp_path: Path) -> None:
    rows = table()
    params, rss, variance = exact([rows.x, rows.z], rows.y)
    fit = gl.fit(KINDS[kind](rows, tmp_path), target="y", features=["x", "z"])
    assert not fit.aliased
    for got, wanted in zip(fit.params, params, strict=True):
        assert oracle.digits(got, wanted) >= min(fit.digits, 15) > 12
    np.testing.assert_allclose(fit.se, np.sqrt([float(each * rss / 37) for each in variance]), rtol=1e-12)
    np.testing.assert_allclose(fit.cov.diagonal() ** 0.5, fit.se, rtol=1e-12)
    wanted = [
        float(params[0] + params[1] * int(x) + params[2] * Fraction(z)) for x, z in zip(rows.x, rows.z, strict=True)
    ]
    np.testing.assert_allclose(fit.predict(KINDS[kind](rows, tmp_path)), wanted, rtol=1e-12)
    assert fit.plan.passes == 2
    assert any(note.startswith("x: whole numbers so large beside their spread") for note in fit.notes)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"pandas, unsigned"}))
def test_beside_a_missing_value(kind: str, tmp_path: Path) -> None:
    rows = table()
    holed = rows.astype({"x": "Int64"})
    holed.loc[3, "x"] = pd.NA
    params, rss, variance = exact([rows.x.drop(3), rows.z.drop(3)], rows.y.drop(3))
    fit = gl.fit(KINDS[kind](holed, tmp_path), target="y", features=["x", "z"])
    assert (fit.nobs, fit.aliased) == (39, {})
    for got, wanted in zip(fit.params, params, strict=True):
        assert oracle.digits(got, wanted) > 11
    np.testing.assert_allclose(fit.se, np.sqrt([float(each * rss / 36) for each in variance]), rtol=1e-11)
    predicted = fit.predict(KINDS[kind](holed, tmp_path))
    assert np.isnan(predicted).tolist() == [at == 3 for at in range(40)]
    np.testing.assert_allclose(
        np.delete(predicted, 3), gl.fit(rows.drop(3), "y", features=["x", "z"]).predict(rows.drop(3))
    )


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"pandas, unsigned"}))
def test_as_levels_of_a_category(kind: str, holes: bool, tmp_path: Path) -> None:
    ids = 1234567890123456700 + np.arange(60) % 4
    rows = pd.DataFrame(
        {"id": pd.array(ids, "Int64"), "y": ids % 4 * 10.0 + np.random.default_rng(0).normal(size=60)}
    )
    if holes:
        rows.loc[5, "id"] = pd.NA
    fit = gl.fit(KINDS[kind](rows, tmp_path), formula="y ~ C(id)")
    assert fit.names == ["Intercept", *[f"C(id)[T.{1234567890123456700 + at}]" for at in (1, 2, 3)]]
    assert fit.r2 > 0.98


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor, lambda x: x.astype(">i8"), lambda x: x.tolist()])
def test_arrays(convert: Any) -> None:
    x, y = np.array([2**53 + 1, 2**53 + 3, 2**53 + 9, 2**53 + 12]), np.array([1.0, 2.0, 7.0, 8.0])
    params, _, _ = exact([x], y)
    fit = gl.fit(convert(x), y)
    assert fit.params.tolist() == [float(value) for value in params]
    np.testing.assert_allclose(fit.predict(convert(x)), gl.fit(x - 2**53, y).predict(x - 2**53), rtol=1e-14)


def test_intervals_and_what_is_kept(tmp_path: Path) -> None:
    rows = table()
    small = rows.assign(x=rows.x - START)
    fit, wanted = (gl.fit(each, formula="y ~ x + z + g", weights="w", l2=0.5) for each in (rows, small))
    fit.save(tmp_path / "m.safetensors")
    for ours in (fit, gl.load(tmp_path / "m.safetensors")):
        for interval in ("mean", "prediction"):
            pairs = zip(ours.predict(rows, interval), wanted.predict(small, interval), strict=True)
            for got, right in pairs:
                np.testing.assert_allclose(got, right, rtol=1e-11)
    assert fit.names == wanted.names
    np.testing.assert_allclose(fit.params[1:], wanted.params[1:], rtol=1e-12)
    np.testing.assert_allclose(fit.se[1:], wanted.se[1:], rtol=1e-12)
    np.testing.assert_allclose(fit.rss, wanted.rss, rtol=1e-12)
    assert "double-double, 2 passes" in fit.summary()


def test_targets() -> None:
    rows = table()
    params, rss, _ = exact([rows.x], rows.t)
    fit = gl.fit(rows[["x"]], rows[["t", "y"]])
    np.testing.assert_allclose(fit.params[:, 0], [float(value) for value in params], rtol=1e-14)
    assert fit.rss[0] == pytest.approx(float(rss), rel=1e-12)
    np.testing.assert_allclose(fit.params[:, 1], gl.fit(rows[["x"]], rows.y).params, rtol=1e-14)
    alone = gl.fit(rows[["z"]], rows.t)
    assert alone.rss == pytest.approx(float(exact([rows.z], rows.t)[1]), rel=1e-12)
    assert "perfect" not in str(alone.notes)


@pytest.mark.parametrize("size", [2**45, 2**58])
def test_residuals_far_smaller_than_what_varies(size: int) -> None:
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"x": size + rng.integers(0, 10**6, 30), "v": -size + rng.integers(0, 10**6, 30)})
    rows["t"] = size + 7 * (rows.x - size) - 3 * (rows.v + size) + rng.integers(-2, 3, 30)
    params, rss, variance = exact([rows.x, rows.v], rows.t)
    fit = gl.fit(rows, target="t")
    for got, wanted in zip(fit.params, params, strict=True):
        assert oracle.digits(got, wanted) >= min(fit.digits, 15) > 9
    assert fit.rss == pytest.approx(float(rss), rel=1e-9)
    np.testing.assert_allclose(fit.se, np.sqrt([float(each * rss / 27) for each in variance]), rtol=1e-9)
    assert "perfect" not in str(fit.notes)


def test_many_rows_in_chunks() -> None:
    rows = table(N)
    fit = gl.fit(rows, target="y", features=["x", "z"])
    small = gl.fit(rows.assign(x=rows.x - START), target="y", features=["x", "z"])
    np.testing.assert_allclose(fit.params[1:], small.params[1:], rtol=1e-13)


def test_a_constant_and_a_double_are_still_found() -> None:
    rows = table().assign(c=2**62 + 1)
    rows["d"] = 2 * rows.x + 1
    fit = gl.fit(rows, target="y", features=["c", "x", "d"])
    assert list(fit.aliased) == ["c", "d"]
    assert fit.aliased["d"].startswith("d = 2·x + ")
    np.testing.assert_allclose(fit.predict(rows), gl.fit(rows, target="y", features=["x"]).predict(rows), rtol=1e-11)


@pytest.mark.parametrize("x", [np.arange(40) + 2**30, np.arange(40) * 10**9 + 2**60, np.arange(40.0) + 2.0**50])
def test_others_are_read_once(x: np.ndarray) -> None:
    y = table().y.to_numpy()
    if x.dtype == float:  # which may have been rounded: too coarse for a slope
        with pytest.warns(GradlineWarning, match="only 1 digit"):
            fit = gl.fit(x, y)
    else:
        fit = gl.fit(x, y)
    assert fit.plan.passes == 1
    assert not fit.origin


def test_where_an_origin_would_not_do_they_stay_as_they_are() -> None:
    rows = table()
    for formula in ("y ~ x + x:z", "y ~ x + x:g"):
        with pytest.warns(GradlineWarning, match="nearly dependent"):
            fit = gl.fit(rows, formula=formula)
        assert fit.plan.passes == 1
    assert gl.fit(rows, formula="y ~ x - 1").plan.passes == 1


def test_rows_that_come_only_once_say_so() -> None:
    with pytest.warns(GradlineWarning, match="nearly dependent"):
        fit = gl.fit(iter([table()]), target="y", features=["x"])
    [note] = [note for note in fit.notes if note.startswith("x has whole numbers too large beside their spread")]
    assert note.endswith("and its rows come only once: take a constant away first")


def test_the_shortest_coefficients_of_two_that_are_alike() -> None:
    rows = table()
    rows["d"] = rows.x + 4
    fit = gl.fit(rows, target="y", features=["x", "d"], aliased="min-norm")
    alone = gl.fit(rows, target="y", features=["x"])
    np.testing.assert_allclose(fit.coef, np.repeat(alone.coef / 2, 2), rtol=1e-12)
    np.testing.assert_allclose(fit.predict(rows), alone.predict(rows), rtol=1e-11)
    assert np.isnan(fit.se).all()
