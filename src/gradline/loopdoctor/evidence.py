"""What was seen of a loop: plain records that the checks read once it is over."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import torch

from gradline.loopdoctor.curvature import Rows
from gradline.loopdoctor.places import Place

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LossSite:
    """A loss function or a difference between a prediction and a target."""

    function: str  # "mse_loss" …, or "sub"
    shapes: tuple[Shape, Shape]
    dtypes: tuple[torch.dtype, torch.dtype]
    predicted: int  # which of the two has a gradient
    result: Shape
    on_purpose: bool  # the prediction was given its axis just before
    place: Place | None


@dataclass(frozen=True)
class WrongInput:
    """A linear layer that was given numbers of another type."""

    given: torch.dtype
    expected: torch.dtype
    place: Place | None


@dataclass(frozen=True)
class Cut:
    """Where a tensor left the graph."""

    what: str  # "detach", "item", "tensor" …
    used: bool  # whether a loss was computed from its result
    place: Place | None


@dataclass(frozen=True)
class NoGraph:
    """A backward pass that found no parameters behind its loss."""

    cut: Cut | None
    without_gradients: Place | None  # the forward pass ran under torch.no_grad()
    frozen: bool  # no parameter of the forward pass asks for a gradient
    place: Place | None


@dataclass
class Reused:
    """A gradient that moved its parameter a second time, the next one added to it."""

    place: Place | None
    optimizer: str | None  # what the user calls it


@dataclass
class Steps:
    """The steps of one optimizer."""

    optimizer: torch.optim.Optimizer
    name: str | None
    place: Place | None
    holds: dict[int, torch.Tensor]
    count: int = 0
    idle: int = 0  # steps for which nothing had arrived in any gradient
    looked_at: int = 0
    cleared: int = 0  # steps whose gradients were there after backward, and gone
    trained: dict[int, torch.Tensor] = field(default_factory=dict)  # what backward reached meanwhile
    trained_name: str | None = None
    used_in_forward: bool = False
    rates: dict[float, int] = field(default_factory=dict)
    last_gradients: dict[int, torch.Tensor | None] = field(default_factory=dict)  # of one linear layer
    last_versions: list[tuple[int, int] | None] = field(default_factory=list)


@dataclass
class Linear:
    """A linear layer that was fed data."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    rows: Rows
    place: Place | None
    scales: list[float] = field(default_factory=list)  # second derivative of the loss by one output, times rows
    squared: bool = True  # every backward pass looked at was that of a squared loss
    way: tuple[int, ...] = ()  # from the loss to the layer in the graph, and where its features are kept
    saved: str | None = None
    whole: bool = True  # each step saw the same rows


@dataclass(frozen=True)
class EpochMean:
    """A mean of batch means, where the batches had different numbers of rows."""

    told: float
    true: float
    sizes: tuple[int, int]  # rows of most batches, and of the smallest
    summed: str  # the sum of losses, as the source has it
    loader: str | None
    place: Place


@dataclass
class Evidence:
    """All of it."""

    losses: list[LossSite] = field(default_factory=list)
    inputs: list[WrongInput] = field(default_factory=list)
    graphless: list[NoGraph] = field(default_factory=list)
    reused: list[Reused] = field(default_factory=list)
    steps: dict[int, Steps] = field(default_factory=dict)
    linear: dict[int, Linear] = field(default_factory=dict)
    epochs: list[EpochMean] = field(default_factory=list)
    recorded: deque[tuple[torch.Tensor, int]] = field(default_factory=lambda: deque(maxlen=20_000))
    record_count: int = 0
    first_loss: float | None = None
    last_loss: torch.Tensor | None = None

    def record(self, loss: torch.Tensor, rows: int) -> None:
        """A batch's loss."""
        self.recorded.append((loss, rows))
        self.record_count += 1
