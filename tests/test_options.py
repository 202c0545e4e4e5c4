"""Options that are true or false take nothing else: "no" would count as true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gradline as gl
from gradline.sklearn import GradientDescentRegressor, LinearRegression

X, Y = gl.line(seed=0)
MOMENTS = gl.Moments.of(X, Y)

ASKED: dict[str, Callable[[Any], Any]] = {
    "fit intercept": lambda value: gl.fit(X, Y, intercept=value),
    "moments.fit intercept": lambda value: MOMENTS.fit(intercept=value),
    "path standardize": lambda value: gl.path(X, Y, standardize=value),
    "moments.path standardize": lambda value: MOMENTS.path(standardize=value),
    "moments.path intercept": lambda value: MOMENTS.path(intercept=value),
    "crossval per_row": lambda value: gl.crossval(X, Y, per_row=value),
    "crossval standardize": lambda value: gl.crossval(X, Y, standardize=value),
    "subsets intercept": lambda value: gl.subsets(X, Y, intercept=value),
    "train standardize": lambda value: gl.train(X, Y, standardize=value, epochs=2),
    "train shuffle": lambda value: gl.train(X, Y, shuffle=value, epochs=2),
    "train nesterov": lambda value: gl.train(X, Y, nesterov=value, momentum=0.5, epochs=2),
    "train zero_grad": lambda value: gl.train(X, Y, zero_grad=value, epochs=2),
    "moments.train standardize": lambda value: MOMENTS.train(standardize=value, epochs=2),
    "stability standardize": lambda value: gl.stability(X, Y, standardize=value),
    "LinearRegression fit_intercept": lambda value: LinearRegression(fit_intercept=value).fit(X, Y),
    "GradientDescentRegressor standardize": lambda value: GradientDescentRegressor(standardize=value, lr=0.01).fit(
        X, Y
    ),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.filterwarnings("ignore")
def test_true_and_false(asked: str) -> None:
    option = asked.split()[1]
    for value in ("no", None, 2, 0.5, [True], np.array([1, 2])):
        with pytest.raises(gl.OptionError, match=f"{option} must be True or False; ") as caught:
            ASKED[asked](value)
        assert len(str(caught.value)) < 80
    for value in (True, np.bool_(False), 1):
        ASKED[asked](value)


def test_a_strength_goes_into_fit_where_nothing_is_standardized() -> None:
    plain = gl.Strength(l1=2.0, l2=0.5)
    np.testing.assert_array_equal(gl.fit(X, Y, **plain.options).coef, gl.path(X, Y, **plain.options).coef[0])
    with pytest.raises(TypeError, match="standardize"):
        gl.fit(X, Y, **gl.Strength(l1=2.0, standardize=True).options)


FRAME = pd.DataFrame({"x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 4.0]})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda _: gl.fit(X, Y, progress=True),
            "progress must be a function of rows done and rows in all; True arrived.",
        ),
        (
            lambda _: gl.train(X, Y, progress=1),
            "progress must be a function of epochs done and epochs in all; 1 arrived.",
        ),
        (
            lambda path: gl.fit(path, target="y", where=5),
            'where is an SQL condition in text, e.g. "fare > 0"; 5 arrived.',
        ),
        (lambda path: gl.fit(path, target="y", checkpoint=True), "checkpoint is the path of a file; True arrived."),
        (
            lambda path: gl.fit(path, target="y", sql=gl.sql("SELECT 1")),
            "sql is a query in text; gl.sql('SELECT 1') arrived.\nGive gl.sql(…) in place of the data.",
        ),
        (lambda _: gl.fit((FRAME, FRAME), target="y"), "a tuple of tables arrived.\nPut them into a list "),
        (lambda _: gl.fit((FRAME[["x"]], FRAME["y"])), "a tuple of tables arrived.\nPut them into a list "),
    ],
)
def test_slips(call: Any, words: str, tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(gl.GradlineError) as caught:
        call(tmp_path / "t.csv")
    assert str(caught.value).startswith(words)
