"""New rows for a model: columns by name or by position, never a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

import gradline as gl
from gradline.design.newdata import height, predictors
from gradline.design.polynomial import polynomial
from gradline.design.terms import Term, column_term, powers
from gradline.errors import ColumnError, OptionError, ShapeError, SourceError
from gradline.sources import CHUNK

TERMS = (column_term("a"), column_term("b"))
X = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0]])
FRAME = pd.DataFrame({"b": X[:, 1], "t": list("uvw"), "a": X[:, 0]})


def high(data: Any, terms: tuple[Term, ...] = TERMS, **options: Any) -> np.ndarray:
    """(n, terms) high words of all chunks."""
    return np.concatenate([np.column_stack(rows.hi) for rows in predictors(data, terms, **options).blocks()])


def test_named_tables_by_name_and_arrays_by_position(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    FRAME.to_parquet(tmp_path / "t.parquet")
    sources = [FRAME, pl.from_pandas(FRAME), pa.Table.from_pandas(FRAME), tmp_path / "t.csv", str(tmp_path / "t.pa*")]
    for data in [*sources, X, X.tolist(), torch.tensor(X)]:
        np.testing.assert_array_equal(high(data), X)  # the missing value stays


def test_powers_and_products_are_made_of_the_new_columns() -> None:
    terms = (Term("b:a", (("b", 1), ("a", 1))), Term("a^2", (("a", 2),)))
    np.testing.assert_array_equal(high(FRAME, terms), np.column_stack([X[:, 0] * X[:, 1], X[:, 0] ** 2]))
    np.testing.assert_array_equal(high(X[:, ::-1], terms), high(FRAME, terms))  # by position: b is used first
    [(_, _, lo, _)] = predictors(np.array([0.1]), powers("x", 2)).blocks()
    assert lo[0] is None
    assert lo[1][0] != 0


def test_one_column_in_any_form() -> None:
    column = X[:, 0]
    for data in (column, column[:, None], pd.Series(column, name="a"), pl.Series("a", column), polynomial(column, 2)):
        np.testing.assert_array_equal(high(data, (column_term("a"),))[:, 0], column)


def test_tables_for_a_model_of_an_array() -> None:
    terms = (column_term("x1"), column_term("x2"))
    np.testing.assert_array_equal(high(FRAME[["a", "b"]], terms, array_names=True), X)
    named = pd.DataFrame({"x2": X[:, 1], "x1": X[:, 0]})
    np.testing.assert_array_equal(high(named, terms, array_names=True), X)
    with pytest.raises(ColumnError, match="no column 'x1'"):
        predictors(FRAME[["a", "b"]], terms)
    with pytest.raises(ColumnError, match="no column 'x1'"):
        predictors(FRAME, terms, array_names=True)


def test_chunks() -> None:
    chunks = [rows.rows for rows in predictors(np.zeros((4 * CHUNK + 2, 2)), TERMS).blocks()]
    assert sum(chunks) == 4 * CHUNK + 2
    assert list(predictors(np.zeros((0, 2)), TERMS).blocks()) == []


def test_conditions(penguins: Path) -> None:
    assert len(high(penguins, (column_term("year"),), where="year = 2008")) == 114


def test_how_many_rows(penguins: Path) -> None:
    assert height(X) == height(FRAME) == height(polynomial(X[:, 0], 2)) == 3
    assert height(penguins) == 344
    assert height(penguins, where="year = 2008") == 114


def test_rows_are_counted_by_a_column_of_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\nx\ny\n")
    with pytest.raises(ColumnError, match=r"t\.csv has no numeric column"):
        height(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (FRAME[["a", "t"]], ColumnError, "no column 'b' in the DataFrame.*\ncolumns: a, t"),
        (FRAME.rename(columns={"a": "A"}), ColumnError, "no column 'a' .*Did you mean 'A'"),
        (FRAME.assign(a="x"), ColumnError, "column 'a' in the DataFrame is text"),
        (np.zeros((4, 3)), ShapeError, r"shape \(4, 3\) and the model needs \(n, 2\)\.\nIts columns: a, b"),
        (np.zeros((4, 1)), ShapeError, r"shape \(4, 1\)"),
        (np.zeros(2), ShapeError, r"needs \(n, 2\)\.\nFor one row, reshape"),
        (np.zeros((2, 2, 2)), ShapeError, r"\(2, 2, 2\)"),
        (pd.Series([1.0, 2.0]), ColumnError, "no column 'a'"),
        ("gone.csv", SourceError, "no file 'gone.csv'"),
        (polynomial([1.0], 2), ShapeError, "the model needs"),
    ],
)
def test_refused(data: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        list(predictors(data, TERMS).blocks())


def test_conditions_are_for_files() -> None:
    with pytest.raises(OptionError, match="files and databases, and"):
        predictors(X, TERMS, where="a > 0")


@pytest.mark.parametrize("levels", [["1", "2", "3"], [1, 2, 3], [True, False, True]])
def test_digits_are_the_same_levels_in_any_kind_of_table(levels: list[Any], tmp_path: Path) -> None:
    rows = pd.DataFrame({"g": levels * 4, "y": np.random.default_rng(0).normal(size=12)})
    rows.to_csv(tmp_path / "t.csv", index=False)
    texts = rows.assign(g=[str(level) for level in rows.g])
    tables = (rows, texts, tmp_path / "t.csv")
    for fit in [gl.fit(each, formula="y ~ C(g)") for each in tables]:
        for new in tables:
            np.testing.assert_allclose(fit.predict(new), gl.fit(texts, formula="y ~ C(g)").predict(texts))


def test_a_level_that_only_looks_alike_is_none() -> None:
    fit = gl.fit(pd.DataFrame({"g": ["01", "2"] * 3, "y": np.arange(6.0)}), formula="y ~ C(g)")
    with pytest.raises(gl.DataError, match="the level '1' of 'g'"):
        fit.predict(pd.DataFrame({"g": [1, 2]}))
