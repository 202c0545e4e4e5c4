"""Reports in a real browser: from this disk, the network cut off, light and dark, wide and narrow, on paper."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from drawn import LINE
from playwright.sync_api import Browser, Page

import gradline as gl

LONG = "the length of a column's name that goes on and on" + "_without_a_blank" * 6


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reports")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({LONG: rng.normal(size=300), "가격 <b>": rng.normal(size=300), "g": ["a", "b", "c"] * 100})
    fit = gl.fit(frame.assign(y=frame[LONG] + rng.normal(size=300)), target="y", features=[LONG, "가격 <b>", "g"])
    run = gl.train(*LINE, epochs=500, seed=0)
    for lang in ("en", "ko"):
        fit.report(folder / f"fit-{lang}.html", lang)
        run.report(folder / f"run-{lang}.html", lang, lab=True)
    return {path.stem: path.as_uri() for path in folder.iterdir()}


class Opened:
    """A report as a person sees it."""

    def __init__(self, browser: Browser, addresses: dict[str, str]) -> None:
        self._browser, self._addresses = browser, addresses
        self.errors: list[str] = []

    def at(self, name: str, *, width: int = 1100, scheme: str = "light", scripts: bool = True) -> Page:
        context = self._browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=scripts,
        )
        context.set_offline(True)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text))
        page.on(
            "request",
            lambda request: request.url.startswith(("file:", "data:")) or self.errors.append(request.url),
        )
        page.goto(self._addresses[name])
        return page


@pytest.fixture
def opened(browser: Browser, addresses: dict[str, str]) -> Iterator[Opened]:
    opened = Opened(browser, addresses)
    yield opened
    for context in browser.contexts:
        context.close()
    assert opened.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("name", ["fit-en", "fit-ko", "run-en", "run-ko"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(opened: Opened, name: str, width: int, scheme: str) -> None:
    page = opened.at(name, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = "each => each.getBoundingClientRect().right <= innerWidth + 0.5"
    assert page.evaluate(f"[...document.querySelectorAll('main *:not(svg *)')].every({inside})")
    found = Axe().run(page, options={"iframes": False}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []


def test_pictures_have_the_colours_of_the_ground(opened: Opened) -> None:
    ink = "getComputedStyle(document.querySelector('figure svg text')).fill"
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    colours = {}
    for scheme in ("light", "dark"):
        page = opened.at("fit-en", scheme=scheme)
        colours[scheme] = (page.evaluate(ink), page.evaluate(ground))
        images = page.locator("figure svg image:visible")
        assert images.count() == len(page.query_selector_all("figure svg image.on-dark")) > 0
        page.emulate_media(media="print")
        assert page.evaluate(ink) == colours["light"][0]  # on paper it is light, whatever the screen is
    assert colours["light"] == ("rgb(28, 36, 48)", "rgb(255, 255, 255)")
    assert colours["dark"] == ("rgb(231, 234, 241)", "rgb(20, 23, 29)")


def test_it_needs_no_script(opened: Opened) -> None:
    page = opened.at("fit-en", scripts=False)
    assert page.get_by_role("cell").count() > 20
    assert page.get_by_role("rowheader", name=LONG).count() == 2
    assert page.get_by_role("heading", name="How sure the numbers are").is_visible()
    assert page.get_by_role("img").count() == 5


def test_the_lab_within_steps_through_the_run(opened: Opened) -> None:
    page = opened.at("run-en")
    lab = page.frame_locator("iframe")
    lab.get_by_role("button", name="Step", exact=True).click()
    lab.locator(".count", has_text="1 / 500").wait_for()
    assert "The learning rate 0.01 is 0.34" not in lab.locator(".status").inner_text()
    page.wait_for_timeout(400)  # an address that has settled would be told now
    assert page.url.endswith("run-en.html")
    page.emulate_media(media="print")
    assert not page.locator("iframe").is_visible()
