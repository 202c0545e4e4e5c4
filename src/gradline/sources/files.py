"""Files: one path, a list or a glob. Parquet and Feather are read here, CSV and conditions through SQL."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from gradline.errors import ColumnError, SourceError
from gradline.sources.arrow import Kind, kind_of, recut
from gradline.sources.rows import CHUNK, Part, Rows, Table, demand, reject_duplicates, whole
from gradline.sources.signature import format_of


class File(Protocol):
    """One file, open for reading as often as wanted."""

    path: str
    types: Mapping[str, Kind]
    rows: int | None

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        ...

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[NDArray[Any], ...]]]:
        """The place and the columns of each chunk, in order."""
        ...


def file_table(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], where: str | None = None) -> Table:
    """The table of one file, a list of files or a glob, with the rows for which `where` holds."""
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = [path for each in several for path in _expand(os.fspath(each))]
    return Files([_open(path, where) for path in found])


class Files:
    """Files with the same columns, one after the other. Each starts a chunk of its own."""

    def __init__(self, files: Sequence[File]) -> None:
        self._files = files
        first = files[0]
        self.name = first.path if len(files) == 1 else f"{first.path} and {len(files) - 1} more"
        self.columns = tuple(first.types)
        self.numeric = tuple(column for column, (_, epsilon) in first.types.items() if epsilon is not None)
        self.labels: tuple[str, ...] = ()
        self.identity: str | None = None
        heights = [file.rows for file in files]
        self.rows = None if None in heights else sum(height or 0 for height in heights)

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._files[0].kind(column)

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers: the coarsest among the files."""
        self._demand([column])
        return max(file.types[column][1] or 0.0 for file in self._files)

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, after a look at the columns of every file."""
        self._demand(columns)
        first = 0
        for file in self._files:
            for place, arrays in file.read(columns):
                yield Rows(first, arrays, place)
                first += len(arrays[0]) if arrays else 0

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part."""
        return whole(self, columns)

    def _demand(self, columns: Sequence[str]) -> None:
        demand(self, columns)
        for file in self._files[1:]:
            for column in columns:
                here = f"number ({self.kind(column)}) in {self._files[0].path}"
                if column not in file.types:
                    raise ColumnError(
                        f"{file.path}: there is no column {column!r}; it is a {here}.\n"
                        "Leave the file out with a narrower glob, or give it the column."
                    )
                if file.types[column][1] is None:
                    raise ColumnError(
                        f"{file.path}: column {column!r} is {file.kind(column)} here and a {here}.\n"
                        "Convert it, or leave the file out with a narrower glob."
                    )


class Parquet:
    """A Parquet file, read row group by row group; each row group starts a chunk."""

    def __init__(self, path: str) -> None:
        from pyarrow.parquet import ParquetFile

        self.path = path
        with _trouble(path, "Parquet"), ParquetFile(path, memory_map=True) as file:
            reject_duplicates(file.schema_arrow.names, path)
            self.types: Mapping[str, Kind] = {field.name: kind_of(field.type) for field in file.schema_arrow}
            self.rows: int | None = file.metadata.num_rows

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self.types[column][0]

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[NDArray[Any], ...]]]:
        """The chunks of each row group."""
        from pyarrow.parquet import ParquetFile

        with _trouble(self.path, "Parquet"), ParquetFile(self.path, memory_map=True) as file:
            for group in range(file.metadata.num_row_groups):
                place = f"{self.path}, row group {group}"
                with _trouble(place, "Parquet"):
                    batches = file.iter_batches(CHUNK, row_groups=[group], columns=list(dict.fromkeys(columns)))
                    for batch in _selected(batches, columns):
                        yield place, batch


class Feather:
    """A Feather (Arrow IPC) file or stream, read batch by batch; each record batch starts a chunk."""

    def __init__(self, path: str, *, stream: bool = False) -> None:
        self.path = path
        self._stream = stream
        self.rows: int | None = None
        with self._reader(None) as reader:
            reject_duplicates(reader.schema.names, path)
            self.types: Mapping[str, Kind] = {field.name: kind_of(field.type) for field in reader.schema}
        if not stream:
            from pyarrow import dataset

            self.rows = dataset.dataset(path, format="feather").count_rows()

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self.types[column][0]

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[NDArray[Any], ...]]]:
        """The chunks of each record batch."""
        names = list(self.types)
        chosen = sorted({names.index(column) for column in columns})
        with self._reader(chosen) as reader:
            batches = reader if self._stream else map(reader.get_batch, range(reader.num_record_batches))
            for number, batch in enumerate(batches):
                for arrays in _selected([batch], columns):
                    yield f"{self.path}, record batch {number}", arrays

    @contextmanager
    def _reader(self, chosen: list[int] | None) -> Iterator[Any]:
        import pyarrow as pa

        options = pa.ipc.IpcReadOptions(included_fields=chosen)
        # A memory map: only the pages of the columns that are read are ever brought in.
        with _trouble(self.path, "Feather"), pa.memory_map(self.path) as memory:
            opener = pa.ipc.open_stream if self._stream else pa.ipc.open_file
            yield opener(memory, options=options)


def _selected(batches: Any, columns: Sequence[str]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Chunks of the batches' columns by name: a reader may give further ones, in another order."""
    batches = iter(batches)
    head = next(batches, None)
    if head is None:
        return
    positions = [head.schema.get_field_index(column) for column in columns]

    def every() -> Iterator[Any]:
        yield head
        yield from batches

    yield from recut(every(), positions)


def _open(path: str, where: str | None) -> File:
    format_name = format_of(path)
    if format_name.startswith("csv"):
        from gradline.sources.sql import SqlFile

        return SqlFile(path, format_name, where)
    file: File = Parquet(path) if format_name == "parquet" else Feather(path, stream=format_name == "arrow stream")
    if where is None:
        return file
    from gradline.sources.sql import SqlFile

    return SqlFile(path, format_name, where, list(file.types))


def _expand(pattern: str) -> list[str]:
    """The files that a path or glob means, sorted by name."""
    if "://" in pattern:
        raise SourceError(f"{pattern}: gradline reads local files.\nDownload it first, and give its path.")
    path = str(Path(pattern).expanduser()) if pattern.startswith("~") else pattern
    if Path(path).exists() or not glob.has_magic(path):
        return [path]
    matches = sorted(match for match in glob.glob(path, recursive=True) if not Path(match).is_dir())  # noqa: PTH207
    if not matches:
        raise SourceError(f"no file matches {pattern!r}.\nCheck the folder and the ending.")
    return matches


@contextmanager
def _trouble(place: str, format_name: str) -> Iterator[None]:
    """Turn what pyarrow says of a damaged file into one line."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as problem:
        reason = str(problem).strip().splitlines()[0][:200] if str(problem).strip() else type(problem).__name__
        raise SourceError(
            f"{place}: the {format_name} file cannot be read: {reason}\nIs it damaged or still being written?"
        ) from problem
