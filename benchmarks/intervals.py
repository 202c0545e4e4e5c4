"""How often 95 % intervals cover the truth, each kind on 4,000 simulated sets of the kind that it is for.

    python benchmarks/intervals.py [sets]

Sets are drawn from one seed, so that the table is the same wherever it is made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

import gradline as gl

SETS = 4_000
Rng = np.random.Generator


class Kind(NamedTuple):
    """A kind of interval, the sets that it is for, and whether the interval of one of them covers."""

    name: str
    sets: str
    covers: Callable[[Rng], bool]


def classical(rng: Rng) -> bool:
    """Errors that are normal and alike."""
    x = rng.normal(size=(30, 3))
    y = 1.0 + x @ [2.0, -1.0, 0.5] + rng.normal(size=30)
    return _within(gl.fit(x, y).conf_int()[1], 2.0)


def classical_skewed(rng: Rng) -> bool:
    """Errors that are alike and not normal."""
    x = rng.normal(size=(200, 3))
    y = 1.0 + x @ [2.0, -1.0, 0.5] + rng.exponential(size=200)
    return _within(gl.fit(x, y).conf_int()[1], 2.0)


def hc3(rng: Rng) -> bool:
    """Errors whose size grows with x."""
    x = rng.uniform(0.0, 3.0, 100)
    y = 1.0 + 2.0 * x + x * rng.normal(size=100)
    return _within(gl.fit(x, y).robust("HC3").conf_int()[1], 2.0)


def clustered(rng: Rng) -> bool:
    """Rows of a cluster that share an error, and an x."""
    firms = np.repeat(np.arange(100), 8)
    x = rng.normal(size=100)[firms] + 0.3 * rng.normal(size=800)
    y = 1.0 + 2.0 * x + rng.normal(size=100)[firms] + rng.normal(size=800)
    fit = gl.fit(pd.DataFrame({"x": x, "y": y, "firm": firms}), "y", features="x", cluster="firm")
    return _within(fit.conf_int()[1], 2.0)


def mean(rng: Rng) -> bool:
    """The expected value of a new row."""
    x = rng.normal(size=30)
    y = 1.0 + 2.0 * x + rng.normal(size=30)
    new = rng.normal()
    found = gl.fit(x, y).predict(np.array([new]), interval="mean")
    return bool(found.lower[0] <= 1.0 + 2.0 * new <= found.upper[0])


def prediction(rng: Rng) -> bool:
    """A new row itself."""
    x = rng.normal(size=30)
    y = 1.0 + 2.0 * x + rng.normal(size=30)
    new = rng.normal()
    found = gl.fit(x, y).predict(np.array([new]), interval="prediction")
    return bool(found.lower[0] <= 1.0 + 2.0 * new + rng.normal() <= found.upper[0])


def deming(rng: Rng) -> bool:
    """Errors in x and in y, their ratio known."""
    x = rng.normal(size=100)
    y = 1.0 + 2.0 * x + 0.5 * rng.normal(size=100)
    seen = x + 0.5 * rng.normal(size=100)
    return _within(gl.fit(seen, y, x_error=gl.Deming(1.0)).conf_int()[1], 2.0)


def known_error(rng: Rng) -> bool:
    """Errors in x of a known standard deviation."""
    x = rng.normal(size=200)
    y = 1.0 + 2.0 * x + rng.normal(size=200)
    return _within(gl.fit(x + 0.3 * rng.normal(size=200), y, x_error=0.3).conf_int()[1], 2.0)


KINDS = [
    Kind("classical", "30 rows, 3 columns, normal errors", classical),
    Kind("classical", "200 rows, exponential errors", classical_skewed),
    Kind("HC3", "100 rows, errors that grow with x", hc3),
    Kind("clustered (CR1)", "100 clusters of 8 rows, a shared error", clustered),
    Kind("mean of a new row", "30 rows, normal errors", mean),
    Kind("prediction", "30 rows, normal errors", prediction),
    Kind("Deming", "100 rows, errors in x and y of one size", deming),
    Kind("x_error=0.3", "200 rows, errors in x of that size", known_error),
]


def rows(sets: int) -> Iterator[str]:
    """The table, a line at a time."""
    margin = 100 * 1.96 * np.sqrt(0.95 * 0.05 / sets)
    yield f"{sets:,} sets each; the simulation itself is within {margin:.1f} points of the truth 19 times of 20"
    yield ""
    yield "| interval | sets | covers |"
    yield "|---|---|---|"
    for kind in KINDS:
        rng = np.random.default_rng(20_260_101)
        share = np.mean([kind.covers(rng) for _ in range(sets)])
        yield f"| {kind.name} | {kind.sets} | {100 * share:.1f} % |"


def _within(interval: np.ndarray, truth: float) -> bool:
    return bool(interval[0] <= truth <= interval[1])


if __name__ == "__main__":
    for line in rows(int(sys.argv[1]) if len(sys.argv) > 1 else SETS):
        print(line, flush=True)
