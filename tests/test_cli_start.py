"""How the command line starts and ends, in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gradline
from gradline.cli import main

PENGUINS = str(Path(__file__).parents[1] / "examples" / "penguins.csv")
COMMAND = [sys.executable, "-m", "gradline"]
FIT = ["fit", PENGUINS, "--target", "body_mass_g", "--features", "flipper_length_mm,bill_length_mm"]
LOADED = "import sys, json; from gradline.cli import main; main(sys.argv[1:]); print(json.dumps(sorted(sys.modules)))"


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)


def loaded_by(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["train", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = {"torch", "numpy", "pandas", "scipy", "pyarrow", "duckdb", "numba", "sklearn", "matplotlib", "formulaic"}
    assert not heavy & loaded_by(*arguments)


def test_a_small_fit_does_without_the_heaviest() -> None:
    heavy = {"torch", "numba", "pandas", "sklearn", "formulaic", "matplotlib", "scipy.stats", "rich.console"}
    assert not heavy & loaded_by(*FIT)


@pytest.mark.parametrize(("command", "usage"), [("fit", "SOURCE..."), ("predict", "MODEL SOURCE...")])
def test_help_names_arguments_without_types(command: str, usage: str) -> None:
    said = run(command, "--help", env=os.environ | {"COLUMNS": "80"}).stdout
    assert said.startswith(f"Usage: gradline {command} [OPTIONS] {usage}\n")
    assert "<" not in said
    for name in usage.replace(".", "").split():
        assert f"\n  {name}    " in said


@pytest.mark.parametrize("command", ["", "demo", "fit", "train", "predict", "lab"])
def test_help_fits_the_terminal(command: str) -> None:
    done = run(*command.split(), "--help", env=os.environ | {"COLUMNS": "80"})
    assert done.returncode == 0
    assert done.stderr == ""
    assert "Usage: gradline" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_without_a_command_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "gradline demo" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gradline {gradline.__version__}\n"


def test_errors_of_a_process() -> None:
    done = run("fit", "nosuch.csv", "--target", "y")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_piped_output_is_plain() -> None:
    done = run(*FIT, env=os.environ | {"TERM": "xterm-256color"})
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What stdout and stderr show on a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", **environment}
    with subprocess.Popen([*COMMAND, *arguments], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # what Linux says at the end
            while part := os.read(ours, 4096):
                shown += part
        process.wait(timeout=60)
    os.close(ours)
    return shown.decode()


def test_colour_only_where_it_is_wanted() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        assert "\x1b[" in on_a_terminal("fit", "nosuch.csv", "--target", "y")
    shown = on_a_terminal("fit", "nosuch.csv", "--target", "y", NO_COLOR="1")
    assert shown.startswith("error: ")
    assert "\x1b[" not in shown


def test_an_output_without_korean_or_greek_still_gets_an_answer() -> None:
    done = run(*FIT, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "body_mass_g" in done.stdout


def test_a_reader_who_leaves_is_no_error(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("x,y\n" + "1,2\n2,3\n3,5\n" * 20_000)
    model = str(tmp_path / "m.safetensors")
    assert run("fit", str(rows), "--target", "y", "--save", model).returncode == 0
    with subprocess.Popen(
        [*COMMAND, "predict", model, str(rows)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "predicted\n"
        process.stdout.close()
        assert process.stderr.read() == ""


def test_nobody_there_to_read_a_few_lines(tmp_path: Path) -> None:
    model = str(tmp_path / "m.safetensors")
    assert run(*FIT, "--save", model).returncode == 0
    (tmp_path / "new.csv").write_text("flipper_length_mm,bill_length_mm\n190,40\n")
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [*COMMAND, "predict", model, str(tmp_path / "new.csv")], stdout=theirs, stderr=subprocess.PIPE, check=False
    )
    os.close(theirs)
    assert done.stderr == b""
    assert done.returncode == 1


def test_interrupted(tmp_path: Path) -> None:
    code = (
        "import os, signal, gradline.fitting as f\n"
        "def slow(*a, **k): os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(20)\n"
        "f.fit = slow\n"
        "import sys; from gradline.cli import main; sys.exit(main(['fit', 'x.csv', '--target', 'y', '--save', 'm']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr.startswith("interrupted: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "m").exists()
