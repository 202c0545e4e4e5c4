"""The first steps of training, statement by statement, with what each changed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gradline.descent.autograd import (
    Loop,
    batch_of,
    each_batch,
    loss_function,
    model_of,
    needs_closure,
    optimizer_of,
    predicted,
    set_rate,
)
from gradline.descent.order import Order

if TYPE_CHECKING:
    import torch

    from gradline.descent.sparse_rows import SparseRows


@dataclass(frozen=True)
class Change:
    """A name with what it was and became; before is None as text where a statement makes it."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.name} = {self.after}"
        return f"{self.name}: {self.before}" + ("" if self.before == self.after else f" -> {self.after}")


@dataclass(frozen=True)
class Event:
    """One statement of the loop."""

    step: int
    statement: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, repr=False)
class Trace:
    """The statements of the first steps; printed, a table of at most 80 columns for one feature.

    Values before and after a statement are written `before -> after`; one that a statement leaves alone has
    no arrow.
    """

    events: tuple[Event, ...]

    def __str__(self) -> str:
        lines, step = [], -1
        for event in self.events:
            label = f"step {event.step}" if event.step != step else ""
            step = event.step
            for number, change in enumerate(event.changes):
                statement = event.statement if number == 0 else ""
                lines.append(f"{label if number == 0 else '':<9}{statement:<26}{change}".rstrip())
        return "\n".join(lines)

    __repr__ = __str__


def trace(
    loop: Loop, x: torch.Tensor | SparseRows, y: torch.Tensor, weights: torch.Tensor | None, steps: int
) -> Trace:
    """Run the real loop for some steps, on all rows or on its batches, and write down every statement.

    It ends before them where the loop has no more, or with a loss that is not finite.

    Args:
        loop: What to do, from its starting weights.
        x: (n, d), a tensor or sparse.
        y: (n, k).
        weights: (n,), or None.
        steps: How many.
    """
    model = model_of(loop.start, x.dtype, loop.device)
    optimizer = optimizer_of(loop, model)
    loss_of = loss_function(loop.objective)
    events: list[Event] = []

    def note(step: int, statement: str, *changes: Change) -> None:
        events.append(Event(step, statement, changes))

    def grads() -> list[str]:
        return [_text(model.weight.grad), _text(model.bias.grad)]

    def moved(names: tuple[str, str], before: list[str], after: list[str]) -> list[Change]:
        return [Change(*row) for row in zip(names, before, after, strict=True)]

    def closure() -> torch.Tensor:
        if loop.sgd.zero_grad:
            optimizer.zero_grad()
        again = loss_of(predicted(model, inputs), target, importance)
        again.backward()  # type: ignore[no-untyped-call]
        return again

    with_closure = needs_closure(optimizer)
    for step, rows in zip(range(steps), _batches(loop, len(x), optimizer), strict=False):
        inputs, target, importance = batch_of(x, y, weights, rows)
        if loop.sgd.zero_grad:
            before = grads()
            optimizer.zero_grad()
            note(step, "optimizer.zero_grad()", *moved(("w.grad", "b.grad"), before, grads()))
        prediction = predicted(model, inputs)
        note(step, "pred = model(x)", Change("pred[0]", "", _text(prediction[0])))
        loss = loss_of(prediction, target, importance)
        note(step, f"loss = loss_fn(pred, y{'' if weights is None else ', w'})", Change("loss", "", _text(loss)))
        if not math.isfinite(loss.item()):
            break
        before = grads()
        loss.backward()  # type: ignore[no-untyped-call]
        note(step, "loss.backward()", *moved(("w.grad", "b.grad"), before, grads()))
        before = [_text(model.weight), _text(model.bias)]
        optimizer.step(closure) if with_closure else optimizer.step()  # type: ignore[arg-type]
        statement = f"optimizer.step({'closure' if with_closure else ''})"
        note(step, statement, *moved(("w", "b"), before, [_text(model.weight), _text(model.bias)]))
    return Trace(tuple(events))


def _batches(loop: Loop, rows: int, optimizer: torch.optim.Optimizer) -> Iterator[Any]:
    """The rows of each step of all epochs, each at its rate."""
    order = Order(rows, shuffle=loop.schedule.shuffle, seed=loop.seed)
    for factor in loop.schedule.factors():
        set_rate(loop, optimizer, factor)
        yield from each_batch(loop, order)


def _text(value: Any) -> str:
    """One number as it is, several as the first two."""
    if value is None:
        return "None"
    numbers = value.detach().reshape(-1)
    digits = 8 if len(numbers) == 1 else 5
    shown = ", ".join(f"{number:.{digits}g}" for number in numbers[:2].tolist())
    if len(numbers) == 1:
        return shown
    return f"[{shown}, …]" if len(numbers) > 2 else f"[{shown}]"
