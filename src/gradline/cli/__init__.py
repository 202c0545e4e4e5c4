"""The command line: one module per command, and here how every command ends.

    0    done
    2    the input or the request is wrong: "error: …" on stderr, one to three lines, the last something to do
    130  interrupted, 143 terminated, 129 its terminal closed; nothing is half-written
    1    whoever read the output has left (`gradline … | head`)

Commands import what they need when they run, so that `gradline --help` answers at once.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from gradline import __version__
from gradline.cli import demo, fit, lab, predict, terminal, train
from gradline.errors import GradlineError, GradlineWarning

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
for command in (demo.demo, fit.fit, train.train, predict.predict, lab.lab):
    app.command(command.__name__, cls=terminal.PlainHelp)(command)

_ClickError: type[Exception] = typer.BadParameter.__mro__[2]  # typer carries a click of its own, older ones import it
_INTERRUPTED = 128 + 2  # as a shell says of a process that SIGINT ended; typer returns it, or raises Abort


@app.callback(invoke_without_command=True)
def gradline(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Linear regression on PyTorch that shows its work and gets it right.

    Start with:  gradline demo
    """
    if version:
        terminal.say(f"gradline {__version__}")
    elif context.invoked_subcommand is None:
        terminal.say(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a letter shows "?", and the answer still comes
            stream.reconfigure(errors="replace")
    command = typer.main.get_command(app)
    given = list(sys.argv[1:] if arguments is None else arguments)
    stopped_by = [signal.SIGINT]
    try:
        with _warnings_in_words(), _ended_as_by_ctrl_c(stopped_by):
            code = command.main(
                given, prog_name="gradline", standalone_mode=False, obj=shlex.join(["gradline", *given])
            )
            sys.stdout.flush()
    except GradlineError as error:
        terminal.complain("error", str(error))
        return 2
    except _ClickError as error:
        terminal.complain("error", _usage(error))
        return 2
    except MemoryError:
        terminal.complain("error", "this takes more memory than there is.\nAsk for less: fewer epochs or columns.")
        return 2
    except BrokenPipeError:
        _silence_stdout()
        return 1
    except OSError as error:
        from gradline.container import NO_ROOM

        if error.errno not in NO_ROOM:
            raise
        _silence_stdout()
        terminal.complain(
            "error", f"cannot write the output: {error.strerror}.\nFree some space, or write elsewhere."
        )
        return 2
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        terminal.complain("interrupted", "nothing is half-written.")
        return 128 + stopped_by[0]
    return code if isinstance(code, int) else 0


def _silence_stdout() -> None:
    """What Python would still flush at its end has nowhere to go either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: BaseException) -> str:
    """What typer says of a wrong request, and where to look."""
    message = str(error.format_message()).strip() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "gradline"
    message = " ".join(message.split())
    return f"{message[:1].lower()}{message[1:]}\nTry: {where} --help"


@contextmanager
def _ended_as_by_ctrl_c(stopped_by: list[signal.Signals]) -> Iterator[None]:
    """Let SIGTERM, which ends batch jobs and containers, and a closed terminal's SIGHUP do what Ctrl-C does.

    Unfinished files go with the process. `stopped_by` gets the signal that came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: object) -> None:
        stopped_by[0] = signal.Signals(number)
        raise KeyboardInterrupt

    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    before = {each: signal.getsignal(each) for each in ends}
    for each in ends:
        if before[each] is not signal.SIG_IGN:  # nohup: the closed terminal is not to end it
            signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in ends:
            signal.signal(each, before[each])


@contextmanager
def _warnings_in_words() -> Iterator[None]:
    """Say gradline's warnings in the shape of its errors; no line of code is of interest here."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", GradlineWarning)
        in_code = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: object) -> None:
            if issubclass(category, GradlineWarning):
                terminal.complain("warning", str(message))
            else:
                in_code(message, category, *place)  # type: ignore[arg-type]

        warnings.showwarning = show  # type: ignore[assignment]
        yield
