"""`gl.anova` beside R's anova, car's Anova and statsmodels, and the comparisons that it refuses."""

from __future__ import annotations

import cars
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

import gradline as gl

KNOWN = "prestige ~ log(income) + education + women + C(type)"


def prestige() -> pd.DataFrame:
    return cars.table("prestige").dropna()


def duncan(formula: str, **options: object) -> gl.Fit:
    return gl.fit(cars.table("duncan"), formula=formula, **options)


@pytest.mark.parametrize(
    ("what", "fit", "kind"),
    [
        ("longley sequential", lambda: gl.fit(cars.table("longley"), target="Employed"), 1),
        ("mtcars sequential", lambda: gl.fit(cars.table("mtcars"), formula="mpg ~ wt + hp + C(cyl)"), 1),
        ("mtcars two", lambda: gl.fit(cars.table("mtcars"), formula="mpg ~ wt + hp + C(cyl)"), 2),
        ("mtcars interaction two", lambda: gl.fit(cars.table("mtcars"), formula="mpg ~ wt*C(cyl) + hp"), 2),
        ("duncan two", lambda: duncan("prestige ~ income*type + education"), 2),
        ("prestige sequential", lambda: gl.fit(prestige(), formula=KNOWN), 1),
    ],
)
def test_terms_equal_r(what: str, fit, kind: int) -> None:
    frame = gl.anova(fit(), kind=kind).frame()
    got = {}
    for row in frame.to_dict("records"):
        term = {"residual": "Residuals", "log(income)": "log(income)"}.get(row["term"], row["term"])
        term = term.replace("cyl", "factor(cyl)")
        got |= {f"{term} df": row["df"], f"{term} sum_sq": row["sum_sq"]}
        got |= {f"{term} F": row["statistic"], f"{term} p": row["p_value"]}
    cars.agree(cars.values(what), got.__getitem__)


@pytest.mark.parametrize("what", ["longley nested", "duncan nested", "prestige nested"])
def test_nested_fits_equal_r(what: str) -> None:
    chains = {
        "longley nested": ("longley", ["GNP + Year", "GNP + Year + Unemployed", None]),
        "duncan nested": ("duncan", ["income + education", "income + education + type"]),
        "prestige nested": ("prestige", ["education + women", KNOWN.partition("~")[2]]),
    }
    name, models = chains[what]
    frame = prestige() if name == "prestige" else cars.table(name)
    target = "Employed" if name == "longley" else "prestige"
    every = " + ".join(f"`{column}`" for column in frame.columns if column != target)
    fits = [gl.fit(frame, formula=f"{target} ~ {model or every}") for model in models]
    rows = gl.anova(*fits[::-1]).frame()
    got = {}
    for number, row in enumerate(rows.to_dict("records"), 1):
        assert row["model"] == len(fits) + 1 - number
        got |= {f"{number} df_resid": row["df_resid"], f"{number} rss": row["rss"], f"{number} Df": row["df"]}
        got |= {
            f"{number} Sum of Sq": row["sum_sq"],
            f"{number} F": row["statistic"],
            f"{number} Pr(>F)": row["p_value"],
        }
    cars.agree(cars.values(what), got.__getitem__)


def test_weighted_is_statsmodels() -> None:
    frame = cars.table("mtcars")
    small, large = "mpg ~ wt", "mpg ~ wt + hp + qsec"
    peers = [smf.wls(formula, frame, weights=frame["disp"]).fit() for formula in (small, large)]
    fits = [gl.fit(frame, formula=formula, weights="disp") for formula in (small, large)]
    wanted, got = sm.stats.anova_lm(*peers), gl.anova(*fits)
    assert [got.statistic[1, 0], got.p[1, 0]] == pytest.approx([wanted["F"][1], wanted["Pr(>F)"][1]], rel=1e-9)
    wanted = sm.stats.anova_lm(peers[1], typ=2)
    np.testing.assert_allclose(gl.anova(fits[1], kind=2).sum_sq[:, 0], wanted["sum_sq"][:-1], rtol=1e-9)
    # its type 1 leaves the weights out: the definition instead
    ladder = [gl.fit(frame, formula=f"mpg ~ {more}", weights="disp") for more in ("1", "wt", "wt + hp", large[6:])]
    steps = -np.diff([fit.rss[0] for fit in ladder])
    np.testing.assert_allclose(gl.anova(fits[1]).sum_sq[:, 0], steps, rtol=1e-9)


def test_several_targets_are_as_many_tables() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2)) * [1.0, 1e6]
    both = gl.anova(gl.fit(x, y))
    for k in range(2):
        np.testing.assert_allclose(both.statistic[:, k], gl.anova(gl.fit(x, y[:, k])).statistic[:, 0], rtol=1e-10)
    assert len(both.frame()) == 8
    assert len(gl.anova(gl.fit(x, y), gl.fit(pd.DataFrame(x[:, :2], columns=["x1", "x2"]), y)).frame()) == 4


def test_small_terms_beside_large_ones() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 4)) + 5
    fit = gl.fit(x, 1e6 * x[:, 0] + rng.normal(size=60))
    found = gl.anova(fit)
    assert found.sum_sq.sum() == pytest.approx(fit.tss[0] - fit.rss[0], rel=1e-12)
    # as differences of sums of squares, 1e13 times as large, these would have three digits
    assert found.statistic[-1, 0] == pytest.approx(fit.t[-1] ** 2, rel=1e-10)
    np.testing.assert_allclose(gl.anova(fit, kind=2).statistic[1:, 0], fit.t[2:] ** 2, rtol=1e-10)


def test_columns_that_others_determine_take_no_degree_of_freedom() -> None:
    frame = cars.table("duncan").assign(both=lambda table: table["income"] + table["education"])
    fit = gl.fit(frame, target="prestige", features=["income", "education", "both", "type"])
    frame = gl.anova(fit).frame().set_index("term")
    assert frame.df.tolist() == [1, 1, 0, 2, 40]
    assert np.isnan(frame.statistic["both"])
    plain = gl.anova(duncan("prestige ~ income + education + type")).frame().set_index("term")
    assert frame.statistic["type"] == pytest.approx(plain.statistic["type"], rel=1e-12)


def test_refusals() -> None:
    frame = cars.table("duncan")
    one, two = duncan("prestige ~ income"), duncan("prestige ~ income + education")
    cases = [
        ((one, duncan("education ~ income + prestige")), "of different targets: prestige and education"),
        ((one, gl.fit(frame[:40], formula="prestige ~ income + education")), "of different rows: 45 and 40"),
        ((one, gl.fit(frame[::-1].assign(prestige=frame["prestige"] + 1.0 * (frame["income"] > 20)),
                      formula="prestige ~ income + education")), "of different data"),
        ((one, duncan("prestige ~ income + education", weights="education")), "weighted differently"),
        ((duncan("prestige ~ education"), duncan("prestige ~ income + type")), "lacks\neducation"),
        ((one, one), "the same columns"),
        ((one, duncan("prestige ~ income + education", l2=1.0)), "fit 2 is not a least-squares fit"),
        ((duncan("prestige ~ 1"),), "no terms to test"),
        ((), "anova takes fits"),
        ((frame,), "anova takes fits"),
    ]  # fmt: skip
    for fits, said in cases:
        with pytest.raises(gl.GradlineError, match=said) as caught:
            gl.anova(*fits)
        assert max(map(len, str(caught.value).splitlines())) <= 80
    with pytest.raises(gl.OptionError, match="kind is 1 or 2, not 3"):
        gl.anova(two, kind=3)


def test_tables_fit_a_terminal() -> None:
    fit = gl.fit(prestige(), formula=KNOWN.replace("log(income)", "log(income/123456789 + women*women/987654321)"))
    for text in (str(gl.anova(fit)), str(gl.anova(fit, gl.fit(prestige(), formula="prestige ~ education")))):
        assert max(map(len, text.splitlines())) <= 80
    assert "<pre" in gl.anova(fit)._repr_html_()


def test_columns_of_one_name_and_other_values_are_not_nested() -> None:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(90, 5))
    y = X[:, 0] + rng.normal(size=90)
    with pytest.raises(gl.DataError, match="are not nested: a column has other values in one than in the other"):
        gl.anova(gl.fit(X[:, [3, 4]], y), gl.fit(X[:, :3], y))
    assert np.isfinite(gl.anova(gl.fit(X[:, :2], y), gl.fit(X[:, :3], y)).p[-1]).all()
