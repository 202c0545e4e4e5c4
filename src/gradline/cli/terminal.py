"""Where the command line writes: plain text into pipes and files, a little colour on a terminal."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import typer
from typer.core import TyperCommand

from gradline.layout import WIDTH, shortened, wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress as RichBar
    from rich.progress import TaskID

    from gradline.moments import Progress

_PATIENCE = 0.7  # seconds before a progress bar appears: less is over before it can be read
_ARGUMENT = re.compile(r"""(?<![\w'"-])([a-z][a-z0-9_]*)=(?:True\b|"([\w-]+)"|(?=[\s.,:;)]|$))""")
_UNIT = re.compile(r"(?<!\w)'[^']*'(?!\w)|\S+")  # a name in quotes, or a word
_LONGEST = (60, 45, 30, 20)  # what units are shortened to, until a message has three lines
_COLOURS = {"error": "red", "warning": "yellow", "interrupted": "yellow"}


def say(text: str = "", **style: bool) -> None:
    """Write lines to stdout, as they are: never wrapped. A style, as bold=True, shows on a terminal only."""
    _write(sys.stdout, text + "\n", style)


def wrote(report: Path) -> None:
    """Say where a page is."""
    say(f"Wrote {report}: open it in a browser", dim=True)


def complain(kind: str, message: str) -> None:
    """Write "error: …" or "warning: …" to stderr, later lines indented to stand under the first."""
    indent = " " * (len(kind) + 2)
    lines = _fitted(_in_options(message).splitlines() or [""], WIDTH - len(indent))
    sys.stdout.flush()
    _write(sys.stderr, f"{kind}:", {"fg": _COLOURS[kind], "bold": True})
    _write(sys.stderr, f" {f'{chr(10)}{indent}'.join(lines)}\n", {})


class PlainHelp(TyperCommand):
    """A command whose help names its arguments as the README does: SOURCE, without braces and types."""

    def get_help(self, ctx: Any) -> str:
        """The help, with what typer adds to the arguments taken out and the columns kept."""
        text = re.sub(r"\{([A-Z]+)\}", r"\1", super().get_help(ctx), count=2)
        return re.sub(r"^(  [A-Z]+)( +<\S+>)(?= )", lambda found: found[1] + " " * len(found[2]), text, flags=re.M)


def _fitted(lines: Sequence[str], width: int) -> list[str]:
    """The lines broken between words, and three where running them together or shortening long names does that.

    >>> _fitted(["no column 'y' in a.csv.", "columns: a, b"], 12)
    ['no column', "'y' in", 'a.csv.', 'columns: a,', 'b']
    """
    whole = [line.strip() for line in lines]
    for shown in (whole, *(_abridged(whole, longest) for longest in _LONGEST)):
        apart = _broken(shown, width)
        together = _broken([" ".join(shown)], width)
        if min(len(apart), len(together)) <= 3:
            return apart if len(apart) <= 3 else together
    return _broken(whole, width)


def _broken(lines: Sequence[str], width: int) -> list[str]:
    return [part for line in lines for part in wrapped(line, width=width)]


def _abridged(lines: Sequence[str], longest: int) -> list[str]:
    """The lines with … in each name or word that is longer."""
    return [_UNIT.sub(lambda unit: shortened(unit[0], longest), line) for line in lines]


def _in_options(message: str) -> str:
    """A message that speaks of arguments of Python, in the words of the command line.

    >>> _in_options('Use lr="auto" (0.0282), or standardize=True. For features=, see weight_decay=.')
    'Use --lr auto (0.0282), or --standardize. For --features, see --weight-decay.'
    """
    return _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')}{' ' + found[2] if found[2] else ''}", message)


@contextmanager
def progress(label: str, unit: str = "rows") -> Iterator[Progress | None]:
    """What to call with (units done, units in all or None): a bar, on a terminal, if it takes long."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(label, unit)
    try:
        yield bar.show
    finally:
        bar.close()


class _Bar:
    """A progress bar that appears only when there is something to wait for."""

    def __init__(self, label: str, unit: str) -> None:
        self._label = label
        self._count = f"{{task.completed:,.0f}} {unit}"
        self._rate = f"{{task.fields[rate]:,.0f}} {unit}/s"
        self._start = time.monotonic()
        self._bar: RichBar | None = None
        self._task: TaskID | None = None

    def show(self, done: int, total: int | None) -> None:
        if self._bar is None:
            if time.monotonic() - self._start < _PATIENCE:
                return
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn(self._count), TextColumn(self._rate))
            self._bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._label, total=total, rate=0.0)
        if self._task is not None:
            rate = done / (time.monotonic() - self._start)
            self._bar.update(self._task, completed=done, total=total, rate=rate)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def _write(stream: TextIO, text: str, style: Mapping[str, Any]) -> None:
    # Typer's echo drops colour where the stream is no terminal; rich would cost a small command a tenth of its time.
    plain = not style or "NO_COLOR" in os.environ
    typer.echo(text if plain else typer.style(text, **style), file=stream, nl=False)
