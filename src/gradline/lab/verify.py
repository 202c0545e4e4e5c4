"""What "check with PyTorch" does: the loop that the page shows, run for real, on numbers and options only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gradline.errors import OptionError
from gradline.lab.opening import MOST_POINTS

MOST_STEPS = 20_000
_PLACES = ("top", "before", "between", "after", "off")


@dataclass(frozen=True)
class Stretch:
    """What holds from a step on."""

    first: int
    lr: float
    momentum: float
    zero: str


@dataclass(frozen=True)
class Question:
    """A run of one feature that the page has computed."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    start: tuple[float, float]
    seed: int
    batch: int
    """0: all rows."""
    reduction: str
    steps: int
    plan: tuple[Stretch, ...]


def question_of(asked: Any) -> Question:
    """What a page sent, checked.

    Raises:
        OptionError: a part is missing, of another kind, or out of its range.
    """
    if not isinstance(asked, Mapping):
        raise OptionError("expected an object with numbers and options.")
    x, y = _numbers(asked, "x", MOST_POINTS), _numbers(asked, "y", MOST_POINTS)
    start = _numbers(asked, "start", 2)
    if len(x) != len(y) or len(x) < 2 or len(start) != 2:
        raise OptionError("x and y must have the same length, 2 or more; start must be two numbers.")
    plan = asked.get("plan")
    if not isinstance(plan, list) or not plan or not all(isinstance(each, Mapping) for each in plan):
        raise OptionError("plan must be a list of what holds from which step on.")
    stretches = tuple(
        Stretch(
            _whole(each, "from", MOST_STEPS),
            _number(each, "lr"),
            _number(each, "momentum"),
            _one_of(each, "zero", _PLACES),
        )
        for each in plan
    )
    if stretches[0].first != 0 or any(a.first >= b.first for a, b in pairwise(stretches)):
        raise OptionError("plan must begin at step 0 and go on upwards.")
    if any(stretch.lr < 0 or stretch.momentum < 0 for stretch in stretches):
        raise OptionError("lr and momentum must be 0 or more.")
    return Question(
        x,
        y,
        (start[0], start[1]),
        seed=_whole(asked, "seed", 2**32 - 1),
        batch=_whole(asked, "batch", MOST_POINTS),
        reduction=_one_of(asked, "reduction", ("mean", "sum")),
        steps=_whole(asked, "steps", MOST_STEPS),
        plan=stretches,
    )


def answer(question: Question) -> dict[str, Any]:
    """The loop in PyTorch, in float64: the loss that each step saw, and the parameters before it and at the end.

    Example:
        >>> plan = [{"from": 0, "lr": 0.1, "momentum": 0, "zero": "top"}]
        >>> asked = {"x": [1, 2], "y": [3, 5], "start": [0, 0], "seed": 0, "batch": 0, "reduction": "mean"}
        >>> answer(question_of(asked | {"steps": 1, "plan": plan}))["theta"]
        [[0.0, 0.0], [1.3, 0.8]]
    """
    import torch
    from torch import nn

    x = torch.tensor(question.x, dtype=torch.float64).unsqueeze(1)
    y = torch.tensor(question.y, dtype=torch.float64).unsqueeze(1)
    with torch.random.fork_rng(devices=[]):  # a new layer draws numbers, which are replaced
        model = nn.Linear(1, 1).double()
    with torch.no_grad():
        model.weight.fill_(question.start[0])
        model.bias.fill_(question.start[1])
    plan = {stretch.first: stretch for stretch in question.plan}
    now = question.plan[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=now.lr, momentum=now.momentum)
    loss_fn = nn.MSELoss(reduction=question.reduction)
    batches = _batches(question)
    losses: list[float] = []
    theta = [[model.weight.item(), model.bias.item()]]
    for step in range(question.steps):
        now = plan.get(step, now)
        optimizer.param_groups[0].update(lr=now.lr, momentum=now.momentum)
        rows = next(batches)
        if now.zero == "top":
            optimizer.zero_grad()
        pred = model(x[rows])
        loss = loss_fn(pred, y[rows])
        if now.zero == "before":
            optimizer.zero_grad()
        loss.backward()
        if now.zero == "between":
            optimizer.zero_grad()
        optimizer.step()
        if now.zero == "after":
            optimizer.zero_grad()
        losses.append(loss.item())
        theta.append([model.weight.item(), model.bias.item()])
    if not all(map(math.isfinite, losses)) or not all(map(math.isfinite, theta[-1])):
        raise OptionError("PyTorch's run left the range of float64.")
    return {"loss": losses, "theta": theta, "version": str(torch.__version__).split("+")[0]}


def _batches(question: Question) -> Any:
    """The rows of one step after another, without an end."""
    import torch

    n, size = len(question.x), question.batch
    order = torch.Generator().manual_seed(question.seed)
    while True:
        if size == 0 or size >= n:
            yield slice(None)
        else:
            rows = torch.randperm(n, generator=order)
            yield from (rows[first : first + size] for first in range(0, n, size))


def _numbers(asked: Mapping[str, Any], name: str, most: int) -> tuple[float, ...]:
    values = asked.get(name)
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) > most:
        raise OptionError(f"{name} must be a list of up to {most} numbers.")
    return tuple(_checked(value, name) for value in values)


def _number(asked: Mapping[str, Any], name: str) -> float:
    return _checked(asked.get(name), name)


def _checked(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise OptionError(f"{name} must be a finite number.")
    return float(value)


def _whole(asked: Mapping[str, Any], name: str, most: int) -> int:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise OptionError(f"{name} must be a whole number from 0 to {most}.")
    return value


def _one_of(asked: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or value not in choices:
        raise OptionError(f"{name} must be one of {', '.join(choices)}.")
    return value
