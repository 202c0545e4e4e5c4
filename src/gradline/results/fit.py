"""`Fit`: the exact answer, how sure it is, and what it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.design.recipe import EMPTY, Recipe
from gradline.design.terms import Term
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.exact.errors_in_x import XError
from gradline.moments.plan import Plan
from gradline.results import questions
from gradline.results.covariance import Covariance
from gradline.results.figures import Figures
from gradline.results.prediction import Prediction as Prediction
from gradline.results.prediction import predict
from gradline.results.shown import Shown

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Figures, Shown):
    """The exact solution of a least-squares problem, with its uncertainty.

    Vectors are aligned with `names`, "Intercept" first. With one target they are (p,); with k targets they have a
    trailing axis of length k, and scalars become (k,). Columns that the ones before them determine are `aliased`:
    their parameter is NaN, and they count as 0 in predictions.

    Example:
        >>> import gradline as gl
        >>> fit = gl.fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> dict(zip(fit.names, fit.params.round(2).tolist()))
        {'Intercept': 3.05, 'x': 1.98}
        >>> fit.conf_int().round(2).tolist(), round(fit.r2, 4)
        ([[2.55, 3.55], [1.8, 2.16]], 0.9991)

    Source: Seber & Lee (2003), Linear Regression Analysis, chapters 3 to 5; AIC and BIC as statsmodels has them
    (the residual variance is not counted as a parameter).
    """

    names: list[str]
    terms: tuple[Term, ...]
    targets: tuple[str, ...]
    has_intercept: bool
    estimates: Array  # (p, k)
    estimates_low: Array  # (p, k) what rounding to float64 took from the estimates
    variance: Array  # (p,) variances of the parameters for residuals of variance 1
    root: Array  # (p, p): the covariance for residuals of variance 1 is rootᵀ·root
    rss: Array  # (k,)
    tss: Array  # (k,)
    nobs: float
    """Rows in the fit; with frequency weights as many as they stand for."""
    rows: int
    """Rows read, with the ones left out."""
    missing: Mapping[str, int]
    """How many rows lacked each column, where any did."""
    rank: int
    freedom: float
    """Effective number of parameters: the rank, less with l2."""
    aliased: Mapping[str, str]
    """Columns that the ones before them determine, each with the relation found."""
    digits: float
    """Lower bound on the correct decimal digits of every parameter, taking the data as exact; at most 15.9.

    A parameter that is zero to within its bound, and whose part in the target would be below 1e-20 of it, far less
    than float64 data carry, is given as 0 and not counted.
    """
    condition_number: float
    """Of the columns scaled to unit length."""
    l2: float
    weighted: bool
    log_weights: float
    single_target: bool
    array_names: bool
    """Whether the columns came without names, so that new data match them by position."""
    source: str
    notes: tuple[str, ...]
    """What a reader of this result should know, in plain words."""
    recipe: Recipe = EMPTY
    """How new data become the columns of the model."""
    plan: Plan | None = None
    """How the rows were read and summed, and why so; None for a fit from moments."""
    left_out: int = 0
    """Rows read that are not in the fit."""
    origin: tuple[float, ...] = ()
    """(d,) where features are integers too large beside their spread: `root` and the condition number are those of
    the features less these. Parameters are those of the features themselves."""
    precision: str = "double-double"
    """Of the sums that were solved: "double-double" or "float64"."""
    l1: float = 0.0
    """Strength of a lasso penalty; with one there are no standard errors, and what is made of them is NaN."""
    standardized: bool = False
    """Whether penalties weigh each coefficient by the standard deviation of its column."""
    weight_column: str | None = None
    """What the weights were called."""
    frequency: bool = False
    """Whether they said how many rows each row stands for."""
    covariance: Covariance | None = None
    """What standard errors, t, p and intervals are made of; None for the classical σ²·(X'X)⁻¹."""
    relations: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """(r, rank) of each aliased column, its coefficients on those that are not, all of them less `origin`."""
    x_error: XError | None = None
    """What the slopes were corrected for, with `x_error=`; what F and likelihood say of least squares is NaN then."""

    def robust(self, kind: str = "HC3", data: Any = None, target: Any = None, *, weights: Any = None) -> Fit:
        """The fit with standard errors for rows that are independent and have a variance of their own each.

            (X'X)⁻¹·X'·diag(e²/(1 - h)^δ)·X·(X'X)⁻¹,  δ = 0 for HC0, 1 for HC2, 2 for HC3; HC1 is HC0·n/(n - p)

        It takes a second reading of the rows. With weights, e, X and h are those of the columns times √weight; with
        frequency weights those of the rows written out. t, p and intervals have df_resid degrees of freedom, as
        lmtest's coeftest and statsmodels' use_t=True; statsmodels' default is the normal distribution.

        Args:
            kind: "HC0", "HC1", "HC2" or "HC3".
            data: The rows; by default those that were fitted, while this fit is in use. A fit holds on to arrays and
                frames that it was made of; one that was loaded, made of moments or of rows that come once has none.
            target: With arrays in data= the values of the target; by default columns are found by their names.
            weights: With arrays in data= the weights, if the fit had some.

        Raises:
            OptionError: an unknown kind, a fit with l1 or l2, or no rows at hand.
            DataError: the rows are not those of the fit; or, for HC2 and HC3, a row has leverage 1.

        Example:
            >>> import gradline as gl
            >>> fit = gl.fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
            >>> fit.se.round(4), fit.robust("HC3").se.round(4)
            (array([0.1162, 0.0424]), array([0.2512, 0.0778]))

        Source: MacKinnon & White (1985), Journal of Econometrics 29, 305-325.
        """
        from gradline.second_pass import robust

        robust.demand_kind(kind, robust.HETEROSCEDASTIC)
        return robust.with_errors(self, robust.Errors(kind), (data, target, weights))

    def clustered(
        self, *clusters: Any, kind: str = "CR1", data: Any = None, target: Any = None, weights: Any = None
    ) -> Fit:
        """The fit with standard errors for rows that are related to those of the same cluster.

            (X'X)⁻¹·Σ_g X_g'·e_g·e_g'·X_g·(X'X)⁻¹

        times G/(G - 1)·(n - 1)/(n - p) for "CR1", as Stata and statsmodels have it. Of two columns, rows are related
        that share either: V = V_a + V_b - V_ab, each with the factor of its own number of clusters. t, p and
        intervals have G - 1 degrees of freedom, as in Stata, of the column with fewer clusters. Memory holds p + 1
        numbers for each cluster and target.

        Args:
            clusters: One or two: names of columns of the data, or values (n,) in memory: numbers, text, dates.
            kind: "CR0" has no factor; "CR2" multiplies e_g by (1 - H_gg)^(-1/2), which has no bias for errors that
                are independent. It is for one column, keeps p²/2 more numbers for each cluster (2 GB at most) and
                takes the eigenvalues of a p by p matrix of each.
            data: As for `robust`; likewise target and weights.
            target: See data.
            weights: See data.

        Raises:
            OptionError: no cluster column or more than two, and as `robust`.
            DataError: a cluster column has missing values or one cluster only, and as `robust`.

        Source: Cameron, Gelbach & Miller (2011), Journal of Business & Economic Statistics 29, 238-249; Bell &
        McCaffrey (2002), Survey Methodology 28, for CR2.

        Example:
            >>> import numpy as np, gradline as gl
            >>> x, firm = np.arange(12.0), np.repeat([0, 1, 2, 3], 3)
            >>> y = x + np.sin(np.arange(12.0))
            >>> gl.fit(x, y).clustered(firm).se.round(3), gl.fit(x, y).se.round(3)
            (array([0.368, 0.049]), array([0.4  , 0.062]))
        """
        from gradline.second_pass import robust

        robust.demand_kind(kind, robust.CLUSTERED)
        return robust.with_errors(self, robust.Errors(kind, clusters), (data, target, weights))

    def hac(
        self,
        lags: int | None = None,
        time: Any = None,
        *,
        small_sample: bool = False,
        data: Any = None,
        target: Any = None,
        weights: Any = None,
    ) -> Fit:
        """The fit with standard errors for rows that are related to their neighbours (Newey and West).

            (X'X)⁻¹·[Γ_0 + Σ_l (1 - l/(L + 1))·(Γ_l + Γ_l')]·(X'X)⁻¹,  Γ_l = Σ_t e_t·e_(t-l)·x_t·x_(t-l)'

        Rows that were left out are not there: the ones beside them are neighbours. No prewhitening, as in statsmodels
        and Stata; t, p and intervals have df_resid degrees of freedom.

        Args:
            lags: L; by default the whole part of 4·(n/100)^(2/9).
            time: The order of the rows: the name of a column of numbers, or values (n,); by default that in which
                they stand. Rows in another order are held in memory, 8 bytes for each score.
            small_sample: Whether to multiply by n/(n - p), as Stata and statsmodels' use_correction do.
            data: As for `robust`; likewise target and weights.
            target: See data.
            weights: See data.

        Raises:
            OptionError: lags is not a whole number below n; a fit with frequency weights; and as `robust`.
            DataError: times are missing or equal, and as `robust`.

        Source: Newey & West (1987), Econometrica 55, 703-708.

        Example:
            >>> import numpy as np, gradline as gl
            >>> x = np.arange(12.0)
            >>> gl.fit(x, x + np.sin(x)).hac(lags=2).se.round(3)
            array([0.302, 0.05 ])
        """
        from gradline.second_pass import robust

        wanted = robust.Errors("HAC", (), lags, time, small_sample)
        return robust.with_errors(self, wanted, (data, target, weights))

    def predict(
        self,
        new: Any,
        interval: str | None = None,
        level: float = 0.95,
        *,
        unseen: str = "error",
        engine: Any = "local",
    ) -> Array | Prediction:
        """Predict the target for new rows.

        Args:
            new: As the features of `gl.fit`: tables by name in any order, arrays by position.
            interval: None; "mean" for the confidence interval of the expected value, σ·√h; "prediction" for
                one new observation, σ·√(1 + h), with h = z (X'X)⁻¹ z'.
            level: Probability that the interval covers what it is for.
            unseen: What a level of a category gives that was not in the data of the fit: "error", or "nan". A
                combination of levels that was not there gives a warning, or NaN too.
            engine: For files: whose workers read and score them, as for `gl.fit`; the answer comes here.

        Returns:
            (n,) or (n, k); with an interval a named tuple (fit, lower, upper) of these. A row with a missing input
            gives NaN, never a shorter answer. One that breaks the relation of an aliased column gives a warning: the
            data of the fit do not say what to predict there, and the number is one of many.

        Raises:
            ColumnError: a column is missing in new.
            ShapeError: an array has another number of columns than the model.
            OptionError: an interval is asked of a fit with l1, which has no standard errors.
            DataError: an infinite value, or a level that was not in the data of the fit; with its column and row.
        """
        if self.l1 and interval is not None:
            raise OptionError(
                "a fit with l1 has no standard errors, so it gives no intervals.\nAsk for predictions alone."
            )
        answer = predict(self, new, interval=interval, level=level, unseen=unseen, engine=engine)
        if interval is None:
            return self._vector(answer.fit)
        return Prediction(*[self._vector(part) for part in answer])

    def to_torch(self, dtype: torch.dtype | None = None) -> torch.nn.Linear:
        """The fit as `nn.Linear`, float64 unless dtype says otherwise; aliased columns have weight 0.

        Raises:
            OptionError: dtype is no floating-point type.

        Example:
            >>> import torch, gradline as gl
            >>> layer = gl.fit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0]).to_torch()
            >>> layer(torch.tensor([[10.0]], dtype=torch.float64)).item()
            21.0
        """
        import torch

        if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
            raise OptionError(f"dtype is a floating-point type such as torch.float32, not {dtype!r}.")
        params = np.nan_to_num(self.estimates)
        slopes = params[int(self.has_intercept) :]
        d, k = slopes.shape
        layer = torch.nn.Linear(d, k, bias=self.has_intercept, dtype=dtype or torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(slopes.T.copy()))
            if self.has_intercept:
                layer.bias.copy_(torch.from_numpy(params[0].copy()))
        return layer

    def to_onnx(self, path: str | Path) -> None:
        """Write the fit as an ONNX model in float64, whole or not at all; it needs the extra `onnx`.

        A fit on an array has one input, x (n, d). Otherwise each column is an input (n,) of its own name: float64,
        for categories string, int64 or bool. The output is `prediction`, (n,) or (n, k), or
        `fitted prediction` where a column is called so. A missing number and a level
        that the fit has not seen give NaN; so does what `predict` refuses, or infinity. Text is never missing there.
        Every function of formulas can be written; what compares or rounds decides by the same digits as `predict`.

        Raises:
            OptionError: the model has something that there is no operation for (categories of fractions or of
                computed columns, columns that are both numbers and text); path is none; or onnx is not installed.
            StorageError: the file cannot be written.
        """
        from gradline.export.onnx import write

        write(self, path)

    def to_sql(self) -> str | dict[str, str]:
        """The fit as an SQL expression over its columns, for DuckDB and PostgreSQL; of several targets one for each.

        Names are quoted and numbers exact; arithmetic is that of doubles, where `predict` carries powers and
        computed columns to 32 digits. NULL in a column, a level that the fit has not seen, and what has no value
        (log of 0) give NULL. PostgreSQL needs truth values that are numbers here as 0 and 1.

        Raises:
            OptionError: a computed column has something that the two do not share (%, //, x**y).

        Example:
            >>> import gradline as gl
            >>> print(gl.fit([[1.0], [2.0], [4.0]], [3.0, 5.0, 9.0]).to_sql())
            (CAST(1.0 AS DOUBLE PRECISION) + CAST(2.0 AS DOUBLE PRECISION) * CAST("x" AS DOUBLE PRECISION))
        """
        from gradline.export.sql import expressions

        found = expressions(self)
        return found[0] if self.single_target else dict(zip(self.targets, found, strict=True))

    test = questions.wald_test
    collinearity = questions.collinearity
    diagnose = questions.diagnose
    explain = questions.explain
    influence = questions.influence
    augment = questions.augment
    to_latex = questions.to_latex
    to_markdown = questions.to_markdown
    report = questions.report

    def summary(self) -> str:
        """The result as a table of at most 80 columns.

        Example:
            >>> import gradline as gl
            >>> print(gl.fit([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 4.0, 5.0]).summary())
            y   4 rows
            <BLANKLINE>
                       estimate  std err     t      p  95 % interval
            Intercept    0.9000   0.2646  3.40  0.077  -0.238  2.038
            x            1.4000   0.1414  9.90  0.010   0.792  2.008
            <BLANKLINE>
            R² 0.980 (adjusted 0.970) · residual sd 0.3162 on 2 df · F 98.00, p 0.010
            numbers: 15 digits sure · condition 3 scaled · double-double, one pass
        """
        from gradline.report.text import fit_summary

        return fit_summary(self)

    def plot(
        self,
        kind: str | None = None,
        ax: Axes | None = None,
        lang: str = "en",
        *,
        target: str | None = None,
    ) -> Axes:
        """Draw the fit; it needs the extra `plot`.

        Args:
            kind: "data" is the rows with the line over one column, its confidence band and that of new rows; it is
                the picture of such a fit, and of others "coefficients", each with its 95 % confidence interval: all
                but the intercept, of more than 60 those furthest from 0 in standard errors. "residuals" (against
                fitted values), "qq" (against the normal distribution), "scale" (does their size depend on the fitted
                value?) and "leverage" (with Cook's distances) take a second reading, one for all of them; so does
                "data". Of more than 5,000 rows a shade says how many lie where.
            ax: Axes to draw on; by default those of a new figure.
            lang: "en" or "ko".
            target: Of several; by default the first.

        Raises:
            OptionError: No such kind, language or target; no rows at hand; or matplotlib is not installed.
        """
        from gradline.pictures.kinds import picture_of_fit

        return picture_of_fit(self, kind, ax, lang, target=target)

    def save(self, path: str | Path) -> None:
        """Write the fit to one safetensors file, whole or not at all; it holds nothing of the data.

        Raises:
            StorageError: the file cannot be written.

        Example:
            >>> import pathlib, tempfile, gradline as gl
            >>> fit = gl.fit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     fit.save(pathlib.Path(folder, "line.safetensors"))
            ...     gl.load(pathlib.Path(folder, "line.safetensors")).predict([10.0])
            array([21.])
        """
        from gradline import storage

        storage.save_fit(self, path)

    def __repr__(self) -> str:
        from gradline.report.text import fit_line

        return fit_line(self)
