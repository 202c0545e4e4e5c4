"""`gradline predict`: what a saved model says of new rows, written as they are read."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from typer import Argument, Option

from gradline.allowed import probability
from gradline.cli import given, terminal
from gradline.errors import OptionError, StorageError

if TYPE_CHECKING:
    from gradline.doubledouble import Array
    from gradline.results.fit import Fit


class _Answer(NamedTuple):
    """The columns to write, and their values a chunk at a time."""

    names: list[str]
    chunks: Iterator[list[Array]]


def predict(
    model: Annotated[Path, Argument(metavar="MODEL", help="A file that fit --save or train --save wrote.")],
    source: Annotated[list[str], Argument(metavar="SOURCE", help="New rows: what fit takes.")],
    out: Annotated[Path | None, Option(metavar="FILE", help=".csv or .parquet. [CSV on stdout]")] = None,
    interval: Annotated[str | None, Option(metavar="mean|prediction", help="Add lower and upper.")] = None,
    level: Annotated[float, Option(metavar="P", help="Of the interval.")] = 0.95,
    unseen: Annotated[str, Option(metavar="error|nan", help="For levels that the fit has not seen.")] = "error",
    where: Annotated[str | None, Option(metavar="SQL", help="A condition that the rows must meet.")] = None,
    sql: Annotated[str | None, Option(metavar="SELECT", help="A query about SOURCE.")] = None,
    engine: Annotated[str, Option(metavar="dask|ray|spark", help="Workers that read the files.")] = "local",
    address: Annotated[str | None, Option(metavar="A", help="Of their scheduler. [one is started here]")] = None,
) -> None:
    """Predict the target for each new row, columns found by name.

    There are as many rows as in SOURCE; where an input is missing, the prediction is empty. Rows are read, scored and
    written in turn, so that SOURCE may be larger than memory.
    """
    given.writable(out, (".csv", ".parquet"))
    given.apart([str(model), *source], out)
    probability("level", level)
    from gradline.cluster.choice import opened

    fit = _fit(model, interval)
    options: dict[str, Any] = {"interval": interval, "level": level, "unseen": unseen, "where": where, "sql": sql}
    with opened(engine, address) as there, terminal.progress("predicting") as progress:
        options |= {"progress": progress, "engine": there or "local"}
        answer = _columns(fit, given.one_or_several(source), options)
        if out is None:
            _write_csv(sys.stdout.write, answer)
            return
        rows, empty = _to_file(out, answer)
    why = "an input is missing" if unseen == "error" else "an input is missing or a level unseen"
    note = f"; {empty:,} empty, {why} there" if empty else ""
    terminal.say(f"Saved {out}: {rows:,} predictions{note}")


def _fit(model: Path, interval: str | None) -> Fit:
    """The fit in the file; of a training run, one that predicts what was trained."""
    import numpy as np

    from gradline.results.fit import Fit
    from gradline.results.run import Run
    from gradline.storage import load

    loaded = load(model)
    if isinstance(loaded, Fit):
        return loaded
    if not isinstance(loaded, Run):
        raise StorageError(
            f"{model} holds {type(loaded).__name__.lower()}, which do not predict.\n"
            "Save a fit of them: gradline.load(…).fit().save(…)."
        )
    if interval is not None:
        raise OptionError(
            f"{model} holds a training run, and training gives no intervals.\n"
            "Leave out --interval, or save a fit: gradline fit … --save."
        )
    trained = np.vstack([np.atleast_1d(loaded.bias), np.atleast_2d(loaded.weight).T])
    return replace(loaded.exact, estimates=trained, estimates_low=np.zeros_like(trained))


def _columns(fit: Fit, source: str | list[str], options: dict[str, Any]) -> _Answer:
    """The columns to write, in the order of the targets."""
    from gradline.results.prediction import predictions

    roles = ("predicted",) if options["interval"] is None else ("predicted", "lower", "upper")
    several = len(fit.targets) > 1
    names = [f"{role}_{target}" if several else role for target in fit.targets for role in roles]
    chunks = predictions(fit, source, **options)
    width = range(len(fit.targets))
    return _Answer(names, ([part[:, k] for k in width for part in each[: len(roles)]] for each in chunks))


def _to_file(out: Path, answer: _Answer) -> tuple[int, int]:
    """Write the file, whole or not at all; how many rows, and how many of them have no prediction."""
    from gradline.container import written_whole

    with written_whole(out) as unfinished:
        if out.suffix.lower() == ".csv":
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                return _write_csv(file.write, answer)
        return _write_parquet(unfinished, answer)


def _write_csv(write: Callable[[str], object], answer: _Answer) -> tuple[int, int]:
    """Shortest digits that read back the same. A lone empty field is quoted, so that no reader skips its row."""
    from pyarrow.csv import WriteOptions, write_csv

    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow(answer.names)
    header = head.getvalue()
    lone = len(answer.names) == 1
    # No number has a question mark in it.
    options = WriteOptions(include_header=False, batch_size=8192, null_string="?" if lone else "")
    rows = empty = 0
    for columns in answer.chunks:
        batch = _batch(columns, answer.names)
        text = io.BytesIO()
        write_csv(batch, text, options)
        # The header waits for the first rows: an error in them leaves no line of output.
        write(header + text.getvalue().decode().replace("?", '""'))
        header = ""
        rows, empty = rows + batch.num_rows, empty + batch.column(0).null_count
    if header:
        write(header)
    return rows, empty


def _write_parquet(path: Path, answer: _Answer) -> tuple[int, int]:
    import pyarrow as pa

    from gradline.table_files import write_parquet

    rows = empty = 0

    def tables() -> Iterator[Any]:
        nonlocal rows, empty
        for columns in answer.chunks:
            batch = _batch(columns, answer.names)
            rows, empty = rows + batch.num_rows, empty + batch.column(0).null_count
            yield pa.Table.from_batches([batch])

    write_parquet(path, pa.schema([(name, pa.float64()) for name in answer.names]), tables())
    return rows, empty


def _batch(columns: Sequence[Array], names: Sequence[str]) -> Any:
    """The columns in Arrow, null where there is no number. `pa.array` would do, but it loads pandas."""
    import numpy as np
    import pyarrow as pa

    arrays = []
    for column in columns:
        values = np.ascontiguousarray(column)
        missing = np.isnan(values)
        valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
        arrays.append(pa.Array.from_buffers(pa.float64(), len(values), [valid, pa.py_buffer(values)]))
    return pa.RecordBatch.from_arrays(arrays, list(names))
