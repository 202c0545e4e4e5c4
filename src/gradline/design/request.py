"""The options of a request that a function hands on to `pose`: those that it does not know are named to the user."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from gradline.errors import OptionError
from gradline.layout import choices

_OPTIONS = ("features", "formula", "weights", "frequency_weights", "intercept", "where", "sql")


def demand_options(function: Callable[..., Any], request: Mapping[str, Any]) -> None:
    """Refuse options that neither the function has nor a request.

    Raises:
        OptionError: with the nearest name that there is.
    """
    unknown = next((name for name in request if name not in _OPTIONS), None)
    if unknown is None:
        return
    own = [each.name for each in inspect.signature(function).parameters.values() if each.kind == each.KEYWORD_ONLY]
    known = list(dict.fromkeys([*own, *_OPTIONS]))
    near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.75)
    hint = f" Did you mean {near[0]}=?" if near else ""
    raise OptionError(f"{function.__name__} has no option {unknown}=.{hint}\n{choices('options', known)}")
