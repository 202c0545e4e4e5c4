"""The strengths of penalties that a path goes through: given, or laid out from the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.exact.centred import Centred
from gradline.layout import told

LASSO_RATIO, RIDGE_RATIO = 1e-3, 1e-6
"""The weakest strength as a share of the strongest, where nothing else is said."""


@dataclass(frozen=True)
class Strengths:
    """What was asked for; `of` gives the numbers.

    Raises:
        OptionError: a strength is negative or no number, or the options contradict each other.

    Example:
        >>> Strengths(l1=[2, 1], l2=0.5).fixed()
        (array([2., 1.]), array([0.5, 0.5]))
    """

    l1: float | Sequence[float] | None = None
    """Strengths of the absolute values; None with l2 given stands for 0."""
    l2: float | Sequence[float] | None = None
    """Strengths of the squares, likewise. Two sequences are paired; one number goes with all of the other."""
    count: int | None = None
    """How many to lay out where neither is given: 100 by default."""
    mix: float | None = None
    """With λ laid out, l1 = mix·λ and l2 = (1 - mix)·λ; 1, the lasso, by default."""
    ratio: float | None = None
    """The smallest λ as a share of the largest; by default 1e-3, for ridge 1e-6."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        laid = [("strengths", self.count), ("mix", self.mix), ("ratio", self.ratio)]
        if self.l1 is not None or self.l2 is not None:
            for name, value in laid:
                if value is not None:
                    raise OptionError(
                        f"{name}= lays out strengths, and l1= or l2= gives them already.\nLeave one of them out."
                    )
            self.fixed()
        if self.count is not None and (not _is_number(self.count) or self.count != int(self.count) or self.count < 1):
            raise OptionError(
                f"strengths is how many to lay out, a whole number of 1 or more, not {told(self.count)}."
            )
        if self.mix is not None and not (_is_number(self.mix) and 0 <= self.mix <= 1):
            raise OptionError(f"mix is the share of l1, from 0 (ridge) to 1 (lasso), not {told(self.mix)}.")
        if self.ratio is not None and not (_is_number(self.ratio) and 0 < self.ratio <= 1):
            raise OptionError(
                f"ratio is the weakest strength beside the strongest, and {told(self.ratio)} arrived.\n"
                "Give a number above 0, and 1 at most."
            )

    def fixed(self) -> tuple[Array, Array] | None:
        """(m,) l1 and (m,) l2 as given; None where they are to be laid out."""
        if self.l1 is None and self.l2 is None:
            return None
        l1, l2 = _checked("l1", self.l1), _checked("l2", self.l2)
        if len(l1) != len(l2) and 1 not in (len(l1), len(l2)):
            raise OptionError(
                f"l1 has {len(l1)} strengths and l2 has {len(l2)}: they are paired, one by one.\n"
                "Give as many of each, or a single number for one of them."
            )
        m = max(len(l1), len(l2))
        return np.broadcast_to(l1, m).copy(), np.broadcast_to(l2, m).copy()

    def of(self, about: Centred) -> tuple[Array, Array]:
        """(m,) l1 and (m,) l2, those laid out from the strongest to the weakest.

        The largest λ is the smallest at which all coefficients are 0; for ridge the largest eigenvalue of X'X, which
        shrinks every direction at least by half.
        """
        fixed = self.fixed()
        if fixed is not None:
            return fixed
        mix = 1.0 if self.mix is None else float(self.mix)
        count = 100 if self.count is None else int(self.count)
        largest = about.largest_l1() / mix if mix else about.largest_square()
        ratio = self.ratio or (LASSO_RATIO if mix else RIDGE_RATIO)
        # Of data that explain nothing every strength is as good.
        path = np.geomspace(largest, largest * ratio, count) if largest > 0 else np.full(count, 1.0)
        return mix * path, (1 - mix) * path


def objective(l1: bool, l2: bool, standardized: bool) -> str:
    """What is minimised with these penalties, as a formula.

    >>> objective(l1=True, l2=True, standardized=False)
    'RSS + 2·l1·Σ |coef| + l2·Σ coef²'
    """
    weight, square = ("sd(x)·", "sd(x)²·") if standardized else ("", "")
    return "RSS" + f" + 2·l1·Σ {weight}|coef|" * l1 + f" + l2·Σ {square}coef²" * l2


def one_strength(name: str, value: Any) -> float:
    """The strength, if it is one.

    Raises:
        OptionError: it is not a finite number of 0 or more.
    """
    if not (_is_number(value) and 0 <= float(value) < np.inf):
        raise OptionError(f"{name} is the strength of a penalty, a finite number of 0 or more, not {told(value)}.")
    return float(value)


def _checked(name: str, values: Any) -> Array:
    if values is None:
        return np.zeros(1)
    if _is_number(values):
        return np.array([one_strength(name, values)])
    try:
        many = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        many = np.zeros((0, 0))
    if many.ndim != 1 or not len(many):
        raise OptionError(f"{name} is a strength or a sequence of strengths, not {told(values)}.")
    bad = ~((many >= 0) & np.isfinite(many))
    if bad.any():
        at = int(np.argmax(bad))
        raise OptionError(
            f"{name} holds {many[at]} at position {at} (the first is 0).\n"
            "The strength of a penalty is a finite number of 0 or more."
        )
    return many


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
