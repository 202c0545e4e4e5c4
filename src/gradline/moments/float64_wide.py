"""Compiled cross-products in float64 of many columns, where computing takes all the time there is.

The tiles of `float64`, block by block, so that what they read is in the second-level cache.
"""

from __future__ import annotations

from typing import Any

import numba as nb

from gradline.moments.float64 import SUMS, TILE, add_up, ones, place, tile, tile_on_diagonal
from gradline.moments.packing import WORD, pack
from gradline.moments.simd import LANES, address_of

STRETCH = 256
"""Rows that are packed and computed with together."""
BLOCK = 16  # tiles: 64 columns of a stretch, which stay in the second-level cache while all others pass by
_NO_ERRAND = 0, 0, 0, 0, 0, 0, 0


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cross_products(plan: Any, rows: Any, p: Any, chunk: Any, share: Any, buffer: Any, running: Any, out: Any) -> None:
    """As float64.cross_products, with one buffer, (4·tiles, STRETCH + 8), and part of the tiles.

    `share` is (part, parts): of so many parts that share the blocks of tiles out among them, this one.
    """
    tiles, width = len(buffer) // TILE, (STRETCH + LANES) * WORD
    here, sums = address_of(buffer), address_of(running)
    for number in range(len(out)):
        last = min(rows, (number + 1) * chunk)
        for first in range(number * chunk, last, STRETCH):
            count = min(STRETCH, last - first)
            ones(here, count, STRETCH)
            pack(plan, first, count, here + width, width, STRETCH)
            vectors = -(-count // LANES)
            for block in range(0, tiles, BLOCK):
                if not _has(share, block // BLOCK):
                    continue
                top = min(tiles, block + BLOCK)
                for i in range(top):
                    for j in range(max(i, block), top):
                        x, y = here + i * TILE * width, here + j * TILE * width
                        at = sums + place(i, j, tiles) * SUMS * WORD
                        if i == j:
                            tile_on_diagonal(x, width, vectors, at, _NO_ERRAND)
                        else:
                            tile(x, y, width, vectors, at, _NO_ERRAND)
        for i in range(tiles):
            for j in range(i, tiles):
                if _has(share, j // BLOCK):
                    add_up(running, i, j, tiles, out[number], p)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _has(share: Any, block: Any) -> Any:
    """Whether the block falls to this part: to and fro, for later blocks have more tiles."""
    part, parts = share
    turn = block % (2 * parts)
    return turn in (part, 2 * parts - 1 - part)
