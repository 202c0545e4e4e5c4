"""JSON lines and lists of objects."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gradline.errors import ColumnError, GradlineError, SourceError
from gradline.sources import CHUNK, Table, demand, open_table


def json(folder: Path, text: str, name: str = "t.jsonl") -> Table:
    (folder / name).write_text(text)
    return open_table(folder / name)


def values(table: Table, *columns: str) -> list[list[float]]:
    return [column.tolist() for column in next(table.read(columns or table.columns)).columns]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"a": 1, "b": 2.5}\n{"b": -1, "a": 3}\n', "t.jsonl"),
        ('{"a": 1, "b": 2.5}\r\n\r\n{"a": 3, "b": -1}', "t.ndjson"),
        ('[{"a": 1, "b": 2.5},\n {"a": 3, "b": -1}]', "t.json"),
        ('[\n  {\n    "a": 1,\n    "b": 2.5\n  },\n  {"a": 3, "b": -1}\n]\n', "t.json"),
        ('{\n  "a": 1,\n  "b": 2.5\n}\n{"a": 3, "b": -1}\n', "t.json"),
        ('{"a": 1, "b": 2.5}\n{"a": 3, "b": -1}\n', "t.txt"),
    ],
)
def test_layouts(text: str, name: str, tmp_path: Path) -> None:
    table = json(tmp_path, text, name)
    assert table.columns == table.numeric == ("a", "b")
    assert values(table) == [[1, 3], [2.5, -1]]


@pytest.mark.parametrize("name", ["t.jsonl.gz", "t.json.zst"])
def test_compressed(name: str, tmp_path: Path) -> None:
    text = b'[{"a": 1}, {"a": 2}]' if ".json." in name else b'{"a": 1}\n{"a": 2}\n'
    packed = gzip.compress(text) if name.endswith("gz") else pa.compress(text, codec="zstd", asbytes=True)
    (tmp_path / name).write_bytes(packed)
    assert values(open_table(tmp_path / name)) == [[1, 2]]


def test_numbers_labels_and_what_is_neither(tmp_path: Path) -> None:
    text = (
        '{"n": 1, "t": "x", "b": true, "o": {"p": 1}, "l": [1], "m": 1, "d": "2024-01-01", "z": null}\n'
        '{"n": null, "t": null, "b": false, "o": null, "m": "x"}\n'
    )
    table = json(tmp_path, text)
    assert table.numeric == ("n", "b", "z")
    assert table.labels == ("t",)
    n, t, z = next(table.read(["n", "t", "z"])).columns
    np.testing.assert_array_equal(n, [1, np.nan])
    assert t.to_pylist() == ["x", None]
    assert np.isnan(z).all()
    for column, words in {"o": r"nested \(STRUCT", "l": "nested", "m": "a mixture of JSON", "d": "a date"}.items():
        with pytest.raises(ColumnError, match=rf"column '{column}' in .*t\.jsonl is {words}"):
            demand(table, [column])


def test_a_fraction_far_below_whole_numbers_is_not_rounded(tmp_path: Path) -> None:
    assert values(json(tmp_path, '{"a": 1}\n' * 30_000 + '{"a": 2.5}\n'))[0][-1] == 2.5


def test_order_and_chunks(tmp_path: Path) -> None:
    n = 3 * CHUNK + 7
    chunks = list(json(tmp_path, "".join(f'{{"i": {i}, "t": "x{i}"}}\n' for i in range(n))).read(["i"]))
    assert [len(rows.columns[0]) for rows in chunks] == [CHUNK] * 3 + [7]
    np.testing.assert_array_equal(np.concatenate([rows.columns[0] for rows in chunks]), np.arange(n))


def test_odd_keys(tmp_path: Path) -> None:
    table = json(tmp_path, '{"it\'s": 1, "say \\"hi\\"": 2, "키": 3, "a": 4, "a_1": 5}\n')
    assert table.columns == ("it's", 'say "hi"', "키", "a", "a_1")
    assert values(table) == [[1], [2], [3], [4], [5]]


def test_three_hundred_keys_are_columns_not_a_map(tmp_path: Path) -> None:
    table = json(tmp_path, "{" + ", ".join(f'"k{j}": {j}' for j in range(300)) + "}\n")
    assert values(table, "k299") == [[299]]


def test_conditions(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"a": 1, "t": "x"}\n{"a": 2, "t": "y"}\n')
    assert values(open_table(tmp_path / "t.jsonl", where="t = 'y'"), "a") == [[2]]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (
            '{"b": 1, "a": 1}\n' * 30_000 + '{"b": 2, "a": "oops"}\n',
            ColumnError,
            r"line 30001: column 'a' has \"oops\"",
        ),
        (
            "[" + '{"b": 1, "a": 1},' * 30_000 + '{"b": 2, "a": {}}]',
            ColumnError,
            r"object 30001: column 'a' has \{\}",
        ),
        ('{"b": 1, "a": 1}\n' * 30_000 + '{"b": 2, "a\n', SourceError, "line 30001: this is no JSON"),
        ('{"b": 1, "a": 1}\n' * 2 + '{"b": 2, "a": 1', SourceError, "line 3: this is no JSON: unexpected end"),
        ("1\n2\n", SourceError, "holds no table"),
        ("[1, 2]", SourceError, "holds no table"),
        ("[]", SourceError, "holds no table"),
        ("", SourceError, "is empty"),
        ("\n", SourceError, "holds no table"),
        ("a,b\n1,2\n", SourceError, "line 1: this is no JSON"),
        ('\ufeff{"a": 1, "b": 1}\n', SourceError, "line 1: .*byte order mark"),
        ('{"a": 1, "A": 2, "b": 3}\n', ColumnError, "differ in case only"),
    ],
)
def test_bad_files_are_one_clear_error(text: str, kind: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=rf"t\.jsonl.*{words}") as caught:
        list(json(tmp_path, text).read(["b", "a"]))
    assert len(str(caught.value).splitlines()) <= 3


def test_older_encodings_and_damaged_files(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes('{"a": "café"}\n'.encode("latin-1"))
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n' * 99_999)[:200])
    for name, words in (("t.jsonl", "line 1: .*UTF-8"), ("d.jsonl.gz", "cannot be read")):
        with pytest.raises(GradlineError, match=rf"{name}.*{words}"):
            list(open_table(tmp_path / name).read(["a"]))
