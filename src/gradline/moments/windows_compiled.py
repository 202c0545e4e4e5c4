"""Compiled sums over windows of consecutive rows."""

from __future__ import annotations

from typing import Any

import numba as nb


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def sums(scores: Any, out: Any) -> None:
    """Set out (k, q, n - L) to the sums of L + 1 consecutive scores (k, q, n), which slide along."""
    lags = scores.shape[2] - out.shape[2]
    for target in range(out.shape[0]):
        for column in range(out.shape[1]):
            values, found = scores[target, column], out[target, column]
            total = 0.0
            for row in range(lags):
                total += values[row]
            for row in range(len(found)):
                total += values[row + lags]
                found[row] = total
                total -= values[row]
