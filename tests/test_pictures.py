"""Every picture in both languages, on light and on dark, and what is refused."""

from __future__ import annotations

import re
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawn import HAS_KOREAN, KOREAN, LINE, diverged, labelled, table, two_targets, written
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

import gradline as gl
from gradline.pictures import canvas, fonts
from gradline.pictures.texts import TEXTS

KOREAN_WORDS = set("계수학습률손실벌점강도세기파른")
pytestmark = pytest.mark.usefixtures("figures")


@cache
def everything() -> dict[str, Any]:
    """Every picture, as a function of ax and lang."""
    x, y = table()
    korean = "키 (cm)", "정말로 아주 긴 이름을 가진 열이 하나 있다"
    first, last = korean if HAS_KOREAN else ("height (cm)", "a column that has a very, very long name of many words")
    frame = pd.DataFrame(x, columns=[first, "$cost", "_x", "a$b$", last])
    frame = frame.assign(twice=2 * frame["$cost"], y=y)
    fit, lasso = gl.fit(frame, "y"), gl.fit(frame, "y", l1=5.0)
    path, cv = gl.path(frame, "y", strengths=20), gl.crossval(frame, "y", folds=4, strengths=20)
    run, wild = gl.train(frame, "y", epochs=30, seed=0), diverged(epochs=1000)
    batches = gl.train(x, y, epochs=3, batch_size=16, seed=0)
    kinds = {
        f"{name} {kind}": (one, kind)
        for kind in ("loss", "surface", "rates")
        for name, one in {"run": run, "diverged": wild, "batches": batches}.items()
    }
    return {
        **{
            name: lambda ax, lang, one=one, kind=kind: one.plot(kind, ax, lang) for name, (one, kind) in kinds.items()
        },
        "fit": lambda ax, lang: fit.plot("coefficients", ax, lang),
        "lasso": lambda ax, lang: lasso.plot("coefficients", ax, lang),
        "path": path.plot,
        "cv": cv.plot,
        "stability": gl.stability(x, y, momentum=0.5).plot,
    }


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("lang", ["en", pytest.param("ko", marks=KOREAN)])
def test_all_are_drawn_on_the_axes_that_are_given_and_without_a_warning(style: str, lang: str) -> None:
    pictures = everything()
    with plt.style.context(style):
        for name, plot in pictures.items():
            _, (left, right) = plt.subplots(1, 2, figsize=(13, 6), dpi=50, layout="constrained")
            assert plot(right, lang) is right, name
            right.figure.canvas.draw()  # glyphs that are missing would warn here
            assert not left.has_data()
            assert right.get_facecolor() == left.get_facecolor()
            for text in (right.xaxis.label, right.yaxis.label, *(right.get_legend() or right).findobj(mpl.text.Text)):
                assert to_rgb(text.get_color()) == to_rgb(mpl.rcParams["text.color"]), name
            assert lang == "en" or KOREAN_WORDS & set(written(right)), name
            plt.close("all")


def test_one_new_figure_is_made_only_where_no_axes_are_given() -> None:
    for name, plot in everything().items():
        plt.close("all")
        ax = plot(None, "en")
        assert plt.get_fignums() == [ax.figure.number], name
        ax.figure.canvas.draw()
        drawn, whole = ax.get_tightbbox(), ax.figure.bbox
        assert drawn.x0 >= -1 <= drawn.y0, name
        assert drawn.x1 <= whole.x1 + 1, name
        assert drawn.y1 <= whole.y1 + 1, name
    plt.close("all")
    figure = mpl.figure.Figure()
    everything()["path"](figure.add_subplot(), "en")
    assert not plt.get_fignums()


def test_targets_are_chosen_by_name() -> None:
    frame = two_targets()
    path = gl.path(frame, ["u", "v"], l2=[2.0, 1.0])
    cv = gl.crossval(frame, ["u", "v"], folds=4, l2=[2.0, 1.0])
    fit, run = gl.fit(frame, ["u", "v"]), gl.train(frame, ["u", "v"], epochs=9, seed=0)
    assert "(u)" in path.plot().get_ylabel()
    np.testing.assert_array_equal(path.plot(target="v").get_lines()[-1].get_ydata(), path.coef[:, -1, 1])
    assert "(v)" in path.plot(target="v").get_ylabel()
    np.testing.assert_array_equal(cv.plot(target="v").containers[0][0].get_ydata(), cv.mean[:, 1])
    np.testing.assert_array_equal(fit.plot(target="v").containers[0][0].get_xdata(), fit.params[1:, 1])
    drawn = labelled(run.plot("surface", plane=("b", "c"), target="v"), "path")
    np.testing.assert_array_equal(drawn.get_xdata(), [*run.history.weight[:, 1, 1], run.weight[1, 1]])
    for plot in (path.plot, cv.plot, fit.plot, lambda target: run.plot("surface", target=target)):
        with pytest.raises(gl.OptionError, match=r"target must be .* 'w' arrived.\ntarget: u, v"):
            plot(target="w")


def test_what_cannot_be_drawn_is_refused_with_what_can() -> None:
    run = gl.train(*LINE, epochs=3, seed=0)
    with pytest.raises(gl.OptionError, match="kind must be one of 'loss', 'surface', 'rates'; 'los' arrived"):
        run.plot("los")
    with pytest.raises(gl.OptionError, match="kind must be one of 'coefficients'"):
        gl.fit(*LINE).plot("loss")
    with pytest.raises(gl.OptionError, match=r"'loss' has no plane=.\nthose that have: surface"):
        run.plot("loss", plane=("x", "Intercept"))
    with pytest.raises(gl.OptionError, match="lang must be one of 'en', 'ko'"):
        run.plot(lang="fr")
    with pytest.raises(gl.OptionError, match="ax must be matplotlib's Axes; int arrived"):
        run.plot(ax=3)
    for plane in ("x", ("x",), ("x", "x"), ("x", "Intercept", "x")):
        with pytest.raises(gl.OptionError, match=r"two different coefficients(.|\n)*coefficients: Intercept, x"):
            run.plot("surface", plane=plane)
    with pytest.raises(gl.OptionError, match=r"'z' arrived.\nplane: Intercept, x"):
        run.plot("surface", plane=("x", "z"))
    for kind in ("surface", "rates"):
        with pytest.raises(gl.OptionError, match=r'run.plot."loss".'):
            gl.train(*LINE, loss="l1", epochs=3, seed=0).plot(kind)
    assert not plt.get_fignums()


def test_a_saved_loop_has_no_way_to_draw(tmp_path: Path) -> None:
    gl.train(*LINE, epochs=3, batch_size=20, seed=0).save(tmp_path / "run.safetensors")
    run = gl.load(tmp_path / "run.safetensors")
    assert len(labelled(run.plot(), "batch of").get_xdata()) == 15
    plt.close("all")
    with pytest.raises(gl.OptionError, match="saved loop"):
        run.plot("surface")
    assert not plt.get_fignums()


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = gl.fit(*LINE)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(gl.OptionError, match=r'pip install "gradline\[plot\]"'):
        fit.plot()


@pytest.fixture
def latin(monkeypatch: pytest.MonkeyPatch) -> None:
    """No font with Korean letters."""
    listed = [font for font in font_manager.fontManager.ttflist if font.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", listed)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    monkeypatch.setattr(fonts, "korean", fonts.korean.__wrapped__)


@pytest.mark.usefixtures("latin")
def test_without_a_korean_font_the_words_are_english_and_one_warning_says_so() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ax = gl.train(*LINE, epochs=3, seed=0).plot(lang="ko")
        ax.figure.canvas.draw()
    assert [warning.category for warning in caught] == [gl.GradlineWarning]
    assert "fonts-nanum" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert ax.get_xlabel() == "epoch"


@pytest.mark.usefixtures("latin")
def test_a_report_needs_no_korean_font_for_its_readers_have_one(tmp_path: Path) -> None:
    gl.train(*LINE, epochs=3, seed=0).report(tmp_path / "r.html", "ko")  # a warning would be an error
    assert ">에포크</text>" in (tmp_path / "r.html").read_text(encoding="utf-8")


@KOREAN
def test_a_font_that_matplotlib_has_not_listed_yet_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [font for font in font_manager.fontManager.ttflist if font.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", listed)
    assert fonts.korean.__wrapped__() in {font.name for font in listed}


def test_both_languages_have_the_same_texts_and_each_is_used() -> None:
    english, korean = TEXTS["en"], TEXTS["ko"]
    assert english.keys() == korean.keys()
    for key in english:
        assert set(re.findall(r"{(\w+)", english[key])) == set(re.findall(r"{(\w+)", korean[key])), key
    source = "\n".join(path.read_text() for path in Path(canvas.__file__).parent.glob("*.py") if path.stem != "texts")
    assert not [key for key in english if f'"{key}"' not in source]


@pytest.mark.parametrize("style", ["default", "dark_background", "ggplot", "Solarize_Light2"])
def test_colours_stand_out_from_the_ground(style: str) -> None:
    def light(colour: Any) -> float:
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
        return float(np.dot([0.2126, 0.7152, 0.0722], parts))

    with plt.style.context(style):
        drawn = canvas.canvas_on(None, "en")
        for colour in drawn.colours:
            low, high = sorted([light(colour), light(drawn.ground)])
            assert (high + 0.05) / (low + 0.05) >= (3.0 if style in ("default", "dark_background") else 2.4)
