"""Whether a gradient that has moved its parameter moves it again, with the next one added to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

_LEAVES = 8
_SAMPLE = 256
_MOVES = 4
_PASSES = 300  # accumulation over hundreds of backward passes is not looked through


@dataclass
class _Leaf:
    tensor: torch.Tensor
    sample: torch.Tensor  # of its values after the last backward pass
    gradient: torch.Tensor | None = None
    version: int = -1
    carried: bool = False
    moves: int = 0


class Gradients:
    """Follows some parameters until each has moved a few times.

    A gradient is reused when the parameter moved (by whatever means), the gradient was left as it was, the next
    backward pass added to it, and the parameter moved again. A gradient that is cleared in between, or passes that
    add up without a move (accumulation on purpose), is none of that; nor is one that only another loss left behind
    and that is cleared before its own step, as in adversarial training.
    """

    def __init__(self) -> None:
        self._leaves: list[_Leaf] = []
        self._passes = 0
        self._closed: set[int] = set()

    @property
    def watching(self) -> bool:
        """Whether there is a parameter that has not moved enough yet."""
        return bool(self._leaves)

    def follow(self, leaves: Iterable[torch.Tensor]) -> None:
        """Take up parameters that a backward pass has reached."""
        known = {id(leaf.tensor) for leaf in self._leaves} | self._closed
        for tensor in leaves:
            if len(self._leaves) < _LEAVES and id(tensor) not in known and tensor.layout == torch.strided:
                self._leaves.append(_Leaf(tensor, _sample(tensor)))

    def before_backward(self) -> list[torch.Tensor]:
        """Parameters whose gradient was reused up to here."""
        reused = []
        for leaf in self._leaves:
            gradient = leaf.tensor.grad
            moved = not torch.equal(leaf.sample, _sample(leaf.tensor))
            leaf.moves += moved
            kept = (
                gradient is not None
                and gradient is leaf.gradient
                and gradient._version == leaf.version
                and _nonzero(gradient)  # .data.zero_() does not show in the version
            )
            if kept and moved and leaf.carried:
                reused.append(leaf.tensor)
                leaf.moves = _MOVES
            leaf.carried = kept and (moved or leaf.carried)
        return reused

    def after_backward(self) -> None:
        """Note what the pass left, and let go of parameters that have moved enough."""
        self._passes += 1
        for leaf in self._leaves:
            old = leaf.gradient
            added = old is not None and (old is not leaf.tensor.grad or old._version != leaf.version)
            leaf.carried = leaf.carried and added  # else this pass did not reach it
            leaf.gradient, leaf.sample = leaf.tensor.grad, _sample(leaf.tensor)
        self.before_step()
        done = [leaf for leaf in self._leaves if leaf.moves >= _MOVES or self._passes > _PASSES]
        self._closed |= {id(leaf.tensor) for leaf in done}
        self._leaves = [leaf for leaf in self._leaves if id(leaf.tensor) not in self._closed]

    def before_step(self) -> None:
        """Clipping and unscaling come before a step: what they change is still the same gradient."""
        for leaf in self._leaves:
            if leaf.gradient is not None and _strided(leaf.gradient):
                leaf.version = leaf.gradient._version

    def cleared(self, held: dict[int, torch.Tensor]) -> bool:
        """Whether all the held gradients that backward left are gone."""
        there = [leaf for leaf in self._leaves if id(leaf.tensor) in held and _strided(leaf.gradient)]
        return bool(there) and all(
            leaf.tensor.grad is None
            or (leaf.tensor.grad is leaf.gradient and leaf.gradient._version != leaf.version and not _any(leaf))
            for leaf in there
        )


def _sample(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().reshape(-1)[:_SAMPLE].clone()


def _strided(gradient: torch.Tensor | None) -> bool:
    """Not sparse, whose values cannot be looked at so easily."""
    return gradient is not None and gradient.layout == torch.strided


def _nonzero(gradient: torch.Tensor) -> bool:
    return _strided(gradient) and bool(gradient.any())


def _any(leaf: _Leaf) -> bool:
    return leaf.gradient is not None and _nonzero(leaf.gradient)
