"""Moments of columns that were centred or scaled after the pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradline.design.recipe import Derived
from gradline.design.terms import Term
from gradline.doubledouble import UNIT, Pair, divide, multiply, subtract


def moved(pair: Pair, terms: Sequence[Term], derived: Sequence[Derived]) -> tuple[Pair, tuple[float, ...]]:
    """The moments of (x - mean)/deviation from those of x, and how much larger their errors are beside them.

        A' = T·A·Tᵀ,  T = 1 but for the rows of such columns: -mean/deviation for the constant, 1/deviation for x

    Args:
        pair: (p, p) cross-products of (1, terms, targets).
        terms: What each feature is made of.
        derived: The computed columns, those with a state to be moved.
    """
    hi, lo = pair[0].copy(), pair[1].copy()
    states = {each.name: each.state[0][1:] for each in derived if each.state}
    plain = {at: term.factors[0][0] for at, term in enumerate(terms, 1) if term.plain}
    places = {at: states[name] for at, name in plain.items() if name in states}
    before = hi.diagonal().copy()
    for row, state in places.items():
        hi[row], lo[row] = _less((hi[row], lo[row]), (hi[0], lo[0]), state)
    for column, state in places.items():
        hi[:, column], lo[:, column] = _less((hi[:, column], lo[:, column]), (hi[:, 0], lo[:, 0]), state)
    growth = np.ones(len(hi))
    for at, (_, _, by) in places.items():
        error = 4 * before[at] / by**2  # of the three sums that the new one is made of
        if hi[at, at] <= 64 * UNIT * error:  # a constant column: nothing is left of it beyond rounding
            hi[at] = lo[at] = hi[:, at] = lo[:, at] = 0.0
            continue
        growth[at] = max(error / hi[at, at], 1.0)
        hi[at], lo[at] = hi[:, at], lo[:, at]  # symmetric to the last bit
    return (hi, lo), tuple(growth.tolist())


def _less(column: Pair, ones: Pair, state: tuple[float, float, float]) -> Pair:
    """The products of (x - mean)/deviation with each column, from those of x and of the constant."""
    mean, low, by = (np.full(len(column[0]), number) for number in state)
    return divide(subtract(column, multiply(ones, (mean, low))), (by, np.zeros_like(by)))
