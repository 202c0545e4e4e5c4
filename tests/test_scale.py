"""docs/scale.md has what its script prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_tables_are_those_of_the_simulation() -> None:
    command = [sys.executable, ROOT / "benchmarks" / "scale.py"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    tables = [line for line in printed.splitlines() if line.startswith("|") and "rows" not in line]
    assert len(tables) == 12
    documented = (ROOT / "docs" / "scale.md").read_text().splitlines()
    assert [line for line in tables if line not in documented] == []
