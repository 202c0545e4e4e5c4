"""`gl.fit` beside statsmodels on real data, and the answers to data that leave nothing to estimate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gradline as gl

FEATURES = ["flipper_length_mm", "bill_length_mm", "bill_depth_mm"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    frame = pd.read_csv(Path(__file__).parent.parent / "examples" / "penguins.csv")
    return frame.dropna(subset=["body_mass_g"])


@pytest.fixture(scope="module", params=[True, False], ids=["intercept", "through the origin"])
def both(request: pytest.FixtureRequest, table: pd.DataFrame):
    intercept = request.param
    X = sm.add_constant(table[FEATURES]) if intercept else table[FEATURES]
    peer = sm.OLS(table["body_mass_g"], X).fit()
    return gl.fit(table, target="body_mass_g", features=FEATURES, intercept=intercept), peer, X


def test_estimates_and_tests(both) -> None:
    fit, peer, _ = both
    # statsmodels works in float64 on raw units: about 1e-11 is its own accuracy
    np.testing.assert_allclose(fit.params, peer.params, rtol=1e-9)
    np.testing.assert_allclose(fit.se, peer.bse, rtol=1e-9)
    np.testing.assert_allclose(fit.t, peer.tvalues, rtol=1e-9)
    np.testing.assert_allclose(fit.p, peer.pvalues, rtol=1e-8)
    for level in (0.5, 0.95, 0.999):
        np.testing.assert_allclose(fit.conf_int(level), peer.conf_int(1 - level), rtol=1e-8)
    np.testing.assert_allclose(fit.cov, peer.cov_params(), rtol=1e-8)


def test_figures_of_the_whole_fit(both) -> None:
    fit, peer, _ = both
    wanted = {
        "r2": peer.rsquared,
        "adj_r2": peer.rsquared_adj,
        "sigma": peer.mse_resid**0.5,
        "f": peer.fvalue,
        "aic": peer.aic,
        "bic": peer.bic,
        "log_likelihood": peer.llf,
        "nobs": peer.nobs,
        "df_resid": peer.df_resid,
        "df_model": peer.df_model,
    }
    assert {name: getattr(fit, name) for name in wanted} == pytest.approx(wanted, rel=1e-9)
    assert fit.f_p == pytest.approx(peer.f_pvalue, rel=1e-6, abs=1e-300)


def test_predictions_and_their_intervals(both, table: pd.DataFrame) -> None:
    fit, peer, X = both
    frame = peer.get_prediction(X).summary_frame(alpha=0.1)
    mean = fit.predict(table, interval="mean", level=0.9)
    new = fit.predict(table, interval="prediction", level=0.9)
    np.testing.assert_allclose(fit.predict(table), frame["mean"], rtol=1e-10)
    np.testing.assert_allclose(mean.fit, frame["mean"], rtol=1e-10)
    np.testing.assert_allclose(mean.lower, frame["mean_ci_lower"], rtol=1e-9)
    np.testing.assert_allclose(mean.upper, frame["mean_ci_upper"], rtol=1e-9)
    np.testing.assert_allclose(new.lower, frame["obs_ci_lower"], rtol=1e-9)
    np.testing.assert_allclose(new.upper, frame["obs_ci_upper"], rtol=1e-9)


def test_weights_are_statsmodels_wls(table: pd.DataFrame) -> None:
    weights = np.random.default_rng(0).uniform(0.2, 3.0, len(table))
    peer = sm.WLS(table["body_mass_g"], sm.add_constant(table[FEATURES]), weights=weights).fit()
    for given in (weights, "w"):
        frame = table.assign(w=weights)
        fit = gl.fit(frame, target="body_mass_g", features=FEATURES, weights=given)
        np.testing.assert_allclose(fit.params, peer.params, rtol=1e-9)
        np.testing.assert_allclose(fit.se, peer.bse, rtol=1e-9)
        assert [fit.r2, fit.f, fit.aic] == pytest.approx([peer.rsquared, peer.fvalue, peer.aic], rel=1e-9)


def test_several_targets_are_as_many_fits() -> None:
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2)) * [1.0, 1e6]
    both = gl.fit(X, Y)
    assert both.params.shape == (4, 2)
    assert both.coef.shape == (3, 2)
    assert both.conf_int().shape == (4, 2, 2)
    assert both.cov.shape == (4, 4, 2)
    assert both.predict(X).shape == (60, 2)
    assert len(both.tidy()) == 8
    for k in range(2):
        one = gl.fit(X, Y[:, k])
        for name in ("params", "se", "t", "p", "coef"):
            np.testing.assert_allclose(getattr(both, name)[:, k], getattr(one, name), rtol=1e-12)
        for name in ("intercept", "r2", "adj_r2", "sigma", "f", "aic", "bic"):
            assert getattr(both, name)[k] == pytest.approx(getattr(one, name), rel=1e-12)
        np.testing.assert_allclose(both.conf_int()[:, :, k], one.conf_int(), rtol=1e-12)
        np.testing.assert_allclose(both.cov[:, :, k], one.cov, rtol=1e-12)
        np.testing.assert_allclose(
            both.predict(X, interval="mean").upper[:, k], one.predict(X, interval="mean").upper, rtol=1e-12
        )


def test_every_shape_of_one_target_is_the_same_fit() -> None:
    import polars as pl
    import torch

    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    wanted = gl.fit(X, y)
    for same in (y[:, None], list(y), pd.Series(y), pd.DataFrame({"y": y}), pl.Series(y), torch.tensor(y)[:, None]):
        fit = gl.fit(X, same)
        assert fit.params.tobytes() == wanted.params.tobytes()
        assert fit.se.tobytes() == wanted.se.tobytes()
        assert fit.predict(X).shape == (40,)
        assert isinstance(fit.r2, float)


@pytest.mark.parametrize("shape", [(39,), (41,), (1, 40), (40, 1, 1), (39, 1)])
def test_any_other_target_is_an_error_with_both_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(gl.ShapeError) as caught:
        gl.fit(np.zeros((40, 2)), np.zeros(shape))
    assert "40" in str(caught.value)
    assert str(shape[0]) in str(caught.value)


@pytest.mark.parametrize("l2", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("intercept", [True, False])
def test_ridge_is_scikit_learns_and_its_covariance_the_textbooks(l2: float, intercept: bool) -> None:
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(50, 4)) + 1, rng.normal(size=50)
    fit = gl.fit(X, y, l2=l2, intercept=intercept)
    peer = Ridge(alpha=l2, fit_intercept=intercept).fit(X, y)
    np.testing.assert_allclose(fit.coef, peer.coef_, rtol=1e-9)
    assert fit.intercept == pytest.approx(peer.intercept_, rel=1e-9)
    Z = np.column_stack([np.ones(50), X]) if intercept else X
    inverse = np.linalg.inv(Z.T @ Z + l2 * np.diag([0.0] * intercept + [1.0] * 4))
    residuals = y - fit.predict(X)
    df = 50 - np.trace(inverse @ Z.T @ Z)
    assert fit.df_resid == pytest.approx(df)
    assert fit.sigma == pytest.approx((residuals @ residuals / df) ** 0.5)
    np.testing.assert_allclose(fit.cov, fit.sigma**2 * inverse @ Z.T @ Z @ inverse, rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(fit.se**2, fit.cov.diagonal(), rtol=1e-12)


def test_ridge_makes_a_dependent_column_determined() -> None:
    x = np.random.default_rng(4).normal(size=30)
    fit = gl.fit(np.column_stack([x, x]), 2 * x, l2=1e-3)
    assert not fit.aliased
    assert fit.coef[0] == fit.coef[1] == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("l2", [-1.0, np.nan, np.inf, "strong"])
def test_impossible_penalty(l2: object) -> None:
    with pytest.raises(gl.OptionError, match="l2 is the strength of a penalty"):
        gl.fit(np.eye(3), np.ones(3), l2=l2)


@pytest.mark.parametrize("value", [0.0, 5.0, 0.1, -1e9])
def test_constant_target(value: float) -> None:
    fit = gl.fit(np.random.default_rng(5).normal(size=(30, 2)), np.full(30, value))
    assert fit.coef.tolist() == [0.0, 0.0]
    assert fit.intercept == value
    assert np.isnan(fit.r2)
    assert (fit.se == 0).all()
    assert fit.notes == ("y is constant: slopes are 0 and R² is not defined",)


def test_a_target_that_barely_varies_is_not_constant() -> None:
    x = np.arange(20)
    far = gl.fit(x, 1_700_000_000_000_000_000 + 100 * x)  # nanoseconds since 1970, 100 apart
    assert far.coef[0] == pytest.approx(100, rel=1e-12)
    ulps = gl.fit(x, 1 + 2.0**-52 * x)
    assert ulps.coef[0] == pytest.approx(2.0**-52, rel=10**-ulps.digits)


def test_constant_in_parts_and_overall() -> None:
    x = np.random.default_rng(12).normal(size=(140_000, 1))
    assert gl.fit(x, np.full(140_000, 0.1)).coef[0] == 0
    steps = np.repeat([1.0, 2.0], 70_000)
    m = [gl.Moments.of(x[i : i + 70_000], steps[i : i + 70_000]) for i in (0, 70_000)]
    assert [part.constant for part in (*m, m[0] + m[1], m[0] + m[0])] == [(True,), (True,), (False,), (True,)]
    assert gl.fit(x, steps).coef[0] != 0


def test_a_column_called_intercept() -> None:
    frame = pd.DataFrame({"Intercept": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]})
    with pytest.raises(gl.ColumnError, match="'Intercept', as the constant"):
        gl.fit(frame, target="y")
    assert gl.fit(frame, target="y", intercept=False).names == ["Intercept"]


def test_fewer_rows_than_parameters() -> None:
    fit = gl.fit(np.random.default_rng(6).normal(size=(2, 3)), [1.0, 2.0])
    assert fit.rank == 2
    assert list(fit.aliased) == ["x2", "x3"]
    assert np.isnan(fit.se).all()
    assert np.isnan(fit.sigma)
    assert np.isnan(fit.p).all()
    assert "2 rows for 2 parameters: nothing left for standard errors" in fit.notes


def test_one_row() -> None:
    fit = gl.fit([[2.0]], [7.0])
    assert fit.intercept == 7.0
    assert list(fit.aliased) == ["x"]
    assert np.isnan(fit.r2)
    assert np.isnan(fit.se).all()
    assert "1 row for 1 parameter: nothing left for standard errors" in fit.notes


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_perfect_fit(dtype: type) -> None:
    x = np.random.default_rng(7).uniform(-10, 10, 100).astype(dtype)
    fit = gl.fit(x, (x * 2 + 3).astype(dtype))
    np.testing.assert_allclose(fit.params, [3, 2], rtol=1e-6 if dtype is np.float32 else 1e-15)
    assert fit.se.tolist() == [0.0, 0.0]
    assert fit.sigma == 0.0
    assert fit.r2 == 1.0
    assert fit.notes == ("perfect fit: nothing of y is left beyond its own rounding",)


def test_a_very_good_fit_is_not_a_perfect_one() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=200)
    fit = gl.fit(x, 2 * x + 1e-12 * rng.normal(size=200))
    assert not fit.notes
    assert fit.sigma == pytest.approx(1e-12, rel=0.1)
    assert 0 < 1 - fit.r2 < 1e-20 or fit.r2 == 1.0


def test_intercept_alone() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 6.0]})
    fit = gl.fit(frame, target="y", features=[])
    assert fit.names == ["Intercept"]
    assert fit.intercept == 3.0
    assert fit.se[0] == pytest.approx(np.std([1, 2, 6], ddof=1) / 3**0.5)
    assert fit.predict(frame).tolist() == [3.0, 3.0, 3.0]
    np.testing.assert_allclose(fit.predict(frame, interval="mean").lower, fit.conf_int()[0, 0])


def test_rows_with_missing_inputs_predict_nan(table: pd.DataFrame) -> None:
    fit = gl.fit(table, target="body_mass_g", features=FEATURES)
    new = table[FEATURES].head(5).copy()
    new.iloc[2, 1] = np.nan
    assert np.isnan(fit.predict(new)).tolist() == [False, False, True, False, False]
    assert np.isnan(fit.predict(new, interval="mean").lower).tolist() == [False, False, True, False, False]


def test_a_model_of_an_array_takes_a_frame_by_position(table: pd.DataFrame) -> None:
    fit = gl.fit(table[FEATURES].to_numpy(), table["body_mass_g"])
    np.testing.assert_array_equal(fit.predict(table[FEATURES]), fit.predict(table[FEATURES].to_numpy()))
    with pytest.raises(gl.GradlineError):
        fit.predict(table[FEATURES[:2]])


def test_predict_goes_by_name(table: pd.DataFrame) -> None:
    fit = gl.fit(table, target="body_mass_g", features=FEATURES)
    np.testing.assert_array_equal(fit.predict(table[FEATURES[::-1]]), fit.predict(table))
    with pytest.raises(gl.ColumnError, match="bill_length_mm"):
        fit.predict(table.drop(columns="bill_length_mm"))
    with pytest.raises(gl.ShapeError, match="3"):
        fit.predict(np.zeros((5, 2)))


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, "a", None])
def test_level_is_a_probability(level: Any) -> None:
    fit = gl.fit(np.arange(5.0), [1.0, 2.0, 2.0, 4.0, 5.0])
    with pytest.raises(gl.OptionError, match="level is a probability between 0 and 1"):
        fit.conf_int(level)
    with pytest.raises(gl.OptionError, match="level is a probability between 0 and 1"):
        fit.predict(np.arange(5.0), interval="mean", level=level)
    with pytest.raises(gl.OptionError, match="interval is"):
        fit.predict(np.arange(5.0), interval="confidence")


def test_leverage_far_from_zero_keeps_its_digits() -> None:
    x = 1e8 + np.linspace(-1, 1, 21)
    y = np.random.default_rng(9).normal(size=21)
    far, near = gl.fit(x, y), gl.fit(x - 1e8, y)
    a, b = far.predict(x, interval="mean"), near.predict(x - 1e8, interval="mean")
    np.testing.assert_allclose(a.upper - a.lower, b.upper - b.lower, rtol=1e-6)


def test_to_torch_computes_the_same(table: pd.DataFrame) -> None:
    import torch

    fit = gl.fit(table, target="body_mass_g", features=FEATURES)
    layer = fit.to_torch()
    X = torch.tensor(table[FEATURES].to_numpy())
    np.testing.assert_allclose(layer(X).detach().numpy()[:, 0], fit.predict(table), rtol=1e-13)
    assert fit.to_torch(dtype=torch.float32).weight.dtype == torch.float32
    assert gl.fit(table, target="body_mass_g", features=FEATURES, intercept=False).to_torch().bias is None
    for dtype in (torch.int64, "float32"):
        with pytest.raises(
            gl.OptionError, match=f"dtype is a floating-point type such as torch.float32, not '?{dtype}"
        ):
            fit.to_torch(dtype)


def test_a_path_is_the_name_of_a_file() -> None:
    fit = gl.fit(np.arange(5.0), [1.0, 2.0, 2.0, 4.0, 5.0])
    for write in (fit.to_onnx, fit.save):
        with pytest.raises(gl.OptionError, match="path is the name of a file, not 3"):
            write(3)


@pytest.mark.parametrize(
    ("function", "request_", "text"),
    [
        (
            gl.path,
            {"strength": 3},
            r"path has no option strength=\. Did you mean strengths=\?\noptions: l1, l2, strengths",
        ),
        (gl.crossval, {"fold": 3}, r"crossval has no option fold=\. Did you mean folds=\?\noptions: folds"),
        (gl.subsets, {"where_": "x"}, r"subsets has no option where_=\. Did you mean where=\?\noptions: method"),
        (gl.plan, {"measure": True}, r"plan has no option measure=\.\noptions: precision, features"),
    ],
)
def test_an_option_that_is_not_known_is_named(function: Any, request_: dict[str, Any], text: str) -> None:
    with pytest.raises(gl.OptionError, match=text):
        function(np.arange(5.0), [1.0, 2.0, 2.0, 4.0, 5.0], **request_)


def test_no_rows_left() -> None:
    with pytest.raises(gl.DataError, match=r"no rows left to fit: each of the 3 rows .*\nmissing: x 3"):
        gl.fit([np.nan] * 3, [1.0, 2.0, 3.0])
    with pytest.raises(gl.DataError, match=r"no rows left to fit: .* gave 0 rows"):
        gl.fit(np.empty((0, 2)), np.empty(0))
    with pytest.raises(gl.DataError, match=r"all 2 rows in .* have weight 0"):
        gl.fit([1.0, 2.0], [1.0, 2.0], weights=[0.0, 0.0])


def test_residuals_are_orthogonal_and_the_answer_is_a_minimum() -> None:
    rng = np.random.default_rng(10)
    X, y = rng.normal(size=(100, 5)), rng.normal(size=100)
    fit = gl.fit(X, y)
    Z = np.column_stack([np.ones(100), X])
    assert abs(Z.T @ (y - fit.predict(X))).max() < 1e-12
    for _ in range(20):
        moved = fit.params + 1e-3 * rng.normal(size=6)
        assert ((y - Z @ moved) ** 2).sum() > fit.rss[0]


def test_tidy_and_glance_read_as_broom() -> None:
    rng = np.random.default_rng(11)
    X = pd.DataFrame(rng.normal(size=(30, 2)), columns=["a", "b"])
    fit = gl.fit(X, pd.Series(rng.normal(size=30), name="z"))
    tidy = fit.tidy()
    assert list(tidy.term) == ["Intercept", "a", "b"]
    np.testing.assert_array_equal(tidy[["conf_low", "conf_high"]], fit.conf_int())
    np.testing.assert_array_equal(tidy[["estimate", "std_error"]], np.column_stack([fit.params, fit.se]))
    assert fit.glance().loc["z", "r_squared"] == fit.r2
