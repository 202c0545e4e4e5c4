"""The minimum of a penalised least-squares problem on one face: which coefficients are not 0, with their signs.

There the problem is linear: M·β = c - l1·weight·sign with M = S + l2·weight². M is factored in float64 and β refined
with residuals in double-double; where M is too close to singular for that, in double-double from the start.

Source: Higham (2002), Accuracy and Stability of Numerical Algorithms, chapters 10 and 12.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.elimination_compiled import fused

TRUSTED = 1e-8
"""The share of its square that a column must have left for float64 to be trusted: each step of refinement then gains
seven digits."""
_STEPS = 4
_SMALL = 1e-10
"""After a correction as small as this beside the largest coefficient, the next is of rounding."""
_PANEL = 64
"""Rows that are eliminated by themselves; the rest of the matrix is then BLAS' work."""


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def gain(s: Any, c: Any, a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    """s + c gains (a + a_low)·(b + b_low), renormalised: error 2**-102 of the larger part."""
    p = a * b
    e = fused(a, b, -p) + (a * b_low + a_low * b)
    t = s + p
    z = t - s
    low = ((s - (t - z)) + (p - z)) + (c + e)
    total = t + low
    return total, low - (total - t)


@nb.njit(inline="always")  # type: ignore[untyped-decorator]
def _quotient(a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    q = a / b
    p = q * b
    e = fused(q, b, -p) + q * b_low
    r = ((a - p) - e + a_low) / b
    total = q + r
    return total, r - (total - q)


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def on_face(
    gram: Any, right: Any, active: Any, signs: Any, l1: Any, l2: Any, weights: Any, out: Any, count: Any
) -> Any:
    """Set out (2, a) to the minimum on the face of these active columns (a,) with these signs.

    Args:
        gram: (2, d, d) cross-products S, the diagonal of order 1.
        right: (2, d) c.
        active: (a,) numbers of columns.
        signs: (d,) of their coefficients.
        l1: Strength, as in ½·RSS + l1·Σ weight·|β| + ½·l2·Σ weight²·β².
        l2: Likewise.
        weights: (d,).
        out: Room for the answer.
        count: Whether the effective number of coefficients is wanted.

    Returns:
        Which of the active columns depends on those before it, or -1; then `out` has its coefficients on them, and -1
        for itself. And tr(M⁻¹S), the effective number of coefficients, if wanted.
    """
    a = len(active)
    upper = np.empty((a, a))
    rhs = np.empty((2, a))
    for i in range(a):
        j = active[i]
        for k in range(i, a):
            upper[i, k] = gram[0, j, active[k]]
        upper[i, i] += l2 * weights[j] * weights[j]
        rhs[0, i], rhs[1, i] = gain(right[0, j], right[1, j], -l1 * signs[j], 0.0, weights[j], 0.0)
    if not _factor(upper):
        return _in_pairs(gram, rhs, active, l2, weights, out, count)
    out[0, :], out[1, :] = rhs[0], 0.0
    if a == 0:
        return -1, 0.0
    _solve(upper, out[0])
    for _ in range(_STEPS):
        rest = _residual(gram, rhs, active, l2, weights, out)
        _solve(upper, rest)
        for i in range(a):
            out[0, i], out[1, i] = gain(out[0, i], out[1, i], rest[i], 0.0, 1.0, 0.0)
        if np.abs(rest).max() <= _SMALL * np.abs(out[0]).max():
            break
    freedom = float(a)
    if count and l2 > 0.0:
        unit = np.empty(a)
        for i in range(a):
            unit[:] = 0.0
            unit[i] = 1.0
            freedom -= l2 * weights[active[i]] ** 2 * _length(upper, unit, i)
    return -1, freedom


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _factor(upper: Any) -> Any:
    """Cholesky, M = UᵀU, in place and in panels of rows; False where too little is left of a column."""
    a = len(upper)
    whole = np.diag(upper).copy()
    for start in range(0, a, _PANEL):
        end = min(start + _PANEL, a)
        for k in range(start, end):
            if not upper[k, k] > TRUSTED * whole[k]:
                return False
            upper[k, k:] /= np.sqrt(upper[k, k])
            for i in range(k + 1, end):
                upper[i, i:] -= upper[k, i] * upper[k, i:]
        if end < a:
            panel = np.ascontiguousarray(upper[start:end, end:])
            upper[end:, end:] -= np.dot(np.ascontiguousarray(panel.T), panel)
    return True


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _solve(upper: Any, vector: Any) -> None:
    """The vector (a,) becomes M⁻¹·vector."""
    a = len(upper)
    for k in range(a):
        vector[k] /= upper[k, k]
        vector[k + 1 :] -= vector[k] * upper[k, k + 1 :]
    for k in range(a - 1, -1, -1):
        total = vector[k]
        for i in range(k + 1, a):
            total -= upper[k, i] * vector[i]
        vector[k] = total / upper[k, k]


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _length(upper: Any, vector: Any, first: Any) -> Any:
    """The squared length of U⁻ᵀ·vector, whose first entry that is not 0 is known; the vector is used up."""
    total = 0.0
    for k in range(first, len(upper)):
        vector[k] /= upper[k, k]
        total += vector[k] ** 2
        vector[k + 1 :] -= vector[k] * upper[k, k + 1 :]
    return total


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _residual(gram: Any, rhs: Any, active: Any, l2: Any, weights: Any, out: Any) -> Any:
    """(a,) rhs - M·out, summed in double-double."""
    a = len(active)
    rest, low = rhs[0].copy(), rhs[1].copy()
    for k in range(a):  # the outer loop, so that sums do not wait for each other
        m = active[k]
        b, b_low = out[0, k], out[1, k]
        for i in range(a):
            j = active[i]
            rest[i], low[i] = gain(rest[i], low[i], -gram[0, m, j], -gram[1, m, j], b, b_low)
        square, square_low = gain(0.0, 0.0, weights[m], 0.0, -weights[m], 0.0)
        square, square_low = gain(0.0, 0.0, square, square_low, l2, 0.0)
        rest[k], low[k] = gain(rest[k], low[k], square, square_low, b, b_low)
    return rest


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _in_pairs(gram: Any, rhs: Any, active: Any, l2: Any, weights: Any, out: Any, count: Any) -> Any:
    """As `on_face`, by elimination in double-double: M = Lᵀ·D·L with the rows of D·L kept."""
    a = len(active)
    hi, lo = np.empty((a, a)), np.empty((a, a))
    for i in range(a):
        j = active[i]
        for k in range(i, a):
            hi[i, k], lo[i, k] = gram[0, j, active[k]], gram[1, j, active[k]]
        square, low = gain(0.0, 0.0, weights[j], 0.0, weights[j], 0.0)
        hi[i, i], lo[i, i] = gain(hi[i, i], lo[i, i], square, low, l2, 0.0)
    least = (16.0 * (a + 1) * 2.0**-52) ** 2
    whole = np.diag(hi).copy()
    out[0, :], out[1, :] = rhs[0], rhs[1]
    for k in range(a):
        if not hi[k, k] > least * whole[k]:
            for i in range(k):
                out[0, i], out[1, i] = hi[i, k], lo[i, k]
            _back(hi, lo, out, k)
            out[0, k], out[1, k] = -1.0, 0.0
            return k, 0.0
        for i in range(k + 1, a):
            ratio, ratio_low = _quotient(-hi[k, i], -lo[k, i], hi[k, k], lo[k, k])
            for m in range(i, a):
                hi[i, m], lo[i, m] = gain(hi[i, m], lo[i, m], ratio, ratio_low, hi[k, m], lo[k, m])
            out[0, i], out[1, i] = gain(out[0, i], out[1, i], ratio, ratio_low, out[0, k], out[1, k])
    _back(hi, lo, out, a)
    freedom = float(a)
    if count and l2 > 0.0:
        unit = np.empty((2, a))
        for n in range(a):
            unit[:] = 0.0
            unit[0, n] = 1.0
            length = 0.0
            for k in range(n, a):
                length += unit[0, k] ** 2 / hi[k, k]
                for i in range(k + 1, a):
                    unit[0, i] -= hi[k, i] / hi[k, k] * unit[0, k]
            freedom -= l2 * weights[active[n]] ** 2 * length
    return -1, freedom


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _back(hi: Any, lo: Any, out: Any, size: Any) -> None:
    """The first entries of out, so many, become the solution of D·L·x = out."""
    for k in range(size - 1, -1, -1):
        s, c = out[0, k], out[1, k]
        for i in range(k + 1, size):
            s, c = gain(s, c, -hi[k, i], -lo[k, i], out[0, i], out[1, i])
        out[0, k], out[1, k] = _quotient(s, c, hi[k, k], lo[k, k])
