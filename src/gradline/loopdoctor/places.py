"""Lines of the user's code: which one is running, what stands there, and what its objects are called there."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch

_OURS = str(Path(__file__).parent.parent)
_LIBRARIES = (str(Path(torch.__file__).parent), _OURS, "<frozen", "<string>", "<eval_with_key>")
# What wraps a loop's own lines (tqdm, a decorator) is not the user's code either.
_WRAPPERS = (str(Path(ast.__file__).parent), "site-packages", "dist-packages")


@dataclass(frozen=True)
class Place:
    """One expression of the user's code."""

    file: str
    line: int
    span: tuple[int, int, int, int] | None  # first line, last line, first column, last column (in bytes)
    scope: tuple[str, int]  # name and first line of the function

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}"

    @property
    def text(self) -> str:
        """The line as it stands in the source."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def node(self) -> ast.AST | None:
        """The expression that was being evaluated."""
        tree = _tree(self.file)
        if tree is None or self.span is None:
            return None
        for node in ast.walk(tree):
            if isinstance(node, ast.expr | ast.stmt) and self.span == (
                node.lineno,
                node.end_lineno,
                node.col_offset,
                node.end_col_offset,
            ):
                return node
        return None


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that is neither PyTorch's nor gradline's; of libraries only if nothing else is there."""
    found = None
    while frame is not None:
        kind = _kind(frame.f_code.co_filename)
        if kind == 2:
            return frame
        if kind == 1 and found is None:
            found = frame
        frame = frame.f_back
    return found


def place_of(frame: FrameType | None) -> Place | None:
    """Where the frame stands."""
    if frame is None:
        return None
    code = frame.f_code
    span = _span(code, frame.f_lasti)
    line = frame.f_lineno or code.co_firstlineno
    return Place(code.co_filename, line, span, (code.co_name, code.co_firstlineno))


def here(depth: int = 1) -> Place | None:
    """The user's line that is running."""
    return place_of(users_frame(sys._getframe(depth)))


def name_of(frame: FrameType | None, wanted: Callable[[Any], bool]) -> str | None:
    """What the frame calls the first object that is wanted: a variable, or an attribute of self."""
    if frame is None:
        return None
    mine = frame.f_locals
    owner = mine.get("self")
    attributes = getattr(owner, "__dict__", {})
    named = [*mine.items(), *((f"self.{name}", value) for name, value in attributes.items())]
    for name, value in [*named, *frame.f_globals.items()]:
        if not name.startswith("_") and wanted(value):
            return name
    return None


def assignment(place: Place | None, name: str | None) -> ast.Assign | None:
    """The last statement before the place, in its function or outside of any, that gives the name a call's result."""
    tree = _tree(place.file) if place and name else None
    if tree is None or place is None:
        return None
    found = None
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and node.lineno <= place.line
            and [ast.unparse(target) for target in node.targets] == [name]
            and (found is None or node.lineno > found.lineno)
        ):
            found = node
    return found


def function_of(place: Place) -> ast.AST | None:
    """The function that the place is in; the module where it is in none."""
    tree = _tree(place.file)
    if tree is None or place.scope[0] == "<module>":
        return tree
    around = None
    for node in ast.walk(tree):  # outermost first, so that the last one is the innermost
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == place.scope[0]
            and node.lineno <= place.line <= (node.end_lineno or 0)
        ):
            around = node
    return around


@lru_cache(maxsize=64)
def _kind(file: str) -> int:
    """0 PyTorch or gradline, 1 another library, 2 the user."""
    if file.startswith(_LIBRARIES):
        return 0
    return 1 if any(part in file for part in _WRAPPERS) else 2


@lru_cache(maxsize=1024)
def _span(code: CodeType, instruction: int) -> tuple[int, int, int, int] | None:
    position = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    return None if None in position else position  # type: ignore[return-value]


@lru_cache(maxsize=16)
def _parsed(source: str) -> ast.AST | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):  # a notebook's magics; null bytes
        return None


def _tree(file: str) -> ast.AST | None:
    lines = linecache.getlines(file)
    return _parsed("".join(lines)) if lines else None
