"""How long the multiply-adds of a table's cross-products take at least: two threads that do nothing else."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numba as nb

from gradline.moments.kernels import room
from gradline.moments.panels import ROW, WIDTH
from gradline.moments.simd import LANES, address_of, outer_24

_ROWS = 64  # of a panel that stays in the first-level cache


@nb.njit(nogil=True)
def _multiply(panel: Any, sums: Any, times: Any) -> None:
    at = address_of(panel)
    for _ in range(times):
        outer_24(at, at, ROW, len(panel), address_of(sums), at, 0, at, 0)


def at_full_speed(rows: int, columns: int, threads: int, pool: Executor) -> None:
    """As many multiply-adds in float64 as the products of 1 and so many columns take, each pair of them once."""
    p = 1 + columns
    times = rows * p * (p + 1) // 2 // (_ROWS * WIDTH * LANES * threads)
    rooms = [(room(_ROWS, WIDTH), room(LANES, WIDTH)) for _ in range(threads)]
    list(pool.map(lambda room: _multiply(*room, times), rooms))
