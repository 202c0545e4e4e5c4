"""What kind of file this is: its first bytes decide, its name only where they do not."""

from __future__ import annotations

import re
import zlib
from pathlib import PurePosixPath

from gradline.errors import SourceError

_TEXT = {".csv", ".tsv", ".txt"}
_JSON = {".json", ".jsonl", ".ndjson"}
_OBJECT = re.compile(rb'(\xef\xbb\xbf)?\s*(\[\s*)?\{\s*["}]')
_OTHERS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive (an Excel workbook is one)",
    b"SQLite format": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"FEA1": "Feather version 1",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}
_READABLE = "gradline reads CSV (.csv, .tsv, .txt) and JSON (.json, .jsonl), also .gz or .zst, Parquet and Feather"


def format_of(path: str, head: bytes) -> str:
    """'parquet', 'feather', 'arrow stream', 'csv', 'json', 'csv gzip' and so on; SourceError for anything else.

    `path` is the file's path or address, `head` its first bytes.
    """
    name = path.partition("?")[0] if "://" in path else path
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    ending = suffixes[-1] if suffixes else ""
    if not head:
        raise SourceError(f"{path} is empty (0 bytes).\nExpected a table with a line or schema of column names.")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "feather"
    if head.startswith(b"\xff\xff\xff\xff"):
        return "arrow stream"
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise SourceError(f"{path} is {what}.\n{_READABLE}.")
    if ending in (".parquet", ".pq", ".feather", ".arrow", ".ipc"):
        expected = "Parquet" if ending in (".parquet", ".pq") else "Feather"
        raise SourceError(f"{path} is not a {expected} file: it starts with {head[:8]!r}.\n{_READABLE}.")
    return _text(path, head, suffixes)


def _text(path: str, head: bytes, suffixes: list[str]) -> str:
    packed = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}.get(head[:2])
    named = [suffix for suffix in suffixes[-2:] if suffix not in (".gz", ".zst")]
    ending = named[-1] if named else ""
    if ending not in _TEXT | _JSON:
        raise SourceError(f"{path}: the ending {ending or 'is missing and'!s} says nothing about it.\n{_READABLE}.")
    if packed is None and suffixes[-1] in (".gz", ".zst"):
        raise SourceError(f"{path} is not compressed, though its name says so.\nRename it to end in {ending}.")
    if packed == "gzip":
        try:
            head = zlib.decompressobj(31).decompress(head, 4096)
        except zlib.error as problem:
            raise SourceError(f"{path}: the gzip file is damaged: {problem}.\nMake or fetch it again.") from problem
        if not head:
            raise SourceError(f"{path} holds an empty file.\nExpected a table with a line of column names.")
    if packed != "zstd" and b"\x00" in head:
        raise SourceError(f"{path} is not text in UTF-8: it holds zero bytes.\n{_READABLE}.")
    format_name = "json" if ending in _JSON or _OBJECT.match(head) else "csv"
    return f"{format_name} {packed}" if packed else format_name
