"""The report of a fit or of a run: put together, made HTML, and written whole or not at all."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradline.allowed import probability
from gradline.container import written_whole
from gradline.errors import OptionError
from gradline.pages.again import Call, call_of_fit, call_of_run, versions
from gradline.pages.fit_sections import sections_of_fit
from gradline.pages.inline import Colours
from gradline.pages.parts import Block, Code, Facts, Note, Notes, Page, Section, Words
from gradline.pages.run_sections import sections_of_run
from gradline.pages.words import Says, named

if TYPE_CHECKING:
    from gradline.results.fit import Fit
    from gradline.results.run import Run

_PASSWORD = re.compile(r"(//[^/:@\s'\"]*):[^/@\s'\"]*@")


def write_fit(fit: Fit, path: str | Path, lang: str = "en", *, level: float = 0.95, command: str = "") -> None:
    """`Fit.report`; a command is the line of a shell that made the fit."""
    say = _ready(lang)
    probability("level", level)
    with written_whole(path) as unfinished:
        colours = Colours()
        sections = list(sections_of_fit(fit, say, level, colours))
        sections.append(_again(call_of_fit(fit, say), command, say, "scipy", "matplotlib"))
        facts = {
            "target": named(fit.targets[:3]),
            "features": named(term.name for term in fit.terms) if fit.terms else say("nothing"),
            "rows": say("rows", rows=f"{fit.rows - fit.left_out:,}"),
            "source": say.source(fit.source),
        }
        page = Page(say("fit_title", **facts), say("fit_lead", **facts), sections, lang)
        unfinished.write_text(_rendered(page, colours), encoding="utf-8")


def write_run(run: Run, path: str | Path, lang: str = "en", *, lab: bool = False, command: str = "") -> None:
    """`Run.report`; a command is the line of a shell that made the run."""
    say = _ready(lang)
    with written_whole(path) as unfinished:
        colours = Colours()
        sections = list(sections_of_run(run, say, colours, lab=lab))
        sections.append(_again(call_of_run(run, say), command, say, "torch", "matplotlib"))
        moments = run.moments
        facts = {
            "target": named(moments.targets[:3]),
            "features": named(moments.columns) if moments.columns else say("nothing"),
            "rows": say("rows", rows=f"{moments.used:,}"),
            "source": say.source(moments.source),
        }
        page = Page(say("run_title", **facts), say("run_lead", **facts), sections, lang, lab=lab)
        unfinished.write_text(_rendered(page, colours), encoding="utf-8")


def _ready(lang: str) -> Says:
    """The words, once it is known that all that is needed is there."""
    say = Says(lang)
    demand_libraries()
    return say


def demand_libraries() -> None:
    """Refuse, before any work, what a page cannot be made without.

    Raises:
        OptionError: jinja2 or matplotlib is not installed.
    """
    for module in ("jinja2", "matplotlib"):
        try:
            __import__(module)
        except ImportError:
            raise OptionError(
                f'a report needs {module}, which is not installed.\nInstall it: pip install "gradline[report]"'
            ) from None


def _again(call: Call, command: str, say: Says, *libraries: str) -> Section:
    """How to make it again: the line of the shell where there is one, else the call."""
    blocks: list[Block] = []
    text, remarks = (command, []) if command else call
    shown = _PASSWORD.sub(r"\1@", text)
    if shown != text:
        remarks = [*remarks, say("remark_password")]
    blocks += [Words(say("command" if command else "python")), Code(shown)]
    if remarks:
        blocks.append(Notes([Note(remark) for remark in remarks]))
    return Section("again", say("again"), [*blocks, Facts(versions(*libraries))])


def _rendered(page: Page, colours: Colours) -> str:
    from jinja2 import Environment
    from markupsafe import Markup

    # Whatever a column is called, it is shown as it stands: quoted, and without what cannot be printed.
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_printable)
    environment.filters["markup"] = Markup
    style = Markup(_read("page.css"))  # noqa: S704 - a file of this folder
    inks = {ground: Markup(colours.declared(ground)) for ground in ("light", "dark")}  # noqa: S704 - colours
    return environment.from_string(_read("page.html")).render(page=page, style=style, inks=inks)


def _printable(value: Any) -> Any:
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in value)


def _read(name: str) -> str:
    return files("gradline.pages").joinpath(name).read_text(encoding="utf-8")
