"""Weights of both meanings, beside statsmodels, from Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import torch
from torch.utils.data import DataLoader, TensorDataset

import gradline as gl
from gradline.cli import main

ROWS = 300
FEATURES = ["a", "b"]


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    columns = {name: rng.normal(size=ROWS) for name in FEATURES}
    y = 1 + 2 * columns["a"] - columns["b"] + rng.normal(size=ROWS)
    return pd.DataFrame({**columns, "y": y, "w": rng.uniform(0.1, 4, ROWS), "k": rng.integers(0, 5, ROWS)})


def design(table: pd.DataFrame) -> pd.DataFrame:
    return sm.add_constant(table[FEATURES])


def test_frequency_weights_are_repeated_rows(table: pd.DataFrame) -> None:
    """All figures, degrees of freedom among them; GLM has the same estimates and standard errors."""
    fit = gl.fit(table, target="y", features=FEATURES, frequency_weights="k")
    repeated = table.loc[table.index.repeat(table["k"])]
    ols = sm.OLS(repeated["y"], design(repeated)).fit()
    glm = sm.GLM(table["y"], design(table), freq_weights=table["k"]).fit()
    for peer in (ols, glm):
        np.testing.assert_allclose(fit.params, peer.params, rtol=1e-12)  # statsmodels' own rounding
        np.testing.assert_allclose(fit.se, peer.bse, rtol=1e-12)
    np.testing.assert_allclose(fit.conf_int(), ols.conf_int(), rtol=1e-11)
    for ours, name in (
        *((fit.r2, "rsquared"), (fit.adj_r2, "rsquared_adj"), (fit.log_likelihood, "llf")),
        *((fit.aic, "aic"), (fit.bic, "bic"), (fit.f, "fvalue"), (fit.df_resid, "df_resid")),
    ):
        np.testing.assert_allclose(ours, getattr(ols, name), rtol=1e-12, err_msg=name)
    assert (fit.nobs, fit.rows, fit.left_out) == (table["k"].sum(), ROWS, (table["k"] == 0).sum())


def test_frequency_weights_that_are_not_whole(table: pd.DataFrame) -> None:
    fit = gl.fit(table, target="y", features=FEATURES, frequency_weights="w")
    peer = sm.GLM(table["y"], design(table), freq_weights=table["w"]).fit()
    np.testing.assert_allclose(fit.params, peer.params, rtol=1e-12)
    np.testing.assert_allclose(fit.se, peer.bse, rtol=1e-12)
    np.testing.assert_allclose(fit.nobs, table["w"].sum(), rtol=1e-15)
    assert f" {fit.nobs:.6g} rows " in repr(fit)


@pytest.mark.parametrize("option", ["weights", "frequency_weights"])
@pytest.mark.parametrize("kind", [list, iter, "loader"])
def test_values_beside_a_stream_that_knows_its_targets(kind: Any, option: str, table: pd.DataFrame) -> None:
    features, target, values = table[FEATURES].to_numpy(), table["y"].to_numpy(), table["w"].to_numpy()
    pairs = [(features[:70], target[:70]), (features[70:], target[70:])]
    stream: Any = kind(pairs) if callable(kind) else DataLoader(TensorDataset(*map(torch.tensor, (features, target))))
    fit = gl.fit(stream, **{option: values})
    expected = gl.fit(features, target, **{option: values})
    assert (fit.targets, fit.nobs) == (expected.targets, expected.nobs)
    np.testing.assert_array_equal(fit.params, expected.params)


@pytest.mark.parametrize("formula", ["y ~ a + b", "y ~ a + b + C(k)"])
def test_inverse_variances_are_wls(formula: str, table: pd.DataFrame) -> None:
    import statsmodels.formula.api as smf

    fit = gl.fit(table, formula=formula, weights="w")
    peer = smf.wls(formula, table, weights=table["w"]).fit()
    np.testing.assert_allclose(fit.params, peer.params[list(fit.names)], rtol=1e-11)
    np.testing.assert_allclose(fit.se, peer.bse[list(fit.names)], rtol=1e-11)
    np.testing.assert_allclose([fit.r2, fit.log_likelihood, fit.aic], [peer.rsquared, peer.llf, peer.aic], rtol=1e-12)


@pytest.mark.parametrize("option", ["weights", "frequency_weights"])
def test_a_weight_of_zero_is_a_row_that_is_not_there(option: str, table: pd.DataFrame) -> None:
    table.loc[table.index % 3 == 0, "w"] = 0.0
    table.loc[0, "a"] = np.nan
    fit = gl.fit(table, target="y", features=FEATURES, **{option: "w"})
    without = gl.fit(table[table["w"] > 0], target="y", features=FEATURES, **{option: "w"})
    # Cut into other chunks, the sums differ in their thirtieth digit, and the answer in no digit that is kept.
    np.testing.assert_array_equal(fit.params, without.params)
    np.testing.assert_array_equal(fit.se, without.se)
    assert (fit.nobs, fit.df_resid, fit.log_likelihood) == (without.nobs, without.df_resid, without.log_likelihood)


@pytest.mark.parametrize("option", ["weights", "frequency_weights"])
@pytest.mark.parametrize(("bad", "shown"), [(-1.5, "-1.5"), (np.nan, "nan"), (np.inf, "inf")])
@pytest.mark.parametrize("kind", ["frame", "csv", "parquet", "array"])
def test_a_weight_that_is_none(
    kind: str, bad: float, shown: str, option: str, table: pd.DataFrame, tmp_path: Path
) -> None:
    table.loc[7, "w"] = bad
    data: Any = table
    weights: Any = "w"
    if kind == "csv":
        table.to_csv(data := tmp_path / "t.csv", index=False)
    elif kind == "parquet":
        table.to_parquet(data := tmp_path / "t.parquet")
    elif kind == "array":
        weights, data = table["w"].to_numpy(), table.drop(columns="w")
    name = "weights" if kind == "array" else "w"
    with pytest.raises(gl.DataError, match=rf"weight in column '{name}' of .* is {shown} at row 7") as caught:
        gl.fit(data, target="y", features=FEATURES, **{option: weights})
    assert len(str(caught.value).splitlines()) == 2


def test_weights_that_are_text(table: pd.DataFrame) -> None:
    with pytest.raises(gl.ColumnError, match=r"weights 'city' in .* is text.*\n.*for weights=: a,b,y,w,k$"):
        gl.fit(table.assign(city="A"), target="y", features="a", weights="city")


# ---------------------------------------------------------------- the command line


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


@pytest.mark.parametrize(
    ("options", "request_"),
    [
        (["--weights", "w"], {"weights": "w"}),
        (["--frequency-weights", "k"], {"frequency_weights": "k"}),
        (["--frequency-weights", "k", "--where", "k > 1"], {"frequency_weights": "k", "where": "k > 1"}),
    ],
)
def test_weights_on_the_command_line(
    options: list[str], request_: dict[str, Any], table: pd.DataFrame, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "t.parquet"
    table.to_parquet(path)
    ask = ["fit", str(path), "--target", "y", "--features", "a,b", *options]
    record = json.loads(run(capsys, *ask, "--json"))
    fit = gl.fit(path, target="y", features=FEATURES, **request_)
    assert (record["params"], record["se"]) == (fit.params.tolist(), fit.se.tolist())
    assert (record["nobs"], record["weighted"]) == (fit.nobs, "weights" in request_)
    text = run(capsys, *ask)
    if "--weights" in options:
        assert "300 rows" in text
        assert "weighted" in text
    else:
        used = fit.rows - fit.left_out
        assert f"{used} rows" in text
        assert f"standing for {fit.nobs} (frequency weights)" in text


def test_all_columns_but_target_and_weights_are_features(table: pd.DataFrame, tmp_path: Path, capsys: Any) -> None:
    table.to_csv(tmp_path / "t.csv", index=False)
    record = json.loads(run(capsys, "fit", str(tmp_path / "t.csv"), "--target", "y", "--weights", "w", "--json"))
    assert record["names"] == ["Intercept", "a", "b", "k"]


def test_explain_reads_nothing(table: pd.DataFrame, tmp_path: Path, capsys: Any) -> None:
    """Every page is damaged, which only reading can tell."""
    path = tmp_path / "t.parquet"
    table.to_parquet(path, row_group_size=100, compression="gzip")
    content = bytearray(path.read_bytes())
    footer = 8 + int.from_bytes(content[-8:-4], "little")
    content[4:-footer] = bytes(len(content) - 4 - footer)
    path.write_bytes(content)
    ask = ["fit", str(path), "--target", "y", "--features", "a,b", "--weights", "w"]
    assert "double-double" in run(capsys, *ask, "--explain")
    assert main(ask) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert str(gl.plan(path, "y", features=FEATURES, precision="float64")) == run(
        capsys, *ask[:-2], "--precision", "float64", "--explain"
    ).rstrip("\n")
    formula = "y ~ scale(a) + log(b) + center(b)"
    assert "before it, one reading for what scale(a), center(b) must know of whole columns" in run(
        capsys, "fit", str(path), "--formula", formula, "--explain"
    )
    fit = gl.fit(table, formula=formula)
    assert fit.plan is not None
    assert fit.plan.before == ("scale(a)", "center(b)")
    fit.save(tmp_path / "m.safetensors")
    assert gl.load(tmp_path / "m.safetensors").plan == fit.plan


def test_checkpoint_is_kept_and_gone_on_from(table: pd.DataFrame, tmp_path: Path, capsys: Any) -> None:
    path, checkpoint = tmp_path / "t.parquet", tmp_path / "c.safetensors"
    table.to_parquet(path, row_group_size=50)
    ask = ["fit", str(path), "--target", "y", "--features", "a,b", "--frequency-weights", "k", "--json"]
    whole = json.loads(run(capsys, *ask))
    records = [json.loads(run(capsys, *ask, "--checkpoint", str(checkpoint))) for _ in range(2)]
    for record in (whole, *records):
        record.pop("seconds")
    assert records == [whole, whole]
    assert checkpoint.exists()
    assert main([*ask[:-3], "--weights", "w", "--checkpoint", str(checkpoint)]) == 2
    assert "checkpoint of other data or of another model" in " ".join(capsys.readouterr().err.split())
