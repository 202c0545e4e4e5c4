"""What may be asked of a fit beyond its own figures. These functions are methods of `Fit`, each a thin one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from gradline.results.collinearity import Collinearity
    from gradline.results.diagnostics import Diagnostics
    from gradline.results.fit import Fit
    from gradline.results.hypotheses import HypothesisTest
    from gradline.results.influence import Influence


def wald_test(fit: Fit, *hypotheses: str) -> HypothesisTest:
    """Test linear restrictions on the parameters, jointly and one by one.

        F = (R·b - r)'·(R·cov·R')⁻¹·(R·b - r) / q    on q and df_t degrees of freedom

    Args:
        fit: The fit.
        hypotheses: Equations of parameters by name: "distance = 0", "2*x1 - x2 = 3.5", "a = b = 0"; without "=", 0 is
            meant. Names may hold any characters: the longest that fits is taken, and in backticks one stands for
            itself. Levels are C(city)[T.B] or C(city)[B]; the base level is 0.

    Raises:
        OptionError: a hypothesis cannot be read, is not linear, contradicts another, or is about a coefficient that
            the data do not determine; or the fit has l1.
        ColumnError: it names no parameter.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.random.default_rng(0).normal(size=(50, 2))
        >>> fit = gl.fit(x, x @ [1.0, 1.0] + np.random.default_rng(1).normal(size=50))
        >>> fit.test("x1 = x2", "Intercept = 0")
        HypothesisTest: x1 = x2, Intercept = 0 · F 0.9123 on 2 and 47 df, p 0.409
    """
    from gradline.results.hypotheses import tested

    return tested(fit, hypotheses)


def collinearity(fit: Fit) -> Collinearity:
    """Variance inflation of each term and Belsley's condition indices, by name.

    They come from the fit alone. Digits are lost as the columns' order makes it hard to eliminate them, which is far
    less than the condition number would take.

    Args:
        fit: The fit.

    Raises:
        OptionError: the fit is penalised.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.random.default_rng(0).normal(size=(50, 2))
        >>> gl.fit(x, x.sum(axis=1)).collinearity()
              VIF  intervals
        x1  1.030     × 1.02
        x2  1.030     × 1.02
        <BLANKLINE>
        condition number 1.282 of 3 columns scaled
        no near-dependence: every condition index is below 30
    """
    from gradline.results.collinearity import collinear

    return collinear(fit)


def explain(fit: Fit, lang: str = "en") -> str:
    """What the fit says in a few sentences: its clearest slope, the scatter, and what errors in x do to it.

    Errors of standard deviation s in a column that varies by d (standard deviation beside the other columns) shrink
    its slope by the factor 1 - (s/d)², the reliability. It says from which s on that is a standard error or more,
    and of a fit with `x_error=` how much was corrected, and on what ground.

    Args:
        fit: The fit.
        lang: "en" or "ko".

    Raises:
        OptionError: there are no words in this language.

    Example:
        >>> import gradline as gl
        >>> print(gl.fit(*gl.line(seed=0)).explain().split(". ")[0])
        One unit more of x goes with 1.931 of y on average (95 % interval 1.871 to 1.992)

    Source: Fuller (1987), Measurement Error Models, section 1.1.
    """
    from gradline.report.fit_explanation import explained

    return explained(fit, lang)


def diagnose(fit: Fit, time: Any = None, data: Any = None, target: Any = None, *, weights: Any = None) -> Diagnostics:
    """Test what the fit takes for granted about its residuals, from one more reading of its rows.

        Breusch-Pagan   n·R² of e² on the columns, χ² (Koenker's form); and its F
        White           the same on the columns, their squares and their products: up to 18 columns
        RESET           F of the squares and cubes of the fitted values beside the columns
        Durbin-Watson   d = Σ (e_t - e_(t-1))² / Σ e²
        Jarque-Bera     n/6·(skewness² + (kurtosis - 3)²/4), χ²

    The first two always have a constant beside the columns. Columns that others determine, as the square of a 0 or 1,
    count once. The p-value of d is two-sided, from the normal distribution with the mean and variance that d has for
    these columns, which is as R's dwtest(exact=FALSE): with few rows it is rough. Rows that were left out are not
    there: the ones beside them are neighbours.

    With weights, e stands for √weight·e and n for the number of rows; e² is regressed on the columns as they are, and
    RESET is weighted as the fit. With frequency weights everything is as of the rows written out, without d.

    Args:
        fit: The fit.
        time: For d the order of the rows: the name of a column of numbers or dates, or values (n,); by default that
            in which they stand. Rows in another order are held in memory, 8 bytes for each column and target.
        data: As for `robust`; likewise target and weights.
        target: See data.
        weights: See data.

    Raises:
        OptionError: a fit with l1, l2 or x_error, no rows at hand, or time= beside frequency weights.
        DataError: the rows are not those of the fit, or times are missing or equal.

    Example:
        >>> import gradline as gl
        >>> found = gl.fit(*gl.line(seed=0)).diagnose()
        >>> found.breusch_pagan, found.white.f
        (Breusch-Pagan: χ² 1.297 on 1 df, p 0.255, White: F 0.7602 on 2 and 97 df, p 0.470)
        >>> print(found.reset.explain())
        No bend shows (p 0.338): squares and cubes of the fitted values explain no more than chance would.

    Source: Koenker (1981), J. Econometrics 17, 107-112; White (1980), Econometrica 48, 817-838; Ramsey (1969), J.
    Royal Statistical Society B 31, 350-371; Durbin & Watson (1950), Biometrika 37, 409-428; Jarque & Bera (1987),
    International Statistical Review 55, 163-172.
    """
    from gradline.second_pass.diagnosing import diagnosed

    return diagnosed(fit, time, (data, target, weights))


def to_latex(fit: Fit, level: float = 0.95) -> str:
    r"""The coefficients as a LaTeX tabular for each target, with the rules of the package booktabs.

    Args:
        fit: The fit.
        level: Probability of the confidence intervals.

    Raises:
        OptionError: level is not between 0 and 1.

    Example:
        >>> import gradline as gl
        >>> print(gl.fit([[1.0], [2.0], [4.0], [5.0]], [3.0, 5.0, 9.0, 12.0]).to_latex().splitlines()[1])
        \begin{tabular}{lrrrrrr}
    """
    from gradline.report.fit_tables import fit_latex

    return fit_latex(fit, level)


def to_markdown(fit: Fit, level: float = 0.95) -> str:
    """The coefficients as a Markdown table for each target, and a line about the whole fit.

    Args:
        fit: The fit.
        level: Probability of the confidence intervals.

    Raises:
        OptionError: level is not between 0 and 1.

    Example:
        >>> import gradline as gl
        >>> print(gl.fit([[1.0], [2.0], [4.0], [5.0]], [3.0, 5.0, 9.0, 12.0]).to_markdown().splitlines()[2])
        | Intercept |   0.6500 |  0.4486 |  1.45 | 0.284 |    -1.280 | 2.580 |
    """
    from gradline.report.fit_tables import fit_markdown

    return fit_markdown(fit, level)


def report(fit: Fit, path: str | Path, lang: str = "en", *, level: float = 0.95) -> None:
    """Write the fit as one HTML page, whole or not at all; it needs the extra `report`.

    The page has the table, the pictures, what was read and left out, how sure the numbers are, what stands against
    them and what to do about it, and the call and versions that make it again. It needs no network and no script,
    is light or dark as its reader is, and can be printed. It stays under 1 MB for any number of rows. Pictures of the
    rows take a second reading; of a fit that has no rows at hand the page says that it has not.

    Args:
        fit: The fit.
        path: Where to write. The same fit gives the same bytes, but for versions.
        lang: "en" or "ko".
        level: Probability of the confidence intervals in tables.

    Raises:
        OptionError: there are no words in this language, level is not between 0 and 1, path is none, or jinja2 or
            matplotlib is not installed.
        StorageError: the file cannot be written.

    Example:
        >>> import pathlib, tempfile, gradline as gl
        >>> fit = gl.fit(*gl.line(seed=0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = pathlib.Path(folder, "line.html")
        ...     fit.report(page)
        ...     page.read_text(encoding="utf-8").splitlines()[0]
        '<!doctype html>'
    """
    from gradline.pages.page import write_fit

    write_fit(fit, path, lang, level=level)


def influence(fit: Fit, most: int = 10, data: Any = None, target: Any = None, *, weights: Any = None) -> Influence:
    """The rows that change the fit most, from a second reading: leverage, Cook's distance, DFFITS, DFBETAS.

    All of it in closed form, without fitting again, with a memory that does not grow with the rows. With weights,
    residuals and leverages are those of the rows times √weight; with frequency weights those of one of the copies.

    Args:
        fit: The fit.
        most: How many rows to name, by Cook's distance.
        data: As for `robust`; likewise target and weights.
        target: See data.
        weights: See data.

    Raises:
        OptionError: the fit is penalised, or its rows are not at hand.
        DataError: the rows are not those of the fit.

    Example:
        >>> import numpy as np, gradline as gl
        >>> y = np.array([1.0, 2.1, 2.9, 4.0, 5.2, 9.0])
        >>> gl.fit(np.arange(6.0), y).influence(most=1)
        6 rows of the array, counted from 0; those that change the fit most:
        <BLANKLINE>
        row  leverage  studentized  Cook's distance  DFFITS  moves most
          5     0.524         16.5             2.18    17.3  x +14.3 se
        <BLANKLINE>
        leverage above 2p/n = 0.667: 0 rows · |studentized| above 3: 1 row
        the largest |studentized|, 16.5, is that of row 5: an outlier (p 0.003 for the
          largest of 6 rows)
    """
    from gradline.second_pass.influence import influence_of

    return influence_of(fit, (data, target, weights), most)


def augment(
    fit: Fit,
    data: Any = None,
    target: Any = None,
    out: str | Path | None = None,
    *,
    weights: Any = None,
    dfbetas: bool = False,
) -> pd.DataFrame | None:
    """All rows with what the fit says of each, as a data frame, or written to a file of any size.

    Beside the columns of the data stand fitted, residual, leverage, standardized (the residual over its standard
    deviation), studentized (over that of a fit without the row), cooks_distance and dffits, with the name of the
    target where there are several, and an underscore at the end where a column has that name. Rows that were left out
    have no values there.

    Args:
        fit: The fit.
        data: As for `robust`; likewise target and weights.
        target: See data.
        out: A file to write, by the ending of its name Parquet, CSV or Feather; whole or not at all. Rows are read,
            diagnosed and written in turn.
        weights: See data.
        dfbetas: Whether to add dfbetas_… of each parameter.

    Returns:
        The data frame; None where a file was written.

    Raises:
        OptionError: the fit is penalised, its rows are not at hand, or the ending of out is another.
        DataError: the rows are not those of the fit.
        StorageError: the file cannot be written.

    Example:
        >>> import gradline as gl
        >>> fit = gl.fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> fit.augment()[["y", "fitted", "leverage"]].round(2)
              y  fitted  leverage
        0   5.1    5.03       0.7
        1   6.9    7.01       0.3
        2   9.0    8.99       0.3
        3  11.0   10.97       0.7
    """
    from gradline.second_pass.influence import augmented

    rows: pd.DataFrame | None = augmented(fit, (data, target, weights), out, dfbetas=dfbetas)
    return rows
