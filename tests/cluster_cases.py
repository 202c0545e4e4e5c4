"""What every engine must do alike: the tables, the requests, and what local runs of them give.

The tests here are those of each file test_cluster_*.py that imports them and has a fixture `engine`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

import gradline as gl
from gradline.cluster import engine as tasks
from gradline.cluster.engine import Cluster

ROWS = 400_000
GROUP = 10_007
"""Rows of a row group: 40 of them, so that sums are added up in more than one round on the workers."""

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "numbers, some missing": ("trips.parquet", {"target": "y", "features": ["a", "b"]}),
    "categories that cross": ("trips.parquet", {"formula": "y ~ a + C(city)*C(size) + log(b)"}),
    "weights": ("trips.parquet", {"target": "y", "features": ["a"], "weights": "w"}),
    "large integers": ("trips.parquet", {"target": "y", "features": ["time"]}),
    "float64, then residuals": ("wide.parquet", {"target": "y"}),
    "HC3": ("trips.parquet", {"formula": "y ~ a + C(city) + b", "se": "HC3"}),
    "HC1, weights": ("trips.parquet", {"target": "y", "features": ["a"], "weights": "w", "se": "HC1"}),
    "errors in x": ("trips.parquet", {"target": "y", "features": ["a"], "x_error": 0.3}),
    "Feather": ("trips.feather", {"target": "y", "features": ["a", "b"]}),
    "text under a condition": ("*.csv", {"target": "y", "features": ["a", "b"], "where": "a > 0"}),
}


def tables(folder: Path) -> Path:
    """Write them."""
    rng = np.random.default_rng(7)
    columns = {
        "a": rng.normal(1e8, 1.0, ROWS),
        "b": np.where(rng.random(ROWS) < 0.001, np.nan, rng.random(ROWS) + 0.5),
        "w": rng.random(ROWS),
        "time": 10**18 + np.arange(ROWS) * 1_000_003,
        "size": rng.integers(0, 3, ROWS),
        "city": np.array(["Busan", "Jeju", "Seoul", "Ulsan"])[np.arange(ROWS)[::-1] // (ROWS // 4)],
        "day": np.arange(ROWS) // 1000,
    }
    columns["y"] = 2 * columns["a"] + columns["size"] + rng.normal(size=ROWS)
    table = pa.table(columns)
    pa.parquet.write_table(table, folder / "trips.parquet", row_group_size=GROUP, write_page_checksum=True)
    pa.feather.write_feather(table.slice(0, 150_000), folder / "trips.feather", chunksize=60_000)
    for number in range(3):
        pa.csv.write_csv(table.slice(number * 20_000, 20_000 - number), folder / f"{number}.csv")
    wide = {f"x{j}": rng.normal(10.0, 1.0, 30_000) for j in range(200)}
    wide["y"] = sum(wide.values()) + rng.normal(size=30_000)
    pa.parquet.write_table(pa.table(wide), folder / "wide.parquet", row_group_size=7_000)
    return folder


@pytest.fixture(scope="module")
def trips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tables(tmp_path_factory.mktemp("trips"))


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of a row group or two: the tables are small."""
    monkeypatch.setattr(tasks, "_LEAST", 2**12)


def saved(result: Any, path: Path) -> bytes:
    result.save(path)
    return path.read_bytes()


def same_bytes(trips: Path, tmp_path: Path, engine: Any, request: str) -> None:
    """The model that workers make is the file that is made here."""
    name, options = REQUESTS[request]
    here = saved(gl.fit(trips / name, **options), tmp_path / "here.safetensors")
    seen: list[tuple[int, int | None]] = []
    fit = gl.fit(trips / name, **options, engine=engine, progress=lambda *so_far: seen.append(so_far))
    assert saved(fit, tmp_path / "there.safetensors") == here
    assert seen[-1][0] == fit.rows


@pytest.mark.parametrize("request_name", REQUESTS)
def test_the_same_bytes(request_name: str, trips: Path, tmp_path: Path, engine: Any) -> None:
    same_bytes(trips, tmp_path, engine, request_name)


def test_paths_and_folds(trips: Path, engine: Any) -> None:
    """Moments, paths and folds, by position, by a group and by a column that names them."""
    many, one = trips / "trips.parquet", {"target": "y", "features": ["a", "b"]}
    here, there = (gl.Moments.of(many, **one, engine=each) for each in ("local", engine))
    assert (here.hi.tobytes(), here.lo.tobytes()) == (there.hi.tobytes(), there.lo.tobytes())
    paths = [gl.path(many, **one, strengths=5, engine=each) for each in ("local", engine)]
    np.testing.assert_array_equal(paths[0].coef, paths[1].coef)
    by: list[dict[str, Any]] = [{"folds": 3, "seed": 1}, {"groups": "day", "folds": 4}, {"folds": "city"}]
    for folds in by:
        judged = [gl.crossval(many, **one, **folds, l2=[1.0, 10.0], engine=each) for each in ("local", engine)]
        np.testing.assert_array_equal(judged[0].errors, judged[1].errors)
        assert (judged[0].folds, judged[0].sizes) == (judged[1].folds, judged[1].sizes)
    with pytest.raises(gl.OptionError, match="do not know which rows come before"):
        gl.crossval(trips / "*.csv", **one, folds=3, engine=engine)


def test_predictions(trips: Path, engine: Any) -> None:
    """Row by row, in order, from Parquet and from text."""
    fit = gl.fit(trips / "trips.parquet", formula="y ~ a + b + C(city)")
    two = gl.fit(trips / "trips.parquet", target=["y", "w"], features=["b"]).robust("HC1")  # a spread for each target
    for model, new in ((fit, "trips.parquet"), (fit, "*.csv"), (two, "trips.parquet")):
        found = [model.predict(trips / new, interval="prediction", engine=each) for each in ("local", engine)]
        for here, there in zip(*found, strict=True):
            np.testing.assert_array_equal(here, there)
    narrow = gl.fit(pd.DataFrame({"a": [1.0, 2, 4], "b": [2.0, 4, 8], "y": [1.0, 3, 2]}), target="y")
    said = []
    for each in ("local", engine):
        with pytest.warns(gl.GradlineWarning, match="predictions are arbitrary, the first in row ") as caught:
            narrow.predict(trips / "trips.parquet", engine=each)
        said.append([str(warning.message) for warning in caught])
    assert said[0] == said[1]
    assert len(said[0]) == 1


def a_table_of_its_own(engine: Any, made: Callable[[list[pd.DataFrame]], Any]) -> None:
    """A table of the engine, one of whose partitions is empty: the bytes of a stream of these frames."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"a": rng.normal(1e4, 1, 150_000), "b.c": rng.random(150_000)})
    frame["city"] = np.array(["Busan", "Jeju", "Seoul"])[np.arange(150_000)[::-1] // 50_000]
    frame["y"] = 2 * frame.a - frame["b.c"] + rng.normal(size=150_000)
    edges = [0, 70_000, 70_000, 70_001, 110_000, 150_000]
    frames = [frame.iloc[first:last] for first, last in itertools.pairwise(edges)]
    table = made(frames)
    for request in ({"target": "y", "features": ["a", "b.c"]}, {"formula": "y ~ a*C(city)"}):
        there = gl.fit(table, **request, engine=engine)
        np.testing.assert_array_equal(there.params, gl.fit(iter(frames), **request).params)
        np.testing.assert_allclose(there.params, gl.fit(frame, **request).params, rtol=1e-12)
        there = gl.fit(table, **request, engine=engine, se="HC2")
        np.testing.assert_allclose(there.se, gl.fit(frame, **request, se="HC2").se, rtol=1e-10)
        np.testing.assert_allclose(gl.fit(table, **request).params, there.params, rtol=1e-12)
        assert there.rows == 150_000
    fit = gl.fit(frame, formula="y ~ a + C(city)")
    np.testing.assert_allclose(fit.predict(table, engine=engine), fit.predict(frame), rtol=1e-15)
    with pytest.raises(gl.ColumnError, match="price"):
        gl.fit(table, target="price", features=["a"], engine=engine)


def a_table_that_cannot_be(engine: Any, made: Callable[[list[pd.DataFrame]], Any], name: str, other: str) -> None:
    """A partition with text where others have numbers, and a table of another engine."""
    bad = made([pd.DataFrame({"a": [1.0, 2.0], "y": [1.0, 3.0]}), pd.DataFrame({"a": ["u", "v"], "y": [1.0, 3.0]})])
    for where in (engine, "local"):
        with pytest.raises(gl.ColumnError, match=f"column 'a' is text in partition 1 of the {name}, and float64 in"):
            gl.fit(bad, target="y", engine=where)
    first, second = pd.DataFrame({"a": [1.0, 2.0], "y": [1.0, 3.0]}), pd.DataFrame({"y": [1.0, 3.0]})
    lacking = made([first, second])
    for where in (engine, "local"):
        with pytest.raises(gl.GradlineError, match=r"(no column|KeyError:) .*a.*\nGive all partitions the same"):
            gl.fit(lacking, target="y", features=["a"], engine=where)
    without_values = made([first, second.assign(a=None)])
    assert gl.fit(without_values, target="y", engine=engine).nobs == 2
    cluster = Cluster(SimpleNamespace(name=other, workers=1))
    with pytest.raises(gl.ClusterError, match=f"the {name} is no table of {other.capitalize()}"):
        gl.fit(bad, target="y", engine=cluster)


def only_this_machine_is_listened_to(trips: Path, engine: str) -> None:
    """What gradline starts itself has no port that other machines could reach."""

    def listening() -> set[tuple[str, int]]:
        this = psutil.Process()
        found = [each for one in (this, *this.children(recursive=True)) for each in one.net_connections()]
        return {each.laddr for each in found if each.status == psutil.CONN_LISTEN}

    before, during = listening(), set()
    request = {"target": "y", "features": ["a"], "engine": engine}
    gl.fit(trips / "trips.parquet", **request, progress=lambda *_: during.update(listening()))
    assert {address.ip.removeprefix("::ffff:") for address in during - before} == {"127.0.0.1"}


def a_lost_worker_changes_nothing(trips: Path, tmp_path: Path, engine: Any, kill: Callable[[], object]) -> None:
    """Kill one while there is work left."""
    request = {"formula": "y ~ a + C(city)*C(size)"}
    many = [trips / "trips.parquet"] * 8
    here = saved(gl.fit(many, **request), tmp_path / "here.safetensors")
    seen: list[int] = []

    def progress(done: int, total: int | None) -> None:
        if not seen:
            assert total is not None
            assert done < total
            kill()
        seen.append(done)

    there = gl.fit(many, **request, engine=engine, progress=progress)
    assert saved(there, tmp_path / "there.safetensors") == here
    assert seen[-1] == 8 * ROWS


def test_bad_data_end_the_job(trips: Path, tmp_path: Path, engine: Any) -> None:
    """A damaged row group, and a number that cannot be: what is said here is said there, and at once."""
    table = pa.parquet.read_table(trips / "trips.parquet", columns=["a", "y"])
    a = table["a"].to_numpy().copy()
    a[23 * GROUP + 5 :: GROUP] = np.inf  # in all row groups from there on, of which the first is named
    infinite = tmp_path / "infinite.parquet"
    pa.parquet.write_table(pa.table({"a": a, "y": table["y"]}), infinite, row_group_size=GROUP)
    damaged = tmp_path / "damaged.parquet"
    content = bytearray((trips / "trips.parquet").read_bytes())
    start = pa.parquet.read_metadata(trips / "trips.parquet").row_group(17).column(0).data_page_offset
    content[start + 1000 : start + 1100] = bytes(100)
    damaged.write_bytes(content)
    texts = [tmp_path / f"{number}.csv" for number in range(2)]
    for number, text in enumerate(texts):
        text.write_text("a,y\n" + "1,2\n2,3\n" * 10 + "inf,1\n" * number)
    for path, place in (
        (infinite, r"row group 23 is .* at row 5 "),
        (damaged, "row group 17"),
        (texts, r"1.csv is .* at row 20 "),
    ):
        messages = []
        for each in ("local", engine):
            with pytest.raises((gl.DataError, gl.SourceError), match=place) as caught:
                gl.fit(path, target="y", features=["a"], engine=each)
            messages.append(f"{caught.type} {caught.value}")
        assert messages[0] == messages[1]
