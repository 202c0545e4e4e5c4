"""Everything that gradline raises or warns about.

GradlineError                 something about the request or the data; the message says what to try
├── OptionError               an option has a value that it cannot have            (also a ValueError)
├── DataError                 the data cannot be used as they are                  (also a ValueError)
│   ├── ColumnError           a column is missing, misspelt, duplicated or not numeric
│   └── ShapeError            two arrays do not fit together
├── SourceError               a file or database cannot be read
├── ClusterError              workers cannot be reached, were lost, or see something else than this process
└── StorageError              a model, run or moments file cannot be read or written

GradlineWarning               the answer stands, but something about it should be known

A message has at most three lines: what was expected, what arrived, what to try.
"""

from __future__ import annotations

import difflib
import re
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

from gradline.layout import choices, shortened

_PACKAGE = str(Path(__file__).parent)


class GradlineError(Exception):
    """The base of all errors that gradline raises on purpose."""


class OptionError(GradlineError, ValueError):
    """An option has a value that it cannot have."""


class DataError(GradlineError, ValueError):
    """The data cannot be used as they are."""


class ColumnError(DataError):
    """A column is missing, misspelt, duplicated or not numeric."""


class ShapeError(DataError):
    """Two arrays do not fit together."""


class SourceError(GradlineError):
    """A file or database cannot be read."""


class ClusterError(GradlineError):
    """Workers cannot be reached, were lost, or see something else than this process."""


class StorageError(GradlineError):
    """A model, run or moments file cannot be read or written."""


class GradlineWarning(UserWarning):
    """The answer stands, but something about it should be known."""


def said(problem: BaseException, most: int) -> str:
    """The first line of what another library's error says, at most so long; its type where it says nothing.

    Example:
        >>> said(RuntimeError("no such device"), 80), said(AssertionError(), 80)
        ('no such device', 'AssertionError')
    """
    return shortened(str(problem).strip().partition("\n")[0] or type(problem).__name__, most)


def warn(message: str) -> None:
    """Warn at the line of the user's code that called gradline, not at a line of gradline's own."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, GradlineWarning, stacklevel=level)


def no_such_column(name: str, columns: Iterable[str], place: str) -> ColumnError:
    """The error for a column that is not there: the nearest name, and the names that are."""
    present = list(columns)
    near = difflib.get_close_matches(name, present, n=1, cutoff=0.6)
    if not near:
        folded = {column.casefold(): column for column in present}
        near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
        near = [folded[match] for match in near]
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ColumnError(f"no column {name!r} in {place}.{hint}\n{choices('columns', present)}")


def gist(problem: BaseException) -> str:
    r"""What an error of another program says, in a line: of the errors that led to each other, the first.

    >>> gist(ValueError("Traceback:\n  File …\nKeyError: 'b'\n\nThe above was the cause of …"))
    "KeyError: 'b'"
    >>> gist(ValueError("[DIVIDE_BY_ZERO] Division by zero.\n== SQL ==\n1/0\n^^^"))
    'ValueError: [DIVIDE_BY_ZERO] Division by zero.'
    """
    text, kind = str(problem).strip(), type(problem).__name__
    cause = re.search(r"^(?:\w+\.)*[A-Z]\w*(?:Error|Exception): .+", text, re.MULTILINE)
    if cause:
        return cause[0][:200]
    lines = [line for line in text.splitlines() if re.search(r"\w", line)] or ["nothing was said"]
    said = (lines[0] if text.startswith("[") else lines[-1])[:200]
    return said if ": " in said else f"{kind}: {said}"
