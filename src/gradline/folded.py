"""The moments of folds of the rows of a request, and what each fold trains on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradline.allowed import is_whole
from gradline.design.categories import encode
from gradline.design.effects import Label
from gradline.design.problem import Problem, pose
from gradline.design.times import times_of
from gradline.errors import DataError, OptionError, ShapeError
from gradline.exact.crossval import Split
from gradline.exact.penalties import sums_of
from gradline.layout import listing, told
from gradline.moments import Moments, Progress
from gradline.moments.folding import (
    MOST,
    ByGroup,
    ByLabel,
    ByPosition,
    ByTime,
    Folding,
    Given,
    Numbers,
    between,
    deal,
)
from gradline.moments.folds import Folds, fold_moments
from gradline.moments.one_pass import Engine
from gradline.moments.plan import plan_of
from gradline.penalising import is_coarse
from gradline.sources import comes_once


@dataclass(frozen=True)
class Rows:
    """Which rows are in which fold, as it was asked for.

    Raises:
        OptionError: fewer than 2 folds, or what contradicts itself.
    """

    folds: Any = 10
    groups: Any = None
    time: Any = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.groups is not None and self.time is not None:
            raise OptionError("groups= and time= each say in which fold a row is: leave one of them out.")
        if not is_whole(self.seed):
            raise OptionError(f"seed must be a whole number; {told(self.seed)} arrived.")
        if self.role != "folds" or _is_count(self.folds):
            _counted(self.folds, self.role)
        elif not isinstance(self.folds, str) and not np.ndim(self.folds):
            raise OptionError(
                f"{told(self.folds)} arrived as folds.\n"
                "Give how many, the name of a column, or (n,) the fold of each row."
            )

    @property
    def role(self) -> str:
        """Which option says it."""
        return "groups" if self.groups is not None else "time" if self.time is not None else "folds"

    @property
    def by(self) -> Any:
        """What that option is."""
        return getattr(self, self.role)

    @property
    def column(self) -> str | None:
        """The column that says it, if one does."""
        return self.by if isinstance(self.by, str) else None

    @property
    def count(self) -> int | None:
        """How many folds; None where a column or an array tells."""
        return int(self.folds) if _is_count(self.folds) else None


class Folded(NamedTuple):
    """The moments of all rows, and the folds."""

    total: Moments
    splits: list[Split]
    labels: tuple[Label, ...]
    assigned: str
    intercept: bool


def gather(
    data: Any,
    target: Any,
    rows: Rows,
    *,
    intercept: bool,
    missing: str,
    precision: str,
    progress: Progress | None,
    engine: Engine | None = None,
    **request: Any,
) -> Folded:
    """Read the rows once, each into the moments of its fold."""
    problem = pose(data, target, intercept=intercept, aside=rows.column, **request)
    if rows.count is not None:
        _enough(rows.count, problem.table.rows, problem.table.name)
    folding = _folding(problem, rows)
    if engine is not None and problem.table.rows is None and isinstance(folding, ByPosition | Given):
        raise OptionError(
            f"workers that read a part of {problem.table.name} do not know which rows come before it.\n"
            "Name a column in groups= or folds=, or write the data to Parquet."
        )
    found = read(problem, folding, missing, precision, progress, engine)
    if rows.count is not None:
        _enough(rows.count, found.total.rows, problem.table.name)
    _each_has_rows(found, rows.role)
    in_time = rows.role == "time"
    labels = found.labels[1:] if in_time else found.labels
    splits = list(_splits(found, in_time=in_time))
    return Folded(found.total, splits, tuple(labels), _said(folding, rows), problem.intercept)


def read(
    problem: Problem,
    folding: Folding,
    missing: str,
    precision: str,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Folds:
    """The moments of each fold, again in double-double where sums in float64 are too coarse for penalties."""
    plan = plan_of(problem, precision)
    gather_folds = partial(fold_moments, problem, folding, missing=missing, progress=progress, engine=engine)
    found = gather_folds(precision=plan.precision)
    if plan.second and is_coarse(found.total):
        found = gather_folds()
    return found


def _is_count(folds: Any) -> bool:
    return isinstance(folds, int | float | np.number) and not isinstance(folds, bool)


def _counted(folds: Any, role: str) -> int:
    """The number of folds."""
    if not _is_count(folds):
        raise OptionError(
            f"folds= is how many, where {role}= says which rows belong together; {type(folds).__name__} arrived."
        )
    if not np.isfinite(folds) or folds != int(folds) or folds < 2:
        raise OptionError(
            f"folds is a whole number of 2 or more, not {told(folds)}.\nOne is held out, the others are trained on."
        )
    if folds > MOST:
        raise OptionError(f"folds is {folds}; at most {MOST:,}, since each takes a matrix.\nGive fewer.")
    return int(folds)


def _enough(folds: int, rows: int | None, name: str) -> None:
    if rows is not None and folds > rows:
        raise OptionError(
            f"folds is {folds} and {name} has {rows} row{'s' * (rows != 1)}: a fold would have none.\n"
            "Give fewer folds."
        )


def _folding(problem: Problem, rows: Rows) -> Folding:
    """Who is in which fold."""
    by, role, count, seed = rows.by, rows.role, rows.count or 0, int(rows.seed)
    if role == "folds":
        if _is_count(by):
            return ByPosition(count, seed)
        if isinstance(by, str):
            return ByLabel(by)
        return _given_folds(by)
    if role == "groups":
        if isinstance(by, str):
            return ByGroup(count, seed, by, {} if comes_once(problem.table) else _dealt(_groups(problem, by), rows))
        values, codes = _distinct(by, "groups")
        folds = _dealt(values, rows)
        return Given(np.array([folds[value] for value in values], np.int64)[codes], count, "groups")
    name, times = times_of(problem.table, by)
    edges = _edges(times, count)
    return ByTime(edges, name) if isinstance(by, str) else Given(between(edges, times), count + 1, "time")


def _given_folds(by: Any) -> Folding:
    values, codes = _distinct(by, "folds")
    if len(values) < 2:
        raise OptionError(
            f"folds names {len(values)} fold{'s' * (len(values) != 1)}.\n"
            "At least 2 are needed: one is held out, the rest trained on."
        )
    if len(values) > MOST:
        raise OptionError(f"folds names {len(values):,} folds; at most {MOST:,}, since each takes a matrix.")
    return Given(codes, len(values))


def _distinct(by: Any, role: str) -> tuple[list[Any], Numbers]:
    """The distinct values of an array, sorted, and which each row has."""
    values = _one_axis(by, role)
    if values.dtype.kind == "c":
        raise OptionError(f"{role} has complex numbers; expected labels such as whole numbers or text.")
    if values.dtype.kind in "fiub":
        gaps = np.isnan(values)
    else:
        gaps = np.array([value is None or value != value for value in values.tolist()], bool)
    if gaps.any():
        raise DataError(
            f"{role} has a missing value at row {int(np.argmax(gaps))} (the first row is 0).\n"
            "Fill it, or leave such rows out."
        )
    if values.dtype.kind in "iu" and len(values) and values.min() >= 0 and values.max() < len(values):
        values = values.astype(np.int64)
        there = np.bincount(values) > 0  # as np.unique does, without its sort
        return there.nonzero()[0].tolist(), (there.cumsum() - 1)[values]
    found, codes = np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)
    return found.tolist(), codes.astype(np.int64)


def _groups(problem: Problem, column: str) -> set[Label]:
    """The groups that a column names, read before the pass."""
    return {label for rows in problem.table.read([column]) for label in encode(rows.columns[0])[1]}


def _dealt(groups: Collection[Label], rows: Rows) -> dict[Label, int]:
    count = rows.count or 0
    if len(groups) < count:
        found = f"{len(groups)} group" + "s" * (len(groups) != 1)
        raise DataError(f"{found} cannot fill {count} folds, each of which has whole groups.\nGive fewer folds.")
    return deal(groups, count, rows.seed)


def _one_axis(by: Any, role: str) -> Any:
    values = np.asarray(by)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ShapeError(f"{role} has shape {values.shape}; expected one value per row: (n,).")
    return values


def _edges(times: Any, count: int) -> Any:
    """(count,) where stretches of time start, after the first, which is only trained on."""
    n = len(times)
    size = n // (count + 1)
    if not size:
        raise OptionError(
            f"{count} folds in time need {count + 1} rows or more, and there are {n}.\nGive fewer folds."
        )
    edges = np.sort(times)[n - count * size :: size]
    if len(np.unique(edges)) < count or edges[0] == times.min():
        raise DataError(
            f"{count} folds in time need more different times: a stretch would have no rows.\nGive fewer folds."
        )
    return edges


def _each_has_rows(found: Folds, role: str) -> None:
    if len(found.moments) < 2:
        raise DataError(
            f"the column names {len(found.moments)} fold.\nAt least 2 are needed, to train on the others."
        )
    empty = [str(label) for label, part in zip(found.labels, found.moments, strict=True) if not part.used]
    if empty:
        why = {"groups": "Give fewer folds, or another seed=.", "folds": "Give fewer folds."}
        raise DataError(
            f"no rows in fold {listing(empty, 40)}, of {found.total.used} rows that can be used.\n"
            f"{why.get(role, 'Give fewer folds.')}"
        )


def _splits(found: Folds, *, in_time: bool) -> Iterator[Split]:
    """Each fold with what it trains on: the others, or in time those before it."""
    before = found.moments[0]
    for number, part in enumerate(found.moments):
        if not in_time:
            yield Split(sums_of(found.total - part), sums_of(part))
        elif number:
            yield Split(sums_of(before), sums_of(part))
            before = before + part


def _said(folding: Folding, rows: Rows) -> str:
    if isinstance(folding, ByPosition):
        return f"rows hashed by position, seed {rows.seed}"
    where = f"column {rows.column}" if rows.column is not None else "an array"
    if rows.role == "time":
        return f"in order of time, {where}"
    return f"groups of {where}, seed {rows.seed}" if rows.role == "groups" else f"folds as {where} says"
