"""`PenaltyPath`: the coefficients of a penalised model for many strengths of its penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.exact.strengths import objective
from gradline.layout import told
from gradline.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from gradline.moments import Moments
    from gradline.results.fit import Fit


@dataclass(frozen=True, eq=False, repr=False)
class PenaltyPath(Shown):
    """The minima of RSS + 2·l1·Σ weight·|coef| + l2·Σ weight²·coef², one for each pair of strengths.

    RSS = Σ w·(y - intercept - x·coef)². The weight of a column is 1, or its standard deviation if the path is
    standardized; coefficients are in the columns' own units either way, and the intercept is never penalised.
    With k targets, each has coefficients of its own, and arrays have a trailing axis of length k.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.column_stack([np.arange(8.0), np.arange(8.0) % 3])
        >>> path = gl.path(x, 2 * x[:, 0] + 0.1 * x[:, 1] + 1, l1=[50, 5, 0.1])
        >>> path.coef.round(4).tolist()
        [[0.8131, 0.0], [1.8845, 0.0], [1.9983, 0.08]]
        >>> path.df, path.at(1).predict([[10.0, 0.0]]).round(3)
        (array([2., 2., 3.]), array([20.337]))
    """

    moments: Moments
    """What the path was computed from."""
    l1: Array  # (m,)
    l2: Array  # (m,)
    has_intercept: bool
    standardized: bool
    slopes: Array  # (m, d, k)
    constants: Array  # (m, k)
    freedom: Array  # (m, k)
    rss: Array  # (m, k) residual sums of squares
    tss: Array  # (k,) total sums of squares, about the mean where there is an intercept
    states: NDArray[np.int64]  # (m, k) what is known of each minimum
    notes: tuple[str, ...] = ()
    """What a reader of this result should know, in plain words."""

    def __len__(self) -> int:
        return len(self.l1)

    @property
    def columns(self) -> tuple[str, ...]:
        """(d,) names of the features."""
        return self.moments.columns

    @property
    def coef(self) -> Array:
        """(m, d) coefficients in the columns' own units."""
        return self._single(self.slopes)

    @property
    def intercept(self) -> Array:
        """(m,) intercepts; 0 for a model through the origin."""
        return self._single(self.constants)

    @property
    def df(self) -> Array:
        """(m,) effective number of parameters, the intercept among them.

        Of a lasso the coefficients that are not 0 (Zou, Hastie & Tibshirani 2007), with l2 the trace of the matrix
        that turns y into its fit.
        """
        return self._single(self.freedom)

    @property
    def r2(self) -> Array:
        """(m,) 1 - RSS/TSS; NaN for a constant target."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._single(np.where(self.tss > 0, 1 - self.rss / self.tss, np.nan))

    @property
    def objective(self) -> str:
        """What was minimised, as a formula."""
        return objective(bool(self.l1.any()), bool(self.l2.any()), self.standardized)

    def at(self, number: int) -> Fit:
        """The fit at one strength, by elimination over the coefficients that are not 0.

        Args:
            number: Of the strength, from 0; negative ones count from the end.

        Raises:
            OptionError: there is no such strength.

        Example:
            >>> import gradline as gl
            >>> path = gl.path([[0.0], [1.0], [2.0], [3.0]], [1.0, 2.0, 4.0, 5.0], l2=[0.0, 5.0])
            >>> path.at(1).coef
            array([0.7])
        """
        from gradline.penalising import fit_at

        if not isinstance(number, int | np.integer) or not -len(self) <= number < len(self):
            raise OptionError(f"the path has {len(self)} strengths, numbered from 0; {told(number)} is none of them.")
        return fit_at(self, number % len(self))

    def frame(self) -> pd.DataFrame:
        """One row per strength (and target): l1, l2, df, r2, rss, intercept and the coefficients by name.

        Example:
            >>> import gradline as gl
            >>> path = gl.path([[0.0], [1.0], [2.0], [3.0]], [1.0, 2.0, 4.0, 5.0], l2=[0.0, 5.0])
            >>> path.frame()
                l1   l2   df     r2   rss  Intercept    x
            0  0.0  0.0  2.0  0.980  0.20       0.90  1.4
            1  0.0  5.0  1.5  0.735  2.65       1.95  0.7
        """
        import pandas as pd

        parts = []
        for target, name in enumerate(self.moments.targets):
            with np.errstate(divide="ignore", invalid="ignore"):
                r2 = 1 - self.rss[:, target] / self.tss[target]
            figures = {
                "l1": self.l1,
                "l2": self.l2,
                "df": self.freedom[:, target],
                "r2": r2,
                "rss": self.rss[:, target],
                "Intercept": self.constants[:, target],
            }
            frame = pd.DataFrame(figures)
            coefs = pd.DataFrame(self.slopes[:, :, target], columns=list(self.columns))
            frame = pd.concat([frame if self.has_intercept else frame.drop(columns="Intercept"), coefs], axis=1)
            if not self.moments.single_target:
                frame.insert(0, "target", name)
            parts.append(frame)
        return pd.concat(parts, ignore_index=True)

    def summary(self) -> str:
        """The objective and the path as a table of at most 80 columns."""
        from gradline.report.penalties import path_summary

        return path_summary(self)

    def plot(self, ax: Axes | None = None, lang: str = "en", *, target: str | None = None) -> Axes:
        """Draw the coefficients against the strength of the penalty, the strongest at the left.

        The largest at the weakest strength are named. Coefficients are in the columns' own units, as in `coef`. Where
        both strengths vary, l1 is the axis. It needs the extra `plot`.

        Args:
            ax: Axes to draw on; by default those of a new figure.
            lang: "en" or "ko".
            target: Of several; by default the first.

        Raises:
            OptionError: No such language or target, or matplotlib is not installed.
        """
        from gradline.pictures.penalty_path import penalty_path

        return penalty_path(self, ax, lang, target)

    def __repr__(self) -> str:
        from gradline.report.penalties import path_line

        return path_line(self)

    def _single(self, values: Array) -> Array:
        single: Array = values[..., 0] if self.moments.single_target else values
        return single
