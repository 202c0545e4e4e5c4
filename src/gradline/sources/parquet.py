"""Parquet files, read row group by row group in slices, so that memory does not depend on a row group's size."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gradline.errors import SourceError
from gradline.sources.arrow import Kind, holds_labels, kind_of
from gradline.sources.file_kind import Piece, by_name
from gradline.sources.location import Location, trouble
from gradline.sources.rows import reject_duplicates, together

_HERE = (2**14, 2**17, 2**23)
"""Bytes of each column that are fetched at a time: least, most, and what all columns share."""
_REMOTE = (2**17, 2**22, 2**26)
"""The same where each fetch is a request over a network."""


class Parquet:
    """A Parquet file; each row group starts a chunk and can be read by itself, from any thread."""

    def __init__(self, location: Location) -> None:
        self.path = location.name
        self._location = location
        self._stamp = location.stamp()
        with trouble(self.path, "Parquet"), _opened(location) as file:
            reject_duplicates(file.schema_arrow.names, self.path)
            self.types: Mapping[str, Kind] = {field.name: kind_of(field.type) for field in file.schema_arrow}
            self.rows: int | None = file.metadata.num_rows
            groups = range(file.metadata.num_row_groups)
            self._heights = tuple([file.metadata.row_group(group).num_rows for group in groups])

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self.types[column][0]

    def stored(self, columns: Sequence[str]) -> int:
        """Bytes to read for these columns, compressed: what the footer says."""
        names = set(columns)
        with trouble(self.path, "Parquet"), _opened(self._location) as file:
            groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
        parts = [group.column(number) for group in groups for number in range(group.num_columns)]
        return sum(part.total_compressed_size for part in parts if part.path_in_schema.partition(".")[0] in names)

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The chunks of each row group."""
        for piece in self.pieces(columns, alone=True):
            yield from piece.read()

    def pieces(self, columns: Sequence[str], *, alone: bool) -> Sequence[Piece]:
        """The row groups, each with a handle of its own."""
        footer = _Footer(len(self._heights))
        alone = alone and len(self._heights) == 1

        def piece(group: int, height: int) -> Piece:
            place = f"{self.path}, row group {group}"
            return Piece(place, height, lambda: self._read(group, place, columns, footer, alone))

        return [piece(group, height) for group, height in enumerate(self._heights)]

    def _read(
        self, group: int, place: str, columns: Sequence[str], footer: _Footer, alone: bool
    ) -> Iterator[tuple[str, tuple[Any, ...]]]:
        distinct = list(dict.fromkeys(columns))
        rows = together(len(distinct))
        with trouble(place, "Parquet"):
            encoded = [column for column in distinct if holds_labels(self.types[column])]
            with _opened(self._location, footer, encoded, len(distinct)) as file:
                # A request for each row group would cost more than it tells, so files elsewhere are trusted.
                if self._location.system is None and self._location.stamp() != self._stamp:
                    raise SourceError(f"{place}: the file has changed since it was opened.\nOpen it again.")
                batches = file.iter_batches(rows, row_groups=[group], columns=distinct, use_threads=alone)
                for arrays in by_name(batches, columns, rows):
                    yield place, arrays


class _Footer:
    """The footer of a file, parsed by the first of its row groups to be read and let go after the last."""

    def __init__(self, uses: int) -> None:
        self._lock = threading.Lock()
        self._left = uses
        self._parsed: Any = None

    def of(self, source: Any) -> Any:
        """The footer of the open file."""
        from pyarrow.parquet import read_metadata

        with self._lock:
            parsed = self._parsed or read_metadata(source)
            self._left -= 1
            self._parsed = parsed if self._left else None
            return parsed


@contextmanager
def _opened(
    location: Location, footer: _Footer | None = None, texts: Sequence[str] = (), width: int = 1
) -> Iterator[Any]:
    """The file, to read so many columns of it; text that it holds dictionary-encoded stays so."""
    from pyarrow.parquet import ParquetFile

    least, most, shared = _HERE if location.system is None else _REMOTE
    with location.open() as source:
        parsed = None if footer is None else footer.of(source)
        # Buffered, not mapped and not fetched ahead: that is as fast, and memory does not grow with the row group.
        with ParquetFile(
            source,
            metadata=parsed,
            read_dictionary=_encoded(parsed, texts) if texts else None,
            buffer_size=max(least, min(most, shared // max(width, 1))),
            pre_buffer=False,
            page_checksum_verification=True,  # where the writer left any, as Spark does: damage may look like numbers
        ) as file:
            yield file


def _encoded(footer: Any, texts: Sequence[str]) -> list[str]:
    """Those of the text columns that were written as codes into a dictionary, which is what labels are wanted as."""
    if not footer.num_row_groups:
        return []
    head = footer.row_group(0)
    columns = [head.column(number) for number in range(head.num_columns)]
    return [
        column.path_in_schema for column in columns if column.path_in_schema in texts and column.has_dictionary_page
    ]
