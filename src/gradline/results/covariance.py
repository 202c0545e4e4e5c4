"""`Covariance`: of estimates whose errors are not taken to be independent and equally spread."""

from __future__ import annotations

from dataclasses import dataclass

from gradline.doubledouble import Array

CLASSICAL = "classical"


@dataclass(frozen=True, eq=False)
class Covariance:
    """What stands in the place of σ²·(X'X)⁻¹."""

    kind: str
    """"HC0" to "HC3", "CR0" to "CR2", "HAC"."""
    matrix: Array  # (p, p, k), NaN for aliased parameters
    df: float
    """Degrees of freedom of t, p and intervals: of the residuals, or one less than the (fewer) clusters."""
    clusters: tuple[tuple[str, int], ...] = ()
    """How many there are in each cluster column."""
    lags: int | None = None
    """Of "HAC"."""
    order: str = ""
    """Of "HAC": the column of time; empty for the order of the rows."""
    small_sample: bool = False
    """Of "HAC": whether it was multiplied by n/(n - p)."""
    notes: tuple[str, ...] = ()
    """What a reader of these standard errors should know."""
