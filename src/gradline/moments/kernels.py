"""Compiled cross-products and group sums of columns; each may be called from several threads at once.

Every function here gives the same bytes whichever thread calls it, and for a chunk of rows whether the call covers
that chunk alone or many. What is compiled is compiled at its first use and kept on disk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array, Pair, add
from gradline.moments import (
    double_double,
    float64,
    float64_wide,
    groups,
    low_words,
    panels,
    residuals_compiled,
    scores_compiled,
    triangle,
)
from gradline.moments.packing import layout
from gradline.moments.simd import LANES

_APART = 4_000
"""Below so many columns each half of a chunk has sums of its own, of up to 130 MB."""


def narrow(columns: Sequence[NDArray[Any]], chunk: int) -> Pair:
    """Double-double cross-products of the constant 1 and the columns, for each consecutive chunk of rows.

    Args:
        columns: d aligned arrays (n,), float64 or float32, of any stride; float32 counts for the numbers it holds.
        chunk: Rows per chunk; the last chunk has what is left.

    Returns:
        The pair, each (c, 1 + d, 1 + d) with c = ceil(n / chunk), the constant first. What is missing or infinite, or
        has squares beyond float64, leaves NaN or an infinity on its column's diagonal.
    """
    n, p = len(columns[0]), len(columns) + 1
    even = p + p % 2
    out = np.zeros((2, -(-n // chunk), p, p))
    double_double.cross_products(
        *layout(columns),
        n,
        chunk,
        room(even, double_double.WIDTH // 8),
        room(even, 8),
        room(even * even, 16),
        1.0,
        out,
    )
    return out[0], out[1]


def plain(columns: Sequence[NDArray[Any]] | NDArray[Any], chunk: int, threads: int = 1) -> Array:
    """As narrow, in float64: of each chunk the triangle, row by row (c, (1 + d)(2 + d)/2).

    Args:
        columns: As in narrow, or as an array (d, n).
        chunk: As in narrow.
        threads: Among how many threads of its own to share out the work: for wide tables of few chunks. The bytes do
            not depend on it.
    """
    n, p = len(columns[0]), len(columns) + 1
    tiles = -(-p // float64.TILE)
    if tiles > float64.NARROW:
        return _wide(columns, chunk, threads)
    out = np.empty((-(-n // chunk), triangle.places(p)))
    buffer = room(2, tiles * float64.TILE, float64.STRETCH + LANES)  # a power of two would share cache sets
    running = room(triangle.places(tiles), float64.SUMS)
    float64.cross_products(*layout(columns), n, p, chunk, buffer, running, out)
    return out


def _wide(columns: Sequence[NDArray[Any]] | NDArray[Any], chunk: int, threads: int) -> Array:
    """`plain` of many columns: the halves of each chunk side by side, and each by some of the threads."""
    n, p = len(columns[0]), len(columns) + 1
    plan, flow = panels.layout(columns, float64_wide.STRETCH * panels.ROW)
    apart = 2 if threads % 2 == 0 and p < _APART else 1
    parts = threads // apart
    out = np.zeros((apart, -(-n // chunk), triangle.places(p)))

    def compute(number: int) -> None:
        part, first = divmod(number, apart)
        buffer = room(-(-p // panels.WIDTH), float64_wide.STRETCH, panels.WIDTH)
        buffer[0, :, 0] = 1.0
        running = room(1 + float64_wide.units(p), float64_wide.SUMS)
        halves = first, first + 2 // apart
        float64_wide.cross_products(plan, flow, n, p, chunk, halves, (part, parts), buffer, running, out[first])

    _each(compute, apart * parts, threads)
    total: Array = out[0] if apart == 1 else out[0] + out[1]
    return total


def residuals(columns: Sequence[NDArray[Any]], parameters: Array, threads: int = 1) -> tuple[Pair, Pair]:
    """X'r (p, k) and r'r (k,) in double-double for r = y - Xβ; X has the constant 1 before the columns.

    Args:
        columns: d features and then k targets, as in narrow.
        parameters: (2, k, p) the words of -β, p = d + 1.
        threads: One or two, which change no byte.
    """
    _, k, p = parameters.shape
    given = np.ascontiguousarray(parameters)
    out, total = np.zeros((2, 2, k, p)), np.zeros((2, 2, k))
    middle = -(-len(columns[0]) // (2 * residuals_compiled.STRETCH)) * residuals_compiled.STRETCH

    def compute(half: int) -> None:
        rows = slice(middle, None) if half else slice(middle)
        some = [column[rows] for column in columns]
        residuals_compiled.gather(
            layout(some).steps,
            len(some[0]),
            given,
            room(p + k, residuals_compiled.WIDTH // 8),
            room(residuals_compiled.STRETCH // 4, LANES),
            room(k * p, 16),
            room(k, 16),
            out[half],
            total[half],
        )

    _each(compute, 2, threads)
    gradient, squares = add(tuple(out[0]), tuple(out[1])), add(tuple(total[0]), tuple(total[1]))
    return (gradient[0].T, gradient[1].T), squares


def _each(compute: Callable[[int], None], number: int, threads: int) -> None:
    """Call for 0, 1 … below the number, several at a time."""
    if threads == 1:
        for at in range(number):
            compute(at)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(compute, range(number)))


def scores(
    columns: Sequence[NDArray[Any]],
    parameters: Array,
    centre: Array,
    root: Array,
    factors: Array,
    power: int = 0,
    *,
    design: bool = False,
    summed: bool = False,
) -> Scores:
    """Each row's scores z·amplitude·e/(1 - h)^(power/2) for the residual e, z = root·(x - centre), leverage h.

    Args:
        columns: m columns and then k targets, as in narrow; the constant 1 is before them.
        parameters: (2, k, 1 + m) the words of -β.
        centre: (1 + m,) what is taken from each column before the root.
        root: (q, 1 + m).
        factors: (3, n) amplitudes; weights; and by what zᵀz is the leverage.
        power: 0, 1 or 2.
        design: Whether to add z·√weight as the scores of one more target.
        summed: Whether only the products of scores are wanted, not the scores; for few of them, and without `design`.
    """
    n, (_, k, m), q = len(columns[0]), parameters.shape, len(root)
    size = -(-n // residuals_compiled.STRETCH) * residuals_compiled.STRETCH
    blocks = -(-q // scores_compiled.TILE)
    padded = np.zeros((blocks * scores_compiled.TILE, m))
    padded[:q] = root
    there = (padded != 0.0).reshape(blocks, -1, m).any(axis=1)
    lasts = np.where(there.any(axis=1), m - np.argmax(there[:, ::-1], axis=1), 0)
    width = residuals_compiled.WIDTH // 8
    # Rows as many as a power of two would share cache sets.
    out = np.empty((k + design, q, 0 if summed else size + LANES))
    running = room(k, triangle.places(blocks) if summed else 0, float64.SUMS)
    triangles = np.empty((k, triangle.places(q)))
    errors, distances, gradient, squares = np.empty((k, size)), np.empty(size), room(k, q, LANES), np.zeros(k)
    scores_compiled.gather(
        layout(columns).steps,
        n,
        np.ascontiguousarray(parameters),
        np.ascontiguousarray(centre),
        padded,
        lasts,
        factors,
        power,
        (
            room(m + k, width),
            room(len(padded), width),
            room(len(padded), width),
            room(residuals_compiled.STRETCH // 4, LANES),
            room(2, width),
        ),
        out,
        running,
        triangles,
        errors,
        distances,
        gradient,
        squares,
    )
    products = np.stack([triangle.unpacked(each, q) for each in triangles]) if summed else None
    return Scores(out[:, :, :n], errors[:, :n], distances[:n], gradient.sum(axis=2), squares, products)


class Scores(NamedTuple):
    """What a run of rows says about parameters."""

    values: Array  # (k, q, n); those of the design as one target more
    errors: Array  # (k, n) y - x·β
    distances: Array  # (n,) 1 - h
    gradient: Array  # (k, q) Σ z·weight·e
    squares: Array  # (k,) Σ weight·e²
    products: Array | None  # (k, q, q) Σ s·sᵀ, where only these were wanted: then values have no rows


def grouped(
    codes: NDArray[np.int32], cells: int, columns: Sequence[NDArray[Any]], lows: Sequence[NDArray[Any] | None]
) -> Pair:
    """Double-double sums of 1 and of the columns over the rows of each cell.

    Args:
        codes: The cell of each row, (n,), below `cells`; rows with a negative one are left out.
        cells: How many cells there are.
        columns: m aligned arrays (n,), float64 or float32, of any stride.
        lows: What is to be added to each column as its low words, or None.

    Returns:
        The pair, each (cells, 1 + m); column 0 counts the rows.
    """
    m = len(columns) + 1
    padded = -(-m // LANES) * LANES
    present = [number for number, low in enumerate(lows) if low is not None]
    low_plan = layout([low for low in lows if low is not None], present).steps
    out = room(cells, 2, padded)
    known = groups.sums(
        codes,
        layout(columns).steps,
        low_plan,
        room(padded, groups.WIDTH // 8),
        room(padded, groups.WIDTH // 8),
        room(2, LANES, LANES),
        out,
    )
    if not known:
        raise ValueError(f"a code is not below {cells}, the number of cells")
    return out[:, 0, :m], out[:, 1, :m]


def room(*shape: int) -> Array:
    """Zeros that start at a multiple of 64 bytes, so that no vector lies in two cache lines."""
    size = math.prod(shape)
    raw = np.zeros(size + 8)
    first = -raw.__array_interface__["data"][0] % 64 // 8
    return raw[first : first + size].reshape(shape)


def wide(left: Array, left_low: Array, right: Array, right_low: Array) -> Pair:
    """The pair (left + left_low)ᵀ(right + right_low), each (n, p), symmetric up to the weight of each row."""
    n, p = left.shape
    even = p + (p & 1)
    sides = np.zeros((4, even, -(-n // LANES) * LANES + LANES))
    for side, matrix in zip(sides, (left, left_low, right, right_low), strict=True):
        side[:p, :n] = matrix.T
    out = np.zeros((2, even, even))
    low_words.cross_products(*sides, out)
    return out[0, :p, :p], out[1, :p, :p]
