"""Robust standard errors: beside statsmodels, in exact arithmetic, and properties that must hold."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
from oracle import cross_products, rationals
from pyarrow import feather, parquet

import gradline as gl
from gradline.errors import ColumnError, DataError, OptionError, ShapeError
from gradline.second_pass.reading import REMEMBERED
from gradline.second_pass.robust import Errors, with_errors

DATA = Path(__file__).parent / "data" / "robust"
PENGUINS = Path(__file__).parent.parent / "examples" / "penguins.csv"
HC = ("HC0", "HC1", "HC2", "HC3")


def sample(n: int = 400, d: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Columns with means far from 0, and errors that spread with one of them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 10.0 ** np.arange(d)
    return X, X @ np.arange(1.0, d + 1) + rng.normal(size=n) * (1 + abs(X[:, 0]))


# beside statsmodels ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("kind", HC)
def test_independent_rows_are_statsmodels(kind: str, intercept: bool, weighted: bool) -> None:
    X, y = sample()
    weights = np.random.default_rng(1).uniform(0.2, 3.0, len(y)) if weighted else np.ones(len(y))
    design = sm.add_constant(X) if intercept else X
    peer = sm.WLS(y, design, weights).fit(cov_type=kind, use_t=True)
    fit = gl.fit(X, y, intercept=intercept, weights=weights if weighted else None, se=kind)
    np.testing.assert_allclose(fit.cov, peer.cov_params(), rtol=1e-9)
    np.testing.assert_allclose(fit.se, peer.bse, rtol=1e-9)
    np.testing.assert_allclose(fit.t, peer.tvalues, rtol=1e-9)
    np.testing.assert_allclose(fit.p, peer.pvalues, rtol=1e-8)
    np.testing.assert_allclose(fit.conf_int(0.9), peer.conf_int(0.1), rtol=1e-8)
    if intercept:  # through the origin statsmodels tests another hypothesis
        assert [fit.f, fit.f_p] == pytest.approx([peer.fvalue, peer.f_pvalue], rel=1e-7)
    assert (fit.se_kind, fit.df_t, fit.clusters, fit.lags) == (kind, fit.df_resid, {}, None)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
def test_clusters_are_statsmodels(corrected: bool, weighted: bool) -> None:
    X, y = sample(600)
    rng = np.random.default_rng(2)
    weights = rng.uniform(0.2, 3.0, len(y)) if weighted else np.ones(len(y))
    firm, year = rng.integers(0, 40, len(y)), rng.integers(0, 11, len(y))
    model = sm.WLS(y, sm.add_constant(X), weights)
    fit = gl.fit(X, y, weights=weights if weighted else None)
    kind = "CR1" if corrected else "CR0"
    for groups, given in ((firm, (firm,)), (np.column_stack([firm, year]), (firm, year))):
        options = {"groups": groups, "use_correction": corrected}
        peer = model.fit(cov_type="cluster", cov_kwds=options, use_t=True)
        got = fit.clustered(*given, kind=kind)
        np.testing.assert_allclose(got.cov, peer.cov_params(), rtol=1e-9)
        np.testing.assert_allclose(got.p, peer.pvalues, rtol=1e-8)
        np.testing.assert_allclose(got.conf_int(), peer.conf_int(), rtol=1e-8)
        assert got.df_t == peer.df_resid_inference
        assert list(got.clusters.values()) == [40, 11][: len(given)]


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("lags", [0, 1, 7, 300])
def test_neighbours_are_statsmodels(lags: int, corrected: bool) -> None:
    X, y = sample()
    peer = sm.OLS(y, sm.add_constant(X)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": corrected}, use_t=True
    )
    fit = gl.fit(X, y)
    got = fit.hac(lags, small_sample=corrected)
    # The peer sums the lags one by one, of terms that cancel; windows do not.
    np.testing.assert_allclose(got.cov, peer.cov_params(), rtol=1e-9)
    np.testing.assert_allclose(got.p, peer.pvalues, rtol=1e-7)
    turned = np.random.default_rng(3).permutation(len(y))
    again = gl.fit(X[turned], y[turned]).hac(lags, np.arange(len(y))[turned], small_sample=corrected)
    np.testing.assert_allclose(again.cov, got.cov, rtol=1e-11)


def test_the_usual_number_of_lags() -> None:
    X, y = sample(1000)
    assert gl.fit(X, y).hac().lags == 6  # 4·10^(2/9) = 6.67
    assert gl.fit(X, y, se="HAC").lags == 6


def test_predictions_have_intervals_of_the_same_errors() -> None:
    X, y = sample()
    peer = sm.OLS(y, sm.add_constant(X)).fit(cov_type="HC3", use_t=True)
    frame = peer.get_prediction(sm.add_constant(X)).summary_frame(alpha=0.1)
    fit = gl.fit(X, y, se="HC3")
    mean = fit.predict(X, interval="mean", level=0.9)
    np.testing.assert_allclose(mean.lower, frame["mean_ci_lower"], rtol=1e-9)
    new = fit.predict(X, interval="prediction", level=0.9)
    np.testing.assert_allclose(new.upper, frame["obs_ci_upper"], rtol=1e-9)
    both = gl.fit(X, np.column_stack([y, y**2]), se="HC3").predict(X, interval="mean", level=0.9)
    np.testing.assert_allclose(both.upper[:, 0], mean.upper, rtol=1e-12)


# exact arithmetic ---------------------------------------------------------------------------------------------


def inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    q = len(matrix)
    rows = [[*row, *[Fraction(int(i == j)) for j in range(q)]] for i, row in enumerate(matrix)]
    for j in range(q):
        pivot = rows[j][j]
        rows[j] = [value / pivot for value in rows[j]]
        for i in range(q):
            if i != j:
                factor = rows[i][j]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[j], strict=True)]
    return [row[q:] for row in rows]


def exact_variances(columns: list[np.ndarray], y: np.ndarray, power: int) -> list[float]:
    """The diagonal of (X'X)⁻¹·X'·diag(e²/(1 - h)^power)·X·(X'X)⁻¹."""
    bread = inverse(cross_products(columns))
    rows = list(zip(*rationals(columns), strict=True))
    targets = rationals([y])[0]
    q = range(len(columns))
    cross = [sum(row[i] * target for row, target in zip(rows, targets, strict=True)) for i in q]
    params = [sum(bread[i][j] * cross[j] for j in q) for i in q]
    total = [Fraction(0)] * len(columns)
    for row, target in zip(rows, targets, strict=True):
        influence = [sum(bread[i][j] * row[j] for j in q) for i in q]
        residual = target - sum(a * b for a, b in zip(row, params, strict=True))
        distance = 1 - sum(a * b for a, b in zip(row, influence, strict=True))
        for i in q:
            total[i] += influence[i] ** 2 * residual**2 / distance**power
    return [float(value) for value in total]


@pytest.mark.parametrize(("kind", "power"), [("HC0", 0), ("HC2", 1), ("HC3", 2)])
def test_longley_in_rationals(kind: str, power: int) -> None:
    """Where R has six digits, since (X'X)⁻¹ and the meat apart lose twice those of the condition number."""
    table = pd.read_csv(DATA.parent / "longley.csv")
    features = [table[name].to_numpy(float) for name in table.columns[:-1]]
    known = exact_variances([np.ones(len(table)), *features], table["Employed"].to_numpy(), power)
    fit = gl.fit(table, target="Employed", se=kind)
    np.testing.assert_allclose(fit.se**2, known, rtol=1e-11)


def test_means_far_from_zero_in_rationals() -> None:
    rng = np.random.default_rng(4)
    x = 1e9 + rng.integers(0, 1000, 40) / 8
    y = 3 * x + rng.integers(0, 1000, 40) / 8
    known = exact_variances([np.ones(40), x], y, 2)
    # The root that a fit keeps is in float64, and its first column 10⁷ times the others here.
    np.testing.assert_allclose(gl.fit(x, y, se="HC3").se ** 2, known, rtol=1e-9)


def test_residuals_that_are_nearly_nothing() -> None:
    """e is 1e-10 of y, so a residual in float64 would have six digits."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=60)
    y = 1e6 * x + 1e-4 * rng.normal(size=60)
    known = exact_variances([np.ones(60), x], y, 2)
    np.testing.assert_allclose(gl.fit(x, y, se="HC3").se ** 2, known, rtol=1e-11)


def test_integers_beyond_float64() -> None:
    rng = np.random.default_rng(6)
    small, noise = rng.integers(0, 50, 200), rng.integers(-9, 9, 200)
    table = pd.DataFrame({"x": 2**60 + small, "y": 2**61 + 3 * small + noise})
    fit = gl.fit(table, target="y", se="HC3")
    near = gl.fit(small.astype(float), (3 * small + noise).astype(float), se="HC3")
    assert fit.origin
    np.testing.assert_allclose(fit.se[1], near.se[1], rtol=1e-11)
    with pytest.raises(OptionError, match="no intervals"):
        fit.predict(table, interval="mean")


# properties ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [*HC, "CR1", "CR2"])
def test_frequency_weights_are_rows_written_out(what: str) -> None:
    X, y = sample(150)
    rng = np.random.default_rng(7)
    times, firm = rng.integers(0, 4, len(y)), rng.integers(0, 12, len(y))
    out = np.repeat(np.arange(len(y)), times)

    def errors(fit: gl.Fit, firm: np.ndarray) -> gl.Fit:
        return fit.clustered(firm, kind=what) if what.startswith("CR") else fit.robust(what)

    counted = errors(gl.fit(X, y, frequency_weights=times), firm)
    written = errors(gl.fit(X[out], y[out]), firm[out])
    np.testing.assert_allclose(counted.cov, written.cov, rtol=1e-11)
    assert counted.clusters == written.clusters


def test_rows_that_are_clusters_of_their_own_are_independent() -> None:
    X, y = sample()
    fit = gl.fit(X, y)
    rows = np.arange(len(y))
    n, p = len(y), len(fit.names)
    factor = n / (n - 1) * (n - 1) / (n - p)
    np.testing.assert_allclose(fit.clustered(rows, kind="CR0").cov, fit.robust("HC0").cov, rtol=1e-11)
    np.testing.assert_allclose(fit.clustered(rows).cov, factor * fit.robust("HC0").cov, rtol=1e-11)
    np.testing.assert_allclose(fit.clustered(rows, kind="CR2").cov, fit.robust("HC2").cov, rtol=1e-11)
    np.testing.assert_allclose(fit.hac(0).cov, fit.robust("HC0").cov, rtol=1e-11)


def test_the_same_bytes_for_any_threads_and_any_source(tmp_path: Path) -> None:
    n = 150_000
    X, y = sample(n)
    firm = np.random.default_rng(8).integers(0, 20_000, n)
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, firm=firm, text=firm.astype(str))
    table.to_parquet(tmp_path / "rows.parquet", row_group_size=65_536)
    in_memory = gl.fit(table, target="y", features=["a", "b", "c"])
    in_file = gl.fit(tmp_path / "rows.parquet", target="y", features=["a", "b", "c"])
    array = gl.fit(X, y)
    year = firm % 7
    for kind, named, given in (
        ("HC3", (), ()),
        ("HAC", (), ()),
        ("CR1", ("firm",), (firm,)),
        ("CR2", ("firm",), (firm,)),
        ("CR1", ("firm", "text"), (firm, firm.astype(str))),
    ):
        bytes_ = {
            with_errors(fit, Errors(kind, clusters), threads=threads).cov.tobytes()
            for fit, clusters in ((in_memory, named), (in_file, named), (array, given))
            for threads in (1, 2, 8)
        }
        assert len(bytes_) == 1
    peer = sm.OLS(y, sm.add_constant(X)).fit(cov_type="cluster", cov_kwds={"groups": firm})
    np.testing.assert_allclose(in_file.clustered("firm").cov, peer.cov_params(), rtol=1e-9)
    np.testing.assert_allclose(in_file.clustered("text").cov, in_file.clustered("firm").cov, rtol=1e-11)
    assert in_file.clustered("text", year).clusters["text"] == len(np.unique(firm))


def test_chunks_meet_as_if_they_were_one() -> None:
    """150,000 rows are three chunks and many stretches."""
    n = 150_000
    X, y = sample(n, 2)
    e = y - gl.fit(X, y).predict(X)
    s = np.column_stack([np.ones(n), X]) * e[:, None]
    meat = s.T @ s
    for lag in range(1, 301):
        gamma = s[lag:].T @ s[:-lag]
        meat += (1 - lag / 301) * (gamma + gamma.T)
    bread = np.linalg.inv(np.column_stack([np.ones(n), X]).T @ np.column_stack([np.ones(n), X]))
    np.testing.assert_allclose(gl.fit(X, y).hac(300).cov, bread @ meat @ bread, rtol=1e-8)


def test_several_targets_are_as_many_fits() -> None:
    X, y = sample()
    Y = np.column_stack([y, y**2, np.ones(len(y))])
    firm = np.arange(len(y)) // 9
    both = gl.fit(X, Y)
    for errors in (
        lambda fit: fit.robust("HC2"),
        lambda fit: fit.clustered(firm),
        lambda fit: fit.clustered(firm, kind="CR2"),
        lambda fit: fit.hac(3),
    ):
        got = errors(both)
        assert got.cov.shape == (4, 4, 3)
        assert len(got.tidy()) == 12
        for k in range(2):
            np.testing.assert_allclose(got.cov[:, :, k], errors(gl.fit(X, Y[:, k])).cov, rtol=1e-11)
        assert (got.se[:, 2] == 0).all()  # a constant is fitted exactly


def test_aliased_columns_are_nan() -> None:
    X, y = sample()
    wide = np.column_stack([X[:, 0], 2 * X[:, 0] + 1, X[:, 1:]])
    for errors in (lambda fit: fit.robust("HC3"), lambda fit: fit.clustered(np.arange(len(y)) // 5)):
        got, known = errors(gl.fit(wide, y)), errors(gl.fit(X, y))
        assert np.isnan(got.se[2])
        assert np.isnan(got.cov[2]).all()
        np.testing.assert_allclose(got.se[[0, 1, 3, 4]], known.se, rtol=1e-10)
        assert got.f == pytest.approx(known.f, rel=1e-8)
    shortest = gl.fit(wide, y, aliased="min-norm").robust("HC3")
    np.testing.assert_allclose(shortest.se[[3, 4]], gl.fit(X, y, se="HC3").se[[2, 3]], rtol=1e-10)
    assert np.isnan(shortest.se[:3]).all()


def test_categories_and_formulas_are_their_columns() -> None:
    import formulaic

    table = pd.read_csv(PENGUINS).dropna().reset_index(drop=True)
    formula = "body_mass_g ~ {} + log(bill_length_mm):C(sex) + species*sex"
    flipper = "flipper_length_mm"
    y, X = formulaic.model_matrix(formula.format(f"{flipper} + I({flipper}**2)"), table)
    lengths = np.linalg.norm(X, axis=0)
    peer = sm.OLS(np.asarray(y), np.asarray(X) / lengths)
    fit = gl.fit(table, formula=formula.format(f"poly({flipper}, 2)"))
    assert len(fit.names) == X.shape[1] == fit.rank
    island = table["island"].astype("category").cat.codes.to_numpy()
    for options, got in (
        *[({"cov_type": kind}, fit.robust(kind)) for kind in HC],
        ({"cov_type": "cluster", "cov_kwds": {"groups": island}}, fit.clustered("island")),
        ({"cov_type": "HAC", "cov_kwds": {"maxlags": 4}}, fit.hac(4)),
    ):
        known = peer.fit(**options).bse / lengths  # condition 1e4: about 1e-8 is the peer's own accuracy
        np.testing.assert_allclose(sorted(got.se), sorted(known), rtol=1e-6)


def test_rows_left_out_stay_out() -> None:
    table = pd.read_csv(PENGUINS)
    complete = table.dropna(subset=["body_mass_g", "flipper_length_mm"])
    formula = "body_mass_g ~ flipper_length_mm + species"
    for errors in (lambda f: f.robust("HC3"), lambda f: f.clustered("island"), lambda f: f.hac(3)):
        got, known = errors(gl.fit(table, formula=formula)), errors(gl.fit(complete, formula=formula))
        np.testing.assert_allclose(got.cov, known.cov, rtol=1e-12)
    weights = np.ones(len(table))
    weights[:50] = 0
    got = gl.fit(table, formula=formula, weights=weights).robust("HC3")
    np.testing.assert_allclose(got.cov, gl.fit(table[50:], formula=formula).robust("HC3").cov, rtol=1e-12)


@pytest.mark.parametrize("kind", ["int64", "int32", "float", "text", "category", "date", "object date"])
def test_clusters_may_be_anything_that_tells_rows_apart(kind: str) -> None:
    X, y = sample()
    number = np.random.default_rng(9).integers(0, 25, len(y))
    known = gl.fit(X, y).clustered(number)
    days = np.datetime64("2024-01-01") + number.astype("timedelta64[D]")
    values: Any = {
        "int64": 2**60 + number,
        "int32": number.astype(np.int32),
        "float": number / 8 - 1.5,
        "text": np.array([f"firm {each}" for each in number]),
        "category": pd.Categorical(number.astype(str)),
        "date": days,
        "object date": days.astype(object),
    }[kind]
    got = gl.fit(X, y).clustered(values)
    assert got.clusters == {"cluster": 25}
    np.testing.assert_allclose(got.cov, known.cov, rtol=1e-12)
    if "date" not in kind:
        table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, firm=values)
        named = gl.fit(table, target="y", cluster="firm")
        assert named.names == ["Intercept", "a", "b", "c"]
        assert named.cov.tobytes() == got.cov.tobytes()
        assert named.clusters == {"firm": 25}


@pytest.mark.parametrize("source", ["pandas", "polars", "arrow", "csv", "parquet", "feather", "where", "glob"])
def test_dates_tell_rows_apart_and_order_them_in_any_table(source: str, tmp_path: Path) -> None:
    import polars as pl

    X, y = sample()
    turned = np.random.default_rng(12).permutation(len(y))
    hours = np.datetime64("2024-03-01T00:00:00", "us") + turned.astype("timedelta64[h]")
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, hour=hours, day=hours.astype("datetime64[D]"))
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.set_column(5, "day", arrow["day"].cast(pa.date32()))
    path = str(tmp_path / f"rows.{source if source in ('csv', 'feather') else 'parquet'}")
    if source == "csv":
        table.to_csv(path, index=False)
    elif source == "feather":
        feather.write_feather(arrow, path)
    else:
        parquet.write_table(arrow, path)
    if source == "glob":  # of files with other units
        for number, unit in enumerate(("ms", "ns")):
            part = arrow.slice(200 * number, 200)
            part = part.set_column(4, "hour", part["hour"].cast(pa.timestamp(unit)))
            parquet.write_table(part, tmp_path / f"part{number}.parquet")
        path = str(tmp_path / "part*.parquet")
    given = {"pandas": table, "polars": pl.from_arrow(arrow), "arrow": arrow}.get(source, path)
    options = {"where": "y IS NOT NULL"} if source == "where" else {}
    fit = gl.fit(given, target="y", features=["a", "b", "c"], **options)
    known = gl.fit(X, y)
    assert fit.clustered("day").clusters == {"day": len(np.unique(turned // 24))}
    np.testing.assert_allclose(fit.clustered("day").cov, known.clustered(turned // 24).cov, rtol=1e-11)
    np.testing.assert_allclose(fit.hac(5, "hour").cov, known.hac(5, turned).cov, rtol=1e-11)
    with pytest.raises(DataError, match="in more than one row"):
        fit.hac(5, "day")


def test_wide_tables_whose_sums_are_in_float64() -> None:
    rng = np.random.default_rng(10)
    X = rng.normal(size=(3000, 140))
    y = X[:, 0] + rng.normal(size=3000) * (1 + X[:, 1] ** 2)
    fit = gl.fit(X, y, precision="float64")
    peer = sm.OLS(y, sm.add_constant(X))
    np.testing.assert_allclose(fit.robust("HC3").se, peer.fit(cov_type="HC3").bse, rtol=1e-9)
    firm = np.arange(3000) // 7
    peer_se = peer.fit(cov_type="cluster", cov_kwds={"groups": firm}).bse
    np.testing.assert_allclose(fit.clustered(firm).se, peer_se, rtol=1e-9)


def test_a_model_of_the_mean_alone() -> None:
    y = sample()[1]
    table = pd.DataFrame({"y": y, "firm": np.arange(len(y)) // 4})
    fit = gl.fit(table, formula="y ~ 1")
    peer = sm.OLS(y, np.ones(len(y)))
    np.testing.assert_allclose(fit.robust("HC3").se, peer.fit(cov_type="HC3").bse, rtol=1e-10)
    groups = {"groups": table["firm"].to_numpy()}
    np.testing.assert_allclose(
        fit.clustered("firm").se, peer.fit(cov_type="cluster", cov_kwds=groups).bse, rtol=1e-10
    )
    assert np.isnan(fit.clustered("firm").f)


# the record ---------------------------------------------------------------------------------------------


def test_rows_are_found_again_for_a_fit_that_was_loaded(tmp_path: Path) -> None:
    table = pd.read_csv(PENGUINS).assign(w=lambda t: 1 + t.index % 3)
    formula = "body_mass_g ~ flipper_length_mm + C(species) + log(bill_length_mm)"
    for options in ({}, {"weights": "w"}, {"frequency_weights": "w"}):
        fit = gl.fit(table, formula=formula, **options)
        fit.save(tmp_path / "fit.safetensors")
        loaded = gl.load(tmp_path / "fit.safetensors")
        for copy in (loaded, pickle.loads(pickle.dumps(fit))):
            with pytest.raises(OptionError, match="Give them in data="):
                copy.robust("HC3")
            assert copy.robust("HC3", table).cov.tobytes() == fit.robust("HC3").cov.tobytes()
            again = copy.clustered("island", data=table.iloc[:, ::-1])
            assert again.cov.tobytes() == fit.clustered("island").cov.tobytes()
    X, y = sample()
    fit = gl.fit(X, y)
    fit.save(tmp_path / "fit.safetensors")
    again = gl.load(tmp_path / "fit.safetensors").robust("HC3", X, y)
    assert again.cov.tobytes() == fit.robust("HC3").cov.tobytes()
    moments = gl.Moments.of(X, y)
    np.testing.assert_allclose(moments.fit().robust("HC3", X, y).cov, again.cov, rtol=1e-12)


def test_what_is_saved_and_loaded(tmp_path: Path) -> None:
    X, y = sample()
    for fit in (gl.fit(X, y, se="HC3"), gl.fit(X, y, cluster=np.arange(len(y)) // 200), gl.fit(X, y, se="HAC")):
        fit.save(tmp_path / "fit.safetensors")
        loaded = gl.load(tmp_path / "fit.safetensors")
        assert loaded.summary() == fit.summary()
        assert loaded.cov.tobytes() == fit.cov.tobytes()
        assert (loaded.se_kind, loaded.clusters, loaded.lags, loaded.df_t) == (
            fit.se_kind,
            fit.clusters,
            fit.lags,
            fit.df_t,
        )
        assert loaded.glance()["se_kind"].tolist() == [fit.se_kind]
        loaded.save(tmp_path / "again.safetensors")
        assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "fit.safetensors").read_bytes()


def test_the_summary_says_which_errors_these_are() -> None:
    X, y = sample()
    fit = gl.fit(X, y)
    assert "standard errors" not in fit.summary()
    assert "HC3 standard errors · t on 396 df" in fit.robust("HC3").summary()
    text = fit.clustered(pd.Series(np.arange(400) // 200, name="firm")).summary()
    assert "CR1 standard errors · 2 clusters of firm · t on 1 df" in text
    assert "2 clusters for 4 parameters" in text
    other = fit.clustered(np.arange(400) // 200).robust("HC3")  # and what was said of clusters is said no more
    assert "2 clusters" not in other.summary()
    assert "HAC standard errors · 4 lags · in order of the rows" in fit.hac(4).summary()


# bad input ---------------------------------------------------------------------------------------------


def test_rows_that_are_not_those_of_the_fit() -> None:
    X, y = sample()
    fit = gl.fit(X, y)
    with pytest.raises(DataError, match="399 rows to use of 399; the fit had 400 of 400"):
        fit.robust("HC3", X[:-1], y[:-1])
    hole = X.copy()
    hole[3, 1] = np.nan
    with pytest.raises(DataError, match="399 rows to use of 400"):
        fit.robust("HC3", hole, y)
    beside = np.column_stack([X, 2 * X[:, 0]])
    aliased, gap = gl.fit(beside, y), np.column_stack([X, np.where(np.arange(400) == 7, np.nan, 2 * X[:, 0])])
    with pytest.raises(DataError, match="399 rows to use of 400"):  # the residuals do not know of this column
        aliased.robust("HC3", gap, y)
    for other in (X[::-1], X * [1, 1, 1.0001], X + np.array([0, 0, 0.01])):
        with pytest.raises(DataError, match="not those that were fitted"):
            fit.robust("HC3", other, y)
    with pytest.raises(DataError, match="not those that were fitted"):
        fit.clustered(np.arange(400) // 4, data=X, target=y * 1.00001)
    with pytest.raises(ColumnError):
        fit.robust("HC3", X[:, :2], y)
    with pytest.raises(OptionError, match="weights were given"):
        fit.robust("HC3", X, y, weights=y)
    with pytest.raises(OptionError, match="go with data="):
        fit.robust("HC3", target=y)
    with pytest.raises(ShapeError):
        fit.robust("HC3", X, np.column_stack([y, y]))
    perfect = gl.fit(X, X @ [1.0, 2.0, 3.0])
    assert (perfect.robust("HC3").se == 0).all()
    with pytest.raises(DataError, match="not those that were fitted"):
        perfect.robust("HC3", X, y)


def test_cluster_columns_that_cannot_be_used() -> None:
    X, y = sample()
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, one=1, firm=np.arange(400) // 8.0)
    table["text"] = table["firm"].astype(str)
    table.loc[[17, 30], "firm"] = np.nan
    table.loc[[21], "text"] = None
    fit = gl.fit(table, target="y", features=["a", "b", "c"])
    with pytest.raises(DataError, match=r"'firm' in the DataFrame has 2 missing values, the first at row 17"):
        fit.clustered("firm")
    with pytest.raises(DataError, match=r"'text' in the DataFrame has a missing value at row 21"):
        fit.clustered("text")
    with pytest.raises(DataError, match="'one' in the DataFrame has one cluster only"):
        fit.clustered("one")
    with pytest.raises(ColumnError, match="no column 'frim'"):
        fit.clustered("frim")
    with pytest.raises(OptionError, match="Name one or two"):
        fit.clustered()
    with pytest.raises(OptionError, match="named twice"):
        fit.clustered("one", "one")
    with pytest.raises(ShapeError):
        fit.clustered(np.arange(399))
    with pytest.raises(OptionError, match="CR2 takes one column"):
        fit.clustered("one", "firm", kind="CR2")
    # A row that was left out for another reason may lack its cluster.
    table.loc[[17, 30], "a"] = np.nan
    assert gl.fit(table, target="y", features=["a", "b", "c"]).clustered("firm").clusters == {"firm": 50}


def test_requests_that_cannot_be_met() -> None:
    X, y = sample()
    fit = gl.fit(X, y)
    for call in (
        lambda: fit.robust("HC4"),
        lambda: fit.robust("CR1"),
        lambda: fit.clustered(np.arange(400), kind="HC1"),
        lambda: gl.fit(X, y, se="HC7"),
        lambda: gl.fit(X, y, se="CR1"),
        lambda: gl.fit(X, y, se="HC3", cluster=np.arange(400)),
        lambda: gl.fit(X, y, l2=1.0).robust("HC3"),
        lambda: gl.fit(X, y, l1=1.0, se="HC3"),
        lambda: gl.fit(X, y, frequency_weights=np.ones(400)).hac(2),
        lambda: fit.hac(400),
        lambda: fit.hac(-1),
        lambda: fit.hac(1.5),
        lambda: gl.fit(((X[i : i + 100], y[i : i + 100]) for i in range(0, 400, 100)), se="HC3"),
    ):
        with pytest.raises(OptionError) as caught:
            call()
        lines = str(caught.value).splitlines()
        assert len(lines) <= 3
        assert max(map(len, lines)) <= 100
    with pytest.raises(DataError, match="in more than one row"):
        fit.hac(2, np.arange(400) // 2)
    with pytest.raises(DataError, match="missing value"):
        fit.hac(2, np.where(np.arange(400) == 7, np.nan, np.arange(400.0)))
    alone = np.column_stack([X, np.arange(400) == 5])
    with pytest.raises(DataError, match=r"1 row has leverage 1 \(the first: row 5, from 0\)"):
        gl.fit(alone, y).robust("HC3")
    assert gl.fit(alone, y).robust("HC1").se[4] > 0


def test_a_stream_that_can_be_iterated_again_is_read_again() -> None:
    X, y = sample()

    class Batches:
        def __iter__(self) -> Any:
            return iter([(X[i : i + 100], y[i : i + 100]) for i in range(0, 400, 100)])

    got = gl.fit(Batches(), se="HC3")
    np.testing.assert_allclose(got.cov, gl.fit(X, y, se="HC3").cov, rtol=1e-12)
    once = gl.fit((X[i : i + 100], y[i : i + 100]) for i in range(0, 400, 100))
    with pytest.raises(OptionError, match="Give them in data="):
        once.robust("HC3")
    np.testing.assert_allclose(once.robust("HC3", Batches()).cov, got.cov, rtol=1e-12)


def test_nothing_left_for_standard_errors() -> None:
    X = np.random.default_rng(11).normal(size=(4, 3))
    fit = gl.fit(X, np.arange(4.0))
    assert np.isnan(fit.robust("HC0").se).all()
    assert with_errors(fit, Errors("HC1"), REMEMBERED).notes == fit.notes


@pytest.mark.parametrize("first", [0, 1])
def test_two_columns_of_clusters_may_lack_values_in_rows_that_are_left_out(first: int) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 300))
    firm, year = np.arange(300) % 20, (np.arange(300) % 7).astype(float)
    x[:2] = year[:2] = np.nan
    clusters = [firm, year] if first == 0 else [year, firm]
    found = gl.fit(x, y).clustered(*clusters)
    wanted = gl.fit(x[2:], y[2:]).clustered(*[each[2:] for each in clusters])
    np.testing.assert_array_equal(found.se, wanted.se)


def test_tables_say_which_standard_errors_and_which_model() -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"x": rng.normal(size=90), "g": np.arange(90) % 9, "y": rng.normal(size=90)})
    fit = gl.fit(frame, target="y", features=["x"])
    firms = fit.clustered("g")
    assert "CR1 standard errors, 9 clusters of g" in firms.to_markdown()
    assert "CR1 standard errors, 9 clusters of g" in firms.to_latex()
    assert "standard errors" not in fit.to_markdown()
    rows = gl.compare(fit, firms).summary().splitlines()
    assert rows[-1].split() == ["standard", "errors", "classical", "CR1"]
    other = gl.fit(frame.assign(z=frame.y), target="z", features=["x"], l2=2.0)
    text = gl.compare(fit, other, names=["one", "two"]).summary()
    assert ["target", "y", "z"] in [line.split() for line in text.splitlines()]
    assert text.splitlines()[-1].split() == ["penalty", "none", "l2=2"]
    assert "F takes one variance for all rows, not CR1; fit.test(…) does" in gl.anova(firms).summary()
