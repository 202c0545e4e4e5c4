"""Strengths of penalties from and to other programs, each fitted beside gradline."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet, Lasso, Ridge, SGDRegressor

import gradline as gl

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


def standardized_minimum(
    data: tuple, lambda_: float, alpha: float, standardize: bool, ddof: int, absolute: bool = True
) -> np.ndarray:
    """What glmnet and Spark say that they minimise, with a general minimiser: of a target of standard deviation 1.

    Spark without standardization weighs the penalty of standardized columns by 1 / deviation (and its square).
    """
    X, y = data
    s = X.std(axis=0, ddof=ddof)
    t = y.std(ddof=ddof)
    Z, z = (X - X.mean(axis=0)) / s, (y - y.mean()) / t
    weight = np.ones(5) if standardize else 1 / s

    def value(split: np.ndarray) -> tuple[float, np.ndarray]:
        plus, minus = split[:5], split[5:]
        beta = plus - minus
        residual = z - Z @ beta
        ridge = (1 - alpha) * lambda_ / t * weight**2
        lasso = alpha * lambda_ / t * weight
        pull = -Z.T @ residual / N + ridge * beta
        loss = residual @ residual / (2 * N) + ridge @ beta**2 / 2 + lasso @ (plus + minus)
        return loss, np.append(pull + lasso, -pull + lasso)

    bounds = [(0, None)] * 10
    options = {"ftol": 1e-16, "gtol": 1e-12, "maxiter": 100_000, "maxfun": 100_000}
    split = minimize(value, np.zeros(10), jac=True, bounds=bounds, method="L-BFGS-B", options=options).x
    coef = (split[:5] - split[5:]) * t / s
    return np.append(y.mean() - X.mean(axis=0) @ coef, coef)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("standardize", [True, False])
def test_glmnet(data: tuple, alpha: float, standardize: bool) -> None:
    sd = data[1].std()
    strength = gl.Strength.from_glmnet(0.4, alpha, N, sd, standardize=standardize)
    theirs = standardized_minimum(data, 0.4, alpha, standardize, 0)
    np.testing.assert_allclose(ours(data, strength), theirs, rtol=1e-5, atol=1e-6)
    back = strength.to_glmnet(N, sd)
    assert back == pytest.approx({"lambda": 0.4, "alpha": alpha, "standardize": standardize}, rel=1e-14)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(("solver", "ddof"), [("normal", 0), ("l-bfgs", 1)])
def test_spark(alpha: float, standardize: bool, solver: str, ddof: int) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, 5)) * [1, 2, 0.5, 1, 3]
    data = X, X @ [1.0, -0.5, 2.0, 0.0, 0.1] + 3 * rng.normal(size=N)
    sd = data[1].std()
    strength = gl.Strength.from_spark(0.9, alpha, N, sd, standardization=standardize, solver=solver)
    theirs = standardized_minimum(data, 0.9, alpha, standardize, ddof)
    np.testing.assert_allclose(ours(data, strength), theirs, rtol=1e-5, atol=2e-6)
    back = strength.to_spark(N, sd, solver=solver)
    expected = {"regParam": 0.9, "elasticNetParam": alpha, "standardization": standardize, "solver": solver}
    assert {name: back[name] for name in expected if name != "solver"} == pytest.approx(
        {name: value for name, value in expected.items() if name != "solver"}, rel=1e-13
    )
    assert back["solver"] == solver


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gl.Strength(l1=-1.0), "l1 is the strength of a penalty, a finite number of 0 or more, not -1.0"),
        (lambda: gl.Strength.from_sklearn_ridge(float("nan")), "alpha is the strength of a penalty"),
        (lambda: gl.Strength.from_sklearn_lasso(1.0, 0), "n is the number of rows"),
        (lambda: gl.Strength.from_statsmodels(1.0, 1.5, 10), "the share of l1 is between 0"),
        (lambda: gl.Strength.from_glmnet(1.0, 0.5, 10, 0.0), "target_sd is the standard deviation"),
        (lambda: gl.Strength.from_sklearn_sgd(1.0, 10, penalty="l3"), 'penalty is "l2", "l1", "elasticnet" or None'),
        (lambda: gl.Strength.from_spark(1.0, 0.5, 10, solver="auto"), 'solver is "normal" or "l-bfgs", not'),
        (lambda: gl.Strength.from_spark(1.0, 0.5, 1, solver="l-bfgs"), "n must be above 1"),
        (lambda: gl.Strength(l1=1.0).to_sklearn_ridge(), "Ridge has no l1, and this penalty has l1=1.0"),
        (lambda: gl.Strength(l2=1.0).to_sklearn_lasso(10), "Lasso has no l2"),
        (lambda: gl.Strength(1.0, 1.0, standardize=True).to_statsmodels(10), "fit_regularized has no standardize"),
    ],
)
def test_what_cannot_be_converted(call: object, message: str) -> None:
    with pytest.raises(gl.OptionError, match=message):
        call()
