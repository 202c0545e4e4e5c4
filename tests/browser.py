"""A real Chromium for the tests of the lab, and the lab's parts in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PARTS = "http://parts.test/"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; the test is skipped where none is installed."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: sudo apt-get install chromium, or run tests/chromium.sh make test")
    with sync_playwright() as playwright:
        # The pages are ours, and a container's root cannot have Chromium's sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def serve_parts(page: Page) -> None:
    """Let a page import the lab's source files one by one, as they import each other."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(PARTS)
        if not name:
            route.fulfill(content_type="text/html", body="<!doctype html>")
            return
        text = files("gradline.lab").joinpath("page", name).read_text(encoding="utf-8")
        route.fulfill(content_type="text/javascript", body=text)

    page.route(f"{PARTS}**", answer)
    page.goto(PARTS)


def run(page: Page, part: str, body: str, argument: Any = None) -> Any:
    """Evaluate a function body with the names that a part exports, as `part`, and an argument."""
    script = f"async (argument) => {{ const part = await import('{PARTS}{part}.js'); {body} }}"
    return page.evaluate(script, argument)


def saved(folder: Path, given: dict[str, Any] | None = None) -> str:
    """The address of a self-contained page of the lab on this disk."""
    from gradline.lab.bundle import page

    path = folder / "lab.html"
    path.write_text(page(given or {}), encoding="utf-8")
    return path.as_uri()
