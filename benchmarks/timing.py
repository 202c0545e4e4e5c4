"""Programs taking turns, and their medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def alternate(programs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each program over some rounds, in which each runs once; one round before does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, program in programs.items():
            began = time.perf_counter()
            program()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in seconds.items()}


def report(title: str, medians: dict[str, float]) -> None:
    """Each program's median in milliseconds, and how many times the first one's it is."""
    print(f"\n{title}")
    first = next(iter(medians.values()))
    for name, seconds in medians.items():
        print(f"  {name:<44} {seconds * 1e3:12.3f} ms   {seconds / first:8.2f} x")
