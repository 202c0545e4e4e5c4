"""`fit.to_sql()`: DuckDB and PostgreSQL evaluate it to what `predict` says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gradline as gl
from gradline.export.sql_expression import number

HOST = os.environ.get("GRADLINE_TEST_POSTGRES", "")
DATABASE = "sql_" + os.environ.get("PYTEST_XDIST_WORKER", "alone")
postgres = pytest.mark.skipif(not HOST, reason="no PostgreSQL server: run tests/postgres.sh make test")

BAD = 'a "b"; DROP TABLE t --'


def table(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": rng.normal(3, 2, rows),
            "small": rng.normal(0, 1e-10, rows),
            "k": rng.integers(-5, 6, rows),
            BAD: rng.normal(size=rows),
            "it's {0} %s": rng.normal(size=rows),
            "select": rng.exponential(size=rows),
            "city": rng.choice(["O'Hara", 'quo"te', "\\n", "서울", "NULL", ""], rows),
            "year": rng.choice([2023, 2024, 2025], rows),
            "half": rng.choice([0.1, 0.5, 2.25], rows),
            "new": rng.choice([True, False], rows),
        }
    )
    frame["y"] = frame["x"] * 2 + frame["k"] + frame["year"] - 2000 + rng.normal(size=rows)
    frame["z"] = frame[BAD] - frame["select"] + rng.normal(size=rows)
    return frame


def holes(frame: pd.DataFrame) -> pd.DataFrame:
    """New rows: values are missing here and there, and the last two rows have levels that were not seen."""
    frame = frame[:60].copy()
    frame = frame.astype({"k": "Int64", "year": "Int64", "new": "boolean"})
    for at, column in enumerate(frame.columns):
        frame.loc[at * 3, column] = None
    frame.loc[58, "city"], frame.loc[59, "year"] = "Busan", 1999
    return frame


FORMULAS = [
    "y ~ x + k",
    f"y ~ `{BAD}` + `it's {{0}} %s` + `select` - 1",
    "y ~ city",
    "y ~ C(year) + x:C(year)",
    "y ~ C(half) + C(new)",
    "y ~ city:C(year) + x",
    "y ~ city*C(new) + x:city - 1",
    "y ~ poly(x, 3)",
    "y ~ x:k + `select`:x",
    "y ~ log(`select`) + sqrt(x) + exp(k / 10)",
    "y ~ log(k) + log10(x) + log2(x)",
    "y ~ log1p(small) + log1p(x)",
    "y ~ expm1(small) + expm1(k)",
    "y ~ abs(x) + sin(x) + cos(x) + tan(k) + tanh(x)",
    "y ~ floor(x) + ceil(x * 2) + round(k / 2) + sign(k)",
    "y ~ minimum(x, k) + maximum(x, `select`) + where(x > 3, x, -k)",
    "y ~ I(x / k) + I(x ** 2) + I(`select` ** -1) + I(`select` ** 0.5) + I(x ** 1.5)",
    "y ~ I(x > 3) + I((x > 1) & (k < 2)) + I((x < 1) | (k >= 2)) + I(~(k == 1)) + I(1 < x < 4)",
    "y ~ isnan(x) + I(city == 'NULL') + I(city != \"O'Hara\")",
    "y ~ center(x) + scale(k) + I(x - -k)",
    "y ~ C(round(x)) + C(sign(k)):x",
    "y + z ~ x + city",
    "y ~ 1",
]


def check(frame: pd.DataFrame, formula: str, run: Any) -> None:
    import warnings

    new = holes(frame)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", gl.GradlineWarning)  # isnan(x) is constant in the fit, and not in new rows
        fit = gl.fit(frame[frame["k"] != 0], formula=formula)
        # Infinite values are refused by predict, and are NULL in SQL: log(0), x / 0.
        expected = np.array([_predicted(fit, new[row : row + 1]) for row in range(len(new))])
    sql = fit.to_sql()
    assert isinstance(sql, str) == (len(fit.targets) == 1)
    found = run(new, [sql] if isinstance(sql, str) else list(sql.values()))
    assert np.isfinite(expected).any()
    # Doubles here, 32 digits there: sums of terms that are hundreds of times the result.
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-10)


def _predicted(fit: gl.Fit, row: pd.DataFrame) -> list[float]:
    try:
        return np.atleast_1d(np.squeeze(fit.predict(row, unseen="nan"))).tolist()
    except gl.DataError:
        return [np.nan] * len(fit.targets)


def in_duckdb(frame: pd.DataFrame, expressions: list[str]) -> np.ndarray:
    connection = duckdb.connect()
    connection.register("t", pa.Table.from_pandas(frame))
    rows = connection.execute(f"SELECT {', '.join(expressions)} FROM t").fetchall()
    assert all(
        kind == "DOUBLE" for kind in connection.execute(f"DESCRIBE SELECT {expressions[0]} FROM t").fetchone()[1:2]
    )
    return np.array(rows, float)


@pytest.mark.parametrize("formula", FORMULAS)
def test_duckdb_says_what_predict_says(formula: str) -> None:
    check(table(), formula, in_duckdb)


@pytest.fixture
def server() -> Iterator[Any]:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(HOST, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    own = HOST.replace("/postgres", f"/{DATABASE}")
    with dbapi.connect(own, autocommit=True) as connection, connection.cursor() as cursor:
        yield cursor


@postgres
@pytest.mark.parametrize("formula", FORMULAS)
def test_postgres_says_what_predict_says(formula: str, server: Any) -> None:
    def run(frame: pd.DataFrame, expressions: list[str]) -> np.ndarray:
        server.adbc_ingest("t", pa.Table.from_pandas(frame.assign(row=range(len(frame))), preserve_index=False))
        server.execute(f"SELECT {', '.join(expressions)} FROM t ORDER BY row")
        found = server.fetch_arrow_table()
        assert all(kind == pa.float64() for kind in found.schema.types)
        return np.column_stack([column.to_numpy() for column in found.columns])

    check(table(), formula, run)


def test_literals_are_the_numbers_to_the_bit() -> None:
    rng = np.random.default_rng(5)
    numbers = [*(rng.normal(size=300) * 10.0 ** rng.integers(-3, 14, 300)).tolist(), 0.1, 1e-300, -1e22, 5e-324]
    listed = ", ".join(map(number, numbers))
    assert duckdb.connect().execute(f"SELECT [{listed}]").fetchone() == (numbers,)


@postgres
def test_literals_are_the_numbers_to_the_bit_in_postgres(server: Any) -> None:
    numbers = [0.1, 1 / 3, -1e22, 1e-300, 5e-324, 12345.678901234567]
    server.execute(f"SELECT {', '.join(map(number, numbers))}")
    assert list(server.fetchone()) == numbers


def test_nan_is_missing_as_null_is() -> None:
    fit = gl.fit(table(), formula="y ~ I(x > 3) + maximum(x, k) + sign(x)")
    new = pa.table({"x": [np.nan, 1.0], "k": [1, 1]})
    connection = duckdb.connect()
    connection.register("t", new)
    found = [row[0] for row in connection.execute(f"SELECT {fit.to_sql()} FROM t").fetchall()]
    assert found[0] is None
    assert found[1] == pytest.approx(fit.predict(new)[1], rel=1e-13)


def test_an_aliased_column_counts_as_0_and_its_null_stays_null() -> None:
    x = np.arange(20.0)
    fit = gl.fit(pd.DataFrame({"x": x, "twice": 2 * x, "y": x**2}), target="y")
    found = in_duckdb(pd.DataFrame({"x": [1.0, 2.0, None], "twice": [2.0, None, 1.0]}), [fit.to_sql()])
    np.testing.assert_allclose(
        found[:, 0], [fit.predict(pd.DataFrame({"x": [1.0], "twice": [2.0]}))[0], *2 * [np.nan]]
    )


def test_arrays_and_a_fit_from_a_file(tmp_path: Any) -> None:
    frame = table()
    fit = gl.fit(frame[["x", "k"]].to_numpy(), frame[["y", "z"]].to_numpy())
    fit.save(tmp_path / "m.safetensors")
    sql = gl.load(tmp_path / "m.safetensors").to_sql()
    assert list(sql) == ["y1", "y2"]
    assert sql == fit.to_sql()
    found = in_duckdb(frame.rename(columns={"x": "x1", "k": "x2"}), list(sql.values()))
    np.testing.assert_allclose(found, fit.predict(frame[["x", "k"]].to_numpy()), rtol=1e-13)


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("y ~ I(x % 2)", "SQL cannot express x % 2.\nCompute that column in a query first, and fit on it."),
        ("y ~ I(x // 2)", "SQL cannot express x // 2."),
        ("y ~ I(`select` ** x)", "SQL cannot express select ** x."),
        ("y ~ `\0`", "SQL cannot express a column called '\\x00'.\nRename it, and fit again."),
    ],
)
def test_what_cannot_be_expressed(formula: str, text: str) -> None:
    frame = table()
    frame["\0"] = frame["x"]
    fit = gl.fit(frame, target="y", features=["\0"]) if "\0" in formula else gl.fit(frame, formula=formula)
    with pytest.raises(gl.OptionError) as caught:
        fit.to_sql()
    assert text in str(caught.value)


def test_it_stands_within_any_expression_and_is_as_long_as_it_must_be() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(5000, 1200)), columns=[f"x{j}" for j in range(1200)])
    fit = gl.fit(frame, rng.normal(size=5000))
    connection = duckdb.connect()
    connection.register("t", frame[:3])
    found = connection.execute(f"SELECT 1 - 2 * {fit.to_sql()} FROM t").fetchnumpy()
    np.testing.assert_allclose(next(iter(found.values())), 1 - 2 * fit.predict(frame[:3]), rtol=1e-10)


def test_names_that_differ_in_case_alone_are_refused() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3, 5], "A": [4.0, 1, 0, 2], "y": [1.0, 0, 2, 5]})
    for formula in ("y ~ a + A", "y ~ a + log(A + 1)", "y ~ C(a) + A - 1"):
        with pytest.raises(
            gl.OptionError, match=r"SQL cannot express '[aA]' beside '[aA]': names in SQL are the same"
        ):
            gl.fit(frame, formula=formula).to_sql()
    assert '"A"' in gl.fit(frame, target="y", features=["A"]).to_sql()


def test_whole_numbers_beyond_float64_are_refused() -> None:
    whole = 2**60 + 2 * np.arange(40)
    fit = gl.fit(pd.DataFrame({"id": whole, "y": np.arange(40) % 7}), target="y")
    assert fit.origin
    with pytest.raises(gl.OptionError, match="SQL cannot express id, whose whole numbers are too large for float64"):
        fit.to_sql()
