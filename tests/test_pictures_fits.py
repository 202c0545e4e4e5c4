"""Pictures of fits, of paths of penalties and of held-out errors beside their numbers."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from drawn import labelled, table, written

import gradline as gl

pytestmark = pytest.mark.usefixtures("figures")


def test_path_is_the_coefficients() -> None:
    path = gl.path(*table(), l1=[3.0, 90.0, 20.0, 0.5])
    ax = path.plot()
    order = np.argsort(-path.l1)
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 4]
    assert len(lines) == 5
    for column, line in enumerate(lines):
        np.testing.assert_array_equal(line.get_xdata(), path.l1[order])
        np.testing.assert_array_equal(line.get_ydata(), path.coef[order, column])
    left, right = ax.get_xlim()
    assert left > 90.0
    assert right < 0.5
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "strength of the penalty (l1)"


def test_path_names_the_largest_beside_where_their_lines_end() -> None:
    x, y = table(200, 60)
    path = gl.path(x, y, mix=0, strengths=8)
    ax = path.plot()
    ax.figure.canvas.draw()
    names = {text.get_text(): text for text in ax.texts}
    largest = np.argsort(-np.abs(path.coef[-1]))[: len(names)]
    assert len(names) == 12
    assert set(names) == {path.columns[column] for column in largest}
    for column in largest:
        assert names[path.columns[column]].xy == (path.l2[-1], path.coef[-1, column])
    boxes = sorted((mpl.text.Text.get_window_extent(text) for text in names.values()), key=lambda box: box.y0)
    assert all(lower.y1 <= upper.y0 + 1 for lower, upper in itertools.pairwise(boxes))
    heights = [names[path.columns[column]].get_window_extent().y0 for column in largest]
    assert list(np.argsort(heights)) == list(np.argsort(path.coef[-1, largest]))


@pytest.mark.parametrize(
    ("options", "axis", "scale"),
    [
        ({"l2": [9.0, 1.0, 0.0]}, "(l2)", "symlog"),
        ({"l1": 2.0, "l2": [9.0, 1.0]}, "(l2)", "log"),
        ({"mix": 0.5, "strengths": 5}, "(l1, and l2 along with it)", "log"),
        ({"l1": [4.0]}, "(l1)", "log"),
        ({"l1": [0.0]}, "(l2)", "linear"),
    ],
)
def test_the_axis_is_the_strength_that_varies(options: dict, axis: str, scale: str) -> None:
    path = gl.path(*table(), **options)
    ax = path.plot()
    ax.figure.canvas.draw()
    assert ax.get_xlabel().endswith(axis)
    assert ax.get_xscale() == scale
    if scale == "symlog":
        assert list(ax.get_lines()[-1].get_xdata()) == [9.0, 1.0, 0.0]
        assert "0" in [tick.get_text() for tick in ax.get_xticklabels()]


def test_crossval_is_its_means_and_standard_errors() -> None:
    cv = gl.crossval(*table(), folds=5, strengths=30)
    ax = cv.plot()
    (bars,) = ax.containers
    line, _, (segments,) = bars
    np.testing.assert_array_equal(line.get_xdata(), cv.l1)
    np.testing.assert_array_equal(line.get_ydata(), cv.mean)
    ends = np.array(segments.get_segments())[:, :, 1]
    np.testing.assert_allclose(ends, np.column_stack([cv.mean - cv.se, cv.mean + cv.se]), rtol=1e-14)
    assert cv.best != cv.simplest
    for words, number in (("least error", cv.best), ("one-standard-error", cv.simplest)):
        mark = labelled(ax, words)
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (cv.l1[number], cv.mean[number])
        assert f"{cv.l1[number]:.4g}" in mark.get_label()
    ax.figure.canvas.draw()
    (top,) = ax.child_axes
    counts = (cv.path.coef != 0).sum(axis=1)
    for place, text in zip(top.get_xticks(), top.get_xticklabels(), strict=True):
        assert int(text.get_text()) == counts[np.argmin(np.abs(cv.l1 - place))]


def test_crossval_of_ridge_counts_nothing() -> None:
    cv = gl.crossval(*table(), folds=4, l2=[5.0, 1.0])
    ax = cv.plot()
    assert not ax.child_axes
    assert f"l2 {cv.l2[cv.best]:g}" in written(ax)


def test_coefficients_are_the_intervals() -> None:
    fit = gl.fit(*table())
    ax = fit.plot("coefficients")
    (bars,) = ax.containers
    np.testing.assert_array_equal(bars[0].get_xdata(), fit.coef)
    ends = np.array(bars[2][0].get_segments())[:, :, 0]
    np.testing.assert_allclose(ends, fit.conf_int()[1:], rtol=1e-13, atol=1e-15)
    assert [label.get_text() for label in ax.get_yticklabels()] == fit.names[1:]
    assert "95 %" in ax.get_xlabel()
    assert list(ax.get_lines()[0].get_xdata()) == [0.0, 0.0]


def test_absent_coefficients_and_intervals_are_said() -> None:
    x, y = table()
    aliased = gl.fit(np.column_stack([x, x[:, 0] + x[:, 1]]), y).plot()
    assert "absent: x6 = 1·x1 + 1·x2" in written(aliased)
    lasso = gl.fit(x, y, l1=10.0).plot()
    assert lasso.get_xlabel() == "coefficient\nno intervals: l1 has no standard errors"
    assert not lasso.containers[0][2]
    full = gl.fit(x[:6], y[:6]).plot()
    assert "no degrees of freedom" in full.get_xlabel()


def test_of_many_coefficients_the_surest_are_shown() -> None:
    x, y = table(300, 90)
    fit = gl.fit(x, y)
    ax = fit.plot()
    shown = {label.get_text() for label in ax.get_yticklabels()}
    assert shown == {fit.names[row] for row in np.argsort(-np.abs(np.r_[0, fit.t[1:]]))[:60]}
    assert "60" in ax.get_xlabel()
    assert "90" in ax.get_xlabel()
