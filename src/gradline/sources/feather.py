"""Feather files, which are Arrow's IPC files, and Arrow streams in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gradline.sources.arrow import Kind, kind_of
from gradline.sources.file_kind import Piece, by_name
from gradline.sources.location import Location, trouble
from gradline.sources.messages import batches_of
from gradline.sources.rows import reject_duplicates, together


class Feather:
    """A Feather (Arrow IPC) file or stream, read batch by batch; each record batch starts a chunk.

    It is one piece, and Arrow unpacks its columns in parallel. Of a compressed record batch the wanted columns are
    unpacked whole: memory grows with the largest batch, which most writers end at 65,536 rows.
    """

    def __init__(self, location: Location, *, stream: bool = False) -> None:
        self.path = location.name
        self._location = location
        self._stream = stream
        self.rows: int | None = None
        with self._reader(None) as reader:
            reject_duplicates(reader.schema.names, self.path)
            self.types: Mapping[str, Kind] = {field.name: kind_of(field.type) for field in reader.schema}
        self._in_place = False
        if not stream and location.system is None:
            with trouble(self.path, "Feather"), _opened(location) as source:
                batches = batches_of(source)
            self.rows, self._in_place = batches.rows, not batches.compressed

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self.types[column][0]

    def pieces(self, columns: Sequence[str], *, alone: bool) -> Sequence[Piece]:
        """The one piece; its rows are not said, for a chunk ends before it is full where a record batch does."""
        return (Piece(self.path, None, lambda: self.read(columns)),)

    def stored(self, columns: Sequence[str]) -> int:
        """The size of the file, whatever the columns."""
        return self._location.size()

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The chunks of each record batch."""
        names = list(self.types)
        distinct = sorted({names.index(column) for column in columns})
        rows = together(len(distinct))
        # Choosing columns makes Arrow set aside memory for all of them: only worth it where they must be unpacked.
        with self._reader(None if self._in_place else distinct) as reader:
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
        make = pa.ipc.open_stream if self._stream else pa.ipc.open_file
        with trouble(self.path, "Feather"), _opened(self._location) as source:
            yield make(source, options=options)


def _opened(location: Location) -> Any:
    """The file; one of this machine as a memory map, of which only the pages that are read are ever brought in."""
    import pyarrow as pa

    return pa.memory_map(location.path) if location.system is None else location.open()
