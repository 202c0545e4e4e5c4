"""The minimum of a penalised least-squares problem on one face: which coefficients are not 0, with their signs.

There the problem is linear: M·β = c - l1·weight·sign with M = S + l2·weight². M is factored in float64
(`factor_compiled.py`) and β refined with residuals in double-double; where M is too close to singular for that, M is
eliminated in double-double from the start. The residual is the gradient of all columns less the penalty's part, so
that the one that β is refined with also says which columns should enter.

Source: Higham (2002), Accuracy and Stability of Numerical Algorithms, chapter 12.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.exact.factor_compiled import assign, bring, solve
from gradline.moments.simd import fused

_STEPS = 5
"""Corrections at most: one from the gradient in float64, the others from that in double-double."""
_SMALL = 1e-10
"""After a correction as small as this beside the largest coefficient, the next is of rounding."""


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def gain(s: Any, c: Any, a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    """s + c gains (a + a_low)·(b + b_low), renormalised: error 2**-102 of the larger part."""
    p = a * b
    e = fused(a, b, -p) + (a * b_low + a_low * b)
    t = s + p
    z = t - s
    low = ((s - (t - z)) + (p - z)) + (c + e)
    total = t + low
    return total, low - (total - t)


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _quotient(a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    q = a / b
    p = q * b
    e = fused(q, b, -p) + q * b_low
    r = ((a - p) - e + a_low) / b
    total = q + r
    return total, r - (total - q)


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def on_face(
    gram: Any,
    right: Any,
    signs: Any,
    l1: Any,
    l2: Any,
    weights: Any,
    beta: Any,
    gradient: Any,
    upper: Any,
    order: Any,
    size: Any,
    out: Any,
    slope: Any,
) -> Any:
    """Set out (2, d) to the minimum on the face of the columns whose sign is not 0, and slope (d,) to c - S·out.

    Args:
        gram: (2, d, d) cross-products S, the diagonal of order 1.
        right: (2, d) c.
        signs: (d,) of the coefficients.
        l1: Strength, as in ½·RSS + l1·Σ weight·|β| + ½·l2·Σ weight²·β².
        l2: Likewise.
        weights: (d,).
        beta: (2, d) where to start, on this face.
        gradient: (d,) c - Sβ there, to float64's rounding.
        upper: A factor, as in `bring`; it becomes that of this face.
        order: Likewise.
        size: Likewise.
        out: Room for the minimum.
        slope: Room for the gradient.

    Returns:
        The size of the factor. And how many columns of the face, in their order, it takes until one depends on those
        before it, or 0; then `out` has its coefficients on them, and -1 for itself.
    """
    size, trusted = bring(gram[0], l2, weights, signs, upper, order, size)
    low = np.zeros(len(signs))
    if not trusted:
        active = np.nonzero(signs)[0]
        found = np.empty((2, len(active)))
        place, _ = in_pairs(gram, right, active, signs, l1, l2, weights, found, False)
        out[:] = 0.0
        for i in range(len(active) if place < 0 else place + 1):
            out[0, active[i]], out[1, active[i]] = found[0, i], found[1, i]
        if place < 0:
            set_gradient(gram, right, out, active, slope, low)
        return size, place + 1
    active = order[:size]
    assign(out[0], beta[0])
    out[1] = 0.0
    assign(slope, gradient)
    step = np.empty(size)
    for turn in range(_STEPS):
        if turn:
            set_gradient(gram, right, out, active, slope, low)
        for i in range(size):
            step[i] = _residual(active[i], slope, low, signs, l1, l2, weights, out)
        solve(upper, size, step)
        largest, change = 0.0, 0.0
        for i in range(size):
            j = active[i]
            out[0, j], out[1, j] = gain(out[0, j], out[1, j], step[i], 0.0, 1.0, 0.0)
            largest, change = max(largest, abs(out[0, j])), max(change, abs(step[i]))
        if turn and change <= _SMALL * largest:
            break
    for i in range(size):
        row = gram[0, active[i]]
        for j in range(len(slope)):
            slope[j] -= step[i] * row[j]
    return size, 0


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def set_gradient(gram: Any, right: Any, beta: Any, active: Any, out: Any, low: Any) -> None:
    """Set out + low (d,) to c - Sβ, in double-double."""
    assign(out, right[0])
    assign(low, right[1])
    for k in active:  # the outer loop, so that sums do not wait for each other
        b, b_low = -beta[0, k], -beta[1, k]
        row, row_low = gram[0, k], gram[1, k]
        for j in range(len(out)):
            out[j], low[j] = gain(out[j], low[j], row[j], row_low[j], b, b_low)


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _residual(j: Any, slope: Any, low: Any, signs: Any, l1: Any, l2: Any, weights: Any, out: Any) -> Any:
    """The part of the gradient that the penalty leaves: c - S·out - l1·weight·sign - l2·weight²·out."""
    rest, rest_low = gain(slope[j], low[j], -l1 * signs[j], 0.0, weights[j], 0.0)
    square, square_low = gain(0.0, 0.0, weights[j], 0.0, -weights[j], 0.0)
    square, square_low = gain(0.0, 0.0, square, square_low, l2, 0.0)
    return gain(rest, rest_low, square, square_low, out[0, j], out[1, j])[0]


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def in_pairs(
    gram: Any, right: Any, active: Any, signs: Any, l1: Any, l2: Any, weights: Any, out: Any, count: Any
) -> Any:
    """As `on_face`, by elimination in double-double: M = Lᵀ·D·L with the rows of D·L kept.

    Args:
        gram: As in `on_face`; likewise right, signs, l1, l2 and weights.
        right: See gram.
        active: (a,) numbers of columns.
        signs: See gram.
        l1: See gram.
        l2: See gram.
        weights: See gram.
        out: (2, a) room for the minimum.
        count: Whether the effective number of coefficients is wanted.

    Returns:
        Which of the active columns depends on those before it, or -1. And tr(M⁻¹S), the effective number of
        coefficients, if wanted.
    """
    a = len(active)
    hi, lo = np.empty((a, a)), np.empty((a, a))
    for i in range(a):
        j = active[i]
        for k in range(i, a):
            hi[i, k], lo[i, k] = gram[0, j, active[k]], gram[1, j, active[k]]
        square, low = gain(0.0, 0.0, weights[j], 0.0, weights[j], 0.0)
        hi[i, i], lo[i, i] = gain(hi[i, i], lo[i, i], square, low, l2, 0.0)
        out[0, i], out[1, i] = gain(right[0, j], right[1, j], -l1 * signs[j], 0.0, weights[j], 0.0)
    least = (16.0 * (a + 1) * 2.0**-52) ** 2
    whole = np.diag(hi).copy()
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
