"""Moments add up, take away, select, save and load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gradline as gl


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) + np.array([0.0, 1e6, 0.0])
    return X, X @ [1.0, 2.0, 3.0] + rng.normal(size=200)


def relative_difference(a: gl.Moments, b: gl.Moments) -> float:
    size = np.sqrt(np.outer(b.hi.diagonal(), b.hi.diagonal()))
    return float(np.max(abs((a.hi - b.hi) + (a.lo - b.lo)) / size))


def test_a_sum_is_one_pass(data) -> None:
    X, y = data
    whole = gl.Moments.of(X, y)
    parts = gl.Moments.of(X[:70], y[:70]) + gl.Moments.of(X[70:71], y[70:71]) + gl.Moments.of(X[71:], y[71:])
    assert relative_difference(parts, whole) <= 1e-30
    assert parts.nobs == 200
    np.testing.assert_allclose(parts.fit().params, gl.fit(X, y).params, rtol=1e-15)


def test_addition_commutes_to_the_bit(data) -> None:
    X, y = data
    a, b = gl.Moments.of(X[:90], y[:90]), gl.Moments.of(X[90:], y[90:])
    assert (a + b).hi.tobytes() == (b + a).hi.tobytes()
    assert (a + b).lo.tobytes() == (b + a).lo.tobytes()


def test_taking_rows_away_is_as_good_as_not_reading_them(data) -> None:
    X, y = data
    rest = gl.Moments.of(X, y) - gl.Moments.of(X[:150], y[:150])
    assert rest.nobs == 50
    np.testing.assert_allclose(rest.fit().params, gl.fit(X[150:], y[150:]).params, rtol=1e-14)
    np.testing.assert_allclose(rest.fit().se, gl.fit(X[150:], y[150:]).se, rtol=1e-14)


@pytest.mark.filterwarnings("ignore:only . digit:gradline.GradlineWarning")
@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
def test_what_is_left_promises_no_more_digits_than_large_rows_leave_it(scale: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40_000, 5)) + 3
    y = X @ [1.0, 2.0, 3.0, 4.0, 5.0] + rng.normal(size=40_000)
    X[:-60] *= scale
    exact = gl.fit(X[-60:], y[-60:])
    for precision in ("double-double", "float64"):
        whole, most = (gl.Moments.of(X[:n], y[:n], precision=precision) for n in (40_000, 40_000 - 60))
        (whole - most).save(tmp_path / "m.safetensors")
        for rest in (whole - most, gl.Moments.load(tmp_path / "m.safetensors"), whole - most + most - most):
            fit = rest.fit()
            true = -np.log10(max(abs(fit.params / exact.params - 1).max(), 1e-16))
            assert fit.digits <= true
            assert fit.digits >= (15.5 if precision == "double-double" else true - 5)


def test_select_is_a_fit_on_fewer_columns(data) -> None:
    X, y = data
    selected = gl.Moments.of(X, y).select(["x3", "x1"])
    assert selected.columns == ("x3", "x1")
    np.testing.assert_allclose(selected.fit().params, gl.fit(X[:, [2, 0]], y).params, rtol=1e-14)


def test_select_of_one_target_of_several(data) -> None:
    X, y = data
    both = gl.Moments.of(X, np.column_stack([y, -y]))
    np.testing.assert_allclose(both.select(["x1"], "y2").fit().params, gl.fit(X[:, 0], -y).params, rtol=1e-14)


def test_misspelt_column_is_suggested() -> None:
    m = gl.Moments.of(np.eye(3), np.ones(3))
    with pytest.raises(gl.ColumnError, match=r"no column 'x11' .*Did you mean 'x1'\?"):
        m.select(["x11"])


def test_moments_of_other_columns_do_not_add_up(data) -> None:
    X, y = data
    with pytest.raises(gl.DataError, match="add up where columns, their order and weighting are the same"):
        gl.Moments.of(X, y) + gl.Moments.of(X[:, :2], y)
    with pytest.raises(gl.DataError, match="same"):
        gl.Moments.of(X, y) + gl.Moments.of(X, y, weights=np.full(200, 2.0))
    with pytest.raises(gl.DataError, match=r"more and those of y on x1, x2\.") as caught:
        gl.Moments.of(np.eye(300), np.ones(300)) + gl.Moments.of(np.ones((3, 2)), np.ones(3))
    assert max(map(len, str(caught.value).splitlines())) < 120


def test_moments_that_differ_in_other_things_than_their_columns_say_so(data) -> None:
    X, y = data
    with pytest.raises(gl.DataError, match=r"^some of these moments are weighted and the others are not\."):
        gl.Moments.of(X, y) + gl.Moments.of(X, y, weights=np.full(200, 2.0))
    frame = pd.DataFrame({"x": X[:, 0], "y": y})
    one, other = (gl.Moments.of(each, formula="y ~ center(x)") for each in (frame, frame[100:]))
    with pytest.raises(
        gl.DataError, match=r"^the rows of these moments were centred, scaled or put into categories in"
    ):
        one + other


def test_sum_of_a_list_and_nonsense(data) -> None:
    X, y = data
    m = gl.Moments.of(X, y)
    assert sum([m, m]).nobs == 400
    for nonsense in (lambda: m + 1, lambda: m - 1, lambda: 1 + m):
        with pytest.raises(TypeError, match="unsupported operand"):
            nonsense()
    with pytest.raises(gl.ColumnError, match="'x1' is named 2 times"):
        m.select(["x1", "x1"])


def test_more_rows_cannot_be_taken_away(data) -> None:
    X, y = data
    with pytest.raises(gl.DataError, match="200 rows cannot be taken away from 10"):
        gl.Moments.of(X[:10], y[:10]) - gl.Moments.of(X, y)


def test_only_rows_that_are_there_can_be_taken_away(data) -> None:
    X, y = data
    with pytest.raises(gl.DataError, match="not among these: they leave a sum of squares of x1 below zero"):
        gl.Moments.of(X[:50], y[:50]) - gl.Moments.of(X[50:60] + 100.0, y[50:60])
    assert (gl.Moments.of(X, y) - gl.Moments.of(X[::-1], y[::-1])).nobs == 0
    coarse = gl.Moments.of(X, y, precision="float64") - gl.Moments.of(X[1:], y[1:], precision="float64")
    assert coarse.nobs == 1


@pytest.mark.parametrize("value", [0.1, 1.9, 1 / 3, -7.7])
def test_a_constant_target_of_a_sum_is_told_by_its_value(value: float) -> None:
    """Σy / n in float64 is another number for other n, and one number for 1.9 and its neighbour."""
    near = float(np.nextafter(value, 10.0))
    for n in range(1, 12):
        for k in range(1, 12):
            first = gl.Moments.of(np.arange(float(n)), np.full(n, value))
            same, other = (gl.Moments.of(np.arange(float(k)) + 0.5, np.full(k, each)) for each in (value, near))
            assert (first + same).constant == (True,)
            assert (first + other).constant == (False,)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_threads_are_a_whole_number(data, threads: object) -> None:
    with pytest.raises(gl.OptionError, match="threads is a whole number from 1 up"):
        gl.Moments.of(*data, threads=threads)


def test_save_and_load_keep_every_bit(data, tmp_path: Path) -> None:
    X, y = data
    m = gl.Moments.of(X, y)
    m.save(tmp_path / "m.safetensors")
    for back in (gl.Moments.load(tmp_path / "m.safetensors"), gl.load(tmp_path / "m.safetensors")):
        assert isinstance(back, gl.Moments)
        assert back.hi.tobytes() == m.hi.tobytes()
        assert back.lo.tobytes() == m.lo.tobytes()
        assert (back.columns, back.targets, back.nobs, back.terms) == (m.columns, m.targets, m.nobs, m.terms)
        assert (back.epsilon, back.missing, back.single_target) == (m.epsilon, m.missing, m.single_target)
        np.testing.assert_array_equal((back + m).fit().params, (m + m).fit().params)


def test_the_same_moments_are_the_same_file(data, tmp_path: Path) -> None:
    X, y = data
    for name in ("a", "b"):
        gl.Moments.of(X, y).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_one_line(data) -> None:
    X, y = data
    assert repr(gl.Moments.of(X, y)) == "Moments: 200 rows of y on x1, x2, x3 · double-double"


@pytest.mark.parametrize("method", ["path", "subsets", "train", "stability"])
def test_an_option_that_there_is_not(data, method: str) -> None:
    with pytest.raises(gl.OptionError, match=f"{method} has no option folds="):
        getattr(gl.Moments.of(*data), method)(folds=3)
