"""Cross-validation from the moments of folds: every fold's error beside scikit-learn's, and who is in which fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import ElasticNet, LassoCV, LinearRegression, Ridge
from sklearn.model_selection import PredefinedSplit, TimeSeriesSplit

import gradline as gl
from gradline.design.block import Block
from gradline.moments.folding import ByGroup, ByPosition, deal, group_fold


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 6)) @ (np.eye(6) + 0.3) + [0, 5, 0, -3, 0, 1]
    return X, X @ [1.0, 0, -2, 0, 0.3, 0] + rng.normal(size=300)


@pytest.fixture
def folds() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 7, 300)


def test_lasso_is_that_of_scikit_learn(data: tuple, folds: np.ndarray) -> None:
    cv = gl.crossval(*data, folds=folds, strengths=40)
    theirs = LassoCV(alphas=40, cv=PredefinedSplit(folds), tol=1e-13, max_iter=100_000).fit(*data)
    np.testing.assert_allclose(cv.l1 / 300, theirs.alphas_, rtol=1e-12)
    np.testing.assert_allclose(cv.scores, theirs.mse_path_, rtol=1e-10)
    assert theirs.alphas_[cv.best] == theirs.alpha_
    np.testing.assert_allclose(cv.fit.coef, theirs.coef_, rtol=0, atol=1e-8)
    np.testing.assert_allclose(cv.mean, theirs.mse_path_.mean(axis=1), rtol=1e-10)
    np.testing.assert_allclose(cv.se, theirs.mse_path_.std(axis=1, ddof=1) / np.sqrt(7), rtol=1e-10)


@pytest.mark.parametrize("per_row", [True, False])
def test_ridge_is_that_of_scikit_learn(data: tuple, folds: np.ndarray, per_row: bool) -> None:
    X, y = data
    cv = gl.crossval(X, y, folds=folds, l2=[0.0, 1.0, 30.0], per_row=per_row)
    for number, fold in enumerate(cv.folds):
        out = folds == fold
        share = (~out).sum() / 300 if per_row else 1.0
        for at, l2 in enumerate(cv.l2):
            model = (Ridge(alpha=l2 * share) if l2 else LinearRegression()).fit(X[~out], y[~out])
            error = ((y[out] - model.predict(X[out])) ** 2).mean()
            np.testing.assert_allclose(cv.scores[at, number], error, rtol=1e-10)
    assert cv.folds == tuple(range(7))
    assert cv.sizes == tuple(np.bincount(folds))


def test_weights_and_standardized_columns(data: tuple, folds: np.ndarray) -> None:
    X, y = data
    w = np.random.default_rng(5).uniform(0.1, 2, 300)
    cv = gl.crossval(X, y, weights=w, folds=folds, l1=30.0, l2=10.0, standardize=True)
    for number in range(7):
        out = folds == number
        mean = np.average(X[~out], weights=w[~out], axis=0)
        sd = np.sqrt(np.average((X[~out] - mean) ** 2, weights=w[~out], axis=0))
        model = ElasticNet(alpha=40 / w.sum(), l1_ratio=0.75, tol=1e-13, max_iter=100_000)
        model.fit(X[~out] / sd, y[~out], sample_weight=w[~out])
        error = np.average((y[out] - model.predict(X[out] / sd)) ** 2, weights=w[out])
        np.testing.assert_allclose(cv.scores[0, number], error, rtol=1e-10)


def test_several_targets(data: tuple, folds: np.ndarray) -> None:
    X, y = data
    rng = np.random.default_rng(2)
    Y = np.column_stack([y, 100 * (X[:, 1] + 3 * rng.normal(size=300))])
    cv = gl.crossval(X, Y, folds=folds, l1=[100.0, 10.0, 1.0])
    assert cv.scores.shape == (3, 7, 2)
    for k in range(2):
        one = gl.crossval(X, Y[:, k], folds=folds, l1=[100.0, 10.0, 1.0])
        np.testing.assert_allclose(cv.scores[:, :, k], one.scores, rtol=1e-12)
    relative = (cv.mean / Y.var(axis=0)).mean(axis=1)
    assert cv.best == np.argmin(relative)
    assert list(cv.frame().target) == ["y1"] * 3 + ["y2"] * 3
    assert all(len(line) <= 80 for line in cv.summary().splitlines())


def test_means_far_beyond_the_spread(folds: np.ndarray) -> None:
    """Held-out errors come from sums 1e16 times as large; float64 would have none of their digits."""
    rng = np.random.default_rng(3)
    X = np.round(rng.normal(size=(300, 3)) * 1024) / 1024 + 2.0**27
    y = np.round((X - 2.0**27) @ [1.0, 2.0, 3.0] * 64) / 64 + np.round(rng.normal(size=300) * 64) / 64
    cv = gl.crossval(X, y, folds=folds, l2=[10.0], l1=[5.0])
    near = gl.crossval(X - 2.0**27, y, folds=folds, l2=[10.0], l1=[5.0])
    np.testing.assert_allclose(cv.scores, near.scores, rtol=1e-12)


def test_time_is_that_of_scikit_learn(data: tuple) -> None:
    X, y = data
    order = np.random.default_rng(4).permutation(300)
    time = np.empty(300)
    time[order] = np.arange(300.0) * 1.5  # row order[i] is the i-th in time
    cv = gl.crossval(X, y, time=time, folds=6, l2=[2.0, 20.0], per_row=False)
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(y=y, when=time)
    named = gl.crossval(frame, "y", time="when", folds=6, l2=[2.0, 20.0], per_row=False)
    dated = gl.crossval(X, y, time=time.astype("datetime64[s]"), folds=6, l2=[2.0, 20.0], per_row=False)
    for number, (train, test) in enumerate(TimeSeriesSplit(6).split(X)):
        model = Ridge(alpha=2.0).fit(X[order[train]], y[order[train]])
        error = ((y[order[test]] - model.predict(X[order[test]])) ** 2).mean()
        np.testing.assert_allclose(cv.scores[0, number], error, rtol=1e-10)
    np.testing.assert_array_equal(named.scores, cv.scores)
    assert named.path.columns == tuple("abcdef")  # the time is no feature
    assert dated.scores.shape == cv.scores.shape
    assert len(cv.folds) == 6
    assert "in order of time, column when" in named.summary()


def test_dates_of_a_column_are_times(data: tuple, tmp_path: Path) -> None:
    X, y = data
    order = np.random.default_rng(3).permutation(300)
    truth = gl.crossval(X, y, time=order, folds=6, l2=[2.0, 20.0])
    for apart in ("1us", "1D"):
        when = pd.DatetimeIndex(pd.Timestamp("2024-02-28") + order * pd.Timedelta(apart))
        frame = pd.DataFrame(X, columns=list("abcdef")).assign(y=y, when=when)
        frame.to_parquet(tmp_path / "rows.parquet")
        frame.to_csv(tmp_path / "rows.csv", index=False)
        for table in (frame, pl.from_pandas(frame), tmp_path / "rows.parquet", tmp_path / "rows.csv"):
            named = gl.crossval(table, "y", time="when", folds=6, l2=[2.0, 20.0])
            np.testing.assert_allclose(named.errors, truth.errors, rtol=1e-12)
        listed = gl.crossval(X, y, time=list(when.to_pydatetime()), folds=6, l2=[2.0, 20.0])
        np.testing.assert_allclose(listed.errors, truth.errors, rtol=1e-12)


def test_equal_times_stay_together(data: tuple) -> None:
    X, y = data
    time = np.repeat(np.arange(30), 10)
    cv = gl.crossval(X, y, time=time, folds=4, l2=1.0)
    assert all(size % 10 == 0 for size in cv.sizes)
    assert sum(cv.sizes) == 240


def test_groups_share_a_fold(data: tuple) -> None:
    X, y = data
    rng = np.random.default_rng(6)
    group = rng.choice(np.array(["a", "b", "c", "d", "e", "f", "g", "h", "ü", "j", "k", "l"]), 300)
    cv = gl.crossval(X, y, groups=group, folds=3, l2=[1.0], seed=4)
    folds = deal(group.tolist(), 3, 4)
    assert sorted(folds.values()) == sorted([0, 1, 2] * 4)
    assigned = np.array([folds[each] for each in group.tolist()])
    np.testing.assert_allclose(cv.scores, gl.crossval(X, y, folds=assigned, l2=[1.0]).scores, rtol=1e-13)
    frame = pd.DataFrame(X).assign(y=y, group=group)
    np.testing.assert_array_equal(
        gl.crossval(frame, "y", groups="group", folds=3, l2=[1.0], seed=4).scores, cv.scores
    )
    numbers = rng.integers(0, 40, 300)
    by_number = gl.crossval(X, y, groups=numbers, folds=4, l2=1.0)
    as_floats = gl.crossval(pd.DataFrame(X).assign(y=y, g=numbers * 1.0), "y", groups="g", folds=4, l2=1.0)
    np.testing.assert_array_equal(by_number.scores, as_floats.scores)


def test_positions_are_spread_evenly_and_differently_for_each_seed() -> None:
    def folds(first: int, rows: int, seed: int, count: int = 7) -> np.ndarray:
        block = Block(first, (np.zeros(rows),), (None,), None, "")
        return ByPosition(count, seed).of(block)

    whole = folds(0, 1000, 0)
    np.testing.assert_array_equal(np.concatenate([folds(0, 411, 0), folds(411, 589, 0)]), whole)
    for run in range(0, 994, 7):
        assert sorted(whole[run : run + 7]) == list(range(7))
    assert abs(np.corrcoef(whole[:-1], whole[1:])[0, 1] + 1 / 6) < 0.1  # neighbours avoid each other, no more
    assert 0.05 < (whole == folds(0, 1000, 1)).mean() < 0.25
    assert len({tuple(whole[run : run + 7]) for run in range(0, 994, 7)}) > 130


def test_a_group_is_in_one_fold_wherever_it_is_met() -> None:
    block = Block(0, (np.zeros(4),), (None,), None, "", asides=(pa.array(["x", "y", "x", "z"]),))
    numbers = ByGroup(5, 0, "g").of(block)
    assert numbers[0] == numbers[2]
    assert group_fold(2024, 5, 0) == group_fold(2024.0, 5, 0)
    assert len({group_fold(f"group {i}", 5, 0) for i in range(100)}) == 5


def test_files_streams_and_arrays_give_the_same(data: tuple, tmp_path: Path) -> None:
    X, y = data
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(y=y)
    frame["fold"] = np.random.default_rng(8).choice(["red", "green", "blue"], 300)
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "t.parquet", row_group_size=70)
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = {"target": "y", "folds": "fold", "l1": [30.0, 3.0]}
    want = gl.crossval(X, y, folds=frame.fold.to_numpy(), l1=[30.0, 3.0])
    pieces = [frame[:110], frame[110:200], frame[200:]]
    for source in (frame, tmp_path / "t.parquet", tmp_path / "t.csv", iter(pieces)):
        got = gl.crossval(source, **options)
        assert got.folds == ("blue", "green", "red")
        assert got.path.columns == tuple("abcdef")
        np.testing.assert_allclose(got.scores, want.scores, rtol=1e-12)
    hashed = [
        gl.crossval(source, "y", features=list("abcdef"), folds=5, l2=1.0, seed=3).scores
        for source in (frame, tmp_path / "t.parquet", tmp_path / "t.csv", iter(pieces))
    ]
    for each in hashed[1:]:
        np.testing.assert_allclose(each, hashed[0], rtol=1e-12)


def test_categories_and_missing_rows(penguins: Path) -> None:
    formula = "body_mass_g ~ flipper_length_mm + C(species)"
    cv = gl.crossval(penguins, formula=formula, folds="island", l2=[0.0, 10.0])
    frame = pd.read_csv(penguins).dropna(subset=["body_mass_g", "flipper_length_mm"])
    X = np.column_stack([frame.flipper_length_mm, frame.species == "Chinstrap", frame.species == "Gentoo"]).astype(
        float
    )
    assert cv.folds == ("Biscoe", "Dream", "Torgersen")
    out = (frame.island == "Torgersen").to_numpy()
    share = (~out).sum() / len(frame)
    model = Ridge(alpha=10 * share).fit(X[~out], frame.body_mass_g[~out])
    error = ((frame.body_mass_g[out] - model.predict(X[out])) ** 2).mean()
    np.testing.assert_allclose(cv.scores[1, 2], error, rtol=1e-10)
    assert any("2 of 344 rows left out" in note for note in cv.notes)


def test_a_stream_that_comes_once_is_read_once(data: tuple) -> None:
    X, y = data
    cv = gl.crossval(((X[i : i + 50], y[i : i + 50]) for i in range(0, 300, 50)), folds=5, mix=0, strengths=4)
    np.testing.assert_allclose(cv.scores, gl.crossval(X, y, folds=5, mix=0, strengths=4).scores, rtol=1e-12)


def test_chunks_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(9)
    X = rng.normal(size=(200_000, 3))
    y = X.sum(axis=1) + rng.normal(size=200_000)
    folds = ByPosition(4, 0).of(Block(0, (y,), (None,), None, ""))
    hashed = gl.crossval(X, y, folds=4, l2=1.0)
    np.testing.assert_array_equal(hashed.scores, gl.crossval(X, y, folds=folds, l2=1.0).scores)
    for number in range(4):
        test = gl.Moments.of(X[folds == number], y[folds == number])
        assert hashed.sizes[number] == test.nobs
        fit = gl.fit(X[folds != number], y[folds != number], l2=0.75)
        error = ((y[folds == number] - fit.predict(X[folds == number])) ** 2).mean()
        np.testing.assert_allclose(hashed.scores[0, number], error, rtol=1e-12)


@pytest.mark.parametrize("labels", [[2, 5, 9], [-3, 0, 7], [5, 10**12, 10**12 + 1], [0.5, 1.5, 2.5]])
def test_folds_are_in_the_order_of_the_numbers_that_name_them(data: tuple, labels: list[float]) -> None:
    X, y = data
    codes = np.random.default_rng(2).integers(0, 3, 300)
    plain = gl.crossval(X, y, folds=codes, l1=1.0)
    np.testing.assert_array_equal(gl.crossval(X, y, folds=np.array(labels)[codes], l1=1.0).scores, plain.scores)


def test_numbers_of_every_kind_and_stride_come_to_their_fold() -> None:
    rng = np.random.default_rng(3)
    n = 70_001
    halves = rng.normal(size=(n, 2)).astype(np.float32)
    frame = pd.DataFrame(
        {
            "half": halves[:, 0],
            "every other": np.repeat(rng.normal(size=n), 2)[::2],
            "swapped": rng.normal(size=n).astype(">f8"),
            "short": rng.integers(-9, 9, n).astype(np.int16),
            "whole": rng.integers(-9, 9, n),
            "yes": rng.integers(0, 2, n) > 0,
        }
    )
    y = rng.normal(size=n)
    codes = rng.integers(0, 3, n)
    found = gl.crossval(frame, y, folds=codes, l2=1.0, per_row=False)
    X = frame.to_numpy(float)
    for number in range(3):
        fit = gl.fit(X[codes != number], y[codes != number], l2=1.0)
        error = ((y[codes == number] - fit.predict(X[codes == number])) ** 2).mean()
        np.testing.assert_allclose(found.scores[0, number], error, rtol=1e-12)


def test_the_rule_of_one_standard_error(data: tuple) -> None:
    cv = gl.crossval(*data, strengths=60)
    mean, se = cv.mean, cv.se
    assert cv.best == np.argmin(mean)
    assert cv.simplest == np.flatnonzero(mean <= mean[cv.best] + se[cv.best])[0]  # the strongest comes first
    assert cv.simplest < cv.best
    np.testing.assert_array_equal(cv.simplest_fit.params, cv.path.at(cv.simplest).params)
    backwards = gl.crossval(*data, l1=cv.l1[::-1])
    assert backwards.best == 59 - cv.best
    assert backwards.simplest == 59 - cv.simplest
    text = cv.summary()
    assert "simplest within one std err" in text
    assert "best" in text
    assert all(len(line) <= 80 for line in (text + "\n" + repr(cv)).splitlines())
    frame = cv.frame()
    assert list(frame.columns) == ["l1", "l2", "df", "mean", "se", *(f"fold {i}" for i in range(10))]
    np.testing.assert_array_equal(frame[[f"fold {i}" for i in range(10)]].to_numpy(), cv.scores)


X5, Y5 = np.arange(10.0).reshape(5, 2) ** 2, np.arange(5.0)
FRAME = pd.DataFrame({"a": [1.0, 2, 3, 4], "y": [1.0, 3, 2, 5], "g": ["u", None, "v", "v"], "t": [1.0, 2, np.nan, 4]})


@pytest.mark.parametrize(
    ("given", "options", "kind", "message"),
    [
        ((X5, Y5), {"folds": 1}, gl.OptionError, "folds is a whole number of 2 or more, not 1"),
        ((X5, Y5), {"folds": -3}, gl.OptionError, "folds is a whole number of 2 or more, not -3"),
        ((X5, Y5), {"folds": 2.5}, gl.OptionError, "folds is a whole number of 2 or more, not 2.5"),
        ((X5, Y5), {"folds": 6}, gl.OptionError, "folds is 6 and the array has 5 rows"),
        ((iter([(X5, Y5)]),), {"folds": 6}, gl.OptionError, "folds is 6 and .* has 5 rows"),
        ((X5, Y5), {"folds": [0, 0, 0, 0, 0]}, gl.OptionError, "folds names 1 fold"),
        (
            (X5, Y5),
            {"folds": [0, 1, 0, 1]},
            gl.ShapeError,
            r"folds has shape \(4,\) and the data have at least 5 rows",
        ),
        ((X5, Y5), {"folds": [0, 1, 0, 1, 0, 1]}, gl.ShapeError, r"folds has shape \(6,\) and the data have 5 rows"),
        ((X5, Y5), {"folds": [0, 1, np.nan, 1, 0]}, gl.DataError, "folds has a missing value at row 2"),
        ((X5, Y5), {"folds": [0, 1, 2j, 1, 0]}, gl.OptionError, "folds has complex numbers"),
        ((X5, Y5), {"folds": None}, gl.OptionError, "None arrived as folds"),
        ((X5, Y5), {"folds": True}, gl.OptionError, "True arrived as folds"),
        ((X5, Y5), {"folds": []}, gl.OptionError, "folds names 0 folds"),
        (
            (X5, Y5),
            {"folds": 2, "seed": 1.5},
            gl.OptionError,
            "seed must be a whole number; 1.5 arrived",
        ),
        ((X5, Y5), {"folds": np.zeros((5, 2))}, gl.ShapeError, r"folds has shape \(5, 2\)"),
        ((X5, Y5), {"groups": ["u"] * 5, "folds": 2}, gl.DataError, "1 group cannot fill 2 folds"),
        ((X5, Y5), {"groups": ["u", "v", None, "w", "x"], "folds": 2}, gl.DataError, "groups has a missing value"),
        ((X5, Y5), {"groups": [1] * 5, "time": [1] * 5}, gl.OptionError, "groups= and time= each say"),
        ((X5, Y5), {"groups": [1] * 5, "folds": [1] * 5}, gl.OptionError, "folds= is how many, where groups="),
        ((X5, Y5), {"time": np.arange(5), "folds": 5}, gl.OptionError, "5 folds in time need 6 rows or more"),
        ((X5, Y5), {"time": [1, 1, 1, 1, 2], "folds": 2}, gl.DataError, "need more different times"),
        ((X5, Y5), {"time": [1, 2, np.nan, 3, 4], "folds": 2}, gl.DataError, "time column 'time' in .* at row 2"),
        ((X5, Y5), {"time": [1, 2, 3, 4], "folds": 2}, gl.ShapeError, r"'time' has shape \(4,\)"),
        ((FRAME, "y"), {"groups": "g", "folds": 2}, gl.DataError, "group column 'g' in .* missing value\nat row 1"),
        ((FRAME, "y"), {"folds": "g"}, gl.DataError, "fold column 'g' in .* missing value\nat row 1"),
        ((FRAME, "y"), {"time": "t", "folds": 2, "features": "a"}, gl.DataError, "time column 't' in .* at row 2"),
        ((FRAME, "y"), {"time": "g", "folds": 2}, gl.OptionError, "time column 'g' is .*; numbers or dates were"),
        ((FRAME, "y"), {"groups": "G", "folds": 2}, gl.ColumnError, "no column 'G' in"),
        ((FRAME, "y"), {"folds": 2, "l1": -1.0, "features": "a"}, gl.OptionError, "l1 is the strength"),
        ((X5, Y5), {"folds": 2, "missing": "fill"}, gl.OptionError, "missing is"),
    ],
)
def test_bad_requests(given: tuple, options: dict, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        gl.crossval(*given, **options)
    lines = str(caught.value).splitlines()
    assert len(lines) <= 3
    assert max(map(len, lines)) <= 80


def test_a_fold_whose_rows_all_lack_a_value() -> None:
    X = X5.copy()
    X[:2, 0] = np.nan
    with pytest.raises(gl.DataError, match="no rows in fold 0, of 3 rows that can be used"):
        gl.crossval(X, Y5, folds=[0, 0, 1, 2, 1], l2=1.0)


def test_an_error_names_the_row_as_it_stands_in_the_table() -> None:
    X = X5.copy()
    X[3, 1] = np.inf
    with pytest.raises(gl.DataError, match="at row 3"):
        gl.crossval(X, Y5, folds=[0, 1, 0, 0, 1], l2=1.0)


def test_a_time_column_of_a_stream_that_comes_once() -> None:
    frames = (FRAME[["a", "y", "t"]] for _ in range(3))
    with pytest.raises(gl.OptionError, match="time='t' is read before the pass"):
        gl.crossval(frames, "y", time="t", folds=2)
