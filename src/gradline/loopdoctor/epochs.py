"""The mean of batch means: found where it stands in the source, and believed only if the numbers agree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch

from gradline.loopdoctor.evidence import EpochMean
from gradline.loopdoctor.places import Place, function_of, name_of, place_of

_MEANS = {"mean", "fmean", "average"}
_SAME = 1e-4  # losses added in float32


@dataclass(frozen=True)
class _Quotient:
    """total / count, sum(list) / count or mean(list)."""

    node: ast.expr | ast.stmt
    operand: ast.expr
    count: ast.expr | None  # None: the list's own length


def epoch_mean(
    frame: FrameType | None, recorded: Sequence[tuple[torch.Tensor, int]], loader: Any = None
) -> EpochMean | None:
    """The statement of the frame's function that averages the losses recorded last as if batches were equal.

    Args:
        frame: Where the batches were drawn, right after the last one.
        recorded: The loss and the rows of each batch; of the epoch if a loader is given, else of all.
        loader: The DataLoader.
    """
    place = place_of(frame)
    around = function_of(place) if place else None
    if frame is None or place is None or around is None:
        return None
    for quotient in _quotients(around):
        value = _value(quotient.operand, frame)
        count = len(value) if quotient.count is None and _sized(value) else _count(quotient.count, frame)
        if not isinstance(count, int) or not 1 < count <= len(recorded) or (loader and count != len(recorded)):
            continue
        batches = list(recorded)[-count:]
        sizes = [rows for _, rows in batches]
        if sizes[-1] >= sizes[0] or set(sizes[:-1]) != {sizes[0]}:
            continue
        losses = [float(loss) for loss, _ in batches]
        told = sum(losses) / count
        true = sum(loss * rows for loss, rows in zip(losses, sizes, strict=True)) / sum(sizes)
        if not _agree(value, losses, isinstance(quotient.node, ast.AugAssign)) or abs(told - true) <= 1e-6 * abs(
            true
        ):
            continue
        line = quotient.node.lineno
        where = Place(place.file, line, None, place.scope)
        name = name_of(frame, lambda found: found is loader) if loader is not None else None
        text = ast.unparse(quotient.operand)
        text = f"sum({text})" if _sized(value) else text
        return EpochMean(told, true, (sizes[0], sizes[-1]), text, name, where)
    return None


def _quotients(around: ast.AST) -> Iterator[_Quotient]:
    for node in ast.walk(around):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield _Quotient(node, _summed(node.left), node.right)
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div):
            yield _Quotient(node, node.target, node.value)
        elif isinstance(node, ast.Call) and _called(node) in _MEANS:
            for inside in ast.walk(node):
                if isinstance(inside, ast.Name) and isinstance(inside.ctx, ast.Load):
                    yield _Quotient(node, inside, None)


def _summed(node: ast.expr) -> ast.expr:
    """What is added up in sum(losses); a float() around it says nothing."""
    while isinstance(node, ast.Call) and _called(node) in ("sum", "float", "fsum", "item"):
        node = node.args[0] if node.args else getattr(node.func, "value", node)
        if isinstance(node, ast.Call) and not node.args and not isinstance(node.func, ast.Attribute):
            break
    return node


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _agree(value: Any, losses: list[float], divided: bool) -> bool:
    """Whether the variable holds these losses, or their sum (for `/=` perhaps divided already)."""
    if isinstance(value, list | tuple):
        return len(value) == len(losses) and all(
            (number := _number(item)) is not None and _near(number, loss)
            for item, loss in zip(value, losses, strict=True)
        )
    number = _number(value)
    total = sum(losses)
    return number is not None and (_near(number, total) or (divided and _near(number, total / len(losses))))


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * abs(other)


def _number(value: Any) -> float | None:
    if isinstance(value, torch.Tensor):
        return float(value.detach()) if value.numel() == 1 else None
    if isinstance(value, bool) or not hasattr(value, "__float__") or getattr(value, "shape", ()) != ():
        return None
    return float(value)


def _sized(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _value(node: ast.expr, frame: FrameType) -> Any:
    """Of a variable or an attribute of one; nothing is called."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return getattr(_value(node.value, frame), "__dict__", {}).get(node.attr)
    return None


def _count(node: ast.expr | None, frame: FrameType) -> int | None:
    """A number of batches: a variable, a constant, len(…), or sums of them."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int) else None
    if isinstance(node, ast.Call) and _called(node) == "len" and len(node.args) == 1:
        value = _value(node.args[0], frame)
        sized = _sized(value) or isinstance(value, torch.utils.data.DataLoader)
        return len(value) if sized else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        left, right = _count(node.left, frame), _count(node.right, frame)
        if left is None or right is None:
            return None
        return left + right if isinstance(node.op, ast.Add) else left - right
    value = _value(node, frame) if node is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
