"""What the graph of a loss tells without another look at its operations: leaves, features, numbers of rows."""

from __future__ import annotations

from typing import Any

import torch

_SAVED = ("_saved_mat1", "_saved_self", "_saved_input")  # what addmm, mm and linear keep their features as


def reached(loss: torch.Tensor, most: int = 20_000) -> dict[int, torch.Tensor]:
    """The leaves that a backward pass from the loss arrives at."""
    if loss.grad_fn is None:
        return {id(loss): loss} if loss.requires_grad else {}
    found: dict[int, torch.Tensor] = {}
    seen, waiting = {loss.grad_fn}, [loss.grad_fn]
    while waiting and len(seen) < most:
        node = waiting.pop()
        variable = getattr(node, "variable", None)
        if isinstance(variable, torch.Tensor):
            found[id(variable)] = variable
        for follower, _ in node.next_functions:
            if follower is not None and follower not in seen:
                seen.add(follower)
                waiting.append(follower)
    return found


def near(root: Any, most: int = 32) -> dict[Any, tuple[int, ...]]:
    """The operations that a loss ends in, mean, power, difference and so on, and the way to each."""
    ways: dict[Any, tuple[int, ...]] = {root: ()} if root is not None else {}
    waiting = list(ways)
    for node in waiting:
        if len(ways) < most:
            for number, (follower, _) in enumerate(node.next_functions):
                if follower is not None and follower not in ways:
                    ways[follower] = (*ways[node], number)
                    waiting.append(follower)
    return ways


def keeps(node: Any, x: torch.Tensor) -> str | None:
    """As what a linear operation keeps its features."""
    for name in _SAVED:
        saved = getattr(node, name, None)
        if isinstance(saved, torch.Tensor) and saved.data_ptr() == x.data_ptr() and saved.numel() == x.numel():
            return name
    return None


def features(root: Any, way: tuple[int, ...], name: str, columns: int) -> torch.Tensor | None:
    """The features that the operation at the end of the way was given; None where the graph is another one."""
    for number in way:
        if root is None or number >= len(root.next_functions):
            return None
        root = root.next_functions[number][0]
    x = getattr(root, name, None)
    return x if isinstance(x, torch.Tensor) and x.dim() and x.shape[-1] == columns else None


def rows_of_mean(root: Any) -> int:
    """Over how many rows the loss is a mean; 0 where it is none. To be asked before backward() frees the graph."""
    if type(root).__name__.startswith("MeanBackward"):
        shape = tuple(getattr(root, "_saved_self_sym_sizes", ()))
    elif getattr(root, "_saved_reduction", None) == 1:
        shape = tuple(getattr(getattr(root, "_saved_self", None), "shape", ()))
    else:
        return 0
    return int(shape[0]) if shape else 0
