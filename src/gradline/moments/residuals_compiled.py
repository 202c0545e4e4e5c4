"""Compiled sums over the residuals of given parameters, in double-double."""

from __future__ import annotations

from typing import Any

import numba as nb

from gradline.moments.double_double import across_lanes
from gradline.moments.packing import VECTOR, WORD, pack
from gradline.moments.simd import (
    LANES,
    add,
    address_of,
    broadcast,
    load,
    multiply,
    multiply_subtract,
    store,
    subtract,
    zero,
)

STRETCH = 64  # rows
WIDTH = STRETCH * WORD + VECTOR  # bytes between columns: a power of two would share cache sets
VECTORS = STRETCH // LANES
TOGETHER = 4  # vectors whose residuals are in registers at a time


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _gain(a: Any, b: Any, low: Any, s: Any, c: Any) -> Any:
    """The pair s + c gains a·b + low."""
    p = multiply(a, b)
    e = add(multiply_subtract(a, b, p), low)
    t = add(s, p)
    z = subtract(t, s)
    return t, add(c, add(add(subtract(s, subtract(t, z)), subtract(p, z)), e))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _put(place: Any, s: Any, c: Any) -> None:
    """Put the pair s + c, its words normalised, in two vectors."""
    total = add(s, c)
    store(place, total)
    store(place + VECTOR, subtract(c, subtract(total, s)))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def of_four_vectors(at: Any, goal: Any, parameters: Any, target: Any, rest: Any) -> None:
    """Residuals of four vectors of rows: the target less the columns from `at` on times the (negative) parameters."""
    s0, s1, s2, s3 = load(goal), load(goal + VECTOR), load(goal + 2 * VECTOR), load(goal + 3 * VECTOR)
    c0 = c1 = c2 = c3 = zero()
    for column in range(parameters.shape[2]):
        b, low = broadcast(parameters[0, target, column]), broadcast(parameters[1, target, column])
        place = at + column * WIDTH
        x0, x1, x2, x3 = load(place), load(place + VECTOR), load(place + 2 * VECTOR), load(place + 3 * VECTOR)
        s0, c0 = _gain(x0, b, multiply(x0, low), s0, c0)
        s1, c1 = _gain(x1, b, multiply(x1, low), s1, c1)
        s2, c2 = _gain(x2, b, multiply(x2, low), s2, c2)
        s3, c3 = _gain(x3, b, multiply(x3, low), s3, c3)
    _put(rest, s0, c0)
    _put(rest + 2 * VECTOR, s1, c1)
    _put(rest + 4 * VECTOR, s2, c2)
    _put(rest + 6 * VECTOR, s3, c3)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _add_products(running: Any, at: Any, rest: Any) -> None:
    """The running pair gains the products of a column and the residuals of a stretch."""
    s, c = load(running), load(running + VECTOR)
    for v in range(VECTORS):
        r = rest + v * 2 * VECTOR
        x = load(at + v * VECTOR)
        s, c = _gain(x, load(r), multiply(x, load(r + VECTOR)), s, c)
    _put(running, s, c)


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def gather(
    plan: Any, rows: Any, parameters: Any, buffer: Any, rest: Any, products: Any, squares: Any, out: Any, total: Any
) -> None:
    """Set out[0] + out[1], each (k, p), to X'r and total[0] + total[1], each (k,), to r'r for r = y - Xβ.

    `plan` packs the d features and then the k targets; X has the constant 1 before them, so p = d + 1. `parameters`
    (2, k, p) are the words of -β. The rest is room to work in, aligned to a vector and zero: buffer
    (p + k, WIDTH / 8), rest (STRETCH / 4,) pairs of vectors, products (k·p, 16), squares (k, 16).
    """
    k, p = out.shape[1], out.shape[2]
    base, left = address_of(buffer), address_of(rest)
    sums, square = address_of(products), address_of(squares)
    for start in range(0, rows, STRETCH):
        m = min(STRETCH, rows - start)
        if start == 0 or m < STRETCH:
            buffer[:] = 0.0
            buffer[0, :m] = 1.0
        pack(plan, start, m, base + WIDTH, WIDTH, STRETCH)
        for target in range(k):
            goal = base + (p + target) * WIDTH
            for v in range(0, VECTORS, TOGETHER):
                of_four_vectors(base + v * VECTOR, goal + v * VECTOR, parameters, target, left + 2 * v * VECTOR)
            place = square + target * 2 * VECTOR
            s, c = load(place), load(place + VECTOR)
            for v in range(VECTORS):
                high, low = load(left + 2 * v * VECTOR), load(left + (2 * v + 1) * VECTOR)
                s, c = _gain(high, high, multiply(add(high, high), low), s, c)
            _put(place, s, c)
            for column in range(p):
                _add_products(sums + (target * p + column) * 2 * VECTOR, base + column * WIDTH, left)
    for target in range(k):
        total[0, target], total[1, target] = across_lanes(squares, target)
        for column in range(p):
            out[0, target, column], out[1, target, column] = across_lanes(products, target * p + column)
