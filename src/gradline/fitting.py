"""`gl.fit`: from any table to the exact answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradline.allowed import function, one_of, truth
from gradline.cluster.choice import is_local, opened
from gradline.design.problem import Problem, pose
from gradline.design.request import demand_options
from gradline.doubledouble import Array, Pair
from gradline.elimination import EXACT
from gradline.errors import ColumnError, DataError, OptionError, warn
from gradline.exact.correction import corrected
from gradline.exact.errors_in_x import corrected as corrected_for_errors
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
from gradline.moments.residuals import Residuals, residuals_of
from gradline.results.covariance import CLASSICAL
from gradline.results.fit import Fit
from gradline.results.notes import few_digits, no_rows, notes_of
from gradline.results.remembered import remember
from gradline.second_pass.robust import HETEROSCEDASTIC, Errors, demand_possible, errors_wanted, with_errors
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
    x_error: Any = None,
    se: str | None = None,
    cluster: Any = None,
    engine: Any = "local",
) -> Fit:
    """Fit a linear model exactly, in one pass over the rows.

    Minimises Σ w·(y - b - x·coef)² + 2·l1·Σ|coef| + l2·Σ coef² over coef and b; the intercept b is never penalised,
    and the columns are not rescaled before the penalty. Cross-products are gathered and solved in double-double, so
    the answer carries as many digits as the data do.

    Args:
        data: An array or tensor (n, d) or (n,), a SciPy sparse matrix (never written out whole), a pandas, Polars or
            Arrow table, `gl.polynomial(x, k)`; the path of a CSV, JSON, Parquet or Feather file, a list of paths, a
            glob or a folder, on a disk or at s3://, gs:// or https://; sqlite:/// or postgresql:// with ?table=;
            `gl.sql("select …")`; an iterable of tables; or a torch Dataset or DataLoader of (x, y), or of dicts of
            tensors, whose keys are columns (key1 … keyd of (n, d)), in batches or one sample at a time. Tensors on
            other devices are summed there in float64, or copied to the CPU a stretch of rows at a time; `plan` says
            which.
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
        x_error: Standard deviation of the errors in x, of all columns or by name ({"x": 0.5}); or `gl.Deming(ratio)`.
            Slopes are corrected for what such errors take from them: Fuller (1987), Measurement Error Models.
        se: Standard errors: "classical"; from a second reading "HC0" to "HC3" (`Fit.robust`), "CR0" to "CR2"
            (`Fit.clustered`), or "HAC" (`Fit.hac`).
        cluster: Name of the column that says which rows are related, two names, or values (n,): "CR1" unless se= says
            otherwise. It is no feature unless it is named as one.
        engine: For files, and for tables of Dask, Ray and Spark: who reads them: "local", or the workers of "dask",
            "ray" or "spark"; or a client of dask.distributed or a session of Spark. The answer is the same to the
            bit; see docs/scale.md. Not with cluster= or se="HAC": `Fit.clustered` and `Fit.hac` read the rows here.

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
    function("progress", progress, "rows done and rows in all")
    wanted = errors_wanted(se, cluster)
    if not is_local(engine):
        _demand_for_workers(wanted, checkpoint)
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
        aside=None if wanted is None else wanted.named or None,
        once=True,
    )
    if wanted is not None:
        problem = replace(problem, asides=())
        demand_possible(problem, wanted, l1, l2)
    plan = plan_of(problem, "double-double" if x_error is not None and precision == "auto" else precision)
    saved = None if checkpoint is None else Checkpoint(checkpoint)
    with opened(engine) as there:
        reading = _Reading(missing, progress, there)
        result = _in_passes(problem, plan, reading, saved, (l1, l2), aliased, x_error)
        result = replace(result, weight_column=problem.weights, frequency=problem.frequency)
        if not comes_once(problem.table):
            remember(result, problem)
        return result if wanted is None else with_errors(result, wanted, progress=progress, engine=there)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the rows are read, in each pass."""

    missing: str
    progress: Progress | None
    engine: Engine | None

    def moments(
        self, problem: Problem, precision: str = "double-double", checkpoint: Checkpoint | None = None
    ) -> Moments:
        """Their cross-products."""
        return accumulate(
            problem,
            missing=self.missing,
            precision=precision,
            progress=self.progress,
            checkpoint=checkpoint,
            engine=self.engine,
        )

    def residuals(self, problem: Problem, params: Pair, complete: bool) -> Residuals:
        """What their residuals say of the parameters."""
        return residuals_of(problem, params, complete=complete, progress=self.progress, engine=self.engine)


def _in_passes(
    problem: Problem,
    plan: Plan,
    reading: _Reading,
    saved: Checkpoint | None,
    strengths: tuple[float, float],
    aliased: str,
    x_error: Any,
) -> Fit:
    """The classical fit: one pass, and more where that leaves too few sure digits."""
    l1, l2 = strengths
    moments = reading.moments(problem, plan.precision, saved)
    plan = plan.after("")
    if x_error is not None:
        return _measured(moments, plan, problem.intercept, x_error, l1 + l2)
    solution = _solved(moments, problem.intercept, l1, l2)
    if plan.second and not solution.settled(moments.nobs - solution.freedom):
        better = _corrected(problem, moments, solution, reading)
        if better is not None:
            solution, plan = better, plan.after("for the residuals in double-double")
        if better is None or not solution.settled(moments.nobs - solution.freedom):
            moments = reading.moments(problem)
            solution, plan = _solved(moments, problem.intercept, l1, l2), plan.after("in double-double")
    found = origins(problem, moments, solution)
    if not found or comes_once(problem.table):
        return _fit(moments, solution, plan, problem.intercept, strengths, aliased, lost=tuple(found))
    moments = reading.moments(replace(problem, origins=tuple(found.items())))
    columns = [*[term.factors[0][0] if term.plain else "" for term in moments.terms], *moments.targets]
    origin = np.array([found.get(name, 0.0) for name in columns])
    solution = _solved(moments, True, *strengths)
    return _fit(moments, solution, plan.after("in double-double"), True, strengths, aliased, origin)


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

    Example:
        >>> import numpy as np, gradline as gl
        >>> print(gl.plan(np.zeros((20_000, 300)), np.zeros(20_000)))
        the array: 20,000 rows, 301 numeric columns
        float64: 300 numeric features are many
        one pass over the rows; a second for the residuals if fewer than 10 digits are sure
    """
    demand_options(plan, request)
    return plan_of(pose(data, target, **request, measure=False, once=True), precision)


def fit_moments(
    moments: Moments,
    *,
    intercept: bool = True,
    l2: float = 0.0,
    l1: float = 0.0,
    aliased: str = "nan",
    x_error: Any = None,
) -> Fit:
    """The exact answer from moments; options as in `fit`."""
    intercept = truth("intercept", intercept)
    l1, l2 = _check(l1, l2, aliased)
    if x_error is not None:
        return _measured(moments, None, intercept, x_error, l1 + l2)
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
        raise DataError(no_rows(moments))
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
        np.array(moments.epsilon),
        np.array(moments.constant, bool),
        intercept=intercept,
        l2=l2,
        unit=moments.units,
        rows=moments.used,
    )


def _measured(moments: Moments, plan: Plan | None, intercept: bool, x_error: Any, penalty: float) -> Fit:
    """The result where columns of x carry errors."""
    if penalty:
        raise OptionError("x_error is for fits without l1 and l2: it undoes a shrinkage that they add.")
    demand_a_model(moments, intercept)
    solution, record = corrected_for_errors(moments, x_error, intercept)
    return replace(_fit(moments, solution, plan, intercept, (0.0, 0.0), "nan"), x_error=record)


def _corrected(problem: Problem, moments: Moments, solution: Solution, reading: _Reading) -> Solution | None:
    """A solution from sums in float64, corrected by the residuals of another pass; None where it cannot be."""
    if solution.inverse is None or solution.unsure == "the rank" or moments.recipe.categories:
        return None
    start = 0 if problem.intercept else 1
    none = np.zeros((start, len(moments.targets)))
    params = np.vstack([none, solution.params]), np.vstack([none, solution.params_low])
    found = reading.residuals(problem, params, moments.used == moments.rows)
    spacing = np.concatenate([[EXACT], moments.epsilon])[start:]
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
    left_out = list(solution.relations)
    related = np.array([np.delete(each, left_out) for each in solution.relations.values()])
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
        relations=related.reshape(len(left_out), rank),
        notes=notes_of(moments, solution, relations, rank, origin, lost),
    )
    # Of many coefficients one is always nearly zero and has few digits, however small its error is beside its spread.
    harmless = moments.precision == "float64" and solution.settled(moments.nobs - solution.freedom)
    if result.digits < FEW_DIGITS and not harmless:
        warn(few_digits(result, moments))
    return result


def _demand_for_workers(wanted: Errors | None, checkpoint: Any) -> None:
    """Refuse what only this process can do."""
    if wanted is not None and wanted.kind not in (CLASSICAL, *HETEROSCEDASTIC):
        raise OptionError(
            f"{wanted.kind} standard errors need all rows of a cluster or their order in one process.\n"
            "Leave engine= out; or fit without se= and cluster=, then use fit.clustered() or fit.hac()."
        )
    if checkpoint is not None:
        raise OptionError('checkpoint= is for engine="local".\nA cluster does again what a lost worker had.')


def _check(l1: float, l2: float, aliased: str) -> tuple[float, float]:
    """Both strengths as numbers."""
    one_of("aliased", aliased, ("nan", "min-norm", "error"))
    if aliased != "nan" and l1:
        raise OptionError(f"aliased={aliased!r} is about columns that l1= needs no rule for.\nLeave it out.")
    return one_strength("l1", l1), one_strength("l2", l2)
