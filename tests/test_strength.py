"""Strengths of penalties from and to other programs, each fitted beside gradline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.linear_model import ElasticNet, Lasso, Ridge, SGDRegressor

import gradline as gl

HERE = Path(__file__).parent
N = 200


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 5)) * [1, 2, 0.5, 1, 3] + [0, 1, 2, 0, 0]
    return X, X @ [1.0, -0.5, 2.0, 0.0, 0.1] + rng.normal(size=N) + 4


def ours(data: tuple, strength: gl.Strength) -> np.ndarray:
    path = gl.path(*data, **strength.options)
    return np.append(path.intercept, path.coef[0])


def params(model: object) -> np.ndarray:
    return np.append(model.intercept_, model.coef_)


def test_ridge(data: tuple) -> None:
    strength = gl.Strength.from_sklearn_ridge(7.0)
    np.testing.assert_allclose(ours(data, strength), params(Ridge(alpha=7.0).fit(*data)), rtol=1e-10)
    assert strength.to_sklearn_ridge() == {"alpha": 7.0}


def test_lasso(data: tuple) -> None:
    strength = gl.Strength.from_sklearn_lasso(0.3, N)
    lasso = Lasso(**strength.to_sklearn_lasso(N), tol=1e-14).fit(*data)
    assert lasso.alpha == pytest.approx(0.3, rel=1e-15)
    np.testing.assert_allclose(ours(data, strength), params(lasso), rtol=1e-7, atol=1e-9)


def test_elastic_net_with_weights(data: tuple) -> None:
    X, y = data
    weights = np.random.default_rng(1).uniform(0.5, 3, N)
    strength = gl.Strength.from_sklearn_elastic_net(0.3, 0.7, weights.sum())
    arguments = strength.to_sklearn_elastic_net(weights.sum())
    assert arguments == pytest.approx({"alpha": 0.3, "l1_ratio": 0.7}, rel=1e-14)
    theirs = ElasticNet(**arguments, tol=1e-14).fit(X, y, sample_weight=weights)
    path = gl.path(X, y, weights=weights, **strength.options)
    np.testing.assert_allclose(np.append(path.intercept, path.coef[0]), params(theirs), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet"])
def test_sgd(data: tuple, penalty: str) -> None:
    strength = gl.Strength.from_sklearn_sgd(0.2, N, penalty=penalty, l1_ratio=0.4)
    options = {"tol": None, "max_iter": 4000, "eta0": 0.05, "power_t": 0.4}
    sgd = SGDRegressor(penalty=penalty, alpha=0.2, l1_ratio=0.4, random_state=0, **options).fit(*data)
    # Its steps end near the minimum, not at it; with other factors they would end 0.1 and more away.
    np.testing.assert_allclose(ours(data, strength), params(sgd), atol=0.02)
    again = SGDRegressor(**strength.to_sklearn_sgd(N), random_state=0, **options).fit(*data)
    np.testing.assert_allclose(params(again), params(sgd), atol=1e-3)
    assert gl.Strength.from_sklearn_sgd(0.2, N, penalty=None) == gl.Strength()


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_statsmodels(data: tuple, share: float) -> None:
    X, y = data
    strength = gl.Strength.from_statsmodels(0.2, share, N)
    arguments = strength.to_statsmodels(N)
    assert arguments == pytest.approx({"alpha": 0.2, "L1_wt": share}, rel=1e-14)
    alphas = np.append(0.0, np.full(5, arguments["alpha"]))
    tight = {"cnvrg_tol": 1e-13, "zero_tol": 1e-13, "maxiter": 10_000} if share else {}
    theirs = sm.OLS(y, sm.add_constant(X)).fit_regularized(alpha=alphas, L1_wt=share, **tight).params
    np.testing.assert_allclose(ours(data, strength), theirs, rtol=1e-6, atol=1e-8)


@pytest.fixture(scope="module")
def penguins() -> tuple[np.ndarray, np.ndarray]:
    features = ["flipper_length_mm", "bill_length_mm", "bill_depth_mm"]
    table = pd.read_csv(HERE.parent / "examples" / "penguins.csv")[[*features, "body_mass_g"]].dropna()
    return table[features].to_numpy(), table["body_mass_g"].to_numpy()


@pytest.mark.parametrize("theirs", pd.read_csv(HERE / "data" / "glmnet.csv").to_dict("records"), ids=str)
def test_glmnet(penguins: tuple, theirs: dict) -> None:
    n, sd = len(penguins[1]), penguins[1].std()
    lambda_, alpha, standardize = theirs["lambda"], theirs["alpha"], theirs["standardize"]
    strength = gl.Strength.from_glmnet(lambda_, alpha, n, sd, standardize=standardize)
    # As near as glmnet comes with thresh = 1e-28.
    np.testing.assert_allclose(ours(penguins, strength), list(theirs.values())[3:], rtol=1e-9)
    back = strength.to_glmnet(n, sd)
    again = gl.Strength.from_glmnet(**back, n=n, target_sd=sd)
    assert again.options == pytest.approx(strength.options, rel=1e-14)
    assert back == pytest.approx({"lambda": lambda_, "alpha": alpha, "standardize": standardize}, rel=1e-14)


@pytest.mark.parametrize("theirs", pd.read_csv(HERE / "data" / "spark.csv").to_dict("records"), ids=str)
def test_spark(penguins: tuple, theirs: dict) -> None:
    n, sd = len(penguins[1]), penguins[1].std()
    options = {"standardization": theirs["standardization"], "solver": theirs["solver"]}
    strength = gl.Strength.from_spark(theirs["regParam"], theirs["elasticNetParam"], n, sd, **options)
    # As near as Spark comes with tol = 1e-14; with the other solver's deviations it would be 1e-3 away.
    np.testing.assert_allclose(ours(penguins, strength), list(theirs.values())[4:], rtol=1e-5)
    back = strength.to_spark(n, sd, solver=theirs["solver"])
    assert [back.pop(name) for name in options] == list(options.values())
    assert back == pytest.approx({name: theirs[name] for name in back}, rel=1e-13)


@pytest.mark.parametrize("l1", [0.0, 3.0])
@pytest.mark.parametrize("l2", [0.0, 0.7])
@pytest.mark.parametrize(
    "program",
    ["sklearn_ridge", "sklearn_lasso", "sklearn_elastic_net", "sklearn_sgd", "statsmodels", "glmnet", "spark"],
)
def test_what_a_converter_gives_goes_back_into_its_other_half(program: str, l1: float, l2: float) -> None:
    if (program == "sklearn_ridge" and l1) or (program == "sklearn_lasso" and l2):
        pytest.skip("it has no such penalty")
    extra = {} if program == "sklearn_ridge" else {"n": 37.0}
    for standardize in (False, True)[: 1 + (program in ("glmnet", "spark"))]:
        strength = gl.Strength(l1, l2, standardize)
        given = getattr(strength, f"to_{program}")(**extra)
        again = getattr(gl.Strength, f"from_{program}")(**given, **extra)
        assert again.options == pytest.approx(strength.options, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gl.Strength(l1=-1.0), "l1 is the strength of a penalty, a finite number of 0 or more, not -1.0"),
        (lambda: gl.Strength.from_sklearn_ridge(float("nan")), "alpha is the strength of a penalty"),
        (lambda: gl.Strength.from_sklearn_lasso(1.0, 0), "n is the number of rows"),
        (lambda: gl.Strength.from_statsmodels(1.0, 1.5, 10), "the share of l1 is between 0"),
        (lambda: gl.Strength.from_glmnet(1.0, 0.5, 10, 0.0), "target_sd is the standard deviation"),
        (lambda: gl.Strength.from_sklearn_sgd(1.0, 10, penalty="l3"), "penalty must be one of 'l2', 'l1'"),
        (lambda: gl.Strength.from_sklearn_sgd(1.0, 10, penalty=["l1"]), r"or None; \['l1'\] arrived"),
        (lambda: gl.Strength.from_spark(1.0, 0.5, 10, solver="auto"), 'solver is "normal" or "l-bfgs", not'),
        (lambda: gl.Strength.from_spark(1.0, 0.5, 1, solver="l-bfgs"), "n must be above 1"),
        (lambda: gl.Strength(l1=np.ones(10_000)), "not array.*….*10000"),
        (lambda: gl.Strength("a"), "l1 is the strength of a penalty, a finite number of 0 or more, not 'a'"),
        (lambda: gl.Strength(1.0, 2.0, "no"), "standardize must be True or False; 'no' arrived"),
        (lambda: gl.Strength.from_spark(1.0, 0.5, 10, standardization="no"), "standardization must be True or False"),
        (lambda: gl.Strength(l2=None), "l2 is the strength of a penalty, .*, not None"),
        (lambda: gl.Strength.from_sklearn_lasso(1.0, "a"), "n is the number of rows, .*, not 'a'"),
        (lambda: gl.Strength.from_statsmodels(1.0, "a", 10), "the share of l1 is between 0 .*, not 'a'"),
        (lambda: gl.Strength.from_glmnet(1.0, 0.5, 10, "a"), "target_sd is the standard deviation .*, not 'a'"),
        (lambda: gl.Strength.from_glmnet(1.0, 0.5), "n is the number of rows, .*, not nan"),
        (lambda: gl.Strength.from_glmnet(n=9), "λ is given once, as lambda_= or as lambda in ..; nothing arrived"),
        (lambda: gl.Strength.from_glmnet(1.0, n=9, **{"lambda": 1.0}), "given once, .*; lambda_, lambda arrived"),
        (lambda: gl.Strength.from_glmnet(n=9, lamda=1.0), "λ is given once, as lambda_= .*; lamda arrived"),
        (lambda: gl.Strength(l1=1.0).to_sklearn_ridge(), "Ridge has no l1, and this penalty has l1=1.0"),
        (lambda: gl.Strength(l2=1.0).to_sklearn_lasso(10), "Lasso has no l2"),
        (lambda: gl.Strength(1.0, 1.0, standardize=True).to_statsmodels(10), "fit_regularized has no standardize"),
    ],
)
def test_what_cannot_be_converted(call: object, message: str) -> None:
    with pytest.raises(gl.OptionError, match=message):
        call()
