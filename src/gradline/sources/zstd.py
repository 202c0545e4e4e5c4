"""Whether a zstd file is whole: DuckDB takes one that was cut short for a shorter table."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from gradline.errors import SourceError

_MAGIC = 0xFD2FB528
_SKIPPABLE = 0x184D2A50  # and the fifteen numbers after it
_REPEATED = 1  # a block that is one byte, so many times


def reject_cut_short(path: str) -> None:
    """Raise SourceError where the file ends within a frame. The lengths of its blocks tell; nothing is unpacked.

    A file that was cut between two frames cannot be told from a whole one.

    Source: RFC 8878, section 3.1.
    """
    size = Path(path).stat().st_size
    with Path(path).open("rb") as file:
        try:
            while file.tell() < size:
                _skip_frame(file)
            whole = file.tell() == size
        except EOFError:
            whole = False
    if not whole:
        raise SourceError(f"{path} cannot be read: it is cut short, within a frame of zstd.\nMake or fetch it again.")


def _skip_frame(file: BinaryIO) -> None:
    """Go to the end of the frame that starts here, or beyond the end of the file where the frame does."""
    magic = _number(file, 4)
    if magic & ~0xF == _SKIPPABLE:
        file.seek(_number(file, 4), 1)
    elif magic == _MAGIC:
        descriptor = _number(file, 1)
        single, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
        file.seek((1 - single) + (0, 1, 2, 4)[descriptor & 3] + (single, 2, 4, 8)[descriptor >> 6], 1)
        last = 0
        while not last:
            block = _number(file, 3)
            last, kind, length = block & 1, block >> 1 & 3, block >> 3
            file.seek(1 if kind == _REPEATED else length, 1)
        file.seek(4 * checksum, 1)
    else:
        file.seek(0, 2)  # no frame: DuckDB says what is wrong with it


def _number(file: BinaryIO, width: int) -> int:
    """So many bytes as a whole number; EOFError where there are fewer."""
    found = file.read(width)
    if len(found) < width:
        raise EOFError
    return int.from_bytes(found, "little")
