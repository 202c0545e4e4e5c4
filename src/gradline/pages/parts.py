"""What a page is made of: sections of tables, facts, words and pictures. page.html has each one's look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeAlias


class Number(NamedTuple):
    """A number as it is read, and with all of its digits."""

    text: str
    value: float

    @property
    def exact(self) -> str:
        """For programs that read the page; nothing where there is no number."""
        return "" if self.value != self.value else repr(float(self.value))


class Row(NamedTuple):
    """What stands at the beginning of a row, its numbers, or what is said in their place."""

    name: str
    cells: Sequence[Number] = ()
    said: str = ""


@dataclass(frozen=True)
class Table:
    """Numbers under headings."""

    head: Sequence[str]
    """Of the names, then of each number."""
    rows: Sequence[Row]
    title: str = ""
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Facts:
    """Names, each with what it is."""

    pairs: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    kind: ClassVar[str] = "words"


class Note(NamedTuple):
    """What should be known, and what to do about it."""

    said: str
    to_do: str = ""
    lang: str = ""
    """Where it is not that of the page."""


@dataclass(frozen=True)
class Notes:
    """A list of them."""

    notes: Sequence[Note]
    kind: ClassVar[str] = "notes"


@dataclass(frozen=True)
class Picture:
    """An svg element, what it is for those who do not see it, and what to look for."""

    svg: str
    said: str
    caption: str


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side, where there is room."""

    pictures: Sequence[Picture]
    kind: ClassVar[str] = "pictures"


@dataclass(frozen=True)
class Code:
    """Lines for a shell or for Python."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Frame:
    """A page within the page."""

    page: str
    title: str
    kind: ClassVar[str] = "frame"


Block: TypeAlias = Table | Facts | Words | Notes | Pictures | Code | Frame


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it."""

    key: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A report."""

    title: str
    lead: str
    sections: Sequence[Section]
    lang: str
    lab: bool = False
    """Whether it holds the lab, which runs a script."""
