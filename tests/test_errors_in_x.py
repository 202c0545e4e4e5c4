"""`gl.fit(x_error=)` beside Fuller's formulas, scipy.odr, closed forms and a simulation."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import gradline as gl


def scattered(n: int, seed: int, sd: float = 1.0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The notebook's line, and x recorded with an error."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-10, 10, n)
    return truth + sd * rng.normal(size=n), 2 * truth + 3 + noise * rng.normal(size=n)


def test_one_x_of_known_error_is_fullers_section_1_2() -> None:
    x, y = scattered(60, 0, sd=2.0)
    n, variance, both = 60, np.var(x, ddof=1), np.cov(x, y)[0, 1]
    slope = both / (variance - 4)
    residual = y - y.mean() - slope * (x - x.mean())
    s2 = residual @ residual / (n - 2)
    of_slope = (variance * s2 + (4 * slope) ** 2) / ((n - 1) * (variance - 4) ** 2)
    fit = gl.fit(x, y, x_error=2.0)
    assert fit.coef[0] == pytest.approx(slope, rel=1e-12)
    assert fit.intercept == pytest.approx(y.mean() - slope * x.mean(), rel=1e-11)
    np.testing.assert_allclose(fit.se, np.sqrt([s2 / n + x.mean() ** 2 * of_slope, of_slope]), rtol=1e-12)
    assert fit.sigma == pytest.approx(np.sqrt(s2), rel=1e-12)
    assert fit.x_error.reliability[0] == pytest.approx(1 - 4 / variance, rel=1e-12)
    assert fit.x_error.naive[1] == pytest.approx(gl.fit(x, y).coef[0], rel=1e-13)
    assert fit.x_error.sigma == pytest.approx(np.sqrt(s2 - (2 * slope) ** 2), rel=1e-10)


@pytest.mark.parametrize("ratio", [1.0, 0.04, 25.0])
def test_one_x_of_known_ratio_is_demings_closed_form(ratio: float) -> None:
    x, y = scattered(60, 1)
    (xx, xy), (_, yy) = np.cov(x, y)
    slope = (yy - ratio * xx + np.sqrt((yy - ratio * xx) ** 2 + 4 * ratio * xy**2)) / (2 * xy)
    fit = gl.fit(x, y, x_error=gl.Deming(ratio))
    assert fit.coef[0] == pytest.approx(slope, rel=1e-12)
    residual = y - y.mean() - slope * (x - x.mean())
    s2 = residual @ residual / 58
    error = s2 / (ratio + slope**2)  # Fuller (1.3.7), and his variance of the slope below it
    true = xy / slope
    wanted = np.sqrt((true * s2 + error * s2 - (slope * error) ** 2) / 59) / true
    assert fit.se[1] == pytest.approx(wanted, rel=2e-3)  # n - 1 or n - 2 in places of no consequence
    assert fit.x_error.sd[0] == pytest.approx(np.sqrt(error), rel=1e-10)
    assert fit.x_error.sigma == pytest.approx(np.sqrt(error * ratio), rel=1e-9)


def test_scipys_orthogonal_distance_regression() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # scipy.odr is on its way out
        from scipy import odr
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(200, 3)) @ [[1.0, 0.5, 0], [0, 1.0, 0.5], [0, 0, 1.0]]
    y = truth @ [1.0, -2.0, 0.5] + 4 + 0.3 * rng.normal(size=200)
    x = truth + 0.3 * rng.normal(size=(200, 3))
    model = odr.Model(lambda beta, x: beta[0] + beta[1:] @ x)
    peer = odr.ODR(odr.RealData(x.T, y, sx=1.0, sy=1.0), model, beta0=[0.0, 1, 1, 1], maxit=500)
    peer.set_job(fit_type=0, deriv=1)
    found = peer.run()
    fit = gl.fit(x, y, x_error=gl.Deming(1.0))
    np.testing.assert_allclose(fit.params, found.beta, rtol=2e-5)  # its own tolerance
    np.testing.assert_allclose(fit.se, found.sd_beta, rtol=0.1)  # its linearisation leaves the noise in x out of X'X


def test_total_least_squares_is_the_last_singular_vector() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 4))
    y = x @ [1.0, 2, 3, 4] + 0.2 * rng.normal(size=50)
    z = np.linalg.svd(np.column_stack([x, y]))[2][-1]
    fit = gl.fit(x, y, x_error=gl.Deming(), intercept=False)
    np.testing.assert_allclose(fit.params, -z[:-1] / z[-1], rtol=1e-11)
    # exact columns are those that do not turn: the same with x1 and the intercept taken out of all first
    exact = np.column_stack([np.ones(50), x[:, 0]])
    rest = np.column_stack([x[:, 1:], y])
    rest = rest - exact @ np.linalg.lstsq(exact, rest, rcond=None)[0]
    z = np.linalg.svd(rest)[2][-1]
    fit = gl.fit(x, y, x_error=gl.Deming({"x2": 1.0, "x3": 1.0, "x4": 1.0}))
    np.testing.assert_allclose(fit.params[2:], -z[:-1] / z[-1], rtol=1e-11)


@pytest.mark.parametrize("given", ["known", "ratio"])
def test_tiny_errors_beside_large_means(given: str) -> None:
    """Corrections of 1e-12 of the moments, which float64 would drown."""
    rng = np.random.default_rng(4)
    truth = rng.integers(-1000, 1000, 400).astype(float)
    error = rng.choice([-1.0, 1.0], 400) * 2.0**-10
    x, y = truth + error + 2.0**30, 3 * truth + rng.choice([-1.0, 1.0], 400) * 2.0**-10
    fit = gl.fit(x, y, x_error=2.0**-10 if given == "known" else gl.Deming())
    moved = gl.fit(x - 2.0**30, y, x_error=2.0**-10 if given == "known" else gl.Deming())
    assert fit.coef[0] == pytest.approx(moved.coef[0], rel=1e-15)
    assert fit.se[1] == pytest.approx(moved.se[1], rel=1e-9)


def test_no_error_is_least_squares() -> None:
    x, y = scattered(40, 5)
    plain, fit = gl.fit(x, y), gl.fit(x, y, x_error=0.0)
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-14)
    np.testing.assert_allclose(fit.se, plain.se, rtol=1e-13)
    assert fit.x_error.names == ()
    nearly = gl.fit(x, y, x_error=gl.Deming(1e12))
    np.testing.assert_allclose([nearly.params, nearly.se], [plain.params, plain.se], rtol=1e-9)


def test_intervals_cover_the_truth() -> None:
    """Of 200 samples of 100 rows 95 % intervals should miss 10 times, and least squares' mostly."""
    missed = {"known": 0, "ratio": 0, "plain": 0}
    for seed in range(200):
        x, y = scattered(100, 1000 + seed, sd=2.0, noise=2.0)
        m = gl.Moments.of(x, y)
        for kind, x_error in (("known", 2.0), ("ratio", gl.Deming(1.0)), ("plain", None)):
            low, high = m.fit(x_error=x_error).conf_int()[1]
            missed[kind] += not low <= 2 <= high
    # three standard deviations of a binomial of 200 and 0.05 are 9
    assert 1 <= missed["known"] <= 19
    assert 1 <= missed["ratio"] <= 19
    assert missed["plain"] > 100


def test_by_name_beside_exact_columns() -> None:
    rng = np.random.default_rng(6)
    n = 4000
    frame = pd.DataFrame({"g": rng.choice(["a", "b"], n), "z": rng.normal(size=n)})
    truth = rng.normal(size=n) + frame["z"] + (frame["g"] == "b")
    frame["x"] = truth + 0.7 * rng.normal(size=n)
    frame["y"] = 1.5 * truth - frame["z"] + 2 * (frame["g"] == "b") + rng.normal(size=n)
    fit = gl.fit(frame, target="y", features=["x", "z", "g"], x_error={"x": 0.7})
    assert (abs(fit.params - [0, 1.5, -1, 2]) < 4 * fit.se).all()
    assert fit.x_error.reliability[0] == pytest.approx(1 / 1.49, abs=0.03)  # beside z and g
    counted = gl.fit(frame.assign(w=2), target="y", features=["x", "z", "g"], frequency_weights="w",
                     x_error={"x": 0.7})  # fmt: skip
    twice = gl.fit(pd.concat([frame, frame]), target="y", features=["x", "z", "g"], x_error={"x": 0.7})
    np.testing.assert_allclose(counted.se, twice.se, rtol=1e-12)


def test_columns_that_others_determine_stay_out() -> None:
    x, y = scattered(50, 7)
    frame = pd.DataFrame({"x": x, "c": 1.0, "y": y})
    fit = gl.fit(frame, target="y", x_error={"x": 1.0})
    alone = gl.fit(x, y, x_error=1.0)
    assert np.isnan(fit.params[2])
    np.testing.assert_allclose(fit.se[:2], alone.se, rtol=1e-13)


def test_a_saved_fit_knows_its_errors(tmp_path) -> None:
    fit = gl.fit(*scattered(30, 8), x_error=1.0)
    fit.save(tmp_path / "m.safetensors")
    back = gl.load(tmp_path / "m.safetensors")
    assert back.x_error == fit.x_error
    assert back.se.tobytes() == fit.se.tobytes()
    assert np.isnan([back.f, back.aic, back.log_likelihood]).all()
    assert back.test("x = 2").p == pytest.approx(fit.p[1], abs=1)
    for ask in (gl.anova, gl.Fit.collinearity):
        with pytest.raises(gl.OptionError, match="x_error"):
            ask(back)


def test_refusals() -> None:
    x, y = scattered(30, 9)
    frame = pd.DataFrame({"x": x, "z": x[::-1] ** 2, "y": y, "w": 1.0 + (x > 0)})
    cases = [
        ({"x_error": 6.5}, r"vary no more than\ntheir errors. x varies by 6.4 \(sd\)"),
        ({"x_error": -1.0}, "x_error is -1.0"),
        ({"x_error": float("nan")}, "x_error is nan"),
        ({"x_error": "1"}, "x_error is '1'"),
        ({"x_error": {"xx": 1.0}}, "no column 'xx' in this model. Did you mean 'x'?"),
        ({"x_error": {"x": None}}, "x_error is None"),
        ({"x_error": gl.Deming(0.0)}, "ratio is above 0"),
        ({"x_error": gl.Deming(-1.0)}, "Deming's ratio is -1.0"),
        ({"x_error": 1.0, "l2": 1.0}, "without l1 and l2"),
        ({"x_error": 1.0, "weights": "w"}, "not for weights="),
    ]
    for options, said in cases:
        with pytest.raises(gl.GradlineError, match=said) as caught:
            gl.fit(frame, target="y", features=["x"], **options)
        assert max(map(len, str(caught.value).splitlines())) <= 80
    for formula in ("y ~ x + I(x**2)", "y ~ poly(x, 2)", "y ~ log(x + 99)", "y ~ x*z", "y ~ x + C(w)"):
        with pytest.raises(gl.OptionError, match="has no error of one size"):
            gl.fit(frame, formula=formula, x_error=0.1)
    with pytest.raises(gl.OptionError, match="several targets"):
        gl.fit(frame, target=["y", "z"], features="x", x_error=1.0)


def test_explain_says_what_errors_do_or_would_do() -> None:
    x, y = gl.line(seed=0)
    plain = gl.fit(x, y)
    text = plain.explain()
    assert "1.931 of y on average (95 % interval 1.871 to 1.992)" in text
    assert "does not shrink a slope" in text  # the notebook's noise is in y alone
    spread, matters = (float(text.split(mark)[1].split(end)[0]) for mark, end in (("(s / ", ")"), ("at s = ", ",")))
    assert spread == pytest.approx(float(x.std()), rel=0.01)
    # errors of that size, put in, take about a standard error: 4000 rows to see it without their own scatter
    assert plain.coef[0] * (matters / spread) ** 2 == pytest.approx(plain.se[1], rel=0.1)
    # had x been recorded with the noise, the slope of 2 would have shrunk by 1/(1 + 100/3)
    noisy, goal = scattered(4000, 10, sd=1.0, noise=0.0)
    fit = gl.fit(noisy, goal, x_error=1.0)
    assert fit.x_error.reliability[0] == pytest.approx(100 / 103, rel=0.005)
    assert fit.x_error.naive[1] == pytest.approx(2 * 100 / 103, rel=0.005)
    assert f"its reliability is {fit.x_error.reliability[0]:.3f}" in fit.explain()
    assert "standard errors: it matters" in fit.explain()
    assert "hardly matters" in gl.fit(noisy, goal, x_error=0.01).explain()
    assert "errors of measurement" in gl.fit(noisy, goal, x_error=gl.Deming()).explain()
    assert "given too large" in gl.fit(noisy, goal, x_error=1.5).explain()


def test_explain_of_every_kind_of_fit_in_both_languages() -> None:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=["x", "z", "y"]).assign(g=list("ab") * 20)
    fits = {
        "the other columns being the same": gl.fit(frame, formula="y ~ x + z"),
        "read together": gl.fit(frame, formula="y ~ x*z + g"),
        "the mean of y": gl.fit(frame, formula="y ~ 1"),
        "towards 0 on purpose": gl.fit(frame, formula="y ~ x", l2=3.0),
        "Nothing of y is left": gl.fit(frame.assign(y=2 * frame["x"]), formula="y ~ x"),
        "in this fit": gl.fit(frame[:2], formula="y ~ x"),
        "of z on average": gl.fit(frame, target=["y", "z"], features=["x"]),
        "beside the other columns": gl.fit(frame, formula="y ~ x + z", x_error={"x": 0.1}),
    }
    for said, fit in fits.items():
        assert said in fit.explain()
        korean = fit.explain(lang="ko")
        assert korean.endswith("다.")
        assert "{" not in korean + fit.explain()
    with pytest.raises(gl.OptionError, match="lang must be one of 'en', 'ko'; 'de'"):
        fit.explain("de")


def test_both_languages_have_the_same_sentences() -> None:
    from string import Formatter

    from gradline.report.fit_explanation_texts import TEXTS

    fields = {
        lang: {key: {field for _, field, _, _ in Formatter().parse(text)} for key, text in texts.items()}
        for lang, texts in TEXTS.items()
    }
    assert fields["en"] == fields["ko"]
