"""Lines that fit a terminal: widths are counted in cells, of which a Korean character takes two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

WIDTH = 80

ERROR = WIDTH - len("error: ")
"""What the command line leaves of a line of an error."""


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def left(text: str, width: int) -> str:
    """The text, filled up with spaces on its right."""
    return text + " " * (width - cells(text))


def right(text: str, width: int) -> str:
    """The text, filled up with spaces on its left."""
    return " " * (width - cells(text)) + text


def shortened(name: str, width: int) -> str:
    """A name with … in its middle where it would be too wide; line ends and the like become spaces.

    >>> shortened("flipper_length_in_millimetres", 15)
    'flipper…imetres'
    """
    name = "".join(letter if letter.isprintable() else " " for letter in name)
    if cells(name) <= width:
        return name
    head, tail = "", ""
    for start, end in zip(name, reversed(name), strict=True):
        if cells(head + start) + cells(tail) + 1 > width:
            break
        head += start
        if cells(head) + cells(end + tail) + 1 > width:
            break
        tail = end + tail
    return f"{head}…{tail}"


def told(value: object) -> str:
    """A value that came, as an error repeats it: on one line, and short however long it is.

    >>> told([0.5] * 1000)
    '[0.5, 0.5, 0.5,…0.5, 0.5, 0.5]'
    """
    return shortened(repr(value), 30)


def listing(names: Iterable[str], width: int, separator: str = ", ") -> str:
    """As many of the names as fit, then "… 7 more".

    >>> listing(["a", "b", "c"], 20), listing(["alpha", "beta", "gamma"], 16)
    ('a, b, c', 'alpha, … 2 more')
    """
    names = list(names)
    whole = separator.join(names)
    if cells(whole) <= width:
        return whole
    for shown in range(len(names) - 1, 0, -1):
        text = separator.join([*names[:shown], f"… {len(names) - shown} more"])
        if cells(text) <= width:
            return text
    rest = f"{separator}… {len(names) - 1} more" if names[1:] else ""
    return shortened(names[0], max(width - cells(rest), 5)) + rest


def choices(what: str, names: Iterable[str], separator: str = ", ") -> str:
    """What there is, as one line of an error; of many names as many as fit.

    >>> choices("columns", ["x", "y"]), choices("tables", [])
    ('columns: x, y', 'tables: none')
    """
    shown = [shortened(name, ERROR // 2) for name in names]
    return f"{what}: {listing(shown or ['none'], ERROR - cells(what) - 2, separator)}"


Columns: TypeAlias = Sequence[tuple[str, Sequence[str]]]
"""Titles, each with the texts below it."""


def column_width(title: str, texts: Iterable[str]) -> int:
    """Cells that a column of a table takes."""
    return max(map(cells, (title, *texts)))


def side_by_side(columns: Columns, ends: Sequence[str] = (), title: str = "") -> list[str]:
    """The lines of a table, its columns to the right, two spaces apart; what ends each line stands as it is.

    >>> side_by_side([("#", ["9", "10"]), ("df", ["1.5", "2"])], ["best", ""])
    [' #   df', ' 9  1.5  best', '10    2']
    """
    widths = [column_width(*column) for column in columns]
    rows = [[title for title, _ in columns], *zip(*[texts for _, texts in columns], strict=True)]
    ended = zip(rows, [title, *(ends or [""] * (len(rows) - 1))], strict=True)
    return ["  ".join([*map(right, row, widths), end]).rstrip() for row, end in ended]


def filled(parts: Iterable[str], indent: str = "", separator: str = " · ", width: int = WIDTH) -> list[str]:
    """The parts joined into as few lines as fit, later lines indented; no part is broken.

    >>> filled(["R² 0.76", "residual sd 393", "F 360"], indent="  ", width=28)
    ['R² 0.76 · residual sd 393 ·', '  F 360']
    """
    parts = list(parts)
    lines = parts[:1]
    for number, part in enumerate(parts[1:], 2):
        joined = lines[-1] + separator + part
        if cells(joined) + (len(separator.rstrip()) if number < len(parts) else 0) <= width:
            lines[-1] = joined
        else:
            lines[-1] += separator.rstrip()
            lines.append(indent + part)
    return lines


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """The text broken between words into lines that fit, later lines indented; a word that is too wide is shortened.

    >>> wrapped("the column flipper_length_in_millimetres is text", "  ", width=17)
    ['the column', '  flipper…imetres', '  is text']
    """
    words = text.split(" ")
    lines = [shortened(words[0], width)]
    for word in words[1:]:
        if cells(lines[-1]) + 1 + cells(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(indent + shortened(word, width - cells(indent)))
    return lines
