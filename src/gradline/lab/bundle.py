"""The lab's one ES module, put together from the files under page/, and the page that holds it.

The files import each other by name so that each says what it needs. The module is those files one after another
with the imports left out: names at the top of a file are names of the module, so no two files may share one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from gradline.lab.dense import dense_script, dense_style

PARTS = (
    *("engine/settings", "engine/random", "engine/exact", "engine/data", "engine/changes", "engine/descent"),
    *("engine/facts", "engine/lessons", "engine/session", "engine/export"),
    *("view/elements", "view/numbers", "view/plot", "view/data_panel", "view/surface_panel", "view/loss_panel"),
    *("view/code_panel", "view/transport", "view/controls", "view/lesson_panel", "view/header", "view/dialogs"),
    *("view/sentences", "view/proof", "view/player", "view/lab", "view/hosts"),
    *("texts/words", "texts/lesson_words", "texts/say"),
)
"""Engine, view and texts, in an order in which no part needs a later one before the module is loaded."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "[^"]*";\n', re.MULTILINE)
_PLACE = re.compile(r"\{\{(module|given)\}\}")
_EXPORT = re.compile(r"^export (?=const |function |class )", re.MULTILINE)


@cache
def module() -> str:
    """The ES module as text: the engine, the view and the texts.

    Example:
        >>> "import " in module().splitlines()[0], module().count("export default")
        (False, 1)
    """
    scripts = [_IMPORT.sub("", _EXPORT.sub("", _read(f"{part}.js"))) for part in PARTS]
    style = f"const CSS = {_literal(dense_style(_read('lab.css')))};\n"
    return dense_script("".join([*scripts, style]))


def template() -> str:
    """The page that holds the module, with {{module}} and {{given}} for what comes to stand there."""
    return _read("page.html")


def page(given: Mapping[str, Any]) -> str:
    """One page that holds the module and needs nothing else; what it is given stands in it as data, never as markup.

    Args:
        given: address (a state), lang, verify (where to ask PyTorch), given (a problem of real data).
    """
    values = {"module": module(), "given": json.dumps(given, allow_nan=False).replace("<", "\\u003c")}
    parts = _PLACE.split(template())
    return "".join(values[part] if number % 2 else part for number, part in enumerate(parts))


def _literal(text: str) -> str:
    """Text as a literal of JavaScript that may also stand within a script element of HTML."""
    return json.dumps(text, ensure_ascii=False).replace("</", "<\\/")


def _read(name: str) -> str:
    return files("gradline.lab").joinpath("page", name).read_text(encoding="utf-8")
