"""`CrossValidation`: how well each strength of a penalty does on rows that were held out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gradline.design.effects import Label, written
from gradline.doubledouble import Array
from gradline.exact.crossval import one_standard_error
from gradline.results.penalty_path import PenaltyPath
from gradline.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from gradline.results.fit import Fit


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation(Shown):
    """Mean squared errors of held-out rows, for every strength and fold.

    Example:
        >>> import numpy as np, gradline as gl
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 6))
        >>> cv = gl.crossval(x, x[:, 0] + rng.normal(size=200), folds=5, strengths=20)
        >>> cv.scores.shape, cv.best, cv.simplest
        ((20, 5), 8, 4)
        >>> cv.fit.coef.round(2).tolist()
        [0.94, 0.0, 0.01, 0.04, 0.04, -0.18]
    """

    path: PenaltyPath
    """The same strengths fitted to all rows."""
    errors: Array  # (m, folds, k)
    folds: tuple[Label, ...]
    """What each fold is called."""
    sizes: tuple[float, ...]
    """The rows that each held out; of weighted rows the sum of the weights."""
    assigned: str
    """How rows came to be in folds."""
    per_row: bool
    """Whether training sets had strengths in proportion to their rows."""
    notes: tuple[str, ...] = ()
    """What a reader of this result should know, in plain words."""

    @property
    def l1(self) -> Array:
        """(m,) strengths of the absolute values, for all rows."""
        return self.path.l1

    @property
    def l2(self) -> Array:
        """(m,) strengths of the squares, for all rows."""
        return self.path.l2

    @property
    def scores(self) -> Array:
        """(m, folds) mean squared error of the rows that each fold held out; for k targets with an axis k."""
        scores: Array = self.errors[..., 0] if self.path.moments.single_target else self.errors
        return scores

    @property
    def mean(self) -> Array:
        """(m,) mean of the scores over the folds, all alike whatever their sizes."""
        mean: Array = self.scores.mean(axis=1)
        return mean

    @property
    def se(self) -> Array:
        """(m,) standard error of that mean: the deviation between folds (n - 1 below) / √folds; NaN for one fold."""
        count = len(self.folds)
        if count < 2:
            return np.full(self.mean.shape, np.nan)
        se: Array = self.scores.std(axis=1, ddof=1) / np.sqrt(count)
        return se

    @property
    def best(self) -> int:
        """The number of the strength with the least mean error; of several targets, each beside its variance."""
        return self._chosen[0]

    @property
    def simplest(self) -> int:
        """The number of the strongest strength whose error is within one standard error of the least."""
        return self._chosen[1]

    @property
    def fit(self) -> Fit:
        """The fit of all rows at the best strength."""
        return self.path.at(self.best)

    @property
    def simplest_fit(self) -> Fit:
        """The fit of all rows by the rule of one standard error."""
        return self.path.at(self.simplest)

    def frame(self) -> pd.DataFrame:
        """The curve: one row per strength (and target) with l1, l2, df, mean, se, and each fold's error."""
        import pandas as pd

        parts = []
        se = self.se.reshape(len(self.l1), -1)
        for target, name in enumerate(self.path.moments.targets):
            each = self.errors[:, :, target]
            columns = {"l1": self.l1, "l2": self.l2, "df": self.path.freedom[:, target]}
            columns |= {"mean": each.mean(axis=1), "se": se[:, target]}
            columns |= {f"fold {written(label)}": each[:, number] for number, label in enumerate(self.folds)}
            frame = pd.DataFrame(columns)
            if not self.path.moments.single_target:
                frame.insert(0, "target", name)
            parts.append(frame)
        return pd.concat(parts, ignore_index=True)

    def summary(self) -> str:
        """The curve as a table of at most 80 columns, the best and the simplest strength marked."""
        from gradline.report.penalties import crossval_summary

        return crossval_summary(self)

    def plot(self, ax: Axes | None = None, lang: str = "en", *, target: str | None = None) -> Axes:
        """Draw `mean` and its standard error against the strength of the penalty, the strongest at the left.

        `best` and `simplest` are marked, with a dotted line at one standard error above the least error. Above a
        lasso stands how many coefficients are not 0. It needs the extra `plot`.

        Args:
            ax: Axes to draw on; by default those of a new figure.
            lang: "en" or "ko".
            target: Of several; by default the first. What is marked was chosen for all of them.

        Raises:
            OptionError: No such language or target, or matplotlib is not installed.
        """
        from gradline.pictures.cross_validation import cross_validation

        return cross_validation(self, ax, lang, target)

    def __repr__(self) -> str:
        from gradline.report.penalties import crossval_line

        return crossval_line(self)

    @cached_property
    def _chosen(self) -> tuple[int, int]:
        count = len(self.folds)
        variance = self.path.tss / self.path.moments.hi[0, 0]
        each = (self.errors / np.where(variance > 0, variance, 1.0)).mean(axis=2)  # (m, folds)
        se = each.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(each), np.nan)
        return one_standard_error(each.mean(axis=1), se, self.l1, self.l2)
