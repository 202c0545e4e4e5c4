"""Condition numbers of large matrices without all of their eigenvalues."""

from __future__ import annotations

import numpy as np

from gradline.doubledouble import Array
from gradline.exact.reduction import BUSY

_CLOSE = 1e-4
_RANGE = 1e30  # numbers below it, and their sums, are within float32's range
_STEPS = 60


def scaled_condition(matrix: Array, inverse: Array, norms: Array) -> float:
    """Condition number of X, each column scaled to unit length (Belsley's), from X'X and its inverse (q, q).

    From BUSY columns on to about three digits: each end of the spectrum by Lanczos' process.
    """
    if not len(matrix):
        return float("nan")
    lengths = np.sqrt(norms)
    return float(np.sqrt(_largest(matrix, 1 / lengths) * _largest(inverse, lengths)))


def _largest(matrix: Array, scale: Array) -> float:
    """The largest eigenvalue of diag(scale)·matrix·diag(scale), of a matrix without negative eigenvalues."""
    q = len(scale)
    if q < BUSY:
        return float(np.linalg.eigvalsh(matrix * scale[:, None] * scale[None, :])[-1])
    # Half of the memory to read, and more digits than are asked for. No entry is beyond the largest on the diagonal.
    single = matrix.astype(np.float32) if matrix.diagonal().max() < _RANGE else matrix
    start = 1 + np.cos(np.arange(q))  # any fixed vector that is no eigenvector of something common
    basis = np.zeros((_STEPS + 1, q))
    basis[0] = start / np.linalg.norm(start)
    tridiagonal = np.zeros((_STEPS, _STEPS))
    value = 0.0
    for step in range(_STEPS):
        image = scale * (single @ (scale * basis[step]).astype(single.dtype))
        tridiagonal[step, step] = basis[step] @ image
        for _ in range(2):  # twice is enough
            image -= basis[: step + 1].T @ (basis[: step + 1] @ image)
        rest = float(np.linalg.norm(image))
        before, value = value, float(np.linalg.eigvalsh(tridiagonal[: step + 1, : step + 1])[-1])
        if step == _STEPS - 1 or rest <= 1e-12 * value or (step > 4 and value - before <= _CLOSE * value / 10):
            break
        tridiagonal[step, step + 1] = tridiagonal[step + 1, step] = rest
        basis[step + 1] = image / rest
    return value
