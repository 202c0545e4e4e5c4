"""What each row does to a fit, from one more reading: the most influential rows, and all of them beside the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from gradline.allowed import is_whole, truth
from gradline.design.terms import columns_of
from gradline.errors import OptionError
from gradline.moments import Progress
from gradline.moments.influence import Each, EachRow, Influences, Influential, together
from gradline.moments.one_pass import in_order, processors
from gradline.moments.scores import Scored, Scoring
from gradline.results.influence import QUANTITIES, Influence
from gradline.results.remembered import recalled
from gradline.second_pass.reading import REMEMBERED, Reading, Source
from gradline.sources.rows import Rows

if TYPE_CHECKING:
    from gradline.design.problem import Problem
    from gradline.results.fit import Fit

FEW = 5_000
"""Up to so many rows a picture shows each of them; of more it shows how many lie where."""
_MOST = 10_000
_WHAT = "influences"

_found: WeakKeyDictionary[Fit, tuple[int, Influence]] = WeakKeyDictionary()


def influence_of(
    fit: Fit,
    source: Source = REMEMBERED,
    most: int = 10,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Influence:
    """`Fit.influence`."""
    if not is_whole(most) or not 1 <= most <= _MOST:
        raise OptionError(f"most is how many rows to name, from 1 to {_MOST:,}; {most!r} arrived.")
    remembered = all(each is None for each in source)
    known = _found.get(fit)
    if remembered and known is not None and known[0] >= most:
        return replace(known[1], top=tuple([each.of(slice(most)) for each in known[1].top]))
    reading = Reading.of(fit, source, _WHAT, threads, progress)
    meat = Influential(
        _influences(reading),
        int(most),
        float(fit.nobs),
        fit.rows - fit.left_out <= FEW,
        tuple([_widths(fit, target) for target in range(len(fit.targets))]),
        _drawn(fit, reading.problem),
    )
    seen = reading.of_rows(meat).meat
    found = Influence(
        names=tuple([fit.names[at] for at in reading.kept]),
        targets=fit.targets,
        nobs=fit.nobs,
        rank=fit.rank,
        df=fit.df_resid,
        top=seen.top,
        beyond=seen.beyond,
        outlier=seen.outlier,
        points=together(seen.points) if seen.points else None,
        feature=np.concatenate(seen.features) if seen.features else None,
        grids=seen.grids,
        source=reading.problem.table.name,
    )
    if remembered:
        _found[fit] = int(most), found
    return found


def augmented(
    fit: Fit,
    source: Source = REMEMBERED,
    out: str | Path | None = None,
    *,
    dfbetas: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Any:
    """`Fit.augment`."""
    from gradline.table_files import frame_of, write_tables

    dfbetas = truth("dfbetas", dfbetas)
    reading = Reading.of(fit, source, _WHAT, threads, progress)
    chunks = _beside(reading, dfbetas)
    return frame_of(chunks) if out is None else write_tables(out, chunks)


def can_draw(fit: Fit) -> bool:
    """Whether the model is a curve over one column, whose rows are at hand."""
    problem = recalled(fit)
    if problem is None or fit.l1 or fit.l2 or fit.x_error is not None:
        return False
    return _drawn(fit, problem) is not None


def _influences(reading: Reading) -> Influences:
    fit, problem = reading.fit, reading.problem
    origins = dict(problem.origins)
    return Influences(
        rss=fit.rss,
        df=fit.df_resid,
        rank=fit.rank,
        root=reading.root,
        origins=np.array([origins.get(name, 0.0) for name in problem.targets]),
        frequency=problem.frequency,
    )


def _drawn(fit: Fit, problem: Problem) -> int | None:
    """The column of a block that holds the one column of a model, where it has no other."""
    if len(columns_of(fit.terms)) != 1 or any(term.cell for term in fit.terms) or problem.derived or problem.origins:
        return None
    plain = [number for number, term in enumerate(problem.terms) if term.plain]
    return plain[0] if len(plain) == 1 else None


def _widths(fit: Fit, target: int) -> dict[str, float]:
    """How wide the cells of grids are at first: a sixteenth of a standard deviation."""
    sigma = float(np.sqrt(fit.rss[target] / max(fit.df_resid, 1.0))) or 1.0
    explained = float(np.sqrt(max(fit.tss[target] - fit.rss[target], 0.0) / fit.nobs)) or sigma
    return {
        "fitted": _power(explained / 16),
        "residual": _power(sigma / 16),
        "target": _power(np.hypot(sigma, explained) / 16),
        "feature": _feature_width(fit),
        "root": 1 / 64,
        "leverage": _power(fit.rank / fit.nobs / 16),
        "standardized": 1 / 16,
        "quantile": 1 / 128,
        "nothing": 1.0,
    }


def _feature_width(fit: Fit) -> float:
    """A sixteenth of the standard deviation of a single column, or less."""
    spread = fit.variance[-1] * fit.nobs
    return _power(1.0 / np.sqrt(spread) / 16) if np.isfinite(spread) and spread > 0.0 else 1.0


def _power(width: float) -> float:
    """The power of two below: cells that are halved and doubled without rounding."""
    return float(2.0 ** np.floor(np.log2(width)))


def _beside(reading: Reading, dfbetas: bool) -> Iterator[dict[str, Any]]:
    """The columns of each chunk of rows, in order: those of the table, then what the fit says of them.

    The last check, whether the rows are those of the fit, comes after them all.
    """
    problem, table = reading.problem, reading.problem.table
    own = problem.columns
    others = [name for name in table.columns if name not in own and (name in table.numeric or name in table.labels)]
    names = [*own, *others]
    scoring = Scoring(reading.design, reading.model, EachRow(_influences(reading)), problem.frequency)
    roles = _roles(reading, dfbetas, set(names))

    def work(rows: Rows) -> tuple[dict[str, Any], Scored]:
        block = problem.block(rows._replace(columns=rows.columns[: len(own)]))
        parts = list(scoring.chunks(block))
        each = together([found for part in parts for found in part.meat])
        values = [column[0] if isinstance(column, tuple) else column for column in rows.columns]
        columns = dict(zip(names, values, strict=True)) | _columns(each, roles, rows.first, len(values[0]), dfbetas)
        total = parts[0]._replace(meat=[])
        for part in parts[1:]:
            total = scoring.merge(total, part._replace(meat=[]))
        return columns, total

    total: Scored | None = None
    for columns, found in in_order(work, table.read(names), reading.threads or processors()):
        total = found if total is None else scoring.merge(total, found)
        if reading.progress is not None:
            reading.progress(total.rows, table.rows)
        yield columns
    reading.demand_same(total)


def _roles(reading: Reading, dfbetas: bool, taken: set[str]) -> list[list[str]]:
    """What the new columns of each target are called: other than those that are there."""
    fit = reading.fit
    of_parameters = [f"dfbetas_{fit.names[at]}" for at in reading.kept] if dfbetas else []
    found: list[list[str]] = []
    for target in fit.targets:
        names = [f"{name}_{target}" if len(fit.targets) > 1 else name for name in (*QUANTITIES, *of_parameters)]
        found.append([])
        for name in names:
            while name in taken:
                name += "_"
            taken.add(name)
            found[-1].append(name)
    return found


def _columns(each: Each, roles: list[list[str]], first: int, rows: int, dfbetas: bool) -> dict[str, NDArray[Any]]:
    """The new columns (rows,), NaN in rows that the fit left out."""
    found = {}
    at = each.rows - first
    for target, names in enumerate(roles):
        values = [getattr(each, name)[target] for name in QUANTITIES]
        values += list(each.dfbetas[:, target]) if dfbetas else []
        for name, value in zip(names, values, strict=True):
            column = np.full(rows, np.nan)
            column[at] = value
            found[name] = column
    return found
