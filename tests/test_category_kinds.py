"""Columns of any type as categories: levels are what the column holds, whatever chunk they are met in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import statsmodels.formula.api as smf

import gradline as gl
from gradline.errors import ColumnError, DataError


def frame(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    table = pd.DataFrame({"y": rng.normal(size=n), "z": rng.normal(size=n), "x": rng.normal(size=n)})
    table["k"] = 5 * rng.integers(1, 4, n)  # 5, 10 and 15: as text they would sort otherwise
    table["b"] = rng.integers(0, 2, n).astype(bool)
    table["w"] = rng.integers(1, 4, n)
    return table


FRAME = frame()


def _as_parquet(table: pd.DataFrame, folder: Path) -> Any:
    pa.parquet.write_table(pa.Table.from_pandas(table), folder / "t.parquet", row_group_size=11)
    return folder / "t.parquet"


def _as_stream(table: pd.DataFrame, folder: Path) -> Any:
    return [table[:25], table[25:]]


@pytest.mark.parametrize("kind", [lambda table, folder: table, _as_parquet, _as_stream])
@pytest.mark.parametrize("column", ["k", "b"])
def test_categoricals_of_numbers_have_numbers_as_levels(kind: Any, column: str, tmp_path: Path) -> None:
    table = FRAME.astype({column: "category"})
    theirs = smf.ols(f"y ~ C({column}) + x", table).fit()
    ours = gl.fit(kind(table, tmp_path), formula=f"y ~ C({column}) + x")
    assert ours.names == list(theirs.params.index)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-10)
    np.testing.assert_allclose(ours.predict(FRAME), theirs.predict(table), rtol=1e-10)  # there it is no categorical
    assert ours.recipe.levels == ((5, 10, 15) if column == "k" else (False, True),)


def test_a_number_is_a_base_of_a_categorical_of_numbers() -> None:
    table = FRAME.astype({"k": "category"})
    ours = gl.fit(table, formula="y ~ C(k, Treatment(10))")
    assert ours.names == ["Intercept", "C(k, Treatment(10))[T.5]", "C(k, Treatment(10))[T.15]"]


@pytest.mark.parametrize(
    "values",
    [pd.cut(FRAME.x, 3), pd.cut(FRAME.x, [-9, 0, 9]), pd.qcut(FRAME.x, 4), FRAME.k.map(lambda k: (k, "a"))],
    ids=["cut", "edges", "quantiles", "tuples"],
)
def test_categoricals_of_what_is_neither_text_nor_number_have_its_text(values: pd.Series) -> None:
    table = FRAME.assign(q=values.astype("category"))
    ours = gl.fit(table, formula="y ~ q + x")
    theirs = smf.ols("y ~ q + x", table.assign(q=values.astype(str))).fit()
    assert ours.names == list(theirs.params.index)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-10)
    np.testing.assert_allclose(ours.predict(table[5:]), theirs.fittedvalues[5:], rtol=1e-10)


def test_dictionaries_of_numbers_are_joined_as_numbers() -> None:
    parts = [FRAME[:25].astype({"k": "category"}), FRAME[25:].astype({"k": float}).astype({"k": "category"})]
    fit = gl.fit(parts, formula="y ~ k")
    assert fit.recipe.levels == ((5, 10, 15),)
    many = pd.DataFrame({"y": FRAME.y, "k": pd.Categorical(np.arange(60) % 30, range(100))})
    fit = gl.fit([many, many.assign(k=pd.Categorical(np.arange(60) % 60 + 100, range(100, 200)))], formula="y ~ k")
    assert fit.recipe.levels == ((*range(30), *range(100, 160)),)  # more together than codes of 8 bits can tell


def test_text_and_numbers_in_one_category_are_refused(tmp_path: Path) -> None:
    for name, values in (("a", ["a", "b"]), ("b", [5, 6])):
        table = pd.DataFrame({"y": [1.0, 2.0], "k": pd.Categorical(values)})
        pa.feather.write_feather(pa.Table.from_pandas(table), tmp_path / f"{name}.feather")
    words = "category 'k' is text in some rows ('a') and numbers in others (5).\nConvert the column to text."
    with pytest.raises(DataError) as caught:
        gl.fit(str(tmp_path / "*.feather"), formula="y ~ k")
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("type_", "base", "hint"), [(str, "10", "is text: write '10'."), (int, "'10'", "is a number: write 10.")]
)
def test_a_base_of_the_other_type_is_said(type_: type, base: str, hint: str) -> None:
    with pytest.raises(ColumnError) as caught:
        gl.fit(FRAME.astype({"k": type_}), formula=f"y ~ C(k, Treatment({base}))")
    assert str(caught.value).startswith(f"the base '10' is not a level of 'k': there it {hint}\nlevels: ")


@pytest.mark.parametrize("kind", [lambda table, folder: table, _as_parquet, _as_stream])
def test_truth_values_stay_so_beside_missing_ones(kind: Any, tmp_path: Path) -> None:
    table = FRAME.assign(b=FRAME.b.astype("boolean"))
    table.loc[[3, 40], "b"] = pd.NA
    theirs = smf.ols("y ~ C(b) + x", table.dropna().astype({"b": bool})).fit()
    ours = gl.fit(kind(table, tmp_path), formula="y ~ C(b) + x")
    assert ours.names == ["Intercept", "C(b)[T.True]", "x"]
    assert ours.recipe.levels == ((False, True),)
    assert [type(level) for level in ours.recipe.levels[0]] == [bool, bool]
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-10)
    assert np.isnan(ours.predict(kind(table, tmp_path))).nonzero()[0].tolist() == [3, 40]


def test_a_category_of_one_level_still_knows_its_level() -> None:
    table = pd.DataFrame({"y": [1.0, 2.0, 6.0], "c": ["u", "u", "u"]})
    fit = gl.fit(table, formula="y ~ c")
    assert fit.names == ["Intercept"]
    new = pd.DataFrame({"c": ["u", None, "v"]})
    with pytest.raises(DataError, match="the level 'v' of 'c' in the DataFrame, row 2 "):
        fit.predict(new)
    np.testing.assert_array_equal(fit.predict(new, unseen="nan"), [3.0, np.nan, np.nan])
    lower = fit.predict(new, interval="mean", unseen="nan").lower
    assert lower[0] == fit.conf_int()[0, 0]
    assert np.isnan(lower[1:]).all()


def test_several_targets_beside_weights_and_categories() -> None:
    formula = "{} ~ x*C(k) + C(b)"
    both = gl.fit(FRAME, formula=formula.format("y + z"), weights="w")
    often = gl.fit(FRAME, formula=formula.format("y + z"), frequency_weights="w")
    repeated = FRAME.loc[FRAME.index.repeat(FRAME.w)]
    for number, target in enumerate("yz"):
        theirs = smf.wls(formula.format(target), FRAME, weights=FRAME.w).fit()
        np.testing.assert_allclose(both.params[:, number], theirs.params[both.names], rtol=1e-9)
        np.testing.assert_allclose(both.se[:, number], theirs.bse[both.names], rtol=1e-9)
        np.testing.assert_allclose(both.predict(FRAME)[:, number], theirs.predict(FRAME), rtol=1e-9)
        theirs = smf.ols(formula.format(target), repeated).fit()
        np.testing.assert_allclose(often.se[:, number], theirs.bse[often.names], rtol=1e-9)
