"""Round numbers on logarithmic axes, written as numbers; matplotlib's own overflow where losses reach 1e300."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axis import Axis

_MOST = 7
_WITHIN_A_DECADE = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), tuple(range(1, 10)))


def round_numbers(least: float, most: float) -> list[float]:
    """Some three to seven between two positive numbers.

    >>> round_numbers(0.5, 2000.0), round_numbers(0.2, 4.0), round_numbers(1e-9, 1e300)
    ([1.0, 10.0, 100.0, 1000.0], [0.3, 1.0, 3.0], [1.0, 1e+50, 1e+100, 1e+150, 1e+200, 1e+250, 1e+300])
    >>> round_numbers(3.16, 3.19)
    [3.16, 3.17, 3.18, 3.19]
    """
    first, last = ceil(log10(least) - 1e-9), floor(log10(most) + 1e-9)
    if last - first >= 2:
        stride = next(each for each in (1, 2, 5, 10, 20, 50, 100) if (last - first) // each < _MOST)
        return [float(f"1e{power}") for power in range(-(-first // stride) * stride, last + 1, stride)]
    for steps in _WITHIN_A_DECADE:
        ticks = [step * 10.0**power for power in range(first - 1, last + 1) for step in steps]
        ticks = [tick for tick in ticks if least * (1 - 1e-9) <= tick <= most * (1 + 1e-9)]
        if len(ticks) >= 3:
            return [float(f"{tick:.9g}") for tick in ticks[:: ceil(len(ticks) / _MOST)]]
    return _evenly(least, most)


def _evenly(least: float, most: float) -> list[float]:
    """Numbers with few digits, all the same way apart."""
    if not most > least:
        return [most]
    way = (most - least) / (_MOST - 2)
    size = 10.0 ** floor(log10(way))
    way = size * next(step for step in (1.0, 2.0, 5.0, 10.0) if step * size >= way * (1 - 1e-9))
    return [float(f"{number * way:.12g}") for number in range(ceil(least / way - 1e-9), floor(most / way + 1e-9) + 1)]


def put_ticks(axis: Axis, ticks: Sequence[float]) -> None:
    """These ticks and no others."""
    axis.set_ticks(np.array(ticks), minor=False)
    axis.set_ticks([], minor=True)
    axis.set_major_formatter(lambda value, _: written(value))


def written(value: float) -> str:
    """A round number on an axis.

    >>> written(0.3), written(2000.0), written(1e9), written(1e-8), written(3.16)
    ('0.3', '2,000', '1e9', '1e-8', '3.16')
    """
    if 1e3 <= abs(value) < 1e7 and value == round(value):
        return f"{value:,.0f}"
    digits, _, power = f"{value:.9g}".partition("e")
    return f"{digits}e{int(power)}" if power else digits
