"""Files from elsewhere that must lie on this machine to be read: a copy, and errors that call it by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gradline.errors import GradlineError
from gradline.sources.arrow import Kind
from gradline.sources.file_kind import File
from gradline.sources.location import Location


class Copied:
    """A file read from a copy that lasts as long as this."""

    def __init__(self, copy: Location, make: Callable[[str], File]) -> None:
        self._copy = copy
        self.path = copy.name
        with self._renamed():
            self._file = make(copy.path)
        self.types: Mapping[str, Kind] = self._file.types
        self.rows = self._file.rows

    def kind(self, column: str) -> str:
        """How an error calls the type of the column."""
        return self._file.kind(column)

    def stored(self, columns: Sequence[str]) -> int:
        """Of the copy."""
        return self._file.stored(columns)

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The chunks of the copy."""
        with self._renamed():
            for place, arrays in self._file.read(columns):
                yield place.replace(self._copy.path, self.path), arrays

    @contextmanager
    def _renamed(self) -> Iterator[None]:
        try:
            yield
        except GradlineError as problem:
            raise type(problem)(str(problem).replace(self._copy.path, self.path)) from problem
