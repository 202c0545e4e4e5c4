"""Sums in float64 of rows on another device, taken where they lie: of each chunk only its (p, p) sums come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.doubledouble import Pair, two_sum
from gradline.moments.sums import SMALLEST, Summing, Sums
from gradline.sources import CHUNK
from gradline.sources.columns import Held, There

if TYPE_CHECKING:
    import torch

    from gradline.design.problem import Problem

STRETCH = 16
"""Rows that one product of matrices adds up; these sums are added in pairs.

In whatever order a device adds, that is 15 and 12 roundings, and one each for product and weight: 29 of 2**-53,
within the error that `FLOAT64` states."""
NUMBERS = 2**24
"""Numbers in such sums at a time, at most: 128 MB."""

_WHOLE = 2.0**53
"""Integers below this are float64 numbers."""


def summed_on(problem: Problem) -> torch.device | None:
    """The device where sums in float64 are taken: it has float64 and all columns; None where that is no device."""
    places = _places(problem)
    devices = {None if place is None else place.tensor.device for place in places}
    if len(devices) != 1 or not all(term.plain for term in problem.terms):
        return None
    [device] = devices
    return device if device is not None and has_float64(device) else None


def described(problem: Problem, precision: str) -> str:
    """What is done about tensors on other devices, as a plan says it; empty where there are none."""
    places = _places(problem)
    devices = {place.tensor.device for place in places if place is not None}
    if not devices:
        return ""
    names = " and ".join(sorted(map(str, devices)))
    if precision == "float64" and summed_on(problem) is not None:
        return f"float64 on {names}"
    if not all(map(has_float64, devices)):
        return f"copied from {names}, which has no float64"
    apart = precision == "float64" and (len(devices) > 1 or None in places)
    return f"copied from {names}" + (", since other columns are not there" if apart else "")


def has_float64(device: torch.device) -> bool:
    """Whether a device multiplies matrices of float64: mps has no such numbers, some of xpu only hold them."""
    import torch

    try:
        one = torch.ones((1, 1, 1), dtype=torch.float64, device=device)
        return bool(torch.bmm(one, one).item() == 1.0)
    except (TypeError, RuntimeError):
        return False


def chunks(problem: Problem, summing: Summing) -> Iterator[Sums]:
    """The sums of each chunk of a problem that is `summed_on` a device, in order."""
    places = [place for place in _places(problem) if place is not None]
    table = problem.table
    assert isinstance(table, Held), "only columns in memory lie on a device"
    weight = None if problem.weights is None else places.pop()
    for first in range(0, table.rows or 0, CHUNK):
        last = min(first + CHUNK, table.rows or 0)
        weights = None if weight is None else weight.tensor[first:last, weight.number]
        found = sums(summing, _columns(places, first, last), weights)
        if found is None:
            rows = table.stretch(problem.columns, first, last)
            found = summing.chunk(problem.block(rows), ())
        yield found


def sums(summing: Summing, columns: Sequence[torch.Tensor], weights: torch.Tensor | None) -> Sums | None:
    """What a chunk contributes, computed where its tensors lie: A = Σ w·z zᵀ with z = (1, x, y) in float64.

    Args:
        summing: What is done about missing values, and what the weights are.
        columns: Each (n, m) of any type of real numbers: together the features and then the targets.
        weights: (n,) or None.

    Returns:
        The sums; None where the processor must look at the chunk: there is something to refuse, or an integer that
        float64 does not hold.
    """
    import torch

    columns = [piece.detach() for piece in columns]
    if not all(_fits(piece) for piece in columns):
        return None
    absent = [piece.isnan() for piece in columns]
    counts = torch.cat([each.sum(0) for each in absent]).cpu().numpy()  # (d + k,)
    keep = torch.stack([~each.any(1) for each in absent]).all(0)  # (n,)
    if counts.any() and summing.missing == "error":
        return None
    if weights is not None:
        weights = weights.detach().to(torch.float64)
        if not bool(((weights >= 0) & (weights < torch.inf)).all()):
            return None
        keep &= weights > 0
    rows = len(keep)
    if not bool(keep.all()):
        columns = [piece[keep] for piece in columns]
        weights = None if weights is None else weights[keep]
    used = len(columns[0])
    if not used:
        return summing.nothing(rows, counts)
    pair = _cross_products(columns, weights)
    squares = (pair[0].diagonal() + pair[1].diagonal())[1:]
    if not np.isfinite(squares).all():
        return None
    if squares.min() < SMALLEST:
        filled = torch.cat([(piece != 0).any(0) for piece in columns]).cpu().numpy()
        if (filled & (squares < SMALLEST)).any():
            return None
    logs = 0.0 if weights is None or summing.frequency else float(weights.log().sum().item())
    return Sums(pair, rows, used, counts, logs, _constants(columns, summing.targets))


def _places(problem: Problem) -> list[There | None]:
    """Where each column that is read lies, the weights last; None for those in the processor's memory."""
    return problem.table.there(problem.columns) if isinstance(problem.table, Held) else []


def _columns(places: Sequence[There], first: int, last: int) -> list[torch.Tensor]:
    """The rows first … last - 1 of these columns, as few tensors as hold them."""
    pieces = []
    for _, group in groupby(places, key=lambda place: id(place.tensor)):
        of_one = list(group)
        tensor, numbers = of_one[0].tensor[first:last], [place.number for place in of_one]
        pieces.append(tensor if numbers == list(range(tensor.shape[1])) else tensor[:, numbers])
    return pieces


def _fits(piece: torch.Tensor) -> bool:
    """Whether float64 holds the numbers, and none is infinite."""
    import torch

    if piece.is_floating_point():
        return not bool(piece.isinf().any())
    return not bool((piece.to(torch.float64).abs() >= _WHOLE).any())


def _cross_products(columns: Sequence[torch.Tensor], weights: torch.Tensor | None) -> Pair:
    """The (p, p) pair, the constant 1 first. No setting of PyTorch makes a product of float64 any coarser."""
    import torch

    rows, p = len(columns[0]), 1 + sum(piece.shape[1] for piece in columns)

    def zeros(*shape: int) -> Any:
        return torch.zeros(shape, dtype=torch.float64, device=columns[0].device)

    most = max(1, min(CHUNK // STRETCH, NUMBERS // p**2))
    together = STRETCH * (1 << (most.bit_length() - 1))
    high, low = zeros(p, p), zeros(p, p)
    for first in range(0, rows, together):
        count = min(together, rows - first)
        stretches = 1 << (-(-count // STRETCH) - 1).bit_length()
        right = zeros(stretches * STRETCH, p)  # rows of zeros fill it up
        right[:count, 0] = 1.0
        at = 1
        for piece in columns:
            right[:count, at : at + piece.shape[1]] = piece[first : first + count]
            at += piece.shape[1]
        left = right
        if weights is not None:
            left = right.clone()
            left[:count] *= weights[first : first + count, None]
        sums: Any = torch.bmm(left.view(-1, STRETCH, p).transpose(1, 2), right.view(-1, STRETCH, p))
        while len(sums) > 1:
            sums = sums[::2] + sums[1::2]
        high, error = two_sum(high, sums[0])
        low = low + error
    pair = torch.stack([high, low]).cpu().numpy()
    pair = np.triu(pair) + np.triu(pair, 1).swapaxes(1, 2)  # symmetric to the bit, whatever the device did
    return pair[0], pair[1]


def _constants(columns: Sequence[torch.Tensor], k: int) -> tuple[float | None, ...]:
    """For each of the k targets, which stand last, the value that it has in all these rows."""
    import torch

    y = torch.cat([piece[:, -k:].to(torch.float64) for piece in columns], 1)[:, -k:]
    same = (y == y[0]).all(0).tolist()
    return tuple([value if alike else None for value, alike in zip(y[0].tolist(), same, strict=True)])
