"""Estimators that choose their strength by rows held out: scikit-learn's scores, its choices, and its conventions."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn import linear_model
from sklearn.datasets import load_diabetes
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import gradline as gl
from gradline.sklearn import ElasticNetCV, LassoCV, Ridge, RidgeCV

ALPHAS = np.geomspace(1e-3, 1e3, 13)
SURE = {"tol": 1e-13, "max_iter": 10**6}
SPLITS: list[Any] = [
    None,
    4,
    KFold(5, shuffle=True, random_state=0),
    TimeSeriesSplit(4),
    ShuffleSplit(12, random_state=0),
    RepeatedKFold(n_splits=3, n_repeats=2, random_state=1),
    [(np.arange(100), np.arange(100, 150)), (np.arange(50, 200), np.arange(40))],
    [(np.arange(442) < 300, np.arange(442) >= 350), (np.arange(442) > 50, np.arange(442) < 9)],
]


@pytest.fixture(scope="module")
def diabetes() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    X, y = load_diabetes(return_X_y=True)
    return X, y, np.random.default_rng(0).random(len(y))


@pytest.mark.parametrize(
    "model",
    [
        LassoCV(),
        ElasticNetCV(l1_ratio=[0.5, 1]),
        RidgeCV(),
        RidgeCV(cv=3, scoring="neg_mean_squared_error"),
        RidgeCV(scoring="r2"),
        RidgeCV(cv=3, scoring="explained_variance"),
    ],
    ids=str,
)
def test_scikit_learn_finds_nothing_against_it(model: Any) -> None:
    results = check_estimator(model, on_skip=None)
    assert {each["check_name"] for each in results if each["status"] != "passed"} <= {"check_array_api_input"}


@pytest.mark.parametrize("cv", SPLITS, ids=lambda cv: type(cv).__name__)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_score_of_a_lasso_is_scikit_learns(cv: Any, weighted: bool, diabetes: Any) -> None:
    X, y, weights = diabetes
    weights = weights if weighted else None
    mine = LassoCV(cv=cv, alphas=30).fit(X, y, sample_weight=weights)
    peer = linear_model.LassoCV(cv=cv, alphas=30, **SURE).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(mine.alphas_, peer.alphas_, rtol=1e-13)
    np.testing.assert_allclose(mine.mse_path_, peer.mse_path_, rtol=1e-10)
    assert mine.alpha_ == pytest.approx(peer.alpha_, rel=1e-13)
    np.testing.assert_allclose(mine.coef_, peer.coef_, rtol=1e-8, atol=1e-8 * abs(peer.coef_).max())
    assert mine.intercept_ == pytest.approx(peer.intercept_, rel=1e-10)
    assert mine.crossval_.best == np.argmin(peer.mse_path_.reshape(30, -1).mean(axis=1))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("alphas", [12, [0.01, 0.1, 1.0]])
def test_shares_are_chosen_too(container: Any, alphas: Any, diabetes: Any) -> None:
    X, y, _ = diabetes
    options = {"l1_ratio": [0.2, 0.9, 1.0], "alphas": alphas, "fit_intercept": container is not np.asarray}
    mine = ElasticNetCV(**options).fit(container(X), y)
    peer = linear_model.ElasticNetCV(**options, **SURE).fit(X, y)
    assert mine.l1_ratio_ == peer.l1_ratio_
    np.testing.assert_allclose(mine.alphas_, peer.alphas_, rtol=1e-13)
    np.testing.assert_allclose(mine.mse_path_, peer.mse_path_, rtol=1e-10)
    np.testing.assert_allclose(mine.coef_, peer.coef_, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scoring": "r2"},
        {"scoring": "neg_mean_squared_error"},
        {"fit_intercept": False, "store_cv_results": True},
        {"alpha_per_target": True},
        {"alpha_per_target": True, "scoring": "r2", "store_cv_results": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_each_row_left_out_as_scikit_learn_does(
    options: dict[str, Any], targets: int, weighted: bool, container: Any, diabetes: Any
) -> None:
    X, y, weights = diabetes
    if targets == 1 and len(options) == 3:
        pytest.skip("scikit-learn itself fails there")
    y = y if targets == 1 else np.stack([y, y**2 / 100], axis=1)
    weights = weights if weighted else None
    mine = RidgeCV(ALPHAS, **options).fit(container(X), y, sample_weight=weights)
    peer = linear_model.RidgeCV(ALPHAS, **options).fit(X, y, sample_weight=weights)
    assert np.array_equal(mine.alpha_, peer.alpha_)
    np.testing.assert_allclose(mine.best_score_, peer.best_score_, rtol=1e-12)
    np.testing.assert_allclose(mine.coef_, peer.coef_, rtol=1e-9)
    if "store_cv_results" in options:
        np.testing.assert_allclose(mine.cv_results_, peer.cv_results_, rtol=1e-8)


def test_leaving_out_in_closed_form_is_leaving_out(diabetes: Any) -> None:
    X, y, _ = diabetes
    X, y = X[:60] + 1e4, y[:60]  # means far from 0
    closed = RidgeCV(ALPHAS, store_cv_results=True).fit(X, y)
    for number, alpha in enumerate(ALPHAS[::4]):
        errors = [
            float((Ridge(alpha).fit(X[train], y[train]).predict(X[test]) - y[test])[0])
            for train, test in LeaveOneOut().split(X)
        ]
        np.testing.assert_allclose(closed.cv_results_[:, 4 * number], np.square(errors), rtol=1e-6)


@pytest.mark.parametrize("cv", [5, ShuffleSplit(4, random_state=0)], ids=str)
@pytest.mark.parametrize(
    "scoring", [None, "r2", "neg_mean_squared_error", "neg_root_mean_squared_error", "explained_variance"]
)
@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_folds_score_a_ridge_as_scikit_learn_does(
    cv: Any, scoring: Any, targets: int, weighted: bool, diabetes: Any
) -> None:
    X, y, weights = diabetes
    y = y if targets == 1 else np.stack([y, y**2 / 100], axis=1)
    weights = weights if weighted else None
    mine = RidgeCV(ALPHAS, cv=cv, scoring=scoring).fit(X, y, sample_weight=weights)
    peer = linear_model.RidgeCV(ALPHAS, cv=cv, scoring=scoring).fit(X, y, sample_weight=weights)
    assert mine.alpha_ == peer.alpha_
    assert mine.best_score_ == pytest.approx(peer.best_score_, rel=1e-10)
    np.testing.assert_allclose(mine.coef_, peer.coef_, rtol=1e-9)


def test_groups_are_routed_to_the_splitter(diabetes: Any) -> None:
    X, y, _ = diabetes
    groups = np.arange(len(y)) // 50
    with sklearn.config_context(enable_metadata_routing=True):
        for mine, peer in ((LassoCV, linear_model.LassoCV), (RidgeCV, linear_model.RidgeCV)):
            found = [kind(alphas=[0.1, 1.0], cv=GroupKFold(4)).fit(X, y, groups=groups) for kind in (mine, peer)]
            assert found[0].alpha_ == found[1].alpha_
        pipeline = make_pipeline(StandardScaler(), LassoCV(cv=GroupKFold(4))).fit(X, y, groups=groups)
        assert pipeline[-1].crossval_.errors.shape == (100, 4, 1)
    with pytest.raises(gl.OptionError, match="groups arrived, which is only supported if enable_metadata_routing"):
        LassoCV(cv=GroupKFold(4)).fit(X, y, groups=groups)


def test_what_it_keeps_is_what_gradline_has(diabetes: Any) -> None:
    X, y, _ = load_diabetes(return_X_y=True, as_frame=True)[0], *diabetes[1:]
    model = LassoCV().fit(X, y)
    assert model.result_.names == ["Intercept", *X.columns]
    assert model.crossval_.simplest <= model.crossval_.best
    assert "l1" in model.summary()
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))
    assert not hasattr(model, "partial_fit")
    search = GridSearchCV(LassoCV(), {"eps": [1e-2, 1e-3]}, cv=3).fit(X, y)
    assert search.best_estimator_.alphas_[-1] < search.best_estimator_.alphas_[0]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LassoCV(positive=True), "positive=True was asked for"),
        (LassoCV(alphas=[1.0, -1.0]), r"-1.0 arrived as alphas.\nGive a finite number"),
        (LassoCV(alphas=0), "alphas and eps lay strengths out"),
        (LassoCV(alphas=[]), "there is nothing to choose from"),
        (ElasticNetCV(l1_ratio=[]), "there is nothing to choose from"),
        (LassoCV(eps=2.0), r"2.0 arrived as eps.\nGive a number from 0 to 1"),
        (LassoCV(eps="a"), "'a' arrived as eps"),
        (RidgeCV([]), "alphas is empty"),
        (
            RidgeCV(cv=[(np.arange(500), np.arange(3))]),
            "split 0 of cv= gives values that are not row numbers, 0 to 441",
        ),
        (LassoCV(cv=[(["a"], ["b"])]), "split 0 of cv= gives values that are not row numbers"),
        (ElasticNetCV(l1_ratio=[0.5, 2]), "2 arrived as l1_ratio"),
        (ElasticNetCV(l1_ratio=0), r"l1_ratio=0 there is none. Give alphas= a sequence"),
        (RidgeCV([1.0, 0.0]), r"0 arrived among alphas.\nGive strengths above 0, or cv="),
        (RidgeCV([1.0, "1"]), "'1' arrived as alphas"),
        (RidgeCV(gcv_mode="qr"), "'qr' arrived as gcv_mode"),
        (RidgeCV(cv=3, store_cv_results=True), "cv!=None and store_cv_results=True are incompatible"),
        (RidgeCV(cv=[]), "cv gives no splits"),
        (RidgeCV(cv=[([0, 1, 2], [2, 3])]), "split 0 of cv= uses a row twice"),
        (RidgeCV(cv=[([0, 441, -1], [3])]), "split 0 of cv= uses a row twice"),
        (RidgeCV(cv=[([0, 1, 2], [3]), ([], [3])]), "split 1 of cv= has no rows to train on"),
    ],
)
def test_what_cannot_be_is_said(model: Any, message: str, diabetes: Any) -> None:
    X, y, _ = diabetes
    with pytest.raises(gl.OptionError, match=message) as caught:
        model.fit(X, y)
    assert all(len(line) <= 80 for line in str(caught.value).splitlines())


def test_errors_about_rows(diabetes: Any) -> None:
    X, y, _ = diabetes
    with pytest.raises(gl.OptionError, match="y has 2 targets; LassoCV chooses one strength for one target"):
        LassoCV().fit(X, np.stack([y, y], axis=1))
    with pytest.raises(gl.OptionError, match="only rows of weight 0 on one side"):
        LassoCV(cv=2).fit(X, y, sample_weight=(np.arange(len(y)) < 100).astype(float))
    with pytest.raises(ValueError, match="n_samples = 1"):
        RidgeCV().fit(X[:1], y[:1])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LassoCV().fit(np.where(X > 0.1, np.nan, X), y)


@pytest.mark.parametrize("mean", [1e4, 1e6, 1e8])
def test_scores_do_not_depend_on_the_mean_of_the_target(mean: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = mean + X @ [1.0, 0.5, 0.0] + rng.normal(size=60)
    far = RidgeCV(ALPHAS, cv=5).fit(X, y)
    near = linear_model.RidgeCV(ALPHAS, cv=5).fit(X, y - mean)  # the difference is exact
    assert far.alpha_ == near.alpha_
    np.testing.assert_allclose(far.best_score_, near.best_score_, rtol=1e-10)
