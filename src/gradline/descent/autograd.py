"""The PyTorch loop itself: any optimizer, any loss, any device, with rows sliced by index."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from gradline.allowed import one_of
from gradline.descent.options import Objective, Schedule, Sgd
from gradline.descent.order import Order
from gradline.descent.recorded import Recorded, Recorder
from gradline.doubledouble import Array
from gradline.errors import OptionError, ShapeError, said

if TYPE_CHECKING:
    import torch

    from gradline.descent.sparse_rows import SparseRows


class Step(NamedTuple):
    """What a callback is given after each step.

    Example:
        >>> import gradline as gl
        >>> losses = []
        >>> run = gl.train(*gl.line(seed=0), epochs=3, seed=0, callback=lambda step: losses.append(step.loss))
        >>> [round(loss, 2) for loss in losses]
        [136.27, 21.31, 9.92]
    """

    number: int
    """From 0, through all epochs."""
    epoch: int
    loss: float
    """What the forward pass saw, before the step."""
    model: torch.nn.Linear
    """As the step left it; its .grad is what the backward pass left."""
    optimizer: torch.optim.Optimizer


Callback: TypeAlias = Callable[[Step], object]
"""Called after each step; True ends training there."""


@dataclass(frozen=True)
class Loop:
    """Everything a loop needs but the rows."""

    start: Array  # θ_0 (p, k), intercept first
    sgd: Sgd
    optimizer: str | type
    objective: Objective
    schedule: Schedule
    seed: int | None
    device: str
    callback: Callback | None = None

    def batches(self, rows: int) -> int:
        """How many steps an epoch over so many rows has."""
        return math.ceil(rows / (self.schedule.batch_size or rows))


def tensors(*values: Array | None, dtype: Any, device: str) -> list[torch.Tensor | None]:
    """Arrays as tensors on the device."""
    import torch

    if device == "meta":
        raise OptionError("device 'meta' cannot be used: it holds no numbers. Try device='cpu'.")
    try:
        target = torch.device(device)
        return [None if each is None else torch.from_numpy(each).to(device=target, dtype=dtype) for each in values]
    except (RuntimeError, AssertionError, TypeError) as error:  # TypeError: float64 on MPS
        advice = "device='cpu', or dtype='float32'" if isinstance(error, TypeError) else "device='cpu'"
        raise OptionError(f"device {device!r} cannot be used: {said(error, 120)}. Try {advice}.") from None


def model_of(theta: Array, dtype: Any = None, device: str = "cpu") -> torch.nn.Linear:
    """`nn.Linear` with these parameters (p, k), intercept first; float64 unless dtype is given."""
    import torch

    features, targets = theta.shape[0] - 1, theta.shape[1]
    model = torch.nn.Linear(features, targets, device="meta", dtype=dtype or torch.float64).to_empty(device=device)
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(np.ascontiguousarray(theta[1:].T)))
        model.bias.copy_(torch.from_numpy(theta[0].copy()))
    return model


def predicted(model: torch.nn.Linear, x: torch.Tensor | SparseRows) -> torch.Tensor:
    """The model's output (n, k) for rows of either kind."""
    import torch

    return model(x) if isinstance(x, torch.Tensor) else x.through(model)


def descend(
    loop: Loop,
    x: torch.Tensor | SparseRows,
    y: torch.Tensor,
    weights: torch.Tensor | None = None,
    progress: Callable[[int, int | None], object] | None = None,
    company: Company | None = None,
) -> Recorded:
    """Run the loop: forward, loss, backward, step, for every batch of every epoch.

    The first loss that is not finite ends it before its backward pass.

    Args:
        loop: What to do.
        x: (n, d), a tensor or sparse.
        y: (n, k), of the dtype and on the device of x.
        weights: (n,) likewise; of named losses.
        progress: Called with (epochs done, epochs) after each.
        company: The processes that share each step's rows; by default this one has them all.

    Raises:
        OptionError: The optimizer or the loss cannot do what is asked.
        ShapeError: The model's output and the target differ in shape.
    """
    company = company or Alone()
    model = model_of(loop.start, x.dtype, loop.device)
    optimizer = optimizer_of(loop, model)
    loss_of = loss_function(loop.objective)
    with_closure = needs_closure(optimizer)
    order = Order(len(x), shuffle=loop.schedule.shuffle, seed=loop.seed)
    recorder = Recorder(loop.schedule.epochs * loop.batches(len(x)), *loop.start.shape)
    average = Average(loop.schedule)
    whole = company.part(x, y, weights, None) if loop.schedule.batch_size is None else None
    step = 0
    for epoch, factor in enumerate(loop.schedule.factors()):
        set_rate(loop, optimizer, factor)
        for rows in each_batch(loop, order):
            batch, share = whole or company.part(x, y, weights, rows)

            def forward(batch: tuple[Any, Any, Any] = batch, share: float = share) -> torch.Tensor:
                if loop.sgd.zero_grad:
                    optimizer.zero_grad()
                loss = loss_of(predicted(model, batch[0]), *batch[1:])
                return loss if share == 1.0 else share * loss

            def closure(forward: Callable[[], torch.Tensor] = forward) -> torch.Tensor:
                loss = forward()
                company.backward(loss, model)
                return company.total(loss)

            loss = forward()
            value = company.total(loss).item()
            if not math.isfinite(value):
                return recorder.recorded(step, average.of(model), step)
            held = [part.grad.clone() for part in model.parameters() if with_closure and part.grad is not None]
            company.backward(loss, model)
            seen = read(model.weight, model.bias), read(model.weight.grad, model.bias.grad)
            recorder.note(step, value, *seen)
            if with_closure:  # which has its own backward pass: what this one added is taken back
                for part, before in zip_longest(model.parameters(), held):
                    part.grad = before
            try:
                optimizer.step(closure) if with_closure else optimizer.step()  # type: ignore[arg-type]
            except RuntimeError as error:
                if step:
                    raise
                raise OptionError(f"{type(optimizer).__name__} cannot train this model: {_first(error)}") from None
            average.note(epoch, model)
            step += 1
            if loop.callback is not None and loop.callback(Step(step - 1, epoch, value, model, optimizer)) is True:
                return recorder.recorded(step, average.of(model), None)
        if progress is not None:
            progress(epoch + 1, loop.schedule.epochs)
    return recorder.recorded(step, average.of(model), None)


class Company(Protocol):
    """Who takes part in a step."""

    def part(self, x: Any, y: Any, weights: Any, rows: Any, /) -> tuple[tuple[Any, Any, Any], float]:
        """The rows of a step that are this process's, and by what their loss counts among that of all."""
        ...

    def total(self, loss: torch.Tensor, /) -> torch.Tensor:
        """The loss of all."""
        ...

    def backward(self, loss: torch.Tensor, model: torch.nn.Linear, /) -> None:
        """Add to .grad the gradient of the loss of all."""
        ...


class Alone:
    """One process with all rows."""

    def part(self, x: Any, y: Any, weights: Any, rows: Any) -> tuple[tuple[Any, Any, Any], float]:
        """All of them."""
        return batch_of(x, y, weights, rows), 1.0

    def total(self, loss: torch.Tensor) -> torch.Tensor:
        """Its own."""
        return loss

    def backward(self, loss: torch.Tensor, model: torch.nn.Linear) -> None:
        """That of the loss."""
        loss.backward()  # type: ignore[no-untyped-call]


class Average:
    """The mean of the parameters after all steps of the last epochs, if that is asked for."""

    def __init__(self, schedule: Schedule) -> None:
        """For a schedule, which says how many epochs."""
        self._from = schedule.epochs - schedule.average
        self._total: Any = 0.0
        self._steps = 0

    def note(self, epoch: int, model: torch.nn.Linear) -> None:
        """Another step of this epoch was made."""
        if epoch >= self._from:
            self._total = self._total + read(model.weight, model.bias)
            self._steps += 1

    def of(self, model: torch.nn.Linear) -> Array:
        """The mean (k, p), bias last; without one, where the model is."""
        if self._steps:
            mean: Array = self._total / self._steps
            return mean
        return read(model.weight, model.bias)


def optimizer_class(optimizer: Any) -> type:
    """The class of a name in `torch.optim`, whatever its capitals.

    Raises:
        OptionError: There is none, or it is something else.
    """
    import torch

    if isinstance(optimizer, str):
        known = {
            name.casefold(): value
            for name, value in vars(torch.optim).items()
            if isinstance(value, type) and issubclass(value, torch.optim.Optimizer)
        }
        known.pop("optimizer", None)
        one_of("optimizer", optimizer.casefold(), sorted(known))
        return known[optimizer.casefold()]
    if isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer):
        return optimizer
    if isinstance(optimizer, torch.optim.Optimizer):
        kind = type(optimizer).__name__
        raise OptionError(
            f"optimizer must be a name in torch.optim or a class of optimizers; an instance of {kind} arrived.\n"
            f"It holds another model's parameters: give the class, optimizer=torch.optim.{kind}, and its lr."
        )
    raise OptionError(f"optimizer must be a name in torch.optim or a class of optimizers; {optimizer!r:.60} arrived.")


def optimizer_of(loop: Loop, model: torch.nn.Linear) -> torch.optim.Optimizer:
    """The optimizer with the options that were set.

    Raises:
        OptionError: It does not have an option, or refuses its value.
    """
    kind = optimizer_class(loop.optimizer)
    options: dict[str, Any] = {"lr": loop.sgd.lr}
    for name in ("momentum", "dampening", "nesterov", "weight_decay"):
        if getattr(loop.sgd, name):
            options[name] = getattr(loop.sgd, name)
    known = inspect.signature(kind).parameters
    for name in options:
        if name not in known and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
            advice = "write one that has" if name == "lr" else "leave it out"
            raise OptionError(f"{kind.__name__} has no option {name}; {advice}, or use optimizer='sgd'.")
    try:
        return kind(model.parameters(), **options)  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise OptionError(f"{kind.__name__} refuses these options or this model: {_first(error)}") from None


def needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Whether step() cannot do without a function that computes the loss again, as that of LBFGS."""
    given = list(inspect.signature(type(optimizer).step).parameters.values())[1:]
    positional = [part for part in given if part.kind in (part.POSITIONAL_ONLY, part.POSITIONAL_OR_KEYWORD)]
    return any(part.default is part.empty for part in positional)


def set_rate(loop: Loop, optimizer: torch.optim.Optimizer, factor: float) -> None:
    """The rate of an epoch; without a schedule it is left alone, since a callback may have changed it."""
    if loop.schedule.rates != "constant":
        for group in optimizer.param_groups:
            group["lr"] = loop.sgd.lr * factor


def loss_function(objective: Objective) -> Callable[..., torch.Tensor]:
    """The loss of (pred, target, weights), made sure that it is one number and never the result of broadcasting.

    Named losses know weights (n,) or None; others are never given any.
    """
    import torch

    chosen: Any = objective.loss
    each: Any = None
    if chosen == "huber":
        chosen, each = [torch.nn.HuberLoss(how, objective.delta) for how in (objective.reduction, "none")]
    elif isinstance(chosen, str):
        kind = {"mse": torch.nn.MSELoss, "l1": torch.nn.L1Loss}[chosen]
        chosen, each = [kind(reduction=how) for how in (objective.reduction, "none")]

    def loss_of(prediction: torch.Tensor, target: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        if prediction.shape != target.shape:
            raise ShapeError(
                f"target has shape {tuple(target.shape)} and the model gives {tuple(prediction.shape)}.\n"
                "They must be the same: a loss would broadcast them to something else."
            )
        if weights is not None:
            weighted: torch.Tensor = weights[:, None] * each(prediction, target)
            return weighted.mean() if objective.reduction == "mean" else weighted.sum()
        try:
            loss = chosen(prediction, target)
        except Exception as error:
            raise OptionError(
                f"loss {objective.name} failed on pred and target of shape {tuple(target.shape)}: {_first(error)}\n"
                "A loss takes (pred, target) of one shape, here floating-point numbers."
            ) from error
        if not isinstance(loss, torch.Tensor) or loss.dim() != 0 or not loss.requires_grad:
            got = f"shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
            raise OptionError(
                f"loss {objective.name} must return one number with a gradient, a tensor of shape (); {got} arrived."
            )
        return loss

    return loss_of


def each_batch(loop: Loop, order: Order) -> Iterator[Any]:
    """The rows of each batch of an epoch: None for all, else indices; the last may be smaller."""
    size = loop.schedule.batch_size
    if size is None:
        yield None
        return
    rows = order.tensor().to(loop.device)
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def batch_of(x: Any, y: Any, weights: Any, rows: Any) -> tuple[Any, Any, Any]:
    """The features, targets and weights of these rows; of all where rows is None."""
    if rows is None:
        return x, y, weights
    return x[rows], y[rows], None if weights is None else weights[rows]


def read(weight: Any, bias: Any) -> Array:
    """Tensors (k, d) and (k,) as one array (k, p), the bias last."""
    values = [part.detach().cpu().double().numpy() for part in (weight, bias)]
    return np.column_stack(values)


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
