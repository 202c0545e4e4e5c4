"""GradientDescentRegressor: what gl.train does, under scikit-learn's conventions."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

import gradline as gl
import gradline.sklearn
from gradline import train
from gradline.sklearn import GradientDescentRegressor

KINDS = [
    GradientDescentRegressor(),
    GradientDescentRegressor(batch_size=1, epochs=20),
    GradientDescentRegressor(loss="huber", lr=0.1, epochs=50),
    GradientDescentRegressor(optimizer="adam", lr=0.1, epochs=30),
]


@pytest.fixture
def line() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) * [1, 20, 0.1] + 5
    return X, X @ [1.0, -2.0, 30.0] + rng.normal(size=200)


@pytest.mark.parametrize("model", KINDS, ids=str)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn_finds_nothing_against_it(model: Any) -> None:
    # A repeated row is in other batches than a heavier one: scikit-learn expects no more of its SGDRegressor either.
    exempt = ["check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"]
    known = exempt if model.batch_size else []
    results = check_estimator(model, on_skip=None, expected_failed_checks=dict.fromkeys(known, "batches"))
    found = {each["check_name"] for each in results if each["status"] not in ("passed", "xfail")}
    assert found <= {"check_array_api_input"}


def test_by_default_it_arrives_at_the_exact_answer(line: Any) -> None:
    X, y = line
    model, exact = GradientDescentRegressor(random_state=0).fit(X, y), LinearRegression().fit(X, y)
    np.testing.assert_allclose(model.coef_, exact.coef_, rtol=1e-10)
    assert model.intercept_ == pytest.approx(exact.intercept_, rel=1e-9)
    assert model.run_.status == "converged"
    assert model.score(X, y) == pytest.approx(exact.score(X, y), rel=1e-12)
    assert "closed-form" in model.summary()


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 20, "epochs": 5, "momentum": 0.5},
        {"optimizer": "adam", "lr": 0.1, "epochs": 3},
        {"standardize": False, "lr": 1e-4, "epochs": 9, "weight_decay": 0.1},
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_option_is_that_of_train(options: dict[str, Any], line: Any) -> None:
    X, y = line
    model = GradientDescentRegressor(**options, random_state=3).fit(X, y)
    seed = int(np.random.RandomState(3).randint(2**31 - 1))
    run = gl.train(X, y, **{"lr": "auto", "standardize": True} | options, seed=seed)
    assert np.array_equal(model.coef_, run.weight)
    assert model.intercept_ == run.bias
    assert model.n_iter_ == run.epochs == options["epochs"]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_parts_are_one_fit_where_training_is_a_function_of_moments(weight_decay: float, line: Any) -> None:
    X, y = line
    parts = GradientDescentRegressor(momentum=0.5, lr=0.01, weight_decay=weight_decay, epochs=20, random_state=0)
    whole = clone(parts).fit(X, y)
    for rows in (slice(0, 1), slice(1, 150), slice(150, 200)):
        parts.partial_fit(X[rows], y[rows])
    np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-15)
    assert parts.intercept_ == pytest.approx(whole.intercept_, rel=1e-15)
    assert parts.run_.exact.nobs == 200
    for other in KINDS[1:]:
        assert not hasattr(other, "partial_fit")


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_several_targets_and_sparse_rows(container: Any, line: Any) -> None:
    X, y = line
    for targets in (y, y[:, None], np.stack([y, -y], axis=1)):
        model = GradientDescentRegressor(random_state=0).fit(container(X), targets)
        exact = LinearRegression().fit(X, targets)
        assert model.coef_.shape == exact.coef_.shape
        assert np.shape(model.intercept_) == np.shape(exact.intercept_)
        np.testing.assert_allclose(model.predict(container(X)), exact.predict(X), rtol=1e-9)


def test_names_and_no_rows_are_kept(line: Any) -> None:
    X, y = line
    model = GradientDescentRegressor(random_state=0).fit(pd.DataFrame(X, columns=["a", "b", "c"]), y)
    assert model.run_.names == ("Intercept", "a", "b", "c")
    assert model.run_.exact.names == ["Intercept", "a", "b", "c"]
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.coef_, model.coef_)
    assert again.run_.history.loss[7] == model.run_.history.loss[7]
    many = clone(model).fit(np.tile(X, (50, 1)), np.tile(y, 50))
    assert abs(len(pickle.dumps(many)) - len(pickle.dumps(clone(model).fit(X, y)))) < 100


@pytest.mark.parametrize("options", [{}, {"batch_size": 20}, {"loss": "huber"}, {"engine": "autograd", "epochs": 50}])
def test_weights_are_those_of_training(line: Any, options: dict[str, Any]) -> None:
    X, y = line
    w = np.linspace(0.0, 2.0, len(y))
    model = GradientDescentRegressor(lr=0.05, random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, sample_weight=w)
    run = train(X, y, weights=w, lr=0.05, standardize=True, seed=model.run_.request.seed, **options)
    np.testing.assert_array_equal(model.coef_, run.weight)
    assert model.run_.moments.weighted


def test_parts_with_and_without_weights(line: Any) -> None:
    X, y = line
    w = np.linspace(0.5, 2.0, 100)
    model = GradientDescentRegressor(random_state=0).fit(X[:100], y[:100], w).partial_fit(X[100:], y[100:])
    whole = GradientDescentRegressor(random_state=0).fit(X, y, np.concatenate([w, np.ones(len(y) - 100)]))
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-15)


def test_the_doubt_is_that_of_the_exact_answer(line: Any) -> None:
    X, y = line
    model = GradientDescentRegressor(random_state=0, epochs=2000).fit(X, y)
    exact = gradline.sklearn.LinearRegression().fit(X, y)
    np.testing.assert_allclose(model.conf_int(), exact.conf_int(), rtol=1e-12)
    for ours, theirs in zip(
        model.predict(X[:3], return_interval="mean"), exact.predict(X[:3], return_interval="mean"), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    np.testing.assert_allclose(model.predict(X), exact.predict(X), rtol=1e-5)
    robust = GradientDescentRegressor(loss="l1", random_state=0, lr=0.1, batch_size=50).fit(X, y)
    assert np.isfinite(robust.result_.se).all()
    for ask in (robust.conf_int, lambda: robust.predict(X, return_interval="mean")):
        with pytest.raises(gl.OptionError, match="loss 'l1' with weight_decay 0 leads elsewhere"):
            ask()


def test_what_did_not_arrive_is_said(line: Any) -> None:
    X, y = line
    with pytest.warns(ConvergenceWarning, match=r"Run: not yet converged · 2 epochs(.|\n)* epochs more to 1e-3"):
        GradientDescentRegressor(epochs=2, random_state=0).fit(X, y)
    with pytest.warns((ConvergenceWarning, gl.GradlineWarning)) as said:
        GradientDescentRegressor(lr=5.0, random_state=0).fit(X, y)
    assert [each.category for each in said] == [gl.GradlineWarning, ConvergenceWarning]
    assert "diverged" in str(said[1].message)
    assert said[1].filename == __file__
    with pytest.warns(ConvergenceWarning, match="Run: diverged"):
        GradientDescentRegressor(batch_size=10, lr=10.0, epochs=3, random_state=0).fit(X, y)


def test_noise_of_batches_is_no_warning(line: Any) -> None:
    X, y = line
    model = GradientDescentRegressor(batch_size=10, epochs=20, random_state=0).fit(X, y)
    assert model.run_.status == "not yet converged"


def test_it_can_be_searched(line: Any) -> None:
    X, y = line
    grid = {"epochs": [200, 300], "momentum": [0.0, 0.5]}
    search = GridSearchCV(GradientDescentRegressor(random_state=0), grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.9


def test_a_batch_is_all_rows_where_there_are_fewer(line: Any) -> None:
    X, y = line
    weights = (np.arange(len(y)) % 2).astype(float)
    for given, used in ((None, 200), (weights, 100)):
        fits = [
            GradientDescentRegressor(batch_size=size, epochs=3, random_state=0).fit(X, y, sample_weight=given)
            for size in (500, used)
        ]
        np.testing.assert_array_equal(fits[0].coef_, fits[1].coef_)
        assert fits[0].batch_size == 500


def test_what_cannot_be_is_said(line: Any) -> None:
    X, y = line
    with pytest.raises(gl.OptionError, match="epochs"):
        GradientDescentRegressor(epochs=0).fit(X, y)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        GradientDescentRegressor().fit(X, y)
