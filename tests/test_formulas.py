"""Formulas beside formulaic: the same columns, in the same order, with the same numbers."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import formulaic
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gradline as gl
from gradline.design.categories import encode
from gradline.design.effects import expand
from gradline.design.problem import Problem, pose
from gradline.errors import ColumnError, DataError, OptionError
from gradline.sources import CHUNK


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n) ** 2 + 0.1,
            "x": rng.normal(2, 0.5, n) ** 2,
            "z": rng.normal(size=n),
            "k": rng.integers(1, 4, n),
            "a": np.array(["u", "v", "w"], object)[rng.integers(0, 3, n)],
            "b": np.array(["p", "q"], object)[rng.integers(0, 2, n)],
            "c": np.array(["m", "n", "o", "ä"], object)[rng.integers(0, 4, n)],
            "a b": rng.uniform(1, 2, n),
        }
    )


FRAME = table()


def dense(problem: Problem) -> tuple[list[str], np.ndarray]:
    """Names and columns of the design matrix (n, p), made of the blocks the slow way."""
    blocks = list(problem.blocks())
    found = [[encode(labels) for labels in block.labels] for block in blocks]
    levels = [
        sorted({level for each in found for level in each[number][1]}) for number in range(len(problem.categories))
    ]
    names = ["Intercept"] * problem.intercept
    if problem.effects:
        features = expand(problem.effects, problem.terms, problem.categories, levels)
        names += [feature.term.name for feature in features]
    else:
        names += [term.name for term in problem.terms]
    pieces = []
    for block, coded in zip(blocks, found, strict=True):
        n = len(block.hi[0])
        columns = [np.ones(n)] * problem.intercept
        if not problem.effects:
            columns += [np.asarray(hi, float) for hi in block.hi[: len(problem.terms)]]
        else:
            for feature in features:
                value = np.ones(n) if feature.number is None else np.asarray(block.hi[feature.number], float)
                for category, level in feature.cell:
                    codes, here = coded[category]
                    wanted = levels[category][level]
                    value = value * np.array([code >= 0 and here[code] == wanted for code in codes.tolist()])
                columns.append(value)
        pieces.append(np.column_stack(columns))
    return names, np.concatenate(pieces)


FORMULAS = [
    "y ~ x + z",
    "y ~ x * z - 1",
    "y ~ x / z",
    "y ~ (x + z + k)**2",
    "y ~ x + log(x) + x:z + C(a)",
    "y ~ a",
    "y ~ a - 1",
    "y ~ a + b",
    "y ~ a + b - 1",
    "y ~ b + a + c - 1",
    "y ~ a:b",
    "y ~ a:b - 1",
    "y ~ a*b",
    "y ~ a*b - 1",
    "y ~ a + a:b",
    "y ~ b + a:b",
    "y ~ a/b",
    "y ~ a:b:c",
    "y ~ a*b*c",
    "y ~ a:b + b:c",
    "y ~ a:b + b:c + a:c - 1",
    "y ~ a*b + c - a",
    "y ~ x:a",
    "y ~ a:x",
    "y ~ x:a - 1",
    "y ~ x + x:a",
    "y ~ a + x:a",
    "y ~ a*x",
    "y ~ a*x - 1",
    "y ~ x*z*a",
    "y ~ x:z:a + x",
    "y ~ a*b*x",
    "y ~ a:b:x",
    "y ~ x:a:z:b",
    "y ~ C(k)",
    "y ~ C(k) - 1",
    "y ~ C(k)*k",
    "y ~ C(a, Treatment('v'))",
    "y ~ C(a, Treatment(reference='v')) + b",
    "y ~ C(a, contr.treatment('w'))*x",
    'y ~ C(a, contr.treatment(base="w")):b',
    "y ~ C(k, contr.treatment(2))",
    "y ~ C(a, contr.treatment)",
    "y ~ I(x**2) + I(x + z)",
    "y ~ {x + 1} + {x*z}",
    "y ~ log(x):a + exp(z)",
    "y ~ np.log(x) + np.sqrt(x) + np.log1p(x)",
    "y ~ log(`a b` + 1) + `a b` + `a b`:a",
    "y ~ I(-x) + I(x/z) + I(x**0.5) + I(2**z) + I(x % 2) + I(x // 2)",
    "y ~ I(x > 3) + I((x > 3) & (z < 0)) + I((k == 1) | ~(z < 0))",
    "y ~ np.where(x > 3, x, 0) + np.minimum(x, 3) + np.abs(z)",
    "y ~ center(x) + scale(z)",
    "y ~ center(log(x)):a + scale(x, ddof=0)",
    "y ~ scale(x, center=False) + scale(z, scale=False)",
    "y ~ I(center(x)**2) + scale(center(x) + z)",
    "y ~ Q('a b') + x",
    "y ~ 1",
    "y ~ x %in% a",
    "y ~ z + (a + b)**2 - a:b",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_beside_formulaic(formula: str) -> None:
    names, matrix = dense(pose(FRAME, formula=formula))
    right = formulaic.Formula(formula).rhs
    peer = formulaic.model_matrix(right, FRAME)
    assert names == ["a b" if name == "Q('a b')" else name for name in peer.columns]
    np.testing.assert_allclose(matrix, peer.to_numpy(float), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("formula", ["log(y) ~ x", "y + I(y**2) ~ x + a", "center(y) ~ 1"])
def test_targets_are_computed(formula: str) -> None:
    problem = pose(FRAME, formula=formula)
    peer = formulaic.Formula(formula).get_model_matrix(FRAME).lhs
    assert list(problem.targets) == list(peer.columns)
    [block] = problem.blocks()
    np.testing.assert_allclose(np.column_stack(block.hi[-len(problem.targets) :]), peer, rtol=1e-13, atol=1e-15)


ODD = [
    *("class", "lambda", "in", "x.1", "2x", "a b", "it's", "_quoted_0_"),
    *("\u00b5g", "m²", "ﾃﾞｰﾀ"),  # NFKC has a Greek letter, a 2 and wider letters instead
    *(unicodedata.normalize("NFD", name) for name in ("매출", "café")),  # as macOS writes names of files
]
CALLS = {
    "x": ["y ~ {} + k", "y ~ log({} + 10):k + I({}**2)", "I(y + {}) ~ b", "y ~ scale({}) + poly(center({}), 2)"],
    "a": ["y ~ {} - 1", "y ~ C({}, Treatment('v'))*k", "y ~ I({} == 'v') + C({}):b", "y ~ I('`v`' != {}) + k"],
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize(("like", "formula"), [(like, each) for like in CALLS for each in CALLS[like]])
def test_a_column_is_what_it_is_called_to_the_letter(name: str, like: str, formula: str) -> None:
    """Python's parser refuses keywords, and spells letters anew."""
    frame = FRAME.assign(**{"W": FRAME[like], unicodedata.normalize("NFKC", name): -1.0, name: FRAME[like]})
    names, matrix = dense(pose(frame, formula=formula.replace("{}", "W")))
    spelt = [f"`{name}`"] if re.search("[ ']", name) else [f"`{name}`", name]
    for word in spelt:
        problem = pose(frame, formula=formula.replace("{}", word))
        got = dense(problem)
        assert [each.replace(f"`{name}`", "W").replace(name, "W") for each in got[0]] == names
        np.testing.assert_array_equal(got[1], matrix)


def test_numbers_and_truth_values_stay_what_they_are_beside_columns_called_so() -> None:
    frame = FRAME.assign(**{"1e3": 0.0, "True": 0.0, "2": 0.0})
    [block] = pose(frame, formula="y ~ I(x * 1e3) + I(2 * z) + scale(x, scale=True)").blocks()
    np.testing.assert_array_equal(block.hi[0], 1e3 * FRAME["x"])
    np.testing.assert_array_equal(block.hi[1], 2 * FRAME["z"])
    [block] = pose(frame, formula="y ~ I(x * `1e3`) + I(`True` * `2`)").blocks()
    assert not np.any(block.hi[:2])


def test_features_that_hold_text_are_categories() -> None:
    wanted = dense(pose(FRAME, formula="y ~ a + x"))
    got = dense(pose(FRAME, "y", features=["a", "x"]))
    assert got[0] == wanted[0] == ["Intercept", "a[T.v]", "a[T.w]", "x"]
    np.testing.assert_array_equal(got[1], wanted[1])
    assert dense(pose(FRAME, "y", features="b", intercept=False))[0] == ["b[p]", "b[q]"]
    with pytest.raises(
        ColumnError, match=r"^'a', 'b', 'c' in the DataFrame are not numeric.*\n.*\nNamed in features="
    ):
        pose(FRAME, "y")


def test_no_intercept_by_option_codes_as_minus_one_does() -> None:
    for formula in ("y ~ a + b", "y ~ x:a + b"):
        got, wanted = (
            dense(pose(FRAME, formula=formula, intercept=False)),
            dense(pose(FRAME, formula=f"{formula} - 1")),
        )
        assert got[0] == wanted[0]
        np.testing.assert_array_equal(got[1], wanted[1])


def test_any_table_gives_the_same_columns(tmp_path: Path) -> None:
    formula = "log(y) ~ a*x + C(k) + center(z) + I(b == 'q')"
    names, matrix = dense(pose(FRAME, formula=formula))
    assert "C(k)[T.2]" in names
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    FRAME.to_parquet(tmp_path / "t.parquet")
    categorical = FRAME.assign(a=FRAME["a"].astype("category"), b=FRAME["b"].astype("category"))
    tables: list[Any] = [
        categorical,
        pl.from_pandas(FRAME),
        pl.from_pandas(FRAME).lazy(),
        pl.from_pandas(FRAME).with_columns(pl.col("a").cast(pl.Categorical)),
        pa.Table.from_pandas(FRAME),
        pa.Table.from_pandas(categorical),
        FRAME[FRAME.columns[::-1]],
        tmp_path / "t.csv",
        tmp_path / "t.parquet",
    ]
    for data in tables:
        got = dense(pose(data, formula=formula))
        assert got[0] == names, type(data)
        np.testing.assert_array_equal(got[1], matrix)


def test_missing_values_stay_missing() -> None:
    frame = FRAME.assign(x=FRAME["x"].where(FRAME.index != 3), a=FRAME["a"].where(FRAME.index != 5, None))
    problem = pose(frame, formula="y ~ I(x > 3) + where(isnan(x), 0, x) + center(x) + I(a == 'u') + C(a)")
    [block] = problem.blocks()
    names = [term.name for term in problem.terms]
    missing = {name: np.flatnonzero(np.isnan(hi)).tolist() for name, hi in zip(names, block.hi, strict=False)}
    assert missing == {"I(x > 3)": [3], "where(isnan(x), 0, x)": [], "center(x)": [3], "I(a == 'u')": [5]}
    assert np.flatnonzero(encode(block.labels[0])[0] < 0).tolist() == [5]
    # means are of the values that are there, as R's are
    assert np.nanmean(block.hi[2]) == pytest.approx(0, abs=1e-15)


def test_names_of_what_is_not_finite() -> None:
    problem = pose(pd.DataFrame({"y": [1.0, 2.0], "x": [0.0, -1.0]}), formula="y ~ log(x)")
    [block] = problem.blocks()
    assert [term.name for term in problem.terms] == ["log(x)"]
    assert block.hi[0][0] == -np.inf
    assert np.isnan(block.hi[0][1])


def test_whole_columns_are_measured_over_all_chunks() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(1e8, 1, 2 * CHUNK + 5)
    problem = pose(pd.DataFrame({"x": x, "y": x}), formula="log(y) ~ center(x) + scale(x)")
    hi = np.concatenate([block.hi[0] for block in problem.blocks()])
    scaled = np.concatenate([block.hi[1] for block in problem.blocks()])
    shifted = x - 1e8  # exact, by Sterbenz
    np.testing.assert_allclose(hi, shifted - shifted.mean(), atol=1e-13)
    assert scaled.std(ddof=1) == pytest.approx(1, rel=1e-12)


def test_computed_powers_and_differences_carry_two_words() -> None:
    from fractions import Fraction

    x = np.array([0.1, 1 / 3, 1e8 + 0.7])
    [block] = pose(pd.DataFrame({"x": x, "y": x}), formula="log(y) ~ I(x**3 - 0.5 * x)").blocks()
    assert block.lo[0] is not None
    for value, hi, lo in zip(x.tolist(), block.hi[0].tolist(), block.lo[0].tolist(), strict=True):
        truth = Fraction(value) ** 3 - Fraction(1, 2) * Fraction(value)
        assert abs(Fraction(hi) + Fraction(lo) - truth) <= abs(truth) * Fraction(1, 10**29)


@pytest.mark.parametrize(
    ("formula", "kind", "words"),
    [
        ("y ~ log(a)", ColumnError, "'a' in 'log\\(a\\)' is text; numbers were expected.\nUse C\\(a\\)"),
        ("y ~ log(is)", ColumnError, "'is' in 'log\\(`is`\\)' is text; .*\nUse C\\(`is`\\) .* I\\(`is` == "),
        ("y ~ I(x == 'u')", ColumnError, "'x' in .* is compared with text, and it holds numbers"),
        ("a ~ x", ColumnError, "target 'a' in the DataFrame is text"),
        ("y ~ C(y)", ColumnError, "target 'y' is also a feature \\(y\\)"),
        ("y ~ I(y + x)", ColumnError, "target 'y' is also a feature \\(I\\(y \\+ x\\)\\)"),
        ("log(y) ~ log(y)", ColumnError, "also a feature"),
        ("y ~ a + C(a)", OptionError, "has the term 'C\\(a\\)' twice"),
        ("y ~ d", ColumnError, "'d' in the DataFrame is datetime"),
        ("y ~ C(d)", ColumnError, "'d' in the DataFrame is datetime; a category holds text or numbers"),
        ("y ~ scale(one)", DataError, "scale\\(one\\): the column is constant"),
        ("y ~ center(log(zero))", DataError, "center\\(log\\(zero\\)\\) in the DataFrame .* at row 1"),
    ],
)
def test_refused(formula: str, kind: type[Exception], words: str) -> None:
    n = len(FRAME)
    frame = FRAME.assign(d=pd.Timestamp("2024-01-01"), one=0.1, zero=np.arange(n) != 1, **{"is": FRAME["a"]})
    with pytest.raises(kind, match=words) as caught:
        pose(frame, formula=formula)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_base_that_does_not_occur() -> None:
    with pytest.raises(ColumnError, match=r"base 'uu' is not a level of 'a'\. Did you mean 'u'\?\nlevels: u, v, w"):
        dense(pose(FRAME, formula="y ~ C(a, Treatment('uu'))"))


def test_a_log_of_what_is_explained_may_be_explained_by_it() -> None:
    assert pose(FRAME, formula="I(y - x) ~ x").targets == ("I(y - x)",)


def test_two_kinds_of_weights() -> None:
    problem = pose(FRAME, "y", features="x", frequency_weights="k")
    assert problem.frequency
    assert problem.weights == "k"
    assert not pose(FRAME, "y", features="x", weights="k").frequency
    assert pose(FRAME[["x"]], FRAME["y"], frequency_weights=FRAME["k"].to_numpy()).frequency
    with pytest.raises(OptionError, match="both given"):
        pose(FRAME, "y", weights="k", frequency_weights="k")


def test_streams() -> None:
    halves = [FRAME[:25], FRAME[25:]]
    names, matrix = dense(pose(halves, formula="y ~ center(x)*a"))
    wanted = dense(pose(FRAME, formula="y ~ center(x)*a"))
    assert names == wanted[0]
    np.testing.assert_allclose(matrix, wanted[1], atol=1e-15)
    assert dense(pose(iter(halves), formula="y ~ log(x)*a"))[0][1] == "log(x)"
    with pytest.raises(OptionError, match=r"center\(x\) needs the whole column .* only once\.\nCentre before"):
        pose(iter(halves), formula="y ~ center(x)*a")
    with pytest.raises(OptionError, match=r"center\(x\) needs the whole column"):
        pose(iter(halves), formula="y ~ center(x)")  # where more than moments may be wanted
    pairs = [(FRAME[["x", "z"]].to_numpy(), FRAME["y"].to_numpy())]
    assert pose(pairs).targets == ("y",)


LONE = [
    "y ~ center(x)",
    "y ~ scale(x) + z",
    "y ~ scale(x) + x",  # aliased
    "y ~ center(x) + scale(z) + C(a)*k + log(x)",
    "log(y) ~ scale(x, ddof=0) + center(z) - 1",
    "y + z ~ scale(x, center=False) + scale(k, scale=False) + center(`a b`):1",
    "y ~ scale(x, scale=2.5) + scale(z, center=3)",
]


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("formula", LONE)
def test_a_stream_that_comes_once_is_centred_after_the_pass(formula: str, weights: str | None) -> None:
    n = 2 * CHUNK + 7
    frame = pd.concat([FRAME] * (n // len(FRAME) + 1), ignore_index=True)[:n].assign(w=1 + np.arange(n) % 3)
    frame["x"] = 1e7 + np.random.default_rng(3).normal(size=n)
    frame.loc[5, "x"] = frame.loc[CHUNK + 2, "z"] = frame.loc[n - 1, "y"] = np.nan  # means are of all that is there
    wanted = gl.fit(frame, formula=formula, weights=weights)
    got = gl.fit((frame[at : at + 9_999] for at in range(0, n, 9_999)), formula=formula, weights=weights)
    assert (got.names, got.aliased, got.missing, got.recipe) == (
        wanted.names,
        wanted.aliased,
        wanted.missing,
        wanted.recipe,
    )
    np.testing.assert_allclose(got.params, wanted.params, rtol=1e-12)
    np.testing.assert_allclose(got.se, wanted.se, rtol=1e-12)
    np.testing.assert_allclose(got.predict(frame[:99]), wanted.predict(frame[:99]), rtol=1e-12)
    assert got.plan is not None
    assert "one pass over the rows" in str(got.plan)


def test_paths_and_subsets_of_a_stream_that_comes_once() -> None:
    formula = "y ~ center(x) + scale(z)"
    halves = [FRAME[:20], FRAME[20:]]
    wanted, got = (gl.path(data, formula=formula, l2=[0.0, 3.0]) for data in (FRAME, iter(halves)))
    np.testing.assert_allclose(got.coef, wanted.coef, rtol=1e-12)
    np.testing.assert_allclose(got.at(1).predict(FRAME[:9]), wanted.at(1).predict(FRAME[:9]), rtol=1e-12)
    wanted, got = (gl.subsets(data, formula=formula) for data in (FRAME, iter(halves)))
    np.testing.assert_allclose(got.rss, wanted.rss, rtol=1e-12)


def test_what_moving_a_sum_costs_stands_in_the_digits() -> None:
    x = 1e12 + np.random.default_rng(4).normal(size=500)
    frame = pd.DataFrame({"x": x, "y": x - 1e12 + np.arange(500) % 7, "one": 0.1, "k": np.arange(500) % 7})
    wanted = gl.fit(frame, formula="y ~ scale(x)")
    got = gl.fit(iter([frame[:200], frame[200:]]), formula="y ~ scale(x)")
    assert got.digits < wanted.digits
    np.testing.assert_allclose(got.params, wanted.params, rtol=10**-got.digits)
    # Nothing is left of a constant, not even its rounding.
    for data in (frame, iter([frame])):
        assert gl.fit(data, formula="y ~ k + center(one)").aliased == {"center(one)": "center(one) = 0"}
    with pytest.raises(DataError, match=r"^scale\(one\): the column is constant"):
        gl.fit(iter([frame]), formula="y ~ scale(one)")
    with pytest.raises(DataError, match=r"center\(x\) in the \w+ is of an infinite value at row 3 "):
        gl.fit(iter([frame.replace({"x": {x[3]: np.inf}})]), formula="y ~ center(x)")


def test_other_data_that_come_once() -> None:
    wanted = gl.Moments.of(FRAME, formula="y ~ scale(x) + C(a)")
    reader = pa.Table.from_pandas(FRAME, preserve_index=False).to_reader(max_chunksize=7)
    got = gl.Moments.of(reader, formula="y ~ scale(x) + C(a)")
    assert got.recipe == wanted.recipe
    np.testing.assert_allclose(got.hi, wanted.hi, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(got.hi, got.hi.T)
    assert "before it" not in str(gl.plan(iter([FRAME]), formula="y ~ scale(x)"))
    # The rows of a generator are not taken by a request that is refused.
    rows = (each for each in [FRAME])
    for formula in ("y ~ log(x) + center(x):z", "y ~ scale(x):a", "y ~ I(scale(x)**2)", "y ~ center(log(x))"):
        with pytest.raises(OptionError, match=r"^(center|scale)\(.*\) needs the whole column first"):
            gl.fit(rows, formula=formula)
    for formula in ("center(y) ~ x", "y ~ C(center(k))", "y ~ poly(center(x), 2)"):
        with pytest.raises(OptionError, match=r"^center\(.\) needs the whole column first"):
            gl.fit(rows, formula=formula)
    assert gl.fit(rows, formula="y ~ center(x)").nobs == len(FRAME)
