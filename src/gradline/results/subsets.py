"""`Subsets`: models with more and more of the terms, and which of them a criterion likes best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.layout import told
from gradline.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from gradline.moments import Moments
    from gradline.results.fit import Fit


@dataclass(frozen=True, eq=False, repr=False)
class Subsets(Shown):
    """Models one step apart, from the one without terms to that with all of them.

    A term is a column, or all columns of a category or of its product with a column: they come and go together.

    Example:
        >>> import numpy as np, gradline as gl
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 4))
        >>> found = gl.subsets(x, 3 * x[:, 2] + x[:, 0] + rng.normal(size=200))
        >>> found.terms, found.models[1]
        (('x1', 'x3'), ('x3',))
        >>> found.fit.names
        ['Intercept', 'x1', 'x3']
    """

    moments: Moments
    method: str
    """"forward" or "backward"."""
    criterion: str
    """"aic", "bic" or "cv"."""
    names: tuple[str, ...]
    """All terms, in the order of the data."""
    models: tuple[tuple[str, ...], ...]
    """The terms of each model, from the smallest to the largest."""
    columns: tuple[tuple[str, ...], ...]
    """The columns of each model."""
    rss: Array  # (steps,)
    aic: Array  # (steps,)
    bic: Array  # (steps,)
    errors: Array  # (steps, folds) mean squared errors of held-out rows; no folds for "aic" and "bic"
    has_intercept: bool
    assigned: str = ""
    """How rows came to be in folds."""
    notes: tuple[str, ...] = ()
    """What a reader of this result should know, in plain words."""

    def __len__(self) -> int:
        return len(self.models)

    @property
    def mean(self) -> Array:
        """(steps,) mean held-out error over the folds; NaN without folds."""
        return self.errors.mean(axis=1) if self.errors.shape[1] else np.full(len(self), np.nan)

    @property
    def best(self) -> int:
        """The number of the model with the smallest criterion; of equals the smaller model."""
        values = {"aic": self.aic, "bic": self.bic, "cv": self.mean}[self.criterion]
        return int(np.argmin(values))

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of the best model, in the order of the data."""
        chosen = set(self.models[self.best])
        return tuple(name for name in self.names if name in chosen)

    @property
    def fit(self) -> Fit:
        """The fit of the best model. Its standard errors do not know that it was chosen."""
        return self.at(self.best)

    def at(self, number: int) -> Fit:
        """The fit of one of the models.

        Args:
            number: From 0, the model without terms; negative ones count from the end.

        Raises:
            OptionError: there is no such model, or it is that of nothing.

        Example:
            >>> import numpy as np, gradline as gl
            >>> X = np.random.default_rng(0).normal(size=(50, 3))
            >>> gl.subsets(X, X[:, 1] + 0.1 * X[:, 0] ** 2).at(1).names
            ['Intercept', 'x2']
        """
        if not isinstance(number, int | np.integer) or not -len(self) <= number < len(self):
            raise OptionError(f"there are {len(self)} models, numbered from 0; {told(number)} is none of them.")
        return self.moments.select(self.columns[number]).fit(intercept=self.has_intercept)

    def frame(self) -> pd.DataFrame:
        """One row per model: its size, what it has beyond the one before, rss, aic, bic, held-out error if any.

        Example:
            >>> import numpy as np, gradline as gl
            >>> X = np.random.default_rng(0).normal(size=(50, 3))
            >>> gl.subsets(X, X[:, 1] + 0.1 * X[:, 0] ** 2).frame().columns.tolist()
            ['terms', 'added', 'parameters', 'rss', 'aic', 'bic']
        """
        import pandas as pd

        columns = {
            "terms": [len(model) for model in self.models],
            "added": ["", *self.added],
            "parameters": [len(names) + self.has_intercept for names in self.columns],
            "rss": self.rss,
            "aic": self.aic,
            "bic": self.bic,
        }
        if self.errors.shape[1]:
            columns["held_out"] = self.mean
        return pd.DataFrame(columns)

    @property
    def added(self) -> list[str]:
        """(steps - 1) the term that each model has beyond the one before it."""
        pairs = zip(self.models, self.models[1:], strict=False)
        return [next(name for name in more if name not in less) for less, more in pairs]

    def summary(self) -> str:
        """The models as a table of at most 80 columns, the best marked."""
        from gradline.report.subsets import subsets_summary

        return subsets_summary(self)

    def __repr__(self) -> str:
        from gradline.report.subsets import subsets_line

        return subsets_line(self)
