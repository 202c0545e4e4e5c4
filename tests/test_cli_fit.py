"""`gradline fit` and `gradline predict`: the table, the JSON, and predictions row for row."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

import gradline as gl
from gradline.cli import main

PENGUINS = str(Path(__file__).parents[1] / "examples" / "penguins.csv")
FEATURES = ["flipper_length_mm", "bill_length_mm", "bill_depth_mm"]
ASK = ["fit", PENGUINS, "--target", "body_mass_g", "--features", ",".join(FEATURES)]


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def test_the_table_of_the_penguins(capsys: pytest.CaptureFixture[str]) -> None:
    """The numbers of the sketch, which statsmodels computed."""
    text = output(capsys, *ASK)
    for line in (
        "body_mass_g   342 rows of 344 (2 left out; all 4 columns missing)",
        "Intercept          -6424.765  561.469  -11.44  <2e-16  -7529.18  -5320.35",
        "flipper_length_mm     50.269    2.477   20.29  <2e-16     45.40     55.14",
        "bill_depth_mm         20.050   13.694    1.46   0.144     -6.89     46.99",
        "R² 0.761 (adjusted 0.759) · residual sd 393.4 on 338 df · F 359.7, p 8e-105",
    ):
        assert line in text
    assert "15 digits sure" in text
    assert "Next:  --save" in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_what_to_do_next_fits_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "row.csv").write_text("x,a_target_of_18_abc\n1,2\n")
    text = output(capsys, "fit", str(tmp_path / "row.csv"), "--target", "a_target_of_18_abc")
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    for step in ("Next:  --l2 1", "--aliased min-norm", "--save", "--formula 'a_target_of_18_abc ~ …'"):
        assert step in text


def test_json_has_everything_and_null_for_nan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "twin.csv").write_text("a,b,y\n1,2,1\n2,4,3\n3,6,4\n5,10,9\n")
    record = json.loads(output(capsys, "fit", str(tmp_path / "twin.csv"), "--target", "y", "--json"))
    fit = gl.fit(str(tmp_path / "twin.csv"), target="y")
    assert record["names"] == ["Intercept", "a", "b"]
    assert record["params"] == [*fit.params[:2], None]
    assert record["conf_int"][1] == fit.conf_int()[1].tolist()
    assert record["r2"] == fit.r2
    assert "b" in record["aliased"]
    assert record["nobs"] == 4


def test_options_reach_the_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    table = rng.normal(size=(40, 4))
    table[:, 3] = rng.uniform(1, 2, size=40)
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["y", "a, b", "c", "w"], *table.tolist()])
    options = ["--features", '"a, b"', "--features", "c", "--weights", "w", "--l2", "0.5", "--no-intercept"]
    options += ["--where", "c > -1", "--level", "0.8", "--json"]
    record = json.loads(output(capsys, "fit", str(path), "--target", "y", *options))
    kept = table[table[:, 2] > -1]
    fit = gl.fit(kept[:, 1:3], kept[:, 0], weights=kept[:, 3], l2=0.5, intercept=False)
    assert record["names"] == ["a, b", "c"]
    np.testing.assert_allclose(record["params"], fit.params, rtol=1e-14)  # one rounding
    np.testing.assert_allclose(record["conf_int"], fit.conf_int(0.8), rtol=1e-12)


def test_rows_in_an_order_and_errors_in_the_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    table = np.column_stack([rng.permutation(60), rng.normal(size=(60, 3))])
    table[:, 3] += 2 * table[:, 1]
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["t", "a", "b", "y"], *table.tolist()])
    ask = ["fit", str(path), "--target", "y", "--features", "a,b"]
    fit = gl.fit(path, "y", features=["a", "b"])
    for options, truth in (
        (["--se", "HAC"], fit.hac()),
        (["--se", "HAC", "--lags", "2", "--time", "t"], fit.hac(2, "t")),
        (["--x-error", "a=0.3"], gl.fit(path, "y", features=["a", "b"], x_error={"a": 0.3})),
        (["--x-error", "0.3"], gl.fit(path, "y", features=["a", "b"], x_error=0.3)),
        (["--deming", "2"], gl.fit(path, "y", features=["a", "b"], x_error=gl.Deming(2.0))),
    ):
        record = json.loads(output(capsys, *ask, *options, "--json"))
        np.testing.assert_allclose(record["params"], truth.params, rtol=1e-12)
        np.testing.assert_allclose(record["conf_int"], truth.conf_int(), rtol=1e-12)
    text = output(capsys, *ask, "--x-error", "a=0.3,b=0.1")
    assert "errors in x, given: a sd 0.3 (reliability 0.9" in text
    assert f"least squares {fit.params[1]:.3f})" in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    for options, message in (
        (["--lags", "2"], "--lags and --time are for rows in an order"),
        (["--x-error", "0.3", "--deming", "1"], "each say what is known of errors in x"),
        (["--x-error", "a=b"], "expected a number, or column=number"),
        (["--x-error", "a=1,2"], "expected a number, or column=number"),
    ):
        assert main([*ask, *options]) != 0
        assert message in capsys.readouterr().err


def test_formula_several_targets_and_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = np.random.default_rng(4).normal(size=(20, 3)).tolist()
    for name, part in (("one.csv", rows[:10]), ("two.csv", rows[10:])):
        with (tmp_path / name).open("w", newline="") as file:
            csv.writer(file).writerows([["u", "v", "x"], *part])
    both = [str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]
    text = output(capsys, "fit", *both, "--target", "u,v")
    assert text.count("estimate") == 2
    assert "u   20 rows" in text
    assert "v   20 rows" in text
    squared = json.loads(output(capsys, "fit", *both, "--formula", "u ~ poly(x, 2)", "--json"))
    assert len(squared["params"]) == 3


@pytest.fixture
def model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    path = str(tmp_path / "penguins.safetensors")
    text = output(capsys, *ASK, "--save", path)
    assert f"gradline predict {path}" in text
    return path


def test_predict_gives_a_row_for_each_row(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(output(capsys, "predict", model, PENGUINS).splitlines()))
    expected = gl.fit(PENGUINS, target="body_mass_g", features=FEATURES).predict(PENGUINS)
    assert len(rows) == 344
    got = [float(row["predicted"] or "nan") for row in rows]
    np.testing.assert_array_equal(got, expected)
    assert sum(row["predicted"] == "" for row in rows) == 2


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predict_writes_intervals_to_a_file(
    ending: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    out = tmp_path / f"new.{ending}"
    said = output(capsys, "predict", model, PENGUINS, "--out", str(out), "--interval", "prediction", "--level", "0.9")
    assert "344 predictions; 2 empty" in said
    table = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
    expected = gl.load(model).predict(PENGUINS, interval="prediction", level=0.9)
    assert list(table.columns) == ["predicted", "lower", "upper"]
    for name, values in zip(table.columns, expected, strict=True):
        np.testing.assert_array_equal(table[name], values)


def test_predict_names_several_targets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(5)
    path, model = str(tmp_path / "t.csv"), str(tmp_path / "m.safetensors")
    np.savetxt(path, rng.normal(size=(9, 3)), delimiter=",", header="u,v,x", comments="")
    output(capsys, "fit", path, "--target", "u,v", "--save", model)
    assert output(capsys, "predict", model, path).splitlines()[0] == "predicted_u,predicted_v"


def test_predict_refuses_moments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "moments.safetensors"
    gl.Moments.of(np.arange(5.0), np.arange(5.0)).save(path)
    assert main(["predict", str(path), PENGUINS]) == 2
    assert "moments" in capsys.readouterr().err


def test_predict_says_why_predictions_are_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("c,y\nA,1\nB,2\nA,1.5\nB,3\n")
    (tmp_path / "new.csv").write_text("c\nA\nZ\n\n")
    model, out = str(tmp_path / "m.safetensors"), str(tmp_path / "p.csv")
    output(capsys, "fit", str(tmp_path / "t.csv"), "--formula", "y ~ c", "--save", model)
    said = output(capsys, "predict", model, str(tmp_path / "new.csv"), "--unseen", "nan", "--out", out)
    assert "empty, an input is missing or a level unseen there" in said
