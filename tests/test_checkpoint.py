"""A pass that is killed goes on where it stopped, and ends with the same bytes."""

from __future__ import annotations

import os
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
from gradline.design.problem import pose
from gradline.moments import accumulate
from gradline.moments.checkpoint import Checkpoint

GROUP = 70_000  # a row group is a whole chunk and a rest
GROUPS = 6
FORMULA = "y ~ a + b + C(city)"


@pytest.fixture(scope="module")
def trips(tmp_path_factory) -> Path:
    rng = np.random.default_rng(4)
    n = GROUP * GROUPS
    city = np.array(["Busan", "Jeju", "Seoul"])[rng.integers(0, 3, n)]
    city[-1] = "Ulsan"  # a level of the last row group alone
    columns = {"a": rng.normal(size=n), "b": rng.random(n), "city": city, "y": rng.normal(size=n)}
    path = tmp_path_factory.mktemp("trips") / "trips.parquet"
    pa.parquet.write_table(pa.table(columns), path, row_group_size=GROUP)
    return path


class KilledError(Exception):
    pass


def stopping(after: int):
    """A progress that ends the pass once so many rows are done."""

    def progress(done: int, total: int | None) -> None:
        if done >= after:
            raise KilledError

    return progress


@pytest.mark.parametrize("precision", ["double-double", "float64"])
def test_the_rest_gives_the_same_bytes(trips: Path, tmp_path: Path, precision: str) -> None:
    problem = pose(trips, formula=FORMULA)
    whole = accumulate(problem, precision=precision)
    path = tmp_path / "c.safetensors"
    with pytest.raises(KilledError):
        accumulate(problem, precision=precision, checkpoint=Checkpoint(path, 0.0), progress=stopping(3 * GROUP))
    seen: list[int] = []
    again = accumulate(
        problem, precision=precision, checkpoint=Checkpoint(path), progress=lambda done, _: seen.append(done)
    )
    assert min(seen) > 3 * GROUP  # only the rest was read
    assert (again.hi.tobytes(), again.lo.tobytes()) == (whole.hi.tobytes(), whole.lo.tobytes())
    assert (again.columns, again.nobs, again.missing) == (whole.columns, whole.nobs, whole.missing)
    seen.clear()
    accumulate(problem, precision=precision, checkpoint=Checkpoint(path), progress=lambda done, _: seen.append(done))
    assert not seen  # all is done: nothing is read again


def test_a_process_killed_by_sigkill_goes_on(trips: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import sys, time, gradline as gl\n"
        "from gradline.moments.checkpoint import Checkpoint\n"
        "from gradline.moments import accumulate\n"
        "from gradline.design.problem import pose\n"
        "accumulate(pose(sys.argv[1], formula=sys.argv[2]), threads=1, checkpoint=Checkpoint(sys.argv[3], 0.0),\n"
        "           progress=lambda done, total: (print(done, flush=True), time.sleep(0.5)))\n"
    )
    path = tmp_path / "c.safetensors"
    command = [sys.executable, str(slow), str(trips), FORMULA, str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(2):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    fit = gl.fit(trips, formula=FORMULA, checkpoint=path)
    np.testing.assert_array_equal(fit.params, gl.fit(trips, formula=FORMULA).params)


def test_a_checkpoint_of_other_data_or_another_model_is_refused(trips: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    gl.fit(trips, target="y", features=["a"], checkpoint=path)
    with pytest.raises(gl.StorageError, match=r"another model\.\nDelete it"):
        gl.fit(trips, target="y", features=["a", "b"], checkpoint=path)
    other = tmp_path / "other.parquet"
    pa.parquet.write_table(pa.parquet.read_table(trips).slice(1), other)
    with pytest.raises(gl.StorageError, match="of other data"):
        gl.fit(other, target="y", features=["a"], checkpoint=path)
    with pytest.raises(gl.StorageError, match=r"is no model file|not one of gradline"):
        gl.fit(trips, target="y", features=["a"], checkpoint=trips)
    gl.fit(trips, target="y", features=["a"]).save(tmp_path / "m.safetensors")
    with pytest.raises(gl.StorageError, match="holds a fit, not a checkpoint"):
        gl.fit(trips, target="y", features=["a"], checkpoint=tmp_path / "m.safetensors")
    with pytest.raises(gl.OptionError, match="a checkpoint is for files"):
        gl.fit(np.zeros((3, 1)), np.zeros(3), checkpoint=path)
    with pytest.raises(gl.StorageError, match="cannot write"):
        gl.fit(trips, target="y", features=["a"], checkpoint=tmp_path / "nowhere" / "c.safetensors")


def test_a_damaged_checkpoint_is_never_believed_and_never_overwritten(trips: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    request = {"target": "y", "features": ["a"], "checkpoint": path}
    params = gl.fit(trips, **request).params
    whole = path.read_bytes()
    cut = [whole[:keep] for keep in (0, 4, 20, 60, 200, len(whole) // 2, len(whole) - 1)]
    altered = [
        whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :] for place in range(len(whole))
    ]
    refused = 0
    for content in (*cut, *altered[::7]):
        path.write_bytes(content)
        try:
            # Only a bit of padding, or of the checksum's name.
            np.testing.assert_array_equal(gl.fit(trips, **request).params, params)
            continue
        except gl.StorageError as error:
            problem = str(error)
        refused += 1
        assert problem.startswith(f"{path} is a damaged checkpoint: empty, cut short or altered.\nDelete it to begin")
        assert path.read_bytes() == content
    assert refused > 0.95 * (len(cut) + len(altered[::7]))


def test_other_damaged_files_are_not_to_be_deleted(trips: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    gl.fit(trips, target="y", features=["a"]).save(path)
    path.write_bytes(path.read_bytes()[:-1])
    for other in (path, trips, Path(__file__)):
        with pytest.raises(gl.StorageError) as caught:
            gl.fit(trips, target="y", features=["a"], checkpoint=other)
        assert "elete" not in str(caught.value)


def test_the_file_changed_under_its_name(trips: Path, tmp_path: Path) -> None:
    data, path = tmp_path / "d.parquet", tmp_path / "c.safetensors"
    table = pa.parquet.read_table(trips)
    pa.parquet.write_table(table, data, row_group_size=GROUP)
    gl.fit(data, target="y", features=["a"], checkpoint=path)
    time.sleep(0.01)
    pa.parquet.write_table(table.slice(GROUP), data, row_group_size=GROUP)
    with pytest.raises(gl.StorageError, match="of other data"):
        gl.fit(data, target="y", features=["a"], checkpoint=path)
