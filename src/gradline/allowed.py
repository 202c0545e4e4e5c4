"""What the value of an option may be: true or false, a number, a whole number, one of some names."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Collection, Sequence
from typing import Any

from gradline.errors import OptionError
from gradline.layout import WIDTH, cells, choices, told

LANGUAGES = ("en", "ko")


def one_of(option: str, value: object, allowed: Collection[str], more: str = "") -> None:
    """Refuse a value that is not among the allowed names, and suggest the nearest."""
    if isinstance(value, str) and value in allowed:  # an array would be compared number by number
        return
    names = tuple(allowed)
    near = difflib.get_close_matches(str(value).casefold(), names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else ""
    listing = ", ".join(repr(name) for name in names)
    refusal = f"{option} must be one of {listing}{more}; {told(value)} arrived."
    gap = " " if cells(refusal + hint) < WIDTH else "\n"
    raise OptionError(f"{refusal}{gap}{hint}".rstrip())


def language(lang: object) -> None:
    """Refuse a language that there are no words in."""
    one_of("lang", lang, LANGUAGES)


def truth(option: str, value: object) -> bool:
    """The value as True or False; anything else is refused, for "no" would count as true."""
    if value is True or value is False:
        return value
    numpys = str(getattr(value, "dtype", "")) == "bool" and not getattr(value, "shape", ())  # without loading NumPy
    if numpys or (is_whole(value) and value in (0, 1)):
        return bool(value)
    raise OptionError(f"{option} must be True or False; {told(value)} arrived.")


def function(option: str, value: object, of: str) -> None:
    """Refuse what cannot be called, such as True; None is no function and allowed."""
    if value is not None and not callable(value):
        raise OptionError(f"{option} must be a function of {of}; {told(value)} arrived.")


def probability(option: str, value: Any) -> float:
    """The value, a probability such as an interval's level; anything else is refused, and so are 0 and 1."""
    if not is_real(value) or not 0 < value < 1:
        raise OptionError(f"{option} is a probability between 0 and 1, not {told(value)}. Usual: 0.95 or 0.99.")
    return float(value)


def is_real(value: object) -> bool:
    """Whether it is a number other than NaN."""
    if type(value) is float:  # the usual case, in a tenth of the time
        return value == value
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and not math.isnan(value)


def is_whole(value: object) -> bool:
    """Whether it is of a type of whole numbers."""
    return type(value) is int or (isinstance(value, numbers.Integral) and not isinstance(value, bool))


def place_among(option: str, name: str | None, names: Sequence[str]) -> int:
    """The number of a name that an option gave; the first if it gave none.

    Raises:
        OptionError: It is none of them.
    """
    if name is None:
        return 0
    if name not in names:
        raise OptionError(f"{option} must be one of these names; {name!r} arrived.\n{choices(option, names)}")
    return list(names).index(name)
