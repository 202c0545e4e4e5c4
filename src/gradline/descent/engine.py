"""Which way to train: the decision list, in one place."""

from __future__ import annotations

from typing import Any

from gradline.descent.options import Objective, Schedule, one_of
from gradline.errors import OptionError

ENGINES = ("auto", "closed-form", "minibatch", "autograd")


def choose(
    engine: str, optimizer: Any, objective: Objective, schedule: Schedule, dtype: str | None, device: str
) -> tuple[str, str]:
    """The engine that runs, and why.

    The closed form serves full batch, the squared loss and SGD with all its options; everything else is a
    loop in PyTorch.

    Raises:
        OptionError: The engine is unknown, or cannot do what is asked; the message says which option.
    """
    one_of("engine", engine, ENGINES)
    if engine == "minibatch":
        raise OptionError("engine 'minibatch' is not in this version; engine='autograd' takes the same path.")
    if engine == "autograd":
        return "autograd", "asked for"
    hurdles = []
    if schedule.batch_size is not None:
        hurdles.append(f"batch_size={schedule.batch_size}")
    if objective.loss != "mse":
        hurdles.append(f"loss={objective.name!r}")
    if optimizer != "sgd":
        hurdles.append(f"optimizer={name_of(optimizer)!r}")
    if dtype in ("float16", "bfloat16"):
        hurdles.append(f"dtype={dtype!r}")
    if device != "cpu":
        hurdles.append(f"device={device!r}")
    if not hurdles:
        return "closed-form", "full batch, MSE, SGD"
    if engine == "closed-form":
        raise OptionError(
            f"engine 'closed-form' is for full batch, loss 'mse' and SGD on the CPU; {', '.join(hurdles)} arrived.\n"
            "Use engine='auto' or 'autograd'."
        )
    return "autograd", ", ".join(hurdles)


def name_of(optimizer: Any) -> str:
    """How messages call an optimizer: its name or its class's."""
    return optimizer if isinstance(optimizer, str) else getattr(optimizer, "__name__", repr(optimizer))
