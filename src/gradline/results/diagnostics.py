"""`Diagnostics`: tests of what a fit takes for granted about its residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.doubledouble import Array
from gradline.exact.diagnostics import Verdict
from gradline.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from gradline.results.fit import Fit

MOST_PRODUCTS = 200
"""Products of columns that White's test is made of at most: of 18 columns it takes 190."""

_TWO_FORMS = ("breusch_pagan", "white")


def products(columns: int) -> int:
    """How many there are of the constant and so many columns, each with each and with itself."""
    return (columns + 1) * (columns + 2) // 2


@dataclass(frozen=True, eq=False, repr=False)
class DiagnosticTest:
    """One test of a fit. With one target figures are floats; with k targets (k,).

    Example:
        >>> import gradline as gl
        >>> found = gl.fit(*gl.line(seed=0)).diagnose().breusch_pagan
        >>> round(found.statistic, 3), found.df, round(found.p, 3), round(found.f.statistic, 3)
        (1.297, 1.0, 0.255, 1.288)
    """

    name: str
    """"breusch_pagan", "white", "reset", "durbin_watson" or "jarque_bera"; with "_f" the F form of it."""
    statistics: Array  # (k,) χ² with no df_denom, F with one, or Durbin and Watson's d
    dfs: Array  # (k,) degrees of freedom, NaN for d
    df_denoms: Array  # (k,) of the denominator of F, else NaN
    p_values: Array  # (k,)
    figures: Mapping[str, Array]
    """What a person should see beside p, each (k,): "share" of what is left over that columns or powers explain;
    "correlation" of neighbours and the d "expected" without one; "skewness" and "kurtosis"."""
    reasons: tuple[str, ...]
    """Of each target why it was not tested, in a word; empty where it was."""
    targets: tuple[str, ...]
    single_target: bool
    nobs: float
    order: str
    """Which column tells the order of rows; empty for that in which they stand."""
    f: DiagnosticTest | None = None
    """The F form of a test of n·R²."""

    @staticmethod
    def of(name: str, fit: Fit, verdicts: Sequence[Verdict], order: str = "") -> DiagnosticTest:
        """The record of what a test says of each target."""
        forms = [verdict.f or Verdict(verdict.reason) for verdict in verdicts]
        names = dict.fromkeys(figure for verdict in verdicts for figure in verdict.figures)
        return DiagnosticTest(
            name=name,
            statistics=np.array([verdict.statistic for verdict in verdicts]),
            dfs=np.array([verdict.df for verdict in verdicts], float),
            df_denoms=np.array([verdict.df_denom for verdict in verdicts], float),
            p_values=np.array([verdict.p for verdict in verdicts]),
            figures={each: np.array([verdict.figures.get(each, np.nan) for verdict in verdicts]) for each in names},
            reasons=tuple(verdict.reason for verdict in verdicts),
            targets=fit.targets,
            single_target=fit.single_target,
            nobs=fit.nobs,
            order=order,
            f=DiagnosticTest.of(f"{name}_f", fit, forms) if name in _TWO_FORMS else None,
        )

    @property
    def statistic(self) -> Any:
        """χ², F or d: a float, or (k,)."""
        return self._scalar(self.statistics)

    @property
    def df(self) -> Any:
        """Degrees of freedom; NaN for d."""
        return self._scalar(self.dfs)

    @property
    def df_denom(self) -> Any:
        """Degrees of freedom of the denominator of F; NaN for χ² and d."""
        return self._scalar(self.df_denoms)

    @property
    def p(self) -> Any:
        """The p-value."""
        return self._scalar(self.p_values)

    def explain(self, lang: str = "en") -> str:
        """What the test says of this fit, and what to do: a sentence, or a line for each target.

        Args:
            lang: "en" or "ko".

        Raises:
            OptionError: there are no words in this language.

        Example:
            >>> import gradline as gl
            >>> print(gl.fit(*gl.line(seed=0)).diagnose().reset.explain())
            No bend shows (p 0.338): squares and cubes of the fitted values explain no more than chance would.
        """
        from gradline.report.diagnostics import sentences

        return "\n".join(sentences(self, lang))

    def __repr__(self) -> str:
        from gradline.report.diagnostics import test_lines

        return "\n".join(test_lines(self))

    def _scalar(self, values: Array) -> Any:
        return float(values[0]) if self.single_target else values


@dataclass(frozen=True, eq=False, repr=False)
class Diagnostics(Shown):
    """Five tests of a fit, from one reading of its rows.

    Example:
        >>> import gradline as gl
        >>> found = gl.fit(*gl.line(seed=0)).diagnose()
        >>> [(test.name, round(test.p, 3)) for test in found.tests[:3]]
        [('breusch_pagan', 0.255), ('white', 0.462), ('reset', 0.338)]
    """

    tests: tuple[DiagnosticTest, ...]
    """In the order of the properties below."""
    targets: tuple[str, ...]
    single_target: bool
    nobs: float

    @property
    def breusch_pagan(self) -> DiagnosticTest:
        """Whether squared residuals go with the columns (Koenker's form, n·R²); `.f` is its F form."""
        return self.tests[0]

    @property
    def white(self) -> DiagnosticTest:
        """The same with the squares and products of the columns; `.f` is its F form."""
        return self.tests[1]

    @property
    def reset(self) -> DiagnosticTest:
        """Whether squares and cubes of the fitted values explain what the columns leave over: F."""
        return self.tests[2]

    @property
    def durbin_watson(self) -> DiagnosticTest:
        """Whether residuals of neighbouring rows are related: d, near 2 where they are not."""
        return self.tests[3]

    @property
    def jarque_bera(self) -> DiagnosticTest:
        """Whether residuals are as skewed and as long-tailed as normal ones: χ²."""
        return self.tests[4]

    def frame(self) -> pd.DataFrame:
        """One row per test and form (and target): statistic, df, df_denom, p_value, and why there is no test."""
        import pandas as pd

        forms = [form for test in self.tests for form in (test, test.f) if form is not None]
        frames = []
        for number, target in enumerate(self.targets):
            columns = {
                "test": [form.name for form in forms],
                "statistic": [form.statistics[number] for form in forms],
                "df": [form.dfs[number] for form in forms],
                "df_denom": [form.df_denoms[number] for form in forms],
                "p_value": [form.p_values[number] for form in forms],
                "left_out": [form.reasons[number] for form in forms],
            }
            frame = pd.DataFrame(columns)
            if not self.single_target:
                frame.insert(0, "target", target)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def explain(self, lang: str = "en") -> str:
        """What each test says of this fit and what to do, a sentence each; a paragraph for each target.

        Args:
            lang: "en" or "ko".

        Raises:
            OptionError: there are no words in this language.
        """
        from gradline.report.diagnostics import diagnostics_explained

        return diagnostics_explained(self, lang)

    def summary(self, lang: str = "en") -> str:
        """The tests as a table of at most 80 columns, and a sentence about each.

        Args:
            lang: "en" or "ko".

        Raises:
            OptionError: there are no words in this language.
        """
        from gradline.report.diagnostics import diagnostics_summary

        return diagnostics_summary(self, lang)
