"""The options of a request that a function hands on to `pose`: those that it does not know are named to the user."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from gradline.errors import OptionError
from gradline.layout import choices

_OPTIONS = ("features", "formula", "weights", "frequency_weights", "intercept", "where", "sql")


def demand_options(
    function: Callable[..., Any],
    request: Mapping[str, Any],
    also: Sequence[str] = _OPTIONS,
    name: str | None = None,
) -> None:
    """Refuse options that neither the function has nor a request, or what else there may be, called by this name.

    Raises:
        OptionError: with the nearest name that there is.
    """
    known = list(dict.fromkeys([*_own(function), *also]))
    unknown = next((each for each in request if each not in known), None)
    if unknown is None:
        return
    near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.75)
    hint = f" Did you mean {near[0]}=?" if near else ""
    raise OptionError(f"{name or function.__name__} has no option {unknown}=.{hint}\n{choices('options', known)}")


@cache
def _own(function: Callable[..., Any]) -> tuple[str, ...]:
    """The options of a function; asking Python for them takes longer than many a call."""
    parameters = inspect.signature(function).parameters.values()
    return tuple([each.name for each in parameters if each.kind == each.KEYWORD_ONLY])


def as_asked(**arguments: Any) -> tuple[tuple[str, str], ...]:
    """Those of the arguments that can be written down, each as Python has it: paths, queries and names.

    >>> as_asked(data="trips.csv", weights=[1.0, 2.0], where="fare > 0", sql=None)
    (('data', "'trips.csv'"), ('where', "'fare > 0'"))
    """
    return tuple([(name, text) for name, value in arguments.items() if (text := _written(value))])


def _written(value: Any) -> str:
    """The value in Python; nothing where it lives in memory."""
    if isinstance(value, (str, os.PathLike)):
        return repr(os.fspath(value))
    if isinstance(value, (list, tuple)) and value and all(isinstance(each, (str, os.PathLike)) for each in value):
        return repr([os.fspath(each) for each in value])
    return repr(value) if type(value).__module__ == "gradline.sources.query" else ""
