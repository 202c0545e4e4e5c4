"""`gradline demo`: the notebook's numbers, and sentences that are true for any seed."""

from __future__ import annotations

import re
import string
from functools import cache
from pathlib import Path

import pytest
import torch
from rich.cells import cell_len
from torch import nn, optim

import gradline as gl
from gradline.cli import main
from gradline.cli.demo_texts import TEXTS

SEEDS = [0, 1, 2, 7]


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest) -> int:
    return request.param


def demo(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["demo", *arguments]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


@pytest.mark.parametrize("lang", TEXTS)
def test_a_report_of_the_noisy_half(lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "demo.html"
    said = demo(capsys, "--lang", lang, "--report", str(page))
    assert said.splitlines()[-1] == f"Wrote {page}: open it in a browser"
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 3
    assert f'lang="{lang}"' in text
    assert main(["demo", "--report", str(tmp_path / "demo.txt")]) == 2
    assert "Give it .html or .htm" in capsys.readouterr().err


@cache
def notebook(seed: int) -> list[str]:
    """What the notebook prints: of both halves five losses, w and b."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        x = nn.init.uniform_(torch.zeros(100, 1), -10, 10)
        noise = nn.init.normal_(torch.zeros(100, 1), std=1)
        printed = []
        for label in (2 * x + 3, 2 * (x + noise) + 3):
            model = nn.Linear(1, 1)
            optimizer = optim.SGD(model.parameters(), lr=0.01)
            for epoch in range(500):
                optimizer.zero_grad()
                loss = nn.MSELoss()(model(x), label)
                loss.backward()
                optimizer.step()
                if epoch % 100 == 0:
                    printed.append(f"{loss.item():#.6g}")
            printed += [f"{model.weight.item():.8g}", f"{model.bias.item():.8g}"]
    return printed


@pytest.mark.parametrize("lang", TEXTS)
def test_prints_what_the_notebook_prints(lang: str, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    text = demo(capsys, "--lang", lang, "--seed", str(seed))
    words = TEXTS[lang]
    losses = re.findall(rf"{words['epoch']} +\d+ +{words['loss_word']} (\S+)", text)
    learned = [each for pair in re.findall(rf"{words['learned']}  w = (\S+) +b = (\S+)", text) for each in pair]
    assert [*losses[:5], *learned[:2], *losses[5:], *learned[2:]] == notebook(seed)


@pytest.mark.parametrize("lang", TEXTS)
def test_the_sentences_are_true(lang: str, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    text = demo(capsys, "--lang", lang, "--seed", str(seed))
    x, y = gl.line(seed=seed)
    fit, stability = gl.fit(x, y), gl.stability(x, y)
    words = TEXTS[lang]
    for truth, (low, high) in zip((3, 2), fit.conf_int(), strict=True):
        inside = words["inside" if low <= truth <= high else "outside"].format(truth=truth)
        assert words["interval"].format(low=f"{low:.3f}", high=f"{high:.3f}") + "  " + inside in text
    assert f"{stability.lr_limit:.4f}" in text
    assert f"{stability.lr_best:.4f}" in text
    w, b = abs(1 - 0.01 * stability.steepness)
    assert f"{w:.2f}" in text
    assert f"{b:.2f}" in text
    steps = next(step for step in range(500) if w**step <= 1e-5)
    assert re.search(rf"\b{steps} (steps|스텝)", text)
    assert str(500 - steps) in text


@pytest.mark.parametrize("lang", TEXTS)
def test_fits_eighty_columns(lang: str, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rows = demo(capsys, "--lang", lang, "--seed", str(seed)).splitlines()
    assert max(map(cell_len, rows)) <= 80
    assert all(row == row.rstrip() for row in rows)
    assert len(rows) <= 50


def test_the_sketch(capsys: pytest.CaptureFixture[str]) -> None:
    """The numbers that were promised for seed 0."""
    text = demo(capsys)
    for shown in ("274.187", "0.00392864", "w = 1.9999989     b = 2.9998527", "59.0152", "3.16471"):
        assert shown in text
    for shown in (
        "1.871 … 1.992  2 is outside: 1 draw in 20 is",
        "2.622 … 3.335  3 is inside",
        "limit 0.0291",
        "lr 0.0282",
    ):
        assert shown in text


def test_leaves_the_global_generator_alone(capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.random.get_rng_state()
    demo(capsys)
    assert torch.equal(before, torch.random.get_rng_state())


def test_languages_say_the_same() -> None:
    english, korean = TEXTS["en"], TEXTS["ko"]
    assert english.keys() == korean.keys()
    for key in english:
        places = ({place for _, place, _, _ in string.Formatter().parse(words[key])} for words in (english, korean))
        assert next(places) == next(places), key
    assert re.search("[가-힣]", "".join(korean.values()))
    assert "기울기" not in "".join(korean.values()), "gradient is 그래디언트; 기울기 is the line's slope"
