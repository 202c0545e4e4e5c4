"""Files in an S3 store: a real server that speaks S3 on loopback, and the driver that people use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from moto.server import ThreadedMotoServer

import gradline as gl
from gradline.cli import main
from gradline.sources import open_table

GROUP = 20_000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The store as fsspec sees it, with an empty bucket `trips`; its address and keys stand where AWS wants them."""
    for name, value in (
        ("AWS_ENDPOINT_URL", server),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()  # one of before would know another address
    system = fsspec.filesystem("s3")
    system.mkdir("trips")
    yield system
    system.rm("trips", recursive=True)
    type(system).clear_instance_cache()


@pytest.fixture
def table() -> pa.Table:
    rng = np.random.default_rng(3)
    n = 3 * GROUP
    x = rng.normal(size=n)
    return pa.table({"x": x, "y": 2 * x + rng.normal(size=n), "wide": rng.random((n, 40)).tolist()})


def test_every_kind_of_file_in_a_store(store: Any, table: pa.Table, tmp_path: Path) -> None:
    """A file, a glob and a folder with keys give the bytes that the same files on this machine do."""
    for year, rows in ((2023, table.slice(0, GROUP)), (2024, table.slice(GROUP))):
        folder = tmp_path / "all" / f"year={year}"
        folder.mkdir(parents=True)
        pa.parquet.write_table(rows, folder / "t.parquet", row_group_size=GROUP)
        pa.feather.write_feather(rows.select(["x", "y"]), folder / "u.feather")
    (tmp_path / "all" / "t.csv").write_text("x,y\n1,2\n2,3\n4,6\n")
    store.put(str(tmp_path / "all"), "trips/", recursive=True)
    request: dict[str, Any] = {"target": "y", "features": ["x"]}
    for path, options in (
        ("all/year=2024/t.parquet", request),
        ("all/year=*/t.parquet", request),
        ("all/year=2023/u.feather", request),
        ("all/t.csv", request),
        ("all", request | {"features": ["x", "year"]}),
        ("all/", request | {"where": "year = 2024 AND x > 0"}),
        ("all/t.csv", request | {"sql": "select x, y from data where x < 3"}),
    ):
        here = gl.Moments.of(f"{tmp_path}/{path}", **options)
        there = gl.Moments.of(f"s3://trips/{path}", **options)
        assert (there.hi.tobytes(), there.lo.tobytes(), there.rows) == (
            here.hi.tobytes(),
            here.lo.tobytes(),
            here.rows,
        )
        assert there.source.count("s3://trips/all/")


def test_only_the_columns_that_are_wanted_are_fetched(store: Any, table: pa.Table, tmp_path: Path) -> None:
    pa.parquet.write_table(table, tmp_path / "t.parquet", row_group_size=GROUP, use_dictionary=False)
    store.put(str(tmp_path / "t.parquet"), "trips/t.parquet")
    opened = open_table("s3://trips/t.parquet")
    assert [part.place for part in opened.parts(["x"])] == [f"s3://trips/t.parquet, row group {j}" for j in range(3)]
    fetched: list[int] = []
    original = type(store)._cat_file

    async def counting(self: Any, path: str, *where: Any, start: Any = None, end: Any = None, **more: Any) -> Any:
        content = await original(self, path, *where, start=start, end=end, **more)
        fetched.append(len(content))
        return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "_cat_file", counting)
        x = np.concatenate([rows.columns[0] for rows in opened.read(["x"])])
    np.testing.assert_array_equal(x, table["x"].to_numpy())
    assert sum(fetched) < (tmp_path / "t.parquet").stat().st_size / 5


def test_the_command_line_reads_a_store(store: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.pipe("trips/t.csv", b"x,y\n1,2\n2,3\n4,6\n")
    model = tmp_path / "m.safetensors"
    assert main(["fit", "s3://trips/t.csv", "--target", "y", "--save", str(model)]) == 0
    assert main(["predict", str(model), "s3://trips/t.csv", "--out", str(tmp_path / "p.csv")]) == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 4
    capsys.readouterr()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://trips/none.parquet", r"no file 's3://trips/none\.parquet'"),
        ("s3://no-such-bucket/t.parquet", r"no file 's3://no-such-bucket/t\.parquet'"),
        ("s3://trips/*.feather", r"no file matches 's3://trips/\*\.feather'"),
        ("s3://trips/cut.parquet", r"s3://trips/cut\.parquet: the Parquet file cannot be read"),
        ("s3://trips/cut.csv", r"s3://trips/cut\.csv, line 3: "),
        ("s3://trips/text/", r"s3://trips/text/ is a directory without Parquet or Feather files"),
    ],
)
def test_what_is_wrong_in_a_store_is_named(address: str, words: str, store: Any) -> None:
    store.pipe({"trips/cut.parquet": b"PAR1" + bytes(100), "trips/text/a.csv": b"x,y\n1,2\n"})
    store.pipe("trips/cut.csv", b"x,y\n1,2\n2\n")
    with pytest.raises(gl.GradlineError, match=words) as caught:
        gl.fit(address, target="y")
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize(("scheme", "package"), [("s3", "s3fs"), ("gs", "gcsfs"), ("https", "aiohttp")])
def test_a_driver_that_is_not_installed_is_named(scheme: str, package: str) -> None:
    """In a process that cannot import it, as if it had not been installed."""
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from gradline.cli import main\n"
        f"sys.exit(main(['fit', '{scheme}://trips/t.parquet', '--target', 'y']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {scheme}://trips/t.parquet: reading {scheme}:// needs one more package.\n"
        f"       pip install {package}\n"
    )
