"""What every test may ask for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent


SOURCE = ROOT / "src" / "gradline"


def pytest_configure() -> None:
    """Numba knows a kernel by its own file: one made of others that have changed since would run as it was."""
    newest = max(path.stat().st_mtime for path in SOURCE.rglob("*.py"))
    for kept in SOURCE.rglob("*.nbi"):
        with contextlib.suppress(FileNotFoundError):  # another process of the suite does the same
            if kept.stat().st_mtime < newest:
                kept.unlink()


@pytest.fixture
def penguins() -> Path:
    """The real table that the project ships, with missing values."""
    return ROOT / "examples" / "penguins.csv"


@pytest.fixture
def figures() -> Iterator[None]:
    """Pyplot's figures are closed afterwards, and its settings as they were."""
    import matplotlib as mpl
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    yield
    pyplot.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file; each test opens pages of its own."""
    from browser import chromium

    with chromium() as found:
        yield found
