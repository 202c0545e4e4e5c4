"""How rows differ from their neighbours, gathered part by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array
from gradline.moments.meats import products

_ENDS = 2
"""Rows at each end of a part that neighbours of its own ends are compared with."""


class Neighbours(NamedTuple):
    """Sums over consecutive rows v = (e, z), with D the differences of neighbours."""

    errors: Array  # (k,) Σ (De)²
    products: Array  # (q, q) Σ Dz·Dzᵀ
    bends: float  # Σ |D²z|²
    head: Array  # (k + q, 2 or fewer) the first rows
    tail: Array  # (k + q, 2 or fewer) the last ones


def neighbours(rows: Array, k: int) -> Neighbours:
    """Of consecutive rows (k + q, n), the k errors first."""
    first = np.diff(rows, axis=1)
    second = np.diff(first[k:], axis=1)
    return Neighbours(
        errors=(first[:k] ** 2).sum(axis=1),
        products=products(first[None, k:])[0],
        bends=float((second**2).sum()),
        head=rows[:, :_ENDS].copy(),
        tail=rows[:, max(rows.shape[1] - _ENDS, 0) :].copy(),
    )


def beside(a: Neighbours, b: Neighbours) -> Neighbours:
    """Of both, b being of the rows after a's."""
    k, last = len(a.errors), a.tail.shape[1]
    joined = np.concatenate([a.tail, b.head], axis=1)
    first = np.diff(joined, axis=1)
    across = first[:, last - 1 : last] if last and b.head.shape[1] else first[:, :0]
    bends = np.diff(first[k:], axis=1)  # of at most two rows on either side, so each is of rows of both
    if not last or not b.head.shape[1]:
        bends = bends[:, :0]
    head, tail = np.concatenate([a.head, b.head], axis=1), np.concatenate([a.tail, b.tail], axis=1)
    return Neighbours(
        errors=a.errors + (across[:k] ** 2).sum(axis=1) + b.errors,
        products=a.products + across[k:] @ across[k:].T + b.products,
        bends=a.bends + float((bends**2).sum()) + b.bends,
        head=a.head if a.head.shape[1] == _ENDS else head[:, :_ENDS],
        tail=b.tail if b.tail.shape[1] == _ENDS else tail[:, max(tail.shape[1] - _ENDS, 0) :],
    )


def with_ends(found: Neighbours) -> Neighbours:
    """Of all rows: the bends of the first and the last, which have one neighbour, are their differences from it."""
    k = len(found.errors)
    ends = sum(float((np.diff(end, axis=1)[k:] ** 2).sum()) for end in (found.head, found.tail))
    return found._replace(bends=found.bends + ends)


def in_order(parts: Sequence[tuple[Array, NDArray[Any]]], k: int) -> Neighbours:
    """Of rows that are in memory, each (k + q, n) with the places of its rows in time."""
    order = np.argsort(np.concatenate([places for _, places in parts]))
    rows = np.concatenate([rows for rows, _ in parts], axis=1)[:, order]
    return neighbours(rows, k)
