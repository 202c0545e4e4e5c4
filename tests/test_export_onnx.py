"""`fit.to_onnx()`: onnxruntime runs it to what `predict` says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from test_export_sql import BAD, table

import gradline as gl


def run(path: Path, inputs: dict[str, Any]) -> np.ndarray:
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_outputs()] == ["prediction"]
    wanted = [each.name for each in session.get_inputs()]
    [answer] = session.run(None, {name: inputs[name] for name in wanted})
    assert answer.dtype == np.float64
    return np.asarray(answer)


def columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    inputs: dict[str, np.ndarray] = {}
    for name, column in frame.items():
        kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
        whole = name in ("year", "new")
        inputs[str(name)] = column.to_numpy() if whole else column.to_numpy(object if kind not in "fi" else float)
    return inputs


FORMULAS = [
    "y ~ x + k",
    f"y ~ `{BAD}` + `it's {{0}} %s` + `select` - 1",
    "y ~ city",
    "y ~ C(year) + x:C(year)",
    "y ~ C(new)",
    "y ~ city:C(year) + x",
    "y ~ city*C(new) + x:city - 1",
    "y ~ year + C(year):x",
    "y ~ poly(x, 3)",
    "y ~ x:k + `select`:x",
    "y ~ log(`select`) + sqrt(abs(x)) + exp(k / 10) + log10(`select`) + log2(`select`)",
    "y ~ floor(x) + ceil(x * 2) + round(k / 2) + sign(k) + sin(x) + tanh(x)",
    "y ~ I(x / (k + 0.5)) + I(x ** 2) + I(`select` ** -1) + I(`select` ** 0.5) + I(-x + +k)",
    "y ~ center(x) + scale(k)",
    "y + z ~ x + city",
    "y + z ~ x + k",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_onnxruntime_says_what_predict_says(formula: str, tmp_path: Path) -> None:
    frame = table()
    fit = gl.fit(frame, formula=formula)
    fit.to_onnx(tmp_path / "m.onnx")
    new = frame[:50].copy()
    new.loc[3, "x"], new.loc[4, "k"], new.loc[5, "city"], new.loc[6, "year"] = np.nan, np.nan, "Busan", 1999
    expected = fit.predict(new, unseen="nan")
    found = run(tmp_path / "m.onnx", columns(new))
    assert found.shape == expected.shape
    # Doubles here, 32 digits there: sums of terms that are hundreds of times the result.
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("intercept", [True, False])
def test_an_array_is_one_input(targets: int, intercept: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(90, 4)), rng.normal(size=(90, targets))
    X[:, 3] = X[:, 0] + X[:, 1]
    fit = gl.fit(X, Y, intercept=intercept)
    assert fit.aliased
    fit.to_onnx(tmp_path / "m.onnx")
    new = X[:7].copy()
    new[2, 3] = np.nan
    np.testing.assert_allclose(run(tmp_path / "m.onnx", {"x": new}), fit.predict(new), rtol=1e-13, atol=1e-13)
    found = onnx.load(tmp_path / "m.onnx").graph
    assert found.node[0].op_type == "MatMul"


def test_powers_of_an_array_and_a_fit_from_a_file(tmp_path: Path) -> None:
    x = np.linspace(-2, 2, 50)
    fit = gl.fit(gl.polynomial(x, 4), np.exp(x))
    fit.save(tmp_path / "m.safetensors")
    gl.load(tmp_path / "m.safetensors").to_onnx(tmp_path / "m.onnx")
    np.testing.assert_allclose(run(tmp_path / "m.onnx", {"x": x[:, None]}), fit.predict(x), rtol=1e-13)


def test_the_same_fit_is_the_same_bytes_written_whole(tmp_path: Path) -> None:
    frame = table()
    for name in "ab":
        gl.fit(frame, formula="y ~ x*city + log(`select`)").to_onnx(tmp_path / f"{name}.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]
    with pytest.raises(gl.StorageError, match="Choose a folder that exists"):
        gl.fit(frame, formula="y ~ x").to_onnx(tmp_path / "none" / "m.onnx")


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("y ~ I(x % 2)", "ONNX cannot express x % 2.\nCompute that column before and fit on it, or use to_sql()."),
        ("y ~ log1p(x + 9)", "ONNX cannot express log1p(x + 9)."),
        ("y ~ I(x > 2)", "ONNX cannot express x > 2."),
        ("y ~ C(half)", "ONNX cannot express the category half.\nLevels that are text, whole numbers"),
        ("y ~ C(round(x))", "ONNX cannot express the category round(x).\nLevels that"),
        ("y ~ 1", "ONNX cannot express a model without columns."),
        ("y ~ prediction", "ONNX cannot express a column called 'prediction'.\nRename it, and fit again."),
        ("y ~ `gradline 1 Add`", "ONNX cannot express a column called 'gradline 1 Add'."),
    ],
)
def test_what_cannot_be_expressed_leaves_no_file(formula: str, text: str, tmp_path: Path) -> None:
    frame = table()
    frame["prediction"] = frame["gradline 1 Add"] = frame["x"]
    with pytest.raises(gl.OptionError) as caught:
        gl.fit(frame, formula=formula).to_onnx(tmp_path / "m.onnx")
    assert text in str(caught.value)
    assert all(len(line) <= 80 for line in str(caught.value).splitlines())
    assert not list(tmp_path.iterdir())


def test_tables_of_too_many_cells_are_refused(tmp_path: Path) -> None:
    levels = [f"l{j}" for j in range(4_000)]
    frame = pd.DataFrame({"a": levels, "b": levels, "y": np.arange(4_000.0)})
    fit = gl.fit(frame[:40], formula="y ~ a:b")
    fit.to_onnx(tmp_path / "m.onnx")
    object.__setattr__(fit, "recipe", fit.recipe.with_levels([levels, levels]))
    with pytest.raises(gl.OptionError, match="ONNX cannot express the 16,008,001 cells of a:b"):
        fit.to_onnx(tmp_path / "m.onnx")


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = gl.fit([[1.0], [2.0], [4.0]], [3.0, 5.0, 9.0])
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(gl.OptionError, match=r"Install it: pip install 'gradline\[onnx\]'"):
        fit.to_onnx(tmp_path / "m.onnx")
