"""The first line of a CSV file that has another number of fields than its header."""

from __future__ import annotations

import csv
import io
from itertools import islice

from gradline.errors import SourceError

_DELIMITERS = ",;\t|"
_LINES = 20_480


def ragged(path: str, line: int, expected: int, found: int) -> SourceError:
    """The error for a line with another number of fields than the header."""
    fields = "field" if found == 1 else "fields"
    return SourceError(
        f"{path}, line {line}: {found} {fields}, and the first line has {expected}.\nCorrect the line, or remove it."
    )


def reject_ragged(path: str, packing: str, header: str) -> None:
    """Raise SourceError where one odd line has hidden the delimiter, so that DuckDB took each line for one field.

    `header` is the first line. A comma in the name of an only column hides nothing: then no later line has one.
    """
    import pyarrow as pa

    delimiter = max(_DELIMITERS, key=header.count)
    if delimiter not in header:
        return
    expected, line, odd, split = 0, 1, None, False
    with pa.input_stream(path, compression=packing or None) as file:
        reader = csv.reader(
            io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline=""), delimiter=delimiter
        )
        for row in islice(reader, _LINES):
            if row and not expected:
                expected = len(row)
            elif row:
                split = split or len(row) > 1
                if odd is None and len(row) != expected:
                    odd = (line, expected, len(row))
            if split and odd is not None:
                raise ragged(path, *odd)
            line = reader.line_num + 1
