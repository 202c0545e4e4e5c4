"""A column of numbers with a slip in it is text and becomes a category: the result says so, wherever it is read."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import gradline as gl
from gradline.cli import main

SLIP = "km,city,y\n" + "".join(f"{km},{'AB'[row % 2]},{row + row % 3}\n" for row, km in enumerate("123456789"))
NOTE = "km is text and so a category: 9 of its 10 levels are numbers, {!r} is not."


@pytest.mark.parametrize(("value", "shown"), [('"12,5"', "12,5"), ("n/a", "n/a"), ("1O", "1O"), ("3 km", "3 km")])
def test_the_value_that_is_no_number_is_named(value: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{SLIP}{value},A,3\n")
    fit = gl.fit(tmp_path / "t.csv", target="y", features="km")
    assert [note for note in fit.notes if note.startswith(NOTE.format(shown))]
    assert NOTE.format(shown) in " ".join(fit.summary().split())


def test_the_advice_is_a_formula_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{SLIP}n/a,A,3\n".replace("km", "km h"))
    [note] = [note for note in gl.fit(tmp_path / "t.csv", formula="y ~ `km h`").notes if "levels" in note]
    assert note.endswith("or write C(`km h`) in a formula")
    asked = gl.fit(tmp_path / "t.csv", formula="y ~ C(`km h`)")
    assert not [note for note in asked.notes if "levels" in note]


def test_it_is_said_on_the_command_line_and_after_saving(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text(f"{SLIP}n/a,A,3\n")
    path, model = str(tmp_path / "t.csv"), str(tmp_path / "m.safetensors")
    assert main(["fit", path, "--target", "y", "--features", "km,city", "--json", "--save", model]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert [note for note in notes if note.startswith(NOTE.format("n/a"))]
    assert gl.load(model).notes == tuple(notes)
    moments = gl.Moments.of(path, target="y", features=["km"])
    assert [note for note in moments.fit().notes if note.startswith(NOTE.format("n/a"))]


@pytest.mark.parametrize("formula", ["y ~ C(km)", "y ~ C(km, base='3') + city", "y ~ city"])
def test_a_category_that_was_asked_for_is_no_slip(formula: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{SLIP}n/a,A,3\n")
    assert not [note for note in gl.fit(tmp_path / "t.csv", formula=formula).notes if "is text" in note]


def test_text_that_is_text_is_no_slip() -> None:
    frame = pd.DataFrame({"flat": ["1a", "2b", "3", "4c", "1a", "2b"], "y": [1.0, 2, 3, 4, 2, 3]})
    assert not [note for note in gl.fit(frame, target="y", features="flat").notes if "is text" in note]
