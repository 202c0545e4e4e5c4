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
from gradline.design.evaluation import evaluate
from gradline.design.expression import FUNCTIONS, checked
from gradline.export import onnx_functions
from gradline.export.onnx_expression import Inputs, translated
from gradline.export.onnx_graph import Graph


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
    "y ~ I(x > 3) + where(k > 0, x * k, -x) + minimum(x, k) + maximum(x, 2) + isnan(k)",
    "y ~ I(k % 3) + I(x // 1) + log1p(abs(x)) + expm1(k / 10) + cos(x) + tan(k) + scale(where(x > 2, x, 2))",
    "y ~ I((x > 1) & ~(k == 0)) + I((x < 0) | (k >= 4)) + I(0 < x < k) + I(k != 2) + I(x * 0.1 <= 0.3)",
    "y ~ where(city == \"O'Hara\", x, k) + I(city != '서울') + city:k",
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


def hard() -> tuple[np.ndarray, np.ndarray]:
    """Pairs of numbers that come near what an expression decides by, or leave few digits."""
    rng = np.random.default_rng(0)
    tenths = np.arange(-10, 11) / 10
    x = np.array([np.inf, np.nan, 0.0, 1e-17, 5e-324, 1e-300, 1e15, 5e15 + 1, 1e22, 1e300, 2.5, 3, 7.5, 709, 710])
    x = np.concatenate([x, -x, tenths, [np.pi, np.pi / 2, -40, 1000, np.nextafter(-1, 0)]])
    a, b = (each.ravel() for each in np.meshgrid(x, x))
    small = rng.choice([-1, 1], 2_000) * 10.0 ** rng.uniform(-20, 8, 2_000)
    many = np.concatenate([rng.normal(size=1_000), small, np.arange(-1_000, 1_000) * np.pi / 2])
    return np.concatenate([a, many]), np.concatenate([b, rng.permutation(many)])


SAME = [
    *("x % y", "x % 3", "x % -0.3", "(x + y) % 0.1", "x // y", "x // -2", "x % 1 == 0"),
    *("x > y", "x >= y", "x < y", "x <= y", "x == y", "x != y", "0 < x < y <= 3", "~x"),
    *("(x > 0) & y", "x | (y == 1)"),
    *("x + y < 0.4", "x - 0.3 >= y", "x * y >= 0.3", "x / y > 0.1", "x**3 - y*x*x > 0", "abs(x*y - 1) > 0.5"),
    *("where(x > y, x, y + 1)", "where(x, x * y, 2)", "minimum(x, y)", "maximum(x, -0.5)", "isnan(x) & (y > 1)"),
    *("floor(x * 0.1 * 10)", "round(x / y)", "sign(x**2 - y**2)", "ceil(-(x + 0.1))", "floor(log10(abs(x)))"),
    *("floor(log2(x))", "where(x * 0.1 > y, x * 0.1, x + y)", "sign(sin(x)) + 0 * y", "x ** 64 > y", "x ** 2.0 == y"),
]
CLOSE = ["cos(x)", "sin(x)", "tan(x)", "log1p(x)", "expm1(x)", "log2(x)", "log10(x)", "tanh(x)", "x ** y"]


@pytest.mark.parametrize("text", [*SAME, *CLOSE])
def test_hard_numbers_have_the_values_that_predict_has(text: str) -> None:
    numbers = dict(zip("xy", hard(), strict=True))
    expression, graph = checked(text), Graph()
    inputs = Inputs(lambda name: graph.input(name, "double"), lambda name: graph.input(name, "string"))
    model = graph.serialized(translated(expression, {}, graph, inputs), None)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [found] = session.run(None, {name: numbers[name] for name in expression.columns})
    expected, _ = evaluate(expression, numbers, {})
    # Of functions that the two libraries compute themselves, a few units in the last place; all else is the same.
    np.testing.assert_allclose(found, expected, rtol=1e-15 if text in CLOSE else 0, atol=0)


def test_there_is_every_function_of_the_language() -> None:
    assert onnx_functions.FUNCTIONS.keys() | {"where"} == FUNCTIONS.keys()


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
        (
            "y ~ C(code) + I(code == 'a')",
            "ONNX cannot express code, which would come as int64 and as string.\nFit on a",
        ),
        ("y ~ C(half)", "ONNX cannot express the category half.\nLevels that are text, whole numbers"),
        ("y ~ C(round(x))", "ONNX cannot express the category round(x).\nLevels that"),
        ("y ~ 1", "ONNX cannot express a model without columns."),
        ("y ~ `gradline 1 Add`", "ONNX cannot express a column called 'gradline 1 Add'."),
    ],
)
def test_what_cannot_be_expressed_leaves_no_file(formula: str, text: str, tmp_path: Path) -> None:
    frame = table()
    frame["prediction"] = frame["gradline 1 Add"] = frame["x"]
    frame["code"] = frame["year"].astype("category")
    with pytest.raises(gl.OptionError) as caught:
        gl.fit(frame, formula=formula).to_onnx(tmp_path / "m.onnx")
    assert text in str(caught.value)
    assert all(len(line) <= 80 for line in str(caught.value).splitlines())
    assert not list(tmp_path.iterdir())


def test_a_column_called_as_the_output(tmp_path: Path) -> None:
    frame = table().rename(columns={"x": "prediction"})
    fit = gl.fit(frame, formula="y ~ prediction")
    fit.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    [output] = session.get_outputs()
    assert output.name == "fitted prediction"
    x = frame["prediction"].to_numpy(float)
    np.testing.assert_allclose(session.run(None, {"prediction": x})[0], fit.predict(frame), rtol=1e-15)


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
