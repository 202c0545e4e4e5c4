"""Forward selection and backward elimination, each step beside fits of every candidate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gradline as gl


def frame(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6)) @ (np.eye(6) + 0.4 * rng.normal(size=(6, 6)))
    table = pd.DataFrame(X * 10.0 ** np.array([0, 8, 0, -8, 0, 3]), columns=list("abcdef"))
    table["y"] = X @ [1.0, 0, -2, 0.5, 0, 0.1] + rng.normal(size=n) + 50
    return table


def rss(table: pd.DataFrame, names: list[str], intercept: bool = True) -> float:
    return float(gl.fit(table, "y", features=names, intercept=intercept).rss[0])


@pytest.mark.parametrize("intercept", [True, False])
def test_forward_takes_what_lowers_the_rss_most(intercept: bool) -> None:
    table = frame()
    found = gl.subsets(table, "y", intercept=intercept)
    inside: list[str] = []
    for step, added in enumerate(found.added, 1):
        candidates = {name: rss(table, [*inside, name], intercept) for name in "abcdef" if name not in inside}
        assert added == min(candidates, key=candidates.get)
        inside.append(added)
        np.testing.assert_allclose(found.rss[step], candidates[added], rtol=1e-12)
        fit = gl.fit(table, "y", features=inside, intercept=intercept)
        np.testing.assert_allclose([found.aic[step], found.bic[step]], [fit.aic, fit.bic], rtol=1e-12)
    assert found.best == np.argmin(found.bic)
    assert found.fit.names == ["Intercept"] * intercept + sorted(found.terms)
    np.testing.assert_allclose(
        found.fit.params, gl.fit(table, "y", features=list(found.terms), intercept=intercept).params
    )


def test_backward_takes_out_what_raises_it_least() -> None:
    table = frame()
    found = gl.subsets(table, "y", method="backward", criterion="aic")
    inside = list("abcdef")
    for step in range(6, 0, -1):
        np.testing.assert_allclose(found.rss[step], rss(table, inside), rtol=1e-12)
        candidates = {name: rss(table, [other for other in inside if other != name]) for name in inside if step > 1}
        if step > 1:
            gone = min(candidates, key=candidates.get)
            assert found.added[step - 1] == gone
            inside.remove(gone)
    assert found.models[0] == ()
    assert found.best == np.argmin(found.aic)
    np.testing.assert_allclose(found.rss[0], ((table.y - table.y.mean()) ** 2).sum(), rtol=1e-12)


def test_moments_give_the_same() -> None:
    table = frame()
    moments = gl.Moments.of(table[:50], target="y") + gl.Moments.of(table[50:], target="y")
    for method in ("forward", "backward"):
        found = moments.subsets(method=method, criterion="aic")
        whole = gl.subsets(table, "y", method=method, criterion="aic")
        assert found.models == whole.models
        np.testing.assert_allclose(found.rss, whole.rss, rtol=1e-13)


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_folds_select_anew_and_judge_every_size(method: str) -> None:
    table = frame()
    folds = np.arange(120) % 4
    found = gl.subsets(table, "y", method=method, criterion="cv", folds=folds)
    for number in range(4):
        train, test = table[folds != number], table[folds == number]
        own = gl.subsets(train, "y", method=method)
        for size in range(1, 7):
            error = ((test.y - own.at(size).predict(test)) ** 2).mean()
            np.testing.assert_allclose(found.errors[size, number], error, rtol=1e-10)
        np.testing.assert_allclose(found.errors[0, number], ((test.y - train.y.mean()) ** 2).mean(), rtol=1e-12)
    assert found.best == np.argmin(found.errors.mean(axis=1))
    assert "folds as an array says" in found.summary()
    np.testing.assert_array_equal(found.frame().held_out, found.mean)


def test_columns_of_a_category_come_and_go_together(penguins: Path) -> None:
    formula = "body_mass_g ~ bill_depth_mm + C(species) + flipper_length_mm + C(island)"
    found = gl.subsets(penguins, formula=formula, criterion="aic")
    assert set(found.names) == {"bill_depth_mm", "species", "flipper_length_mm", "island"}
    assert found.added[0] == "flipper_length_mm"
    step = found.added.index("species") + 1
    assert {"C(species)[T.Chinstrap]", "C(species)[T.Gentoo]"} <= set(found.columns[step])
    assert not {"C(species)[T.Chinstrap]", "C(species)[T.Gentoo]"} & set(found.columns[step - 1])
    whole = gl.fit(penguins, formula=formula)
    np.testing.assert_allclose(found.rss[-1], whole.rss[0], rtol=1e-12)
    np.testing.assert_allclose(found.aic[-1], whole.aic, rtol=1e-12)
    new = pd.read_csv(penguins)[:5]
    np.testing.assert_allclose(found.at(-1).predict(new), whole.predict(new), rtol=1e-12)
    backward = gl.subsets(penguins, formula=formula, criterion="aic", method="backward")
    np.testing.assert_allclose(backward.rss[-1], whole.rss[0], rtol=1e-12)
    assert backward.names == found.names


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_columns_that_others_determine_are_in_no_model(method: str) -> None:
    table = frame()
    table.insert(3, "twice", 2 * table.a)
    table.insert(4, "sum", table.b + table.f)
    found = gl.subsets(table, "y", method=method)
    assert any("determined by others, in no model: " in note for note in found.notes)
    assert len(found.columns[-1]) == 6
    np.testing.assert_allclose(found.rss[-1], rss(table, list("abcdef")), rtol=1e-10)
    assert not np.isnan(found.fit.params).any()


def test_more_columns_than_rows() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(8, 12))
    found = gl.subsets(X, X[:, 4] + 0.1 * rng.normal(size=8))
    assert found.added[0] == "x5"
    assert max(map(len, found.columns)) <= 7
    assert np.isinf(found.bic[[len(columns) == 7 for columns in found.columns]]).all()


def test_weights_and_reading_a_result() -> None:
    table = frame()
    w = np.random.default_rng(2).uniform(0.5, 2, 120)
    found = gl.subsets(table, "y", weights=w)
    fit = gl.fit(table, "y", features=list(found.columns[2]), weights=w)
    np.testing.assert_allclose(found.bic[2], fit.bic, rtol=1e-12)
    text = found.summary()
    assert "best by BIC" in text
    assert all(len(line) <= 80 for line in (text + "\n" + repr(found)).splitlines())
    assert len(found.frame()) == 7
    with pytest.raises(gl.OptionError, match="7 models, numbered from 0; 7 is none"):
        found.at(7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "best"}, "method must be one of 'forward', 'backward'; 'best' arrived"),
        ({"method": np.array([1, 2])}, "method must be one of 'forward', 'backward'; "),
        ({"criterion": "cp"}, "criterion must be one of 'bic', 'aic', 'cv'; 'cp' arrived"),
        ({"folds": 5}, """folds are for criterion="cv", and it is 'bic'"""),
        ({"criterion": "cv", "folds": 1}, "folds is a whole number of 2 or more, not 1"),
        ({"target": ["y", "a"]}, "subsets are of one target, not of 2: y, a"),
    ],
)
def test_bad_requests(options: dict, message: str) -> None:
    with pytest.raises(gl.OptionError, match=message) as caught:
        gl.subsets(frame(), **{"target": "y"} | options)
    assert all(len(line) <= 80 for line in str(caught.value).splitlines())
    if options.get("criterion") == "cv":
        with pytest.raises(gl.OptionError, match="moments have no folds"):
            gl.Moments.of(frame(), target="y").subsets(criterion="cv")
