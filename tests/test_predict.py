"""Predictions for new rows: by name, with categories, in chunks, and to files that appear whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
import io
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import formulaic
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from pyarrow import parquet

import gradline as gl
from gradline.cli import main
from gradline.cli.predict import _Answer, _write_csv
from gradline.errors import ColumnError, DataError, OptionError
from gradline.results.fit import Fit
from gradline.results.prediction import Prediction, predictions

PENGUINS = Path(__file__).parent.parent / "examples" / "penguins.csv"
FORMULAS = [
    "body_mass_g ~ species * flipper_length_mm + sex",
    "body_mass_g ~ C(species, Treatment('Gentoo')):C(year) + log(bill_length_mm) - 1",
    "body_mass_g ~ C(year) + center(bill_depth_mm):sex + I(bill_length_mm**2)",
    "log(body_mass_g) ~ scale(flipper_length_mm) + species:sex + C(year):bill_length_mm",
]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(PENGUINS)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (
            "y ~ x",
            r"column 'x' in the DataFrame is infinite \(-inf\) at row 70002 \(the first row is 0\)\.\nReplace it",
        ),
        ("y ~ poly(x, 2)", "column 'x' in the DataFrame is infinite"),
        ("y ~ log(w)", r"column 'log\(w\)' in the DataFrame is infinite \(-inf\) at row 70001 "),
        ("y ~ x:w", r"column 'x:w' in the DataFrame is infinite \(-inf\) at row 70002 "),
        ("y ~ g*x", r"column 'x' in the DataFrame is infinite \(-inf\) at row 70002 "),
        ("y ~ u + x", r"column 'x' in the DataFrame is infinite \(-inf\) at row 70002 "),
    ],
)
def test_an_infinite_input_is_refused_and_a_missing_one_is_nan(formula: str, words: str) -> None:
    rng = np.random.default_rng(8)
    known = pd.DataFrame({"x": rng.normal(size=40), "w": rng.uniform(1, 2, 40), "g": ["a", "b"] * 20})
    known["u"] = known["x"] * 2  # so that x is aliased, and counts as 0
    fit = gl.fit(known.assign(y=rng.normal(size=40)), formula=formula)
    new = pd.concat([known] * 1800, ignore_index=True)
    new.loc[[3, 70_000], ["x", "w", "u"]] = np.nan
    assert np.flatnonzero(np.isnan(fit.predict(new))).tolist() == [3, 70_000]
    new.loc[70_001, "w"] = 0.0
    new.loc[70_002, "x"] = -np.inf
    new.loc[70_003, "x"] = np.inf
    for interval in (None, "mean"):
        with np.errstate(divide="ignore"), pytest.raises(DataError, match=words):
            fit.predict(new, interval=interval)


@pytest.mark.parametrize("formula", FORMULAS)
def test_beside_statsmodels(formula: str, table: pd.DataFrame) -> None:
    complete = table.dropna()
    ours = gl.fit(complete, formula=formula)
    y, X = formulaic.model_matrix(formula, complete)
    theirs = sm.OLS(y, X).fit()
    assert ours.names == theirs.model.exog_names
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-7)
    np.testing.assert_allclose(ours.se, theirs.bse, rtol=1e-7)
    found = theirs.get_prediction(X).summary_frame(alpha=0.1)
    for interval, stem in (("mean", "mean_ci"), ("prediction", "obs_ci")):
        answer = ours.predict(complete, interval=interval, level=0.9)
        np.testing.assert_allclose(answer.fit, found["mean"], rtol=1e-9)
        np.testing.assert_allclose(answer.lower, found[f"{stem}_lower"], rtol=1e-8)
        np.testing.assert_allclose(answer.upper, found[f"{stem}_upper"], rtol=1e-8)


def test_rows_with_gaps_are_left_out_and_named(table: pd.DataFrame) -> None:
    formula = "body_mass_g ~ sex + log(bill_length_mm) + species"
    ours = gl.fit(table, formula=formula)
    theirs = smf.ols(formula.replace("log", "np.log"), table).fit()
    assert ours.nobs == theirs.nobs == 333
    assert dict(ours.missing) == {"sex": 11, "log(bill_length_mm)": 2, "body_mass_g": 2}
    wanted = theirs.params.rename(lambda name: name.replace("np.", ""))
    np.testing.assert_allclose(ours.params, wanted[ours.names], rtol=1e-9)


@pytest.fixture(scope="module")
def model(table: pd.DataFrame) -> Fit:
    return gl.fit(
        table, formula="body_mass_g ~ species*sex + C(year) + center(bill_length_mm):sex + I(bill_depth_mm**2)"
    )


def test_any_table_in_any_order(model: Fit, table: pd.DataFrame, tmp_path: Path) -> None:
    wanted = model.predict(table)
    assert len(wanted) == len(table)
    assert np.flatnonzero(np.isnan(wanted)).tolist() == np.flatnonzero(table.isna().any(axis=1)).tolist()
    turned = table[table.columns[::-1]].drop(columns="body_mass_g")
    turned.to_parquet(tmp_path / "t.parquet")
    turned.to_csv(tmp_path / "t.csv", index=False)
    path = tmp_path / "m.safetensors"
    model.save(path)
    tables: list[Any] = [
        turned,
        turned.astype({"species": "category", "year": float}),
        pl.from_pandas(turned),
        pa.Table.from_pandas(turned),
        tmp_path / "t.parquet",
        tmp_path / "t.csv",
    ]
    for fit in (model, gl.load(path)):
        for data in tables:
            np.testing.assert_array_equal(fit.predict(data), wanted)
    wide = model.predict(turned, interval="prediction")
    np.testing.assert_array_equal(wide.fit, wanted)
    assert np.isnan(wide.lower).tolist() == np.isnan(wanted).tolist()


def test_a_saved_recipe_is_the_same(model: Fit, tmp_path: Path) -> None:
    model.save(tmp_path / "m.safetensors")
    loaded = gl.load(tmp_path / "m.safetensors")
    assert loaded.recipe == model.recipe
    assert loaded.terms == model.terms
    assert model.recipe.levels == (("Adelie", "Chinstrap", "Gentoo"), ("female", "male"), (2007, 2008, 2009))
    assert [type(level) for level in loaded.recipe.levels[2]] == [int] * 3


def test_unseen_levels(model: Fit, table: pd.DataFrame) -> None:
    new = table.dropna().head(6).reset_index(drop=True)
    wanted = model.predict(new)
    new.loc[4, "species"] = "Emperor"
    new.loc[5, "year"] = 2020
    words = r"'Emperor' of 'species' in the DataFrame, row 4 .*\nlevels: Adelie, Chinstrap, Gentoo\. Use unseen="
    with pytest.raises(DataError, match=words) as caught:
        model.predict(new)
    assert len(str(caught.value).splitlines()) <= 3
    with pytest.raises(DataError, match=r"level '2020' of 'year' .* row 5"):
        model.predict(new.drop(index=4).reset_index(drop=True).reindex([0, 1, 2, 3, 0, 4]).reset_index(drop=True))
    answer = model.predict(new, unseen="nan", interval="mean")
    for part in answer:
        assert np.isnan(part).tolist() == [False] * 4 + [True] * 2
    np.testing.assert_array_equal(answer.fit[:4], wanted[:4])
    with pytest.raises(OptionError, match="unseen is"):
        model.predict(new, unseen="skip")


def test_columns_that_are_not_what_they_were(model: Fit, table: pd.DataFrame) -> None:
    with pytest.raises(ColumnError, match=r"no column 'species' .*Did you mean 'Species'"):
        model.predict(table.rename(columns={"species": "Species"}))
    with pytest.raises(ColumnError, match="'bill_depth_mm' in the DataFrame is text"):
        model.predict(table.assign(bill_depth_mm="x"))
    with pytest.raises(ColumnError, match="'sex' in the DataFrame is datetime; the model has a category there"):
        model.predict(table.assign(sex=pd.Timestamp("2024-01-01")))
    with pytest.raises(DataError, match=r"level '1' of 'sex' .* row 0"):
        model.predict(table.assign(sex=1))


def test_cells_that_no_row_had(table: pd.DataFrame) -> None:
    complete = table.dropna()
    fit = gl.fit(complete, formula="body_mass_g ~ species*island")
    assert len(fit.aliased) == 4
    X = formulaic.model_matrix("species*island", complete).to_numpy(float)
    wanted = X @ np.linalg.lstsq(X, complete["body_mass_g"].to_numpy(float), rcond=None)[0]
    np.testing.assert_allclose(fit.predict(complete), wanted, rtol=1e-9)


CELLS = pd.DataFrame(
    {
        "y": [100.0, 101, 102, 103, 104, 105.5, 99],
        "c": list("aabbbba"),
        "d": list("uuuvvvu"),
        "e": list("ppqqqqp"),  # as c
        "x": [1.0, 2, 4, 3, 5, 9, 7],
        "z": [0.0, 0, 1, 2, 0, 4, 0],  # 0 wherever c is a
    }
)
CELLS["x2"] = 2 * CELLS["x"]
OTHERS = pd.DataFrame(
    [
        (c, d, e, x, z, x2)
        for c in "ab"
        for d in "uv"
        for e in "pq"
        for x, z, x2 in ((0.0, 0, 0), (1, 0, 2), (1, 0, 50), (3, 1, 6))
    ],
    columns=["c", "d", "e", "x", "z", "x2"],
)
OPEN = [
    "c:d - 1",
    "c*d",
    "c/d",
    "c:d:x",
    "c:x:d - 1",
    "x + x2",
    "c*x + x2",
    "c + e",
    "c*z",
    "d*x2 + c:d + x",
    "c*d + x*x2",
]


@pytest.mark.parametrize("min_norm", [False, True])
@pytest.mark.parametrize("formula", OPEN)
def test_rows_that_the_data_leave_open_are_counted_and_keep_their_values(formula: str, min_norm: bool) -> None:
    fit = gl.fit(CELLS, formula=f"y ~ {formula}", aliased="min-norm" if min_norm else "nan")
    both = formulaic.model_matrix(formula, pd.concat([CELLS, OTHERS])).to_numpy(float)
    known, new = both[: len(CELLS)], both[len(CELLS) :]
    # What a row asks is answered if the row is a sum of rows of the fit, so that the rank stays what it is.
    rank = np.linalg.matrix_rank(known)
    left_open = np.array([np.linalg.matrix_rank(np.vstack([known, row])) > rank for row in new])
    assert 0 < left_open.sum() < len(new)
    words = (
        rf"^{left_open.sum()} of {len(new)} predictions (is|are) arbitrary, the first in row {left_open.argmax()} "
    )
    with pytest.warns(gl.GradlineWarning, match=words) as caught:
        answer = fit.predict(OTHERS, interval="mean")
    assert len(caught) == 1
    assert len(str(caught[0].message).splitlines()) == 3
    np.testing.assert_allclose(answer.fit, new @ np.nan_to_num(fit.params), atol=1e-9)
    assert np.isfinite(answer.upper).all()
    determined = OTHERS[~left_open]
    np.testing.assert_array_equal(fit.predict(determined), answer.fit[~left_open])
    fit.predict(CELLS, interval="prediction")


def test_a_combination_of_levels_never_seen_may_be_nan() -> None:
    fit = gl.fit(CELLS, formula="y ~ c*d + x + x2")
    new = pd.DataFrame({"c": list("abab"), "d": list("uvvv"), "x": 1.0, "x2": [2.0, 2, 2, 50]})
    with pytest.warns(
        gl.GradlineWarning, match=r"^2 of 4 .* row 2 .*\n.*c\[T\.b\]:d\[T\.v\] = .*\nUse unseen=\"nan\""
    ):
        wanted = fit.predict(new)
    with pytest.warns(gl.GradlineWarning, match=r"^1 of 4 .* is .* row 3 .*\n.* x2 = 2·x, .*\nLeave such rows out"):
        answer = fit.predict(new, interval="mean", unseen="nan")
    for part in answer:
        assert np.isnan(part).tolist() == [False, False, True, False]
    np.testing.assert_array_equal(answer.fit[[0, 1, 3]], wanted[[0, 1, 3]])
    # Of a row that breaks both, its levels are the reason.
    np.testing.assert_array_equal(np.isnan(fit.predict(new.assign(x2=[2, 2, 50, 2]), unseen="nan")), [0, 0, 1, 0])
    fit.predict(new.assign(c=["a", None, None, "b"], x2=[np.nan, 50, 2, 2]))  # NaN as they stand
    two = pd.DataFrame({"c": "a", "d": "v", "x": [np.nan, 1.0]})  # one combination, looked at once
    with pytest.warns(gl.GradlineWarning, match="^1 of 2 predictions is arbitrary, the first in row 1 "):
        gl.fit(CELLS, formula="y ~ c*d + x").predict(two)


def test_rows_left_open_are_numbered_over_chunks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = gl.fit(CELLS, formula="y ~ x + x2")
    new = pd.DataFrame({"x": np.arange(140_000.0), "x2": 2 * np.arange(140_000.0)})
    assert len(fit.predict(new)) == 140_000
    new.loc[[70_001, 70_002, 139_999], "x2"] += [1.0, np.nan, -3.0]
    with pytest.warns(gl.GradlineWarning, match=r"^2 of 140000 .* row 70001 "):
        fit.predict(new)
    fit.save(tmp_path / "m")
    new.to_parquet(tmp_path / "new.parquet")
    assert main(["predict", str(tmp_path / "m"), str(tmp_path / "new.parquet")]) == 0
    said = capsys.readouterr()
    assert said.err.count("2 of 140000 predictions") == said.err.count("warning: ") == 1
    assert len(said.out.splitlines()) == 140_001


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rounding_breaks_no_relation(kind: type) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(500, 3)) * [1e-3, 1.0, 1e6] + [0, 1e3, -1e6]
    X = np.column_stack([X, X @ [1e6, 2, 0.3] + 7, X[:, 0] / 3, np.full(500, 0.1)]).astype(kind)
    fit = gl.fit(X, rng.normal(size=(500, 2)))
    assert len(fit.aliased) == 3
    fit.predict(X, interval="mean")
    fit.predict(X.astype(np.float32))  # as are new rows
    for column in (3, 4, 5):
        new = X.copy()
        new[7, column] *= 1.001
        with pytest.warns(gl.GradlineWarning, match=r"^1 of 500 predictions is arbitrary, the first in row 7 "):
            fit.predict(new)


def test_large_integers_are_related_about_their_origin() -> None:
    x = 2**53 + np.arange(40) * 2 + 1
    frame = pd.DataFrame({"x": x, "d": x - 5, "y": np.arange(40.0) ** 2})
    fit = gl.fit(frame, target="y")
    assert fit.origin
    assert list(fit.aliased) == ["d"]
    fit.predict(frame)
    with pytest.warns(gl.GradlineWarning, match=r"^40 of 40 .*\n.* have d = 1·x - 5"):
        fit.predict(frame.assign(d=frame["d"] + 2))


def test_nothing_is_left_open_where_nothing_is_aliased() -> None:
    assert not len(gl.fit(CELLS, formula="y ~ c + d + x").relations)
    gl.fit(CELLS, formula="y ~ c*d + x2 + x", l2=1).predict(OTHERS)  # the penalty decides


def test_several_targets_and_no_features(table: pd.DataFrame) -> None:
    complete = table.dropna()
    both = gl.fit(complete, formula="log(body_mass_g) + flipper_length_mm ~ species:bill_length_mm")
    answer = both.predict(complete, interval="mean")
    assert answer.fit.shape == answer.upper.shape == (333, 2)
    for k, target in enumerate(["log(body_mass_g)", "flipper_length_mm"]):
        one = gl.fit(complete, formula=f"{target} ~ species:bill_length_mm").predict(complete, interval="mean")
        for a, b in zip(answer, one, strict=True):
            np.testing.assert_allclose(a[:, k], b, rtol=1e-12)
    mean = gl.fit(complete, formula="body_mass_g ~ 1").predict(complete.head(3), interval="mean")
    np.testing.assert_allclose(mean.fit, complete["body_mass_g"].mean())
    assert (mean.lower < mean.fit).all()


def test_polynomials_within_levels_carry_two_words() -> None:
    x = 1e3 + np.arange(40) / 8
    level = np.array(["u", "v"], object)[np.arange(40) % 2]
    frame = pd.DataFrame({"x": x, "g": level, "y": (x - 1e3) ** 3 + (level == "v") * (x - 1e3)})
    fit = gl.fit(frame, formula="y ~ g*x + poly(x, 3) - x")
    # terms of 1e9 cancel to about 1e2: plain float64 would leave 1e-7
    np.testing.assert_allclose(fit.predict(frame), frame["y"], atol=1e-9)


def test_a_category_of_many_levels_stays_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n, many = 60_000, 2_000
    frame = pd.DataFrame({"g": rng.integers(0, many, n), "h": rng.integers(0, 3, n), "x": rng.normal(size=n)})
    frame["y"] = np.sin(frame["g"]) + frame["x"] * (1 + frame["h"]) + rng.normal(size=n)
    fit = gl.fit(frame, formula="y ~ C(g) + x:C(h)")
    for interval in (None, "mean"):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = fit.predict(frame, interval=interval)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        assert grown < 300, f"{grown:.0f} MB"  # 960 MB as dense columns
    # Within each level of g the residuals add up to nothing, and so they do against x within each level of h.
    residual = frame["y"] - answer.fit
    assert residual.groupby(frame["g"]).sum().abs().max() < 1e-9
    assert (residual * frame["x"]).groupby(frame["h"]).sum().abs().max() < 1e-9


def test_chunks_are_the_answer(model: Fit, table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_parquet(tmp_path / "t.parquet", row_group_size=100)
    seen: list[tuple[int, int | None]] = []
    chunks = list(
        predictions(model, tmp_path / "t.parquet", interval="mean", progress=lambda *done: seen.append(done))
    )
    assert len(chunks) == 4
    assert all(isinstance(chunk, Prediction) for chunk in chunks)
    assert seen[-1] == (344, 344)
    whole = model.predict(table, interval="mean")
    for part, wanted in zip(zip(*chunks, strict=True), whole, strict=True):
        np.testing.assert_array_equal(np.concatenate(part)[:, 0], wanted)


def command(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys\n{before}\nfrom gradline.cli import main\nsys.exit(main(sys.argv[1:]))"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def files(model: Fit, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    model.save("m.safetensors")
    table.to_parquet("new.parquet", row_group_size=90)
    return table


def test_command_to_parquet_and_csv(
    files: pd.DataFrame, model: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = model.predict(files, interval="prediction")
    for out in ("out.parquet", "out.csv"):
        assert main(["predict", "m.safetensors", "new.parquet", "--out", out, "--interval", "prediction"]) == 0
        assert f"Saved {out}: 344 predictions; 11 empty" in capsys.readouterr().out
        read = pd.read_parquet(out) if out.endswith("parquet") else pd.read_csv(out)
        assert list(read.columns) == ["predicted", "lower", "upper"]
        for name, part in zip(read.columns, wanted, strict=True):
            np.testing.assert_array_equal(read[name], part)
    assert main(["predict", "m.safetensors", "new.parquet", "--where", "year = 2008"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + (files["year"] == 2008).sum()
    files.assign(species="Emperor").to_parquet("odd.parquet")
    assert main(["predict", "m.safetensors", "odd.parquet", "--out", "odd.csv"]) == 2
    said = capsys.readouterr().err
    assert "'Emperor' of 'species'" in said
    assert "--unseen nan" in said
    assert not Path("odd.csv").exists()
    assert main(["predict", "m.safetensors", "odd.parquet", "--out", "odd.csv", "--unseen", "nan"]) == 0
    assert "344 empty" in capsys.readouterr().out


@pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
def test_a_full_disk_leaves_nothing(files: pd.DataFrame, out: str) -> None:
    pd.concat([files] * 60).to_parquet("long.parquet")
    Path(out).write_text("old")
    before = sorted(Path().iterdir())
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))"
    done = command("predict", "m.safetensors", "long.parquet", "--out", out, before=full)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) <= 3
    assert f"error: cannot write {out}: " in done.stderr
    assert Path(out).read_text() == "old"
    assert sorted(Path().iterdir()) == before


def test_hard_numbers_in_csv_read_back_the_same() -> None:
    rng = np.random.default_rng(5)
    with np.errstate(all="ignore"):
        bits = rng.integers(0, 2**64, 20_000, np.uint64).view(np.float64)
    hard = np.concatenate(
        [bits, [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 1e22, 1e23, 2.0**53, np.nan, np.inf]]
    )
    for names in (["predicted"], ["predicted", "a,b"]):
        text = io.StringIO()
        rows, empty = _write_csv(text.write, _Answer(names, iter([[hard] * len(names)])))
        assert (rows, empty) == (len(hard), int(np.isnan(hard).sum()))
        read = list(csv.reader(io.StringIO(text.getvalue())))
        assert read[0] == names
        assert len(read) == len(hard) + 1
        back = np.array([float(row[-1] or "nan") for row in read[1:]])
        np.testing.assert_array_equal(back.view(np.uint64)[~np.isnan(hard)], hard.view(np.uint64)[~np.isnan(hard)])
    assert '""\n' in text.getvalue() or len(names) == 2


def test_no_rows_give_a_file_without_rows(files: pd.DataFrame) -> None:
    files.head(0).to_parquet("none.parquet")
    for out in ("none.csv", "out.parquet"):
        assert main(["predict", "m.safetensors", "none.parquet", "--out", out]) == 0
    assert Path("none.csv").read_text() == "predicted\n"
    assert parquet.read_table("out.parquet").num_rows == 0


def test_a_run_predicts_what_was_trained(files: pd.DataFrame, model: Fit) -> None:
    changed = dataclasses.replace(model, estimates=model.estimates * 2, estimates_low=model.estimates_low * 2)
    np.testing.assert_allclose(changed.predict(files), 2 * model.predict(files))
