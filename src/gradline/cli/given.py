"""What arguments mean: names in one option, one source or several, and files that are to be written."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradline.allowed import language
from gradline.errors import OptionError, StorageError


def names(role: str, option: Sequence[str] | None) -> list[str] | None:
    """Column names from an option given once or more: apart by commas, a name with a comma in double quotes.

    >>> names("target", ["a,b", "c"]), names("target", ['"x, in cm",y']), names("target", None)
    (['a', 'b', 'c'], ['x, in cm', 'y'], None)
    """
    if not option:
        return None
    found = [name.strip() for row in csv.reader(option, skipinitialspace=True) for name in row or [""]]
    if not all(found):
        given = ", ".join(map(repr, option))
        raise OptionError(f"--{role} {given} has an empty name in it.\nNames stand apart by one comma: a,b,c")
    return found


def rate(text: str) -> float | str:
    """A learning rate, or "auto"."""
    return _number_or_auto(text, "lr", "a positive number")


def momentum(text: str) -> float | str:
    """A momentum, or "auto"."""
    return _number_or_auto(text, "momentum", "a number from 0 to 1")


def _number_or_auto(text: str, option: str, kind: str) -> float | str:
    try:
        return "auto" if text == "auto" else float(text)
    except ValueError:
        raise OptionError(f"{option} is {kind} or auto, not {text!r}.\nTry --{option} auto.") from None


def weights_and_bias(text: str | None) -> tuple[list[float], float] | None:
    """Where to start: the weights in the order of the features, then the bias.

    >>> weights_and_bias("0.5,-0.25,1"), weights_and_bias(None)
    (([0.5, -0.25], 1.0), None)
    """
    if text is None:
        return None
    try:
        *weights, bias = (float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"init is {text!r}; expected the weights and then the bias, e.g. 0.5,-0.1") from None
    return weights, bias


def one_or_several(sources: Sequence[str]) -> str | list[str]:
    """One path stays alone: messages then name it alone."""
    return sources[0] if len(sources) == 1 else list(sources)


def writable(path: Path | None, endings: Sequence[str] = ()) -> None:
    """Refuse an output that cannot be written, before the work and not after it.

    Raises:
        OptionError: the name ends in another way than `endings`.
        StorageError: the folder is missing or closed, or the path is a folder, a device or a pipe.
    """
    if path is None:
        return
    if endings and path.suffix.lower() not in endings:
        raise OptionError(f"{path} has the ending {path.suffix or 'of no file'!r}.\nGive it {' or '.join(endings)}.")
    from gradline.container import refuse_other_than_file

    refuse_other_than_file(path)
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        reason = "closed to you" if path.parent.is_dir() else "not there"
        raise StorageError(
            f"cannot write {path}: the folder {path.parent} is {reason}.\n"
            "Choose a folder that exists and can be written to."
        )


def apart(sources: Sequence[str], *outputs: Path | None) -> None:
    """Refuse an output that is one of the inputs, by whatever path: it would take the place of the data.

    Raises:
        StorageError: with the path of the output.
    """
    there = [output for output in outputs if output is not None and output.exists()]
    if not there:
        return
    from gradline.sources import files_of

    inputs = [Path(path) for source in sources for path in files_of(source)]
    for output in there:
        if any(path.exists() and output.samefile(path) for path in inputs):
            raise StorageError(f"{output} is one of the inputs: name another file to write.")


def report(path: Path | None, lang: str) -> None:
    """Refuse a report that cannot be written, before the work and not after it.

    Raises:
        OptionError: there are no words in this language, its name is not that of a page, or a library is missing.
        StorageError: as for `writable`.
    """
    language(lang)
    if path is None:
        return
    writable(path, (".html", ".htm"))
    from gradline.pages.page import demand_libraries

    demand_libraries()


def x_error(option: Sequence[str] | None, deming: float | None) -> Any:
    """What is known of errors in the columns: a standard deviation, some by name, or Deming's ratio.

    >>> x_error(["0.5"], None), x_error(["height=0.5,weight=2"], None), x_error(None, 1.0), x_error(None, None)
    (0.5, {'height': 0.5, 'weight': 2.0}, Deming(ratio=1.0), None)
    """
    if option and deming is not None:
        raise OptionError("--x-error and --deming each say what is known of errors in x.\nLeave one of them out.")
    if deming is not None:
        from gradline.exact.errors_in_x import Deming

        return Deming(deming)
    parts = names("x-error", option)
    if parts is None:
        return None
    pairs = [part.rpartition("=") for part in parts]
    try:
        if len(pairs) == 1 and not pairs[0][1]:
            return float(pairs[0][2])
        found = {name.strip(): float(number) for name, equals, number in pairs if equals}
        if len(found) == len(pairs):
            return found
    except ValueError:
        pass
    raise OptionError(
        f"--x-error is {', '.join(parts)!r}; expected a number, or column=number.\nTry --x-error x=0.5."
    )
