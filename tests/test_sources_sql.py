"""Queries as tables: gl.sql, DuckDB's own connections and relations, and a query over files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as pf
import pyarrow.parquet as pq
import pytest

import gradline as gl
from gradline.sources import CHUNK, Table, demand, open_table
from gradline.sources.guessed import type_files

FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0, -1.0], "y": [3, 5, 7, 0], "s": ["a", None, "c", "d"]})


def lists(table: Table, *columns: str) -> list[list[Any]]:
    return [column.tolist() for column in next(table.read(columns or table.columns)).columns]


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as opened:
        opened.execute("CREATE TABLE trips AS SELECT i AS km, 2 * i + 1 AS fare, 'c' || i AS city FROM range(5) r(i)")
        yield opened


@pytest.mark.parametrize("frame", [FRAME, pl.from_pandas(FRAME), pa.Table.from_pandas(FRAME)], ids=["pd", "pl", "pa"])
def test_a_query_over_frames(frame: Any) -> None:
    query = gl.sql("SELECT x * 2 AS x2, y, s FROM df WHERE x > 0; ", df=frame)
    table = open_table(query)
    assert (table.columns, table.numeric, table.labels, table.rows) == (("x2", "y", "s"), ("x2", "y"), ("s",), None)
    for _ in range(2):
        assert lists(table, "y", "x2", "s", "y") == [[3, 5, 7], [2, 4, 6], ["a", None, "c"], [3, 5, 7]]
    assert repr(query) == "gl.sql('SELECT x * 2 AS x2, y, s FROM df WHERE x > 0; ', df=…)"


def test_a_query_over_files_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for year in (1, 2):
        pq.write_table(pa.table({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0 * year]}), f"t{year}.parquet")
    Path("n.csv").write_text("x,z\n1,10\n2,20\n3,30\n")
    fit = gl.fit(gl.sql("SELECT x, y FROM 't1.parquet'"), target="y")
    np.testing.assert_allclose(fit.params, [1, 2], atol=1e-12)
    table = open_table(gl.sql("SELECT y, z FROM 't*.parquet' JOIN 'n.csv' USING (x) ORDER BY y, z"))
    assert lists(table) == [[3, 3, 5, 5, 7, 14], [10, 10, 20, 20, 30, 30]]


def test_types() -> None:
    table = open_table(
        gl.sql(
            "SELECT 1.25::DECIMAL(9, 2) d, 2::HUGEINT h, 3::UTINYINT u, true b, 4::FLOAT f, 'a'::ENUM ('a', 'b') e,"
            " 'x' t, DATE '2024-01-01' AS day, [1] l UNION ALL"
            " SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
        )
    )
    assert table.numeric == ("d", "h", "u", "b", "f")
    assert table.labels == ("e", "t")
    np.testing.assert_array_equal(lists(table, "d", "h", "u", "b", "f"), [[v, np.nan] for v in (1.25, 2, 3, 1, 4)])
    assert [column.to_pylist() for column in next(table.read(["e", "t"])).columns] == [["a", None], ["x", None]]
    assert (table.epsilon("f"), table.epsilon("d")) == (2.0**-23, 2.0**-52)
    for column, words in {"day": "a date", "l": "nested"}.items():
        with pytest.raises(gl.ColumnError, match=f"'{column}' in the query .* is {words}"):
            table.epsilon(column)
    with pytest.raises(gl.ColumnError, match="numbers were expected"):
        list(table.read(["l"]))
    np.testing.assert_array_equal(lists(table, "day"), [[19723, np.nan]])


def test_order_and_chunks() -> None:
    n = 3 * CHUNK + 5
    table = open_table(gl.sql(f"SELECT i FROM range({n}) r(i)"))
    chunks = list(table.read(["i"]))
    assert [(rows.first, len(rows.columns[0])) for rows in chunks] == [(j * CHUNK, CHUNK) for j in range(3)] + [
        (3 * CHUNK, 5)
    ]
    np.testing.assert_array_equal(np.concatenate([rows.columns[0] for rows in chunks]), np.arange(n))
    assert [part.rows for part in table.parts(["i"])] == [None]


def test_a_connection_is_not_disturbed(connection: Any) -> None:
    table = open_table(gl.sql("SELECT fare, km FROM trips WHERE km > 1", connection=connection))
    reading = table.read(["km"])
    connection.execute("SELECT * FROM trips")
    assert next(reading).columns[0].tolist() == [2, 3, 4]
    assert len(connection.fetchall()) == 5
    frame = FRAME  # noqa: F841
    assert len(connection.sql("SELECT * FROM frame").fetchall()) == 4, "its own settings are as they were"
    mixed = gl.sql("SELECT km, x FROM trips JOIN df ON km = x", connection=connection, df=FRAME)
    assert sorted(lists(open_table(mixed), "x")[0]) == [1, 2, 3]
    with pytest.raises(duckdb.Error, match="df"):
        connection.execute("SELECT * FROM df")


def test_relations(connection: Any) -> None:
    connection.execute("CREATE TEMP TABLE mine AS SELECT * FROM trips")
    frame = FRAME  # noqa: F841
    for source in ("trips", "mine"):
        np.testing.assert_allclose(
            gl.fit(connection.sql(f"SELECT km, fare FROM {source}"), target="fare").params, [1, 2], atol=1e-12
        )
    table = open_table(connection.sql("SELECT * FROM frame"), where="s IS NOT NULL -- known")
    assert lists(table, "y") == lists(table, "y") == [[3, 7, 0]]
    assert connection.execute("SELECT 42").fetchall() == [(42,)]


def test_a_connection_alone_is_no_table(connection: Any) -> None:
    with pytest.raises(gl.DataError, match=r"(?s)DuckDB connection arrived.*gl\.sql\(.*connection=con\).*: trips"):
        gl.fit(connection, target="fare")


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        ("SELECT x FRM df", gl.SourceError, "syntax error"),
        ("SELECT z FROM df", gl.SourceError, '"z" not found'),
        ("SELECT x FROM FRAME", gl.SourceError, r"FRAME does not exist.*\n.*gl\.sql\(query, trips=frame\)"),
        ("SELECT * FROM 'no.parquet'", gl.SourceError, r"No files found.*no\.parquet.*\nCheck the path"),
        ("SELECT * FROM 'https://localhost/a.parquet'", gl.SourceError, "httpfs"),
        ("SELECT 1; SELECT 2", gl.OptionError, "one SELECT"),
        ("CREATE TABLE t (a INT)", gl.OptionError, "one SELECT"),
        ("-- nothing", gl.OptionError, "one SELECT"),
        ("  ", gl.OptionError, "expected SQL"),
        (7, gl.OptionError, "expected SQL"),
        ("SELECT CAST(s AS DOUBLE) AS a FROM df", gl.SourceError, "Could not convert string 'a'"),
    ],
)
def test_queries_that_cannot_be_answered(query: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=f"(?s){words}") as caught:
        list(open_table(gl.sql(query, df=FRAME)).read(["a"]))
    assert len(str(caught.value).splitlines()) == 2 or kind is gl.OptionError


def test_errors_of_connections_and_relations(connection: Any) -> None:
    with pytest.raises(gl.SourceError, match=r"nope does not exist.*\ntables: trips"):
        open_table(gl.sql("SELECT * FROM nope", connection=connection))
    with pytest.raises(gl.SourceError, match=r"\"zz\" not found.*\nDoes the condition 'zz > 1' fit"):
        open_table(connection.sql("SELECT * FROM trips"), where="zz > 1")
    with pytest.raises(gl.OptionError, match="connection is a str"):
        gl.sql("SELECT 1", connection="file.duckdb")
    relation = connection.sql("SELECT * FROM trips")
    connection.close()
    with pytest.raises(gl.SourceError, match=r"the DuckDB relation cannot be read.*\nIs its connection closed"):
        open_table(relation)


def test_a_query_on_a_connection_that_is_closed(connection: Any) -> None:
    query = gl.sql("SELECT * FROM trips", connection=connection)
    connection.close()
    with pytest.raises(gl.SourceError, match=r"already closed.*\nOpen the connection again"):
        gl.fit(query, target="fare")


def test_a_query_names_line_column_and_value_where_a_csv_file_is_not_as_guessed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "1,2\n" * 30_000 + "oops,3\n")
    words = r"t\.csv, line 30002: column 'x' has 'oops', not a whole number\.\nCorrect it, or .* read_csv"
    query = f"SELECT * FROM '{path}'"
    with duckdb.connect() as connection:
        for data in (gl.sql(query), gl.sql(query, connection=connection), connection.sql(query)):
            with pytest.raises(gl.ColumnError, match=words):
                gl.fit(data, target="y")


@pytest.mark.parametrize("name", ["t.csv", "a 't'.csv", "t.csv.gz", "t.jsonl"])
def test_whole_numbers_at_first_are_not_all_that_a_file_may_hold(name: str, tmp_path: Path) -> None:
    rows = [(1, 2)] * 30_000 + [(2.5, 3)]
    text = "x,y\n" + "".join(f"{x},{y}\n" for x, y in rows)
    if "json" in name:
        text = "".join(f'{{"x": {x}, "y": {y}}}\n' for x, y in rows)
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    path = str(tmp_path / name).replace("'", "''")
    table = open_table(gl.sql(f"SELECT a.x, a.y FROM '{path}' AS a"))
    assert max(value for part in lists(table, "x") for value in part) == 2.5
    np.testing.assert_allclose(gl.fit(gl.sql(f"FROM '{path}'"), target="y").params, [4 / 3, 2 / 3])


def test_a_plan_looks_through_no_file_of_a_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,2\n2,4\n4,9\n")
    looked: list[str] = []

    def look(connection: Any, query: str, *more: Any) -> None:
        looked.append(query)
        type_files(connection, query, *more)

    monkeypatch.setattr("gradline.sources.query.type_files", look)
    query = gl.sql(f"SELECT * FROM '{tmp_path / 't.csv'}'")
    assert gl.plan(query, target="y").columns == 2
    assert not looked
    assert gl.fit(query, target="y").nobs == 3
    assert looked


def test_a_query_over_files_of_every_kind(tmp_path: Path) -> None:
    columns = {"a": [1.0, -2.0, 3.0], "b": [2.0, 4.0, None], "s": ["x", None, "z"]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    pf.write_feather(pa.table(columns), str(tmp_path / "t.feather"))
    (tmp_path / "t.csv").write_text("a,b,s\n1,2,x\n-2,4,\n3,NA,z\n")
    (tmp_path / "t.jsonl").write_text(
        '{"a": 1, "b": 2, "s": "x"}\n{"a": -2, "b": 4}\n{"a": 3, "b": null, "s": "z"}\n'
    )
    paths = [tmp_path / name for name in ("t.parquet", "t.feather", "t.csv", "t.jsonl")]
    for path in paths:
        table = open_table(path, sql="WITH up AS (SELECT * FROM data WHERE a > 0) SELECT a / b AS r, s FROM up;")
        assert (table.numeric, table.labels) == (("r",), ("s",))
        np.testing.assert_array_equal(lists(table, "r"), [[0.5, np.nan]])
        assert lists(table, "s") == [["x", "z"]]
    assert lists(open_table(paths, sql="SELECT count(*) AS n, sum(a) AS s FROM data")) == [[12], [8]]
    assert lists(open_table(paths, sql="SELECT a FROM data"), "a") == [[1, -2, 3] * 4]


def test_a_query_over_a_folder_knows_what_its_folders_say(tmp_path: Path) -> None:
    table = pa.table({"v": [1.0, 2.0, 3.0], "year": [2024, 2025, 2025], "city": ["a", "b", None]})
    pq.write_to_dataset(table, tmp_path / "trips", partition_cols=["year", "city"])
    read = open_table(tmp_path / "trips", sql="SELECT v, city FROM data WHERE year + 1 = 2026 ORDER BY v")
    assert lists(read) == [[2, 3], ["b", None]]


def test_files_that_lack_a_column_have_it_missing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("b,a,c\n3,4,5\n")
    table = open_table(str(tmp_path / "*.csv"), sql="SELECT * FROM data")
    np.testing.assert_array_equal(lists(table, "a", "b", "c"), [[1, 4], [2, 3], [np.nan, 5]])


@pytest.mark.parametrize(
    ("sql", "kind", "words"),
    [
        ("SELECT z FROM data", gl.SourceError, '"z" not found.*\nThe table is called data; its columns: a, b'),
        ("SELECT a FROM trips", gl.SourceError, "trips does not exist.*\nThe table is called data"),
        ("DROP VIEW data", gl.OptionError, "one SELECT"),
        (" ", gl.OptionError, "sql is empty"),
        ("SELECT a + b AS y FROM data", gl.ColumnError, r"t\.csv, line 30002: column 'b' has 'oops', not a number"),
    ],
)
def test_queries_over_files_that_cannot_be_answered(
    sql: str, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "1,1\n" * 30_000 + "1,oops\n")
    with pytest.raises(kind, match=f"(?s){words}"):
        list(open_table(tmp_path / "t.csv", sql=sql).read(["y"]))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("1", "seven", r"2\.csv: column 'x' is text \(such as 'seven'\) here and a number \(float64\) in \S+1\.csv"),
        ("seven", "1", r"2\.csv: column 'x' is float64 here and text in \S+1\.csv"),
        ("2024-01-02", "1", r"2\.csv: column 'x' is float64 here and a date\S* .*in \S+1\.csv"),
    ],
)
def test_a_query_over_files_that_differ(first: str, second: str, words: str, tmp_path: Path) -> None:
    """UNION would make text of the numbers, and categories of them."""
    for number, value in enumerate((first, second), 1):
        (tmp_path / f"{number}.csv").write_text(f"x,y\n{value},2\n{value},4\n")
    with pytest.raises(gl.ColumnError, match=words):
        gl.fit(str(tmp_path / "*.csv"), target="y", features=["x"], sql="SELECT x, y FROM data")


def test_a_query_over_files_that_need_not_be_alike(tmp_path: Path) -> None:
    for number, text in enumerate(("d,x,y\n2024-01-02,1,2\n", "d,y\n2024-01-02 10:00:00,2\n", "y,x\n2,\n")):
        (tmp_path / f"{number}.csv").write_text(text)
    table = open_table(str(tmp_path / "*.csv"), sql="SELECT year(d) AS year, x, y FROM data")
    [rows] = table.read(["year", "x"])
    np.testing.assert_array_equal(rows.columns, [[2024, 2024, np.nan], [1, np.nan, np.nan]])


def test_sql_is_for_files_and_databases(tmp_path: Path) -> None:
    with pytest.raises(gl.OptionError, match="sql= is a query on files and databases, and DataFrame is neither"):
        open_table(FRAME, sql="SELECT * FROM data")
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(gl.OptionError, match="both given"):
        open_table(tmp_path / "t.csv", where="a > 0", sql="SELECT * FROM data")


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(gl.ColumnError, match=r"no column 'fair' in the query .*Did you mean 'fare'"):
        demand(open_table(gl.sql("SELECT 1 AS fare")), ["fair"])
