"""Paths of penalised fits and their cross-validation: gradline and scikit-learn in turn, on the same folds.

Ridge with scikit-learn takes minutes for 100k rows, 100 strengths and 10 folds; each of its rounds is a single one.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV, RidgeCV, enet_path
from sklearn.model_selection import PredefinedSplit
from timing import alternate, report

import gradline as gl

ROWS, FEATURES, STRENGTHS, FOLDS = 100_000, 10, 100, 10
WIDE_ROWS, WIDE = 1_000_000, 100


def data(rows: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, features)) + 0.5 * rng.normal(size=(rows, 1))
    coef = rng.normal(size=features) * (np.arange(features) % 3 == 0)
    return X, X @ coef + 3.0 + rng.normal(size=rows)


def lasso() -> None:
    X, y = data(ROWS, FEATURES)
    folds = np.random.default_rng(1).permutation(ROWS) % FOLDS
    split = PredefinedSplit(folds)
    ours = gl.crossval(X, y, folds=folds, strengths=STRENGTHS)
    theirs = LassoCV(alphas=STRENGTHS, cv=split, n_jobs=2, tol=1e-12, max_iter=100_000).fit(X, y)
    same = "the same" if np.isclose(ours.l1[ours.best] / ROWS, theirs.alpha_, rtol=1e-10) else "ANOTHER"
    print(f"lasso: {same} strength, coefficients {np.abs(ours.fit.coef - theirs.coef_).max():.1e} apart, ", end="")
    print(f"scores {np.abs(ours.scores / theirs.mse_path_ - 1).max():.1e} relative")
    programs = {
        "gradline": lambda: gl.crossval(X, y, folds=folds, strengths=STRENGTHS),
        "LassoCV, n_jobs=2": lambda: LassoCV(alphas=STRENGTHS, cv=split, n_jobs=2).fit(X, y),
    }
    report(f"lasso, {ROWS:,} x {FEATURES}, {STRENGTHS} strengths, {FOLDS} folds", alternate(programs, 5))


def ridge() -> None:
    X, y = data(ROWS, FEATURES)
    folds = np.random.default_rng(1).permutation(ROWS) % FOLDS
    split = PredefinedSplit(folds)
    l2 = np.geomspace(1e5, 1e-1, STRENGTHS)
    ours = gl.crossval(X, y, folds=folds, l2=l2, per_row=False)
    theirs = RidgeCV(alphas=l2, cv=split, scoring="neg_mean_squared_error").fit(X, y)
    same = "the same" if np.isclose(l2[ours.best], theirs.alpha_, rtol=1e-10) else "ANOTHER"
    print(f"ridge: {same} strength, coefficients {np.abs(ours.fit.coef - theirs.coef_).max():.1e} apart")
    programs = {
        "gradline": lambda: gl.crossval(X, y, folds=folds, l2=l2, per_row=False),
        "RidgeCV": lambda: RidgeCV(alphas=l2, cv=split, scoring="neg_mean_squared_error").fit(X, y),
    }
    report(f"ridge, {ROWS:,} x {FEATURES}, {STRENGTHS} strengths, {FOLDS} folds", alternate(programs, 3))


def elastic_net() -> None:
    X, y = data(WIDE_ROWS, WIDE)
    X -= X.mean(axis=0)
    y -= y.mean()
    F = np.asfortranarray(X)
    ours = gl.path(X, y, mix=0.5, strengths=STRENGTHS)
    alphas = (ours.l1 + ours.l2) / WIDE_ROWS
    theirs = enet_path(X, y, l1_ratio=0.5, alphas=alphas)[1].T
    print(f"elastic net: coefficients {np.abs(ours.coef - theirs).max():.1e} apart, at enet_path's own tolerance")
    programs = {
        "gradline": lambda: gl.path(X, y, mix=0.5, strengths=STRENGTHS),
        "enet_path, C order": lambda: enet_path(X, y, l1_ratio=0.5, alphas=alphas),
        "enet_path, Fortran order": lambda: enet_path(F, y, l1_ratio=0.5, alphas=alphas),
    }
    report(f"elastic net, {WIDE_ROWS:,} x {WIDE}, {STRENGTHS} strengths", alternate(programs, 3))


def main() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        lasso()
        ridge()
        elastic_net()


if __name__ == "__main__":
    main()
