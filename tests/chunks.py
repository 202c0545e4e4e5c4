"""The chunks of what a table gives: it may hand over several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gradline.sources import CHUNK, Rows


def chunks(given: Iterable[Rows]) -> Iterator[Rows]:
    """One chunk at a time: a new one starts with each Rows, and after each CHUNK rows of it."""
    for rows in given:
        for start in range(0, max(len(rows.columns[0]), 1), CHUNK):
            columns = tuple(column[start : start + CHUNK] for column in rows.columns)
            yield Rows(rows.first + start, columns, rows.place)
