"""Rows that arrive in parts: the same bytes as one fit, whatever the split."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from gradline.sklearn import GradientDescentRegressor, Lasso, LassoCV, LinearRegression, Ridge, RidgeCV
from gradline.sklearn.gathering import WAITING


def far_and_nearly_dependent(rows: int, columns: int) -> tuple[Any, Any]:
    """Columns 1e8 spreads from 0, two of them 1e-3 apart: a last bit of their sums shows in the coefficients."""
    rng = np.random.default_rng(rows + columns)
    X = 1e8 + rng.standard_normal((rows, columns))
    X[:, 1] = X[:, 0] + 1e-3 * rng.standard_normal(rows)
    return X, X @ rng.standard_normal(columns) + rng.standard_normal(rows)


def splits(rows: int) -> list[list[int]]:
    rng = np.random.default_rng(rows)
    return [[1, rows - 1], [rows // 2], sorted(rng.integers(0, rows, 12).tolist()), [0, *range(7, rows, rows // 9)]]


def bytes_of(model: Any) -> bytes:
    return pickle.dumps((model.coef_, model.intercept_, model.moments_.hi, model.moments_.lo, model.moments_.nobs))


@pytest.mark.parametrize(
    ("model", "rows", "columns", "weighted"),
    [
        (LinearRegression(), 150_000, 3, False),
        (LinearRegression(), 150_000, 3, True),
        (LinearRegression(), 9_000, 240, False),
        (Ridge(alpha=1e-3), 150_000, 3, False),
        (Lasso(alpha=1e-3), 150_000, 3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:.*digits of the coefficients are sure|nearly dependent:gradline.GradlineWarning")
def test_parts_are_one_fit_to_the_bit(model: Any, rows: int, columns: int, weighted: bool) -> None:
    X, y = far_and_nearly_dependent(rows, columns)
    weights = np.random.default_rng(1).random(rows) if weighted else None
    whole = bytes_of(clone(model).fit(X, y, weights))
    for edges in splits(rows)[: 4 if columns == 3 else 2]:
        parts = clone(model)
        for some in np.split(np.arange(rows), edges):
            if len(some):
                parts.partial_fit(X[some], y[some], None if weights is None else weights[some])
        assert bytes_of(parts) == whole, edges


def test_what_waits_is_bounded() -> None:
    rng = np.random.default_rng(0)
    model = LinearRegression()
    for _ in range(9):
        model.partial_fit(rng.standard_normal((20_000, 30)), rng.standard_normal(20_000))
        assert len(pickle.dumps(model)) < 8 * WAITING + 500_000
        assert model.moments_.rows % 20_000 == 0
    assert model.moments_.rows == 180_000


def test_dense_and_sparse_parts_and_a_fit_before_them() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((900, 4)), rng.standard_normal((900, 2))
    model = LinearRegression().fit(X[:100], y[:100])
    model.partial_fit(X[100:350], y[100:350]).partial_fit(sparse.csr_array(X[350:600]), y[350:600])
    model.partial_fit(X[600:], y[600:])
    np.testing.assert_allclose(model.coef_, LinearRegression().fit(X, y).coef_, rtol=1e-14)
    assert model.result_.nobs == 900
    with pytest.raises(ValueError, match="y has 1 target, and rows seen before had 2"):
        model.partial_fit(X, y[:, 0])


def test_one_target_may_have_an_axis_or_none() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((90, 2)), rng.standard_normal(90)
    model = LinearRegression().partial_fit(X[:40], y[:40]).partial_fit(X[40:], y[40:, None])
    np.testing.assert_array_equal(model.coef_, LinearRegression().fit(X, y[:, None]).coef_)


def test_the_part_that_waits_is_a_copy() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((90, 2)), rng.standard_normal(90)
    buffer, values = X[:40].copy(), y[:40].copy()
    model = LinearRegression().partial_fit(buffer, values)
    buffer[:], values[:] = 0, 0
    np.testing.assert_array_equal(model.partial_fit(X[40:], y[40:]).coef_, LinearRegression().fit(X, y).coef_)


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
def test_a_part_of_weights_0_changes_nothing(first: str) -> None:
    rng = np.random.default_rng(0)
    X, y, weights = rng.standard_normal((90, 2)), rng.standard_normal(90), rng.uniform(1, 2, 90)
    weights[30:60] = 0
    model = getattr(LinearRegression(), first)(X[:30], y[:30], weights[:30])
    for part in (slice(30, 60), slice(60, 90)):
        model.partial_fit(X[part], y[part], weights[part])
    np.testing.assert_allclose(model.coef_, LinearRegression().fit(X, y, weights).coef_, rtol=1e-14)
    with pytest.raises(ValueError, match="at least one non-zero"):
        LinearRegression().partial_fit(X[:30], y[:30], np.zeros(30))


def test_a_fit_that_fails_leaves_the_estimator_as_it_was() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((90, 2)), rng.standard_normal(90)
    model = LinearRegression().partial_fit(X[:40], y[:40])
    with pytest.raises(ValueError, match="contains NaN"):
        model.fit(np.full((5, 3), np.nan), y[:5])
    assert model.n_features_in_ == 2
    for other in (GradientDescentRegressor(lr=0.1), LassoCV(alphas=3), RidgeCV()):
        before = other.fit(X, y).predict(X)
        with pytest.raises(ValueError, match="contains NaN"):
            other.fit(np.full((9, 3), np.nan), y[:9])
        np.testing.assert_array_equal(other.predict(X), before)
    np.testing.assert_array_equal(model.partial_fit(X[40:], y[40:]).coef_, LinearRegression().fit(X, y).coef_)
