"""The widget in a real JupyterLab and a real marimo: a slider moved in the page is seen in Python.

Both are large and no part of the `test` extra: pip install 'gradline[hosts]' brings them.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

PATIENCE = 60_000  # milliseconds: a kernel starts, and imports torch


@contextmanager
def running(command: list[str], folder: Path, address: str) -> Iterator[None]:
    """A server of its own group of processes, ended with all that it started."""
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            for _ in range(PATIENCE // 500):
                try:
                    urllib.request.urlopen(address, timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.5)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1500, "height": 1000}, locale="en")
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


def move_the_slider(page: Page) -> None:
    tab = page.get_by_role("tab", name="Settings")
    if tab.is_visible():  # where the host gives it a narrow column
        tab.click()
    slider = page.locator(".gradline-lab .control.lr input[type=range]")
    slider.press("ArrowLeft")
    page.wait_for_timeout(1500)  # until it has come to rest, and Python has heard of it


def test_jupyterlab(page: Page, tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab", reason="JupyterLab is in the extra `hosts`")
    cells = [
        "import gradline as gl\nlab = gl.Lab(noise=1)\nlab",
        "print('seen', lab.settings['lr'], lab.result['step'])",
    ]
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "metadata": {},
                "source": text,
                "outputs": [],
                "execution_count": None,
            }
            for i, text in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (tmp_path / "lab.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    port = free_port()
    options = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=t", "--allow-root"]
    with running(
        [sys.executable, "-m", "jupyterlab", "--no-browser", *options],
        tmp_path,
        f"http://127.0.0.1:{port}/api?token=t",
    ):
        page.goto(f"http://127.0.0.1:{port}/lab/tree/lab.ipynb?token=t")
        first, second = (page.locator(".jp-CodeCell").nth(i) for i in (0, 1))
        first.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector(".gradline-lab .status:not(:empty)")
        move_the_slider(page)
        page.locator(".gradline-lab").get_by_role("button", name="Step", exact=True).click()
        page.wait_for_timeout(1500)
        second.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        said = second.locator(".jp-OutputArea-output").inner_text()
    assert re.fullmatch(r"seen 0\.00977 1\s*", said), said


def test_marimo(page: Page, tmp_path: Path) -> None:
    pytest.importorskip("marimo", reason="marimo is in the extra `hosts`")
    (tmp_path / "lab.py").write_text(
        "import marimo\n"
        "app = marimo.App()\n\n\n"
        "@app.cell\n"
        "def _():\n"
        "    import marimo as mo\n"
        "    import gradline as gl\n"
        "    lab = mo.ui.anywidget(gl.Lab(noise=1))\n"
        "    lab\n"
        "    return lab, mo\n\n\n"
        "@app.cell\n"
        "def _(lab, mo):\n"
        "    mo.md(f\"seen {lab.value['settings'].get('lr')}\")\n"
        "    return\n",
        encoding="utf-8",
    )
    port = free_port()
    options = ["--headless", "--no-token", "--host", "127.0.0.1", "--port", str(port)]
    with running(
        [sys.executable, "-m", "marimo", "run", "lab.py", *options], tmp_path, f"http://127.0.0.1:{port}/health"
    ):
        page.goto(f"http://127.0.0.1:{port}")
        page.wait_for_selector(".gradline-lab .status:not(:empty)")
        move_the_slider(page)
        page.get_by_text("seen 0.00977").wait_for()
