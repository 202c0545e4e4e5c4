"""SQLite files, and a PostgreSQL server that tests/postgres.sh starts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradline as gl
from gradline.sources import CHUNK, Table, open_table

HOST = os.environ.get("GRADLINE_TEST_POSTGRES", "")
DATABASE = os.environ.get("PYTEST_XDIST_WORKER", "alone")  # tests that run side by side do not meet
SERVER = HOST.replace("/postgres", f"/{DATABASE}")
postgres = pytest.mark.skipif(not HOST, reason="no PostgreSQL server: run tests/postgres.sh make test")


def lists(table: Table, *columns: str) -> list[list[Any]]:
    return [column.tolist() for column in next(table.read(columns or table.columns)).columns]


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    monkeypatch.chdir(tmp_path)
    connection = sqlite3.connect("f.db")
    connection.execute(
        "CREATE TABLE trips (id INTEGER PRIMARY KEY, km REAL, fare NUMERIC, city TEXT, day DATE, b BLOB)"
    )
    rows = [(j, j / 2, 3 * j + 1, f"c{j}" if j % 2 else None, "2024-01-01", b"x") for j in range(1, 7)]
    connection.executemany("INSERT INTO trips VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    yield connection
    connection.close()


@pytest.mark.usefixtures("sqlite")
def test_sqlite_tables(tmp_path: Path) -> None:
    for url in ("sqlite:///f.db?table=trips", f"sqlite:///{tmp_path}/f.db?table=trips"):
        table = open_table(url)
        assert table.columns == ("id", "km", "fare", "city", "day", "b")
        assert (table.numeric, table.labels, table.rows) == (("id", "km", "fare"), ("city", "day"), None)
        for _ in range(2):
            assert lists(table, "fare", "city", "km")[1:] == [
                ["c1", None, "c3", None, "c5", None],
                [0.5, 1, 1.5, 2, 2.5, 3],
            ]
    np.testing.assert_allclose(gl.fit("sqlite:///f.db?table=trips", target="fare", features="km").params, [1, 6])
    with pytest.raises(gl.ColumnError, match=r"column 'b' in 'trips' in .*f\.db is bytes"):
        list(table.read(["b"]))


@pytest.mark.usefixtures("sqlite")
def test_sqlite_queries_and_conditions() -> None:
    assert lists(open_table("sqlite:///f.db?query=SELECT km+1 AS a FROM trips WHERE id %3E 4")) == [[3.5, 4]]
    assert lists(open_table("sqlite:///f.db?table=trips", where="city IS NULL -- none"), "id") == [[2, 4, 6]]
    sql = "WITH few AS (SELECT * FROM data WHERE id > 4) SELECT fare / km AS r FROM few;"
    np.testing.assert_allclose(lists(open_table("sqlite:///f.db?table=trips", sql=sql)), [[16 / 2.5, 19 / 3]])
    assert list(open_table("sqlite:///f.db?table=trips", where="id > 99").read(["km"])) == []


def test_sqlite_missing_values_large_integers_and_odd_names(sqlite: sqlite3.Connection) -> None:
    sqlite.execute('CREATE TABLE "odd name" ("a ""b""" INTEGER, nil REAL, inf REAL, any, words TEXT)')
    sqlite.executemany(
        'INSERT INTO "odd name" VALUES (?, NULL, ?, ?, NULL)', [(2**60 + 1, 1e999, 1), (None, 2.5, 2.5)]
    )
    sqlite.commit()
    table = open_table("sqlite:///f.db?table=odd%20name")
    assert (table.numeric, table.labels) == (('a "b"', "nil", "inf", "any"), ("words",))
    a, nothing, inf, mixed = next(table.read(table.numeric)).columns
    assert int(a[0]) == 2**60 + 1
    assert np.isnan(a[1])
    assert np.isnan(nothing).all()
    assert (inf.tolist(), mixed.tolist()) == ([np.inf, 2.5], [1, 2.5])
    whole = open_table("sqlite:///f.db?table=odd%20name", where='"a ""b""" IS NOT NULL')
    assert lists(whole, 'a "b"') == [[2**60 + 1]], "not a bit is lost where float64 would lose one"


def test_sqlite_order_and_chunks(sqlite: sqlite3.Connection) -> None:
    n = 2 * CHUNK + 9
    sqlite.execute("CREATE TABLE long (i INTEGER, t TEXT)")
    sqlite.executemany("INSERT INTO long VALUES (?, ?)", ((j, f"t{j % 7}") for j in range(n)))
    sqlite.commit()
    chunks = list(open_table("sqlite:///f.db?table=long").read(["i", "t"]))
    assert [len(rows.columns[0]) for rows in chunks] == [CHUNK, CHUNK, 9]
    np.testing.assert_array_equal(np.concatenate([rows.columns[0] for rows in chunks]), np.arange(n))


def test_text_among_numbers_far_down_in_sqlite(sqlite: sqlite3.Connection) -> None:
    sqlite.execute("CREATE TABLE long (key TEXT PRIMARY KEY, x REAL, y) WITHOUT ROWID")
    sqlite.executemany("INSERT INTO long VALUES (?, ?, ?)", ((f"{j:06}", j, j) for j in range(99_999)))
    sqlite.execute("INSERT INTO long VALUES ('099999', 1, 'oops')")
    sqlite.execute("UPDATE trips SET fare = '' WHERE id = 5")
    sqlite.commit()
    assert sum(len(rows.columns[0]) for rows in open_table("sqlite:///f.db?table=long").read(["x"])) == 100_000
    with pytest.raises(gl.ColumnError, match=r"'long' in f\.db, row 100000: column 'y' has 'oops', not a number"):
        list(open_table("sqlite:///f.db?table=long").read(["y"]))
    with pytest.raises(gl.ColumnError, match=r"'trips' in f\.db, rowid 5: column 'fare' has ''.*\n.*where="):
        list(open_table("sqlite:///f.db?table=trips", where="id > 3").read(["fare"]))


@pytest.mark.usefixtures("sqlite")
@pytest.mark.parametrize(
    ("url", "where", "kind", "words"),
    [
        ("sqlite:///f.db", None, gl.OptionError, "expected one table or one query.*\ntables: trips"),
        ("sqlite:///f.db?table=trips&query=SELECT 1", None, gl.OptionError, "expected one table or one query"),
        ("sqlite:///f.db?tabel=trips", None, gl.OptionError, r"\?tabel= is unknown"),
        ("sqlite://f.db?table=trips", None, gl.OptionError, "three slashes"),
        ("sqlite:///f.db?table=trip", None, gl.SourceError, r"no table 'trip' in f\.db\.\ntables: trips"),
        ("sqlite:///no.db?table=trips", None, gl.SourceError, "no file 'no.db'"),
        ("sqlite:///folder?table=trips", None, gl.SourceError, "folder.*directory"),
        ("sqlite:///t.csv?table=trips", None, gl.SourceError, "not an SQLite database"),
        ("sqlite:///cut.db?table=trips", None, gl.SourceError, "cannot be read"),
        ("sqlite:///f.db?query=SELEC 1", None, gl.SourceError, "syntax error"),
        ("sqlite:///f.db?query=DELETE FROM trips", None, gl.SourceError, "syntax error"),
        ("sqlite:///f.db?table=trips", "kmm > 1", gl.ColumnError, "no column 'kmm' .*Did you mean 'km'"),
        ("sqlite:///f.db?table=trips", "km >", gl.SourceError, "syntax error.*\nDoes 'km >' fit"),
        ("sqlite:///f.db?table=trips", "1 = 1); DROP TABLE trips; --", gl.SourceError, "one statement"),
    ],
)
def test_sqlite_that_cannot_be_read(url: str, where: str | None, kind: type[Exception], words: str) -> None:
    Path("folder").mkdir()
    Path("t.csv").write_text("a\n1\n")
    Path("cut.db").write_bytes(Path("f.db").read_bytes()[:3000])
    with pytest.raises(kind, match=f"(?s){words}") as caught:
        list(open_table(url, where=where).read(["km"]))
    assert len(str(caught.value).splitlines()) == 2 or "slashes" in words or "unknown" in words


@pytest.fixture
def server() -> Iterator[Any]:
    """A cursor in an empty database, but for the table of trips."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(HOST, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    with dbapi.connect(SERVER, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE trips AS SELECT j AS id, j / 2.0 AS km, 3 * j + 1 AS fare FROM generate_series(1, 6) j"
        )
        yield cursor


@postgres
def test_postgres_tables_queries_and_conditions(server: Any) -> None:
    server.execute("CREATE SCHEMA away")
    server.execute("CREATE TABLE away.trips AS SELECT 7 AS id")
    table = open_table(f"{SERVER}?table=trips")
    assert (table.columns, table.numeric, table.rows) == (("id", "km", "fare"), ("id", "km", "fare"), None)
    for _ in range(2):
        assert lists(table, "fare", "km") == [[4, 7, 10, 13, 16, 19], [0.5, 1, 1.5, 2, 2.5, 3]]
    np.testing.assert_allclose(gl.fit(f"{SERVER}?table=trips", target="fare", features="km").params, [1, 6])
    assert lists(open_table(f"{SERVER}?table=trips&schema=away")) == [[7]]
    assert lists(open_table(f"{SERVER}?table=away.trips", where="id > 0")) == [[7]]
    with pytest.raises(gl.SourceError, match=r"no table 'away.trip' in .*\ntables: .*away\.trips"):
        open_table(f"{SERVER}?table=away.trip")
    server.execute('CREATE TABLE "away.trips" AS SELECT 8 AS id')
    assert lists(open_table(f"{SERVER}?table=away.trips")) == [[8]]  # a name with a dot of its own
    assert lists(open_table(f"{SERVER}?table=trips&schema=away")) == [[7]]
    assert lists(open_table(f"{SERVER}?query=SELECT id+1 AS a FROM trips WHERE id %3E 4")) == [[6, 7]]
    assert lists(open_table(f"{SERVER}?table=trips", where="id > 4 -- some"), "id") == [[5, 6]]
    assert list(open_table(f"{SERVER}?table=trips", where="id > 99").read(["km"])) == []
    sql = "WITH few AS (SELECT * FROM data WHERE id > 4) SELECT fare / km AS r FROM few;"
    np.testing.assert_allclose(lists(open_table(f"{SERVER}?table=trips", sql=sql)), [[16 / 2.5, 19 / 3]])


@postgres
def test_postgres_types(server: Any) -> None:
    server.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
    server.execute(
        "CREATE TABLE kinds (s smallint, i int, l bigint, r real, f float8, n numeric(9, 3), b bool, m money, e mood,"
        ' t text, v varchar(9), u uuid, d date, ts timestamptz, a int[], j json, "Odd ""name""" int)'
    )
    server.execute(
        "INSERT INTO kinds VALUES (1, 2, 1152921504606846977, 1.5, 'NaN', 'NaN', true, '12.50', 'bad', 'x', 'y',"
        " '00000000-0000-0000-0000-000000000001', '2024-01-01', now(), '{1}', '{}', 7),"
        " (1, 2, 3, '-Infinity', 'Infinity', 1.125, false, '1', 'good', '', NULL, NULL, NULL, NULL, NULL, NULL, 8)"
    )
    table = open_table(f"{SERVER}?table=kinds")
    assert table.numeric == ("s", "i", "l", "r", "f", "n", "b", "m", 'Odd "name"')
    assert table.labels == ("e", "t", "v", "u")
    expected = [[1, 1], [2, 2], [2**60 + 1, 3], [1.5, -np.inf], [np.nan, np.inf], [np.nan, 1.125], [1, 0], [12.5, 1]]
    for found, wanted in zip(lists(table, *table.numeric), [*expected, [7, 8]], strict=True):
        np.testing.assert_array_equal(found, wanted)
    labels = [column.to_pylist() for column in next(table.read(table.labels)).columns]
    assert labels == [["bad", "good"], ["x", ""], ["y", None], ["00000000-0000-0000-0000-000000000001", None]]
    assert (table.epsilon("r"), table.epsilon("n")) == (2.0**-23, 2.0**-52)
    assert not {"d", "ts"} & set(table.numeric)  # they can be read, to tell rows apart, and are no features
    for column in ("a", "j"):
        with pytest.raises(gl.ColumnError, match="numbers were expected"):
            list(table.read([column]))
    server.execute("UPDATE kinds SET " + ", ".join(f"{name} = NULL" for name in "silrfnbm"))
    assert np.isnan(np.array(lists(table, *"silrfnbm"), float)).all()


@postgres
def test_postgres_order_and_chunks(server: Any) -> None:
    n = 2 * CHUNK + 9
    server.execute(f"CREATE TABLE long AS SELECT j AS i, 't' || j % 7 AS t FROM generate_series(0, {n - 1}) j")
    chunks = list(open_table(f"{SERVER}?table=long").read(["i", "t"]))
    assert [len(rows.columns[0]) for rows in chunks] == [CHUNK, CHUNK, 9]
    np.testing.assert_array_equal(np.concatenate([rows.columns[0] for rows in chunks]), np.arange(n))


@postgres
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("options", "where", "kind", "words"),
    [
        ("", None, gl.OptionError, r"expected one table or one query.*\ntables: .*trips"),
        ("?table=trip", None, gl.SourceError, r"no table 'trip' in postgresql://.*\ntables: .*trips"),
        ("?table=trips&schema=none", None, gl.SourceError, "no table 'trips'"),
        ("?query=SELEC 1", None, gl.SourceError, "syntax error"),
        ("?query=DROP TABLE trips", None, gl.SourceError, "syntax error"),
        ("?query=SELECT 1 AS km, 2 AS km", None, gl.ColumnError, "more than one column named 'km'"),
        ("?query=SELECT 1 / (id - 3) AS km FROM trips", None, gl.SourceError, "division by zero"),
        ("?query=SELECT setval('s', 1) AS km", None, gl.SourceError, "cannot be read"),
        ("?table=trips", "kmm > 1", gl.SourceError, "column \"kmm\" does not exist\nDoes 'kmm > 1' fit"),
        ("?table=trips", "1 = 1); DROP TABLE trips; --", gl.SourceError, "syntax error"),
        ("?table=trips&nonsense=1", None, gl.SourceError, "cannot be reached: .*nonsense"),
    ],
)
def test_postgres_that_cannot_be_read(options: str, where: str | None, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=f"(?s){words}") as caught:
        list(open_table(SERVER + options, where=where).read(["km"]))
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert len(str(caught.value).splitlines()) == 2
    assert len(lists(open_table(f"{SERVER}?table=trips"), "id")[0]) == 6


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "postgresql://me:secret@127.0.0.1:1/db?table=t",
            r"postgresql://me@127\.0\.0\.1:1/db cannot be reached.*refused",
        ),
        ("postgres://me:se%63ret@127.0.0.1:1/db?table=t", "refused"),
        ("postgresql://me@127.0.0.1:1/db?table=t&password=secret", "refused"),
        ("postgresql://me:secret@[bad/db?table=t", "cannot be reached"),
        ("postgresql://me:%zzsecret@127.0.0.1/db?table=t", "cannot be reached"),
        ("postgresql://me:a@secret@127.0.0.1:1/db?table=t", "cannot be reached"),
        ("postgresql://me:secret@127.0.0.1:1/db", "refused"),
    ],
)
def test_no_server_and_never_the_password(url: str, words: str) -> None:
    pytest.importorskip("adbc_driver_postgresql")
    with pytest.raises(gl.SourceError, match=words) as caught:
        open_table(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert len(str(caught.value).splitlines()) == 2


@postgres
def test_a_server_that_refuses() -> None:
    for part, other in ((f"/{DATABASE}", "/nowhere"), ("gradline:", "nobody:"), (":secret", ":wrong")):
        with pytest.raises(gl.SourceError, match=r"cannot be reached: .*FATAL.*\nCheck host"):
            open_table(SERVER.replace(part, other) + "?table=trips")
