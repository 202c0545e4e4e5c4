"""What an Arrow file says of its record batches before any of them is read.

pyarrow tells a batch's length only after reading it whole. It stands in the message before the batch: a table of
FlatBuffers (Arrow's Message.fbs), of which two fields are wanted.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

_MAGIC = 8  # "ARROW1" and two bytes of padding; then the messages, as in a stream
_HEADER = 2  # of a Message: version, type, header, length of the body
_LENGTH, _COMPRESSION = 0, 3  # of a RecordBatch: length, nodes, buffers, compression


class Batches(NamedTuple):
    """The record batches of a file, all together."""

    rows: int
    compressed: bool
    """Whether any must be unpacked before use; else columns can be used where they lie."""


def batches_of(source: Any) -> Batches:
    """What the messages of an open Arrow file say; of a memory map, only their own pages are brought in.

    Raises:
        ArrowException, OSError: the file is cut short or damaged.
    """
    import pyarrow as pa

    source.seek(_MAGIC)
    rows, compressed = 0, False
    for message in pa.ipc.MessageReader.open_stream(source):
        if message.type == "record batch":
            try:
                batch = _record_batch(memoryview(message.metadata))
            except struct.error:
                raise OSError("a message before a record batch is damaged") from None
            rows, compressed = rows + batch.rows, compressed or batch.compressed
    return Batches(rows, compressed)


def _record_batch(message: memoryview) -> Batches:
    """Length and compression of the batch that this message announces."""
    (root,) = struct.unpack_from("<I", message, 0)
    header = _field(message, root, _HEADER)
    if header is None:
        raise struct.error
    batch = header + struct.unpack_from("<I", message, header)[0]
    length = _field(message, batch, _LENGTH)
    rows = 0 if length is None else struct.unpack_from("<q", message, length)[0]
    return Batches(rows, _field(message, batch, _COMPRESSION) is not None)


def _field(message: memoryview, table: int, number: int) -> int | None:
    """Where a field of a table stands; None where it is left out, which means 0 or nothing."""
    offsets = table - struct.unpack_from("<i", message, table)[0]
    (size,) = struct.unpack_from("<H", message, offsets)
    at = 4 + 2 * number  # after the size of the offsets and of the table
    offset = struct.unpack_from("<H", message, offsets + at)[0] if at < size else 0
    return table + offset if offset else None
