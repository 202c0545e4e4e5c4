"""A layer inside a PyTorch model, and what it gives for each batch: found by name, heard through a forward hook."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gradline.errors import ColumnError, DataError, GradlineError, OptionError, ShapeError, said
from gradline.layout import choices, shortened, told

Reduce = Callable[[Any], Any]
"""From what a layer gives to its activations (n, d)."""


class Listener:
    """One layer of a model, to be heard batch by batch. Made by `listening`."""

    def __init__(self, model: nn.Module, name: str, reduce: Reduce | None) -> None:
        self.name = name
        self._model = model
        self._reduce = reduce
        self._heard: list[torch.Tensor] = []
        self._room = torch.empty(0)
        self.kind = ""
        """How errors call the type of what was heard last: "float32", "bfloat16"."""
        placed = next(model.parameters(), None)
        self._device = None if placed is None else placed.device

    def hear(self, inputs: Any, place: str) -> torch.Tensor:
        """The layer's activations (n, d) for these inputs, on the CPU; `place` names the batch in errors.

        They are a copy, which the next batch is written over.

        Raises:
            DataError: the model failed, or the layer did not run, ran several times, or gave something else than one
                row per example.
        """
        self._heard.clear()
        try:
            inputs = self._moved(inputs)
            with torch.no_grad():
                if isinstance(inputs, Mapping):
                    self._model(**inputs)
                else:
                    self._model(inputs)
        except GradlineError:
            raise
        except Exception as problem:
            what = "the model" if self._reduce is None else "the model, or reduce=,"
            raise DataError(
                f"{place}: {what} failed on what the loader gave: {said(problem, 90)}\n"
                "Pairs are (inputs, target), and inputs are what model(inputs) takes; see whether it runs by itself."
            ) from problem
        if len(self._heard) != 1:
            often = f"ran {len(self._heard)} times" if self._heard else "did not run"
            raise DataError(
                f"{place}: {self.name} {often}; once was expected.\n"
                "Choose a layer that each forward pass of the model calls once."
            )
        return self._heard.pop()

    def hook(self, _module: nn.Module, _args: Any, output: Any) -> None:
        """Keep what the layer gave; a copy, since a later layer may write over it (ReLU(inplace=True))."""
        given = output if self._reduce is None else self._reduce(output)
        what = "gave" if self._reduce is None else "was reduced to"
        if not isinstance(given, torch.Tensor):
            raise ColumnError(
                f"{self.name} {what} a {type(given).__name__}; a tensor (n, d) was expected.\n"
                "Choose what to take of it: reduce=lambda output: output[0]."
            )
        if given.ndim not in (1, 2):
            raise ShapeError(
                f"{self.name} {what} {tuple(given.shape)}; (n, d) was expected.\n"
                "Say how: reduce=lambda h: h.flatten(1), or h.mean(1) over positions."
            )
        if given.is_complex() or given.is_quantized or given.layout != torch.strided:
            raise ColumnError(f"{self.name} {what} {given.dtype}; a dense tensor of real numbers was expected.")
        self.kind = str(given.dtype).removeprefix("torch.")
        exact = torch.float32 if given.dtype in SINGLE else torch.float64
        flat = given.detach()[:, None] if given.ndim == 1 else given.detach()
        if self._room.dtype != exact or self._room.numel() < flat.numel():
            self._room = torch.empty(flat.numel(), dtype=exact)
        self._heard.append(self._room[: flat.numel()].view(flat.shape).copy_(flat))

    def _moved(self, inputs: Any) -> Any:
        if isinstance(inputs, Mapping):
            return {name: self._moved(value) for name, value in inputs.items()}
        return inputs.to(self._device) if isinstance(inputs, torch.Tensor) and self._device is not None else inputs


SINGLE = (torch.float16, torch.bfloat16, torch.float32)
"""Types whose numbers are all float32 numbers."""


@contextmanager
def listening(model: Any, layer: Any, reduce: Reduce | None = None) -> Iterator[Listener]:
    """A listener at the layer, with the model in eval mode; hook and modes are as before once the block is left.

    Raises:
        OptionError: the model is no nn.Module, or has no such layer.
    """
    # What torch.compile wraps: a graph that was compiled before passes over hooks that came later.
    if isinstance(getattr(model, "_orig_mod", None), nn.Module):
        model = model._orig_mod
        layer = layer.removeprefix("_orig_mod.") if isinstance(layer, str) else layer
    name, module = _found(model, layer)
    if isinstance(module, torch.jit.ScriptModule):
        raise OptionError(
            f"{name} is compiled by TorchScript, which lets nobody listen to it.\n"
            "Probe the model as it was before torch.jit.script or torch.jit.trace."
        )
    if reduce is not None and not callable(reduce):
        raise OptionError(f"reduce is a function of what the layer gives, not {told(reduce)}.")
    listener = Listener(model, name, reduce)
    modes = [(each, each.training) for each in model.modules()]
    handle = module.register_forward_hook(listener.hook)
    try:
        model.eval()
        yield listener
    finally:
        handle.remove()
        for each, training in modes:
            each.training = training


def values(activations: torch.Tensor) -> NDArray[Any]:
    """Activations as an array (n, d), the same memory."""
    array: NDArray[Any] = np.asarray(activations.numpy())
    return array


def _found(model: Any, layer: Any) -> tuple[str, nn.Module]:
    """How errors call the layer, and the layer."""
    if not isinstance(model, nn.Module):
        raise OptionError(f"an nn.Module was expected as the model, and a {type(model).__name__} came.")
    named = dict(model.named_modules(remove_duplicate=False))
    if isinstance(layer, nn.Module):
        name = next((name for name, module in named.items() if module is layer), None)
        if name is None:
            raise OptionError(
                f"the layer {type(layer).__name__} is not part of the model.\n{choices('layers', list(named)[1:])}"
            )
        return f"layer {name!r}" if name else "the model", layer
    if not isinstance(layer, str):
        raise OptionError(f"layer is the name of a layer or the nn.Module itself, not {told(layer)}.")
    if not layer or layer not in named:
        known = list(named)[1:]
        near = difflib.get_close_matches(layer, known, n=1, cutoff=0.6)
        near = near or [name for name in known if layer and name.split(".")[-1] == layer.split(".")[-1]][:1]
        hint = f" Did you mean {shortened(near[0], 30)!r}?" if near else ""
        raise OptionError(f"no layer {shortened(layer, 30)!r} in the model.{hint}\n{choices('layers', known)}")
    return f"layer {layer!r}", named[layer]
