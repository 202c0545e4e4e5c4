"""Parquet and Feather: chunks, several files, and files that are not what they seem."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from chunks import chunks

import gradline as gl
from gradline.errors import ColumnError, DataError, SourceError
from gradline.sources import CHUNK, open_table
from gradline.sources.arrow import recut


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
    assert [rows.place.name.rpartition(", ")[2] for rows in pieces] == [f"row group {j}" for j in (0, 0, 1, 1, 2)]
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


def test_a_number_that_was_damaged_is_found_where_the_writer_left_checksums(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({"a": np.arange(1000.0)})
    options: dict[str, Any] = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pa.parquet.write_table(table, path, row_group_size=500, **options)
    content = bytearray(path.read_bytes())
    at = content.index(np.float64(700).tobytes())
    content[at : at + 8] = np.float64(1700).tobytes()
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"t\.parquet, row group 1: .*\(?(CRC|checksum)"):
        list(open_table(path).read(["a"]))


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


# ---------------------------------------------------------------- parts


def test_parts_give_the_same_rows_from_any_thread_in_any_order(tmp_path: Path) -> None:
    n = 2 * CHUNK + 10
    a = np.arange(n)
    b = np.random.default_rng(1).random(n)
    paths = [
        parquet(tmp_path / f"{j}.parquet", {"a": a + j * n, "b": b, "t": ["z"] * n}, row_group_size=CHUNK + 3)
        for j in range(2)
    ]
    table = open_table(paths)
    parts = table.parts(["b", "a", "b"])
    assert [part.rows for part in parts] == [CHUNK + 3, CHUNK + 3, 4] * 2
    assert parts[4].place == f"{paths[1]}, row group 1"
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda part: list(part.read()), parts[::-1]))[::-1]
    for one, other in zip(chunks(rows for part in given for rows in part), chunks(table.read("bab")), strict=True):
        assert (one.first, one.place) == (other.first, other.place)
        assert all((x == y).all() for x, y in zip(one.columns, other.columns, strict=True))
    assert np.concatenate([rows.columns[1] for part in given for rows in part]).tolist() == list(range(2 * n))
    assert len(list(parts[0].read())) == len(list(parts[0].read())) == 1  # again


def test_a_part_hands_over_a_few_whole_chunks_at_a_time(tmp_path: Path) -> None:
    n = 20 * CHUNK + 5
    path = parquet(tmp_path / "t.parquet", {"a": np.arange(n), "b": np.zeros(n)}, row_group_size=n)
    [part] = open_table(path).parts(["a"])
    assert [(rows.first, len(rows.columns[0])) for rows in part.read()] == [
        (0, 16 * CHUNK),
        (16 * CHUNK, 4 * CHUNK + 5),
    ]


def test_files_that_sql_reads_are_one_part(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("v\n1\n")
    path = parquet(tmp_path / "b.parquet", {"v": [2.0, 3.0]}, row_group_size=1)
    [part] = open_table([path, tmp_path / "a.csv"]).parts(["v"])
    assert [rows.columns[0].tolist() for rows in part.read()] == [[2], [3], [1]]
    assert part.rows is None


def test_a_feather_file_is_one_part(tmp_path: Path) -> None:
    for j in range(2):
        pa.feather.write_feather(pa.table({"v": np.arange(5) + 5 * j}), tmp_path / f"{j}.feather", chunksize=3)
    parts = open_table(tmp_path).parts(["v"])
    assert [[(rows.first, rows.columns[0].tolist()) for rows in part.read()] for part in parts] == [
        [(0, [0, 1, 2]), (3, [3, 4])],
        [(5, [5, 6, 7]), (8, [8, 9])],
    ]


def test_identity_tells_data_apart(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", {"v": [1.0, 2.0]})
    other = parquet(tmp_path / "u.parquet", {"v": [1.0, 2.0]})
    (tmp_path / "t.csv").write_text("v\n1\n")
    seen = [
        open_table(data, where=where).identity
        for data, where in [
            (path, None),
            (path, "v > 1"),
            (other, None),
            ([path, other], None),
            ([other, path], None),
            (tmp_path / "t.csv", None),
        ]
    ]
    assert open_table(path).identity == seen[0]
    parquet(path, {"v": [1.0, 3.0]})
    seen.append(open_table(path).identity)
    assert len(set(seen)) == len(seen)
    assert open_table(np.zeros(3)).identity is None


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}], ids=["dictionary", "plain"])
def test_text_in_parquet_keeps_its_codes(options: dict[str, Any], tmp_path: Path) -> None:
    words = ["b", None, "a", "b", "c", ""] * 20_000
    table = pa.table({"v": range(len(words)), "w": words, "c": pa.array(words).dictionary_encode(), "d": words})
    table = table.set_column(3, "d", table["d"].cast(pa.large_string()))
    pa.parquet.write_table(table, tmp_path / "t.parquet", row_group_size=50_000, **options)
    opened = open_table(tmp_path / "t.parquet")
    assert (opened.numeric, opened.labels) == (("v",), ("w", "c", "d"))
    assert [opened.kind(name) for name in "wcd"] == ["text", "categorical", "text"]
    for given in (opened.read("wvcd"), (rows for part in opened.parts("wvcd") for rows in part.read())):
        pieces = list(given)
        assert len(pieces) == 3
        assert all(isinstance(rows.columns[2], pa.DictionaryArray) for rows in pieces)
        text = [isinstance(rows.columns[j], pa.DictionaryArray) for rows in pieces for j in (0, 3)]
        assert text == [not options] * 6
        for j in (0, 2, 3):
            assert [word for rows in pieces for word in rows.columns[j].to_pylist()] == words


def test_text_in_feather_and_dictionaries_that_grow(tmp_path: Path) -> None:
    words = [f"{j}" for j in range(300)]
    schema = pa.schema([("w", pa.dictionary(pa.uint8(), pa.string())), ("s", pa.string_view())])
    with pa.ipc.new_stream(tmp_path / "t.arrow", schema) as stream:
        for first in range(0, 300, 100):
            codes = pa.DictionaryArray.from_arrays(pa.array(range(100), pa.uint8()), pa.array(words[first:][:100]))
            text = pa.array(words[first:][:100], pa.string_view())
            stream.write_batch(pa.record_batch([codes, text], schema=schema))
    table = open_table(tmp_path / "t.arrow")
    assert table.labels == ("w", "s")
    for column in "ws":
        assert [word for rows in table.read([column]) for word in rows.columns[0].to_pylist()] == words
    batches = pa.ipc.open_stream(tmp_path / "t.arrow").read_all().to_batches()
    [joined] = recut(batches, [0])  # more words in all than a code of one byte can tell
    assert joined[0].to_pylist() == words


def test_labels_in_one_file_and_numbers_in_another(tmp_path: Path) -> None:
    parquet(tmp_path / "1.parquet", {"w": ["a"], "n": [1]})
    parquet(tmp_path / "2.parquet", {"w": [1.5], "n": [1]})
    parquet(tmp_path / "3.parquet", {"w": pa.array(["b"]).dictionary_encode(), "n": [1]})
    with pytest.raises(ColumnError, match=r"2\.parquet: column 'w' is float64 here and text in .*1\.parquet"):
        open_table(str(tmp_path / "[12].parquet")).parts(["w"])
    table = open_table(str(tmp_path / "[13].parquet"))
    assert [rows.columns[0].to_pylist() for rows in table.read(["w"])] == [["a"], ["b"]]


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("keep", [0.999, 0.5, 0.01])
def test_a_truncated_file(keep: float, tmp_path: Path) -> None:
    table = pa.table({"a": np.random.default_rng(0).random(9000)})
    pa.parquet.write_table(table, tmp_path / "t.parquet")
    pa.feather.write_feather(table, tmp_path / "t.feather")
    for name, kind in (("t.parquet", "Parquet"), ("t.feather", "Feather")):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: int(len(content) * keep)])
        with pytest.raises(SourceError, match=rf"^\S+{name}: the {kind} file cannot be read: .*\nIs it") as caught:
            open_table(tmp_path / name)
        assert len(str(caught.value).splitlines()) == 2


def test_a_stream_file_that_ends_in_the_middle(tmp_path: Path) -> None:
    table = pa.table({"a": np.arange(9000.0)})
    with pa.ipc.new_stream(tmp_path / "t.arrow", table.schema) as stream:
        stream.write_table(table, max_chunksize=3000)
    content = (tmp_path / "t.arrow").read_bytes()
    (tmp_path / "t.arrow").write_bytes(content[: len(content) // 2])
    rows = open_table(tmp_path / "t.arrow").read(["a"])
    assert len(next(rows).columns[0]) == 3000
    with pytest.raises(SourceError, match=r"t\.arrow, record batch 1: the Feather file cannot be read: "):
        next(rows)


def test_a_damaged_record_batch_is_named(tmp_path: Path) -> None:
    table = pa.table({"a": np.repeat(np.arange(90.0), 100)})
    pa.feather.write_feather(table, tmp_path / "t.feather", compression="zstd", chunksize=3000)
    content = bytearray((tmp_path / "t.feather").read_bytes())
    magic = b"\x28\xb5\x2f\xfd"
    at = content.index(magic, content.index(magic) + 4)
    content[at : at + 4] = b"\xff" * 4
    (tmp_path / "t.feather").write_bytes(content)
    with pytest.raises(SourceError, match=r"t\.feather, record batch 1: the Feather file cannot be read: "):
        list(open_table(tmp_path / "t.feather").read(["a"]))


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.csv"])
def test_a_file_deleted_between_opening_and_reading(name: str, tmp_path: Path) -> None:
    table = pa.table({"a": [1.0, 2.0]})
    writers = {"t.parquet": pa.parquet.write_table, "t.feather": pa.feather.write_feather}
    writers.get(name, lambda _, path: path.write_text("a\n1\n"))(table, tmp_path / name)
    opened = open_table(tmp_path / name)
    (tmp_path / name).unlink()
    with pytest.raises(SourceError, match=name) as caught:
        list(opened.read(["a"]))
    assert len(str(caught.value).splitlines()) <= 3
    if name != "t.csv":
        assert "no longer there" in str(caught.value)


def test_a_file_written_anew_between_opening_and_reading(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", {"a": [1.0, 2.0]})
    [part] = open_table(path).parts(["a"])
    parquet(path, {"a": [1.0, 2.0, 3.0]})
    with pytest.raises(SourceError, match=r"t\.parquet, row group 0: the file has changed since it was opened"):
        list(part.read())


@pytest.mark.parametrize(("value", "words"), [(np.inf, "is infinite"), (np.nan, "has a missing value")])
def test_what_is_wrong_in_the_last_row_group_is_found_there(value: float, words: str, tmp_path: Path) -> None:
    a = np.arange(3000.0)
    a[2500] = value
    path = parquet(tmp_path / "t.parquet", {"a": a, "y": np.arange(3000.0)}, row_group_size=1000)
    with pytest.raises(DataError, match=rf"'a' in \S+t\.parquet, row group 2 {words}.* at row 500 "):
        gl.Moments.of(path, target="y", missing="error")


def two_files(folder: Path, ending: str) -> list[str]:
    """Of 50 rows each; in the second, row 7 lacks x, row 8 has no finite z, and row 9 a city that no other has."""
    paths = [str(folder / f"n{number}.{ending}") for number in range(2)]
    for number, path in enumerate(paths):
        table = pd.DataFrame({"x": np.arange(50.0), "z": 1.0, "y": np.arange(50.0) % 7, "city": "Jeju"})
        if number:
            table.loc[7, "x"], table.loc[8, "z"], table.loc[9, "city"] = np.nan, np.inf, "Ulsan"
        if ending == "csv":
            table.to_csv(path, index=False)
        elif ending == "parquet":
            table.to_parquet(path, row_group_size=5)
        else:
            pa.feather.write_feather(pa.Table.from_pandas(table), path, chunksize=5)
    return paths


@pytest.mark.parametrize(
    ("ending", "part"), [("csv", ""), ("parquet", ", row group 1"), ("feather", ", record batch 1")]
)
def test_a_row_is_counted_within_the_place_that_is_named(ending: str, part: str, tmp_path: Path) -> None:
    paths = two_files(tmp_path, ending)
    before = 5 if part else 0  # rows of the file before that part of it

    def place(row: int) -> str:
        return re.escape(f" in {paths[1]}{part}") + f"[^0-9]* row {row - before} .the first row is 0"

    with pytest.raises(DataError, match="'x'" + place(7)):
        gl.fit(paths, target="y", features=["x"], missing="error")
    for request in (
        {"target": "y", "features": ["z"]},
        {"formula": "y ~ center(z)"},
        {"target": "z", "features": ["y"]},
    ):
        with pytest.raises(DataError, match="z.*" + place(8)):
            gl.fit(paths, **request)
    with pytest.raises(DataError, match="the weight .*" + re.escape(paths[1])):
        gl.fit(paths, target="y", features=["x"], weights="z")
    with pytest.raises(DataError, match="level 'Ulsan' of 'city'" + place(9)):
        gl.fit(paths[0], formula="y ~ city").predict(paths)
    with pytest.raises(DataError, match="'z'" + place(8)):
        gl.fit(paths[0], target="y", features=["z"]).predict(str(tmp_path / f"*.{ending}"))


def test_a_row_among_those_of_a_condition(tmp_path: Path) -> None:
    paths = two_files(tmp_path, "parquet")
    for condition, row in (("y > 3 OR y < 1", 4), ("y > 5 OR y < 1", 2)):  # rows 0, 4, 5, 6, 7, … and 0, 6, 7, …
        words = f"'x' in {paths[1]} has a missing value at row {row} of those that where= leaves (the first is 0)."
        with pytest.raises(DataError, match=re.escape(words)):
            gl.fit(paths, target="y", features=["x"], missing="error", where=condition)
