"""Files: one path, a list, a glob or a folder. Parquet and Feather are read here, the rest through SQL."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gradline.errors import ColumnError, SourceError
from gradline.sources.arrow import holds_labels
from gradline.sources.copied import Copied
from gradline.sources.feather import Feather
from gradline.sources.file_kind import File, Piece, demand_alike, shown
from gradline.sources.hive import Partitioned, keys_in_sql, with_keys
from gradline.sources.location import Location, locate
from gradline.sources.parquet import Parquet
from gradline.sources.rows import Part, Place, Rows, Table, demand, whole
from gradline.sources.signature import format_of


def file_table(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], where: str | None = None) -> Table:
    """The table of one file, a list of files, a glob or a folder, with the rows for which `where` holds.

    A folder stands for the Parquet and Feather files in it and below, sorted by name. Where these, or the files of a
    glob, lie in folders such as "year=2024/month=3", `year` and `month` are columns, of numbers where all their
    values are numbers.
    Addresses (s3://, gs://, https:// …) are opened by fsspec.

    Raises:
        SourceError: a file is missing, damaged, empty or of another kind; a folder has no data files.
        ColumnError: a file has two columns of one name.

    Example:
        >>> import tempfile, pyarrow as pa, pyarrow.parquet as pq
        >>> folder = tempfile.mkdtemp()
        >>> pq.write_to_dataset(pa.table({"v": [1.0, 2.0], "year": [2024, 2025]}), folder, partition_cols=["year"])
        >>> table = file_table(folder)
        >>> table.columns, [rows.columns[1].tolist() for rows in table.read(["v", "year"])]
        (('v', 'year'), [[2024], [2025]])
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = [location for each in several for location in locate(os.fspath(each))]
    prints = [f"{location.name}: {location.stamp()}" for location in found]
    keys = [dict(location.keys) for location in found]
    keyed = any(keys)
    files = [_open(location, None if keyed else where) for location in found]
    columnar = _columnar(files)
    if keyed and where is None and len(columnar) == len(files):
        files = [*with_keys(columnar, keys)]
    elif keyed:
        further = keys_in_sql(files, keys)
        files = [_open(location, where, each) for location, each in zip(found, further, strict=True)]
    return Files(files, [*prints, repr(where)], filtered=where is not None)


class Files:
    """Files with the same columns, one after the other. Each starts a chunk of its own."""

    def __init__(self, files: Sequence[File], prints: Sequence[str], *, filtered: bool = False) -> None:
        self._files = files
        self._filtered = filtered
        self._prints = prints
        first = files[0]
        self.name = first.path if len(files) == 1 else f"{first.path} and {len(files) - 1} more"
        self.columns = tuple(first.types)
        self.numeric = tuple(column for column, (_, epsilon) in first.types.items() if epsilon is not None)
        self.labels = tuple(column for column, kind in first.types.items() if holds_labels(kind))
        heights = [file.rows for file in files]
        self.rows = None if None in heights else sum(height or 0 for height in heights)

    @property
    def identity(self) -> str | None:
        """A fingerprint of what was opened: other paths, contents, times or columns give another."""
        prints = [*self._prints, *[f"{file.rows} rows, {dict(file.types)}" for file in self._files]]
        return hashlib.sha256("\n".join(prints).encode()).hexdigest()

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._files[0].kind(column)

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers: the coarsest among the files."""
        demand(self, [column])
        self._demand([column])
        return max(file.types[column][1] or 0.0 for file in self._files)

    def stored(self, columns: Sequence[str]) -> int:
        """Bytes to read for these columns, of all files; no row is read for it."""
        return sum(file.stored(columns) for file in self._files)

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in order, after a look at the columns of every file."""
        self._demand(columns)
        first = 0
        for file in self._files:
            for rows in _numbered(file.read(columns), first, self._filtered):
                yield rows
                first = rows.first + (len(rows.columns[0]) if rows.columns else 0)

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part for each row group of Parquet files and for each Feather file; one for all where SQL reads any."""
        self._demand(columns)
        columnar = _columnar(self._files)
        if len(columnar) < len(self._files) or self.rows is None:
            return whole(self, columns)
        alone = len(columnar) == 1
        first, parts = 0, []
        for file in columnar:
            start = first
            for piece in file.pieces(columns, alone=alone):
                parts.append(_part(piece, start, self._filtered))
                start += piece.rows or 0
            first += file.rows or 0
        return parts

    def separately(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part for each file, whatever reads it; where heights are not known, rows are counted from its start.

        Raises:
            SourceError: a file was fetched to this machine to be read.
        """
        self._demand(columns)
        parts = []
        for file in self._files:
            if isinstance(file, Copied):
                raise SourceError(
                    f"{file.path} was fetched to be read, and other machines do not have that copy.\n"
                    "They read Parquet and Feather from elsewhere; or put the file into a folder that they all see."
                )
            whole_file = Piece(file.path, file.rows, lambda file=file: file.read(columns))  # type: ignore[misc]
            parts.append(_part(whole_file, 0, self._filtered))
        return parts

    def _demand(self, columns: Sequence[str]) -> None:
        demand(self, columns, labels=True)
        named = {file.path: file for file in self._files}
        for column in columns:
            for path, file in named.items():
                if column not in file.types:
                    raise ColumnError(
                        f"{path}: there is no column {column!r}; it is {shown(column, self._files[0])}.\n"
                        "Leave the file out with a narrower glob, or give it the column."
                    )
            demand_alike(column, named)


def _part(piece: Piece, first: int, filtered: bool) -> Part:
    """A piece as a part of the table, which it starts at row `first`."""
    return Part(piece.place, piece.rows, lambda: _numbered(piece.read(), first, filtered))


def _numbered(chunks: Iterable[tuple[str, tuple[Any, ...]]], first: int, filtered: bool) -> Iterator[Rows]:
    """The chunks of a file or a piece of it, with the numbers of their rows in the table from `first` on."""
    place = Place("", first, filtered)
    for name, arrays in chunks:
        if name != place.name:
            place = Place(name, first, filtered)
        yield Rows(first, arrays, place)
        first += len(arrays[0]) if arrays else 0


def _columnar(files: Sequence[File]) -> list[Parquet | Feather | Partitioned]:
    return [file for file in files if isinstance(file, Parquet | Feather | Partitioned)]


def _open(location: Location, where: str | None, keys: Mapping[str, str] | None = None) -> File:
    """The file under a condition, if there is one; `keys` are further columns of one value each, as SQL writes it."""
    format_name = format_of(location.name, location.head())
    columnar = format_name in ("parquet", "feather", "arrow stream")
    as_it_is = where is None and keys is None
    if location.system is not None and not (columnar and as_it_is and location.in_parts()):
        location = location.fetched()
    names: Sequence[str] = ()
    if columnar:
        stream = format_name == "arrow stream"
        file: File = Parquet(location) if format_name == "parquet" else Feather(location, stream=stream)
        if as_it_is:
            return file
        names = [*file.types, *(keys or {})]
    from gradline.sources.sql import SqlFile

    def make(path: str) -> SqlFile:
        return SqlFile(path, format_name, where, names, keys or {})

    return make(location.path) if location.path == location.name else Copied(location, make)
