"""CSV files as people write them, and conditions in SQL."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import gradline as gl
from gradline.errors import ColumnError, GradlineError, OptionError, SourceError
from gradline.sources import CHUNK, Table, demand, open_columns, open_table
from gradline.sources.columns import beside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def csv(folder: Path, text: str, name: str = "t.csv") -> Table:
    (folder / name).write_text(text)
    return open_table(folder / name)


def values(table: Table, *columns: str) -> list[list[float]]:
    rows = next(table.read(columns or table.columns))
    return [column.tolist() for column in rows.columns]


def read_numbers(table: Table, column: str) -> None:
    demand(table, [column])
    for _ in table.read([column]):
        pass


def test_penguins(penguins: Path) -> None:
    table = open_table(penguins)
    assert table.columns[:3] == ("species", "island", "bill_length_mm")
    assert table.numeric == ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year")
    rows = next(table.read(["body_mass_g", "year"]))
    assert len(rows.columns[0]) == 344
    assert np.isnan(rows.columns[0]).sum() == 2
    assert rows.place.name == str(penguins)


def test_missing_values_as_people_write_them(folder: Path) -> None:
    table = csv(folder, 'a,b\n1,1\nNA,2\nNaN,3\nnan,4\n,5\nnull,6\nNULL,7\nN/A,8\n"NA",9\n2.5,10\n')
    a, b = values(table)
    np.testing.assert_array_equal(a, [1.0] + [np.nan] * 8 + [2.5])
    assert b == list(range(1, 11))


def test_infinities_stay(folder: Path) -> None:
    assert values(csv(folder, "a\n1.5\ninf\n-inf\n")) == [[1.5, np.inf, -np.inf]]


def test_columns_without_any_value_are_numbers(folder: Path) -> None:
    table = csv(folder, "a,b\nNA,\nNA,\n")
    assert table.numeric == ("a", "b")
    assert np.isnan(values(table)).all()


@pytest.mark.parametrize(
    "numbers",
    [["+3", "-2", "NA"], [" 2 ", " 4.5 ", "1"], ["+.5", "2.", "+1e3"], ["inf", "2", "+Infinity"], ["7" * 45, "1"]],
)
def test_numbers_that_duckdb_calls_text(numbers: list[str], folder: Path) -> None:
    table = csv(folder, "a,b\n" + "".join(f"{number},x\n" for number in numbers))
    assert table.numeric == ("a",)
    expected = [np.nan if number == "NA" else float(number) for number in numbers]
    np.testing.assert_array_equal(values(table, "a"), [expected])


def test_names_that_look_like_numbers_stay_text(folder: Path) -> None:
    assert csv(folder, "a,b\n1_000,+\n2_001,7\n").labels == ("a", "b")


def test_a_header_and_no_rows(folder: Path) -> None:
    table = csv(folder, "a,b\n")
    assert table.columns == table.numeric == ("a", "b")
    assert list(table.read(["a", "b"])) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a\tb\n1\t2\n", "t.tsv"),
        ("a;b\n1;2\n", "t.csv"),
        ("a:b\n1:2\n", "t.csv"),
        ("a^b\n1^2\n", "t.csv"),
        ('"a"~"b"\n"1"~"2"\n', "t.csv"),
        ("a\x01b\n1\x012\n", "t.txt"),
        ("a|b\n1|2\n", "t.txt"),
        ('"a","b"\r\n"1","2"\r\n', "t.CSV"),
        ("\ufeffa,b\n1,2\n", "t.csv"),
        ("a,b\n1,2", "t.csv"),
        ("a,b\r1,2\r", "t.csv"),
        ("a b\n1 2\n", "t.txt"),
        ("# from the sensor\na,b\n1,2\n", "t.csv"),
        ('c;a;b\n"x;y";1;2\n', "t.csv"),
        ('c\ta\tb\n"two\nlines, ""one"" value"\t1\t2\n', "t.tsv"),
        ("c|a|b\n'|1|2\n", "t.csv"),
    ],
)
def test_dialects(text: str, name: str, folder: Path) -> None:
    (folder / name).write_text(text, encoding="utf-8", newline="")
    assert values(open_table(folder / name), "a", "b") == [[1.0], [2.0]]


def test_a_decimal_comma_does_not_hide_the_delimiter(folder: Path) -> None:
    assert csv(folder, "x;y\n1,5;2,5\n2,5;3,5\n3,5;5,1\n").columns == ("x", "y")
    with pytest.raises(ColumnError, match="such as '2,5'"):
        gl.fit(folder / "t.csv", target="y")


@pytest.mark.parametrize("text", ["at: noon\n1\n2\n", "time:utc\n12\n13\n", "Report; 2024\n\na,b\n1,2\n3,4\n"])
def test_marks_that_are_no_delimiters(text: str, folder: Path) -> None:
    names = ("a", "b") if "a,b" in text else (text.partition("\n")[0],)
    assert csv(folder, text).columns == names


@pytest.mark.parametrize("ending", ["gz", "zst"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_compressed(delimiter: str, ending: str, folder: Path) -> None:
    text = f'a{delimiter}t\n1{delimiter}"x{delimiter}\n"\n2{delimiter}NA\n'.encode()
    packed = gzip.compress(text) if ending == "gz" else pa.compress(text, codec="zstd", asbytes=True)
    (folder / f"t.csv.{ending}").write_bytes(packed)
    a, t = next(open_table(folder / f"t.csv.{ending}").read(["a", "t"])).columns
    assert (a.tolist(), t.to_pylist()) == ([1, 2], [f"x{delimiter}\n", None])


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zst", "t.jsonl.gz", "t.jsonl.zst"])
def test_compressed_files_that_were_cut_short(name: str, folder: Path) -> None:
    row = "{0},{1}\n" if "csv" in name else '{{"a": {0}, "b": {1}}}\n'
    header = "a,b\n" if "csv" in name else ""
    text = (header + "".join(row.format(i, i * i % 100_003) for i in range(100_000))).encode()
    packed = gzip.compress(text) if name.endswith("gz") else pa.compress(text, codec="zstd", asbytes=True)
    for end in (len(packed) * 2 // 3, len(packed) - 1):
        (folder / name).write_bytes(packed[:end])
        with pytest.raises(SourceError, match=name):
            read_numbers(open_table(folder / name), "a")


def test_zstd_files_of_several_frames(folder: Path) -> None:
    rows = [f"{i},{i}\n".encode() for i in range(3)]
    frames = [pa.compress(part, codec="zstd", asbytes=True) for part in (b"a,b\n", *rows, b"7,7\n" * 100_000)]
    skippable = (0x184D2A5F).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"notes"
    (folder / "t.csv.zst").write_bytes(frames[0] + skippable + b"".join(frames[1:]))
    [a] = values(open_table(folder / "t.csv.zst"), "a")
    assert a[:4] == [0, 1, 2, 7]


def test_text_columns_are_labels(folder: Path) -> None:
    table = csv(folder, "t,a,d\nx,1,2024-01-01\nNA,2,\n,NA,2024-01-02\n키,4,2024-01-01\n")
    assert (table.numeric, table.labels) == (("a",), ("t",))
    a, t = next(table.read(["a", "t"])).columns
    np.testing.assert_array_equal(a, [1, 2, np.nan, 4])
    assert t.to_pylist() == ["x", None, None, "키"]
    with pytest.raises(ColumnError, match=r"'d' in .* is a date"):
        table.epsilon("d")
    [days] = next(table.read(["d"])).columns  # as whole numbers, since 1970
    np.testing.assert_array_equal(days, [19723, np.nan, 19724, 19723])


@pytest.mark.parametrize("mark", [" ", ",", "\t"])
@pytest.mark.parametrize("names", [("1", "2"), ("Mazda RX4", "Datsun 710")])
def test_row_names_as_r_writes_them(mark: str, names: tuple[str, str], folder: Path) -> None:
    lines = [["mpg", "cyl"], [names[0], "21.0", "6"], [names[1], "22.8", "NA"]]
    text = "\n".join(
        mark.join(f'"{x}"' if x in names or (x.isalpha() and x != "NA") else x for x in row) for row in lines
    )
    table = csv(folder, text + "\n", "t.txt")
    assert (table.columns, table.numeric) == (("row_names", "mpg", "cyl"), ("mpg", "cyl"))
    assert next(table.read(["row_names"])).columns[0].to_pylist() == list(names)
    np.testing.assert_array_equal(values(table, "mpg", "cyl"), [[21, 22.8], [6, np.nan]])


def test_a_title_above_the_header_is_no_header(folder: Path) -> None:
    assert values(csv(folder, "made in May\na,b\n1,2\n3,4\n"), "a", "b") == [[1, 3], [2, 4]]


def test_two_lines_of_title_with_a_comma_each(folder: Path) -> None:
    assert values(csv(folder, "Title, one\nPart, two\nx,y,z\n1,2,3\n2,3,4\n3,5,9\n"), "z") == [[3.0, 4.0, 9.0]]


def test_odd_names(folder: Path) -> None:
    table = csv(folder, 'total "net",it\'s,키,a b,select\n1,2,3,4,5\n'.replace('total "net"', '"total ""net"""'))
    assert table.columns == ('total "net"', "it's", "키", "a b", "select")
    assert values(table) == [[1], [2], [3], [4], [5]]


def test_a_column_of_row_names_without_a_name(folder: Path) -> None:
    table = csv(folder, '"","y"\n"1",2\n"2",4\n')
    assert values(table, "y") == [[2.0, 4.0]]


def test_names_that_differ_in_case_only(folder: Path) -> None:
    table = csv(folder, "a,A\n1,2\n")
    assert table.columns == ("a", "A")
    assert values(table, "A", "a") == [[2.0], [1.0]]


def test_odd_paths_are_not_patterns(folder: Path) -> None:
    (folder / "bb's.csv").write_text("a\n2\n")
    for name in ("b*'s.csv", "[b]b's.csv"):
        assert values(csv(folder, "a\n1\n", name)) == [[1.0]]


def test_the_first_line_is_the_header_whatever_it_looks_like(folder: Path) -> None:
    table = csv(folder, "2019,2020\n1,2\n")
    assert table.columns == ("2019", "2020")
    assert values(table) == [[1.0], [2.0]]


def test_a_whole_number_column_with_a_fraction_far_down(folder: Path) -> None:
    table = csv(folder, "a\n" + "1\n" * 30_000 + "2.5\n")
    assert values(table)[0][-1] == 2.5


def test_order_and_chunks_of_a_large_file(folder: Path) -> None:
    n = 5 * CHUNK + 7
    table = csv(folder, "i,t\n" + "".join(f"{i},x{i}\n" for i in range(n)))
    chunks = list(table.read(["i"]))
    assert [len(rows.columns[0]) for rows in chunks] == [CHUNK] * 5 + [7]
    np.testing.assert_array_equal(np.concatenate([rows.columns[0] for rows in chunks]), np.arange(n))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,x\n2,3\n", r"'b' in .*t\.csv is text \(such as 'x'\).*\n.*features=: a"),
        ('a,b\n1;2,"1,5"\n', "'b' .*such as '1,5'"),
        ("a,b\n1,2020-01-01\n", "'b' .* is a date"),
        ("a,b\n1,1\n" + "1,1\n" * 30_000 + "1,oops\n", r"t\.csv, line 30003: column 'b' has 'oops'"),
    ],
)
def test_text_among_numbers(text: str, words: str, folder: Path) -> None:
    with pytest.raises(ColumnError, match=words) as caught:
        read_numbers(csv(folder, text), "b")
    assert len(str(caught.value).splitlines()) <= 3


def test_text_in_a_column_that_is_not_asked_for(folder: Path) -> None:
    table = csv(folder, "a,b\n" + "1,1\n" * 30_000 + "1,oops\n")
    assert sum(len(rows.columns[0]) for rows in table.read(["a"])) == 30_001


def test_yes_and_no(folder: Path) -> None:
    assert values(csv(folder, "a,b\ntrue,1\nFALSE,2\n"), "a") == [[True, False]]
    for yes, no in (("Yes", "No"), ("t", "f"), ("y", "n"), ("T", "F")):
        table = csv(folder, f"a,b\n{yes},1\n{no},2\n,3\n")
        assert "a" in table.labels
        assert values(table, "a") == [[yes, no, None]]


def test_duplicate_names(folder: Path) -> None:
    with pytest.raises(ColumnError, match=r"t\.csv has more than one column named 'a'"):
        csv(folder, "a,b,a\n1,2,3\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "no line of column names"),
        (b"\xef\xbb\xbf", "no line of column names"),
        (b"a,b\n1,2\r\n3,4\n", "lines that all end in the same way"),
        ("a,b\n1,2\n".encode("utf-16"), "not text in UTF-8"),
        ("caf\u00e9,b\n1,2\n".encode("latin-1"), "line 1: the text is not UTF-8"),
        (b"a,b\n1," + b"9" * 2_100_000 + b"\n", "Maximum line size"),
    ],
)
def test_files_that_are_no_csv(content: bytes, words: str, folder: Path) -> None:
    (folder / "t.csv").write_bytes(content)
    with pytest.raises(SourceError, match=rf"t\.csv.*\n?.*{words}"):
        open_table(folder / "t.csv")


def test_text_at_row_300_000_of_a_numeric_column(folder: Path) -> None:
    with (folder / "t.csv").open("w") as file:
        file.write("a,b,flag\n")
        file.write("1,2,true\n" * 299_999)
        file.write("1,oops,maybe\n")
        file.write("1,2,false\n" * 99_999)
    table = open_table(folder / "t.csv")
    for column, said in (("b", "'oops', not a number"), ("flag", "'maybe', not true or false")):
        with pytest.raises(ColumnError, match=rf"t\.csv, line 300001: column '{column}' has {said}") as caught:
            list(table.read(["a", column]))
        assert len(str(caught.value).splitlines()) == 2
    assert sum(len(rows.columns[0]) for rows in table.read(["a"])) == 399_999


@pytest.mark.parametrize("content", [b"a,b\n1,2\n" + b"3,4\n" * 9 + b"\xff\xfe,2\n", b'a,b\n1,2\n1,"2\n3,4\n'])
def test_broken_text_is_one_clear_error(content: bytes, folder: Path) -> None:
    (folder / "t.csv").write_bytes(content)
    with pytest.raises(GradlineError, match=r"t\.csv") as caught:
        read_numbers(open_table(folder / "t.csv"), "b")
    assert len(str(caught.value).splitlines()) <= 3


def test_a_row_with_too_many_values(folder: Path) -> None:
    with pytest.raises(GradlineError, match=r"t\.csv") as caught:
        list(csv(folder, "a,b\n" + "1,2\n" * 30_000 + "1,2,3,4\n").read(["a"]))
    assert "30002" in str(caught.value)


def test_conditions(penguins: Path) -> None:
    table = open_table(penguins, where="species = 'Adelie' AND island = 'Dream'")
    assert sum(len(rows.columns[0]) for rows in table.read(["year"])) == 56
    assert list(open_table(penguins, where="year > 3000").read(["year"])) == []


@pytest.mark.parametrize(
    ("where", "kind", "words"),
    [
        ("speces = 'Adelie'", SourceError, "speces.*\ncolumns: species, island"),
        ("year >", SourceError, "cannot be used on .*syntax"),
        ("1 = 1); DROP TABLE x; SELECT (1", OptionError, "one condition"),
        ("  ", OptionError, "where is empty"),
        ("year > 'x'", SourceError, "cannot be read: .*Does the condition .* fit"),
        ("-- only a comment", SourceError, "cannot be"),
    ],
)
def test_conditions_that_cannot_be(where: str, kind: type[Exception], words: str, penguins: Path) -> None:
    with pytest.raises(kind, match=f"(?s){words}") as caught:
        list(open_table(penguins, where=where).read(["year"]))
    assert len(str(caught.value).splitlines()) <= 3


def test_conditions_are_for_files_alone() -> None:
    with pytest.raises(OptionError, match="ndarray is neither"):
        open_table(np.zeros((2, 2)), where="x1 > 0")


def test_values_from_memory_beside_a_file_of_unknown_length(folder: Path) -> None:
    (folder / "t.csv").write_text("a,t\n1,x\n2,y\n3,z\n")
    opened = open_table(folder / "t.csv")
    rows = next(beside(opened, open_columns([5, 6, 7], "y")[0]).read(["y"]))
    assert rows.columns[0].tolist() == [5, 6, 7]
    for length, words in ((2, "at least 3 rows"), (4, "has 3 rows")):
        with pytest.raises(GradlineError, match=rf"'y' has shape \({length},\) and .*{words}"):
            list(beside(opened, open_columns(np.ones(length), "y")[0]).read(["a", "y"]))


@pytest.mark.parametrize(
    ("text", "line", "found", "expected"),
    [
        ("a,b,y\n1,2,3\n2,3,4\n4,4\n5,6,7\n", 4, "2 fields", 3),
        ("a,b,y\n1,2,3\n2,3,4\n\n4,4,5,6\n5,6,7\n", 5, "4 fields", 3),
        ("a;b;y\n1;2;3\n4\n5;6;7\n", 3, "1 field,", 3),
        ('a,"b, c",y\n1,2,3\n"4\n4",4\n5,6,7\n', 3, "2 fields", 3),
        ("a,b,y\n1,2\n3,4\n", 2, "2 fields", 3),
        ("a,b\n" + "1,2\n" * 30_000 + "1,2,3\n", 30_002, "3 fields", 2),
        ("a,b\n" + "1,2\n" * 5_000 + "1,2,3\n", 5_002, "3 fields", 2),
        ("a,b\n" + "1,2\n" * 5_000 + "1\n" + "1,2\n" * 5_000, 5_002, "1 field,", 2),
        ("a,b\n" + "1,2\n" * 20 + "8,3,4\n", 22, "3 fields", 2),
        ("a,b\n1,2\n8,3,4\n", 3, "3 fields", 2),
        ("a,b\n" + "1,2\n" * 20 + "Total,45,extra\n", 22, "3 fields", 2),
        ("a,b\n" + "1,2\n" * 1_000 + "a,b,c\n" + "1,2,3\n" * 10, 1_002, "3 fields", 2),
    ],
)
def test_an_odd_line_is_named_with_its_fields(text: str, line: int, found: str, expected: int, folder: Path) -> None:
    with pytest.raises(SourceError, match=rf"t\.csv, line {line}: {found}.* has {expected}\.\nCorrect the line"):
        list(csv(folder, text).read(["a"]))


def test_an_odd_line_in_a_compressed_file(folder: Path) -> None:
    (folder / "t.csv.gz").write_bytes(gzip.compress(b"a,y\n1,2\n3\n4,5\n"))
    with pytest.raises(SourceError, match="line 3: 1 field"):
        open_table(folder / "t.csv.gz")


def test_a_comma_in_the_name_of_an_only_column(folder: Path) -> None:
    assert values(csv(folder, "weight, kg\n1\n2\n")) == [[1.0, 2.0]]


def test_text_in_an_older_encoding(folder: Path) -> None:
    (folder / "t.csv").write_bytes("name,y\nthe,1\ncafé,2\n".encode("latin-1"))
    with pytest.raises(SourceError, match=r"t\.csv, line 3: the text is not UTF-8.*\n.*iconv"):
        list(open_table(folder / "t.csv").read(["y"]))
