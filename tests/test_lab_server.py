"""The lab on loopback: who may ask what, and what PyTorch answers."""

from __future__ import annotations

import asyncio
import json
import math
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from gradline.cli import main
from gradline.errors import OptionError
from gradline.lab.opening import Opening
from gradline.lab.server import LARGEST, application
from gradline.lab.verify import answer, question_of

PORT, TOKEN = 8123, "secret-token"
HERE = f"http://127.0.0.1:{PORT}"
QUESTION: dict[str, Any] = {
    "x": [1, 2, 4],
    "y": [2, 3, 7],
    "start": [0.5, 0],
    "seed": 0,
    "batch": 0,
    "reduction": "mean",
    "steps": 3,
    "plan": [{"from": 0, "lr": 0.01, "momentum": 0, "zero": "top"}],
}


def ask(method: str, path: str, *, address: str = HERE, content: bytes = b"", **headers: str) -> httpx.Response:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=application(Opening("lr=0.02"), "en", TOKEN, PORT))
        async with httpx.AsyncClient(transport=transport, base_url=address) as client:
            return await client.request(method, path, content=content, headers=headers)

    with ThreadPoolExecutor(1) as thread:  # Playwright has an event loop in this one
        return thread.submit(lambda: asyncio.run(request())).result()


def test_the_page_is_there_for_who_knows_the_token() -> None:
    said = ask("GET", f"/{TOKEN}/")
    assert said.status_code == 200
    assert '"address": "lr=0.02"' in said.text
    assert said.headers["x-content-type-options"] == "nosniff"
    assert ask("GET", f"/{TOKEN}/", address=f"http://localhost:{PORT}").status_code == 200
    for path in ("/", "/wrong/", "/secret-toke/", f"/{TOKEN}", f"/{TOKEN}/other"):
        assert ask("GET", path).status_code in (307, 404)


@pytest.mark.parametrize("address", ["http://evil.example", "http://127.0.0.1:80", f"http://127.0.0.1.evil:{PORT}"])
def test_another_host_is_refused(address: str) -> None:
    assert ask("GET", f"/{TOKEN}/", address=address).status_code == 403
    said = ask("POST", f"/{TOKEN}/verify", address=address, content=json.dumps(QUESTION).encode(), origin=address)
    assert said.status_code == 403


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}, {"origin": "http://evil.example"}])
def test_another_page_may_not_ask(headers: dict[str, str]) -> None:
    assert ask("POST", f"/{TOKEN}/verify", content=json.dumps(QUESTION).encode(), **headers).status_code == 403


def test_a_question_is_answered() -> None:
    said = ask("POST", f"/{TOKEN}/verify", content=json.dumps(QUESTION).encode(), origin=HERE)
    assert said.status_code == 200
    assert len(said.json()["loss"]) == 3
    assert len(said.json()["theta"]) == 4


def test_a_question_has_a_size() -> None:
    said = ask("POST", f"/{TOKEN}/verify", content=b"[" + b"1," * LARGEST + b"1]", origin=HERE)
    assert said.status_code == 413


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"[" * 100_000, b'{"x": NaN}', b"\xff"])
def test_what_is_no_question_is_refused(content: bytes) -> None:
    said = ask("POST", f"/{TOKEN}/verify", content=content, origin=HERE)
    assert said.status_code == 400
    assert said.json()["error"]


@pytest.mark.parametrize(
    "part",
    [
        {"x": "__import__('os').system('true')"},
        {"x": [1, 2]},
        {"x": [1, 2, "3"]},
        {"x": [1, 2, math.inf]},
        {"x": [1.0] * 2001, "y": [1.0] * 2001},
        {"x": [1], "y": [1]},
        {"start": [1]},
        {"start": [True, 1]},
        {"seed": -1},
        {"seed": 2**32},
        {"batch": 1.5},
        {"reduction": "none"},
        {"steps": 20_001},
        {"plan": []},
        {"plan": ["top"]},
        {"plan": [QUESTION["plan"][0] | {"from": 1}]},
        {"plan": [QUESTION["plan"][0], QUESTION["plan"][0]]},
        {"plan": [QUESTION["plan"][0] | {"zero": "exec"}]},
        {"plan": [QUESTION["plan"][0] | {"lr": -1}]},
        {"plan": [QUESTION["plan"][0] | {"lr": 10**400}]},
    ],
)
def test_numbers_and_options_only(part: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        question_of(QUESTION | part)


def test_a_run_beyond_float64_is_said() -> None:
    steep = [QUESTION["plan"][0] | {"lr": 1e9}]
    with pytest.raises(OptionError, match="float64"):
        answer(question_of(QUESTION | {"plan": steep, "steps": 400}))


@pytest.fixture
def served() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "gradline", "lab", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.fullmatch(r"The lab is at (http://127\.0\.0\.1:\d+/[\w-]{22}/)\n", process.stdout.readline())
        assert found is not None
        yield found[1], process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def test_pytorch_agrees_in_the_browser(browser: Browser, served: tuple[str, Any]) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(served[0] + "#noise=1&batch=10&epochs=20&momentum=0.5&lang=en")
    page.get_by_role("button", name="Check with PyTorch").click()
    page.wait_for_function("() => document.querySelector('.note').textContent.includes('Largest')", timeout=60_000)
    said = page.inner_text(".note").replace("−", "-")
    page.close()
    differences = [float(number) for number in re.findall(r"(\S+) in the", said)]
    assert "ran these 200 steps" in said
    assert len(differences) == 2
    assert max(differences) < 1e-10
    assert errors == []


def test_ctrl_c_closes_it(served: tuple[str, subprocess.Popen[str]]) -> None:
    process = served[1]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.endswith("closed\n")
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "70000"], "port 70000"),
        (["--save", "page.txt"], "page.txt has the ending '.txt'"),
        (["--lang", "fr"], "lang must be one of 'en', 'ko'"),
        (["--target", "y"], "Give it too: --data FILE"),
        (["--data", "nosuch.csv", "--target", "y"], "nosuch.csv"),
    ],
)
def test_wrong_requests(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--no-open", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_it_is_saved_as_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--save", str(tmp_path / "lab.html")]) == 0
    assert "needs no network" in capsys.readouterr().out
    text = (tmp_path / "lab.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["']?(?!data:)[\w/.]""", text)
    assert text.count("</script>") == 2
    assert "<!--" not in text  # which would let a "<script" within the module hide its end
