"""The PyTorch loop itself: any optimizer, any loss, any device, with rows sliced by index."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.descent.options import Objective, Schedule, Sgd, one_of
from gradline.doubledouble import Array
from gradline.errors import OptionError, ShapeError

if TYPE_CHECKING:
    import torch

_MOST_KEPT = 2**29  # bytes of parameters and gradients kept for the history


@dataclass(frozen=True)
class Recorded:
    """What a loop saw. Of a run too long to keep, or loaded, only the losses and the last parameters."""

    loss: Array  # (steps,)
    theta: Array | None  # (steps, p, k)
    gradient: Array | None
    parameters_after: Array  # (p, k)
    stopped_at: int | None
    loaded: bool = False

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.loss)

    def losses(self, first: int, last: int) -> Array:
        """As Path.losses."""
        return self.loss[first:last]

    def parameters(self, first: int, last: int) -> Array:
        """As Path.parameters."""
        return self._kept(self.theta)[first:last]

    def gradients(self, first: int, last: int) -> Array:
        """As Path.gradients."""
        return self._kept(self.gradient)[first:last]

    def _kept(self, values: Array | None) -> Array:
        if values is None and self.loaded:
            raise OptionError(
                "this run was loaded, and a saved loop keeps its losses and last weights only, not those of every "
                "step.\nTrain again for them: gl.train(x, y, …).history."
            )
        if values is None:
            size = self.steps * self.parameters_after.size * 16 / 2**30
            raise OptionError(
                f"only the losses of this run were kept: its parameters and gradients, {self.steps} steps of "
                f"{self.parameters_after.size}, would take {size:.1f} GB.\nTrain for fewer epochs."
            )
        return values


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


def tensors(features: Array, targets: Array, dtype: Any, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (n, d) and (n, k) as tensors on the device."""
    import torch

    try:
        target = torch.device(device)
        return (
            torch.from_numpy(features).to(device=target, dtype=dtype),
            torch.from_numpy(targets).to(device=target, dtype=dtype),
        )
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError(f"device {device!r} cannot be used: {reason[:120]}. Try device='cpu'.") from None


def model_of(theta: Array, dtype: Any = None, device: str = "cpu") -> torch.nn.Linear:
    """`nn.Linear` with these parameters (p, k), intercept first; float64 unless dtype is given."""
    import torch

    features, targets = theta.shape[0] - 1, theta.shape[1]
    model = torch.nn.Linear(features, targets, device="meta", dtype=dtype or torch.float64).to_empty(device=device)
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(np.ascontiguousarray(theta[1:].T)))
        model.bias.copy_(torch.from_numpy(theta[0].copy()))
    return model


def descend(
    loop: Loop,
    x: torch.Tensor,
    y: torch.Tensor,
    progress: Callable[[int, int | None], object] | None = None,
) -> Recorded:
    """Run the loop: forward, loss, backward, step, for every batch of every epoch.

    The first loss that is not finite ends it before its backward pass.

    Args:
        loop: What to do.
        x: (n, d).
        y: (n, k), of the dtype and on the device of x.
        progress: Called with (epochs done, epochs) after each.

    Raises:
        OptionError: The optimizer or the loss cannot do what is asked.
        ShapeError: The model's output and the target differ in shape.
    """
    import torch

    model = model_of(loop.start, x.dtype, loop.device)
    optimizer = optimizer_of(loop, model)
    loss_of = loss_function(loop.objective)
    size = loop.schedule.batch_size or len(x)
    steps = loop.schedule.epochs * math.ceil(len(x) / size)
    keep = steps * loop.start.size * 16 <= _MOST_KEPT
    losses = np.empty(steps)
    theta, gradient = (np.empty((steps if keep else 0, *loop.start.shape)) for _ in range(2))
    with_closure = inspect.signature(type(optimizer).step).parameters["closure"].default is inspect.Parameter.empty
    generator = None if loop.seed is None else torch.Generator().manual_seed(loop.seed)
    step, stopped_at = 0, None
    for epoch in range(loop.schedule.epochs):
        for rows in _batches(loop, len(x), size, generator):
            inputs, target = (x, y) if rows is None else (x[rows], y[rows])

            def backward(inputs: torch.Tensor = inputs, target: torch.Tensor = target) -> torch.Tensor:
                if loop.sgd.zero_grad:
                    optimizer.zero_grad()
                loss = loss_of(model(inputs), target)
                loss.backward()  # type: ignore[no-untyped-call]
                return loss

            if loop.sgd.zero_grad:
                optimizer.zero_grad()
            loss = loss_of(model(inputs), target)
            losses[step] = loss.item()
            if not math.isfinite(losses[step]):
                stopped_at = step
                break
            loss.backward()  # type: ignore[no-untyped-call]
            if keep:
                theta[step] = _read(model.weight, model.bias)
                gradient[step] = _read(model.weight.grad, model.bias.grad)
            try:
                optimizer.step(backward if with_closure else None)  # type: ignore[arg-type]
            except RuntimeError as error:
                if step:
                    raise
                raise OptionError(f"{type(optimizer).__name__} cannot train this model: {_first(error)}") from None
            step += 1
        if stopped_at is not None:
            break
        if progress is not None:
            progress(epoch + 1, loop.schedule.epochs)
    return Recorded(
        losses[:step],
        theta[:step] if keep else None,
        gradient[:step] if keep else None,
        _read(model.weight, model.bias),
        stopped_at,
    )


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
            raise OptionError(f"{kind.__name__} has no option {name}; leave it out, or use optimizer='sgd'.")
    try:
        return kind(model.parameters(), **options)  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        raise OptionError(f"{kind.__name__} refuses these options or this model: {_first(error)}") from None


def loss_function(objective: Objective) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The loss of (pred, target), made sure that it is one number and never the result of broadcasting."""
    import torch

    classes = {"mse": torch.nn.MSELoss, "l1": torch.nn.L1Loss, "huber": torch.nn.HuberLoss}
    chosen: Any = objective.loss
    if isinstance(chosen, str):
        chosen = classes[chosen](reduction=objective.reduction)

    def loss_of(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if prediction.shape != target.shape:
            raise ShapeError(
                f"target has shape {tuple(target.shape)} and the model gives {tuple(prediction.shape)}.\n"
                "They must be the same: a loss would broadcast them to something else."
            )
        loss = chosen(prediction, target)
        if not isinstance(loss, torch.Tensor) or loss.dim() != 0 or not loss.requires_grad:
            got = f"shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
            raise OptionError(
                f"loss {objective.name} must return one number with a gradient, a tensor of shape (); {got} arrived."
            )
        return loss

    return loss_of


def _batches(loop: Loop, rows: int, size: int, generator: Any) -> Iterator[Any]:
    """The rows of each batch: None for all, else indices; the last may be smaller."""
    import torch

    if loop.schedule.batch_size is None:
        yield None
        return
    if loop.schedule.shuffle:
        order = torch.randperm(rows, generator=generator).to(loop.device)
        for first in range(0, rows, size):
            yield order[first : first + size]
    else:
        for first in range(0, rows, size):
            yield slice(first, first + size)


def _read(weight: Any, bias: Any) -> Array:
    """A pair of tensors (k, d) and (k,) as (p, k), the bias first."""
    theta = np.empty((weight.shape[1] + 1, weight.shape[0]))
    theta[1:] = weight.detach().cpu().double().numpy().T
    theta[0] = bias.detach().cpu().double().numpy()
    return theta


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
