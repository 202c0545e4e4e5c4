"""Influence of rows: beside statsmodels and R's rule of leaving each row out, and where rows come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm

import gradline as gl
from gradline.moments.grids import Grid

DATA = Path(__file__).parent / "data"
QUANTITIES = {
    "residual": "resid_press",
    "leverage": "hat_matrix_diag",
    "standardized": "resid_studentized_internal",
    "studentized": "resid_studentized_external",
    "dffits": "dffits",
}


def random(n: int = 60, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 4)) * [1, 10, 1e4, 1e-5] + [0, 3, 1e6, 0]
    return x, x @ np.array([1.0, 0.1, 1e-4, 1e5])[:, None] + rng.standard_t(3, size=(n, k))


def each_left_out(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The same quantities from n fits."""
    design = np.column_stack([np.ones(len(x)), x])
    scaled = design / np.linalg.norm(design, axis=0)
    norms = np.linalg.norm(design, axis=0)
    root = np.sqrt(weights)

    def solved(keep: Any) -> tuple[np.ndarray, float, np.ndarray]:
        a, b = scaled[keep] * root[keep, None], y[keep] * root[keep]
        beta, *_ = np.linalg.lstsq(a, b, rcond=None)
        return (
            beta / norms,
            float(np.sqrt(((b - a @ beta) ** 2).sum() / (len(a) - a.shape[1]))),
            np.linalg.inv(a.T @ a),
        )

    everything = np.ones(len(x), bool)
    beta, sigma, inverse = solved(everything)
    hat = np.einsum("ni,ij,nj->n", scaled, inverse, scaled) * weights
    found = {name: [] for name in ("studentized", "cooks_distance", "dffits", "dfbetas")}
    for row in range(len(x)):
        keep = everything.copy()
        keep[row] = False
        less, without, _ = solved(keep)
        moved = design @ (beta - less)
        found["dfbetas"].append((beta - less) / (without * np.sqrt(np.diag(inverse)) / norms))
        found["dffits"].append(moved[row] * root[row] / (without * np.sqrt(hat[row])))
        found["cooks_distance"].append((weights * moved**2).sum() / (design.shape[1] * sigma**2))
        error = (y[row] - design[row] @ beta) * root[row]
        found["studentized"].append(error / (without * np.sqrt(1 - hat[row])))
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("name", ["longley", "mtcars", "duncan", "prestige"])
def test_real_data_beside_statsmodels(name: str) -> None:
    frame = pd.read_csv(DATA / f"{name}.csv").select_dtypes("number").dropna()
    target = {"longley": "Employed", "mtcars": "mpg", "duncan": "prestige", "prestige": "prestige"}[name]
    target = target if target in frame else frame.columns[0]
    fit = gl.fit(frame, target)
    ours = fit.augment(dfbetas=True)
    # statsmodels loses digits to columns of different size: it is given the columns orthonormal, which changes none.
    x = frame.drop(columns=target).to_numpy(float)
    q, _ = np.linalg.qr(np.column_stack([np.ones(len(x)), (x - x.mean(0)) / x.std(0)]))
    theirs = sm.OLS(frame[target].to_numpy(float), q).fit().get_influence()
    for quantity, theirs_name in QUANTITIES.items():
        if quantity == "residual":
            continue
        truth = getattr(theirs, theirs_name)
        truth = truth[0] if quantity == "dffits" else truth
        np.testing.assert_allclose(ours[quantity], truth, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours["cooks_distance"], theirs.cooks_distance[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours["residual"], theirs.resid, rtol=1e-9, atol=1e-9 * float(fit.sigma))
    np.testing.assert_allclose(ours["fitted"] + ours["residual"], frame[target], rtol=1e-12)
    most = fit.influence(most=3).frame()
    assert most["row"].tolist() == np.argsort(-theirs.cooks_distance[0])[:3].tolist()


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_what_leaving_each_row_out_gives(weighted: bool) -> None:
    x, y = random()
    weights = np.linspace(0.2, 3.0, len(x)) if weighted else np.ones(len(x))
    fit = gl.fit(x, y[:, 0], weights=weights if weighted else None)
    ours, truth = fit.augment(dfbetas=True), each_left_out(x, y[:, 0], weights)
    for quantity in ("studentized", "cooks_distance", "dffits"):
        np.testing.assert_allclose(ours[quantity], truth[quantity], rtol=1e-8)
    names = [f"dfbetas_{name}" for name in fit.names]
    np.testing.assert_allclose(ours[names], truth["dfbetas"], rtol=1e-6, atol=1e-9)


def test_a_row_of_frequency_two_is_two_rows() -> None:
    x, y = random()
    f = np.arange(len(x)) % 3
    ours = gl.fit(x, y, frequency_weights=f).augment(dfbetas=True)
    written = gl.fit(np.repeat(x, f, axis=0), np.repeat(y, f, axis=0)).augment(dfbetas=True)
    first = np.cumsum(f)[f > 0] - f[f > 0]
    for name in [*QUANTITIES, "cooks_distance", "fitted", "dfbetas_x3", "dfbetas_Intercept"]:
        np.testing.assert_allclose(ours[name][f > 0], written[name].iloc[first], rtol=1e-9)
        assert ours[name][f == 0].isna().all()


def test_several_targets_aliased_columns_and_rows_left_out() -> None:
    x, y = random(80, 2)
    frame = pd.DataFrame(np.column_stack([x, x[:, 0] + x[:, 1], y]), columns=["a", "b", "c", "d", "a+b", "u", "v"])
    frame.loc[5, "c"] = np.nan
    frame["fitted_u"] = "text"
    fit = gl.fit(frame, ["u", "v"], features=["a", "b", "c", "d", "a+b"])
    both = fit.augment()
    assert both.loc[5, ["fitted_u_", "leverage_v"]].isna().all()
    assert (both["fitted_u"] == "text").all()
    for target in "uv":
        alone = gl.fit(frame, target, features=["a", "b", "c", "d"]).augment()
        for name in (*QUANTITIES, "cooks_distance"):
            column = f"{name}_{target}" if f"{name}_{target}" != "fitted_u" else "fitted_u_"
            np.testing.assert_allclose(both[column], alone[name], rtol=1e-9, atol=1e-12)
    assert fit.influence(most=4).frame("v")["row"].tolist() == alone.cooks_distance.nlargest(4).index.tolist()
    with pytest.raises(gl.OptionError, match="target must be one of these names; 'w' arrived"):
        fit.influence().frame("w")


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of statsmodels, where a leverage is 1
def test_categories_and_a_row_that_stands_alone() -> None:
    frame = pd.DataFrame({"x": np.arange(9.0), "g": list("aaabbbbbc")})
    frame["y"] = frame.x * 2 + np.array([0, 1, 0, 3, 1, 0, 2, 0, 7.0])
    fit = gl.fit(frame, formula="y ~ x + C(g)")
    rows = fit.augment()
    assert rows.leverage[8] == pytest.approx(1.0)
    assert rows.loc[8, ["standardized", "studentized", "cooks_distance"]].isna().all()
    truth = sm.OLS(frame.y, sm.add_constant(pd.get_dummies(frame[["x", "g"]], drop_first=True, dtype=float))).fit()
    np.testing.assert_allclose(rows.cooks_distance[:8], truth.get_influence().cooks_distance[0][:8], rtol=1e-9)
    assert fit.influence(most=9).frame()["row"].tolist()[-1] == 8


def test_from_wherever_rows_come_and_by_any_number_of_threads(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    n = 150_000  # three chunks
    x = rng.normal(size=(n, 2))
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "a": x[:, 0], "b": x[:, 1]})
    frame["y"] = x @ [1.0, -1.0] + rng.standard_t(4, size=n)
    frame.loc[70_000, "a"] = np.nan
    frame.loc[140_000, "y"] = 1e3
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=40_000)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    wanted = {"features": ["a", "b"]}
    fit = gl.fit(frame, "y", **wanted)
    whole = fit.augment()
    assert whole["id"].tolist() == frame["id"].tolist()
    truth = sm.OLS(frame.dropna()["y"], sm.add_constant(frame.dropna()[["a", "b"]])).fit().get_influence()
    there = whole.dropna()
    np.testing.assert_allclose(there["cooks_distance"], truth.cooks_distance[0], rtol=1e-9, atol=1e-20)
    for source in (pl.from_pandas(frame), tmp_path / "rows.parquet", tmp_path / "rows.csv"):
        other = gl.fit(source, "y", **wanted)
        pd.testing.assert_frame_equal(other.augment()[list(whole)], whole, rtol=1e-9)
        assert other.influence().frame()["row"].tolist() == fit.influence().frame()["row"].tolist()
    for ending in (".parquet", ".csv", ".feather"):
        out = tmp_path / f"out{ending}"
        assert fit.augment(out=out) is None
        read = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".feather": pd.read_feather}[ending](out)
        pd.testing.assert_frame_equal(read, whole, check_exact=True)
    found = fit.influence()
    assert found.frame()["row"][0] == 140_000
    assert found.outlier[1, 0] == 140_000
    assert found.outlier_p == 0.0
    assert found.beyond[:, 0].tolist() == [
        int((there.leverage > 6 / (n - 1)).sum()),
        int((there.studentized.abs() > 3).sum()),
    ]
    from gradline.second_pass.influence import influence_of

    fits = [gl.fit(frame, "y", **wanted) for _ in range(2)]
    one, two = (influence_of(each, threads=threads) for each, threads in zip(fits, (1, 2), strict=True))
    assert str(one) == str(two)
    for name, grid in one.grids[0].items():
        np.testing.assert_array_equal(grid.table, two.grids[0][name].table)
        assert grid.table.sum() == n - 1


def test_large_whole_numbers() -> None:
    x = 2**60 + np.arange(50, dtype=np.int64)
    y = 2**55 + np.arange(50, dtype=np.int64) * 3 + (np.arange(50) % 7)
    shifted = gl.fit(np.arange(50.0), (y - 2**55).astype(float)).augment()
    ours = gl.fit(x, y).augment()
    for name in ("leverage", "studentized", "cooks_distance", "dffits"):
        np.testing.assert_allclose(ours[name], shifted[name], rtol=1e-9)
    np.testing.assert_allclose(ours["residual"], shifted["residual"], rtol=1e-9, atol=1e-12)


def test_without_an_intercept_and_a_perfect_fit() -> None:
    x = np.arange(1.0, 9.0)
    y = 2 * x + np.array([1, -1, 2, 0, 1, -2, 0, 1.0])
    truth = sm.OLS(y, x).fit().get_influence()
    ours = gl.fit(x, y, intercept=False).augment()
    np.testing.assert_allclose(ours["studentized"], truth.resid_studentized_external, rtol=1e-9)
    perfect = gl.fit(x, 2 * x).influence()
    assert np.isnan(perfect.frame()["studentized"]).all()
    assert np.isnan(perfect.outlier_p)
    assert "\n" in str(perfect)


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    x, y = random()
    fit = gl.fit(x, y)
    with pytest.raises(gl.OptionError, match="most is how many rows to name, from 1 to 10,000; 0 arrived"):
        fit.influence(most=0)
    with pytest.raises(gl.OptionError, match=r"its name must end in .parquet, .csv, .feather"):
        fit.augment(out=tmp_path / "rows.xlsx")
    with pytest.raises(gl.StorageError, match="cannot write"):
        fit.augment(out=tmp_path / "nowhere" / "rows.csv")
    with pytest.raises(gl.OptionError, match="least squares, and the fit has l2"):
        gl.fit(x, y, l2=1.0).influence()
    with pytest.raises(gl.OptionError, match="has x_error"):
        gl.fit(x[:, 0], y, x_error=0.1).augment()
    with pytest.raises(gl.DataError, match="other values"):
        fit.augment(x + 1.0, y, tmp_path / "rows.csv")
    with pytest.raises(gl.DataError, match="59 rows to use"):
        fit.augment(x[1:], y[1:], tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []
    fit.save(tmp_path / "fit.safetensors")
    loaded = gl.load(tmp_path / "fit.safetensors")
    with pytest.raises(gl.OptionError, match="Give them in data="):
        loaded.influence()
    assert str(loaded.influence(data=x, target=y)) == str(fit.influence())


def test_a_grid_counts_every_point_whatever_the_order() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_cauchy(20_000) * 3, rng.normal(size=20_000)
    x[7] = np.nan
    begin, width = (0.1, -0.2), (0.05, 0.05)
    whole = Grid.of(x, y, begin, width)
    parts = [Grid.of(x[first : first + 700], y[first : first + 700], begin, width) for first in range(0, 20_000, 700)]
    total = Grid.of(x[:0], y[:0], begin, width)
    for part in reversed(parts):
        total = total + part
    np.testing.assert_array_equal(total.table, whole.table)
    assert whole.table.sum() == 19_999
    assert max(whole.table.shape) <= 256
    counted, *_ = np.histogram2d(x[np.isfinite(x)], y[np.isfinite(x)], bins=list(whole.edges))
    np.testing.assert_array_equal(counted, whole.table)
