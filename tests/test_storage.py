"""Model files: small, safe, whole, and clear about what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gradline as gl


@pytest.fixture
def fit() -> gl.Fit:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 3)), columns=["a", "b", "c"])
    frame["c"] = frame.a - 2
    frame["secret"] = rng.normal(size=80)
    return gl.fit(frame.assign(y=frame.a + rng.normal(size=80)), target="y", features=["a", "b", "c"])


def test_every_number_comes_back(fit: gl.Fit, tmp_path: Path) -> None:
    fit.save(tmp_path / "m.safetensors")
    back = gl.load(tmp_path / "m.safetensors")
    for name in ("params", "se", "t", "p", "r2", "adj_r2", "sigma", "f", "aic", "bic", "nobs", "df_resid", "digits"):
        np.testing.assert_array_equal(getattr(back, name), getattr(fit, name))
    assert (back.names, back.aliased, back.notes, back.rank) == (fit.names, fit.aliased, fit.notes, fit.rank)
    new = pd.DataFrame({"b": [1.0, 2.0], "a": [0.5, np.nan], "c": [0.0, 1.0]})
    for a, b in zip(back.predict(new, interval="prediction"), fit.predict(new, interval="prediction"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_linear_loads_the_file_as_it_is(fit: gl.Fit, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    fit.save(tmp_path / "m.safetensors")
    layer = torch.nn.Linear(3, 1, dtype=torch.float64)
    layer.load_state_dict(load_file(tmp_path / "m.safetensors"))
    assert torch.equal(layer.weight, fit.to_torch().weight)


def test_polynomials_and_several_targets(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(1, 2, 50)
    for model in (gl.fit(gl.polynomial(x, 4), np.exp(x)), gl.fit(x, rng.normal(size=(50, 2)))):
        model.save(tmp_path / "m")
        back = gl.load(tmp_path / "m")
        np.testing.assert_array_equal(back.predict(x), model.predict(x))


def test_nothing_of_the_data_is_in_the_file(fit: gl.Fit, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 3))
    fit.save(tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    assert b"secret" not in content
    for value in values.ravel():
        assert value.tobytes() not in content
        assert repr(float(value)).encode() not in content


def test_small_and_without_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    rng = np.random.default_rng(2)
    model = gl.fit(rng.normal(size=(300, 60)), rng.normal(size=300))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pickle was used")

    for name in ("dump", "dumps", "load", "loads"):
        monkeypatch.setattr(pickle, name, refuse)
    model.save(tmp_path / "m")
    assert (tmp_path / "m").stat().st_size < 100_000
    np.testing.assert_array_equal(gl.load(tmp_path / "m").params, model.params)


def test_same_model_same_bytes(fit: gl.Fit, tmp_path: Path) -> None:
    fit.save(tmp_path / "a")
    gl.load(tmp_path / "a").save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_unwritable_output_leaves_nothing(fit: gl.Fit, tmp_path: Path) -> None:
    with pytest.raises(gl.StorageError, match=r"cannot write .*no-such-folder.*\n.*exists"):
        fit.save(tmp_path / "no-such-folder" / "m")
    (tmp_path / "taken").mkdir()
    with pytest.raises(gl.StorageError, match="cannot write"):
        fit.save(tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_failed_write_keeps_the_old_file(fit: gl.Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m"
    fit.save(path)
    before = path.read_bytes()

    def full_disk(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(gl.StorageError, match="No space left on device"):
        fit.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("keep", [0, 4, 8, 60, 400, -1])
def test_truncated_file(fit: gl.Fit, tmp_path: Path, keep: int) -> None:
    fit.save(tmp_path / "m")
    (tmp_path / "m").write_bytes((tmp_path / "m").read_bytes()[:keep])
    with pytest.raises(gl.StorageError, match="damaged, cut short, or of another kind"):
        gl.load(tmp_path / "m")


def test_foreign_files(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    (tmp_path / "text").write_text("weight,bias\n1,2\n")
    with pytest.raises(gl.StorageError, match="of another kind"):
        gl.load(tmp_path / "text")
    save_file({"weight": np.eye(2)}, tmp_path / "other")
    with pytest.raises(gl.StorageError, match="not one of gradline's"):
        gl.load(tmp_path / "other")
    with pytest.raises(gl.StorageError, match="no model file"):
        gl.load(tmp_path / "missing")
    with pytest.raises(gl.StorageError, match="folder"):
        gl.load(tmp_path)


def rewritten(path: Path, change) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(path, "numpy") as file:
        header = json.loads(file.metadata()["gradline"])
        tensors = {name: file.get_tensor(name) for name in ("weight", "bias")}
    change(header)
    save_file(tensors, path, {"gradline": json.dumps(header)})


def test_newer_file(fit: gl.Fit, tmp_path: Path) -> None:
    fit.save(tmp_path / "m")
    rewritten(tmp_path / "m", lambda header: header.update(format=99))
    with pytest.raises(gl.StorageError, match=r"newer gradline \(format 99; .*\nUpgrade"):
        gl.load(tmp_path / "m")


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("record"),
        lambda header: header.update(format="one"),
        lambda header: header["record"].pop("names"),
        lambda header: header["record"].update(names=["Intercept"]),
        lambda header: header["record"].update(estimates="?"),
        lambda header: header["record"]["root"].update(base64="AAAA"),
        lambda header: header["record"].update(terms=[{"name": "a"}]),
        lambda header: header["record"].update(surprise=1),
    ],
)
def test_damaged_description(fit: gl.Fit, tmp_path: Path, change) -> None:
    fit.save(tmp_path / "m")
    rewritten(tmp_path / "m", change)
    with pytest.raises(gl.StorageError, match="is damaged"):
        gl.load(tmp_path / "m")


def test_a_fit_is_not_moments(fit: gl.Fit, tmp_path: Path) -> None:
    fit.save(tmp_path / "m")
    with pytest.raises(gl.StorageError, match="holds a Fit, not moments"):
        gl.Moments.load(tmp_path / "m")
