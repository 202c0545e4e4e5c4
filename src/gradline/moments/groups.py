"""Compiled sums by group in double-double: one row of the table is one vector, its group's sums another.

A row is added by DWPlusFP (Joldes, Muller & Popescu 2017, ACM TOMS 44(2), algorithm 4), relative error 2**-105, in
the order of the rows. Columns are packed a stretch at a time and transposed in registers.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from gradline.moments.packing import VECTOR, WORD, pack, transposed
from gradline.moments.simd import (
    LANES,
    add,
    address_of,
    high_halves,
    load,
    low_halves,
    store,
    subtract,
)

STRETCH = 128
WIDTH = (STRETCH + LANES) * WORD  # columns a power of two apart would share the same cache sets


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _four(at: Any) -> Any:
    """Four columns of eight rows as four vectors: row r in the low half of vector r, row r + 4 in its high half."""
    return transposed(load(at), load(at + WIDTH), load(at + 2 * WIDTH), load(at + 3 * WIDTH))


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _as_rows(at: Any, rows: Any) -> None:
    """Eight columns of eight rows from `at` on become eight rows of eight at `rows`."""
    a0, a1, a2, a3 = _four(at)
    b0, b1, b2, b3 = _four(at + 4 * WIDTH)
    store(rows, low_halves(a0, b0))
    store(rows + VECTOR, low_halves(a1, b1))
    store(rows + 2 * VECTOR, low_halves(a2, b2))
    store(rows + 3 * VECTOR, low_halves(a3, b3))
    store(rows + 4 * VECTOR, high_halves(a0, b0))
    store(rows + 5 * VECTOR, high_halves(a1, b1))
    store(rows + 6 * VECTOR, high_halves(a2, b2))
    store(rows + 7 * VECTOR, high_halves(a3, b3))


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def sums(codes: Any, plan: Any, low_plan: Any, buffer: Any, low_buffer: Any, rows: Any, out: Any) -> Any:
    """Set out[cell, 0] + out[cell, 1], each a whole number of vectors, to the sums of 1 and the columns.

    The two plans are the steps of packing.layout of the columns and of the low words. The rest is room to work in,
    aligned to a vector: buffer and low_buffer (8 per vector, WIDTH / 8), both zero, and rows (2, 8, 8). False if a
    code is too large.
    """
    n, cells, vectors = len(codes), out.shape[0], out.shape[2] // LANES
    base, low_base, block, sums = address_of(buffer), address_of(low_buffer), address_of(rows), address_of(out)
    low_block = block + LANES * VECTOR
    buffer[0, :] = 1.0
    right = True
    for start in range(0, n, STRETCH):
        m = min(STRETCH, n - start)
        pack(plan, start, m, base + WIDTH, WIDTH, 2 * STRETCH)
        pack(low_plan, start, m, low_base + WIDTH, WIDTH, 2 * STRETCH)
        for r in range(0, m, LANES):
            for vector in range(vectors):
                at = vector * LANES * WIDTH + r * WORD
                _as_rows(base + at, block)
                if len(low_plan):
                    _as_rows(low_base + at, low_block)
                for k in range(min(LANES, m - r)):
                    cell = codes[start + r + k]
                    if cell < 0:
                        continue
                    if cell >= cells:
                        right = False
                        continue
                    high = sums + (cell * 2 * vectors + vector) * VECTOR
                    low = high + vectors * VECTOR
                    a, x = load(high), load(block + k * VECTOR)
                    s = add(a, x)
                    z = subtract(s, a)
                    e = add(subtract(a, subtract(s, z)), subtract(x, z))
                    if len(low_plan):
                        e = add(e, load(low_block + k * VECTOR))
                    v = add(load(low), e)
                    total = add(s, v)
                    store(high, total)
                    store(low, subtract(v, subtract(total, s)))
    return right
