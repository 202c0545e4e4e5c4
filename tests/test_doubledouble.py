"""Each operation against exact rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from gradline import doubledouble as dd

OPERATIONS = {
    "add": (dd.add, lambda a, b: a + b),
    "subtract": (dd.subtract, lambda a, b: a - b),
    "multiply": (dd.multiply, lambda a, b: a * b),
    "divide": (dd.divide, lambda a, b: a / b),
}


def pairs(rng: np.random.Generator, n: int) -> dd.Pair:
    hi = rng.normal(size=n) * 10.0 ** rng.uniform(-20, 20, n)
    return dd.quick_two_sum(hi, hi * rng.uniform(-1, 1, n) * 2.0**-54)


def exact(pair: dd.Pair, i: int) -> Fraction:
    return Fraction(float(pair[0][i])) + Fraction(float(pair[1][i]))


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_keep_31_digits(name: str) -> None:
    operation, truth = OPERATIONS[name]
    rng = np.random.default_rng(1)
    a, b = pairs(rng, 400), pairs(rng, 400)
    # close numbers of opposite sign: where a sloppy addition loses everything
    a = np.append(a[0], -b[0]), np.append(a[1], -b[1] * (1 + 2.0**-40))
    b = np.append(b[0], b[0]), np.append(b[1], b[1])
    got = operation(a, b)
    for i in range(len(a[0])):
        wanted = truth(exact(a, i), exact(b, i))
        bound = Fraction(2) ** -101 * abs(wanted)  # a few units of 2**-104, as the sources prove
        assert abs(exact(got, i) - wanted) <= bound


@pytest.mark.parametrize("operation", [dd.two_sum, dd.two_product])
def test_error_free_transformations_are_exact(operation) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=500) * 10.0 ** rng.uniform(-9, 9, 500), rng.normal(size=500)
    got = operation(a, b)
    for i in range(500):
        u, v = Fraction(a[i]), Fraction(b[i])
        assert exact(got, i) == (u + v if operation is dd.two_sum else u * v)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 64, 1001])
def test_sum_by_halves(n: int) -> None:
    rng = np.random.default_rng(n)
    a = pairs(rng, n)
    got = dd.sum_pairs(a)
    wanted = sum((exact(a, i) for i in range(n)), Fraction(0))
    size = sum((abs(exact(a, i)) for i in range(n)), Fraction(0))
    assert abs(Fraction(float(got[0])) + Fraction(float(got[1])) - wanted) <= Fraction(2) ** -98 * size
