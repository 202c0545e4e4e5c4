"""The rows that a fit was made of, for as long as it is in use; no part of the record, so no file has them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from gradline.design.problem import Problem
    from gradline.results.fit import Fit

_problems: WeakKeyDictionary[Fit, Problem] = WeakKeyDictionary()


def remember(fit: Fit, problem: Problem) -> None:
    """Keep the request that was fitted: where rows can be read again, not the rows."""
    _problems[fit] = problem


def recalled(fit: Fit) -> Problem | None:
    """The request that was fitted; None for a fit that was loaded, or made of moments."""
    return _problems.get(fit)
