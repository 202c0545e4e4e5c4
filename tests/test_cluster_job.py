"""What workers are sent and send back, and how it is put together, without an engine."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradline as gl
from gradline.cluster import engine
from gradline.cluster.choice import opened
from gradline.cluster.estimate import estimate
from gradline.cluster.job import Partial, Request, Task, merged, parts_of, tree_of, work
from gradline.design.problem import pose
from gradline.moments import accumulate
from gradline.moments.one_pass import moments_of, summing_of
from gradline.sources import CHUNK, Part

GROUPS = [70_000, 10, CHUNK, 3, 2 * CHUNK + 1, 1, 40_000, 65_535]
FORMULA = "y ~ a + C(city)*C(size) + b"


@pytest.fixture(scope="module")
def trips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Row groups of any height; in each other levels, in another order; some rows lack a value."""
    rng = np.random.default_rng(3)
    n = sum(GROUPS)
    folder = tmp_path_factory.mktemp("trips")
    city = np.array(["Busan", "Jeju", "Seoul", "Ulsan"])[np.minimum(rng.integers(0, 5, n) * np.arange(n) // n, 3)]
    columns = {"a": rng.normal(size=n), "b": rng.random(n), "size": rng.integers(0, 3, n), "y": rng.normal(size=n)}
    columns["b"][rng.random(n) < 0.01] = np.nan
    table = pa.table({**columns, "city": city[::-1]})
    with pa.parquet.ParquetWriter(folder / "trips.parquet", table.schema) as writer:
        for start, end in pairwise(np.cumsum([0, *GROUPS]).tolist()):
            writer.write_table(table.slice(start, end - start), row_group_size=end - start)
    pa.feather.write_feather(table.slice(0, 150_000), folder / "trips.feather", chunksize=50_000)
    for name, start, rows in (("1.csv", 0, 70_000), ("2.csv", 70_000, 9), ("3.csv", 70_009, 66_000)):
        pa.csv.write_csv(table.slice(start, rows), folder / name)
    return folder


@given(cuts=st.sets(st.integers(1, len(GROUPS) - 1)), grouped=st.integers(2, 5), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_whoever_adds_up_what_in_whatever_order(trips: Path, cuts: set[int], grouped: int, seed: int) -> None:
    problem = pose(trips / "trips.parquet", formula=FORMULA)
    whole = accumulate(problem)
    summing = summing_of(problem, "drop", "double-double")
    request = pickle.loads(pickle.dumps(Request.of(problem, summing)))
    chunks = np.cumsum([0, *[-(-rows // CHUNK) for rows in GROUPS]]).tolist()
    rng = np.random.default_rng(seed)
    partials = [
        work(request, Task(first, last, chunks[first], None, ""))
        for first, last in pairwise([0, *sorted(cuts), len(GROUPS)])
    ]
    while len(partials) > grouped:
        groups = [partials[at : at + grouped] for at in range(0, len(partials), grouped)]
        partials = [merged(request, *[group[i] for i in rng.permutation(len(group))]) for group in groups]
    total = tree_of(
        summing, pickle.loads(pickle.dumps([partials[i] for i in rng.permutation(len(partials))]))
    ).total()
    assert total is not None
    found = moments_of(problem, summing, total)
    assert (found.hi.tobytes(), found.lo.tobytes()) == (whole.hi.tobytes(), whole.lo.tobytes())
    assert (found.columns, found.missing, found.recipe) == (whole.columns, whole.missing, whole.recipe)


@given(
    heights=st.lists(st.integers(0, 300_000), min_size=1, max_size=40),
    columns=st.integers(1, 2_000),
    workers=st.integers(1, 1_000),
)
def test_tasks_cover_the_parts_once_and_number_their_chunks(heights: list[int], columns: int, workers: int) -> None:
    parts = [Part(f"part {number}", rows, lambda: iter(())) for number, rows in enumerate(heights)]
    tasks = engine.tasks_of(parts, columns, workers)
    assert [part for task in tasks for part in range(task.first, task.last)] == list(range(len(parts)))
    for task in tasks:
        assert task.rows == sum(heights[task.first : task.last])
        assert task.chunk == sum(-(-rows // CHUNK) for rows in heights[: task.first])
        assert task.last - task.first == 1 or sum(heights[task.first : task.last - 1]) * columns < 2**27


@pytest.mark.parametrize("source", ["trips.parquet", "trips.feather", "*.csv"])
def test_the_parts_are_the_same_from_another_folder(
    source: str, trips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trips)
    problem = pose(source, formula=FORMULA)
    sent = pickle.dumps(problem)
    here = [rows.columns[0].tobytes() for part in parts_of(problem) for rows in part.read()]
    monkeypatch.chdir(tmp_path)
    there = [rows.columns[0].tobytes() for part in parts_of(pickle.loads(sent)) for rows in part.read()]
    assert there == here
    assert len(parts_of(problem)) == {"trips.parquet": len(GROUPS), "trips.feather": 1, "*.csv": 3}[source]


def test_a_worker_says_what_it_lacks(trips: Path, tmp_path: Path) -> None:
    path = tmp_path / "lost.parquet"
    path.write_bytes((trips / "trips.parquet").read_bytes())
    problem = pose(path, target="y", features=["a"])
    request = Request.of(problem, summing_of(problem, "drop", "double-double"))
    path.unlink()
    task = Task(0, 1, 0, 1, "lost.parquet, row group 0")
    with pytest.raises(
        gl.ClusterError, match=r"the worker on .* \(process \d+\) does not find lost.parquet, row gr"
    ) as caught:
        work(request, task)
    assert "under the same path" in str(caught.value)
    with pytest.raises(gl.ClusterError, match=r"has gradline .*, and 9\.9 asked\.\nInstall the same there: .*==9\.9"):
        work(request._replace(version="9.9"), task)


def test_what_is_no_file_is_refused() -> None:
    problem = pose(np.ones((3, 1)), np.ones(3))
    with pytest.raises(
        gl.ClusterError, match="workers read files and tables of their engine, and the array is neither"
    ):
        parts_of(problem)


@pytest.mark.parametrize(
    ("named", "address", "message"),
    [
        ("dusk", None, 'engine is "local", "dask", "ray" or "spark", or a client or session, not \'dusk\''),
        (3, None, "engine is a int"),
        ("local", "tcp://127.0.0.1:1", 'address= is that of a cluster, and engine is "local"'),
    ],
)
def test_no_such_engine(named: object, address: str | None, message: str) -> None:
    with pytest.raises(gl.OptionError, match=message), opened(named, address):
        pass


def test_an_estimate_is_what_comes_to_pass(trips: Path) -> None:
    """The adapter that counts what it hands on is this process itself."""

    class Counting:
        name, workers = "counting", 2
        handed_on = 0

        def added_up(self, request: Request, tasks: list[Task], heard: engine.Heard) -> list[Partial[Any]]:
            found = [work(request, task) for task in tasks]
            self.handed_on += sum(len(each.nodes) for each in found)
            while len(found) > engine.GROUP:
                found = [merged(request, *found[at : at + engine.GROUP]) for at in range(0, len(found), engine.GROUP)]
                self.handed_on += sum(len(each.nodes) for each in found)
            return found

        def in_order(self, request: Request, tasks: list[Task]) -> Iterator[Partial[Any]]:
            return (work(request, task) for task in tasks)

    counting = Counting()
    cluster = engine.Cluster(counting)
    problem = pose([trips / "trips.parquet"] * 9, target="y", features=["a", "b"])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "_LEAST", 1)
        patched.setattr(engine, "_SHARE", 30)
        patched.setattr(engine, "_LAST", 30)
        said = estimate(problem, cluster)
        found = accumulate(problem, engine=cluster)
    assert said.tasks > 2 * engine.GROUP
    assert counting.handed_on * 16 * 4 * 4 == said.moved - 2 * sum(
        map(len, Request.of(problem, summing_of(problem, "drop", "double-double")))
    )
    assert found.hi.tobytes() == accumulate(problem).hi.tobytes()
    group = pa.parquet.read_metadata(trips / "trips.parquet")
    sizes = [
        group.row_group(number).column(column).total_compressed_size
        for number in range(len(GROUPS))
        for column in (0, 1, 3)
    ]
    assert said.read == 9 * sum(sizes)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"se": "HAC"}, "HAC standard errors need all rows of a cluster or their order in one process"),
        ({"cluster": "city"}, "CR1 standard errors need all rows"),
        ({"checkpoint": "sums"}, 'checkpoint= is for engine="local"'),
    ],
)
def test_what_only_this_process_can_do_is_refused_before_workers_are_looked_for(
    trips: Path, option: dict[str, str], said: str
) -> None:
    with pytest.raises(gl.OptionError, match=said):
        gl.fit(trips / "trips.parquet", target="y", features=["a"], engine="nobody", **option)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("No module named 'gradline'", "the workers of Spark lack gradline, or have another version"),
        ("Can't get attribute 'Request' on <module", "the workers of Spark lack gradline, or have another version"),
        ("No module named 'pyarrow.compute'", "the workers of Spark do not have pyarrow.\nInstall it there"),
    ],
)
def test_what_workers_lack_is_named(said: str, message: str) -> None:
    from gradline.cluster.trouble import absent

    assert str(absent("Spark", "1.0", said)).startswith(message)


def test_of_what_fails_the_first_in_order_is_told_once_all_before_are_over() -> None:
    tasks = [Task(number, number + 1, None, None, f"part {number}") for number in range(6)]
    heard: list[Task] = []
    watch = engine.Watch(tasks, heard.append)
    watch.over(4, gl.DataError("of 4"))
    watch.over(0, None)
    watch.over(0, gl.DataError("a second time"))
    watch.over(2, gl.DataError("of 2"))
    watch.over(5, gl.DataError("of 5"))
    with pytest.raises(gl.DataError, match="of 2"):
        watch.over(1, None)
    assert heard == tasks[:2]
    with pytest.raises(gl.DataError, match="the only one"):
        engine.Watch(tasks[:1], heard.append).over(0, gl.DataError("the only one"))
    unheard = engine.Watch(tasks, heard.append)
    unheard.ended()
    unheard.over(1, gl.DataError("of 1"))
    with pytest.raises(gl.DataError, match="of 1"):
        unheard.ended()


def test_the_last_tasks_are_the_smallest() -> None:
    parts = [Part("", CHUNK, lambda: iter(())) for _ in range(10_000)]
    sizes = [task.rows for task in engine.tasks_of(parts, 2, workers=2)]
    assert sum(sizes) == 10_000 * CHUNK
    assert sizes[:-1] == sorted(sizes[:-1], reverse=True)
    assert sizes[0] >= 1_000 * CHUNK
    assert sizes[-2] <= 400 * CHUNK
    assert len(sizes) < 25
