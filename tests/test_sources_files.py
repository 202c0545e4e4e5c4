"""Parquet and Feather: chunks, several files, and files that are not what they seem."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from chunks import chunks

from gradline.errors import ColumnError, SourceError
from gradline.sources import CHUNK, open_table


def parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pa.parquet.write_table(pa.table(columns), path, **options)
    return path


def test_each_row_group_starts_a_chunk(tmp_path: Path) -> None:
    n = 2 * CHUNK + 10
    path = parquet(tmp_path / "t.parquet", {"a": np.arange(n), "t": ["z"] * n}, row_group_size=CHUNK + 3)
    pieces = list(chunks(open_table(path).read(["a"])))
    assert [(rows.first, len(rows.columns[0])) for rows in pieces] == [
        (0, CHUNK),
        (CHUNK, 3),
        (CHUNK + 3, CHUNK),
        (2 * CHUNK + 3, 3),
        (2 * CHUNK + 6, 4),
    ]
    assert [rows.place.rpartition(", ")[2] for rows in pieces] == [f"row group {j}" for j in (0, 0, 1, 1, 2)]
    np.testing.assert_array_equal(np.concatenate([rows.columns[0] for rows in pieces]), np.arange(n))


@pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
def test_each_record_batch_starts_a_chunk(compression: str, tmp_path: Path) -> None:
    table = pa.table({"a": np.arange(CHUNK + 9), "b": np.arange(CHUNK + 9) * 0.5})
    pa.feather.write_feather(table, tmp_path / "t.feather", compression=compression, chunksize=CHUNK + 2)
    opened = open_table(tmp_path / "t.feather")
    pieces = list(chunks(opened.read(["b", "a", "b"])))
    assert [len(rows.columns[0]) for rows in pieces] == [CHUNK, 2, 7]
    assert opened.rows == CHUNK + 9
    assert all((rows.columns[0] == rows.columns[1] * 0.5).all() for rows in pieces)


def test_files_follow_one_another_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, first in (("b", 3), ("a", 0)):
        parquet(tmp_path / f"{name}.parquet", {"v": np.arange(first, first + 3.0)})
    parquet(tmp_path / "c.parquet", {"v": np.array([6], np.float32), "more": ["text"]})
    table = open_table(str(tmp_path / "*.parquet"))
    assert [rows.columns[0].tolist() for rows in table.read(["v"])] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [rows.first for rows in table.read(["v"])] == [0, 3, 6]
    assert table.rows == 7
    assert table.epsilon("v") == 2.0**-23  # the coarsest
    assert table.name.endswith("a.parquet and 2 more")


def test_kinds_of_files_may_be_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("v\n1\n")
    pa.feather.write_feather(pa.table({"v": [2]}), tmp_path / "b.feather")
    table = open_table([tmp_path / "a.csv", parquet(tmp_path / "c.parquet", {"v": [3]}), str(tmp_path / "b.feather")])
    assert [rows.columns[0].tolist() for rows in table.read(["v"])] == [[1], [3], [2]]
    assert table.rows is None


def test_parquet_types(tmp_path: Path) -> None:
    from decimal import Decimal

    columns = {
        "half": pa.array(np.array([1, 2], np.float16)),
        "single": pa.array([1.0, None], pa.float32()),
        "whole": pa.array([1, None], pa.int32()),
        "yes": pa.array([True, None]),
        "money": pa.array([Decimal("1.25"), None], pa.decimal128(9, 2)),
        "flag": pa.array([True, False]),
    }
    table = open_table(parquet(tmp_path / "t.parquet", columns))
    arrays = next(table.read(list(columns))).columns
    assert [array.dtype.name for array in arrays] == ["float32"] * 2 + ["float64"] * 3 + ["bool"]
    np.testing.assert_array_equal(
        np.column_stack(arrays), [[1, 1, 1, 1, 1.25, True], [2, np.nan, np.nan, np.nan, np.nan, False]]
    )
    assert [table.epsilon(name) for name in ("half", "single", "whole")] == [2.0**-10, 2.0**-23, 2.0**-52]


def test_names_with_dots_are_not_paths_into_columns(tmp_path: Path) -> None:
    columns = {"a.b": [1.0], "a": [2.0], "b": [{"c": 1}]}
    table = open_table(parquet(tmp_path / "t.parquet", columns))
    assert table.numeric == ("a.b", "a")
    assert [array.tolist() for array in next(table.read(["a", "a.b"])).columns] == [[2.0], [1.0]]


def test_a_condition_knows_columns_by_their_own_case(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", {"a": [1.0, 2.0], "A": [3.0, 4.0]})
    assert next(open_table(path, where="a > 1").read(["A", "a"])).columns[0].tolist() == [4.0]


def test_a_folder_name_with_an_equals_sign_adds_no_column(tmp_path: Path) -> None:
    (tmp_path / "year=2024").mkdir()
    path = parquet(tmp_path / "year=2024" / "t.parquet", {"a": [1.0]})
    assert open_table(path, where="a > 0").columns == open_table(path).columns == ("a",)


def test_first_bytes_decide_before_the_ending(tmp_path: Path) -> None:
    parquet(tmp_path / "t.csv", {"a": [1.0]})
    assert next(open_table(tmp_path / "t.csv").read(["a"])).columns[0].tolist() == [1.0]


def test_one_file_of_several_does_not_fit(tmp_path: Path) -> None:
    parquet(tmp_path / "1.parquet", {"fare": [1.0], "km": [1.0]})
    parquet(tmp_path / "2.parquet", {"fare": ["2.0"], "km": [1.0]})
    parquet(tmp_path / "3.parquet", {"fare": [1.0]})
    table = open_table(str(tmp_path / "[12].parquet"))
    with pytest.raises(
        ColumnError, match=r"2\.parquet: column 'fare' is text here and a number \(float64\) in .*1\.parquet"
    ):
        next(table.read(["km", "fare"]))
    assert len(list(table.read(["km"]))) == 2  # the text is not asked for
    with pytest.raises(ColumnError, match=r"3\.parquet: there is no column 'km'"):
        next(open_table(str(tmp_path / "[13].parquet")).read(["km"]))


def test_a_damaged_row_group_is_named(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "t.parquet",
        {"a": np.random.default_rng(0).random(4000)},
        row_group_size=2000,
        use_dictionary=False,
        compression="zstd",
    )
    content = bytearray(path.read_bytes())
    start = pa.parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content[start : start + 4000] = b"\xff" * 4000
    path.write_bytes(content)
    table = open_table(path).read(["a"])
    assert len(next(table).columns[0]) == 2000
    with pytest.raises(SourceError, match=r"t\.parquet, row group 1: .*cannot be read"):
        next(table)


PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", r"empty\.csv is empty \(0 bytes\)"),
        ("empty.parquet", b"", r"is empty \(0 bytes\)"),
        ("p.parquet", PNG, "is a PNG picture.\n.*CSV .*Parquet and Feather"),
        ("p.csv", PNG, "is a PNG picture"),
        ("book.xlsx", b"PK\x03\x04" + bytes(40), "zip archive .*Excel"),
        ("t.parquet", b"a,b\n1,2\n", r"is not a Parquet file: it starts with b'a,b"),
        ("t.feather", b"a,b\n1,2\n", "is not a Feather file"),
        ("cut.parquet", b"PAR1" + bytes(100), "the Parquet file cannot be read: .*\nIs it damaged"),
        ("cut.feather", b"ARROW1\0\0" + bytes(100), "the Feather file cannot be read"),
        ("t.dat", b"a,b\n1,2\n", r"the ending \.dat says nothing"),
        ("noending", b"a,b\n1,2\n", "ending is missing"),
        ("wide.csv", "a,b\n1,2\n".encode("utf-16"), "not text in UTF-8"),
        ("t.csv.gz", b"a,b\n1,2\n", "not compressed"),
        ("bad.csv.gz", b"\x1f\x8b\x08\x00" + bytes(30), "gzip file is damaged"),
        ("bad.csv.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 30, r"bad\.csv\.zst cannot be read"),
    ],
)
def test_files_that_are_not_tables(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        open_table(tmp_path / name)
    assert 1 <= len(str(caught.value).splitlines()) <= 3


def test_paths_that_lead_nowhere(tmp_path: Path, penguins: Path) -> None:
    (tmp_path / "trips.csv").write_text("a\n1\n")
    (tmp_path / "empty").mkdir()
    for path, words in [
        (tmp_path / "trip.csv", r"no file .*trip\.csv'\.\nDid you mean .*trips\.csv'"),
        (tmp_path / "far" / "away.csv", r"no file .*\nThere is no folder"),
        (str(tmp_path / "*.parquet"), r"no file matches '.*\*\.parquet'"),
        (tmp_path, r"is a directory without Parquet or Feather files\.\n.*/\*\.csv"),
        (tmp_path / "empty", r"is a directory without Parquet or Feather files\.\n.*/\*\.parquet"),
        ("s3://bucket/t.parquet", r"one more package\.\npip install s3fs"),
        ("gs://bucket/*.parquet", r"one more package\.\npip install gcsfs"),
        ("ghost://bucket/t.parquet", r"[Pp]rotocol.*ghost.*\n.*https://"),
        ([penguins, tmp_path / "gone.csv"], r"no file .*gone\.csv"),
        ("\0.csv", r"Check the path"),
    ]:
        with pytest.raises(SourceError, match=words) as caught:
            open_table(path)
        assert len(str(caught.value).splitlines()) <= 3


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "t.csv").chmod(0)
    if os.access(tmp_path / "t.csv", os.R_OK):  # the superuser may read everything

        def refuse(*_: Any, **__: Any) -> None:
            raise PermissionError

        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match=r"t\.csv: reading it is not permitted"):
        open_table(tmp_path / "t.csv")


def test_duplicate_names_in_a_parquet_file(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pa.parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(ColumnError, match=r"t\.parquet has more than one column named 'a'"):
        open_table(tmp_path / "t.parquet")


def test_reading_is_a_stream_not_a_load(tmp_path: Path) -> None:
    n = 96 * CHUNK
    path = parquet(tmp_path / "t.parquet", {"a": np.random.default_rng(0).random(n)}, row_group_size=n)
    before = pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() - before for _ in open_table(path).read(["a"]))
    assert most < 8 * n / 2  # 16 chunks of the 96 are read together, and a reader holds two and a half of that
