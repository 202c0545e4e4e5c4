"""Which way to train: the decision list, in one place."""

from __future__ import annotations

from typing import Any

from gradline.allowed import one_of
from gradline.descent.options import Objective, Schedule
from gradline.errors import OptionError

ENGINES = ("auto", "closed-form", "minibatch", "autograd")


def choose(
    engine: str,
    optimizer: Any,
    objective: Objective,
    schedule: Schedule,
    dtype: str | None,
    device: str,
    callback: bool = False,
    processes: int | str | None = None,
) -> tuple[str, str]:
    """The engine that runs, and why.

    1. "closed-form": all rows in each step, the squared loss, SGD at a constant rate.
    2. "minibatch": SGD in batches or at rates that change, on the squared, absolute or Huber loss.
    3. "autograd", the loop in PyTorch: everything else, and whatever a callback is to see.

    Raises:
        OptionError: The engine is unknown, or cannot do what is asked; the message says which option.
    """
    one_of("engine", engine, ENGINES)
    if engine == "autograd":
        return "autograd", "asked for"
    loop = []  # what only the loop in PyTorch does
    if optimizer != "sgd":
        loop.append(f"optimizer={name_of(optimizer)!r}")
    if not isinstance(objective.loss, str):
        loop.append(f"loss={objective.name!r}")
    if dtype in ("float16", "bfloat16"):
        loop.append(f"dtype={dtype!r}")
    if device != "cpu":
        loop.append(f"device={device!r}")
    if callback:
        loop.append("a callback")
    if processes is not None:
        loop.append(f"processes={processes!r}")
    steps = []  # what no formula knows
    if schedule.batch_size is not None:
        steps.append(f"batch_size={schedule.batch_size}")
    if objective.loss in ("l1", "huber"):
        steps.append(f"loss={objective.name!r}")
    if schedule.rates != "constant":
        steps.append(f"lr_schedule={schedule.name!r}")
    if schedule.average:
        steps.append(f"average={schedule.average}")
    if engine == "closed-form" and (loop or steps):
        raise OptionError(
            "engine 'closed-form' is for full batch, loss 'mse' and SGD at a constant rate on the CPU; "
            f'{", ".join(loop + steps)} arrived.\nUse engine="auto".'
        )
    if engine == "minibatch" and loop:
        raise OptionError(
            "engine 'minibatch' is for SGD on the CPU in float64 or float32, with loss 'mse', 'l1' or 'huber'; "
            f'{", ".join(loop)} arrived.\nUse engine="auto" or engine="autograd".'
        )
    if loop:
        return "autograd", ", ".join(loop + steps)
    if engine == "minibatch":
        return "minibatch", "asked for"
    return ("minibatch", ", ".join(steps)) if steps else ("closed-form", "full batch, MSE, SGD")


def name_of(optimizer: Any) -> str:
    """How messages call an optimizer: its name or its class's."""
    return optimizer if isinstance(optimizer, str) else getattr(optimizer, "__name__", type(optimizer).__name__)
