"""Tests of a fit's residuals: beside statsmodels, beside matrices written out, and properties that must hold."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from oracle import dot, least_squares, rationals
from statsmodels.stats.diagnostic import het_breuschpagan, het_white, linear_reset
from statsmodels.stats.stattools import durbin_watson, jarque_bera

import gradline as gl
from gradline.errors import DataError, OptionError
from gradline.layout import cells
from gradline.moments.central import central, together
from gradline.moments.neighbours import beside, neighbours, with_ends
from gradline.report.diagnostic_texts import TEXTS
from gradline.results.diagnostics import Diagnostics, DiagnosticTest
from gradline.second_pass.diagnosing import diagnosed

PENGUINS = Path(__file__).parent.parent / "examples" / "penguins.csv"


def sample(n: int = 400, d: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Columns with means far from 0, a bend, and errors that are skewed, related and spread with one of them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 10.0 ** np.arange(d)
    noise = rng.exponential(size=n)
    noise[1:] += 0.3 * noise[:-1]
    return X, X @ np.arange(1.0, d + 1) + 0.2 * X[:, 0] ** 2 + noise * (1 + abs(X[:, 0]))


def everything(found: Diagnostics) -> np.ndarray:
    """(forms, 4, k) all figures."""
    forms = [form for test in found.tests for form in (test, test.f) if form is not None]
    return np.array([[form.statistics, form.dfs, form.df_denoms, form.p_values] for form in forms])


def same(one: Diagnostics, other: Diagnostics, rtol: float = 1e-10, but: str = "") -> None:
    for a, b in zip(one.tests, other.tests, strict=True):
        if a.name != but:
            assert a.reasons == b.reasons
            for x, y in ((a, b), (a.f, b.f)):
                if x is not None and y is not None:
                    np.testing.assert_allclose(x.statistics, y.statistics, rtol=rtol)
                    np.testing.assert_allclose(x.p_values, y.p_values, rtol=100 * rtol)
                    np.testing.assert_array_equal([x.dfs, x.df_denoms], [y.dfs, y.df_denoms])


# beside statsmodels ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_statsmodels_says_the_same(intercept: bool, weighted: bool) -> None:
    X, y = sample()
    weights = np.random.default_rng(1).uniform(0.2, 3.0, len(y)) if weighted else np.ones(len(y))
    design = sm.add_constant(X) if intercept else X
    peer = sm.WLS(y, design, weights).fit()
    found = gl.fit(X, y, intercept=intercept, weights=weights if weighted else None).diagnose()
    # The variance of √w·e is constant where the weights are right, whatever the columns as they are.
    for test, known in (
        (found.breusch_pagan, het_breuschpagan(peer.wresid, sm.add_constant(X))),
        (found.white, het_white(peer.wresid, sm.add_constant(X))),
    ):
        assert test.f is not None
        got = (test.statistic, test.p, test.f.statistic, test.f.p)
        np.testing.assert_allclose(got, known, rtol=1e-9)
    assert found.durbin_watson.statistic == pytest.approx(durbin_watson(peer.wresid), rel=1e-10)
    shape = found.jarque_bera
    got = (shape.statistic, shape.p, shape.figures["skewness"][0], shape.figures["kurtosis"][0])
    np.testing.assert_allclose(got, jarque_bera(peer.wresid), rtol=1e-9)
    # linear_reset forgets the weights, so nested fits stand for it; powers lose digits where the mean is far away.
    about = peer.fittedvalues - (peer.fittedvalues.mean() if intercept else 0)
    about /= abs(about).max()
    large = sm.WLS(y, np.column_stack([design, about**2, about**3]), weights).fit()
    f, p, df = large.compare_f_test(peer)
    reset = found.reset
    assert (reset.df, reset.df_denom) == (df, large.df_resid)
    np.testing.assert_allclose((reset.statistic, reset.p), (f, p), rtol=1e-8)
    if not weighted:
        known = linear_reset(sm.OLS(y, design).fit(), power=3, use_f=True)
        assert reset.statistic == pytest.approx(float(known.statistic), rel=1e-6)


def test_products_of_categories_count_once() -> None:
    import formulaic

    table = pd.read_csv(PENGUINS).dropna().reset_index(drop=True)
    y, X = formulaic.model_matrix("body_mass_g ~ flipper_length_mm + species*sex + island", table)
    e = sm.OLS(np.asarray(y), np.asarray(X)).fit().resid
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that products are dependent, and copes
        lm, lm_p, f, f_p = het_white(e, np.asarray(X))
    white = gl.fit(table, formula="body_mass_g ~ flipper_length_mm + species*sex + island").diagnose().white
    assert white.f is not None
    np.testing.assert_allclose(
        (white.statistic, white.p, white.f.statistic, white.f.p), (lm, lm_p, f, f_p), rtol=1e-8
    )
    products = np.stack([a * b for a in np.asarray(X).T / 200 for b in np.asarray(X).T / 200])
    assert white.df == np.linalg.matrix_rank(products) - 1


def test_d_has_the_mean_and_variance_that_matrices_give() -> None:
    X, y = sample(30)
    design = np.column_stack([np.ones(30), X])
    D = np.diff(np.eye(30), axis=0)
    M = np.eye(30) - design @ np.linalg.pinv(design)
    values = np.sort(np.linalg.eigvalsh(M @ D.T @ D @ M))[4:]  # without the four zeros of the columns
    df = len(values)
    mean, variance = values.mean(), 2 * ((values - values.mean()) ** 2).sum() / df / (df + 2)
    found = gl.fit(X, y).diagnose().durbin_watson
    assert found.figures["expected"][0] == pytest.approx(mean, rel=1e-10)
    from scipy import stats

    away = abs(found.statistic - mean) / np.sqrt(variance)
    assert found.p == pytest.approx(2 * stats.norm.sf(away), rel=1e-9)
    assert np.isnan([found.df, found.df_denom]).all()


@pytest.mark.parametrize(("tails", "mean"), [(1.0, 0.0), (3.0, 0.0), (1.0, 2.0**22)])
def test_auxiliary_regressions_in_rationals(tails: float, mean: float) -> None:
    """Where one row is most of a column, products of columns are nearly the same column."""
    rng = np.random.default_rng(11)
    X = np.round(16 * np.exp(tails * rng.normal(size=(60, 2)))) + mean  # whole, so that products are exact
    X[:, 1] += 3 * X[:, 0]
    y = X @ [1, 2] + np.round(64 * rng.normal(size=60)) / 16
    columns = [np.ones(60), *X.T]
    e = [float(value**2) for value in left_over(columns, y)]
    pairs = [columns[i] * columns[j] for i in range(3) for j in range(i, 3)]
    total = sum((Fraction(value) - sum(map(Fraction, e)) / 60) ** 2 for value in e)
    found = gl.fit(X, y).diagnose()
    for test, regressors in ((found.breusch_pagan, columns), (found.white, pairs)):
        known = 60 * (1 - sum(value**2 for value in left_over(regressors, np.array(e))) / total)
        assert test.statistic == pytest.approx(float(known), rel=1e-12)
        assert test.df == len(regressors) - 1


def left_over(columns: list[np.ndarray], y: np.ndarray) -> list[Fraction]:
    """Exact residuals."""
    params = least_squares(columns, y)
    rows = zip(*rationals(columns), strict=True)
    return [Fraction(float(value)) - dot(row, params) for value, row in zip(y, rows, strict=True)]


# what is gathered in parts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [(1,), (2,), (1, 2, 3), (0, 5, 5, 6), (3, 9), tuple(range(1, 10))])
def test_parts_meet_as_if_they_were_one(ends: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    rows, times = rng.normal(size=(3, 10)) + 5, rng.integers(1, 5, 10).astype(float)
    cuts = [0, *ends, 10]
    parts = [slice(a, b) for a, b in pairwise(cuts)]
    near, shape = neighbours(rows[:, parts[0]], 1), central(rows[:, parts[0]], times[parts[0]])
    for part in parts[1:]:
        near, shape = beside(near, neighbours(rows[:, part], 1)), together(shape, central(rows[:, part], times[part]))
    D = np.diff(np.eye(10), axis=0)
    A, z = D.T @ D, rows[1:].T
    near = with_ends(near)
    np.testing.assert_allclose(near.errors, [rows[0] @ A @ rows[0]], rtol=1e-12)
    np.testing.assert_allclose(near.products, z.T @ A @ z, rtol=1e-12)
    assert near.bends == pytest.approx(np.trace(z.T @ A @ A @ z), rel=1e-12)
    out = np.repeat(rows, times.astype(int), axis=1)
    away = out - out.mean(axis=1)[:, None]
    assert shape.rows == out.shape[1]
    for power, got in ((2, shape.second), (3, shape.third), (4, shape.fourth)):
        np.testing.assert_allclose(got, (away**power).sum(axis=1), rtol=1e-11)


def test_the_same_bytes_for_any_threads_and_any_source(tmp_path: Path) -> None:
    n = 150_000  # three chunks
    X, y = sample(n)
    turned = np.random.default_rng(3).permutation(n)
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, day=turned)
    table.to_parquet(tmp_path / "rows.parquet", row_group_size=65_536)
    fits = [gl.fit(source, target="y", features=["a", "b", "c"]) for source in (table, tmp_path / "rows.parquet")] + [
        gl.fit(X, y)
    ]
    for time in (None, "day"):
        known = {
            everything(diagnosed(fit, turned if time and not number - 2 else time, threads=threads)).tobytes()
            for number, fit in enumerate(fits)
            for threads in (1, 2, 7)
        }
        assert len(known) == 1
    found, peer = fits[1].diagnose(), sm.OLS(y, sm.add_constant(X)).fit()
    assert found.white.f is not None
    np.testing.assert_allclose(found.white.statistic, het_white(peer.resid, sm.add_constant(X))[0], rtol=1e-9)
    assert found.durbin_watson.statistic == pytest.approx(durbin_watson(peer.resid), rel=1e-10)
    np.testing.assert_allclose(found.jarque_bera.statistic, jarque_bera(peer.resid)[0], rtol=1e-9)


# properties ---------------------------------------------------------------------------------------------


def test_frequency_weights_are_rows_written_out() -> None:
    X, y = sample(150)
    times = np.random.default_rng(4).integers(0, 4, len(y))
    out = np.repeat(np.arange(len(y)), times)
    counted, written = gl.fit(X, y, frequency_weights=times).diagnose(), gl.fit(X[out], y[out]).diagnose()
    same(counted, written, but="durbin_watson")
    assert counted.durbin_watson.reasons == ("repeated",)
    assert np.isnan([counted.durbin_watson.statistic, counted.durbin_watson.p]).all()


def test_weights_that_are_all_the_same_change_nothing() -> None:
    X, y = sample()
    same(gl.fit(X, y, weights=np.full(len(y), 1e-7)).diagnose(), gl.fit(X, y).diagnose())


@pytest.mark.parametrize("kind", ["dates", "numbers", "column"])
def test_rows_may_stand_in_any_order(kind: str) -> None:
    X, y = sample()
    turned = np.random.default_rng(5).permutation(len(y))
    days = np.datetime64("2024-01-01") + turned.astype("timedelta64[D]")
    known = gl.fit(X, y).diagnose()
    if kind == "column":
        table = pd.DataFrame(X[turned], columns=["a", "b", "c"]).assign(y=y[turned], day=days)
        found = gl.fit(table, target="y", features=["a", "b", "c"]).diagnose(time="day")
        assert found.durbin_watson.order == "day"
        assert "in the order of day" in found.durbin_watson.explain()
    else:
        found = gl.fit(X[turned], y[turned]).diagnose(days if kind == "dates" else turned)
    same(found, known)
    unordered = gl.fit(X[turned], y[turned]).diagnose()
    same(unordered, known, but="durbin_watson")
    assert abs(unordered.durbin_watson.statistic - known.durbin_watson.statistic) > 0.05
    rising = gl.fit(X, y).diagnose(np.arange(len(y)) * 0.5)
    assert everything(rising).tobytes() == everything(known).tobytes()


def test_rows_left_out_are_not_there() -> None:
    X, y = sample()
    hole, weights = X.copy(), np.ones(len(y))
    hole[[0, 100, 101, 399], [0, 1, 2, 0]] = np.nan
    weights[200:210] = 0
    keep = ~np.isnan(hole).any(axis=1) & (weights > 0)
    same(gl.fit(hole, y, weights=weights).diagnose(), gl.fit(X[keep], y[keep]).diagnose())
    time = np.random.default_rng(6).permutation(len(y))
    same(gl.fit(hole, y, weights=weights).diagnose(time), gl.fit(X[keep], y[keep]).diagnose(time[keep]))


def test_units_and_origins_say_nothing() -> None:
    """Columns of 1e8 beside 1e-8, one whose mean is 1e7 times its spread, and a target of 1e-9."""
    X, y = sample()
    X = np.round(X * 2**20) / 2**20  # so that moving them rounds nothing
    known = gl.fit(X, y).diagnose()
    moved = X * [2.0**27, 2.0**-27, 1.0] + [0, 0, 2.0**24]
    same(gl.fit(moved, y * 2.0**-30).diagnose(), known, rtol=1e-8)


def test_integers_beyond_float64() -> None:
    rng = np.random.default_rng(7)
    small, noise = rng.integers(0, 50, 200), rng.integers(-9, 9, 200)
    fit = gl.fit(pd.DataFrame({"x": 2**60 + small, "y": 2**61 + 3 * small + noise}), target="y")
    assert fit.origin
    same(fit.diagnose(), gl.fit(small.astype(float), (3 * small + noise).astype(float)).diagnose(), rtol=1e-9)


def test_fitted_values_that_lie_far_from_zero() -> None:
    """Squares of values near 1e9 would say nothing of a bend of 1."""
    x = np.linspace(-1, 1, 60)
    noise = np.random.default_rng(8).integers(-50, 50, 60) / 64
    near = x + x**2 + noise
    near = np.round(near * 2**20) / 2**20
    same(gl.fit(x, near + 2.0**30).diagnose(), gl.fit(x, near).diagnose(), rtol=1e-9)


def test_several_targets_are_as_many_fits() -> None:
    X, y = sample()
    Y = np.column_stack([y, np.sin(y), np.ones(len(y))])
    both = gl.fit(X, Y).diagnose()
    for k in range(2):
        one = gl.fit(X, Y[:, k]).diagnose()
        np.testing.assert_allclose(everything(both)[..., k], everything(one)[..., 0], rtol=1e-10)
    assert both.white.p.shape == (3,)
    assert {test.reasons[2] for test in both.tests} == {"perfect"}
    assert len(both.frame()) == 21
    assert both.frame().target.tolist() == ["y1"] * 7 + ["y2"] * 7 + ["y3"] * 7
    assert len(both.reset.explain().splitlines()) == len(repr(both.reset).splitlines()) == 3


def test_columns_that_others_determine_change_nothing() -> None:
    X, y = sample()
    wide = np.column_stack([X[:, 0], 2 * X[:, 0] + 1, X[:, 1:], X[:, 1] - X[:, 2]])
    known = gl.fit(X, y).diagnose()
    same(gl.fit(wide, y).diagnose(), known, rtol=1e-9)
    same(gl.fit(wide, y, aliased="min-norm").diagnose(), known, rtol=1e-9)


def test_a_fit_with_other_standard_errors_is_tested_the_same() -> None:
    X, y = sample()
    fit = gl.fit(X, y)
    assert everything(fit.robust().diagnose()).tobytes() == everything(fit.diagnose()).tobytes()


def test_wide_tables_whose_sums_are_in_float64() -> None:
    rng = np.random.default_rng(9)
    X = rng.normal(size=(2000, 140))
    y = X[:, 0] + rng.normal(size=2000)
    found = gl.fit(X, y, precision="float64").diagnose()
    peer = sm.OLS(y, sm.add_constant(X)).fit()
    np.testing.assert_allclose(
        found.breusch_pagan.statistic, het_breuschpagan(peer.resid, sm.add_constant(X))[0], rtol=1e-9
    )
    assert found.white.reasons == ("wide",)
    assert "10,011 products" in found.white.explain()


# nothing to test ----------------------------------------------------------------------------------------------------


def reasons(found: Diagnostics) -> list[str]:
    return [test.reasons[0] for test in found.tests]


def test_where_there_is_nothing_to_test() -> None:
    X, y = sample()
    assert reasons(gl.fit(X, X @ [1.0, 2.0, 3.0]).diagnose()) == ["perfect"] * 5
    assert reasons(gl.fit(X[:4], y[:4]).diagnose()) == ["saturated"] * 5
    mean = gl.fit(pd.DataFrame({"y": y}), formula="y ~ 1").diagnose()
    assert reasons(mean) == ["constant"] * 3 + [""] * 2
    assert mean.durbin_watson.statistic == pytest.approx(durbin_watson(y - y.mean()), rel=1e-10)
    group = np.arange(400) % 2.0
    assert reasons(gl.fit(group, y).diagnose()) == ["", "", "determined", "", ""]
    assert gl.fit(group, y).diagnose().white.df == 1
    # one column that stands in for the constant
    assert reasons(gl.fit(np.ones((400, 1)), y, intercept=False).diagnose())[:3] == ["constant"] * 2 + ["determined"]
    even = gl.fit(np.repeat([-1.0, 0.0, 1.0, 5.0], 2), np.repeat([-1.0, 0.0, 1.0, 5.0], 2) + np.tile([0.5, -0.5], 4))
    assert reasons(even.diagnose())[:2] == ["equal", "equal"]
    assert even.diagnose().durbin_watson.statistic == pytest.approx(durbin_watson(np.tile([0.5, -0.5], 4)))


def test_one_row_more_than_parameters() -> None:
    """All residuals are one number times a vector that the columns tell, so little is left to be tested."""
    X, y = sample(5)
    found = gl.fit(X, y).diagnose()
    assert reasons(found) == ["", "saturated", "saturated", "", ""]
    peer = sm.OLS(y, sm.add_constant(X)).fit()
    known = het_breuschpagan(peer.resid, sm.add_constant(X))
    assert found.breusch_pagan.statistic == pytest.approx(known[0], rel=1e-7)  # of e² about 1e-9 is the peer's
    assert found.durbin_watson.statistic == pytest.approx(durbin_watson(peer.resid), rel=1e-8)
    assert np.isnan(found.durbin_watson.p)
    assert "no p-value" in found.durbin_watson.explain()


def test_as_many_products_as_are_taken() -> None:
    rng = np.random.default_rng(10)
    X = rng.normal(size=(400, 19))
    y = rng.normal(size=400)
    assert gl.fit(X[:, :18], y).diagnose().white.df == 189
    found = gl.fit(X, y).diagnose()
    assert reasons(found) == ["", "wide", "", "", ""]
    assert "210 products of columns are more than the 200" in found.white.explain()


# bad input ---------------------------------------------------------------------------------------------


def test_requests_that_cannot_be_met() -> None:
    X, y = sample()
    fit = gl.fit(X, y)
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: gl.fit(X, y, l2=1.0).diagnose(), "these tests are of least squares, and the fit has l2"),
        (lambda: gl.fit(X, y, l1=1.0).diagnose(), "and the fit has l1"),
        (lambda: gl.fit(X, y, x_error={"x1": 0.1}).diagnose(), "and the fit has x_error"),
        (lambda: gl.fit(X, y, frequency_weights=np.ones(400)).diagnose(np.arange(400)), "frequency weights repeat"),
        (lambda: gl.Moments.of(X, y).fit().diagnose(), "these tests need the rows"),
        (lambda: fit.diagnose(target=y), "go with data="),
        (lambda: fit.diagnose(time=np.array(["a"] * 400)), "numbers or dates were expected"),
        (lambda: fit.diagnose().explain("fr"), "lang must be one of 'en', 'ko'; 'fr'"),
        (lambda: fit.diagnose().white.explain("fr"), "lang must be one of 'en', 'ko'; 'fr'"),
    ]
    for call, text in calls:
        with pytest.raises(OptionError, match=text) as caught:
            call()
        assert len(str(caught.value).splitlines()) <= 2
    with pytest.raises(DataError, match="in more than one row"):
        fit.diagnose(np.arange(400) // 2)
    with pytest.raises(DataError, match="missing value at row 7"):
        fit.diagnose(np.where(np.arange(400) == 7, np.nan, np.arange(400.0)))
    with pytest.raises(DataError, match="not those that were fitted"):
        fit.diagnose(data=X[::-1], target=y)
    with pytest.raises(DataError, match="399 rows to use of 399"):
        fit.diagnose(data=X[1:], target=y[1:])


def test_rows_are_found_again(tmp_path: Path) -> None:
    X, y = sample()
    fit = gl.fit(X, y, weights=np.arange(400) % 3 + 1.0)
    fit.save(tmp_path / "fit.safetensors")
    loaded = gl.load(tmp_path / "fit.safetensors")
    again = loaded.diagnose(data=X, target=y, weights=np.arange(400) % 3 + 1.0)
    assert everything(again).tobytes() == everything(fit.diagnose()).tobytes()


# as text -----------------------------------------------------------------------------------------------------------


def known(name: str, p: float, nobs: float = 400, reason: str = "", **figures: float) -> DiagnosticTest:
    return DiagnosticTest(
        name=name,
        statistics=np.array([1.5]),
        dfs=np.array([2.0]),
        df_denoms=np.array([np.nan]),
        p_values=np.array([p]),
        figures={each: np.array([value]) for each, value in figures.items()},
        reasons=(reason,),
        targets=("y",),
        single_target=True,
        nobs=nobs,
        order="",
    )


@pytest.mark.parametrize(
    ("test", "key"),
    [
        *[(known(name, 0.01, share=0.2), f"{name}_yes") for name in ("breusch_pagan", "white", "reset")],
        *[(known(name, 0.01, share=0.002), f"{name}_slight") for name in ("breusch_pagan", "white", "reset")],
        *[(known(name, 0.05, share=0.2), f"{name}_no") for name in ("breusch_pagan", "white", "reset")],
        (known("durbin_watson", 0.01, correlation=0.25, expected=2.0), "durbin_watson_alike"),
        (known("durbin_watson", 0.01, correlation=-0.25, expected=2.0), "durbin_watson_turns"),
        (known("durbin_watson", 0.01, correlation=0.25, expected=1.2), "durbin_watson_turns"),
        (known("durbin_watson", 0.5, correlation=0.25, expected=2.0), "durbin_watson_no"),
        (known("durbin_watson", np.nan, correlation=0.25, expected=2.0), "durbin_watson_few"),
        (known("jarque_bera", 0.01, 99, skewness=1.0, kurtosis=5.0), "jarque_bera_yes"),
        (known("jarque_bera", 0.01, 100, skewness=1.0, kurtosis=5.0), "jarque_bera_many"),
        (known("jarque_bera", 0.5, skewness=0.1, kurtosis=3.0), "jarque_bera_no"),
        *[
            (known("white", np.nan, reason=reason, products=210), f"not_{reason}")
            for reason in ("perfect", "saturated", "constant", "wide", "equal", "determined", "repeated")
        ],
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_said_is_what_is_true(test: DiagnosticTest, key: str) -> None:
    for lang in ("en", "ko"):
        said = test.explain(lang)
        forms = {name: re.sub(r"\\{\w+\\}", ".+", re.escape(text)) for name, text in TEXTS[lang].items()}
        assert [
            name for name, form in forms.items() if not name.startswith("order") and re.fullmatch(form, said)
        ] == [key]
        assert "nan" not in said
    assert TEXTS["en"].keys() == TEXTS["ko"].keys()


def test_tables_fit_a_terminal() -> None:
    X, y = sample(60)
    names = [
        "flipper_length_in_millimetres_of_the_left_flipper_of_the_penguin" * 2,
        "한국어로 된 아주 긴 열 이름 " * 5,
        "c",
    ]
    table = pd.DataFrame(X, columns=names)
    table["무게가 아주 많이 나가는 것의 무게 " * 4] = y * 1e8
    table["z"] = X[:, 0] + 1e-9 * y
    table["시간이 흐르는 순서를 나타내는 긴 이름 " * 3] = np.arange(60)[::-1]
    found = gl.fit(table, target=list(table.columns[3:5]), features=names).diagnose(table.columns[5])
    for lang in ("en", "ko"):
        lines = found.summary(lang).splitlines()
        assert max(map(cells, lines)) <= 80
        assert len(found.explain(lang).split("\n\n")) == 2
    assert max(map(cells, repr(found.white).splitlines())) <= 80
    assert str(found) == found.summary()
    assert found.summary().count("Breusch-Pagan: ") == 2
    html = found._repr_html_()
    assert html.startswith("<")
    assert "Durbin-Watson" in html
    assert found.frame().columns.tolist() == ["target", "test", "statistic", "df", "df_denom", "p_value", "left_out"]
    assert found.frame().test.tolist()[:4] == ["breusch_pagan", "breusch_pagan_f", "white", "white_f"]


def test_what_was_left_out_is_said_in_the_table() -> None:
    X, y = sample()
    found = gl.fit(X, y, frequency_weights=np.ones(400)).diagnose()
    assert re.search(r"^Durbin-Watson +d +—  +—  +—$", found.summary(), re.M)
    assert "frequency weights repeat rows" in " ".join(found.summary().split())
    assert repr(found.durbin_watson) == "Durbin-Watson: not tested, see explain()"
    assert found.frame().left_out.tolist() == ["", "", "", "", "", "repeated", ""]
