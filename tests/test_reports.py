"""Reports of fits and runs as one page: the numbers, what they say of doubts, and names that would break them."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn import LINE, diverged, table, two_targets
from numpy.testing import assert_array_equal
from reading import Reading
from test_tables import HOSTILE

import gradline as gl
from gradline.pages.advice import known
from gradline.pages.texts import TEXTS
from gradline.report.numbers import brief

pytestmark = pytest.mark.usefixtures("figures")
MASS = {"target": "body_mass_g", "features": ["flipper_length_mm", "bill_length_mm", "bill_depth_mm"]}
MOST = 1_000_000


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are left out, which take most of the time."""
    for part in ("fit_sections", "run_sections"):
        monkeypatch.setattr(f"gradline.pages.{part}.inline", lambda *_: "<svg></svg>")


def read(record: Any, page: Path, lang: str = "en", **options: Any) -> Reading:
    record.report(page, lang, **options)
    found = Reading(page)
    assert found.lang == lang
    assert len(set(found.ids)) == len(found.ids)
    assert set(found.uses) <= set(found.ids)
    assert "script" not in found.tags
    assert found.size < MOST
    return found


@pytest.mark.usefixtures("undrawn")
def test_the_numbers_are_those_of_the_fit(penguins: Path, page: Path) -> None:
    fit = gl.fit(penguins, **MASS)
    found = read(fit, page)
    expected = np.column_stack([fit.params, fit.se, fit.t, fit.p, fit.conf_int()])
    assert_array_equal(np.reshape(found.values["coefficients"], expected.shape), expected)
    (rows,) = found.tables["coefficients"]
    assert rows[0] == ["term", "estimate", "std error", "t", "p", "95 % from", "to"]
    assert rows[2] == ["flipper_length_mm", "50.269", "2.477", "20.29", "<2e-16", "45.40", "55.14"]
    for row, name in zip(rows[1:], fit.names, strict=True):
        assert row[0] == name
        assert_rounded(row[1:], expected[fit.names.index(name)])
    figures = [fit.r2, fit.adj_r2, fit.sigma, fit.df_resid, fit.f, fit.f_p, fit.log_likelihood, fit.aic, fit.bic]
    assert_array_equal(found.values["whole"], figures)
    assert_rounded([row[1] for row in found.tables["whole"][0][1:]], figures)
    top = fit.influence().top[0]
    assert_array_equal(found.values["influence"][:2], [top.leverage[0, 0], top.studentized[0, 0]])
    assert_array_equal(found.values["sure"][::2], fit.collinearity().vif)


def assert_rounded(texts: list[str], values: Any) -> None:
    for text, value in zip(texts, values, strict=True):
        if text != "<2e-16":
            digits = len(re.sub(r"e.*|[-.]", "", text).lstrip("0"))
            assert float(text) == pytest.approx(value, rel=0.5001 * 10.0 ** (1 - digits)), text


@pytest.mark.usefixtures("undrawn")
def test_it_says_what_was_read_and_dropped_and_how_to_do_it_again(penguins: Path, page: Path) -> None:
    fit = gl.fit(penguins, **MASS)
    found = read(fit, page)
    assert "2 of 344 rows are left out, for values are missing: flipper_length_mm 2" in found.sections["notes"]
    assert "fill the values" in found.sections["notes"]
    for words in (str(penguins), "344", "342", "double-double, one pass over the rows"):
        assert words in found.sections["read"]
    assert "15 decimal digits of every coefficient" in found.sections["sure"]
    assert "4 of 4 columns" in found.sections["sure"]
    assert f"{brief(fit.condition_number, 3)} of the columns scaled" in found.sections["sure"]
    for words in (f"gl.fit(\n    {str(penguins)!r},\n    target='body_mass_g'", gl.__version__, np.__version__):
        assert words in found.sections["again"]
    assert fit.explain().split(". ")[0] in found.sections["words"]


def code_of(page: Path) -> str:
    return html.unescape(page.read_text(encoding="utf-8").split("<code>")[1].split("</code>")[0])


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "options",
    [
        {"formula": "body_mass_g ~ log(flipper_length_mm) + poly(year, 2) + C(species) - 1"},
        {"target": "body_mass_g", "features": ["bill_depth_mm", "sex"], "where": "year > 2007", "l2": 3.5},
        {"target": ["body_mass_g", "bill_depth_mm"], "features": ["flipper_length_mm"], "weights": "year"},
        {"sql": "select body_mass_g as m, 2 * year as y, year as z from data", "target": "m", "aliased": "min-norm"},
        {**MASS, "se": "HAC", "precision": "float64"},
        {**MASS, "cluster": "island", "frequency_weights": "year"},
        {**MASS, "l1": 100.0, "intercept": False},
    ],
)
def test_the_code_that_it_gives_makes_the_same_fit(penguins: Path, page: Path, options: dict[str, Any]) -> None:
    fit = gl.fit(str(penguins), **options)
    read(fit, page)
    names: dict[str, Any] = {}
    exec(code_of(page), names)
    assert_array_equal(names["fit"].params, fit.params)
    assert_array_equal(names["fit"].se, fit.se)


@pytest.mark.usefixtures("undrawn")
def test_the_code_of_a_run_makes_the_same_run(page: Path) -> None:
    x, y = table(n=60, d=2)
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=y)
    runs = [
        gl.train(frame, target="y", seed=3, epochs=40, momentum=0.5),
        gl.train(frame, target="y", seed=3, epochs=4, batch_size=7, lr_schedule="cosine", average=2),
        gl.train(frame, target="y", init=([0.5, -1.0], 2.0), seed=1, epochs=4, batch_size=7, loss="huber"),
        gl.train(frame, target="y", init=([0.5, -1.0], 2.0), standardize=True, lr="auto", epochs=3),
        gl.train(frame, target="y", seed=3, epochs=3, optimizer="adam", dtype="float32"),
    ]
    for run in runs:
        read(run, page)
        names: dict[str, Any] = {"data": frame}
        exec(code_of(page), names)
        assert_array_equal(names["run"].weight, run.weight)
        assert_array_equal(names["run"].history.loss, run.history.loss)


@pytest.mark.parametrize("lang", TEXTS)
def test_names_are_shown_as_they_stand(page: Path, lang: str) -> None:
    names = [*HOSTILE, "</script><script>alert(1)</script>", "{{ 7 * 7 }}", "]]>", "<!-- x", "be\x07ll", "x" * 300]
    x = np.random.default_rng(0).normal(size=(60, len(names)))
    frame = pd.DataFrame(x, columns=names).assign(**{"<i>y</i> & $z$": x.sum(axis=1) + x[::-1, 0]})
    found = read(gl.fit(frame, target="<i>y</i> & $z$"), page, lang)
    shown = [name.replace("\x07", " ") for name in names]
    assert [row[0] for row in found.tables["coefficients"][0][2:]] == shown
    assert not found.tags & {"b", "i", "script"}
    assert "&lt;script&gt;" in found.text
    assert any("<i>y</i> & $z$" in said for said in found.pictures)
    svg = found.text[found.text.index("<svg") :]
    assert ">*bold*</text>" in svg
    assert ">&lt;b&gt;tag&lt;/b&gt;</text>" in svg


def test_the_same_fit_gives_the_same_bytes(page: Path, tmp_path: Path) -> None:
    import matplotlib as mpl

    x, y = table(n=400)
    fit = gl.fit(x, y)
    fit.report(page)
    other = tmp_path / "other.html"
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9, "text.usetex": True}):
        gl.fit(x, y).report(other)
    assert page.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("n", [200, 5_000, 100_000])
def test_its_size_does_not_grow_with_the_rows(page: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=n), rng.normal(size=(n, 2))
    found = read(gl.fit(x, np.column_stack([2 * x, x**2]) + noise), page)
    assert len(found.pictures) == 12


@pytest.mark.usefixtures("undrawn")
def test_many_columns_and_levels_stay_small(page: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 400))
    found = read(gl.fit(x, x[:, 0] + rng.normal(size=900)), page)
    assert "… 161 more; all are in fit.tidy()" in found.sections["coefficients"]
    levels = pd.DataFrame({"g": [f"level {i % 300}" for i in range(3000)], "x": rng.normal(size=3000)})
    fit = gl.fit(levels.assign(y=levels.x * 2 + rng.normal(size=3000)), formula="y ~ x + g")
    assert "… 294 more levels of g" in read(fit, page).sections["coefficients"]
    assert "… g의 수준 294개 더" in read(fit, page, "ko").sections["coefficients"]


@pytest.mark.usefixtures("undrawn")
def test_a_loaded_fit_says_that_pictures_need_the_rows(penguins: Path, page: Path, tmp_path: Path) -> None:
    fit = gl.fit(penguins, **MASS)
    fit.save(tmp_path / "m.safetensors")
    loaded = gl.load(tmp_path / "m.safetensors")
    found = read(loaded, page)
    assert found.values["coefficients"] == read(fit, page).values["coefficients"]
    assert len(found.pictures) == 1
    assert "Pictures of the rows need the rows" in found.sections["pictures"]
    assert "influence" not in found.sections
    assert "gl.fit(\n    data," in found.sections["again"]
    assert f"The source was {penguins}" in found.sections["again"]


@pytest.mark.usefixtures("undrawn")
def test_rows_that_are_gone_are_said_to_be(page: Path, tmp_path: Path) -> None:
    source = tmp_path / "line.csv"
    pd.DataFrame({"x": LINE[0][:, 0], "y": LINE[1][:, 0]}).to_csv(source)
    fit = gl.fit(source, target="y", features="x")
    source.unlink()
    found = read(fit, page)
    assert "The rows could not be read again:" in found.sections["pictures"]
    assert len(found.pictures) == 1


@pytest.mark.usefixtures("undrawn")
def test_without_standard_errors_there_are_no_columns_for_them(page: Path) -> None:
    fit = gl.fit(*table(), l1=20.0)
    found = read(fit, page)
    assert_array_equal(found.values["coefficients"], fit.params)
    assert found.tables["coefficients"][0][0] == ["term", "estimate"]
    assert "no standard errors with l1" in found.sections["notes"]
    assert "this fit is penalised" in found.sections["pictures"]
    found = read(gl.fit([[1.0], [3.0]], [1.0, 2.0]), page)
    assert_array_equal(found.values["coefficients"], [0.5, 0.5])
    assert "Read more rows" in found.sections["notes"]


@pytest.mark.usefixtures("undrawn")
def test_aliased_columns_are_marked(page: Path) -> None:
    x, y = table(d=2)
    fit = gl.fit(pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 0] + 2}), y)
    found = read(fit, page)
    assert found.tables["coefficients"][0][4] == ["c", "no coefficient of its own: c = 1·a + 2·Intercept"]
    assert "3 of 4 columns: 1 determined by others" in found.sections["sure"]
    assert "another column of the relation" in found.sections["notes"]
    assert "관계식의 다른 열을 뺀다" in read(fit, page, "ko").sections["notes"]


@pytest.mark.usefixtures("undrawn")
def test_several_targets_have_a_table_each(page: Path) -> None:
    fit = gl.fit(two_targets(), target=["u", "v"])
    found = read(fit, page)
    expected = [
        np.column_stack([*np.array([fit.params, fit.se, fit.t, fit.p])[:, :, k], fit.conf_int()[:, :, k]])
        for k in (0, 1)
    ]
    assert_array_equal(np.reshape(found.values["coefficients"], np.shape(expected)), expected)
    assert [row[0] for row in found.tables["whole"][0]] == ["target", "u", "v"]
    many = gl.fit(np.arange(30.0), np.random.default_rng(0).normal(size=(30, 40)))
    found = read(many, page)
    assert "Shown are 12 of 40 targets" in found.sections["coefficients"]
    assert "Pictures are of y1, y2 alone" in found.sections["pictures"]


def test_a_run_is_compared_with_the_exact_answer(page: Path) -> None:
    run = gl.train(*LINE, lr=0.01, epochs=500, seed=0)
    found = read(run, page)
    gap = run.gap()
    assert_array_equal(
        np.reshape(found.values["gap"], (2, 4)), np.column_stack([gap.trained, gap.exact, gap.distance, gap.in_se])
    )
    assert len(found.pictures) == 3
    assert run.explain() in found.sections["words"]
    assert "0.02907, set by x" in found.sections["rate"]
    assert "gl.train(X, y, lr=0.01, epochs=500, seed=0)" in found.sections["again"]
    import torch

    assert torch.__version__ in found.sections["again"]
    assert run.explain("ko") in read(run, page, "ko").sections["words"]


@pytest.mark.usefixtures("undrawn")
def test_a_diverged_run_says_so_and_what_to_do(page: Path) -> None:
    for run in (diverged(), diverged(epochs=5000)):
        found = read(run, page)
        assert 'The run diverged, and its weights are of no use. Use lr="auto"' in found.sections["notes"]
        assert "diverged" in found.sections["ran"]


def test_other_losses_and_loaded_runs_have_the_pictures_that_they_can(page: Path, tmp_path: Path) -> None:
    run = gl.train(*LINE, loss="l1", batch_size=10, epochs=20, seed=0)
    found = read(run, page)
    assert "Not drawn: a picture of rates is known for SGD" in found.sections["pictures"]
    run.save(tmp_path / "run.safetensors")
    found = read(gl.load(tmp_path / "run.safetensors"), page, lab=True)
    assert len(found.pictures) == 1
    assert "The lab is not in this page: the lab shows SGD" in found.sections["lab"]


@pytest.mark.usefixtures("undrawn")
def test_the_lab_is_in_the_page_where_it_can_show_the_run(page: Path) -> None:
    run = gl.train(*LINE, epochs=50, seed=0)
    run.report(page, lab=True)
    found = Reading(page)
    (frame,) = found.frames
    assert frame.startswith("<!doctype html>")
    assert "gradline-lab" in frame
    assert "script" not in found.tags
    assert found.size < MOST
    with pytest.raises(gl.OptionError, match="lab must be True or False"):
        run.report(page, lab="no")


def test_notes_are_known_in_both_languages() -> None:
    x = np.arange(40.0)
    frame = pd.DataFrame({"x": x, "y": x % 7, "g": np.where(x < 35, "a", "b"), "k": [*map(str, range(39)), "12,5"]})
    frame["lost"] = frame.y.where(frame.g == "a")
    big = pd.DataFrame({"x": 2**52 + 2**30 + np.arange(40), "y": x % 7})
    fits = [
        gl.fit(frame, formula="lost ~ x + g"),
        gl.fit(frame, formula="y ~ k"),
        gl.fit(frame, formula="y ~ x + I(2 * x)"),
        gl.fit(frame.assign(y=1.0), formula="y ~ x"),
        gl.fit(frame.assign(y=3 * x), formula="y ~ x"),
        gl.fit(frame, formula="y ~ poly(x, 3)", cluster="g"),
        gl.fit(frame.head(2), formula="y ~ x"),
        gl.fit(big, formula="y ~ x"),
    ]
    with pytest.warns(gl.GradlineWarning, match="nearly dependent"):
        fits.append(gl.fit(iter([big]), target="y"))
    seen = set()
    for fit in fits:
        for note in fit.notes:
            if " rows left out" not in note:
                for lang in TEXTS:
                    key, words = known(note, lang)
                    assert key, note
                    assert words.to_do
                    assert (re.search("[가-힣]", words.said) is not None) == (lang == "ko")
                    seen.add(key)
    assert {"unused", "slip", "aliased", "constant", "perfect", "few_rows", "few_clusters", "moved", "lost"} <= seen
    assert known("something new", "ko")[1].lang == "en"


def test_both_languages_have_the_same_words() -> None:
    assert list(TEXTS["en"]) == list(TEXTS["ko"])
    for key, text in TEXTS["en"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", TEXTS["ko"][key])), key


def test_what_cannot_be_asked_for_is_refused(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit, run = gl.fit(*LINE), gl.train(*LINE, epochs=5, seed=0)
    for record in (fit, run):
        with pytest.raises(gl.OptionError, match="lang must be one of 'en', 'ko'; 'de' arrived"):
            record.report(page, "de")
        with pytest.raises(gl.OptionError, match="path is the name of a file, not None"):
            record.report(None)
        for module in ("jinja2", "matplotlib"):
            with monkeypatch.context() as without:
                without.setitem(sys.modules, module, None)
                with pytest.raises(gl.OptionError, match=rf'{module}.*\n.*pip install "gradline\[report\]"'):
                    record.report(page)
    with pytest.raises(gl.OptionError, match="level"):
        fit.report(page, level=95)
    assert list(page.parent.iterdir()) == []


@pytest.mark.usefixtures("undrawn")
def test_a_page_is_written_whole_or_not_at_all(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = gl.fit(*LINE)
    with pytest.raises(gl.StorageError, match=r"cannot write .*No such file or directory"):
        fit.report(page.parent / "missing" / "r.html")
    with pytest.raises(gl.StorageError, match="it is a folder"):
        fit.report(page.parent)
    page.write_text("as it was")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_text", full)
        with pytest.raises(gl.StorageError, match="No space left on device"):
            fit.report(page)
    assert page.read_text() == "as it was"
    assert list(page.parent.iterdir()) == [page]


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gradline", *arguments], capture_output=True, text=True, check=False, cwd=folder
    )


def test_the_command_line_writes_reports_with_its_own_line(penguins: Path, page: Path, tmp_path: Path) -> None:
    given = ["fit", str(penguins), "--target", "body_mass_g", "--features", "bill_depth_mm", "--level", "0.9"]
    done = command(*given, "--report", "report.html", "--lang", "ko", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Wrote report.html" in done.stdout
    found = Reading(page)
    assert found.lang == "ko"
    assert f"gradline {' '.join(given)} --report report.html --lang ko" in found.sections["again"]
    assert_array_equal(
        np.reshape(found.values["coefficients"], (2, 6))[:, 4:],
        gl.fit(penguins, target="body_mass_g", features="bill_depth_mm").conf_int(0.9),
    )
    given = ["train", str(penguins), "--target", "body_mass_g", "--features", "bill_depth_mm", "--seed", "0"]
    done = command(*given, "--report", "report.html", "--lab", "--lr", "auto", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(Reading(page).frames) == 1


def test_the_command_line_refuses_before_it_works(tmp_path: Path) -> None:
    for given, words in {
        ("--report", "missing/r.html"): "the folder missing is not there",
        ("--report", "r.txt"): "Give it .html or .htm",
        ("--report", "r.html", "--lang", "de"): "lang must be one of 'en', 'ko'; 'de'",
    }.items():
        done = command("fit", "no-such-file.csv", "--target", "y", *given, folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in " ".join(done.stderr.split())
    done = command("train", "no-such-file.csv", "--target", "y", "--lab", folder=tmp_path)
    assert "--report report.html" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("undrawn")
def test_passwords_stay_out(page: Path) -> None:
    from gradline.pages.page import write_fit

    write_fit(gl.fit(*LINE), page, command="gradline fit 'postgresql://me:s3cret@host/db?table=t' --target y")
    found = Reading(page)
    assert "s3cret" not in found.text
    assert "postgresql://me@host/db" in found.sections["again"]
    assert "A password is left out" in found.sections["again"]


def test_a_notebook_shows_a_run_as_a_table() -> None:
    run = gl.train(*LINE, epochs=500, seed=0)
    shown = run._repr_html_()
    assert "<table>" in shown
    assert ">1.93141364<" in shown
    assert "converged" in shown
