"""What to say when an engine is not there, does not answer, or loses its workers again and again."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gradline.errors import ClusterError, OptionError
from gradline.sources.partitions import not_made

if TYPE_CHECKING:
    from gradline.cluster.job import Task

PATIENCE = 20
"""Seconds to wait for a scheduler, or for a first worker."""


def needed(engine: str, package: str) -> OptionError:
    """The engine's package is not installed."""
    return OptionError(
        f'engine="{engine}" needs {package}, which is not installed.\npip install "gradline[{engine}]"'
    )


def unreachable(what: str, address: str, problem: BaseException | None = None) -> ClusterError:
    """Nobody answers at this address."""
    reason = f": {first_line(problem)}" if problem is not None and str(problem) else ""
    return ClusterError(f"no {what} answers at {address}{reason}.\nIs it started, and is the address right?")


def demand_listener(what: str, address: str) -> None:
    """Refuse an address at which nobody listens: some engines would knock for minutes.

    Raises:
        ClusterError: no connection comes about at host:port; what has another form is left to the engine.
    """
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except OSError as problem:
        raise unreachable(what, address, problem) from None


def closed(what: str) -> ClusterError:
    """One's own client or session was closed before."""
    return ClusterError(f"{what} is closed.\nMake another one.")


def gone(what: str, problem: BaseException | None = None) -> ClusterError:
    """It answered, and does so no longer."""
    reason = f": {first_line(problem)}" if problem is not None and str(problem) else ""
    return ClusterError(f"{what} was lost in the middle of the work{reason}.\nStart it again; nothing was written.")


def no_workers(what: str, seconds: int) -> ClusterError:
    """There is a scheduler and nobody to do the work."""
    return ClusterError(f"{what} has no workers, after {seconds} seconds.\nStart some, or give them its address.")


def killed(what: str, tasks: Sequence[Task]) -> ClusterError:
    """One of these tasks is one that workers do not survive, for which memory is the usual reason."""
    return ClusterError(
        f"{what} lost its workers again and again, from {tasks[0].place} on.\n"
        "Have they too little memory? Give them more, or fewer threads each."
    )


def failed(place: str, problem: BaseException) -> ClusterError:
    """What the engine was to make of its own table could not be made."""
    return ClusterError(not_made(place, problem))


def absent(engine: str, version: str, problem: str) -> ClusterError:
    """Workers without this program, or without a module that this one or a table's own functions need."""
    missing = re.search(r"No module named '(\w+)", problem)
    if missing and missing[1] != "gradline":
        return ClusterError(f"the workers of {engine} do not have {missing[1]}.\nInstall it there, as it is here.")
    return ClusterError(
        f"the workers of {engine} lack gradline, or have another version.\n"
        f"Install the same there: pip install gradline=={version}"
    )


def first_line(problem: BaseException) -> str:
    """What it says, without its traceback."""
    text = str(problem).strip()
    return text.splitlines()[0][:200].rstrip(".") if text else type(problem).__name__
