"""The printed fit: never wider than a terminal, whatever the names and the numbers."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import gradline as gl
from gradline.layout import cells, filled, listing, shortened
from gradline.report.numbers import aligned, significant
from gradline.report.text import as_html, fit_line, fit_summary

NOISE = np.random.default_rng(1).normal(size=(30, 4))
LONG = "a column whose name somebody thought should say everything there is to say about it"
KOREAN = "학생 한 사람이 하루에 공부한 시간의 평균과 그 표준편차"


def fit(**options: object) -> gl.Fit:
    """A plain fit of two features; options are scales of the columns, or those of `gl.fit`."""
    names = options.pop("names", ["a", "b"])
    scales = options.pop("scales", [1.0, 1.0, 1.0])
    table = pd.DataFrame(NOISE[:, :2] * scales[:2], columns=names)
    table["y"] = (NOISE[:, 0] - NOISE[:, 1] + NOISE[:, 2]) * scales[2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GradlineWarning)
        return gl.fit(table, target="y", **options)


def levels(count: int, formula: str, names: tuple[str, str] = ("g", "x"), targets: int = 1) -> gl.Fit:
    """A fit with a category of so many levels."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({names[0]: np.resize([f"{v:04}" for v in range(count)], 3 * count)})
    table[[names[1], "y", "z"]] = rng.normal(size=(3 * count, 3))
    rows = np.arange(3 * count)
    table["h"] = np.where((rows < count) | (rows % count % 2 == 1), "u", "v")  # every second level is always in u
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GradlineWarning)
        return gl.fit(table, formula=("y + z" if targets > 1 else "y") + " ~ " + formula)


FITS = {
    "plain": lambda: fit(),
    "long names": lambda: fit(names=[LONG, LONG + "!"]),
    "Korean names": lambda: fit(names=[KOREAN, "키"]),
    "control characters": lambda: fit(names=["two\nlines", "a\ttab"]),
    "huge and tiny": lambda: fit(scales=[1e-120, 1e120, 1.0]),
    "huge target": lambda: fit(scales=[1e-100, 1e-100, 1e100], names=[LONG, KOREAN]),
    "tiny target": lambda: fit(scales=[1.0, 1.0, 1e-100]),
    "ridge": lambda: fit(l2=3.0),
    "through the origin": lambda: fit(intercept=False, l2=1.5),
    "weights": lambda: gl.fit(NOISE[:, :2], NOISE[:, 2], weights=np.r_[0.0, np.ones(29)]),
    "many": lambda: gl.fit(
        np.random.default_rng(2).normal(size=(300, 120)), np.random.default_rng(3).normal(size=300)
    ),
    "several targets": lambda: gl.fit(pd.DataFrame(NOISE, columns=[LONG, KOREAN, "u", "v"]), target=[LONG, KOREAN]),
    "long target": lambda: gl.fit(pd.DataFrame(NOISE[:, :2], columns=["x", LONG]), target=LONG),
    "aliased": lambda: gl.fit(np.c_[NOISE[:, :2], NOISE[:, 0] - 2 * NOISE[:, 1] + 1], NOISE[:, 2]),
    "aliased, long": lambda: gl.fit(
        pd.DataFrame({LONG: NOISE[:, 0], KOREAN: NOISE[:, 0] * 2, "y": NOISE[:, 1]}), target="y"
    ),
    "missing": lambda: gl.fit(
        pd.DataFrame(NOISE, columns=[LONG, KOREAN, "u", "v"]).mask(NOISE > 2), target="v", features=[LONG, KOREAN]
    ),
    "one row": lambda: gl.fit([[1.0]], [2.0]),
    "fewer rows than columns": lambda: gl.fit(NOISE[:3], NOISE[:3, 0] + 1),
    "levels": lambda: levels(300, "x + g + x:g"),
    "levels, long": lambda: levels(100, f"C(`{KOREAN}`):`{LONG}`", names=(KOREAN, LONG)),
    "levels, two targets": lambda: levels(80, "g + x", targets=2),
    "perfect": lambda: gl.fit(np.arange(5.0), 2 * np.arange(5.0) + 3),
    "constant target": lambda: gl.fit(np.arange(5.0), np.ones(5)),
    "no features": lambda: gl.fit(np.empty((5, 0)), np.arange(5.0)),
}


@pytest.mark.parametrize("name", FITS)
@pytest.mark.filterwarnings("ignore::gradline.GradlineWarning")
def test_fits_eighty_columns(name: str) -> None:
    result = FITS[name]()
    summary, line = fit_summary(result, seconds=123.4), fit_line(result)
    for text in (summary, line):
        assert max(cell_len(row) for row in text.splitlines()) <= 80, text
        assert "nan" not in text
        assert all(row == row.rstrip() for row in text.splitlines())
    assert 1 <= len(line.splitlines()) <= 3
    assert repr(result) == line
    assert result.summary() == fit_summary(result)


ONE_WORD = "the_name_of_a_column_that_somebody_thought_should_say_everything_there_is_to_say_about_it_"


def test_a_name_of_ninety_characters_breaks_no_line() -> None:
    a, b, c, text, y = (ONE_WORD + letter for letter in "abcty")
    table = pd.DataFrame(np.c_[NOISE, NOISE[:, 0] * 2 + 1], columns=[a, b, "x", y, c])
    table.iloc[3, 0] = table.iloc[4, 1] = np.nan
    run = gl.train(table, y, epochs=3, seed=0)
    table[text] = ["1", "2", "n/a"] * 10
    everything = gl.fit(table, target=y, features=[a, b, c, "x", text])
    assert any(ONE_WORD in note for note in everything.notes), "the notes themselves keep names whole"
    texts = {
        "summary": everything.summary(),
        "fit": repr(everything),
        "categories": gl.fit(table, formula=f"{y} ~ C({text}):{a} + log(abs({b}))").summary(),
        "plan": str(gl.plan(table, formula=f"{y} ~ {text} + {a}")),
        "run": f"{run!r}\n{run.summary()}",
        "stability": f"{run.stability!r}\n{run.stability.summary()}",
        "moments": repr(run.moments),
    }
    for name, shown in texts.items():
        assert max(map(cell_len, shown.splitlines())) <= 80, (name, shown)
    assert f"missing: {shortened(a, 30)} 1, {shortened(b, 30)} 1)" in " ".join(texts["summary"].split())


def test_decimal_points_stand_one_below_the_other() -> None:
    rows = [row for row in fit_summary(fit()).splitlines() if row.startswith(("Intercept", "a ", "b "))]
    assert len(rows) == 3
    points = [[at for at, letter in enumerate(row) if letter == "."] for row in rows]
    assert points[0][:3] == points[1][:3] == points[2][:3]


def test_an_aliased_column_shows_its_relation() -> None:
    text = fit_summary(gl.fit(np.c_[NOISE[:, 0], 2 * NOISE[:, 0] + 1], NOISE[:, 2]))
    assert "x2         aliased: x2 = 2·x1 + 1·Intercept" in text
    assert "note: " not in text


def test_rows_left_out_are_counted() -> None:
    x = np.r_[np.nan, NOISE[1:, 0]]
    text = fit_summary(gl.fit(pd.DataFrame({"x": x, "y": NOISE[:, 1]}), target="y"))
    assert text.startswith("y   29 rows of 30 (1 left out; missing: x 1)")
    assert "note: " not in text


def test_notes_are_said() -> None:
    assert "note: y is constant: slopes are 0 and R² is not defined" in fit_summary(FITS["constant target"]())
    assert "nothing left for standard errors" in fit_summary(FITS["one row"]())


def test_one_table_for_each_target() -> None:
    text = fit_summary(gl.fit(pd.DataFrame(NOISE, columns=["a", "b", "u", "v"]), target=["u", "v"]))
    assert text.count("estimate") == text.count("R² ") == 2
    assert text.count("numbers: ") == 1
    for target in "uv":
        alone = fit_summary(
            gl.fit(pd.DataFrame(NOISE, columns=["a", "b", "u", "v"]), target=target, features=["a", "b"])
        )
        assert alone.rpartition("\nnumbers: ")[0] in text


def test_digits_make_room_for_names() -> None:
    x = NOISE[:, 0] * 1e-100
    table = pd.DataFrame({LONG: x, "y": -1e100 * (NOISE[:, 0] + 1e-5 * NOISE[:, 1] - 1e-7)})
    text = fit_summary(gl.fit(table, target="y"))
    name = next(row for row in text.splitlines() if "…" in row).split("  ")[0]
    assert cells(name) >= 16
    assert max(map(cells, text.splitlines())) <= 80


def test_numbers_are_those_of_the_fit() -> None:
    result = fit()
    row = next(row for row in fit_summary(result, level=0.8).splitlines() if row.startswith("b ")).split()
    low, high = result.conf_int(0.8)[2]
    expected = [result.params[2], result.se[2], result.t[2]]
    np.testing.assert_allclose([float(cell) for cell in row[1:4]], expected, rtol=5e-3)
    np.testing.assert_allclose([float(cell) for cell in row[5:]], [low, high], rtol=5e-3)


def test_of_many_levels_the_first_are_shown_and_the_others_counted() -> None:
    text = levels(1000, "x + g + C(h) + x:g").summary()
    table = text.split("\n\n")[1].splitlines()[1:]
    assert [row.split("  ")[0] for row in table] == [
        "Intercept",
        "x",
        *(f"g[T.{level:04}]" for level in range(1, 6)),
        "… 994 more levels of g",
        "C(h)[T.v]",
        *(f"x:g[T.{level:04}]" for level in range(1, 6)),
        "… 994 more levels of x:g",
    ]
    assert "\ntable: 13 of 2,001 parameters; all are in fit.tidy(), or with --json" in text
    assert levels(80, "g + x", targets=2).summary().count("… 74 more levels of g\n") == 2


def test_a_table_of_sixty_rows_is_whole() -> None:
    assert "more levels" not in levels(60, "g").summary()
    assert "more levels" in levels(61, "g").summary()
    numeric = FITS["many"]().summary()
    assert all(f"\nx{number} " in numeric for number in range(1, 121))
    assert "table: " not in numeric


def test_aliased_levels_are_counted_where_they_are_not_shown() -> None:
    result = levels(100, "g + C(h) + g:C(h)")
    assert len(result.aliased) == 50
    assert "\n… 94 more levels of g:h (47 of them aliased)\n" in result.summary()


def test_how_the_sums_were_taken_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    X = rng.normal(size=(60_000, 2))
    y = X.sum(axis=1) + rng.normal(size=60_000)
    for precision in ("double-double", "float64"):
        gl.Moments.of(X, y, precision=precision).fit().save(tmp_path / "m.safetensors")
        assert f" · {precision}, from moments" in gl.load(tmp_path / "m.safetensors").summary()
        assert f" · {precision}, one pass" in gl.fit(X, y, precision=precision).summary()


def test_html_is_escaped() -> None:
    html = as_html(fit_summary(fit(names=["<script>alert(1)</script>", "b & c"])))
    assert "<script>" not in html
    assert "b &amp; c" in html
    assert html.startswith("<pre")


def away(text: str, value: float) -> Fraction:
    """Relative distance of what is printed, exactly: 2e+308 is not a float."""
    return abs(Fraction(text) / Fraction(value) - 1) if value else Fraction(text)


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(numbers, min_size=1, max_size=8), st.integers(2, 4))
def test_columns_of_any_numbers_stay_narrow(values: list[float], digits: int) -> None:
    texts = aligned(values, digits)
    assert len(texts) == len(values)
    assert max(map(len, texts)) <= 11
    for value, text in zip(values, texts, strict=True):
        if np.isfinite(value) and value:
            # what is shown is the number, to the digits asked for
            assert away(text, value) <= Fraction(51, 100) / 10 ** (digits - 1)


@given(numbers, st.integers(1, 6))
def test_significant_never_hides_a_number(value: float, digits: int) -> None:
    text = significant(value, digits)
    assert (text == "—") == np.isnan(value)
    if np.isfinite(value):
        assert away(text, value) <= Fraction(51, 100) / 10 ** (digits - 1)


@given(st.text(min_size=1), st.integers(5, 40))
def test_shortened_names_fit(name: str, width: int) -> None:
    text = shortened(name, width)
    assert cells(text) <= width
    assert len(text.splitlines()) == 1


@given(
    st.lists(st.text("ab한글 ", min_size=1, max_size=30), min_size=1, max_size=20),
    st.integers(24, 80),
    st.sampled_from([", ", " + "]),
)
def test_listings_fit(names: list[str], width: int, separator: str) -> None:
    assert cells(listing(names, width, separator)) <= width
    assert max(map(cells, filled(names, "  ", width=width))) <= max(width, max(map(cells, names)) + 4)
