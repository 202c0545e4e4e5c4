"""`Influence`: which rows make a fit what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from gradline.allowed import place_among
from gradline.doubledouble import Array
from gradline.moments.grids import Grid
from gradline.moments.influence import Each
from gradline.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = ("fitted", "residual", "leverage", "standardized", "studentized", "cooks_distance", "dffits")
"""What is said of each row besides DFBETAS."""


@dataclass(frozen=True, eq=False, repr=False)
class Influence(Shown):
    """The rows with the largest Cook's distances, and how many stand out.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.arange(10.0)
        >>> y = 2 * x + np.array([0.1, -0.2, 0.1, 0.0, 0.2, -0.1, 0.0, 0.1, -0.1, 3.0])
        >>> found = gl.fit(x, y).influence(most=2)
        >>> found.frame()[["row", "leverage", "studentized", "cooks_distance"]].round(2)
           row  leverage  studentized  cooks_distance
        0    9      0.35        17.97            2.07
        1    8      0.25        -1.36            0.28
        >>> f"{found.outlier_p:.1e}"
        '4.1e-06'

    Source: Belsley, Kuh & Welsch (1980), Regression Diagnostics, chapter 2; Cook (1977), Technometrics 19.
    """

    names: tuple[str, ...]
    """The p parameters that DFBETAS are about, those that are not aliased."""
    targets: tuple[str, ...]
    nobs: float
    rank: int
    df: float
    """Of the residuals."""
    top: tuple[Each, ...]
    """Of each target the rows that stand out most, the first the most; see `frame`."""
    beyond: NDArray[np.int64]
    """(2, k) how many rows have a leverage above 2p/n, twice the mean; and a |studentized| above 3."""
    outlier: Array
    """(2, k) the largest |studentized|, and its row."""
    points: Each | None
    """Every row, where there are at most 5,000."""
    feature: Array | None
    """(n,) the one column of the model, of every row, where it has one."""
    grids: tuple[Mapping[str, Grid], ...]
    """Of each target how many rows lie where, where there are more."""
    source: str

    @property
    def outlier_p(self) -> float | Array:
        """The p-value of the largest |studentized| being an outlier's, times n (Bonferroni): a number, or (k,)."""
        size, df = self.outlier[0], self.df - 1.0
        p = np.minimum(1.0, 2.0 * self.nobs * stdtr(df, -size)) if df > 0 else np.full(len(size), np.nan)
        p = np.where(size < 0.0, np.nan, p)
        return float(p[0]) if len(self.targets) == 1 else p

    def frame(self, target: str | None = None) -> pd.DataFrame:
        """One row for each that stands out: its number (from 0), `QUANTITIES`, and DFBETAS by parameter.

        Args:
            target: Of several; by default the first.
        """
        import pandas as pd

        at = place_among("target", target, self.targets)
        each = self.top[at]
        values = {"row": each.rows} | {name: getattr(each, name)[at] for name in QUANTITIES}
        return pd.DataFrame(
            values | {f"dfbetas_{name}": each.dfbetas[number, at] for number, name in enumerate(self.names)}
        )

    def summary(self) -> str:
        """The rows that stand out, and how many there are, in at most 80 columns."""
        from gradline.report.influence import influence_summary

        return influence_summary(self)
