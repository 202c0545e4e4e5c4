"""Sums in float64 and a correction by residuals: as right as double-double, at the price of reading."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gradline as gl
from gradline.moments import kernels


@pytest.fixture(autouse=True)
def every_table_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that precision="auto" begins in float64."""
    monkeypatch.setattr("gradline.moments.plan.FEW_COLUMNS", 0)
    monkeypatch.setattr("gradline.moments.plan.FEW_PRODUCTS", 0)


def design(rows: int = 9000, features: int = 12, condition: float = 1e3) -> np.ndarray:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(rows, features)) + 5.0
    x[:, 1] = x[:, 0] + rng.normal(size=rows) / condition
    return x


def answer(fit: gl.Fit) -> str:
    assert fit.plan is not None
    return str(fit.plan).splitlines()[-1]


@pytest.mark.parametrize("condition", [6e2, 3e3])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("kind", ["float64", "float32", "int64"])
def test_it_is_the_answer_of_double_double(condition: float, intercept: bool, kind: str) -> None:
    x = design(condition=condition)
    x = np.round(1e6 * x).astype(kind) if kind == "int64" else x.astype(kind)
    rng = np.random.default_rng(1)
    y = x @ rng.normal(size=(12, 2)) + rng.normal(size=(9000, 2))
    fit, exact = (gl.fit(x, y, intercept=intercept, precision=precision) for precision in ("auto", "double-double"))
    assert answer(fit) == "2 passes, the last for the residuals in double-double, over the rows"
    np.testing.assert_allclose(fit.params, exact.params, rtol=max(10**-fit.digits, 1e-15))
    np.testing.assert_allclose(fit.params, exact.params, rtol=1e-11)
    np.testing.assert_allclose(fit.se, exact.se, rtol=1e-7)
    for name in ("sigma", "r2", "f"):
        np.testing.assert_allclose(getattr(fit, name), getattr(exact, name), rtol=1e-12)
    assert fit.digits > 9


def test_sums_in_float64_alone_need_it() -> None:
    x = design(condition=1e5)
    y = x.sum(axis=1) + np.random.default_rng(2).normal(size=9000)
    exact = gl.fit(x, y, precision="double-double")
    with pytest.warns(gl.GradlineWarning, match="as sums in float64 leave them"):
        plain = gl.fit(x, y, precision="float64")
    assert abs(plain.params / exact.params - 1).max() > 1e-12


@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6, 1e7, 1e9])
def test_the_sure_digits_are_there(condition: float) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(60, 4)) + rng.normal() * 10
        x[:, 2] = x[:, 1] + rng.normal(size=60) / condition
        y = x @ rng.normal(size=4) + rng.normal(size=60) * 10.0 ** rng.integers(-6, 1)
        fit = gl.fit(x, y)
        truth = by_rationals(x, y)
        worst = max(abs(Fraction(float(value)) / exact - 1) for value, exact in zip(fit.params, truth, strict=True))
        assert -np.log10(max(float(worst), 1e-16)) >= fit.digits - 0.05
        assert fit.digits >= 6


def by_rationals(x: np.ndarray, y: np.ndarray) -> list[Fraction]:
    rows = [
        [Fraction(1), *map(Fraction, row), Fraction(goal)] for row, goal in zip(x.tolist(), y.tolist(), strict=True)
    ]
    size = len(rows[0])
    table = [[sum((row[i] * row[j] for row in rows), Fraction()) for j in range(size)] for i in range(size - 1)]
    for j in range(size - 1):
        table[j] = [value / table[j][j] for value in table[j]]
        for i in range(size - 1):
            if i != j:
                table[i] = [a - table[i][j] * b for a, b in zip(table[i], table[j], strict=True)]
    return [row[-1] for row in table]


def test_what_it_cannot_do_is_summed_in_double_double() -> None:
    x = design(condition=1e9)
    y = x.sum(axis=1) + np.random.default_rng(3).normal(size=9000)
    fit = gl.fit(x, y)
    assert answer(fit).endswith("passes, the last in double-double, over the rows")
    assert np.array_equal(fit.params, gl.fit(x, y, precision="double-double").params)
    twice = np.column_stack([x, x[:, 3]])
    assert list(gl.fit(twice, y).aliased) == ["x13"]
    assert gl.fit(x, y, l2=1e-9).digits > 10


def test_missing_rows_chunks_and_kinds_of_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradline.sources.rows.CHUNK", 500)
    x = design()
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(12)])
    frame["y"] = frame.sum(axis=1) + np.random.default_rng(4).normal(size=9000)
    frame.loc[[3, 999, 8999], ["x3", "y"]] = np.nan
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=700)
    exact = gl.fit(frame, "y", precision="double-double")
    for data in (frame, tmp_path / "rows.parquet", [frame[:100], frame[100:]]):
        fit = gl.fit(data, "y")
        assert "residuals" in answer(fit)
        np.testing.assert_allclose(fit.params, exact.params, rtol=1e-11)
        assert (fit.nobs, fit.missing) == (exact.nobs, exact.missing)


def test_a_perfect_fit_and_a_constant_target() -> None:
    x = np.round(design(condition=1e1) * 4)
    fit = gl.fit(x, x @ np.arange(1.0, 13.0) + 2.0)
    np.testing.assert_allclose(fit.params, [2.0, *range(1, 13)], rtol=1e-15)
    assert (fit.se == 0).all()
    constant = gl.fit(x, np.full(9000, 7.0))
    assert constant.params.tolist() == [7.0, *[0.0] * 12]


def test_sums_over_residuals_are_right_to_double_double() -> None:
    rng = np.random.default_rng(0)
    for rows, d, k in ((70, 3, 2), (64, 5, 1), (131, 9, 1), (257, 2, 1), (1, 1, 1)):
        for order in "CF":
            x = np.require(rng.normal(size=(rows, d)) * 10.0 ** rng.integers(-3, 4, d) + 5, requirements=order)
            y, beta = rng.normal(size=(rows, k)), rng.normal(size=(1 + d, k))
            low = beta * 1e-17 * rng.normal(size=beta.shape)
            columns = [*x.T, *y.T]
            given = -np.stack([beta, low]).swapaxes(1, 2)
            gradient, squares = kernels.residuals(columns, given)
            assert np.array_equal(kernels.residuals(columns, given, threads=2)[0], (gradient[0], gradient[1]))
            z = [[Fraction(1), *map(Fraction, row)] for row in x.tolist()]
            for target in range(k):
                goals = [Fraction(value) for value in y[:, target].tolist()]
                words = zip(beta[:, target].tolist(), low[:, target].tolist(), strict=True)
                slopes = [Fraction(a) + Fraction(b) for a, b in words]
                parts = [[a * b for a, b in zip(row, slopes, strict=True)] for row in z]
                rest = [goal - sum(part) for goal, part in zip(goals, parts, strict=True)]
                sizes = [abs(goal) + sum(map(abs, part)) for goal, part in zip(goals, parts, strict=True)]
                near(squares, target, sum(r * r for r in rest), sum(s * s for s in sizes))
                for j in range(1 + d):
                    truth = sum(row[j] * r for row, r in zip(z, rest, strict=True))
                    scale = sum(abs(row[j]) * s for row, s in zip(z, sizes, strict=True))
                    near(gradient, (j, target), truth, scale)


def near(pair: tuple, place: object, truth: Fraction, scale: Fraction) -> None:
    value = Fraction(float(pair[0][place])) + Fraction(float(pair[1][place]))
    assert abs(value - truth) <= scale * Fraction(2) ** -100


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.tile(design(), (60, 1))
    y = x.sum(axis=1) + np.random.default_rng(5).normal(size=len(x))
    answers = []
    for threads in (1, 2, 8):
        monkeypatch.setattr("gradline.moments.one_pass.processors", lambda threads=threads: threads)
        answers.append(gl.fit(x, y))
    assert "residuals" in answer(answers[0])
    for other in answers[1:]:
        assert np.array_equal(answers[0].params, other.params)
        assert np.array_equal(answers[0].se, other.se)
