"""What a training run may be asked for: small frozen records that refuse values that cannot be meant."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradline.allowed import is_real, is_whole, one_of
from gradline.errors import OptionError

LOSSES = ("mse", "l1", "huber")


@dataclass(frozen=True)
class Sgd:
    """The options of `torch.optim.SGD`, and whether the loop calls `zero_grad`.

    Raises:
        OptionError: A rate that is not a positive number, momentum, dampening or weight decay out of
            range, or Nesterov's step without momentum or with dampening (as PyTorch).
    """

    lr: float
    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    zero_grad: bool = True

    def __post_init__(self) -> None:
        if not is_real(self.lr) or not 0.0 < self.lr < math.inf:
            raise OptionError(f'lr must be a positive number or "auto"; {self.lr!r} arrived.')
        for name, value in (("momentum", self.momentum), ("dampening", self.dampening)):
            if not is_real(value) or not 0.0 <= value <= 1.0:
                raise OptionError(f"{name} must be a number from 0 to 1; {value!r} arrived.")
        if not is_real(self.weight_decay) or not 0.0 <= self.weight_decay < math.inf:
            raise OptionError(f"weight_decay must be a number from 0 up; {self.weight_decay!r} arrived.")
        for name in ("lr", "momentum", "dampening", "weight_decay"):
            if type(value := getattr(self, name)) is not float:  # a float32 would make the arithmetic coarse
                object.__setattr__(self, name, float(value))
        if self.nesterov and (self.momentum == 0.0 or self.dampening != 0.0):
            raise OptionError(
                "nesterov=True needs momentum above 0 and dampening 0; "
                f"momentum={self.momentum!r}, dampening={self.dampening!r} arrived."
            )

    @property
    def plain(self) -> bool:
        """Each step is lr times the gradient of that step (and the decay): nothing is carried over."""
        return self.zero_grad and self.momentum == 0.0


@dataclass(frozen=True)
class Objective:
    """What is made small: a named loss with its reduction, or a module or function that returns a number."""

    loss: str | Callable[[Any, Any], Any] = "mse"
    reduction: str = "mean"
    delta: float = 1.0
    """Of "huber": residuals up to here count squared, larger ones straight."""

    def __post_init__(self) -> None:
        if isinstance(self.loss, str):
            one_of("loss", self.loss, LOSSES, " or an nn.Module or function")
        elif not callable(self.loss) or isinstance(self.loss, type):
            raise OptionError(
                'loss must be "mse", "l1", "huber", an nn.Module instance or a function of (pred, target); '
                f"{self.loss!r} arrived."
            )
        one_of("reduction", self.reduction, ("mean", "sum"))

    @property
    def name(self) -> str:
        """How messages and tables call the loss."""
        if isinstance(self.loss, str):
            return self.loss
        return getattr(self.loss, "__name__", type(self.loss).__name__)


SCHEDULES = ("constant", "step", "cosine", "1/t")


@dataclass(frozen=True)
class Schedule:
    """How long, in which portions, and at which share of lr."""

    epochs: int = 500
    batch_size: int | None = None
    shuffle: bool = True
    rates: str | Callable[[int], float] = "constant"
    """Share of lr in each epoch, see `factors`."""
    average: int = 0
    """Of so many last epochs the parameters after all steps are averaged."""

    def __post_init__(self) -> None:
        if not is_whole(self.epochs) or self.epochs < 1:
            raise OptionError(f"epochs must be a whole number from 1 up; {self.epochs!r} arrived.")
        if self.batch_size is not None and (not is_whole(self.batch_size) or self.batch_size < 1):
            raise OptionError(
                f"batch_size must be a whole number from 1 up, or None for all rows; {self.batch_size!r} arrived."
            )
        if not callable(self.rates):
            one_of("lr_schedule", self.rates, SCHEDULES, " or a function of the epoch")
        if not is_whole(self.average) or not 0 <= self.average <= self.epochs:
            raise OptionError(
                f"average is over how many of the last epochs, from 0 to {self.epochs}; {self.average!r} arrived."
            )

    @property
    def name(self) -> str:
        """How tables call the schedule of the rates."""
        if isinstance(self.rates, str):
            return self.rates
        name = str(getattr(self.rates, "__name__", "<lambda>"))
        return "of a function" if name == "<lambda>" else name

    def factors(self) -> list[float]:
        """By what lr is multiplied in each epoch t = 0, 1 …: as schedulers of `torch.optim.lr_scheduler` do.

        "constant" 1; "step" a tenth after each third of the epochs, StepLR(ceil(epochs/3), 0.1); "cosine"
        (1 + cos(π·t/epochs))/2, CosineAnnealingLR(epochs); "1/t" 1/(1 + t); a function what it says of t, LambdaLR.

        Raises:
            OptionError: The function does not give a number from 0 up for each epoch.
        """
        n = int(self.epochs)
        if callable(self.rates):
            return [_share(self.rates(epoch), epoch) for epoch in range(n)]
        third = -(-n // 3)
        formulas: dict[str, Callable[[int], float]] = {
            "constant": lambda epoch: 1.0,
            "step": lambda epoch: 0.1 ** (epoch // third),
            "cosine": lambda epoch: 0.5 * (1.0 + math.cos(math.pi * epoch / n)),
            "1/t": lambda epoch: 1.0 / (1.0 + epoch),
        }
        return [formulas[self.rates](epoch) for epoch in range(n)]


def _share(value: Any, epoch: int) -> float:
    if not is_real(value) or not 0.0 <= value < math.inf:
        raise OptionError(
            f"lr_schedule must give a share of lr, a number from 0 up; {value!r} arrived for epoch {epoch}."
        )
    return float(value)


def known_loss(loss: Any, reduction: str) -> Objective:
    """The objective; an `nn.MSELoss()`, `nn.L1Loss()` or `nn.HuberLoss()` is the loss of that name.

    Raises:
        OptionError: Not a loss, or a module whose own reduction is another than the one asked for.
    """
    if isinstance(loss, str):
        return Objective(loss, reduction)
    names = {"MSELoss": "mse", "L1Loss": "l1", "HuberLoss": "huber"}
    kind = type(loss)
    if kind.__module__ != "torch.nn.modules.loss" or kind.__name__ not in names:
        return Objective(loss, reduction)
    own = loss.reduction
    if reduction not in ("mean", own):
        raise OptionError(
            f"reduction={reduction!r} contradicts {kind.__name__}(reduction={own!r}); leave one of them out."
        )
    if own == "none":
        return Objective(loss, reduction)
    return Objective(names[kind.__name__], own, float(getattr(loss, "delta", 1.0)))


def known_optimizer(optimizer: Any) -> Any:
    """`torch.optim.SGD` under any of its names as "sgd"; names in lower case; others as they are."""
    if isinstance(optimizer, str):
        return optimizer.casefold()
    if isinstance(optimizer, type) and optimizer.__module__ == "torch.optim.sgd" and optimizer.__name__ == "SGD":
        return "sgd"
    return optimizer


def known_dtype(dtype: Any) -> str | None:
    """The name of a floating-point dtype given as PyTorch's, NumPy's or by name.

    Raises:
        OptionError: It is none that can be trained in.
    """
    if dtype is None:
        return None
    name = getattr(dtype, "__name__", None) or str(dtype).removeprefix("torch.")
    one_of("dtype", name, ("float64", "float32", "float16", "bfloat16"))
    return str(name)
