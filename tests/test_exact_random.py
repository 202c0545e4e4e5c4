"""Random designs with categories, empty cells and aliased levels: what statsmodels says of the columns that are kept.

Statsmodels takes a pseudo-inverse of dependent columns. R leaves out those that the ones before them determine, so
which these are is found here one column after the other, and statsmodels gets the rest.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gradline as gl

RIGHT_SIDES = [
    "C(g) + x",
    "C(g) * C(h)",
    "C(g) * x + C(h)",
    "x:C(g)",
    "C(g):C(h) + x",
    "C(g) * C(h) * x",
    "C(g):x + C(h):x",
    "C(g) + C(h) + C(k)",
    "C(g) * C(h) + C(k):x + z",
    "C(k) * z",
]


def table(rng: np.random.Generator) -> pd.DataFrame:
    n = int(rng.choice([8, 15, 40, 300]))
    sizes = {"g": int(rng.integers(1, 8)), "h": int(rng.integers(1, 5)), "k": int(rng.choice([3, 150]))}
    frame = pd.DataFrame({name: [f"{name}{v}" for v in rng.integers(0, size, n)] for name, size in sizes.items()})
    frame["x"] = rng.normal(size=n) + rng.choice([0, 5, 1000])
    frame["z"] = rng.normal(size=n) * 10.0 ** rng.integers(-6, 6)
    frame["w"] = rng.uniform(0.5, 3, n)
    frame["y"] = frame.x + (frame.g == "g1") + rng.normal(size=n)
    frame["y2"] = rng.normal(size=n) + 5
    if rng.random() < 0.3:
        frame = frame[(frame.g != "g1") | (frame.h != "h1")].reset_index(drop=True)
    if rng.random() < 0.2:
        frame["h"] = frame.g.str.replace("g", "h")
    return frame


def design(fit: gl.Fit, frame: pd.DataFrame) -> np.ndarray:
    """The columns that the fit names, written out."""
    columns = [np.ones(len(frame))] if fit.has_intercept else []
    for term in fit.terms:
        within = [(frame[column] == level).to_numpy(float) for column, level in term.cell]
        powers = [frame[column].to_numpy(float) ** power for column, power in term.factors]
        columns.append(np.prod([np.ones(len(frame)), *within, *powers], axis=0))
    return np.column_stack(columns)


def independent(X: np.ndarray) -> list[int]:
    """The columns that those before them do not determine, by orthogonalising twice."""
    basis, kept = np.zeros((len(X), 0)), []
    for j in range(X.shape[1]):
        column = X[:, j] / max(np.linalg.norm(X[:, j]), 1e-300)
        for _ in range(2):
            column = column - basis @ (basis.T @ column)
        if np.linalg.norm(column) > 1e-9:
            basis = np.column_stack([basis, column / np.linalg.norm(column)])
            kept.append(j)
    return kept


@pytest.mark.parametrize("seed", range(40))
def test_random_designs_as_statsmodels_has_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame, side = table(rng), str(rng.choice(RIGHT_SIDES))
    intercept, weighted = bool(rng.random() < 0.7), bool(rng.random() < 0.4)
    weights = frame.w.to_numpy() if weighted else np.ones(len(frame))
    for precision in ("auto", "float64"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gl.GradlineWarning)
            fit = gl.fit(
                frame,
                formula=f"y + y2 ~ {side}{'' if intercept else ' - 1'}",
                weights="w" if weighted else None,
                precision=precision,
            )
        X = design(fit, frame) * np.sqrt(weights)[:, None]
        kept = independent(X)
        assert [name for name in fit.names if name not in fit.aliased] == [fit.names[j] for j in kept]
        lengths = np.linalg.norm(X[:, kept], axis=0)
        scaled = X[:, kept] / lengths
        condition = np.linalg.cond(scaled)
        for number, target in enumerate(["y", "y2"]):
            y = frame[target].to_numpy() * np.sqrt(weights)
            theirs = sm.OLS(y, scaled).fit(method="qr")
            # statsmodels' own rounding: of the parameters by the condition, of the errors by its square
            error = abs(fit.params[kept, number] * lengths - theirs.params).max()
            assert error <= 1e-13 * condition * np.linalg.norm(y)
            assert fit.df_resid == len(frame) - len(kept)
            if fit.df_resid == 0:
                continue
            close = 1e-10 + 1e-13 * condition**2
            np.testing.assert_allclose(fit.se[kept, number] * lengths, theirs.bse, rtol=close)
            assert fit.rss[number] == pytest.approx(theirs.ssr, rel=close)
            centre = np.average(frame[target], weights=weights) if intercept else 0.0
            total = weights @ (frame[target] - centre) ** 2
            assert fit.r2[number] == pytest.approx(1 - theirs.ssr / total, abs=close)
