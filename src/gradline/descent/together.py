"""The PyTorch loop in several processes: each takes a share of every step's rows, and their gradients are added up.

Every process holds the model and its optimizer. As gradients are the same everywhere once they were added, so are the
steps, and what comes out is the loop of one process but for the order in which sums were rounded.

Source: Li et al. (2020), PyTorch Distributed: Experiences on Accelerating Data Parallel Training.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from gradline.allowed import is_whole
from gradline.descent.autograd import Loop, batch_of, descend
from gradline.descent.recorded import Recorded
from gradline.errors import OptionError, gist
from gradline.layout import told

_LOOK = 0.05  # seconds between two looks at whether all are there
_PATIENCE = timedelta(minutes=30)  # for the slowest process in a step
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}
_FOLLOWER = "from gradline.descent.together import follow; follow()"


def known_processes(processes: Any) -> int | str | None:
    """Nothing, a number of processes from 2, or "group"; one process is none beside this.

    Raises:
        OptionError: It is something else, or torch.distributed has no group, or one already.
    """
    if processes is None or (is_whole(processes) and processes == 1):
        return None
    there_is = distributed.is_available() and distributed.is_initialized()
    if isinstance(processes, str) and processes == "group":
        if not there_is:
            raise OptionError(
                'processes="group" is for a group of torch.distributed, and there is none.\n'
                'Start with torchrun, and call torch.distributed.init_process_group("gloo") first.'
            )
        return "group"
    if not is_whole(processes) or processes < 1:
        raise OptionError(f'processes must be a whole number of 1 or more, or "group"; {told(processes)} arrived.')
    if there_is:
        raise OptionError('torch.distributed has a group already.\nUse it: processes="group".')
    return int(processes)


@dataclass(frozen=True)
class Together:
    """One of several processes in a loop."""

    rank: int
    size: int
    mean: bool
    """Whether the loss is a mean over rows."""

    def part(self, x: Any, y: Any, weights: Any, rows: Any) -> tuple[tuple[Any, Any, Any], float]:
        """The rows of a step that are this process's, and by what their loss counts among that of all."""
        if rows is None:
            rows = torch.arange(len(x))
        own = rows[self.rank :: self.size]
        if not len(own):
            return batch_of(x, y, weights, rows[:1]), 0.0
        return batch_of(x, y, weights, own), len(own) / len(rows) if self.mean else 1.0

    def total(self, loss: torch.Tensor) -> torch.Tensor:
        """The sum over all processes."""
        value = loss.detach().clone()
        distributed.all_reduce(value)
        return value

    def backward(self, loss: torch.Tensor, model: torch.nn.Linear) -> None:
        """Add to .grad the gradient of the sum over all processes."""
        parts = list(model.parameters())
        before = [part.grad for part in parts]
        for part in parts:
            part.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        added = torch.cat([part.grad.reshape(-1) for part in parts if part.grad is not None])
        distributed.all_reduce(added)
        sizes = [part.numel() for part in parts]
        for part, piece, held in zip(parts, torch.split(added, sizes), before, strict=True):
            grad = piece.reshape(part.shape).clone()
            part.grad = grad if held is None else held + grad


def descend_together(
    loop: Loop,
    x: Any,
    y: torch.Tensor,
    weights: torch.Tensor | None,
    progress: Callable[[int, int | None], object] | None,
    processes: int | str,
) -> Recorded:
    """`descend` in so many processes of this machine, or in those of the group.

    Raises:
        OptionError: A process did not start, or was lost.
    """
    mean = loop.objective.reduction == "mean"
    if not isinstance(processes, int):
        company = Together(distributed.get_rank(), distributed.get_world_size(), mean)
        return descend(loop, x, y, weights, progress, company)
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder)
        torch.save({"x": x, "y": y, "weights": weights}, job / "rows.pt")
        try:
            sent = pickle.dumps((loop, torch.get_rng_state(), max(torch.get_num_threads() // processes, 1)))
        except (pickle.PicklingError, AttributeError, TypeError) as problem:
            raise OptionError(
                f"other processes cannot be sent these options: {gist(problem)}.\n"
                "Use functions and classes that a module has, or leave processes= out."
            ) from None
        (job / "loop.pickle").write_bytes(sent)
        with _followers(job, processes) as followers, _group(job, 0, processes, followers):
            try:
                return descend(loop, x, y, weights, progress, Together(0, processes, mean))
            except RuntimeError as problem:
                raise _lost(followers, problem) from None


def follow() -> None:
    """Be one of the processes: `python -c … folder rank size`."""
    folder, rank, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    loop, state, threads = pickle.loads((folder / "loop.pickle").read_bytes())  # noqa: S301 - this program wrote it
    rows = torch.load(folder / "rows.pt", weights_only=False)
    torch.set_num_threads(threads)
    torch.set_rng_state(state)
    with _group(folder, rank, size, []):
        descend(
            loop,
            rows["x"],
            rows["y"],
            rows["weights"],
            None,
            Together(rank, size, loop.objective.reduction == "mean"),
        )


@contextmanager
def _followers(folder: Path, size: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The other processes. They are no children of multiprocessing, which would run the caller's script again."""
    started: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        for rank in range(1, size):
            with (folder / f"said-{rank}").open("wb") as said:
                command = [sys.executable, "-c", _FOLLOWER, str(folder), str(rank), str(size)]
                started.append(subprocess.Popen(command, stderr=said, env=environment))  # noqa: S603 - no shell
        yield started
        for each in started:
            each.wait()
    finally:
        for each in started:
            each.kill()
            each.wait()


@contextmanager
def _group(folder: Path, rank: int, size: int, followers: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Join the others, over the loopback interface only."""
    name = "GLOO_SOCKET_IFNAME"
    said = os.environ.get(name)
    if said is None and sys.platform in _LOOPBACK:
        os.environ[name] = _LOOPBACK[sys.platform]
    try:
        store = distributed.FileStore(str(folder / "store"), size)  # type: ignore[attr-defined]
        store.set(f"there-{rank}", "1")
        everyone = [f"there-{each}" for each in range(size)]
        while not store.check(everyone):
            for number, each in enumerate(followers, 1):
                if each.poll() is not None:
                    words = (folder / f"said-{number}").read_text(errors="replace")
                    raise OptionError(f"process {number} of {size} did not start:\n{gist(OSError(words))}")
            time.sleep(_LOOK)
        distributed.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=_PATIENCE)
        try:
            yield
        finally:
            distributed.destroy_process_group()
    finally:
        if said is None:
            os.environ.pop(name, None)


def _lost(followers: list[subprocess.Popen[bytes]], problem: BaseException) -> BaseException:
    """What to say when processes do not hear each other any more."""
    time.sleep(_LOOK)
    ends = [(number, each.poll()) for number, each in enumerate(followers, 1) if each.poll()]
    if not ends:
        return problem
    number, code = ends[0]
    return OptionError(
        f"process {number} of {len(followers) + 1} was lost in the middle of training (exit code {code}).\n"
        "Does the machine have memory for all of them? Take fewer processes."
    )
