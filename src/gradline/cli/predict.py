"""`gradline predict`: what a saved model says of new rows."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

from typer import Argument, Option

from gradline.cli import given, terminal
from gradline.errors import OptionError, StorageError

if TYPE_CHECKING:
    from gradline.doubledouble import Array

_CHUNK = 65_536  # rows of text made at a time


def predict(
    model: Annotated[Path, Argument(metavar="MODEL", help="A file that fit --save or train --save wrote.")],
    source: Annotated[list[str], Argument(metavar="SOURCE", help="New rows: CSV, Parquet or Feather.")],
    out: Annotated[Path | None, Option(metavar="FILE", help=".csv or .parquet. [CSV on stdout]")] = None,
    interval: Annotated[str | None, Option(metavar="mean|prediction", help="Add lower and upper.")] = None,
    level: Annotated[float, Option(metavar="P", help="Of the interval.")] = 0.95,
) -> None:
    """Predict the target for each new row, columns found by name.

    There are as many rows as in SOURCE; where an input is missing, the prediction is empty.
    """
    given.writable(out, (".csv", ".parquet"))
    given.probability(level)
    columns = _columns(model, given.one_or_several(source), interval, level)
    if out is None:
        _write_csv(sys.stdout, columns)
        return
    from gradline.container import written_whole

    with written_whole(out) as unfinished:
        if out.suffix.lower() == ".csv":
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                _write_csv(file, columns)
        else:
            _write_parquet(unfinished, columns)
    first = next(iter(columns.values()))
    empty = sum(value != value for value in first.tolist())
    note = f"; {empty:,} empty, an input is missing there" if empty else ""
    terminal.say(f"Saved {out}: {len(first):,} predictions{note}")


def _columns(model: Path, source: str | list[str], interval: str | None, level: float) -> dict[str, Array]:
    """The columns to write, by name."""
    import numpy as np

    from gradline.results.fit import Fit, Prediction
    from gradline.results.run import Run
    from gradline.storage import load

    loaded = load(model)
    if not isinstance(loaded, Fit | Run):
        raise StorageError(
            f"{model} holds {type(loaded).__name__.lower()}, which do not predict.\n"
            "Save a fit of them: gradline.load(…).fit().save(…)."
        )
    if isinstance(loaded, Run):
        if interval is not None:
            raise OptionError(
                f"{model} holds a training run, and training gives no intervals.\n"
                "Leave out --interval, or save a fit: gradline fit … --save."
            )
        trained = np.vstack([np.atleast_1d(loaded.bias), np.atleast_2d(loaded.weight).T])
        loaded = replace(loaded.exact, estimates=trained, estimates_low=np.zeros_like(trained))
    answer = loaded.predict(source, interval=interval, level=level)
    names = ("predicted",) if interval is None else ("predicted", "lower", "upper")
    parts = answer if isinstance(answer, Prediction) else (answer,)
    targets = loaded.targets
    several = len(targets) > 1
    return {
        f"{name}_{target}" if several else name: np.asarray(part, np.float64).reshape(-1, len(targets))[:, number]
        for number, target in enumerate(targets)
        for name, part in zip(names, parts, strict=True)
    }


def _write_csv(file: TextIO, columns: Mapping[str, Array]) -> None:
    """Shortest digits that read back the same; csv quotes a lone empty field, so that no reader skips its row."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    rows = len(next(iter(columns.values())))
    for first in range(0, rows, _CHUNK):
        parts = (values[first : first + _CHUNK].tolist() for values in columns.values())
        writer.writerows([None if value != value else value for value in row] for row in zip(*parts, strict=True))


def _write_parquet(path: Path, columns: Mapping[str, Array]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    parquet.write_table(table, path)
