"""What a query or a database table gives: Arrow record batches, asked for again for each reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from gradline.sources.arrow import Kind, holds_labels, recut
from gradline.sources.rows import Part, Place, Rows, demand, reject_duplicates, whole

Ask: TypeAlias = Callable[[Sequence[str]], AbstractContextManager[Iterable[Any]]]
"""The record batches of these columns, for as long as the context is open."""


class Answer:
    """A table whose rows come from a query; only the columns that are read are asked for."""

    rows: int | None = None
    identity: str | None = None

    def __init__(self, name: str, types: Sequence[tuple[str, Kind]], ask: Ask, *, filtered: bool) -> None:
        self.name = name
        self._place = Place(name, filtered=filtered)
        reject_duplicates([column for column, _ in types], name)
        self._types = dict(types)
        self._ask = ask
        self.columns = tuple(self._types)
        self.numeric = tuple(column for column, (_, epsilon) in types if epsilon is not None)
        self.labels = tuple(column for column, kind in types if holds_labels(kind))

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._types[column][0]

    def epsilon(self, column: str) -> float:
        """Relative spacing of the column's numbers."""
        demand(self, [column])
        return self._types[column][1] or 0.0

    def read(self, columns: Sequence[str]) -> Iterator[Rows]:
        """The rows in the order in which they come, in chunks of CHUNK."""
        demand(self, columns, labels=True)
        distinct = list(dict.fromkeys(columns))
        first = 0
        with self._ask(distinct) as batches:
            for arrays in recut(batches, [distinct.index(column) for column in columns]):
                yield Rows(first, arrays, self._place)
                first += len(arrays[0])

    def parts(self, columns: Sequence[str]) -> Sequence[Part]:
        """One part: a query is read from end to end."""
        return whole(self, columns)
