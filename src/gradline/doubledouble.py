"""Double-double arithmetic: a number as an unevaluated sum hi + lo of two float64, about 32 digits.

Every function takes and returns NumPy arrays (or floats) and broadcasts. Underflow and overflow are
the caller's business: products are exact only while hi·hi stays within about 1e-290 … 1e290.

Sources: Dekker (1971), Numer. Math. 18; Knuth, TAOCP 2, 4.2.2; Joldes, Muller & Popescu (2017),
ACM TOMS 44(2), whose algorithm names are given below.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[Array, Array]

UNIT = 2.0**-104
"""Relative error of one double-double operation, rounded up."""

_SPLITTER = 134217729.0  # 2**27 + 1


def two_sum(a: Array, b: Array) -> Pair:
    """The sum a + b and its rounding error: the pair is exact (Knuth's TwoSum)."""
    s = a + b
    z = s - a
    return s, (a - (s - z)) + (b - z)


def quick_two_sum(a: Array, b: Array) -> Pair:
    """As two_sum where |a| >= |b| or a is 0 (Dekker's Fast2Sum)."""
    s = a + b
    return s, b - (s - a)


def two_product(a: Array, b: Array) -> Pair:
    """The product a·b and its rounding error: the pair is exact (Dekker's product, no fused multiply-add)."""
    p = a * b
    t = _SPLITTER * a
    a1 = t - (t - a)
    a2 = a - a1
    t = _SPLITTER * b
    b1 = t - (t - b)
    b2 = b - b1
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def add(a: Pair, b: Pair) -> Pair:
    """a + b with relative error 2**-104 (AccurateDWPlusDW)."""
    s, e = two_sum(a[0], b[0])
    t, f = two_sum(a[1], b[1])
    s, e = quick_two_sum(s, e + t)
    return quick_two_sum(s, e + f)


def negative(a: Pair) -> Pair:
    """The pair -a."""
    return -a[0], -a[1]


def subtract(a: Pair, b: Pair) -> Pair:
    """a - b, as add."""
    return add(a, negative(b))


def multiply(a: Pair, b: Pair) -> Pair:
    """a·b with relative error 2**-103 (DWTimesDW)."""
    p, e = two_product(a[0], b[0])
    return quick_two_sum(p, e + (a[0] * b[1] + a[1] * b[0]))


def subtract_product(a: Pair, b: Pair, c: Pair) -> Pair:
    """a - b·c with error 2**-103·(|a| + |b·c|), in one piece: with Python floats it is the calls that take time."""
    p = b[0] * c[0]
    t = _SPLITTER * b[0]
    b1 = t - (t - b[0])
    b2 = b[0] - b1
    t = _SPLITTER * c[0]
    c1 = t - (t - c[0])
    c2 = c[0] - c1
    e = ((b1 * c1 - p) + b1 * c2 + b2 * c1) + b2 * c2 + (b[0] * c[1] + b[1] * c[0])
    s = a[0] - p
    z = s - a[0]
    d = (a[0] - (s - z)) - (p + z) + (a[1] - e)
    total = s + d
    return total, d - (total - s)


def divide(a: Pair, b: Pair) -> Pair:
    """a / b with relative error 2**-102: one quotient and its correction from the exact remainder."""
    q = a[0] / b[0]
    remainder = subtract(a, multiply(b, (q, np.zeros_like(q))))
    return quick_two_sum(q, remainder[0] / b[0])


def sum_pairs(a: Pair) -> Pair:
    """The sum over the first axis, by halves: the error grows with the logarithm of the length."""
    hi, lo = a
    while len(hi) > 1:
        half = len(hi) // 2
        rest = (hi[2 * half :], lo[2 * half :])
        hi, lo = add((hi[:half], lo[:half]), (hi[half : 2 * half], lo[half : 2 * half]))
        if len(rest[0]):
            hi, lo = np.concatenate([hi, rest[0]]), np.concatenate([lo, rest[1]])
    return (hi[0], lo[0]) if len(hi) else (np.zeros(hi.shape[1:]), np.zeros(hi.shape[1:]))
