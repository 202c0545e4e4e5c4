"""Folders with keys in their names, and files that lie elsewhere."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

import gradline as gl
from gradline.errors import ColumnError, SourceError
from gradline.sources import open_table


def values(table: Any, *columns: str) -> list[list[Any]]:
    """Each column from beginning to end."""
    pieces = [rows.columns for rows in table.read(columns)]
    return [[value for piece in pieces for value in piece[j].tolist()] for j in range(len(columns))]


def write(path: Path, columns: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(pa.table(columns), path)
    return path


# ---------------------------------------------------------------- folders


def test_a_folder_is_its_data_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, value in (("b/2.parquet", 3.0), ("a.parquet", 1.0), ("b/1.pq", 2.0)):
        write(tmp_path / name, {"v": [value]})
    pa.feather.write_feather(pa.table({"v": [4.0]}), tmp_path / "c.feather")
    for name in ("_SUCCESS", "_metadata", ".hidden.parquet", "_temporary/x.parquet", "readme.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"PAR1")
    for given in (tmp_path, f"{tmp_path}/", f"file://{tmp_path}"):
        table = open_table(given)
        assert values(table, "v") == [[1.0, 2.0, 3.0, 4.0]]
        assert [part.place.rpartition("/")[2] for part in table.parts(["v"])] == [
            "a.parquet, row group 0",
            "1.pq, row group 0",
            "2.parquet, row group 0",
            "c.feather",
        ]


def test_keys_of_folders_are_columns(tmp_path: Path) -> None:
    n = 0
    for year in (2023, 2024):
        for month in ("03", "11"):
            for city in ("São Paulo", "a=b"):
                pa.parquet.write_to_dataset(
                    pa.table({"v": [n + 0.0, n + 0.5], "city": [city] * 2}),
                    tmp_path / f"year={year}" / f"month={month}",
                    partition_cols=["city"],
                )
                n += 1
    table = open_table(tmp_path)
    assert table.columns == ("v", "year", "month", "city")
    assert (table.numeric, table.labels) == (("v", "year", "month"), ("city",))
    assert [table.kind(name) for name in table.columns] == ["float64", "int64", "int64", "text"]
    v, year, month, city = values(table, "v", "year", "month", "city")
    assert sorted(v) == [j / 2 for j in range(16)]
    assert [2023 + int(each // 4) for each in v] == year
    assert [11 if each % 4 >= 2 else 3 for each in v] == month
    assert ["a=b" if each % 2 >= 1 else "São Paulo" for each in v] == city
    assert values(table, "year") == [year]  # without a column of the files themselves
    assert table.rows == 16


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv", "jsonl", "csv and parquet"])
def test_keys_of_folders_in_a_glob(ending: str, tmp_path: Path) -> None:
    writers = {
        "parquet": pa.parquet.write_table,
        "feather": pa.feather.write_feather,
        "csv": lambda table, path: table.to_pandas().to_csv(path, index=False),
        "jsonl": lambda table, path: table.to_pandas().to_json(path, orient="records", lines=True),
    }
    root = tmp_path / "run=5"
    endings = itertools.cycle(ending.split(" and "))
    for year in (2023, 2024):
        for city in ("São Paulo", "a=b"):
            kind = next(endings)
            path = root / f"year={year}" / f"city={city}" / f"t.{kind}"
            path.parent.mkdir(parents=True)
            writers[kind](pa.table({"v": [float(year), 0.5], "y": [1.0, 3.0]}), path)
    wanted = [(year, city, v) for year in (2023, 2024) for city in ("São Paulo", "a=b") for v in (0.5, year)]
    for pattern in ("*/*/*", "year=*/*/t.*", "**/t.*", "/year=2023/.././*/*/t.*"):
        table = open_table(f"{root}/{pattern}")
        assert set(table.columns) == {"v", "y", "year", "city"}
        v, year, city = values(table, "v", "year", "city")
        assert sorted(zip(year, city, v, strict=True)) == sorted(wanted)
    assert open_table(f"{root}/year=2023/*/t.*").columns == ("v", "y", "city")
    assert open_table(f"{root}/*/city=a=b/t.*").columns == ("v", "y", "year", "city")
    assert open_table(f"file://{root}/*/*/t.*").columns == ("v", "y", "year", "city")
    queried = open_table(f"{root}/*/*/t.*", sql="SELECT v, year AS z FROM data WHERE city = 'a=b'")
    assert values(queried, "z") == [[2023, 2023, 2024, 2024]]
    fit = gl.fit(f"{root}/*/*/t.*", target="y", features=["year", "v"], where="year > 2000")
    assert fit.nobs == 8


def test_keys_that_are_missing_or_not_whole(tmp_path: Path) -> None:
    for key in ("rate=0.5", "rate=1e2", "rate=__HIVE_DEFAULT_PARTITION__"):
        write(tmp_path / key / "kind=x" / "t.parquet", {"v": [1]})
    write(tmp_path / "rate=7" / "kind=__HIVE_DEFAULT_PARTITION__" / "t.parquet", {"v": [1]})
    table = open_table(tmp_path)
    np.testing.assert_array_equal(values(table, "rate")[0], [0.5, 100.0, 7.0, np.nan])
    assert values(table, "kind") == [["x", "x", None, "x"]]


def test_the_files_own_column_goes_before_a_key(tmp_path: Path) -> None:
    write(tmp_path / "year=2024" / "month=3" / "t.parquet", {"year": [1999.5], "v": [1.0]})
    table = open_table(tmp_path)
    assert table.columns == ("year", "v", "month")
    assert values(table, "v", "year", "month") == [[1.0], [1999.5], [3]]


def test_a_key_that_some_folders_lack(tmp_path: Path) -> None:
    write(tmp_path / "a" / "year=2024" / "t.parquet", {"v": [1.0]})
    write(tmp_path / "b" / "t.parquet", {"v": [1.0]})
    with pytest.raises(ColumnError, match=r"b/t\.parquet: there is no column 'year'; it is a number \(int64\) in"):
        list(open_table(tmp_path).read(["year"]))


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("v > 3", lambda row: row["v"] > 3),
        ("year = 2024 AND v <> 5", lambda row: row["year"] == 2024 and row["v"] != 5),
        ("city = 'O''Hare' OR rate IS NULL", lambda row: row["city"] == "O'Hare" or row["rate"] is None),
        ("rate < 1", lambda row: (row["rate"] or 9) < 1),
        ('"km/h" >= year - 2020', lambda row: row["km/h"] >= row["year"] - 2020),
        ("year > 2100", lambda row: False),
    ],
)
@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_a_condition_on_columns_and_keys(where: str, wanted: Any, ending: str, tmp_path: Path) -> None:
    """The same bytes as the files written again with the rows that a person would choose."""
    rng = np.random.default_rng(8)
    for year in (2023, 2024):
        for city in ("O'Hare", "Jeju", "__HIVE_DEFAULT_PARTITION__"):
            for rate in ("0.5", "__HIVE_DEFAULT_PARTITION__"):
                n = 7
                plain = {"v": rng.integers(0, 9, n), "km/h": rng.normal(3, 1, n), "y": rng.normal(size=n)}
                keys = {"year": year, "city": city, "rate": rate}
                keys = {key: None if str(value).startswith("__") else value for key, value in keys.items()}
                folder = f"year={year}/city={city}/rate={rate}"
                given = pa.table(plain)
                rows = [{**row, **keys, "rate": keys["rate"] and 0.5} for row in given.to_pylist()]
                chosen = given.filter(pa.array([bool(wanted(row)) for row in rows]))
                for place, table in (("all", given), ("chosen", chosen)):
                    path = tmp_path / place / folder / f"t.{ending}"
                    path.parent.mkdir(parents=True)
                    writer = pa.parquet.write_table if ending == "parquet" else pa.feather.write_feather
                    writer(table, path)
    columns = ("v", "km/h", "y", "year", "city", "rate")
    under, by_hand = open_table(tmp_path / "all", where=where), open_table(tmp_path / "chosen")
    assert under.columns == by_hand.columns == columns
    assert (under.numeric, under.labels) == (by_hand.numeric, by_hand.labels)
    assert repr(values(under, *columns)) == repr(values(by_hand, *columns))  # NaN is NaN here
    if by_hand.rows:
        request: dict[str, Any] = {"target": "y", "features": ["v", "km/h", "year"]}
        one, other = (
            gl.Moments.of(tmp_path / "all", where=where, **request),
            gl.Moments.of(tmp_path / "chosen", **request),
        )
        assert (one.hi.tobytes(), one.lo.tobytes()) == (other.hi.tobytes(), other.lo.tobytes())


def test_a_condition_on_a_column_that_is_also_a_key(tmp_path: Path) -> None:
    write(tmp_path / "year=2024" / "Month=3" / "t.parquet", {"year": [1999.5, 2000.5], "month": [7, 8]})
    table = open_table(tmp_path, where="year < 2000")
    assert table.columns == ("year", "month", "Month")
    assert values(table, "year", "month", "Month") == [[1999.5], [7], [3]]


def test_a_condition_with_a_column_that_no_folder_names(tmp_path: Path) -> None:
    write(tmp_path / "year=2024" / "t.parquet", {"v": [1.0, 2.0]})
    with pytest.raises(SourceError, match=r"(?s)where 'yaer = 2024' cannot be used on .*columns: v, year"):
        open_table(tmp_path, where="yaer = 2024")


# ---------------------------------------------------------------- elsewhere


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_files_in_an_fsspec_file_system(memory: Any, tmp_path: Path) -> None:
    table = pa.table({"v": [1.0, 2.0], "word": ["a", None]})
    for name, writer in (("1.parquet", pa.parquet.write_table), ("2.feather", pa.feather.write_feather)):
        writer(table, tmp_path / name)
        memory.pipe(f"/data/year=2024/{name}", (tmp_path / name).read_bytes())
    with pa.ipc.new_stream(tmp_path / "3.arrow", table.schema) as stream:
        stream.write_table(table)
    memory.pipe("/data/year=2024/3.arrow", (tmp_path / "3.arrow").read_bytes())
    memory.pipe("/data/_SUCCESS", b"")
    memory.pipe("/text/t.csv", b"v,word\n1,a\n2,NA\n")
    for address in ("memory://data/year=2024/*", "memory://data/", "memory://data", "memory://text/t.csv"):
        opened = open_table(address)
        assert ("year" in opened.numeric) == ("*" not in address and "data" in address)
        times = 1 if "text" in address else 3
        assert values(opened, "v", "word") == [[1.0, 2.0] * times, ["a", None] * times]
        assert opened.name.startswith("memory://")
    assert values(open_table("memory://data/year=2024/1.parquet", where="v > 1"), "v") == [[2.0]]
    memory.pipe("/text/late.csv", b"v\n" + b"1\n" * 30_000 + b"x\n")
    with pytest.raises(ColumnError, match=r"^memory:/+text/late\.csv, line 30002: column 'v' has 'x', not a number"):
        values(open_table("memory://text/late.csv"), "v")
    with pytest.raises(SourceError, match=r"no file matches 'memory://data/\*\.csv'"):
        open_table("memory://data/*.csv")
    with pytest.raises(SourceError, match=r"no file 'memory://data/none\.parquet'"):
        open_table("memory://data/none.parquet")
    memory.pipe("/cut.parquet", b"PAR1" + bytes(100))
    with pytest.raises(SourceError, match=r"memory:/+cut\.parquet: the Parquet file cannot be read"):
        open_table("memory://cut.parquet")


class WithRanges(SimpleHTTPRequestHandler):
    """Gives the range of bytes that is asked for, as web servers do; Python's own gives whole files only."""

    asked: list[tuple[int, int]]

    def do_GET(self) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not found:
            return super().do_GET()
        content = Path(self.translate_path(self.path)).read_bytes()
        first, last = int(found[1]), min(int(found[2]), len(content) - 1)
        self.asked.append((first, last))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.wfile.write(content[first : last + 1])
        return None

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class WithoutRanges(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(params=[WithRanges, WithoutRanges], ids=["ranges", "no ranges"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    asked: list[tuple[int, int]] = []
    handler = type("Handler", (request.param,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


def test_files_on_a_web_server(server: tuple[str, list[tuple[int, int]]], tmp_path: Path) -> None:
    address, asked = server
    columns = {"v": np.arange(3000.0), "wide": np.random.default_rng(0).random((3000, 50)).tolist()}
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(pa.table(columns), path, row_group_size=1000, use_dictionary=False)
    pa.feather.write_feather(pa.table({"v": [1.0]}), tmp_path / "u.feather")
    (tmp_path / "t.csv").write_text("v\n1\n2\n")
    table = open_table(f"{address}/t.parquet")
    assert len(table.parts(["v"])) == 3
    assert values(table, "v") == [list(range(3000))]
    if asked:  # a column is read without the rest of the file
        assert sum(last - first for first, last in asked) < path.stat().st_size / 2
    assert values(open_table(f"{address}/u.feather"), "v") == [[1.0]]
    assert values(open_table(f"{address}/t.csv?version=3"), "v") == [[1.0, 2.0]]
    assert values(open_table(f"{address}/*.csv"), "v") == [[1.0, 2.0]]
    with pytest.raises(SourceError, match=r"no file 'http.*/none\.parquet'"):
        open_table(f"{address}/none.parquet")


def test_a_web_server_that_is_not_there() -> None:
    with pytest.raises(SourceError, match=r"^no file 'http://127.*\n.*server can be reached") as caught:
        open_table("http://127.0.0.1:9/t.parquet")
    assert len(str(caught.value).splitlines()) <= 3
