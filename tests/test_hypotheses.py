"""`Fit.test` beside R's car::linearHypothesis, statsmodels and exact rationals, and what it refuses."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import cars
import numpy as np
import oracle
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

import gradline as gl
from gradline.results.covariance import Covariance

LONGLEY = ["GNP.deflator", "GNP", "Unemployed", "Armed.Forces", "Population", "Year"]
FITS = {
    "longley": {"target": "Employed"},
    "mtcars": {"formula": "mpg ~ wt + hp + C(cyl)"},
    "weighted": {"formula": "mpg ~ wt + hp", "weights": "qsec"},
    "duncan": {"formula": "prestige ~ income + education"},
    "prestige": {"formula": "prestige ~ log(income) + education + women + C(type)"},
}
ASKED = {
    "longley one": ("longley", ["GNP = 0"]),
    "longley two": ("longley", ["GNP.deflator", "2*Unemployed - Armed.Forces = 0.01"]),
    "longley slopes": ("longley", ["`GNP.deflator` = GNP = Unemployed = 0", "Armed.Forces = Population = Year = 0"]),
    "mtcars levels": ("mtcars", ["C(cyl)[6] = C(cyl)[8]"]),
    "mtcars all levels": ("mtcars", ["C(cyl)[T.6] = C(cyl)[4], C(cyl)[T.8] = 0"]),
    "mtcars weighted": ("weighted", ["wt = 100*hp", "(Intercept) = 37"]),
    "duncan equal": ("duncan", ["income = education"]),
    "duncan sum": ("duncan", ["-(-income - education)*2/2 = 1 + .2", "-5 = Intercept"]),
    "prestige levels": ("prestige", ["C(type)[prof] - C(type)[wc] = 0", "women = 0"]),
}


def fit_of(name: str) -> gl.Fit:
    return gl.fit(cars.table("mtcars" if name == "weighted" else name), **FITS[name])


@pytest.mark.parametrize("what", ASKED)
def test_equals_car(what: str) -> None:
    name, hypotheses = ASKED[what]
    found = fit_of(name).test(*hypotheses)
    got = {"statistic": found.statistic, "p": found.p, "df_num": found.df_num, "df_denom": found.df_denom}
    if what != "longley slopes":  # a chain is written as differences there
        for row, (estimate, value, se) in enumerate(zip(found.estimate, found.values, found.se, strict=True), 1):
            got |= {f"difference {row}": estimate - value, f"std_error {row}": se}
        cars.agree(cars.values(what), got.__getitem__)
    else:
        cars.agree({each: value for each, value in cars.values(what).items() if each in got}, got.__getitem__)


def test_each_line_is_statsmodels_t_test() -> None:
    frame = cars.table("duncan")
    peer = smf.ols("prestige ~ income + education", frame).fit()
    wanted = peer.t_test("income = education, 2*income + education = 1.5")
    found = fit_of("duncan").test("income = education", "2*income + education = 1.5")
    np.testing.assert_allclose(found.estimate, wanted.effect, rtol=1e-9)
    np.testing.assert_allclose(found.se, wanted.sd, rtol=1e-9)
    np.testing.assert_allclose(found.t, wanted.tvalue, rtol=1e-9)
    np.testing.assert_allclose(found.each_p, wanted.pvalue, rtol=1e-8)
    np.testing.assert_allclose(found.conf_int(0.9), wanted.conf_int(0.1), rtol=1e-9)
    joint = peer.f_test("income = education, 2*income + education = 1.5")
    assert [found.statistic, found.p] == pytest.approx([joint.fvalue, joint.pvalue], rel=1e-9)
    frame = found.frame()
    assert frame.hypothesis.tolist() == ["income = education", "2*income + education = 1.5"]
    np.testing.assert_allclose(frame.conf_low, found.conf_int()[:, 0])


def test_all_parameters_of_near_dependent_columns() -> None:
    """F of all parameters being 0 is (y'y - RSS)/p / (RSS/df): whatever the condition number of their covariance."""
    rng = np.random.default_rng(3)
    x = rng.integers(-50, 50, 30).astype(float)
    columns = [np.ones(30), x, x + 1e-9 * rng.integers(-9, 9, 30), 1e6 * rng.integers(-9, 9, 30)]
    y = rng.integers(-5, 5, 30).astype(float)
    fit = gl.fit(np.stack(columns[1:], axis=1), y)
    _, rss, _ = oracle.solution(oracle.cross_products([*columns, y]), 4)
    exact = (oracle.dot(*oracle.rationals([y, y])) - rss) / 4 / (rss / 26)
    # the covariance of condition 1e25 would leave no digit; its root loses what the condition number of X takes
    assert float(abs(Fraction(fit.test("Intercept = x1 = x2 = x3 = 0").statistic) / exact - 1)) < 1e-6


@pytest.mark.parametrize(
    "names",
    [
        ["a b", "a", "b"],
        ["x - 1", "x", "2"],
        ["x[3]", "x", "x:3"],
        ["=", "==", "a=b"],
        ["`", "a`b", "한국 열"],
        ["(", ")", "f(x, y)[T.1]"],
        ["x", "x1", "x12"],
        ["x.1", "x.1.1", "1"],
        ["e", "1e", "1e5x"],
    ],
)
def test_any_names(names: list[str]) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3))
    fit = gl.fit(pd.DataFrame(x, columns=names).assign(target=x.sum(axis=1) + x[::-1, 0]), target="target")
    for number, name in enumerate(names, 1):
        for text in (f"`{name}`",) if name in ("1", "2", "=", "==", "(") else (name, f"`{name}`"):
            found = fit.test(f"2*{text} - Intercept = {text} + 1.5")
            assert found.matrix.tolist() == [[-1.0, *(float(at == number) for at in (1, 2, 3))]], text
            assert found.values.tolist() == [1.5]


def test_a_number_is_a_number_unless_it_is_quoted() -> None:
    frame = pd.DataFrame({"2020": [1.0, 2.0, 4.0, 5.0], "x": [1.0, 0.0, 0.0, 2.0], "y": [1.0, 2.0, 3.0, 5.0]})
    fit = gl.fit(frame, target="y")
    assert fit.test("x = 2020").values.tolist() == [2020.0]
    assert fit.test("x = `2020`").matrix.tolist() == [[0.0, -1.0, 1.0]]


def test_levels_and_bases() -> None:
    frame = cars.table("prestige").assign(type=lambda table: table["type"].fillna("none"))
    fit = gl.fit(frame, formula="prestige ~ C(type, Treatment('prof')):education + C(type, Treatment('prof'))")
    name = next(name for name in fit.names if "wc" in name and ":" not in name)
    short = name.replace("T.", "")
    wanted = fit.test(f"{name} = 0")
    assert fit.test(f"{short} = {short.replace('wc', 'prof')}").statistic == wanted.statistic
    with pytest.raises(gl.OptionError, match="about no parameter"):
        fit.test(f"{short.replace('wc', 'prof')} = 0")


def test_several_targets_are_as_many_tests() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2)) * [1.0, 1e5]
    both = gl.fit(x, y).test("x1 = x2", "x3 = 0.1")
    assert both.estimate.shape == (2, 2)
    assert both.conf_int().shape == (2, 2, 2)
    assert len(both.frame()) == 4
    for k in range(2):
        one = gl.fit(x, y[:, k]).test("x1 = x2", "x3 = 0.1")
        assert [both.statistic[k], both.p[k]] == pytest.approx([one.statistic, one.p], rel=1e-12)
        np.testing.assert_allclose(both.conf_int()[:, :, k], one.conf_int(), rtol=1e-12)
    assert "y1" in both.summary()
    assert "y2" in both.summary()


def test_what_follows_counts_once() -> None:
    fit = fit_of("duncan")
    one = fit.test("income = 0.5", "education = 0.5")
    more = fit.test("income = 0.5", "education = 0.5", "0.1*income + 0.2*education = 0.15", "income = education")
    assert (more.df_num, more.statistic, more.p) == (2, one.statistic, one.p)
    assert len(more.notes) == 2
    assert "'income = education' follows from the ones before it" in more.summary()
    assert len(more.estimate) == 4


def test_a_perfect_fit_has_no_doubt() -> None:
    fit = gl.fit([[1.0], [2.0], [4.0], [5.0]], [3.0, 5.0, 9.0, 11.0])
    assert (fit.test("x = 1").statistic, fit.test("x = 1").p) == (np.inf, 0.0)
    assert np.isnan(fit.test("x = 2").statistic)
    assert np.isnan(gl.fit([[1.0], [2.0]], [1.0, 5.0]).test("x = 1").p)


def test_infinite_degrees_of_freedom_are_chi_squared() -> None:
    from gradline.exact.wald import joint, root_of

    root = np.linalg.cholesky([[2.0, 0.3], [0.3, 1.0]]).T
    found = joint(np.array([1.0, -2.0]), root, np.inf)
    wald = np.array([1.0, -2.0]) @ np.linalg.solve(root.T @ root, [1.0, -2.0])
    assert [found.statistic * 2, found.p] == pytest.approx([wald, stats.chi2.sf(wald, 2)], rel=1e-12)
    assert np.isnan(joint(np.array([1.0, 1.0]), np.ones((3, 2)), 5).statistic)  # of a singular covariance
    other = joint(np.array([1.0, -2.0]), root_of(root.T @ root), np.inf)
    assert other.statistic == pytest.approx(found.statistic, rel=1e-12)
    singular = np.outer([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) * 1e8 + np.outer([1.0, 0, 0], [1.0, 0, 0])
    assert np.isnan(joint(np.ones(3), root_of(singular), 5).statistic)


def test_another_covariance_takes_the_place_of_the_classical_one() -> None:
    plain = fit_of("duncan")
    fit = dataclasses.replace(plain, covariance=Covariance("HC0", 4 * plain.cov[:, :, None], plain.df_resid))
    asked = ("income = 0.5", "education = Intercept")
    assert fit.test(*asked).statistic == pytest.approx(plain.test(*asked).statistic / 4, rel=1e-11)
    np.testing.assert_allclose(fit.test(*asked).se, 2 * plain.test(*asked).se, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("incom = 0", "no column 'incom' in this fit. Did you mean 'income'?"),
        ("C(type)[prof] = 0", "no column"),
        ("`incom` = 0", "Did you mean 'income'?"),
        ("income education = 0", "cannot be read from 'education' on"),
        ("2income = 0", "cannot be read from '2income' on"),
        ("income*education = 0", "is not linear"),
        ("1/income = 0", "is not linear"),
        ("income/0 = 0", "divides by 0"),
        ("income = ", "lacks a name or a number at its end"),
        ("(income = 0", "lacks '\\)' before '='"),
        ("`income = 0", "backtick that nothing closes"),
        ("income >= 0", "cannot be read from '>' on"),
        ("", "lacks a name or a number at its end"),
        ("income = 0, income = 1", "'income = 1' contradicts the ones before it"),
        ("income = income", "it always holds"),
        ("1 = 0", "can never hold"),
        ("income = " + "9" * 5000, "cannot be read"),
        ("income = 1e99*1e99*1e99*1e99", "too large"),
        ("(" * 4000 + "income", "nested more than 100 deep"),
        ("income = 1;drop", "cannot be read from ';drop' on"),
    ],
)
def test_refusals(text: str, said: str) -> None:
    with pytest.raises(gl.GradlineError, match=said) as caught:
        fit_of("duncan").test(text)
    lines = str(caught.value).splitlines()
    assert len(lines) <= 3
    assert max(map(len, lines)) <= 80


def test_what_no_data_determine_is_refused() -> None:
    frame = cars.table("duncan").assign(both=lambda table: table["income"] + table["education"])
    for aliased in ("nan", "min-norm"):
        fit = gl.fit(frame, target="prestige", features=["income", "education", "both"], aliased=aliased)
        with pytest.raises(gl.OptionError, match=r"(?s)'both' cannot be tested.*both = 1·income \+ 1·education"):
            fit.test("both = 0")
    with pytest.raises(gl.OptionError, match="l1 has no standard errors"):
        gl.fit(frame, target="prestige", features=["income"], l1=1.0).test("income = 0")
    for nothing in ((), (3,)):
        with pytest.raises(gl.OptionError, match="equations as text"):
            fit.test(*nothing)


def test_the_table_fits_a_terminal() -> None:
    found = fit_of("prestige").test("C(type)[prof] - C(type)[wc] = 2*log(income) - education*0.125", "women = 1")
    for text in (found.summary(), repr(found)):
        assert max(map(len, text.splitlines())) <= 80
    assert "together: F" in found.summary()
    assert "&lt;2e-16" in found._repr_html_()
