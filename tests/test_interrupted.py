"""Ctrl-C and SIGTERM, and a disk that is full: the command ends at once, and nothing is half-written."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import gradline as gl
from gradline.sources.duck import database

ROWS = 3_000_000
GROUP = 100_000
SLOW = "sin(a) + sin(b) + (SELECT count(*) FROM range(20000000000) AS other(i) WHERE sin(i) > 0.5) < 0"
"""A condition that takes minutes to answer and that no row meets."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose names are many: each command reads all of them."""
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("long")
    table = pa.table({name: rng.normal(size=ROWS) for name in "aby"})
    pa.parquet.write_table(table, folder / "once.parquet", row_group_size=GROUP, use_dictionary=False)
    gl.fit(table.slice(0, 1000), target="y").save(folder / "model.safetensors")
    return folder


def started(long: Path, *arguments: str, times: int = 1) -> subprocess.Popen[str]:
    """A command on the file, so many times over."""
    sources = [str(long / "once.parquet")] * times
    command, *rest = arguments
    place = ["predict", rest.pop(0)] if command == "predict" else [command]
    return subprocess.Popen(
        [sys.executable, "-m", "gradline", *place, *sources, *rest],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the suite itself may run under nohup
    )


def interrupted(process: subprocess.Popen[str], by: signal.Signals = signal.SIGINT) -> None:
    """Send what Ctrl-C sends, or what ends a batch job; the process must end soon, and say so in a line."""
    assert process.poll() is None, "it was over before it could be interrupted"
    start = time.monotonic()
    process.send_signal(by)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert time.monotonic() - start < 5  # a second on a busy machine; the rest of the work would take much longer
    assert (out, err) == ("", "interrupted: nothing is half-written.\n")
    assert process.returncode == 128 + by


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str], bytes_: int = 1) -> None:
    """Until the command has written so many bytes to a file of this name."""
    while not any(path.stat().st_size >= bytes_ for path in folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predict_leaves_the_output_of_before(ending: str, by: signal.Signals, long: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out.{ending}"
    out.write_text("of before")
    process = started(long, "predict", str(long / "model.safetensors"), "--out", str(out), times=200)
    wait_for(tmp_path, f".out.{ending}*", process, 100_000)
    interrupted(process, by)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(out.name, "of before")]


def test_fit_keeps_a_whole_checkpoint_and_goes_on_from_it(long: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "c.safetensors"
    request = ["fit", "--target", "y", "--checkpoint", str(checkpoint), "--save", str(tmp_path / "m.safetensors")]
    process = started(long, *request, times=60)
    wait_for(tmp_path, "c.safetensors", process, 2_000)  # more than the empty one
    interrupted(process)
    assert list(tmp_path.iterdir()) == [checkpoint]
    seen: list[int] = []
    sources = [long / "once.parquet"] * 60
    went_on = gl.fit(sources, target="y", checkpoint=checkpoint, progress=lambda done, total: seen.append(done))
    assert 60 * ROWS == seen[-1] > seen[0] > GROUP
    assert went_on.nobs == 60 * ROWS
    np.testing.assert_array_equal(went_on.params, gl.fit(sources, target="y").params)


def test_a_closed_terminal_does_not_end_what_nohup_started(long: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    command = [
        sys.executable,
        "-m",
        "gradline",
        "predict",
        str(long / "model.safetensors"),
        str(long / "once.parquet"),
    ]
    process = subprocess.Popen(["nohup", *command, "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(tmp_path, ".out.csv*", process, 1000)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.exists()


def test_what_duckdb_makes_of_ctrl_c_in_a_query_is_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt), database():
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="another"), database():
        raise RuntimeError("another")


@pytest.mark.parametrize("option", [("--where", SLOW), ("--sql", f"SELECT * FROM data WHERE {SLOW}")])
def test_a_query_that_gives_no_rows_ends_too(option: tuple[str, str], long: Path) -> None:
    process = started(long, "fit", "--target", "y", *option)
    time.sleep(3)  # nothing can be seen from outside; an interruption before the query would also have to pass
    interrupted(process)


# ---------------------------------------------------------------- a disk that is full


def under_a_limit(limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that may write so many bytes to a file: what a full disk does, for anyone to run."""
    return subprocess.run(
        [sys.executable, "-m", "gradline", *arguments],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predictions_that_the_disk_has_no_room_for(ending: str, long: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out.{ending}"
    out.write_text("of before")
    command = ["predict", str(long / "model.safetensors"), str(long / "once.parquet"), "--out", str(out)]
    done = under_a_limit(1_000_000, *command)
    assert done.returncode == 2
    first, *more = done.stderr.splitlines()
    assert first.startswith("error: cannot write")
    assert "File too large" in done.stderr
    assert "Free some space, or choose another disk." in more[-1]
    assert "Traceback" not in done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(out.name, "of before")]


def test_a_checkpoint_that_the_disk_has_no_room_for(long: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "c.safetensors"
    command = ["fit", str(long / "once.parquet"), "--target", "y", "--checkpoint", str(checkpoint)]
    assert under_a_limit(1_000_000, *command).returncode == 0
    kept = checkpoint.read_bytes()
    done = under_a_limit(500, *command)
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot write")
    assert "Traceback" not in done.stderr
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(checkpoint.name, kept)]


@pytest.mark.parametrize("command", ["predict", "fit"])
def test_standard_output_that_is_full(command: str, long: Path) -> None:
    with Path("/dev/full").open("w") as full:
        arguments = [str(long / "model.safetensors")] if command == "predict" else ["--target", "y"]
        done = subprocess.run(
            [sys.executable, "-m", "gradline", command, *arguments, str(long / "once.parquet")],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr == (
        "error: cannot write the output: No space left on device.\n       Free some space, or write elsewhere.\n"
    )
