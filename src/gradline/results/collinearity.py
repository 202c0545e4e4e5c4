"""`Collinearity`: how nearly the columns of a fit depend on each other, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradline.design.terms import by_effect
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.exact.collinearity import decomposition, inflation
from gradline.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from gradline.results.fit import Fit


@dataclass(frozen=True, eq=False, repr=False)
class Collinearity(Shown):
    """Variance inflation of each term, and Belsley's condition indices with what each is made of.

        vif = 1 / (1 - R²)    R² of the column on all others

    is how many times larger the variance of a coefficient is than if its column were unrelated to the others; for a
    category, generalised to all of its columns together. Columns that others determine are left out, and have
    infinity.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.random.default_rng(0).normal(size=(50, 3))
        >>> x[:, 2] = x[:, 0] + 0.1 * x[:, 2]
        >>> found = gl.fit(x, x.sum(axis=1)).collinearity()
        >>> dict(zip(found.terms, found.vif.round(1).tolist()))
        {'x1': 183.1, 'x2': 1.0, 'x3': 182.9}
        >>> found.indices.round(1).tolist()
        [1.0, 1.4, 1.6, 27.8]

    Source: Fox & Monette (1992), JASA 87(417); Belsley, Kuh & Welsch (1980), Regression Diagnostics, chapter 3.
    """

    terms: tuple[str, ...]
    """A column, or a category with all of its levels, or its product with a column."""
    vif: Array  # (m,)
    df: Array  # (m,) columns of each term
    names: tuple[str, ...]
    """The p columns that are not determined by others, the intercept among them."""
    indices: Array  # (p,) condition indices, ascending; the last is the condition number
    shares: (
        Array  # (p, p) the share of the variance of each coefficient (a column) that belongs to each index (a row)
    )
    has_intercept: bool
    notes: tuple[str, ...] = ()
    """What a reader of this result should know, in plain words."""

    @property
    def scaled(self) -> Array:
        """(m,) vif^(1/(2·df)): by how much intervals are longer, comparable between terms of any df."""
        with np.errstate(divide="ignore"):
            return np.where(self.df > 0, self.vif ** (0.5 / np.maximum(self.df, 1)), np.inf)

    def frame(self) -> pd.DataFrame:
        """One row per term: vif, df, and scaled, which is √vif for one column."""
        import pandas as pd

        return pd.DataFrame({"term": self.terms, "vif": self.vif, "df": self.df, "scaled": self.scaled})

    def decomposition(self) -> pd.DataFrame:
        """One row per condition index, ascending: the index, and the share of each coefficient's variance."""
        import pandas as pd

        return pd.DataFrame(self.shares, columns=list(self.names), index=pd.Index(self.indices, name="index"))

    def summary(self) -> str:
        """Inflation by term, and the columns of each large condition index, in at most 80 columns."""
        from gradline.report.collinearity import collinearity_summary

        return collinearity_summary(self)


def collinear(fit: Fit) -> Collinearity:
    """`Fit.collinearity`."""
    if fit.l1 or fit.l2 or fit.x_error:
        raise OptionError(
            "this fit has forgotten how its columns depend on each other.\n"
            "Fit without l1, l2 and x_error: collinearity is a matter of the columns alone."
        )
    start = int(fit.has_intercept)
    kept = [at for at, name in enumerate(fit.names) if name not in fit.aliased]
    root = fit.root[np.ix_(kept, kept)]
    effects = by_effect(fit.terms)
    place = {at: number for number, at in enumerate(kept)}
    groups = [[place[start + at] - start for at in numbers if start + at in place] for numbers in effects.values()]
    slopes = root[start:, start:] if not np.triu(root, 1).any() else root[:, start:]
    indices, shares = decomposition(root)
    notes = [f"aliased: {relation}" for relation in fit.aliased.values()]
    if not fit.has_intercept:
        notes.append("without an intercept, inflation is about zero and not about the means")
    if fit.origin:
        notes.append("condition indices are those of large whole numbers less an origin near their mean")
    df = np.array([len(group) for group in groups], float)
    return Collinearity(
        terms=tuple(effects),
        vif=np.where(df > 0, inflation(slopes, groups), np.inf),
        df=df,
        names=tuple(fit.names[at] for at in kept),
        indices=indices,
        shares=shares,
        has_intercept=fit.has_intercept,
        notes=tuple(notes),
    )
