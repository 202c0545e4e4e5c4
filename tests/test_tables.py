"""Fits as LaTeX, Markdown and HTML tables, alone and side by side, with names that would break them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cars
import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

import gradline as gl

HOSTILE = [
    "a|b", "*bold*", "_under_", "`code`", "<b>tag</b>", "a & b % c # d $e$", r"back\slash{}", "^2~x", "[link](url)",
    "\"quoted\"''", "--dash", "한국 열", "line\nend", "~~struck~~", "&amp;", "\\", "!", "$$",
]  # fmt: skip


class Cells(HTMLParser):
    """The texts of each row's cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        else:
            assert tag in ("table", "thead", "tbody", "p"), tag  # a name must not become one

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and data.strip():
            self.rows[-1][-1] += data


def read_latex(text: str) -> str:
    """What TeX would print."""
    for mark, letter in {
        r"\textbackslash{}": "\0", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textless{}": "<",
        r"\textgreater{}": ">", r"\textbar{}": "|", r"\char34{}": '"', r"\textasciigrave{}": "`",
    }.items():  # fmt: skip
        text = text.replace(mark, letter)
    text = re.sub(r"(?<!\\)\{([\[\]'-])\}", r"\1", text)
    assert not re.search(r"(?<!\\)[&%$#_{}]", text), text  # has a meaning of its own
    return re.sub(r"\\([&%$#_{}])", r"\1", text).replace("\0", "\\")


@pytest.fixture(scope="module")
def hostile() -> gl.Fit:
    x = np.random.default_rng(0).normal(size=(40, len(HOSTILE)))
    return gl.fit(pd.DataFrame(x, columns=HOSTILE).assign(y=x.sum(axis=1) + x[::-1, 0]), target="y")


def test_names_come_out_of_markdown_as_they_went_in(hostile: gl.Fit) -> None:
    shown = ["Intercept", *(name.replace("\n", " ") for name in HOSTILE)]
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for text, names in (
        (hostile.to_markdown(), shown),
        (gl.compare(hostile).to_markdown(), [*shown[1:], "Intercept"]),
    ):
        rows = Cells(reader.render(text).replace("<strong>", "!!!")).rows
        assert {len(row) for row in rows} == {len(rows[0])}
        found = [row[0] for row in rows[1:] if row[0] and row[0] not in ("R²", "n", "residual sd")]
        assert found == names


def test_names_come_out_of_html_as_they_went_in(hostile: gl.Fit) -> None:
    rows = Cells(gl.compare(hostile)._repr_html_()).rows
    names = [row[0] for row in rows[1:-3] if row[0]]
    assert names == [*(name.replace("\n", " ") for name in HOSTILE), "Intercept"]


def test_names_come_out_of_latex_as_they_went_in(hostile: gl.Fit) -> None:
    lines = [line for line in hostile.to_latex().splitlines() if line.endswith(r"\\")][1:]
    cells = [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for line in lines]
    assert {len(row) for row in cells} == {7}
    assert [read_latex(row[0]) for row in cells] == ["Intercept", *(name.replace("\n", " ") for name in HOSTILE)]
    assert hostile.to_latex().count(r"\begin{tabular}{lrrrrrr}") == 1


def test_numbers_of_the_tables() -> None:
    fit = gl.fit(cars.table("duncan"), formula="prestige ~ income + education")
    assert "| income    |  0.59873 | 0.11967 |  5.00 | 1.1e-05 |    0.3572 | 0.8402 |" in fit.to_markdown()
    assert r"Intercept & $-6.06466$ & 4.27194 & $-1.42$ & 0.163 & $-14.6858$ & 2.5565 \\" in fit.to_latex()
    assert "n = 45, R² 0.828, residual sd 13.37 on 42 df" in fit.to_markdown()
    assert "90 % from" in fit.to_markdown(level=0.9)
    both = gl.fit(cars.table("duncan"), target=["prestige", "education"], features=["income"])
    assert both.to_markdown().count("| income") == both.to_latex().count("income &") == 2
    with pytest.raises(gl.OptionError, match="level"):
        fit.to_latex(level=95)


def test_compare_side_by_side() -> None:
    frame = cars.table("duncan").assign(both=lambda table: table["income"] + 1)
    one = gl.fit(frame, formula="prestige ~ income")
    two = gl.fit(frame, formula="prestige ~ education + income")
    text = str(gl.compare(one, two, names=["one", "more"]))
    assert "*" not in text
    found = gl.compare(one, two, stars=True)
    assert found.names == ("(1)", "(2)")
    assert found.parameters == ("income", "education", "Intercept")
    assert re.search(r"income +1\.080\d*\*\*\* +0\.59873\*\*\*", str(found))
    assert re.search(r"\n +\(0\.10\d*\) +\(0\.11967\)\n", str(found))
    frame = found.frame()
    assert np.isnan(frame.loc["education", ("(1)", "estimate")])
    assert frame.loc["education", ("(2)", "std_error")] == two.se[1]
    assert frame.loc["nobs", ("(2)", "estimate")] == 45
    for table in (found.to_latex(), found.to_markdown(), found._repr_html_()):
        assert "0.001" in table  # what the stars mean
    # which p-values get which stars
    marks = [text.strip("0123456789.-—") for text in str(found).split("\n")[1].split()[1:]]
    assert marks == ["***" if p < 0.001 else "" for p in (one.p[1], two.p[2])]


def test_compare_what_is_unlike() -> None:
    frame = cars.table("duncan").assign(both=lambda table: table["income"] + 1)
    aliased = gl.fit(frame, target="prestige", features=["income", "both"])
    lasso = gl.fit(frame, target="prestige", features=["income"], l2=1.0, intercept=False)
    targets = gl.fit(frame, target=["prestige", "education"], features=["income"])
    found = gl.compare(aliased, lasso, targets)
    assert found.names == ("(1)", "(2)", "(3)", "(4)")
    assert "—" in str(found)
    assert "---" in found.to_latex()
    assert gl.compare(targets).names == ("prestige", "education")
    one = gl.fit(frame, target="education", features=["income"])
    np.testing.assert_allclose(found.frame()["(4)", "estimate"]["income"], one.coef[0], rtol=1e-12)
    refused = [((), None, "takes fits"), ((one, frame), None, "takes fits"), ((one,), ["a", "b"], "columns, 1;")]
    refused += [((one, one), ["a", "a"], "columns, 2;"), ((one,), "a", "columns, 1;")]
    for fits, names, said in refused:
        with pytest.raises(gl.OptionError, match=said):
            gl.compare(*fits, names=names)
    long = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 2)), columns=["x" * 90, "y"])
    assert max(map(len, str(gl.compare(gl.fit(long, target="y"))).splitlines())) <= 80
