"""`gradline lab`: gradient descent to look at, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from gradline.allowed import language
from gradline.cli import given, terminal
from gradline.errors import OptionError


def lab(
    data: Annotated[list[str] | None, Option(metavar="FILE", help="A table to train on. [the notebook's]")] = None,
    target: Annotated[list[str] | None, Option(metavar="y", help="The column to explain.")] = None,
    feature: Annotated[list[str] | None, Option(metavar="x", help="Columns to use. [all the others]")] = None,
    port: Annotated[int, Option(metavar="P", help="On loopback. [a free one]", show_default=False)] = 0,
    no_open: Annotated[bool, Option("--no-open", help="Print the address, open no browser.")] = False,
    save: Annotated[Path | None, Option(metavar="page.html", help="Write one file that needs no server.")] = None,
    lang: Annotated[str, Option(metavar="en|ko", help="Language; the page can switch it.")] = "en",
) -> None:
    """See every step of training, line by line, in the browser.

    It opens with the notebook's data and settings. gradline lab --data FILE --target y --feature x opens a table.
    """
    language(lang)
    if data is None and (target or feature):
        raise OptionError("--target and --feature name columns of a table.\nGive it too: --data FILE")
    given.writable(save, (".html", ".htm"))
    given.apart(data or [], save)
    from gradline.lab.opening import Opening, opening_of_table

    opening = Opening()
    if data is not None:
        opening = opening_of_table(
            given.one_or_several(data), given.names("target", target), given.names("feature", feature)
        )
    if save is not None:
        from gradline.container import written_whole
        from gradline.lab.bundle import page

        with written_whole(save) as unfinished:
            text = page({"address": opening.address, "given": opening.given, "lang": lang})
            unfinished.write_text(text, encoding="utf-8")
        terminal.say(f"Saved {save}\nNext:  open it in a browser; it needs no network")
        return
    from gradline.lab.server import serve

    try:
        serve(opening, lang=lang, port=port, show=not no_open, say=_say)
    except KeyboardInterrupt:  # how one leaves it
        terminal.say("closed")


def _say(address: str) -> None:
    terminal.say(f"The lab is at {address}\nCtrl-C closes it.")
    import sys

    sys.stdout.flush()  # whoever waits for the address through a pipe
