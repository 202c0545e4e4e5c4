"""Model files: small, safe, whole, and clear about what is wrong with them."""

from __future__ import annotations

import dataclasses
import json
import os
import re
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
    answers = []
    for each in (back, fit):
        with pytest.warns(gl.GradlineWarning, match=r"^1 of 2 predictions .* row 0 .*\n.* c = 1·a - 2·Intercept, "):
            answers.append(each.predict(new, interval="prediction"))
    for a, b in zip(*answers, strict=True):
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


def test_a_link_stays_a_link_and_a_pipe_a_pipe(fit: gl.Fit, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    real, link, pipe = tmp_path / "folder" / "m", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(real)
    fit.save(link)
    assert link.is_symlink()
    assert gl.load(real).r2 == fit.r2
    os.mkfifo(pipe)
    with pytest.raises(gl.StorageError, match=r"it is a device or a pipe\.\nGive the name of a file"):
        fit.save(pipe)
    assert pipe.is_fifo()
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "link", "pipe"}


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


@pytest.mark.parametrize("kind", ["fit", "run", "moments"])
def test_a_bit_that_has_changed_changes_no_answer(kind: str, tmp_path: Path) -> None:
    path = kept(tmp_path)[kind]
    whole, loaded = path.read_bytes(), gl.load(path)
    changed = 0
    for place in range(3, len(whole), 17):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            again = gl.load(path)
        except gl.StorageError:
            changed += 1
            continue
        again.save(path)  # the bit was one of padding, or of the checksum's name
        loaded.save(tmp_path / "other")
        assert path.read_bytes() == (tmp_path / "other").read_bytes()
    assert changed > 50


def test_a_file_from_before_checksums(fit: gl.Fit, tmp_path: Path) -> None:
    fit.save(tmp_path / "m")
    fit.save(tmp_path / "old")
    rewritten(tmp_path / "old", lambda _: None)
    assert b"sha256" not in (tmp_path / "old").read_bytes()
    np.testing.assert_array_equal(gl.load(tmp_path / "old").params, gl.load(tmp_path / "m").params)


def test_foreign_files(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    (tmp_path / "text").write_text("weight,bias\n1,2\n")
    with pytest.raises(gl.StorageError, match="of another kind"):
        gl.load(tmp_path / "text")
    save_file({"weight": np.eye(2)}, tmp_path / "other")
    with pytest.raises(gl.StorageError, match="not one of gradline's"):
        gl.load(tmp_path / "other")
    with pytest.raises(gl.StorageError, match=r"no model file '.*missing'\.\nCheck the path"):
        gl.load(tmp_path / "missing")
    with pytest.raises(gl.StorageError, match=r"no model file .*\nIt is a folder"):
        gl.load(tmp_path)


def rewritten(path: Path, change) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(path, "numpy") as file:
        header = json.loads(file.metadata()["gradline"])
        header.pop("sha256", None)  # as in a file from before there were checksums
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
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
    with pytest.raises(gl.StorageError, match=r"is damaged: .*\nSave it again") as caught:
        gl.load(tmp_path / "m")
    assert not re.search(r"object|__init__|attribute|argument|literal|buffer", str(caught.value).split(": ", 1)[1])


def kept(folder: Path) -> dict[str, Path]:
    """A file of each kind: fits, a fit through the origin, runs of both engines, moments."""
    x, y = gl.line(n=30, seed=0)
    both = np.column_stack([y.numpy(), -y.numpy()])
    kinds = {
        "fit": gl.fit(x, y),
        "origin": gl.fit(x, y, intercept=False),
        "constant": gl.fit(np.empty((30, 0)), both),
        "run": gl.train(x, both, epochs=3, seed=0),
        "loop": gl.train(x, y, epochs=3, seed=0, engine="autograd"),
        "moments": gl.Moments.of(x, y),
    }
    for name, kind in kinds.items():
        kind.save(folder / name)
    return {name: folder / name for name in kinds}


def opened(path: Path) -> tuple[dict[str, np.ndarray], str]:
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        description = file.metadata()["gradline"].rpartition(', "sha256"')[0] + "}"  # as in an older file
        return {name: file.get_tensor(name) for name in file.keys()}, description  # noqa: SIM118


def test_tensors_that_do_not_fit_the_description(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    for name, path in kept(tmp_path).items():
        tensors, description = opened(path)
        gl.load(path)
        for lacking in tensors:
            save_file({key: tensors[key] for key in tensors if key != lacking}, path, {"gradline": description})
            with pytest.raises(gl.StorageError, match=rf"{name} is damaged: it lacks the tensor '{lacking}'.*\nSave"):
                gl.load(path)
            for wrong in (tensors[lacking][..., None], np.append(tensors[lacking], 1.0), np.zeros(())):
                save_file({**tensors, lacking: wrong}, path, {"gradline": description})
                words = (
                    rf"{name} is damaged: the tensor '{lacking}' has shape {re.escape(str(wrong.shape))} and its "
                    rf"description needs {re.escape(str(tensors[lacking].shape))}\.\nSave"
                )
                with pytest.raises(gl.StorageError, match=words):
                    gl.load(path)
    tensors, description = opened(kept(tmp_path)["origin"])
    save_file({**tensors, "bias": np.zeros(1)}, tmp_path / "origin", {"gradline": description})
    with pytest.raises(gl.StorageError, match="has a tensor 'bias' that its description does not know"):
        gl.load(tmp_path / "origin")


@pytest.mark.parametrize("entry", ["99", "null", "{}", "[]", '"fit"', "true", "", "{", '{"format": 1}'])
def test_an_entry_that_describes_nothing(tmp_path: Path, entry: str) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": np.eye(1), "bias": np.zeros(1)}, tmp_path / "m", {"gradline": entry})
    with pytest.raises(gl.StorageError) as caught:
        gl.load(tmp_path / "m")
    problem, advice = str(caught.value).splitlines()
    lacking = "no JSON" if entry in ("", "{") else "kind" if "1" in entry else "format, kind"
    assert f"{tmp_path / 'm'} is damaged: its description " in problem
    assert lacking in problem
    assert "Save it again" in advice
    for words in ("object", "subscript", "'int'", "argument", "None", "line 1 column"):
        assert words not in problem


def test_what_a_description_lacks_is_named(tmp_path: Path) -> None:
    kinds = {"fit": gl.Fit, "origin": gl.Fit, "constant": gl.Fit, "moments": gl.Moments}
    for name, path in kept(tmp_path).items():
        whole = path.read_bytes()
        fields = {field.name: field for field in dataclasses.fields(kinds[name])} if name in kinds else {}
        for key in json.loads(opened(path)[1])["record"]:
            rewritten(path, lambda header, key=key: header["record"].pop(key))
            field = fields.get(key)
            if (
                key != "terms"
                and field
                and (field.default, field.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)
            ):
                gl.load(path)  # a file from before that field was there
            else:
                with pytest.raises(gl.StorageError, match=rf"is damaged: its description lacks '{key}'\.\nSave"):
                    gl.load(path)
            path.write_bytes(whole)
        if "start" in json.loads(opened(path)[1])["record"]:
            rewritten(path, lambda header: header["record"].update(start=header["record"]["moments"]["hi"]))
            with pytest.raises(gl.StorageError, match="is damaged: shapes and names in its description differ"):
                gl.load(path)
        if fields:
            rewritten(path, lambda header: header["record"].update(surprise=1))
            with pytest.raises(gl.StorageError, match="its description has 'surprise', which this version"):
                gl.load(path)


def test_a_fit_is_not_moments(fit: gl.Fit, tmp_path: Path) -> None:
    fit.save(tmp_path / "m")
    with pytest.raises(gl.StorageError, match="holds a Fit, not moments"):
        gl.Moments.load(tmp_path / "m")
