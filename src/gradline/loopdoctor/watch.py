"""Where the loop is listened to while it runs: opened, and closed without a trace."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from torch.utils.data.dataloader import _BaseDataLoaderIter

from gradline.loopdoctor.epochs import epoch_mean
from gradline.loopdoctor.evidence import Evidence, NoGraph, Reused, Steps
from gradline.loopdoctor.gradients import Gradients
from gradline.loopdoctor.graph import features, reached, rows_of_mean
from gradline.loopdoctor.operations import Operations
from gradline.loopdoctor.places import here, name_of, place_of, users_frame

_PASSES, _STEPS = 4, 3  # looked at closely: enough for a gradient to be reused, few enough to cost nothing
_MOST_PASSES, _MOST_CALLS = 24, 5_000
_LOSSES = (nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss)
_EPOCHS = 2  # of each loader, whose mean is checked


class Watch:
    """Listens in the thread that opened it.

    The first steps are looked at operation by operation (`Operations`); from then on only optimizer steps and
    backward passes are counted, and batches followed until an epoch of them has been seen. Nothing that the loop
    computes with is touched.
    """

    def __init__(self) -> None:
        self.evidence = Evidence()
        self._gradients = Gradients()
        self._steady = False
        self._passes = 0
        self._looks: dict[int, int] = {}
        self._since: dict[int, dict[int, torch.Tensor]] = {}  # what backward reached since each optimizer's step
        self._loaders: dict[int, int] = {}
        self._epochs = 0
        self._iterators: dict[int, int] = {}
        self._recording = True
        self._used: dict[int, torch.Tensor] = {}
        self._undo: list[Callable[[], None]] = []
        self._thread = -1

    def open(self) -> None:
        """Start listening."""
        self._thread = threading.get_ident()
        self._operations = Operations(self.evidence)
        self._undo = [
            register_optimizer_step_pre_hook(self._before_step).remove,
            _replaced(torch.autograd, "backward", self._backward),
            _replaced(_BaseDataLoaderIter, "__next__", self._next),
            *(_replaced(loss, "forward", self._forward) for loss in _LOSSES),
        ]
        self._look_closely()

    def close(self, frame: Any) -> None:
        """Stop listening; the frame is where the loop was, for what is computed after its last batch."""
        self._operations.close()
        for undo in reversed(self._undo):
            undo()
        self._undo = []
        self._thread = -1
        self._reuse(self._gradients.before_backward())
        recorded = self.evidence.recorded
        if not self._loaders and len({rows for _, rows in recorded}) > 1:
            found = epoch_mean(frame, recorded)
            self.evidence.epochs += [found] if found else []

    @property
    def reached(self) -> dict[int, torch.Tensor]:
        """What backward passes have arrived at since the first step."""
        return self._since.get(0, {})

    def _look_closely(self) -> None:
        self._operations.look()
        self._passes = 0

    def _steadily(self) -> None:
        """What is left to do once the first steps have been looked at, at the next call from the loop itself."""
        self._operations.leave()
        if not self._loaders:
            layers = self.evidence.linear.values()
            self._recording = not layers or not all(layer.whole for layer in layers)
        self._steady = True

    def _backward(self, original: Callable[..., None]) -> Callable[..., None]:
        def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
            if threading.get_ident() != self._thread:
                original(tensors, *args, **kwargs)
                return
            loss = tensors if isinstance(tensors, torch.Tensor) else next(iter(tensors), None)
            if not isinstance(loss, torch.Tensor):
                original(tensors, *args, **kwargs)
                return
            if self._gradients.watching:
                self._reuse(self._gradients.before_backward())
            if not self._operations.done:
                self._look_at(loss)
            elif self._operations.gathering:
                self._gather(loss.grad_fn)
            rows = rows_of_mean(loss.grad_fn) if self._recording else 0
            original(tensors, *args, **kwargs)
            self._after_backward(loss, rows)

        return backward

    def _look_at(self, loss: torch.Tensor) -> None:
        """Before a backward pass: what it will reach."""
        self._operations.quiet = True
        leaves = reached(loss)
        fresh = self._operations.cuts_are(leaves.values())
        if not leaves or fresh or (len(leaves) == 1 and id(loss) in leaves):
            frozen = not any(weight.requires_grad for weight in self._operations.used.values())
            blind = None if self._operations.attached else self._operations.blind
            cut = fresh or self._operations.cut_behind(loss)
            used = bool(self._operations.used)
            self.evidence.graphless.append(NoGraph(cut, blind, frozen and used, here(3)))
        else:
            self._operations.before_backward(loss)
            self._gradients.follow(leaf for leaf in leaves.values() if leaf is not loss)
            for since in self._since.values():
                since.update(leaves)
            self._since.setdefault(0, {}).update(leaves)
        self._used = dict(self._operations.used)
        self._operations.quiet = False

    def _gather(self, root: Any) -> None:
        """The rows of this step, from the graph: cheaper than to listen to every module."""
        for layer in self.evidence.linear.values():
            if layer.saved and layer.scales and layer.squared and not layer.whole:
                x = features(root, layer.way, layer.saved, layer.rows.columns)
                if x is not None:
                    self._operations.feed(layer, x)

    def _after_backward(self, loss: torch.Tensor, rows: int) -> None:
        evidence = self.evidence
        evidence.last_loss = loss.detach()
        if rows:
            evidence.record(evidence.last_loss, rows)
        if self._gradients.watching:
            self._gradients.after_backward()
        if not self._operations.done:
            if evidence.first_loss is None and loss.numel() == 1:
                evidence.first_loss = float(evidence.last_loss)
            self._operations.last_loss = loss
            self._operations.after_backward()
            self._passes += 1
            stepped = min(self._looks.values(), default=0) >= _STEPS
            most = self._passes >= _MOST_PASSES or self._operations.calls > _MOST_CALLS
            if (self._passes >= _PASSES and stepped) or most:
                self._operations.finish(loss)
                self._steady = False

    def _reuse(self, tensors: list[torch.Tensor]) -> None:
        for tensor in tensors:
            holders = [steps for steps in self.evidence.steps.values() if id(tensor) in steps.holds]
            place = here(3)
            self.evidence.reused.append(Reused(place, holders[0].name if holders else None))

    def _before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        if self._operations.done and not self._steady:
            self._steadily()
        key = id(optimizer)
        steps = self.evidence.steps.get(key)
        if steps is None:
            steps = self._meet(optimizer)
        steps.count += 1
        rate = float(optimizer.param_groups[0]["lr"])
        steps.rates[rate] = steps.rates.get(rate, 0) + 1
        if len(steps.holds) <= 2 and not (self._steady and self._recording):  # of a layer that sees all rows
            steps.last_gradients = {key: part.grad for key, part in steps.holds.items()}
        if self._gradients.watching or self._looks[key] < _STEPS:
            self._operations.quiet = True
            closure = (args[1] if len(args) > 1 else kwargs.get("closure")) is not None
            if not closure and self._looks[key] < _STEPS:
                self._look_at_step(steps)
            self._looks[key] += 1
            self._gradients.before_step()
            self._operations.quiet = False

    def _meet(self, optimizer: Optimizer) -> Steps:
        """An optimizer that steps for the first time; what it trains is looked at closely again."""
        frame = users_frame(sys._getframe(2))
        holds = {id(part): part for group in optimizer.param_groups for part in group["params"]}
        name = name_of(frame, lambda found: found is optimizer)
        steps = Steps(optimizer, name, place_of(frame), holds)
        self.evidence.steps[id(optimizer)] = steps
        self._looks[id(optimizer)] = 0
        self._since[id(optimizer)] = dict(self._since.get(0, {}))
        self._since[0] = {}
        if len(self.evidence.steps) > 1:
            self._look_closely()
        return steps

    def _look_at_step(self, steps: Steps) -> None:
        trained = self._since[id(steps.optimizer)]
        gradients = [part.grad for part in steps.holds.values()]
        versions = [None if g is None else (id(g), g._version) for g in gradients]
        stale = all(g is None for g in gradients) or versions == steps.last_versions
        steps.last_versions = versions
        if trained and not self._operations.done:
            steps.looked_at += 1
            if not trained.keys() & steps.holds.keys() and stale:
                steps.idle += 1
                steps.trained = dict(trained)
                steps.used_in_forward = bool(self._used.keys() & steps.holds.keys())
                frame = users_frame(sys._getframe(3))
                steps.trained_name = name_of(
                    frame,
                    lambda found: (
                        isinstance(found, nn.Module) and any(id(part) in trained for part in found.parameters())
                    ),
                )
            elif trained.keys() & steps.holds.keys():
                steps.cleared += self._gradients.cleared(steps.holds)
        self._since[id(steps.optimizer)] = {}

    def _forward(self, original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        """Of a loss module: what a validation computes never reaches backward()."""

        def forward(module: Any, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            loss = original(module, prediction, target)
            mine = self._recording and threading.get_ident() == self._thread
            if mine and not loss.requires_grad and module.reduction == "mean" and prediction.dim():
                self.evidence.record(loss.detach(), len(prediction))
            return loss

        return forward

    @property
    def _patience(self) -> int:
        return _EPOCHS * max(1, len(self._loaders))

    def _next(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def following(iterator: Any) -> Any:
            if threading.get_ident() != self._thread or self._epochs >= self._patience:
                return original(iterator)
            if iterator._num_yielded == 0:
                self._iterators[id(iterator)] = self.evidence.record_count
                self._loaders.setdefault(id(iterator._dataset), 0)
                self._recording = True
            try:
                return original(iterator)
            except StopIteration:
                self._end_of_epoch(iterator)
                raise

        return following

    def _end_of_epoch(self, iterator: Any) -> None:
        begun = self._iterators.pop(id(iterator), None)
        batches = iterator._num_yielded
        self._epochs += 1
        self._operations.gathering &= not any(layer.rows.count for layer in self.evidence.linear.values())
        if self._epochs >= self._patience:
            self._recording = False
        if begun is None or self.evidence.record_count - begun != batches or batches > len(self.evidence.recorded):
            return
        recorded = list(self.evidence.recorded)[-batches:]
        if len({rows for _, rows in recorded}) > 1:
            frame = users_frame(sys._getframe(2))
            loader = _loader_of(frame, iterator)
            found = epoch_mean(frame, recorded, loader)
            self.evidence.epochs += [found] if found else []


def _loader_of(frame: Any, iterator: Any) -> Any:
    """The DataLoader of the frame that the batches come from."""
    if frame is None:
        return True
    for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
        if isinstance(value, torch.utils.data.DataLoader) and value.dataset is iterator._dataset:
            return value
    return True


def _replaced(owner: Any, name: str, around: Callable[[Any], Any]) -> Callable[[], None]:
    """Put a wrapper around an attribute; gives what puts the original back."""
    original = getattr(owner, name)
    wrapper = around(original)
    setattr(owner, name, wrapper)

    def undo() -> None:
        if getattr(owner, name) is wrapper:  # else another wrapper came later: it keeps this one, which does nothing
            setattr(owner, name, original)

    return undo
