"""Each bad input of the command line: exit code 2, at most three lines on stderr, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradline.cli import main

GOOD = "x,y,z\n1,2,a\n2,4.5,b\n3,5.5,c\n4,8,d\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "fake.parquet").write_text(GOOD)
    (tmp_path / "gaps.csv").write_text("x,y\n1,\n,2\n3,\n")
    (tmp_path / "infinite.csv").write_text("x,y\n1,2\n2,3\ninf,4\n5,6\n")
    (tmp_path / "twice.csv").write_text("x,x,y\n1,2,3\n2,3,5\n3,9,7\n")
    (tmp_path / "other.csv").write_text("q\n1\n2\n")
    (tmp_path / "not-a-model.safetensors").write_bytes(b"no model at all")
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "good.csv", "--target", "y", "--features", "x", "--save", "model.safetensors"]) == 0
    return tmp_path


BAD = {
    "no file": ("fit nosuch.csv --target y", "nosuch.csv"),
    "no file matches": ("fit nosuch*.csv --target y", "nosuch*.csv"),
    "empty file": ("fit empty.csv --target y", "empty.csv"),
    "wrong kind": ("fit fake.parquet --target y", "fake.parquet"),
    "no target": ("fit good.csv", "target"),
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
    "train: no folder": ("train good.csv --target y --features x --save no/new.safetensors", "no/new"),
    "unknown language": ("demo --lang fr", "Try --lang en"),
}


@pytest.mark.parametrize("name", BAD)
def test_says_what_is_wrong_in_three_lines_and_writes_nothing(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, mentioned = BAD[name]
    before = sorted(folder.iterdir())
    capsys.readouterr()

    assert main(command.split()) == 2

    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0].startswith("error: "), said.err
    assert len(lines) <= 3
    assert all(len(line) <= 80 or " " not in line.strip() for line in lines)
    assert all(line.startswith(" " * 7) for line in lines[1:])
    assert mentioned in said.err
    assert "Traceback" not in said.err
    assert sorted(folder.iterdir()) == before


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
