"""Pictures of the rows of a fit beside their numbers, of few rows and of many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawn import KOREAN, two_targets, written
from scipy import stats

import gradline as gl

pytestmark = pytest.mark.usefixtures("figures")
KINDS = ("data", "residuals", "qq", "scale", "leverage")


def rows(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    x = rng.gamma(2.0, size=n)
    return pd.DataFrame({"x": x, "y": 2 * x + 3 + rng.standard_t(5, size=n) * (1 + x)})


def points(ax: Any) -> np.ndarray:
    (cloud,) = [each for each in ax.collections if isinstance(each, mpl.collections.PathCollection)]
    return np.asarray(cloud.get_offsets())


def shade(ax: Any) -> Any:
    (mesh,) = [each for each in ax.collections if isinstance(each, mpl.collections.QuadMesh)]
    return mesh


def test_each_of_a_few_rows_is_a_point() -> None:
    frame = rows(200)
    fit = gl.fit(frame, "y")
    told = fit.augment()
    np.testing.assert_allclose(points(fit.plot()), frame[["x", "y"]], rtol=1e-12)  # the first is the data
    np.testing.assert_array_equal(points(fit.plot("residuals")), told[["fitted", "residual"]])
    np.testing.assert_array_equal(points(fit.plot("leverage")), told[["leverage", "standardized"]])
    np.testing.assert_array_equal(points(fit.plot("scale"))[:, 1], np.sqrt(told["standardized"].abs()))
    ax = fit.plot("qq")
    line = next(each for each in ax.get_lines() if len(each.get_xdata()) == 200)
    np.testing.assert_array_equal(line.get_ydata(), np.sort(told["standardized"]))
    np.testing.assert_allclose(line.get_xdata(), stats.norm.ppf((np.arange(200) + 0.5) / 200), rtol=1e-12)


def test_of_many_rows_a_shade_counts_them() -> None:
    frame = rows(6_000)
    frame.loc[5, "y"] = np.nan
    fit = gl.fit(frame, "y")
    told = fit.augment().dropna()
    wanted = {
        "data": (frame.dropna()["x"], frame.dropna()["y"]),
        "residuals": (told["fitted"], told["residual"]),
        "scale": (told["fitted"], np.sqrt(told["standardized"].abs())),
        "leverage": (told["leverage"], told["standardized"]),
    }
    for kind, (x, y) in wanted.items():
        mesh = shade(fit.plot(kind))
        edges = mesh.get_coordinates()
        counted, *_ = np.histogram2d(x, y, bins=[edges[0, :, 0], edges[:, 0, 1]])
        drawn = mesh.get_array().filled(0).reshape(counted.T.shape)
        assert drawn.sum() == 5_999
        assert np.abs(drawn - counted.T).sum() <= 4  # on an edge to the last bit
    ax = fit.plot("qq")
    line = max(ax.get_lines(), key=lambda each: len(each.get_xdata()))
    exact = np.quantile(told["standardized"], stats.norm.cdf(line.get_xdata()))
    inside = np.abs(line.get_xdata()) < 1.5
    np.testing.assert_allclose(line.get_ydata()[inside], exact[inside], atol=1 / 64)


def test_bands_are_the_intervals_of_the_fit() -> None:
    frame = rows(50)
    fit = gl.fit(frame, "y")
    ax = fit.plot("data")
    along = np.linspace(frame.x.min(), frame.x.max(), 200)
    for name, interval in (("95 % of new rows", "prediction"), ("95 % confidence band", "mean")):
        (band,) = [each for each in ax.collections if each.get_label() == name]
        low = band.get_paths()[0].vertices[1:201]
        truth = fit.predict(pd.DataFrame({"x": along}), interval=interval).lower
        np.testing.assert_allclose(low, np.column_stack([along, truth]), rtol=1e-12)


def test_medians_follow_the_rows() -> None:
    for n in (2_000, 50_000):
        rng = np.random.default_rng(0)
        x = rng.uniform(-3, 3, n)
        ax = gl.fit(x, x**2 + 0.1 * rng.normal(size=n)).plot("residuals")
        (line,) = [each for each in ax.get_lines() if each.get_label() == "median"]
        fitted = line.get_xdata()
        assert np.all(np.diff(fitted) > 0)
        assert line.get_ydata()[[0, -1]].min() > 3 > 0 > line.get_ydata()[len(fitted) // 2]


def test_curves_of_cooks_distance_pass_through_where_it_is_that_large() -> None:
    x = np.append(np.zeros(9), 1.0) + np.arange(10) * 0.01
    y = np.arange(10) % 3 + np.append(np.zeros(9), 9.0)
    fit = gl.fit(x, y)
    ax = fit.plot("leverage")
    told = fit.augment()
    (curve,) = [each for each in ax.get_lines() if each.get_label() == "Cook's distance 1"]
    for h, r in zip(curve.get_xdata(), curve.get_ydata(), strict=True):
        assert r**2 * h / (1 - h) / 2 == pytest.approx(1.0)
    assert told.cooks_distance.max() > 1.0
    assert str(told.cooks_distance.idxmax()) in written(ax)


def test_rows_are_read_once_for_all_pictures(tmp_path: Path) -> None:
    rows(300).to_csv(tmp_path / "rows.csv", index=False)
    fit = gl.fit(tmp_path / "rows.csv", "y")
    fit.plot("residuals")
    (tmp_path / "rows.csv").unlink()
    for kind in KINDS:
        fit.plot(kind)
    assert len(fit.influence(most=3).frame()) == 3


@KOREAN
def test_in_korean() -> None:
    fit = gl.fit(rows(6_000), "y")
    assert "잔차" in written(fit.plot("residuals", lang="ko"))
    assert "예측구간" in written(fit.plot("data", lang="ko"))
    assert "지렛대값" in written(fit.plot("leverage", lang="ko"))


def test_several_targets_and_features() -> None:
    fit = gl.fit(two_targets(), ["u", "v"])
    assert fit.plot().get_xlabel() == "coefficient, 95 % confidence interval"
    told = fit.augment()
    np.testing.assert_array_equal(points(fit.plot("residuals", target="v")), told[["fitted_v", "residual_v"]])
    assert fit.plot("residuals", target="v").get_xlabel() == "fitted value (v)"
    with pytest.raises(gl.OptionError, match="a line over one column, and this fit has 5 features"):
        fit.plot("data")


def test_polynomials_are_curves() -> None:
    x = np.linspace(0, 5, 40)
    fit = gl.fit(gl.polynomial(x, 2), x**2 + np.sin(9 * x))
    ax = fit.plot()
    (line,) = [each for each in ax.get_lines() if each.get_label() == "fit"]
    np.testing.assert_allclose(line.get_ydata(), fit.predict(np.linspace(0, 5, 200)), rtol=1e-12)
    named = gl.fit(pd.DataFrame({"x": x, "y": x**2}), formula="y ~ x + x^2")
    assert named.plot().get_xlabel() == "x"


def test_without_rows() -> None:
    fit = gl.Moments.of(*gl.line(seed=0)).fit()
    assert fit.plot().get_xlabel() == "coefficient, 95 % confidence interval"
    for kind in KINDS:
        with pytest.raises(gl.OptionError, match="need"):
            fit.plot(kind)


def test_every_kind_of_a_hard_fit() -> None:
    for frame in (rows(3), pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [2.0, 4, 6, 8]}), rows(40).assign(y=1.0)):
        fit = gl.fit(frame, "y")
        for kind in KINDS:
            fit.plot(kind).figure.canvas.draw()
