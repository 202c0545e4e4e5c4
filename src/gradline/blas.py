"""How many threads BLAS may use: one, for work so small that waking others costs more than they do.

OpenBLAS' threads keep looking for work for some 30 ms after each call, those of NumPy's copy of it and of SciPy's
each for themselves. Meanwhile whatever comes next has that many processors less.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

_FEW, _MANY = 64, 1_000
"""From `_FEW` columns on BLAS wakes its threads; from `_MANY` on they are worth it."""


_taken = Lock()


@contextmanager
def suited_to(columns: int) -> Iterator[None]:
    """Within it BLAS uses as many threads, in the whole process, as pay for matrices of so many columns.

    Of several fits at a time the first one decides: who set a number of threads sets back what it was before.

    Example:
        >>> import numpy as np
        >>> with suited_to(100):
        ...     inverse = np.linalg.inv(np.eye(100))
    """
    if not _FEW <= columns < _MANY or not _taken.acquire(blocking=False):
        yield
        return
    try:
        with _libraries().limit(limits=1, user_api="blas"):
            yield
    finally:
        _taken.release()


@cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 that its library is found, too
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
