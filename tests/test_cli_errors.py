"""Each bad input of the command line: exit code 2, at most three lines on stderr, and nothing written."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from rich.cells import cell_len

from gradline.cli import main

GOOD = "x,y,z\n1,2,a\n2,4.5,b\n3,5.5,c\n4,8,d\n"
LONG = "the_name_of_a_column_that_somebody_thought_should_say_everything_there_is_to_say_about_it"
KOREAN = "학생 한 사람이 하루에 공부한 시간의 평균과 그 표준편차를 모두 분 단위로 적은 열"
TEXTS = [f"a_column_of_text_{number}" for number in range(9)]
NUMBERS = [f"a_column_of_numbers_{number}" for number in range(9)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "fake.parquet").write_text(GOOD)
    (tmp_path / "gaps.csv").write_text("x,y\n1,\n,2\n3,\n")
    (tmp_path / "infinite.csv").write_text("x,y\n1,2\n2,3\ninf,4\n5,6\n")
    (tmp_path / "twice.csv").write_text("x,x,y\n1,2,3\n2,3,5\n3,9,7\n")
    (tmp_path / "other.csv").write_text("q\n1\n2\n")
    (tmp_path / "long.csv").write_text(f"{LONG},{LONG}s,{KOREAN},y\n1,a,2,3\n2,b,5,5\n4,a,1,9\n")
    (tmp_path / "wide.csv").write_text(",".join([*TEXTS, *NUMBERS]) + "\n" + "a," * 9 + "1,2,3,4,5,6,7,8,9\n")
    (tmp_path / "not-a-model.safetensors").write_bytes(b"no model at all")
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "good.csv", "--target", "y", "--features", "x", "--save", "model.safetensors"]) == 0
    (tmp_path / "unseen.csv").write_text("z\na\ne\n")
    assert main(["fit", "good.csv", "--formula", "y ~ z", "--save", "levels.safetensors"]) == 0
    return tmp_path


BAD = {
    "no file": ("fit nosuch.csv --target y", "nosuch.csv"),
    "empty path": ("fit '' --target y", "no file ''"),
    "engine": ("train good.csv --target y --features x --loss l1 --engine closed-form", "Use --engine auto."),
    "no memory": (f"train good.csv --target y --features x --json --epochs {10**15}", "fewer epochs"),
    "no file matches": ("fit nosuch*.csv --target y", "nosuch*.csv"),
    "empty file": ("fit empty.csv --target y", "empty.csv"),
    "wrong kind": ("fit fake.parquet --target y", "fake.parquet"),
    "no target": ("fit good.csv", "target"),
    "words as JSON": ("fit good.csv --target y --features x --explain --json", "Leave one of them out."),
    "misspelt target": ("fit good.csv --target Y", "Did you mean 'y'"),
    "misspelt feature": ("fit good.csv --target y --features xx", "'xx'"),
    "text feature": ("fit good.csv --target y", "'z'"),
    "text target": ("fit good.csv --target z --features x", "'z'"),
    "target among features": ("fit good.csv --target y --features x,y", "'y'"),
    "empty name": ("fit good.csv --target y --features x,,z", "empty name"),
    "formula and target": ("fit good.csv --target y --formula y~x", "formula"),
    "bad formula": ("fit good.csv --formula y~x+", "formula"),
    "no rows left": ("fit gaps.csv --target y", "no rows left"),
    "missing refused": ("fit gaps.csv --target y --missing error", "missing"),
    "infinite": ("fit infinite.csv --target y", "inf"),
    "duplicate names": ("fit twice.csv --target y", "'x'"),
    "bad condition": ("fit good.csv --target y --features x --where x>>>1", "x>>>1"),
    "condition leaves nothing": ("fit good.csv --target y --features x --where x>9", "no rows"),
    "negative l2": ("fit good.csv --target y --features x --l2 -1", "l2"),
    "l2 not a number": ("fit good.csv --target y --features x --l2 much", "l2"),
    "bad choice": ("fit good.csv --target y --features x --aliased never", "aliased"),
    "level": ("fit good.csv --target y --features x --level 95", "level"),
    "no folder": ("fit good.csv --target y --features x --save no/folder/new.safetensors", "no/folder"),
    "output is a folder": ("fit good.csv --target y --features x --save .", "folder"),
    "unknown option": ("fit good.csv --trget y", "--trget"),
    "no source": ("fit --target y", "SOURCE"),
    "unknown command": ("fot good.csv", "fit"),
    "no model": ("predict nosuch.safetensors good.csv", "nosuch.safetensors"),
    "not a model": ("predict not-a-model.safetensors good.csv", "not-a-model"),
    "csv as model": ("predict good.csv good.csv", "good.csv"),
    "column missing in new data": ("predict model.safetensors other.csv", "'x'"),
    "infinite new data": (
        "predict model.safetensors infinite.csv",
        "column 'x' in infinite.csv is infinite (inf) at row 2",
    ),
    "infinite new data, file": (
        "predict model.safetensors infinite.csv --out new.csv",
        "at row 2 (the first row is 0)",
    ),
    "infinite new data, interval": ("predict model.safetensors infinite.csv --interval mean", "infinite (inf)"),
    "unseen level": ("predict levels.safetensors unseen.csv", "level 'e'"),
    "no new data": ("predict model.safetensors nosuch.csv", "nosuch.csv"),
    "bad interval": ("predict model.safetensors good.csv --interval both", "interval"),
    "bad ending": ("predict model.safetensors good.csv --out new.xlsx", ".parquet"),
    "no output folder": ("predict model.safetensors good.csv --out no/new.csv", "no/new.csv"),
    "epochs 0": ("train good.csv --target y --features x --epochs 0", "epochs"),
    "epochs not a number": ("train good.csv --target y --features x --epochs many", "epochs"),
    "lr 0": ("train good.csv --target y --features x --lr 0", "lr"),
    "lr not a number": ("train good.csv --target y --features x --lr fast", "lr"),
    "batch size 0": ("train good.csv --target y --features x --batch-size 0", "batch"),
    "unknown optimizer": ("train good.csv --target y --features x --optimizer sdg", "sgd"),
    "unknown loss": ("train good.csv --target y --features x --loss mes", "mse"),
    "train: no file": ("train nosuch.csv --target y", "nosuch.csv"),
    "train: misspelt": ("train good.csv --target y --features xx", "'xx'"),
    "train: trace of nothing": ("train good.csv --target y --features x --trace 0", "trace"),
    "train: a start too far off": ("train good.csv --target y --features x --init 1e160,0", "Choose init nearer"),
    "train: a start too far off, loop": (
        "train good.csv --target y --features x --init 1e160,0 --engine autograd --momentum 0.5",
        "the loss at the start is beyond float64",
    ),
    "train: no folder": ("train good.csv --target y --features x --save no/new.safetensors", "no/new"),
    "text among the other columns": ("fit wide.csv --target a_column_of_numbers_0", "'a_column_of_text_0'"),
    "train: text among the other columns": ("train wide.csv --target a_column_of_numbers_0", "--features"),
    "empty target": ("fit good.csv --target '' --features x", "target"),
    "empty second target": ("fit good.csv --target y --target '' --features x", "target"),
    "no features": ("fit good.csv --target y --features ''", "features"),
    "train: no features": ("train good.csv --target y --features ''", "features"),
    "train: empty target": ("train good.csv --target '' --features x", "target"),
    "half a condition": (
        "fit good.csv --target y --features x --where 'x >'",
        'good.csv: syntax error at or near ">"',
    ),
    "condition on no column": ("fit wide.csv --target y --where 'xx > 1'", "xx"),
    "half a query": ("fit wide.csv --target y --sql 'SELECT x FROM'", 'wide.csv: syntax error at or near "FROM"'),
    "misspelt in a formula": (
        "fit wide.csv --formula 'a_column_of_number_0 ~ a_column_of_numbers_1 + log(a_column_of_numbers_2)'",
        "columns:",
    ),
    "long name, no such column": (f"fit long.csv --target {LONG}x", "Did you mean"),
    "long name is text": (f"fit long.csv --formula 'y ~ log({LONG}s)'", "is text"),
    "long name among the others": ("fit long.csv --target y", "is text"),
    "long target is text": (f"fit long.csv --target {LONG}s", "is text"),
    "long name twice": (f"fit long.csv --target y --features {LONG},{LONG}", "2 times"),
    "long Korean name twice": (f"fit long.csv --target y --features '{KOREAN},{KOREAN}'", "2 times"),
    "long target among features": (f"fit long.csv --target {LONG} --features {LONG}", "also a feature"),
    "long name in a formula": (f"fit long.csv --formula '{LONG}x ~ {LONG}'", "Did you mean"),
    "unknown language": ("demo --lang fr", "lang must be one of 'en', 'ko'"),
}


@pytest.mark.parametrize("name", BAD)
def test_says_what_is_wrong_in_three_lines_and_writes_nothing(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, mentioned = BAD[name]
    before = sorted(folder.iterdir())
    capsys.readouterr()

    assert main(shlex.split(command)) == 2

    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0].startswith("error: "), said.err
    assert len(lines) <= 3
    assert all(cell_len(line) <= 80 for line in lines), said.err
    assert all(line.startswith(" " * 7) for line in lines[1:])
    assert mentioned in " ".join(said.err.split())
    assert "Traceback" not in said.err
    assert sorted(folder.iterdir()) == before


def test_text_that_nobody_asked_for_is_named_with_what_to_do(
    penguins: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(penguins.parent.parent)
    for command in ("fit", "train"):
        assert main([command, "examples/penguins.csv", "--target", "body_mass_g"]) == 2
        assert capsys.readouterr().err.splitlines() == [
            "error: 'species', 'island', 'sex' in examples/penguins.csv are not numeric.",
            "       numeric columns, for --features: bill_length_mm,bill_depth_mm,… 2 more",
            "       Named in --features, text becomes a category.",
        ]


def test_what_is_listed_starts_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, word in (
        ("misspelt in a formula", "columns:"),
        ("condition on no column", "columns:"),
        ("long name, no such column", "columns:"),
        ("text among the other columns", "numeric columns"),
    ):
        main(shlex.split(BAD[name][0]))
        lines = capsys.readouterr().err.splitlines()
        assert any(line.strip().startswith(word) for line in lines), lines


def test_an_unfinished_output_leaves_the_old_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = folder / "out.csv"
    out.write_text("old\n")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gradline.cli.predict._write_csv", interrupted)
    before = sorted(folder.iterdir())
    assert main(["predict", "model.safetensors", "good.csv", "--out", "out.csv"]) == 130
    assert out.read_text() == "old\n"
    assert sorted(folder.iterdir()) == before
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        "predict model.safetensors good.csv --out good.csv",
        "predict model.safetensors good.csv --out ./here/../good.csv",
        "predict model.safetensors good.csv --out link.csv",
        "predict model.safetensors link.csv --out good.csv",
        "predict model.safetensors file://{folder}/good.csv --out good.csv",
        "predict model.safetensors 'g*d.csv' --out good.csv",
        "predict model.safetensors other.csv good.csv --out good.csv",
        "predict model.csv good.csv --out model.csv",
        "predict model.safetensors here --out here/data.parquet",
        "fit good.csv --target y --features x --save good.csv",
        "fit good.html --target y --features x --report good.html",
        "fit sqlite:///good.db?table=good --target y --features x --save good.db",
        "train good.csv --target y --features x --save link.csv",
        "train good.html --target y --features x --report good.html",
        "lab --data good.html --target y --feature x --save good.html",
    ],
)
def test_an_output_that_is_an_input_is_refused(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "here").mkdir()
    pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(folder / "here" / "data.parquet")
    (folder / "link.csv").symlink_to("good.csv")
    (folder / "good.html").write_text(GOOD)
    (folder / "model.csv").symlink_to("model.safetensors")
    with closing(sqlite3.connect(folder / "good.db")) as connection:
        pd.read_csv("good.csv").to_sql("good", connection)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()

    assert main(shlex.split(command.format(folder=folder))) == 2

    [said] = capsys.readouterr().err.splitlines()
    assert said.endswith(" is one of the inputs: name another file to write.")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_output_beside_the_inputs_is_written(folder: Path) -> None:
    for _ in range(2):  # the second time it is there
        assert main(["predict", "model.safetensors", "good.csv", "--out", "out.csv"]) == 0
    assert len((folder / "out.csv").read_text().splitlines()) == 5


def test_warnings_have_the_shape_of_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(f"{1 + j * 2.0**-49},{j % 7}" for j in range(9))
    (folder / "near.csv").write_text(f"x,y\n{rows}\n")
    capsys.readouterr()
    code = main(["fit", "near.csv", "--target", "y"])
    said = capsys.readouterr()
    assert code == 0
    assert "y" in said.out
    for line in said.err.splitlines():
        assert line.startswith(("warning: ", " " * 9))
