"""Levels of a category that no row has which counts: lm in R and statsmodels code what is left after dropping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
import statsmodels.formula.api as smf

import gradline as gl
from gradline.errors import ColumnError, DataError


def frame() -> pd.DataFrame:
    """Level a of c and level q of b are only in rows that lack x; other rows lack y."""
    rng = np.random.default_rng(4)
    n = 90
    c, b = np.array(list("abcd"))[rng.integers(0, 4, n)], np.array(list("pqrs"))[rng.integers(0, 4, n)]
    x, y = rng.normal(size=n), rng.normal(size=n)
    x[(c == "a") | (b == "q")] = np.nan
    y[::11] = np.nan
    return pd.DataFrame({"y": y, "x": x, "z": rng.normal(size=n), "c": c, "b": b, "w": rng.uniform(1, 2, n)})


FRAME = frame()

KINDS: dict[str, Callable[[Path], Any]] = {
    "pandas": lambda folder: FRAME,
    "categorical": lambda folder: FRAME.astype({"c": "category", "b": "category"}),
    "polars": lambda folder: pl.from_pandas(FRAME, nan_to_null=True),
    "arrow": lambda folder: pa.Table.from_pandas(FRAME),
    "stream": lambda folder: [FRAME[:20], FRAME[20:21], FRAME[21:]],
    "csv": lambda folder: _csv(folder),
    "parquet": lambda folder: _parquet(folder),
    "sql": lambda folder: gl.sql(f"select * from '{_parquet(folder)}'"),
}


def _csv(folder: Path) -> Path:
    FRAME.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def _parquet(folder: Path) -> Path:
    pa.parquet.write_table(pa.Table.from_pandas(FRAME), folder / "t.parquet", row_group_size=7)
    return folder / "t.parquet"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("formula", ["y ~ x + c", "y ~ x + c + b", "y ~ x + x:c", "y ~ x + c - 1", "y ~ x*c + b"])
def test_the_rows_that_are_left_say_which_levels_there_are(kind: str, formula: str, tmp_path: Path) -> None:
    complete = FRAME.dropna(subset=["x", "y"])
    theirs = smf.ols(formula, complete).fit()
    ours = gl.fit(KINDS[kind](tmp_path), formula=formula)
    assert sorted(ours.names) == sorted(theirs.params.index)
    np.testing.assert_allclose(ours.params, theirs.params[ours.names], rtol=1e-9)
    np.testing.assert_allclose(ours.se, theirs.bse[ours.names], rtol=1e-9)
    assert not ours.aliased
    np.testing.assert_allclose(ours.predict(complete), theirs.predict(complete), rtol=1e-9)


def test_the_base_is_the_first_level_that_has_rows() -> None:
    table = {"y": [1, 2, 4, 3, 5, 9], "a": [None, None, 1, 2, 3, 5], "c": list("aabbcc")}
    fit = gl.fit(pd.DataFrame(table), formula="y ~ a + c")
    assert fit.names == ["Intercept", "a", "c[T.c]"]
    assert fit.recipe.levels == (("b", "c"),)
    assert "levels that no row left has are left out: c[a]" in fit.notes


def test_combinations_of_levels_that_are_left() -> None:
    ours = gl.fit(FRAME, formula="y ~ x + b:c - 1")
    assert not [name for name in ours.names if "a]" in name or "q]" in name]
    assert len(ours.names) == 1 + 3 + 3 * 2  # as formulaic codes them: all of one, less the base of the other


@pytest.mark.parametrize("option", ["weights", "frequency_weights"])
def test_rows_of_weight_0_have_no_level(option: str) -> None:
    table = FRAME.assign(w=np.where(FRAME.c == "d", 0.0, FRAME.w))
    left = table[table.w > 0]
    fits = [gl.fit(rows, formula="y ~ x + c", **{option: "w"}) for rows in (table, left)]
    assert fits[0].names == fits[1].names == ["Intercept", "x", "c[T.c]"]
    np.testing.assert_array_equal(fits[0].params, fits[1].params)
    assert "levels that no row left has are left out: c[a], c[d]" in fits[0].notes


@pytest.mark.parametrize("kind", KINDS)
def test_a_base_without_rows_is_refused(kind: str, tmp_path: Path) -> None:
    words = "the base 'a' of 'c' has no row left: each lacks a value or has weight 0.\nlevels with rows: b, c, d"
    with pytest.raises(ColumnError) as caught:
        gl.fit(KINDS[kind](tmp_path), formula="y ~ x + C(c, Treatment('a'))")
    assert str(caught.value) == words


def test_without_any_row_left_the_rows_are_what_is_missing() -> None:
    for table in (FRAME.assign(x=np.nan), FRAME.assign(c=None), FRAME[:0]):
        for formula in ("y ~ x + c", "y ~ x + C(c, Treatment('a'))", "y ~ x:c + b - 1"):
            with pytest.raises(DataError, match="no rows left to fit"):
                gl.fit(table, formula=formula)


def test_a_base_that_is_the_number_0_is_named() -> None:
    table = pd.DataFrame({"y": [1.0, 2, 4, 3, 5], "a": [None, 1, 2, 3, 5], "k": [0, 1, 1, 2, 2]})
    with pytest.raises(ColumnError, match="the base '0' of 'k' has no row left"):
        gl.fit(table, formula="y ~ a + C(k, Treatment(0))")
    with pytest.raises(ColumnError, match="the base '0' is not a level of 'k'"):
        gl.fit(table[1:], formula="y ~ a + C(k, Treatment(0))")


def test_a_level_that_was_left_out_is_unseen_by_predict() -> None:
    fit = gl.fit(FRAME, formula="y ~ x + c")
    new = pd.DataFrame({"x": [0.5, 0.5], "c": ["b", "a"]})
    with pytest.raises(DataError, match=r"the level 'a' of 'c' in the DataFrame, row 1 "):
        fit.predict(new)
    assert np.isnan(fit.predict(new, unseen="nan")).tolist() == [False, True]


def test_moments_keep_what_was_left_out(tmp_path: Path) -> None:
    moments = gl.Moments.of(FRAME, formula="y ~ x + c")
    moments.save(tmp_path / "m.safetensors")
    loaded = gl.Moments.load(tmp_path / "m.safetensors")
    assert loaded.unused == moments.unused == (("c", "a"),)
    assert loaded.fit().notes == moments.fit().notes
    assert (moments + loaded).unused == (loaded - moments).unused == (("c", "a"),)


def test_text_by_mistake_is_named_though_its_row_was_dropped() -> None:
    table = pd.DataFrame({"y": [1.0, 2, 4, 3, 5, np.nan], "km": ["1", "2", "2", "3", "1", "n/a"]})
    notes = gl.fit(table, formula="y ~ km").notes
    assert [note for note in notes if note.startswith("km is text and so a category: 3 of its 4 levels are numbers")]
