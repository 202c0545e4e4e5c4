"""Real data beside what R and its package car say of them; tests/data/car.R made all of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parent / "data"


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv")


def values(what: str) -> dict[str, float]:
    """What R printed under this heading."""
    rows = pd.read_csv(DATA / "car.csv")
    rows = rows[rows["what"] == what]
    assert len(rows)
    return dict(zip(rows["name"], rows["value"], strict=True))


def agree(wanted: dict[str, float], got: Callable[[str], float], rtol: float = 1e-9) -> None:
    """Whether each number is R's; p-values below 1e-12 are R's to fewer digits."""
    for name, value in wanted.items():
        assert got(name) == pytest.approx(value, rel=rtol, abs=1e-300), name
