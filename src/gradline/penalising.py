"""`gl.path`: one pass over the rows, and the coefficients for every strength of a penalty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.allowed import truth
from gradline.cluster.choice import opened
from gradline.design.problem import pose
from gradline.design.request import demand_options
from gradline.exact.centred import Centred, centred
from gradline.exact.penalties import Penalised, penalised, solution, squares_left, sums_of
from gradline.exact.strengths import Strengths
from gradline.fitting import demand_a_model, finished
from gradline.layout import listing
from gradline.moments import Moments, Progress, accumulate
from gradline.moments.plan import plan_of
from gradline.results.penalty_path import PenaltyPath

if TYPE_CHECKING:
    from gradline.results.fit import Fit


COARSE = 1e-10
"""Errors of sums beside a column's squares about its mean, from which on rows are read again in double-double."""


def path(
    data: Any,
    target: Any = None,
    *,
    l1: float | Sequence[float] | None = None,
    l2: float | Sequence[float] | None = None,
    strengths: int | None = None,
    mix: float | None = None,
    ratio: float | None = None,
    standardize: bool = False,
    intercept: bool = True,
    missing: str = "drop",
    precision: str = "auto",
    progress: Progress | None = None,
    engine: Any = "local",
    **request: Any,
) -> PenaltyPath:
    """The whole path of a penalised fit, for one reading of the data.

    Minimises RSS + 2·l1·Σ s·|coef| + l2·Σ s²·coef² for each pair of strengths, where RSS = Σ w·(y - b - x·coef)²; the
    intercept b is never penalised, and s is 1, or with standardize=True the column's standard deviation (n below).
    So a coefficient is 0 where |x'·residual| is at most l1·s, and l2 is the l2 of `gl.fit`. Coefficients are always
    those of the columns as they are. `gl.Strength` has the strengths of other programs.

    Args:
        data: As for `gl.fit`; likewise target, intercept, missing, precision, progress and engine.
        target: See data.
        l1: A strength or a sequence of them; paired with l2 where both are sequences.
        l2: Likewise.
        strengths: Where neither l1 nor l2 is given: how many λ to lay out, evenly in their logarithms, from the
            smallest at which all coefficients are 0 (of ridge, the largest eigenvalue of X'X); 100 by default.
        mix: With λ laid out, l1 = mix·λ and l2 = (1 - mix)·λ: 1 is the lasso (the default), 0 ridge.
        ratio: The smallest λ as a share of the largest; 1e-3, for ridge 1e-6.
        standardize: Whether to penalise coefficients as if columns had standard deviation 1.
        intercept: See data.
        missing: See data.
        precision: See data.
        progress: See data.
        engine: See data.
        request: features, formula, weights, frequency_weights, where and sql, as for `gl.fit`.

    Raises:
        GradlineError: the request or the data cannot be used; the message says what to try.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.column_stack([np.arange(8.0), np.arange(8.0) % 3])
        >>> path = gl.path(x, 2 * x[:, 0] + 0.1 * x[:, 1] + 1, strengths=4)
        >>> path.l1.round(3), (path.coef != 0).sum(axis=1)
        (array([8.415e+01, 8.415e+00, 8.410e-01, 8.400e-02]), array([0, 1, 1, 2]))

    Source: docs/architecture.md; Friedman, Hastie & Tibshirani (2010), J. Stat. Softw. 33(1); Tibshirani et al.
    (2012), JRSS B 74(2).
    """
    demand_options(path, request)
    wanted, standardize = Strengths(l1, l2, strengths, mix, ratio), truth("standardize", standardize)
    problem = pose(data, target, intercept=intercept, once=True, **request)
    plan = plan_of(problem, precision)
    with opened(engine) as there:
        moments = accumulate(problem, missing=missing, precision=plan.precision, progress=progress, engine=there)
        if plan.second and is_coarse(moments):
            moments = accumulate(problem, missing=missing, progress=progress, engine=there)
    return path_of(moments, wanted, intercept=problem.intercept, standardize=standardize)


def path_moments(
    moments: Moments,
    *,
    l1: float | Sequence[float] | None = None,
    l2: float | Sequence[float] | None = None,
    strengths: int | None = None,
    mix: float | None = None,
    ratio: float | None = None,
    standardize: bool = False,
    intercept: bool = True,
) -> PenaltyPath:
    """The path from moments; options as in `path`."""
    wanted, standardize = Strengths(l1, l2, strengths, mix, ratio), truth("standardize", standardize)
    return path_of(moments, wanted, intercept=truth("intercept", intercept), standardize=standardize)


def path_of(moments: Moments, wanted: Strengths, *, intercept: bool, standardize: bool) -> PenaltyPath:
    """The path through these strengths."""
    demand_a_model(moments, intercept)
    sums, about = sums_of(moments), about_means(moments, intercept, standardize)
    l1, l2 = wanted.of(about)
    found = penalised(sums, l1, l2, intercept=intercept, standardize=standardize, about=about)
    nothing = np.zeros((1, len(moments.targets)))
    none = Penalised(
        (np.zeros((1, sums.features, len(nothing[0]))),) * 2, _means(about), nothing, found.states, about.usable
    )
    return PenaltyPath(
        moments=moments,
        l1=l1,
        l2=l2,
        has_intercept=intercept,
        standardized=standardize,
        slopes=found.slopes[0],
        constants=found.constants[0],
        freedom=found.freedom,
        rss=squares_left(moments.pair, found),
        tss=np.where(sums.constant, 0.0, squares_left(moments.pair, none)[0]),
        states=found.states,
        notes=tuple(_notes(moments, found)),
    )


def fit_at(path: PenaltyPath, number: int) -> Fit:
    """The fit at one strength of a path."""
    l1, l2 = float(path.l1[number]), float(path.l2[number])
    one = solution(
        sums_of(path.moments),
        l1,
        l2,
        intercept=path.has_intercept,
        standardize=path.standardized,
        slopes=path.slopes[number],
    )
    return finished(path.moments, one, path.has_intercept, l1, l2, path.standardized)


def is_coarse(moments: Moments) -> bool:
    """Whether means so far from 0 leave less than ten digits of how columns vary about them."""
    norms, mean = moments.hi.diagonal()[1:], moments.hi[0, 1:] / moments.hi[0, 0]
    spread = norms - mean**2 * moments.hi[0, 0]
    return bool((moments.units[1:] * norms > COARSE * np.maximum(spread, 0.0))[norms > 0].any())


def about_means(moments: Moments, intercept: bool, standardize: bool) -> Centred:
    """The moments less their means."""
    return centred(moments.pair, len(moments.columns), intercept=intercept, standardize=standardize)


def _means(about: Centred) -> tuple[Any, Any]:
    return about.target_mean[0][None], about.target_mean[1][None]


def _notes(moments: Moments, found: Penalised) -> list[str]:
    notes = []
    if moments.precision == "float64" and is_coarse(moments):
        notes.append('means far from 0 leave few digits of sums in float64: take precision="double-double"')
    if moments.rows > moments.used:
        notes.append(f"{moments.rows - moments.used} of {moments.rows} rows left out")
    constant = [name for name, usable in zip(moments.columns, found.usable, strict=True) if not usable]
    if constant:
        notes.append(f"these do not vary and have coefficient 0: {listing(constant, 200)}")
    for state, text in (
        (1, "columns are dependent, so other coefficients are as good"),
        (2, "the optimality conditions could not all be met"),
    ):
        at = (found.states == state).any(axis=1).nonzero()[0].tolist()
        if at:
            notes.append(f"{text}: at strength{'s' * (len(at) > 1)} {listing(map(str, at), 200)}")
    return notes
