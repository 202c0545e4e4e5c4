"""`gl.compare`: several fits side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradline.errors import OptionError
from gradline.layout import told
from gradline.results.fit import Fit

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Fits side by side: each parameter with its standard error below, then R², n and the residual deviation.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.random.default_rng(0).normal(size=(50, 2))
        >>> m = gl.Moments.of(x, x[:, 0] + np.random.default_rng(1).normal(size=50))
        >>> print(gl.compare(m.select("x1").fit(), m.fit(), names=["one", "both"]))
                      one      both
        x1         0.7403    0.7387
                 (0.1320)  (0.1354)
        x2                   0.0089
                           (0.1272)
        Intercept ...
    """

    fits: tuple[Fit, ...]
    """Of one target each."""
    names: tuple[str, ...]
    stars: bool

    @property
    def parameters(self) -> tuple[str, ...]:
        """Those of all fits, in the order in which they are met; the intercept last."""
        met = dict.fromkeys(name for fit in self.fits for name in fit.names)
        last = "Intercept" if any(fit.has_intercept for fit in self.fits) else None
        return tuple([name for name in met if name != last] + ([last] if last else []))

    def frame(self) -> pd.DataFrame:
        """One row per parameter and figure, for each fit an estimate and a std_error; NaN where it has none."""
        import pandas as pd

        figures = {"r_squared": "r2", "nobs": "nobs", "sigma": "sigma", "df_resid": "df_resid"}
        columns = {}
        for name, fit in zip(self.names, self.fits, strict=True):
            estimates = dict(zip(fit.names, fit.params.tolist(), strict=True))
            errors = dict(zip(fit.names, fit.se.tolist(), strict=True))
            own = [float(getattr(fit, figure)) for figure in figures.values()]
            columns[name, "estimate"] = [*(estimates.get(each, np.nan) for each in self.parameters), *own]
            columns[name, "std_error"] = [
                *(errors.get(each, np.nan) for each in self.parameters),
                *[np.nan] * len(own),
            ]
        return pd.DataFrame(columns, index=pd.Index([*self.parameters, *figures], name="term"))

    def summary(self) -> str:
        """The fits as a table; as wide as they need, for they stand side by side."""
        from gradline.report.comparison import as_text

        return as_text(self)

    def to_latex(self) -> str:
        """A LaTeX tabular, with the rules of the package booktabs."""
        from gradline.report.comparison import as_latex

        return as_latex(self)

    def to_markdown(self) -> str:
        """A Markdown table, with pipes.

        Example:
            >>> import gradline as gl
            >>> one = gl.fit([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 4.0, 5.0])
            >>> print(gl.compare(one).to_markdown())
            |             |      (1) |
            | ----------- | -------: |
            | x           |   1.4000 |
            |             | (0.1414) |
            | Intercept   |   0.9000 |
            |             | (0.2646) |
            | R²          |    0.980 |
            | n           |        4 |
            | residual sd |   0.3162 |
        """
        from gradline.report.comparison import as_markdown

        return as_markdown(self)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        from gradline.report.comparison import as_html

        return as_html(self)


def compare(*fits: Fit, names: Sequence[str] | None = None, stars: bool = False) -> Comparison:
    """Put fits side by side, whatever their columns, rows and targets.

    Args:
        fits: The fits; one of several targets stands for as many.
        names: Heads of the columns; by default the targets, or (1), (2) … where these are all the same.
        stars: Whether p-values below 0.05, 0.01 and 0.001 get *, ** and ***.

    Raises:
        OptionError: no fits are given, or not as many names.

    Example:
        >>> import numpy as np, gradline as gl
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> y = X[:, 0] + 0.5 * X[:, 1] + np.sin(np.arange(50.0))
        >>> gl.compare(gl.fit(X[:, :1], y), gl.fit(X, y))
                          (1)       (2)
        x              1.0391
                     (0.1443)
        x1                       0.9237
                               (0.1109)
        x2                       0.6309
                               (0.1042)
        Intercept      0.0916   -0.0207
                     (0.1338)  (0.1030)
        -------------------------------
        R²              0.519     0.730
        n                  50        50
        residual sd    0.9458    0.7163
    """
    if not fits or not all(isinstance(fit, Fit) for fit in fits):
        raise OptionError("compare takes fits: gl.compare(one, other).")
    single = [each for fit in fits for each in _of_one_target(fit)]
    if names is None:
        targets = [fit.targets[0] for fit in single]
        names = targets if len(set(targets)) == len(targets) > 1 else [f"({at})" for at in range(1, len(single) + 1)]
    if isinstance(names, str) or len(names) != len(single) or len(set(names)) < len(single):
        raise OptionError(
            f"names= takes as many different texts as there are columns, {len(single)}; {told(names)} arrived."
        )
    return Comparison(tuple(single), tuple(map(str, names)), stars)


def _of_one_target(fit: Fit) -> list[Fit]:
    from dataclasses import replace

    if len(fit.targets) == 1:
        return [fit if fit.single_target else replace(fit, single_target=True)]
    return [
        replace(
            fit,
            targets=(target,),
            estimates=fit.estimates[:, [at]],
            estimates_low=fit.estimates_low[:, [at]],
            rss=fit.rss[[at]],
            tss=fit.tss[[at]],
            single_target=True,
        )
        for at, target in enumerate(fit.targets)
    ]
