"""`gl.fit`: from any table to the exact answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradline.cluster.choice import opened
from gradline.design.effects import written
from gradline.design.problem import Problem, pose
from gradline.design.slips import slips
from gradline.doubledouble import Array
from gradline.errors import ColumnError, DataError, OptionError, warn
from gradline.exact.correction import corrected
from gradline.exact.minimum_norm import minimum_norm
from gradline.exact.origin import about_zero, origins
from gradline.exact.penalties import solution as penalised_solution
from gradline.exact.penalties import sums_of
from gradline.exact.relations import briefly, describe
from gradline.exact.solve import Solution, solve
from gradline.exact.strengths import one_strength
from gradline.moments import Moments, Progress, accumulate
from gradline.moments.checkpoint import Checkpoint
from gradline.moments.one_pass import Engine
from gradline.moments.plan import Plan, plan_of
from gradline.moments.residuals import residuals_of
from gradline.results.fit import Fit
from gradline.sources import comes_once

FEW_DIGITS = 6
"""Below this many sure digits the result warns."""


def fit(
    data: Any,
    target: Any = None,
    *,
    features: str | Sequence[str] | None = None,
    formula: str | None = None,
    weights: Any = None,
    frequency_weights: Any = None,
    intercept: bool = True,
    l2: float = 0.0,
    l1: float = 0.0,
    missing: str = "drop",
    aliased: str = "nan",
    precision: str = "auto",
    where: str | None = None,
    sql: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    engine: Any = "local",
) -> Fit:
    """Fit a linear model exactly, in one pass over the rows.

    Minimises Σ w·(y - b - x·coef)² + 2·l1·Σ|coef| + l2·Σ coef² over coef and b; the intercept b is never penalised,
    and the columns are not rescaled before the penalty. Cross-products are gathered and solved in double-double, so
    the answer carries as many digits as the data do.

    Args:
        data: An array or tensor (n, d) or (n,), a SciPy sparse matrix, a pandas, Polars or Arrow table,
            `gl.polynomial(x, k)`; the path of a CSV, JSON, Parquet or Feather file, a list of paths, a glob or a
            folder, on a disk or at s3://, gs:// or https://; sqlite:/// or postgresql:// with ?table=;
            `gl.sql("select …")`; an iterable of tables; or a torch Dataset or DataLoader of (x, y). Tensors on other
            devices are summed there in float64, or copied to the CPU a stretch of rows at a time; `plan` says which.
        target: (n,), (n, 1) or (n, k) values, or the name of a column, or a list of names.
        features: Names of the columns to use; by default all the others.
        formula: As "y ~ a + log(b) + a:b + C(city) + poly(c, 3) - 1" instead of target and features.
        weights: (n,) inverse variances up to a factor, or the name of a column; 0 leaves a row out.
        frequency_weights: (n,) how many rows each row stands for, or the name of a column; 0 leaves a row out.
        intercept: False fits through the origin; R² is then about zero, not about the mean.
        l2: Strength of the ridge penalty, 0 or more, in units of y² per unit of coef².
        l1: Strength of the lasso penalty, 0 or more: |x'·residual| at or below which a coefficient is 0. Such a fit
            has no standard errors. `gl.path` has many strengths for the same reading of the data.
        missing: "drop" leaves rows with missing values out and counts them, "error" refuses them.
        aliased: What a column that the ones before it determine gets: "nan", as in R; "min-norm", the solution
            with the shortest coef; or "error".
        precision: Of the sums: "double-double" (about 32 digits), "float64", or "auto": double-double where it costs
            next to nothing, else float64, and a second pass for the residuals where that leaves too few sure digits.
            Of tensors on a device that has float64 (cuda, not mps), such sums are taken there, never in TF32.
        where: For files and databases: a SQL condition that rows must meet.
        sql: For files: a query in which they are the table `data`.
        checkpoint: For files: where to keep the sums of what has been read. A run that was killed and is started
            again reads only the rest, and ends with the same bytes.
        progress: Called with (rows read, rows in all or None) after each chunk.
        engine: For files: who reads them: "local", or the workers of "dask", "ray" or "spark"; or a client of
            dask.distributed or a session of Spark. The answer is the same to the bit; see docs/scale.md.

    Raises:
        GradlineError: the request or the data cannot be used; the message says what to try.

    Example:
        >>> import gradline as gl
        >>> fit = gl.fit([[1.0], [2.0], [3.0], [4.0]], [5.1, 6.9, 9.0, 11.0])
        >>> fit.coef.round(3), round(float(fit.intercept), 3)
        (array([1.98]), 3.05)

    Source: docs/architecture.md; Ogita, Rump & Oishi (2005) for the sums, Goodnight (1979) for the elimination.
    """
    l1, l2 = _check(l1, l2, aliased)
    problem = pose(
        data,
        target,
        features=features,
        formula=formula,
        weights=weights,
        frequency_weights=frequency_weights,
        intercept=intercept,
        where=where,
        sql=sql,
    )
    plan = plan_of(problem, precision)
    saved = None if checkpoint is None else Checkpoint(checkpoint)
    with opened(engine) as there:
        if saved is not None and there is not None:
            raise OptionError('checkpoint= is for engine="local".\nA cluster does again what a lost worker had.')
        return _passes(problem, plan, (l1, l2), missing, aliased, saved, progress, there)


def _passes(
    problem: Problem,
    plan: Plan,
    strengths: tuple[float, float],
    missing: str,
    aliased: str,
    saved: Checkpoint | None,
    progress: Progress | None,
    engine: Engine | None,
) -> Fit:
    """One reading of the rows and, where that leaves too few digits, one or two more."""
    l1, l2 = strengths
    read = partial(accumulate, missing=missing, progress=progress, engine=engine)
    moments = read(problem, precision=plan.precision, checkpoint=saved)
    solution = _solved(moments, problem.intercept, l1, l2)
    plan = plan.after("")
    if plan.second and not solution.settled(moments.nobs - solution.freedom):
        better = _corrected(problem, moments, solution, progress, engine)
        if better is not None:
            solution, plan = better, plan.after("for the residuals in double-double")
        if better is None or not solution.settled(moments.nobs - solution.freedom):
            moments = read(problem)
            solution, plan = _solved(moments, problem.intercept, l1, l2), plan.after("in double-double")
    found = origins(problem, moments, solution)
    if not found or comes_once(problem.table):
        return _fit(moments, solution, plan, problem.intercept, (l1, l2), aliased, lost=tuple(found))
    moments = read(replace(problem, origins=tuple(found.items())))
    columns = [*[term.factors[0][0] if term.plain else "" for term in moments.terms], *moments.targets]
    origin = np.array([found.get(name, 0.0) for name in columns])
    solution = _solved(moments, True, l1, l2)
    return _fit(moments, solution, plan.after("in double-double"), True, (l1, l2), aliased, origin)


def plan(
    data: Any,
    target: Any = None,
    *,
    precision: str = "auto",
    **request: Any,
) -> Plan:
    """What `fit` would do with this request, and why; no row is read.

    Args:
        data: As for `fit`; likewise target.
        target: See data.
        precision: As for `fit`.
        request: features, formula, weights, frequency_weights, intercept, where and sql, as for `fit`.

    Raises:
        GradlineError: the request cannot be used.
    """
    return plan_of(pose(data, target, **request, measure=False), precision)


def explain(
    data: Any,
    target: Any = None,
    engine: Any = "local",
    address: str | None = None,
    *,
    precision: str = "auto",
    **request: Any,
) -> str:
    """The plan and, where workers read, what that costs; options as in `plan` and `fit`, no row is read."""
    problem = pose(data, target, **request, measure=False)
    planned = str(plan_of(problem, precision))
    with opened(engine, address) as there:
        if there is None:
            return planned
        from gradline.cluster.estimate import estimate

        return f"{planned}\n{estimate(problem, there)}"


def fit_moments(
    moments: Moments, *, intercept: bool = True, l2: float = 0.0, l1: float = 0.0, aliased: str = "nan"
) -> Fit:
    """The exact answer from moments; options as in `fit`."""
    l1, l2 = _check(l1, l2, aliased)
    return _fit(moments, _solved(moments, intercept, l1, l2), None, intercept, (l1, l2), aliased)


def finished(moments: Moments, solution: Solution, intercept: bool, l1: float, l2: float, standardized: bool) -> Fit:
    """The result of a solution that was found elsewhere."""
    return _fit(moments, solution, None, intercept, (l1, l2), "nan", standardized=standardized)


def demand_a_model(moments: Moments, intercept: bool) -> None:
    """Refuse moments of no rows, and a model of nothing.

    Raises:
        GradlineError: there is nothing to fit, or a column has the name of the constant.
    """
    if moments.nobs == 0:
        raise DataError(_no_rows(moments))
    if not moments.columns and not intercept:
        raise OptionError("there is nothing to fit: no features and no intercept.")
    if intercept and "Intercept" in moments.columns:
        raise ColumnError(
            "a column is called 'Intercept', as the constant of the model is.\n"
            "Rename it, leave it out, or use intercept=False."
        )


def _solved(moments: Moments, intercept: bool, l1: float, l2: float) -> Solution:
    demand_a_model(moments, intercept)
    if l1:
        return penalised_solution(sums_of(moments), l1, l2, intercept=intercept, standardize=False)
    return solve(
        moments.pair,
        len(moments.columns),
        np.array(moments.spacing),
        np.array(moments.constant, bool),
        intercept=intercept,
        l2=l2,
        unit=moments.units,
        rows=moments.used,
    )


def _corrected(
    problem: Problem, moments: Moments, solution: Solution, progress: Progress | None, engine: Engine | None
) -> Solution | None:
    """A solution from sums in float64, corrected by the residuals of another pass; None where it cannot be."""
    if solution.inverse is None or solution.unsure == "the rank" or moments.recipe.categories:
        return None
    start = 0 if problem.intercept else 1
    none = np.zeros((start, len(moments.targets)))
    params = np.vstack([none, solution.params]), np.vstack([none, solution.params_low])
    complete = moments.used == moments.rows
    found = residuals_of(problem, params, complete=complete, progress=progress, engine=engine)
    spacing = np.concatenate([[2.0**-52], moments.spacing])[start:]
    gradient = found.gradient[0][start:], found.gradient[1][start:]
    sums = moments.hi[start:, start:]
    units = np.broadcast_to(moments.units, len(moments.hi))[start:]
    return corrected(solution, sums, units, spacing, gradient, found.squares)


def _fit(
    moments: Moments,
    solution: Solution,
    plan: Plan | None,
    intercept: bool,
    strengths: tuple[float, float],
    aliased: str,
    origin: Array | None = None,
    lost: Sequence[str] = (),
    standardized: bool = False,
) -> Fit:
    """The result for these strengths l1 and l2.

    `origin` (d + k,) was taken from the columns, `lost` are those where it could not be.
    """
    if aliased == "min-norm":
        solution = minimum_norm(solution, intercept=intercept)
    d = len(moments.columns)
    if origin is not None:
        solution = about_zero(solution, origin[:d], origin[d:])
    names = (["Intercept"] if intercept else []) + list(moments.columns)
    relations = {names[j]: describe(names[j], names, relation) for j, relation in solution.relations.items()}
    if relations and aliased == "error":
        raise DataError(
            f"{len(relations)} of {len(names)} columns are determined by the ones before them:\n"
            f'{briefly(list(relations.values()))}\nLeave them out, or use aliased="nan" or "min-norm".'
        )
    rank = len(names) - len(relations)
    result = Fit(
        names=names,
        terms=moments.terms,
        targets=moments.targets,
        has_intercept=intercept,
        estimates=solution.params,
        estimates_low=solution.params_low,
        variance=solution.variance,
        root=solution.root,
        rss=solution.rss,
        tss=solution.tss,
        nobs=moments.nobs,
        rows=moments.rows,
        missing=moments.lacking,
        rank=rank,
        freedom=solution.freedom,
        aliased=relations,
        digits=solution.digits,
        condition_number=solution.condition,
        l2=strengths[1],
        weighted=moments.weighted,
        log_weights=moments.log_weights,
        single_target=moments.single_target,
        array_names=moments.array_names,
        source=moments.source,
        recipe=moments.recipe,
        plan=plan,
        left_out=moments.rows - moments.used,
        precision=moments.precision,
        origin=() if origin is None else tuple(origin[:d].tolist()),
        l1=strengths[0],
        standardized=standardized,
        notes=(*_notes(moments, solution, relations, rank), *_moved(moments, origin), *map(_lost, lost)),
    )
    if result.digits < FEW_DIGITS:
        warn(_few_digits(result, moments))
    return result


def _check(l1: float, l2: float, aliased: str) -> tuple[float, float]:
    """Both strengths as numbers."""
    if aliased not in ("nan", "min-norm", "error"):
        raise OptionError(f'aliased is "nan", "min-norm" or "error", not {aliased!r}.')
    if aliased != "nan" and l1:
        raise OptionError(f"aliased={aliased!r} is about columns that l1= needs no rule for.\nLeave it out.")
    return one_strength("l1", l1), one_strength("l2", l2)


def _few_digits(fit: Fit, moments: Moments) -> str:
    if fit.digits == 0 and fit.aliased:
        return (
            f"nearly dependent: {briefly(list(fit.aliased.values()), 62)}\nbut for a few last digits of the data.\n"
            f"{_count(len(fit.aliased), 'column')} left out; if those digits mean something, centre first."
        )
    few = f"only {_count(int(fit.digits), 'digit')} of the coefficients are sure"
    if moments.precision == "float64":
        return f'{few}, as sums in float64 leave them.\nTake the sums in precision="double-double".'
    norms = moments.hi.diagonal()[: -len(moments.targets)][-len(fit.names) :]
    inflation = np.nan_to_num(fit.variance) * norms
    worst = [fit.names[j] for j in np.sort(np.argsort(-inflation, kind="stable")[:4])]
    return (
        f"{few}: {', '.join(worst)} are the nearest to dependent\n"
        f"(condition number {fit.condition_number:.1e}). Leave a column out, centre it, or use l2=."
    )


def _no_rows(moments: Moments) -> str:
    if not moments.rows:
        return (
            f"no rows left to fit: {moments.source} gave 0 rows.\n"
            "Is the file only a header, or does where= leave nothing over?"
        )
    if not moments.lacking:
        return f"no rows left to fit: all {moments.rows} rows in {moments.source} have weight 0.\nCheck weights=."
    return (
        f"no rows left to fit: each of the {moments.rows} rows in {moments.source} lacks a value.\n"
        f"missing: {_listed(moments.lacking)}. Leave a column out of features, or fill it."
    )


def _notes(moments: Moments, solution: Solution, relations: dict[str, str], rank: int) -> tuple[str, ...]:
    """What a reader of the result should know, in plain words."""
    notes = []
    left_out = moments.rows - moments.used
    if left_out:
        why = f", missing: {_listed(moments.lacking)}" if moments.lacking else ""
        notes.append(f"{left_out} of {moments.rows} rows left out{why}")
    if moments.unused:
        few = ", ".join(f"{column}[{written(level)}]" for column, level in moments.unused[:6])
        more = ", …" if len(moments.unused) > 6 else ""
        notes.append(f"levels that no row left has are left out: {few}{more}")
    notes += slips(moments.recipe, moments.terms, moments.unused)
    notes += [f"aliased: {relation}" for relation in relations.values()]
    if moments.nobs <= rank:
        notes.append(
            f"{_count(moments.nobs, 'row')} for {_count(rank, 'parameter')}: nothing left for standard errors"
        )
    for target, constant, perfect in zip(moments.targets, solution.constant, solution.perfect, strict=True):
        if constant:
            notes.append(f"{target} is constant: slopes are 0 and R² is not defined")
        elif perfect and moments.nobs > rank:
            notes.append(f"perfect fit: nothing of {target} is left beyond its own rounding")
    return tuple(notes)


def _moved(moments: Moments, origin: Array | None) -> list[str]:
    if origin is None:
        return []
    return [
        f"{name}: whole numbers so large beside their spread were summed about {about:.0f}, in a pass of its own"
        for name, about in zip((*moments.columns, *moments.targets), origin.tolist(), strict=True)
        if about
    ]


def _lost(column: str) -> str:
    return (
        f"{column} has whole numbers too large beside their spread for one pass, and its rows come only once: "
        "take a constant away first"
    )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _count(number: float, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
