"""`gl.subsets`: which terms to keep, for one reading of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradline.allowed import one_of, truth
from gradline.design.problem import pose
from gradline.design.request import demand_options
from gradline.design.terms import by_effect
from gradline.errors import OptionError
from gradline.exact.crossval import Split
from gradline.exact.subsets import Steps, gaussian_criteria, held_out_error, stepwise
from gradline.fitting import demand_a_model
from gradline.folded import Rows, gather
from gradline.layout import listing
from gradline.moments import Moments, Progress, accumulate
from gradline.results.subsets import Subsets

METHODS = ("forward", "backward")
CRITERIA = ("bic", "aic", "cv")


def subsets(
    data: Any,
    target: Any = None,
    *,
    method: str = "forward",
    criterion: str = "bic",
    folds: Any = None,
    groups: Any = None,
    time: Any = None,
    seed: int = 0,
    intercept: bool = True,
    missing: str = "drop",
    progress: Progress | None = None,
    **request: Any,
) -> Subsets:
    """Select terms one at a time, and judge each model by a criterion.

    Forward starts without terms and takes in the one that lowers the RSS most; backward starts with all and takes
    out the one that raises it least. Every step is a sweep of the moments, in double-double. The columns of a
    category are one term.

    Args:
        data: As for `gl.fit`; likewise target, intercept, missing and progress.
        target: See data; one.
        method: "forward" or "backward".
        criterion: "bic", log(n)·q - 2·log L; "aic", 2·q - 2·log L; or "cv", the mean squared error of held-out rows,
            for which each fold selects anew by its training rows and is judged at every size.
        folds: As for `gl.crossval`, 10 by default; likewise groups, time and seed. They are for "cv" only.
        groups: See folds.
        time: See folds.
        seed: See folds.
        intercept: See data.
        missing: See data.
        progress: See data.
        request: features, formula, weights, frequency_weights, where and sql, as for `gl.fit`.

    Raises:
        GradlineError: the request or the data cannot be used; the message says what to try.

    Example:
        >>> import numpy as np, gradline as gl
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 4))
        >>> gl.subsets(x, 3 * x[:, 2] + x[:, 0] + rng.normal(size=200), method="backward", criterion="cv").terms
        ('x1', 'x3')

    Source: Miller (2002), Subset Selection in Regression, chapter 3; Goodnight (1979), The American
    Statistician 33(3).
    """
    demand_options(subsets, request)
    one_of("method", method, METHODS)
    one_of("criterion", criterion, CRITERIA)
    if criterion != "cv":
        if groups is not None or time is not None or folds is not None:
            raise OptionError(
                f'folds are for criterion="cv", and it is {criterion!r}.\nLeave folds=, groups= and time= out.'
            )
        problem = pose(data, target, intercept=intercept, once=True, **request)
        moments = accumulate(problem, missing=missing, progress=progress)
        return _selected(moments, method, criterion, problem.intercept, [], "")
    by = Rows(10 if folds is None else folds, groups, time, seed)
    found = gather(
        data,
        target,
        by,
        intercept=intercept,
        missing=missing,
        precision="double-double",
        progress=progress,
        **request,
    )
    return _selected(found.total, method, criterion, found.intercept, found.splits, found.assigned)


def subsets_of_moments(
    moments: Moments, *, method: str = "forward", criterion: str = "bic", intercept: bool = True
) -> Subsets:
    """The same from moments, which have no folds."""
    one_of("method", method, METHODS)
    one_of("criterion", criterion, CRITERIA)
    if criterion == "cv":
        raise OptionError('moments have no folds for criterion="cv".\nUse gl.subsets, or "bic" or "aic".')
    return _selected(moments, method, criterion, truth("intercept", intercept), [], "")


def _selected(
    moments: Moments, method: str, criterion: str, intercept: bool, splits: Sequence[Split], assigned: str
) -> Subsets:
    demand_a_model(moments, intercept)
    if len(moments.targets) != 1:
        raise OptionError(
            f"subsets are of one target, not of {len(moments.targets)}: {listing(moments.targets, 40)}."
        )
    terms = by_effect(moments.terms)
    names, members = list(terms), list(terms.values())
    epsilon = np.array(moments.epsilon[: len(moments.columns)])

    def steps_of(pair: Any) -> Steps:
        return stepwise(pair, members, epsilon, intercept=intercept, forward=method == "forward")

    way = slice(None) if method == "forward" else slice(None, None, -1)  # from the smallest model
    steps = steps_of(moments.pair)
    errors = [held_out_error(split.test.pair, steps_of(split.train.pair))[way] for split in splits]
    parameters = np.array([len(columns) for columns in steps.columns]) + int(intercept)
    aic, bic = gaussian_criteria(steps.rss, parameters, moments.nobs, moments.log_weights)
    beyond = parameters >= moments.nobs  # nothing left to judge by
    notes = []
    if steps.left_out:
        notes.append(
            f"determined by others, in no model: {listing([moments.columns[at] for at in steps.left_out], 60)}"
        )
    if moments.rows > moments.used:
        notes.append(f"{moments.rows - moments.used} of {moments.rows} rows left out")
    return Subsets(
        moments=moments,
        method=method,
        criterion=criterion,
        names=tuple(names),
        models=tuple(tuple(names[number] for number in model) for model in steps.sizes)[way],
        columns=tuple(tuple(moments.columns[at] for at in columns) for columns in steps.columns)[way],
        rss=steps.rss[way],
        aic=np.where(beyond, np.inf, aic)[way],
        bic=np.where(beyond, np.inf, bic)[way],
        errors=np.stack(errors, axis=1) if errors else np.zeros((len(names) + 1, 0)),
        has_intercept=intercept,
        assigned=assigned,
        notes=tuple(notes),
    )
