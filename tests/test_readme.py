"""What the READMEs show is what happens."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture(params=["README.md", "README.ko.md"])
def readme(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return (ROOT / request.param).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_python_blocks_print_what_they_say(readme: str) -> None:
    session = "\n".join(blocks(readme, "python"))
    test = doctest.DocTestParser().get_doctest(session, {}, "README", "README", 0)
    output: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=output.append)
    assert result.attempted > 5
    assert result.failed == 0, "".join(output)


def test_commands_print_what_they_say(readme: str) -> None:
    count = 0
    for block in blocks(readme, "console"):
        for command, expected in re.findall(r"^\$ (.*?)\n(.*?)(?=^\$ |\Z)", block, re.DOTALL | re.MULTILINE):
            program, *arguments = shlex.split(command)
            assert program == "gradline"
            done = subprocess.run(
                [sys.executable, "-m", "gradline", *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            pattern = ".*?".join(re.escape(part) for part in expected.strip().split("…"))
            pattern = pattern.replace(re.escape("body_mass_g ~ .*?"), "body_mass_g ~ .*?")
            assert re.fullmatch(pattern, done.stdout.strip(), re.DOTALL), f"{command}\n{done.stdout}"
            assert done.returncode == (2 if expected.startswith("error") else 0)
            count += 1
    assert count >= 3
