"""Paths of penalised fits: their optimality conditions in exact arithmetic, and other programs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import oracle
import pandas as pd
import pytest
from sklearn.linear_model import lasso_path

import gradline as gl
from gradline.exact import penalties
from gradline.exact.factor_compiled import bring, diagonal, solve


def plain(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(40, 8)) + rng.normal(size=8) * 5


def correlated(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(40, 12)) + 20 * rng.normal(size=(40, 1))


def badly_scaled(rng: np.random.Generator) -> np.ndarray:
    return correlated(rng) * 10.0 ** np.linspace(-8, 8, 12)


def wide(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(15, 30))


def repeated(rng: np.random.Generator) -> np.ndarray:
    X = np.round(rng.normal(size=(30, 6)), 2)
    return np.column_stack([X, X[:, 0], -X[:, 1], X[:, 2] + X[:, 3], np.full(30, 3.0)])


def nearly_dependent(rng: np.random.Generator) -> np.ndarray:
    x = np.linspace(0, 1, 40)
    return np.column_stack([x**k for k in range(1, 10)])


def far_from_zero(rng: np.random.Generator) -> np.ndarray:
    return np.round(rng.normal(size=(30, 6)) * 64) / 64 + 1e8


DESIGNS = [plain, correlated, badly_scaled, wide, repeated, nearly_dependent, far_from_zero]


def violation(
    X: np.ndarray, y: np.ndarray, coef: np.ndarray, l1: float, l2: float, intercept: bool, weights: np.ndarray
) -> float:
    """How far exact residual correlations are from what the optimality conditions ask, beside l1."""
    rows = np.ones(len(y)) if weights is None else weights
    w, columns = oracle.rationals([rows])[0], oracle.rationals([*X.T, y])
    beta = [Fraction(float(b)) for b in coef]
    residual = [v - oracle.dot(beta, z) for *z, v in zip(*columns, strict=True)]
    if intercept:
        mean = oracle.dot(w, residual) / sum(w)
        residual = [r - mean for r in residual]
    weighted = [a * r for a, r in zip(w, residual, strict=True)]
    worst = Fraction(0)
    for column, b in zip(columns, beta, strict=False):
        gradient = oracle.dot(column, weighted) - Fraction(l2) * b
        sign = (b > 0) - (b < 0)
        excess = abs(gradient - sign * Fraction(l1)) if b else max(abs(gradient) - Fraction(l1), Fraction(0))
        worst = max(worst, excess)
    return float(worst / Fraction(l1))


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("share", [0.0, 1e-6, 0.5])
@pytest.mark.parametrize("intercept", [True, False])
def test_optimality_conditions_hold_exactly(design: Callable, share: float, intercept: bool) -> None:
    rng = np.random.default_rng(7)
    X = design(rng)
    y = X[:, :3] / X[:, :3].std(axis=0) @ [3.0, -2.0, 1.0] + rng.normal(size=len(X))
    weights = rng.uniform(0.5, 2, len(X)) if share else None
    moments = gl.Moments.of(X, y, weights=weights)
    strongest = moments.path(strengths=1, intercept=intercept).l1[0]
    l1 = strongest * np.geomspace(1, 1e-4, 25)
    path = moments.path(l1=l1, l2=share * l1, intercept=intercept)
    found = [violation(X, y, path.coef[i], l1[i], share * l1[i], intercept, weights) for i in range(0, 25, 4)]
    # A coefficient's last bit moves x'r by 2**-53 of |x|²·|coef|; with means 1e8 times the spread that is 1e-9 of l1.
    bits = np.abs(X * path.coef[24]).sum(axis=0) @ np.abs(X).max(axis=0) * 2.0**-52 / l1[24]
    assert max(found) < max(1e-9, bits)
    assert not (path.states == 2).any()


def test_dependent_columns_are_said_to_have_other_solutions() -> None:
    rng = np.random.default_rng(1)
    X = repeated(rng)
    path = gl.path(X, X[:, 0] + X[:, 3] + 0.1 * rng.normal(size=30), strengths=20)
    assert any("other coefficients are as good" in note for note in path.notes)
    assert any("do not vary" in note and "x10" in note for note in path.notes)
    assert (path.coef[:, 9] == 0).all()


def test_as_many_coefficients_as_rows_allow_are_the_only_ones() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        path = gl.path(rng.normal(size=(30, 80)), rng.normal(size=30))
        assert (path.coef != 0).sum(axis=1).max() == 29
        assert not path.notes


def test_a_column_twice_has_other_solutions_at_every_strength() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=40)
    path = gl.path(np.column_stack([X, -X[:, 0]]), y, strengths=10)
    assert (path.states[1:] == 1).all()
    assert (gl.path(np.column_stack([X, -X[:, 0]]), y, strengths=10, mix=0.5).states == 0).all()


@pytest.mark.parametrize("design", [plain, correlated, wide])
def test_a_lasso_path_is_that_of_scikit_learn(design: Callable) -> None:
    rng = np.random.default_rng(3)
    X = design(rng)
    y = X[:, :3] @ [3.0, -2.0, 1.0] + rng.normal(size=len(X))
    path = gl.path(X, y, strengths=30)
    n = len(y)
    alphas, coefs, _ = lasso_path(
        X - X.mean(axis=0), y - y.mean(), eps=1e-3, alphas=30, tol=1e-12, max_iter=1_000_000
    )
    np.testing.assert_allclose(path.l1 / n, alphas, rtol=1e-12)  # laid out alike
    np.testing.assert_allclose(path.coef, coefs.T, rtol=0, atol=1e-4)  # its tolerance is a dual gap of 1e-12
    np.testing.assert_allclose(path.intercept, y.mean() - path.coef @ X.mean(axis=0), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("design", [plain, correlated, badly_scaled, wide, far_from_zero])
def test_ridge_for_all_strengths_is_a_fit_for_each(design: Callable) -> None:
    rng = np.random.default_rng(5)
    X = design(rng)
    y = X[:, :3] / X[:, :3].std(axis=0) @ [3.0, -2.0, 1.0] + rng.normal(size=len(X))
    path = gl.path(X, y, mix=0, strengths=9)
    assert (np.diff(path.l2) < 0).all()
    for number in (0, 4, 8):
        fit = gl.fit(X, y, l2=path.l2[number])
        np.testing.assert_allclose(path.coef[number], fit.coef, rtol=1e-12)
        np.testing.assert_allclose(path.intercept[number], fit.intercept, rtol=1e-11)
        np.testing.assert_allclose(path.df[number], fit.freedom, rtol=1e-7)
        np.testing.assert_allclose(path.r2[number], fit.r2, rtol=1e-9)
        np.testing.assert_array_equal(path.at(number).se, fit.se)


def test_ridge_takes_one_factorisation_unless_it_is_not_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    y = rng.normal(size=40)
    calls = []
    solve = penalties.solve
    monkeypatch.setattr(penalties, "solve", lambda *given, **options: calls.append(1) or solve(*given, **options))
    gl.path(plain(rng), y, mix=0, strengths=50)
    assert not calls
    gl.path(badly_scaled(rng), y, l2=[3.0, 2.0, 1.0])
    assert len(calls) == 3


def test_standardized_is_the_path_of_divided_columns() -> None:
    rng = np.random.default_rng(2)
    X, y = badly_scaled(rng), rng.normal(size=40)
    deviation = X.std(axis=0)
    for options in ({"l1": [3.0, 0.5], "l2": [0.0, 2.0]}, {"l2": [5.0, 1.0]}):
        given = gl.path(X, y, standardize=True, **options)
        divided = gl.path(X / deviation, y, **options)
        np.testing.assert_allclose(given.coef * deviation, divided.coef, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(given.df, divided.df, rtol=1e-10)
        at = given.at(1)
        np.testing.assert_allclose(at.coef, given.coef[1], rtol=1e-13)
        np.testing.assert_allclose(at.rss[0], given.rss[1, 0], rtol=1e-12)
    np.testing.assert_allclose(at.se[1:] * deviation, gl.fit(X / deviation, y, l2=1.0).se[1:], rtol=1e-10)


def test_several_targets_are_several_paths() -> None:
    rng = np.random.default_rng(4)
    X = plain(rng)
    Y = X[:, :2] @ rng.normal(size=(2, 3)) + rng.normal(size=(40, 3)) * [0.1, 1, 100]
    path = gl.path(X, Y, l1=[20.0, 2.0], l2=[0.0, 1.0])
    ridge = gl.path(X, Y, l2=[3.0, 1.0])
    assert path.coef.shape == (2, 8, 3)
    assert path.intercept.shape == path.r2.shape == (2, 3)
    for k in range(3):
        one = gl.path(X, Y[:, k], l1=[20.0, 2.0], l2=[0.0, 1.0])
        np.testing.assert_allclose(path.coef[:, :, k], one.coef, rtol=1e-13)
        np.testing.assert_allclose(path.r2[:, k], one.r2, rtol=1e-12)
        np.testing.assert_allclose(path.at(1).coef[:, k], one.coef[1], rtol=1e-13)
        np.testing.assert_allclose(ridge.coef[:, :, k], gl.path(X, Y[:, k], l2=[3.0, 1.0]).coef, rtol=1e-13)
    assert list(path.frame().target) == ["y1", "y1", "y2", "y2", "y3", "y3"]


def test_strengths_are_answered_in_the_order_given() -> None:
    rng = np.random.default_rng(6)
    X, y = plain(rng), rng.normal(size=40)
    falling = gl.path(X, y, l1=[9.0, 3.0, 1.0, 0.0], l2=1.0)
    mixed = gl.path(X, y, l1=[1.0, 0.0, 9.0, 3.0], l2=1.0)
    np.testing.assert_allclose(mixed.coef[[2, 3, 0, 1]], falling.coef, rtol=1e-12, atol=1e-15)


def test_strength_zero_is_least_squares() -> None:
    rng = np.random.default_rng(6)
    X = repeated(rng)
    y = rng.normal(size=30)
    path, fit = gl.path(X, y, l1=0.0), gl.fit(X, y)
    np.testing.assert_array_equal(path.coef[0], fit.coef)  # the aliased ones NaN
    np.testing.assert_allclose(path.r2[0], fit.r2, rtol=1e-12)


def test_a_fit_with_l1_is_a_point_of_the_path() -> None:
    rng = np.random.default_rng(8)
    X = plain(rng)
    y = X[:, :3] @ [3.0, -2.0, 1.0] + rng.normal(size=40)
    path = gl.path(X, y, l1=[30.0, 3.0], l2=[2.0, 0.5])
    fit = gl.fit(X, y, l1=3.0, l2=0.5)
    np.testing.assert_allclose(fit.coef, path.coef[1], rtol=1e-14)
    np.testing.assert_array_equal(path.at(-1).params, fit.params)
    assert fit.freedom == pytest.approx(path.df[1], rel=1e-12)
    assert fit.r2 == pytest.approx(path.r2[1], rel=1e-12)
    assert fit.l1 == 3.0
    assert fit.digits > 12
    assert np.isnan(fit.se).all()
    assert np.isnan(fit.conf_int()).all()
    assert np.isnan(fit.cov).all()
    assert np.isnan(fit.f)
    assert "no standard errors with l1" in fit.summary()
    assert "l1 3, l2 0.5" in fit.summary()
    with pytest.raises(gl.OptionError, match="no standard errors"):
        fit.predict(X, interval="mean")
    np.testing.assert_allclose(fit.predict(X), path.intercept[1] + X @ path.coef[1], rtol=1e-12)


def test_a_fit_with_l1_can_be_kept(tmp_path: Path) -> None:
    fit = gl.fit([[1.0, 2.0], [2.0, 1.0], [4.0, 0.0]], [1.0, 2.0, 4.5], l1=0.5)
    fit.save(tmp_path / "lasso.safetensors")
    again = gl.load(tmp_path / "lasso.safetensors")
    np.testing.assert_array_equal(again.params, fit.params)
    assert again.l1 == 0.5
    assert again.summary() == fit.summary()


def test_a_file_with_categories(penguins: Path) -> None:
    formula = "body_mass_g ~ flipper_length_mm + C(species) + C(island):bill_depth_mm"
    path = gl.path(penguins, formula=formula, strengths=10, standardize=True)
    assert ["Intercept", *path.columns] == gl.fit(penguins, formula=formula, l2=1.0).names
    whole = gl.Moments.of(penguins, formula=formula)
    np.testing.assert_array_equal(whole.path(strengths=10, standardize=True).coef, path.coef)
    frame = pd.read_csv(penguins)
    predicted = path.at(5).predict(frame)
    assert np.isnan(predicted).sum() == 2
    complete = ~np.isnan(predicted)
    rss = ((frame.body_mass_g[complete] - predicted[complete]) ** 2).sum()
    assert rss == pytest.approx(path.rss[5, 0], rel=1e-12)


def test_reading_a_path() -> None:
    rng = np.random.default_rng(9)
    X = plain(rng)
    path = gl.path(X, X[:, 0] + rng.normal(size=40), strengths=40)
    text = path.summary()
    assert "minimises RSS + 2·l1·Σ |coef|" in text
    assert "No standard errors" in text
    assert all(len(line) <= 80 for line in (text + "\n" + repr(path)).splitlines())
    assert len(repr(path).splitlines()) == 2
    assert path._repr_html_().startswith("<pre")
    frame = path.frame()
    assert list(frame.columns) == ["l1", "l2", "df", "r2", "rss", "Intercept", *path.columns]
    assert len(frame) == 40
    np.testing.assert_array_equal(frame[list(path.columns)].to_numpy(), path.coef)
    with pytest.raises(gl.OptionError, match="40 strengths, numbered from 0; 40 is none"):
        path.at(40)


def test_targets_and_features_that_do_not_vary() -> None:
    X = np.ones((5, 2))
    path = gl.path(X, np.arange(5.0), strengths=3)
    assert (path.coef == 0).all()
    assert (path.intercept == 2).all()
    constant = gl.path(np.arange(5.0), np.full(5, 3.7), strengths=3)
    assert (constant.coef == 0).all()
    assert (constant.intercept == 3.7).all()
    assert np.isnan(constant.r2).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l1": -1.0}, "l1 is the strength of a penalty, a finite number of 0 or more, not -1.0"),
        ({"l2": [1.0, -2.0]}, r"l2 holds -2.0 at position 1 \(the first is 0\)"),
        ({"l1": [1.0, np.nan]}, "l1 holds nan at position 1"),
        ({"l1": [1.0, 2.0], "l2": [1.0, 2.0, 3.0]}, "l1 has 2 strengths and l2 has 3"),
        ({"l1": "much"}, "l1 is a strength or a sequence of strengths, not 'much'"),
        ({"l1": []}, "l1 is a strength or a sequence of strengths"),
        ({"l1": True}, "l1 is a strength or a sequence of strengths"),
        ({"l1": 1.0, "mix": 0.5}, "mix= lays out strengths, and l1= or l2= gives them already"),
        ({"l2": 1.0, "strengths": 5}, "strengths= lays out strengths"),
        ({"strengths": 0}, "strengths is how many to lay out, a whole number of 1 or more, not 0"),
        ({"strengths": 2.5}, "strengths is how many"),
        ({"mix": 1.5}, r"mix is the share of l1, from 0 \(ridge\) to 1 \(lasso\), not 1.5"),
        (
            {"ratio": 2},
            r"the weakest strength beside the strongest, and 2 arrived.\nGive a number above 0, and 1 at most",
        ),
    ],
)
def test_strengths_that_cannot_be(options: dict, message: str) -> None:
    with pytest.raises(gl.OptionError, match=message) as caught:
        gl.path(np.eye(3), np.arange(3.0), **options)
    lines = str(caught.value).splitlines()
    assert len(lines) <= 3
    assert max(map(len, lines)) <= 80


def test_a_strength_of_a_fit_that_cannot_be() -> None:
    with pytest.raises(gl.OptionError, match="l1 is the strength of a penalty"):
        gl.fit(np.eye(3), np.arange(3.0), l1=-1)
    with pytest.raises(gl.OptionError, match="aliased='error' is about columns that l1="):
        gl.fit(np.eye(3), np.arange(3.0), l1=1, aliased="error")
    with pytest.raises(gl.DataError, match="no rows left to fit"):
        gl.path(np.zeros((0, 2)), np.zeros(0), l1=1.0)


def test_sums_in_float64_are_taken_again_where_means_are_far_from_zero() -> None:
    rng = np.random.default_rng(11)
    near = np.round(rng.normal(size=(1000, 200)) * 1024) / 1024
    y = near[:, 0] - near[:, 1] + rng.normal(size=1000)
    X, Y = np.tile(near, (26, 1)), np.tile(y, 26)  # so many rows that the plan is float64
    assert gl.plan(X, Y).precision == "float64"
    want = gl.path(near, y, l1=20.0, l2=3.0)
    plain_, far = gl.path(X, Y, l1=520.0, l2=78.0), gl.path(X + 2.0**22, Y, l1=520.0, l2=78.0)
    assert plain_.moments.precision == "float64"
    assert far.moments.precision == "double-double"
    np.testing.assert_allclose(far.coef, want.coef, rtol=1e-10, atol=1e-13)
    asked = gl.path(X + 2.0**22, Y, l1=520.0, l2=78.0, precision="float64")
    assert any("few digits of sums in float64" in note for note in asked.notes)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_faces_of_more_than_one_panel(share: float) -> None:
    rng = np.random.default_rng(12)
    X = np.round(rng.normal(size=(300, 160)) + rng.normal(size=(300, 1)), 3)
    y = X[:, :120] @ rng.normal(size=120) + rng.normal(size=300)
    path = gl.path(X, y, strengths=20)
    mixed = gl.path(X, y, l1=path.l1, l2=share * path.l1)
    assert (mixed.coef[-1] != 0).sum() > 2 * 64
    found = violation(X, y, mixed.coef[-1], mixed.l1[-1], mixed.l2[-1], True, None)
    assert found < 1e-9
    some = mixed.coef[-1] != 0
    Z = X[:, some] - X[:, some].mean(axis=0)
    gram = Z.T @ Z
    hat = np.linalg.solve(gram + mixed.l2[-1] * np.eye(some.sum()), gram)
    assert mixed.df[-1] == pytest.approx(1 + np.trace(hat), rel=1e-9)


def test_a_factor_that_columns_enter_leave_and_enter_again() -> None:
    rng = np.random.default_rng(13)
    d = 150
    Z = rng.normal(size=(400, d)) + rng.normal(size=(400, 1))
    gram, weights, l2 = Z.T @ Z / 400, rng.uniform(0.5, 2, d), 0.3
    penalty = np.diag(l2 * weights**2)
    upper, order, size = np.full((d, d), np.nan), np.zeros(d, np.int64), 0
    signs = np.where(rng.uniform(size=d) < 0.6, 1.0, 0.0)
    updated = 0
    for turn in range(60):
        few = rng.permutation(d)[: (1, 2, 3, 100)[turn % 4]]
        signs[few] = np.where(signs[few] == 0.0, -1.0, 0.0)
        before = list(order[:size])
        size, trusted = bring(gram, l2, weights, signs, upper, order, size)
        active = order[:size]
        assert trusted
        assert sorted(active) == list(signs.nonzero()[0])
        staying = [j for j in before if signs[j]]
        updated += bool(before) and list(active[: len(staying)]) == staying
        inverse = np.linalg.inv((gram + penalty)[np.ix_(active, active)])
        vector = rng.normal(size=size)
        found = vector.copy()
        solve(upper, size, found)
        np.testing.assert_allclose(found, inverse @ vector, rtol=0, atol=1e-12 * abs(inverse).sum())
        np.testing.assert_allclose(diagonal(upper, size), inverse.diagonal(), rtol=1e-10)
    assert updated >= 30  # the others were made anew


def test_a_factor_does_not_take_a_column_that_depends_on_its_own() -> None:
    X = np.random.default_rng(14).normal(size=(60, 40))
    X = np.column_stack([X, X[:, 3] - X[:, 5]])
    gram, upper, order = X.T @ X, np.zeros((41, 41)), np.zeros(41, np.int64)
    signs = np.concatenate([np.ones(40), [0.0]])
    size, trusted = bring(gram, 0.0, np.ones(41), signs, upper, order, 0)
    assert (size, trusted) == (40, True)
    signs[40] = 1.0
    assert bring(gram, 0.0, np.ones(41), signs, upper, order, size) == (40, False)
    signs[3] = 0.0  # without one of the others it is welcome
    assert bring(gram, 0.0, np.ones(41), signs, upper, order, size) == (40, True)


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("dependent", [False, True])
def test_a_long_path_on_which_columns_leave_again(share: float, dependent: bool) -> None:
    rng = np.random.default_rng(15)
    X = np.round(rng.normal(size=(160, 90)) @ (np.eye(90) + 0.3 * rng.normal(size=(90, 90))), 3)
    if dependent:
        X = np.column_stack([X, X[:, :3], X[:, 3] + X[:, 4]])
    y = X[:, :40] @ rng.normal(size=40) + 5 * rng.normal(size=160)
    path = gl.path(X, y, strengths=60)
    path = gl.path(X, y, l1=path.l1, l2=share * path.l1)
    active = path.coef != 0
    assert (active[:-1] & ~active[1:]).any(axis=0).sum() > 3  # these left
    assert active[-1].sum() > 70
    for i in (20, 40, 59):
        assert violation(X, y, path.coef[i], path.l1[i], share * path.l1[i], True, None) < 1e-9
        some = active[i]
        Z = X[:, some] - X[:, some].mean(axis=0)
        gram = Z.T @ Z
        hat = np.linalg.solve(gram + share * path.l1[i] * np.eye(some.sum()), gram)
        assert path.df[i] == pytest.approx(1 + np.trace(hat), rel=1e-9)
    assert not (path.states == 2).any()
