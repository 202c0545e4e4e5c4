"""`gl.crossval`: one pass over the rows, and every strength judged by every fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradline.allowed import truth
from gradline.cluster.choice import opened
from gradline.design.request import demand_options
from gradline.exact.crossval import held_out
from gradline.exact.strengths import Strengths
from gradline.folded import Folded, Rows, gather
from gradline.moments import Progress
from gradline.moments.one_pass import processors
from gradline.penalising import path_of
from gradline.results.cross_validation import CrossValidation


def crossval(
    data: Any,
    target: Any = None,
    *,
    folds: Any = 10,
    groups: Any = None,
    time: Any = None,
    seed: int = 0,
    l1: float | Sequence[float] | None = None,
    l2: float | Sequence[float] | None = None,
    strengths: int | None = None,
    mix: float | None = None,
    ratio: float | None = None,
    standardize: bool = False,
    per_row: bool = True,
    intercept: bool = True,
    missing: str = "drop",
    precision: str = "auto",
    progress: Progress | None = None,
    engine: Any = "local",
    **request: Any,
) -> CrossValidation:
    """Judge every strength of a penalty by rows that were held out, for one reading of the data.

    The moments of each fold are gathered in the same pass, folds·p² numbers; what a fold trains on is the sum of the
    others', and its held-out error is the quadratic form v'·A·v / n of its own, v = (-b, -coef, 1), in double-double.

    Args:
        data: As for `gl.fit`; likewise target, intercept, missing, precision, progress and engine.
        target: See data.
        folds: How many: each run of so many consecutive rows has one in every fold, in an order hashed from the seed
            and their position. Or (n,) the fold of each row, or the name of a column that says it.
        groups: (n,) or the name of a column: rows of a group share a fold. Groups are dealt to folds in an order that
            is hashed from the seed; a column is read once before the pass, to know them all. Where rows come only
            once, the fold of each group is hashed by itself.
        time: (n,) or the name of a column: rows are cut by time into one stretch more than folds; each fold is a
            stretch, trained on all before it, as in scikit-learn's TimeSeriesSplit. Equal times stay together. A
            column is read once before the pass, for where to cut.
        seed: Of the hash.
        l1: As for `gl.path`; likewise l2, strengths, mix, ratio and standardize.
        l2: See l1.
        strengths: See l1.
        mix: See l1.
        ratio: See l1.
        standardize: See l1; by the deviations of the rows that are trained on.
        per_row: Whether a training set has strengths in proportion to its rows, as in Lasso, ElasticNet and glmnet;
            False gives it those of all rows, as RidgeCV does.
        intercept: See data.
        missing: See data; rows left out are in no fold.
        precision: See data.
        progress: See data.
        engine: See data.
        request: features, formula, weights, frequency_weights, where and sql, as for `gl.fit`.

    Raises:
        GradlineError: the request or the data cannot be used: fewer than 2 folds, more folds than rows, a fold with
            no rows, a missing value where it says in which fold a row is.

    Example:
        >>> import numpy as np, gradline as gl
        >>> x = np.arange(12.0)
        >>> cv = gl.crossval(x, 2 * x + 1, folds=[0, 1, 2] * 4, l2=[100, 1])
        >>> cv.mean.round(2).tolist(), cv.best
        ([8.81, 0.0], 1)

    Source: docs/architecture.md; Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, 7.10.
    """
    demand_options(crossval, request)
    wanted = Strengths(l1, l2, strengths, mix, ratio)
    standardize, per_row = truth("standardize", standardize), truth("per_row", per_row)
    by = Rows(folds, groups, time, seed)
    with opened(engine) as there:
        found = gather(
            data,
            target,
            by,
            intercept=intercept,
            missing=missing,
            precision=precision,
            progress=progress,
            engine=there,
            **request,
        )
    return judged(found, wanted, standardize=standardize, per_row=per_row)


def judged(found: Folded, wanted: Strengths, *, standardize: bool, per_row: bool) -> CrossValidation:
    """These strengths, fitted to all rows and judged by each fold."""
    path = path_of(found.total, wanted, intercept=found.intercept, standardize=standardize)
    errors = held_out(
        found.splits,
        path.l1,
        path.l2,
        total=float(found.total.hi[0, 0]),
        per_row=per_row,
        intercept=found.intercept,
        standardize=standardize,
        threads=processors(),
    )
    return CrossValidation(
        path=path,
        errors=errors,
        folds=found.labels,
        sizes=tuple(float(split.test.pair[0][0, 0]) for split in found.splits),
        assigned=found.assigned,
        per_row=per_row,
        notes=path.notes,
    )
