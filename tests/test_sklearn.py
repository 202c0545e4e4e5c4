"""The exact estimators: scikit-learn's conventions kept, its own classes' answers, and inference beside them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn import linear_model
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import gradline as gl
from gradline.sklearn import ElasticNet, Lasso, LinearRegression, Ridge

EXACT = [
    LinearRegression(),
    LinearRegression(fit_intercept=False, n_jobs=2),
    Ridge(),
    Ridge(alpha=0.0),
    Ridge(alpha=3, fit_intercept=False, solver="lsqr"),
    Lasso(alpha=0.1),
    Lasso(alpha=0.0),
    ElasticNet(alpha=0.01, l1_ratio=0.9),
    ElasticNet(alpha=0.1, l1_ratio=0.0, fit_intercept=False),
]
PEERS = {kind: getattr(linear_model, kind.__name__) for kind in (LinearRegression, Ridge, Lasso, ElasticNet)}


@pytest.fixture(scope="module")
def diabetes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    X, y = load_diabetes(return_X_y=True)
    return X, y


def state(model: Any) -> list[Any]:
    fit = model.result_
    return [model.coef_, model.intercept_, fit.se, fit.rss, fit.nobs, model.conf_int()]


@pytest.mark.parametrize("model", EXACT, ids=str)
def test_scikit_learn_finds_nothing_against_it(model: Any) -> None:
    results = check_estimator(model, on_skip=None)
    assert {each["check_name"] for each in results if each["status"] != "passed"} <= {"check_array_api_input"}


@pytest.mark.parametrize("model", EXACT, ids=str)
@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, sparse.csr_matrix, sparse.csc_array])
@pytest.mark.filterwarnings("ignore:With alpha=0:UserWarning")
def test_the_answer_is_scikit_learns(model: Any, targets: int, weighted: bool, container: Any, diabetes: Any) -> None:
    X, y = diabetes
    rng = np.random.default_rng(0)
    if targets > 1:
        y = np.stack([y, *rng.normal(size=(targets - 1, len(y)))], axis=1)
    weights = rng.random(len(y)) if weighted else None
    X = container(X)
    if isinstance(X, pd.DataFrame):
        X.columns = X.columns.astype(str)
    mine = clone(model).fit(X, y, sample_weight=weights)
    options = model.get_params() | {"n_jobs": None} if isinstance(model, LinearRegression) else model.get_params()
    if isinstance(model, Ridge):
        options["solver"] = "auto"
    kind = PEERS[type(model)]
    sure = {"tol": 1e-14, "max_iter": 10**6}
    known = {name: value for name, value in (options | sure).items() if name in kind().get_params()}
    theirs = kind(**known).fit(np.asarray(diabetes[0]), y, sample_weight=weights)
    assert np.shape(mine.coef_) == np.shape(theirs.coef_)
    assert np.shape(mine.intercept_) == np.shape(theirs.intercept_)
    # What scikit-learn itself is good for: the condition number is 22, the sums of squares 1e6.
    np.testing.assert_allclose(mine.coef_, theirs.coef_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(mine.predict(X), theirs.predict(np.asarray(diabetes[0])), rtol=1e-9, atol=1e-9)


def test_rank_counts_slopes(diabetes: Any) -> None:
    X, y = diabetes
    twice = np.hstack([X, X[:, :2]])
    model, peer = LinearRegression().fit(twice, y), linear_model.LinearRegression().fit(twice, y)
    assert model.rank_ == peer.rank_ == 10
    np.testing.assert_allclose(model.coef_, peer.coef_, rtol=1e-9)
    assert list(model.result_.aliased) == ["x11", "x12"]


@pytest.mark.parametrize("model", EXACT, ids=str)
@pytest.mark.parametrize("sizes", [[1] * 40, [200, 1], [2, 300, 5]])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore:.*digits of the coefficients are sure|nearly dependent:gradline.GradlineWarning")
def test_parts_are_one_fit(model: Any, sizes: list[int], weighted: bool, diabetes: Any) -> None:
    X, y = diabetes
    weights = np.random.default_rng(1).random(len(y)) if weighted else None
    parts, first = clone(model), 0
    for size in [*sizes, len(y)]:
        rows = slice(first, first + size)
        parts.partial_fit(X[rows], y[rows], None if weights is None else weights[rows])
        first += size
    whole = clone(model).fit(X, y, sample_weight=weights)
    for mine, other in zip(state(parts), state(whole), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-15)


def test_parts_may_be_of_any_kind_and_some_without_weights(diabetes: Any) -> None:
    X, y = diabetes
    weights = np.concatenate([np.ones(200), np.full(len(y) - 200, 2.0)])
    parts = Ridge().fit(sparse.csr_matrix(X[:200]), y[:200])
    parts.partial_fit(X[200:], y[200:], sample_weight=weights[200:])
    for mine, other in zip(state(parts), state(Ridge().fit(X, y, sample_weight=weights)), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-15)


def test_fit_begins_anew_and_a_refused_part_changes_nothing(diabetes: Any) -> None:
    X, y = diabetes
    model = LinearRegression().fit(X, y)
    before = pickle.dumps(state(model))
    with pytest.raises(ValueError, match="10 features"):
        model.partial_fit(X[:, :3], y)
    with pytest.raises(ValueError, match="y has 2 targets, and rows seen before had 1"):
        model.partial_fit(X, np.stack([y, y], axis=1))
    with pytest.raises(ValueError, match="contains NaN"):
        model.partial_fit(np.where(X > 0.1, np.nan, X), y)
    assert pickle.dumps(state(model)) == before
    assert pickle.dumps(state(model.fit(X, y))) == before


def test_any_number_of_jobs_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(200_000, 3)), rng.normal(size=200_000)  # four chunks
    one = pickle.dumps(state(LinearRegression(n_jobs=1).fit(X, y)))
    for jobs in (None, 2, np.int64(3), -1, -2, -1000):
        assert pickle.dumps(state(LinearRegression(n_jobs=jobs).fit(X, y))) == one


def test_inference_is_that_of_fit(diabetes: Any) -> None:
    X, y = diabetes
    model, fit = LinearRegression().fit(X, y), gl.fit(X, y)
    assert np.array_equal(model.result_.se, fit.se)
    assert np.array_equal(model.conf_int(0.9), fit.conf_int(0.9))
    assert model.summary().splitlines()[2:8] == fit.summary().splitlines()[2:8]
    for kind in ("mean", "prediction"):
        mine, exact = model.predict(X[:5], return_interval=kind, level=0.8), fit.predict(X[:5], kind, 0.8)
        assert all(np.array_equal(a, b) for a, b in zip(mine, exact, strict=True))
        np.testing.assert_allclose(mine.fit, model.predict(X[:5]), rtol=1e-13)


@pytest.mark.parametrize("alpha", [2.0, [0.5, 0.0, 10.0]])
@pytest.mark.parametrize("intercept", [True, False])
def test_several_targets_are_each_by_itself(alpha: Any, intercept: bool, diabetes: Any) -> None:
    X, _ = diabetes
    Y = np.random.default_rng(2).normal(size=(len(X), 3)) + X[:, :3]
    model = Ridge(alpha, fit_intercept=intercept).fit(X, Y)
    together = model.predict(X[:4], return_interval="mean")
    for number, strength in enumerate(np.broadcast_to(alpha, 3).tolist()):
        alone = Ridge(strength, fit_intercept=intercept).fit(X, Y[:, number])
        np.testing.assert_allclose(model.coef_[number], alone.coef_, rtol=1e-14)
        np.testing.assert_allclose(model.conf_int()[..., number], alone.conf_int(), rtol=1e-13)
        for mine, other in zip(together, alone.predict(X[:4], return_interval="mean"), strict=True):
            np.testing.assert_allclose(mine[:, number], other, rtol=1e-12)
    assert model.summary().count("R²") >= (3 if isinstance(alpha, list) else 1)


@pytest.mark.parametrize("kind", [LinearRegression, Ridge])
@pytest.mark.parametrize("intercept", [True, False])
def test_intervals_have_the_shape_of_predictions(kind: Any, intercept: bool, diabetes: Any) -> None:
    X, y = diabetes
    for target in (y, y[:, None], np.stack([y, -y], axis=1)):
        model = kind(fit_intercept=intercept).fit(X, target)
        values = model.predict(X[:4])
        for part in model.predict(sparse.csr_matrix(X[:4]), return_interval="prediction"):
            assert part.shape == values.shape


def test_with_l1_there_are_no_standard_errors(diabetes: Any) -> None:
    X, y = diabetes
    model = Lasso(alpha=1.0).fit(X, y)
    assert np.array_equal(model.sparse_coef_.toarray()[0], model.coef_)
    assert np.isnan(model.conf_int()).all()
    with pytest.raises(gl.OptionError, match="has no standard errors"):
        model.predict(X, return_interval="mean")
    assert not ElasticNet(alpha=1e6, fit_intercept=False).fit(X, y).coef_.any()


def test_names_come_from_the_frame() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3, 5], "Intercept": [1.0, 0, 0, 1], "y": [0.0, 1, 0, 2]})
    model = LinearRegression().fit(frame, [1.0, 2.0, 3.0, 7.0])
    assert list(model.feature_names_in_) == ["a", "Intercept", "y"]
    assert model.result_.names == ["Intercept", "a", "Intercept_", "y"]
    assert "Intercept_" in model.summary()
    model.partial_fit(frame + 1, [1.0, 2.0, 3.0, 7.0])
    assert model.result_.names == ["Intercept", "a", "Intercept_", "y"]


def test_it_is_at_home_in_pipelines_and_searches(diabetes: Any) -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    columns = make_column_transformer((StandardScaler(), ["age", "bmi"]), (PolynomialFeatures(2), ["bp"]))
    pipeline = make_pipeline(columns, Ridge()).set_output(transform="pandas")
    search = GridSearchCV(pipeline, {"ridge__alpha": [0.1, 1.0, 10.0]}, cv=4).fit(X, y)
    theirs = make_pipeline(columns, linear_model.Ridge()).set_output(transform="pandas")
    peer = GridSearchCV(theirs, {"ridge__alpha": [0.1, 1.0, 10.0]}, cv=4).fit(X, y)
    assert search.best_params_ == peer.best_params_
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], peer.cv_results_["mean_test_score"], rtol=1e-9)
    assert "standardscaler__bmi" in search.best_estimator_[-1].result_.names


def test_weights_are_routed(diabetes: Any) -> None:
    X, y = diabetes
    weights = np.random.default_rng(3).random(len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        scaler, scores = StandardScaler().set_fit_request(sample_weight=False), []
        for kind in (LinearRegression, linear_model.LinearRegression):
            model = kind().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            found = cross_validate(model, X, y, params={"sample_weight": weights})
            pipeline = make_pipeline(scaler, model).fit(X, y, sample_weight=weights)
            scores.append([*found["test_score"], *pipeline[-1].coef_])
    np.testing.assert_allclose(*scores, rtol=1e-9)


@pytest.mark.parametrize("model", EXACT, ids=str)
def test_pickled_it_goes_on(model: Any, diabetes: Any) -> None:
    X, y = diabetes
    before = clone(model).fit(X[:300], y[:300])
    after = pickle.loads(pickle.dumps(before))
    assert len(pickle.dumps(before)) < 10_000, "no row is kept"
    for each in (before, after):
        each.partial_fit(X[300:], y[300:])
    assert pickle.dumps(state(after)) == pickle.dumps(state(before))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LinearRegression(positive=True), r"positive=True was asked for.*\n.*sklearn.linear_model.LinearRegression"),
        (Ridge(positive=True), r"positive=True was asked for.*\n.*sklearn.linear_model.Ridge\."),
        (Ridge(solver="lbfgs"), r"'lbfgs' arrived as solver.\nUse auto, svd, "),
        (Ridge(alpha=-1), r"-1 arrived as alpha.\nGive a finite number of 0 or more, or one for each"),
        (Ridge(alpha=[1, np.nan]), "arrived as alpha"),
        (Ridge(alpha="1"), "arrived as alpha"),
        (Ridge(alpha=[1.0, 2.0]), "do not correspond: 2 != 1\nGive alpha one number"),
        (Lasso(positive=True), r"positive=True was asked for.*\n.*sklearn.linear_model.Lasso\."),
        (Lasso(alpha=-1), r"-1 arrived as alpha.\nGive a finite number of 0 or more"),
        (ElasticNet(l1_ratio=1.5), r"1.5 arrived as l1_ratio.\nGive a number from 0 to 1"),
        (ElasticNet(selection="last"), r"'last' arrived as selection.\nUse 'cyclic' or 'random'"),
        (LinearRegression(fit_intercept="yes"), "fit_intercept must be True or False; 'yes' arrived"),
        (LinearRegression(n_jobs=0), "n_jobs must be None or a whole number other than 0; 0 arrived"),
    ],
)
def test_what_cannot_be_is_said(model: Any, message: str, diabetes: Any) -> None:
    with pytest.raises(gl.OptionError, match=message) as caught:
        model.fit(*diabetes)
    assert all(len(line) <= 80 for line in str(caught.value).splitlines())


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_missing_and_infinite_values_are_scikit_learns_errors(value: float, container: Any, diabetes: Any) -> None:
    X, y = diabetes
    X = X.copy()
    X[3, 2] = value
    said = "NaN" if np.isnan(value) else "infinity"
    with pytest.raises(ValueError, match=rf"Input X contains {said}"):
        LinearRegression().fit(container(X), y)
    with pytest.raises(ValueError, match=rf"Input y contains {said}"):
        LinearRegression().fit(np.delete(X, 2, axis=1), X[:, 2])
    with pytest.raises(ValueError, match=rf"Input X contains {said}"):
        LinearRegression().fit(*diabetes).predict(container(X))
    with pytest.raises(gl.DataError, match="too large to be squared"):
        LinearRegression().fit(np.array([[1e200], [2e200]]), y[:2])


def test_unknown_intervals_and_levels(diabetes: Any) -> None:
    model = LinearRegression().fit(*diabetes)
    with pytest.raises(gl.OptionError, match="interval is"):
        model.predict(diabetes[0], return_interval="both")
    with pytest.raises(gl.OptionError, match="between 0 and 1"):
        model.predict(diabetes[0], return_interval="mean", level=95)


def test_messages_name_the_options_of_estimators() -> None:
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(
        gl.OptionError, match=r'return_interval is "mean", "prediction" or None, and \'both\' arrived'
    ):
        LinearRegression().fit(X, y).predict(X, return_interval="both")
    with pytest.raises(gl.OptionError, match="a fit with l1 has no standard errors"):
        Lasso().fit(X, y).predict(X, return_interval="mean")
    with pytest.raises(TypeError, match="A sparse y was passed, but dense targets are required"):
        Ridge().fit(X, sparse.csr_matrix(y[:, None]))
