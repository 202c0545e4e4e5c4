"""Feather files, which are Arrow's IPC files, and Arrow streams in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gradline.sources.arrow import Kind, kind_of
from gradline.sources.file import Piece, by_name
from gradline.sources.location import Location, trouble
from gradline.sources.rows import reject_duplicates, together


class Feather:
    """A Feather (Arrow IPC) file or stream, read batch by batch; each record batch starts a chunk.

    It is one piece: only reading a record batch tells how long it is, and Arrow unpacks its columns in parallel.
    """

    def __init__(self, location: Location, *, stream: bool = False) -> None:
        self.path = location.name
        self._location = location
        self._stream = stream
        self.rows: int | None = None
        with self._reader(None) as reader:
            reject_duplicates(reader.schema.names, self.path)
            self.types: Mapping[str, Kind] = {field.name: kind_of(field.type) for field in reader.schema}
        if not stream and location.system is None:
            from pyarrow import dataset

            with trouble(self.path, "Feather"):
                self.rows = dataset.dataset(location.path, format="feather").count_rows()

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self.types[column][0]

    def pieces(self, columns: Sequence[str], *, alone: bool) -> Sequence[Piece]:
        """The one piece; its rows are not said, for a chunk ends before it is full where a record batch does."""
        return (Piece(self.path, None, lambda: self.read(columns)),)

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The chunks of each record batch."""
        names = list(self.types)
        distinct = sorted({names.index(column) for column in columns})
        rows = together(len(distinct))
        with self._reader(distinct) as reader:
            number = 0
            while self._stream or number < reader.num_record_batches:
                place = f"{self.path}, record batch {number}"
                with trouble(place, "Feather"):
                    try:
                        batch = reader.read_next_batch() if self._stream else reader.get_batch(number)
                    except StopIteration:
                        return
                    for arrays in by_name([batch], columns, rows):
                        yield place, arrays
                number += 1

    @contextmanager
    def _reader(self, chosen: list[int] | None) -> Iterator[Any]:
        import pyarrow as pa

        options = pa.ipc.IpcReadOptions(included_fields=chosen)
        location = self._location
        # A memory map: only the pages of the columns that are read are ever brought in.
        opened = location.open if location.system is not None else lambda: pa.memory_map(location.path)
        with trouble(self.path, "Feather"), opened() as source:
            opener = pa.ipc.open_stream if self._stream else pa.ipc.open_file
            yield opener(source, options=options)
