"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def penguins() -> Path:
    """The real table that the project ships, with missing values."""
    return ROOT / "examples" / "penguins.csv"
