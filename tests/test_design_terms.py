"""Powers and products against exact rationals, and whole numbers past 2**53."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from gradline.design.terms import Term, column_term, columns_of, evaluate, powers

EXACT = 1e-30  # ten products at 2**-103 each


def exact(values: np.ndarray) -> list[Fraction]:
    return [Fraction(value) for value in values.tolist()]


def words(hi: np.ndarray, lo: np.ndarray | None) -> list[Fraction]:
    low = [Fraction(0)] * len(hi) if lo is None else exact(lo)
    return [a + b for a, b in zip(exact(hi), low, strict=True)]


def assert_near(got: list[Fraction], truth: list[Fraction]) -> None:
    worst = max(abs(a - b) / abs(b) if b else abs(a) for a, b in zip(got, truth, strict=True))
    assert worst <= EXACT, float(worst)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8])
def test_powers_to_thirty_digits(dtype: type) -> None:
    rng = np.random.default_rng(3)
    x = (rng.normal(size=200) * 40).astype(dtype)
    hi, lo = evaluate(powers("x", 10), [x])
    assert hi[0] is x
    assert lo[0] is None
    for k in range(2, 11):
        assert_near(words(hi[k - 1], lo[k - 1]), [value**k for value in exact(x)])


def test_squares_and_products_of_two_are_exact() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(1e8, 1, 500), rng.normal(size=500)
    hi, lo = evaluate([Term("a^2", (("a", 2),)), Term("a:b", (("a", 1), ("b", 1)))], [a, b])
    assert words(hi[0], lo[0]) == [value**2 for value in exact(a)]
    assert words(hi[1], lo[1]) == [u * v for u, v in zip(exact(a), exact(b), strict=True)]


def test_a_product_of_powers() -> None:
    rng = np.random.default_rng(5)
    a, b, c = rng.normal(size=(3, 100))
    hi, lo = evaluate([Term("t", (("b", 3), ("a", 2), ("c", 1)))], [b, a, c])
    truth = [u**2 * v**3 * w for u, v, w in zip(exact(a), exact(b), exact(c), strict=True)]
    assert_near(words(hi[0], lo[0]), truth)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_whole_numbers_that_float64_cannot_hold(dtype: type) -> None:
    limits = np.iinfo(dtype)
    values = np.array([limits.min, limits.max, limits.max - 1, 2**53 + 1, 0, 1, 2**62 + 3], dtype)
    hi, lo = evaluate([column_term("v")], [values])
    assert hi[0].dtype == np.float64
    assert words(hi[0], lo[0]) == exact(values)
    hi, lo = evaluate(powers("v", 3), [values])
    assert_near(words(hi[2], lo[2]), [value**3 for value in exact(values)])


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1])
def test_large_on_one_side_alone(value: int) -> None:
    hi, lo = evaluate([column_term("v")], [np.array([value])])
    assert hi[0].dtype == np.float64
    assert words(hi[0], lo[0]) == [value]


def test_whole_numbers_that_float64_holds_are_left_alone() -> None:
    for values in (np.array([-(2**53), 2**53]), np.array([0, 2**53], np.uint64), np.array([], np.int64)):
        hi, lo = evaluate([column_term("v")], [values])
        assert hi[0] is values
        assert lo[0] is None


def test_what_is_not_finite_stays_what_it_is() -> None:
    x = np.array([np.inf, -np.inf, np.nan, 2.0, 1e200, 1e300, -1e160])
    hi, lo = evaluate(powers("x", 3)[1:], [x])
    np.testing.assert_array_equal(hi[0], [np.inf, np.inf, np.nan, 4, np.inf, np.inf, np.inf])
    np.testing.assert_array_equal(hi[1], [np.inf, -np.inf, np.nan, 8, np.inf, np.inf, -np.inf])
    assert all(np.isfinite(low).all() for low in lo)


def test_huge_times_tiny_is_not_lost() -> None:
    hi, lo = evaluate([Term("a:b", (("a", 1), ("b", 1)))], [np.array([1e300]), np.array([1e-300])])
    assert float(hi[0][0] + lo[0][0]) == pytest.approx(1.0, rel=1e-15)


def test_columns_are_named_once_in_order_of_use() -> None:
    terms = [Term("b:a", (("b", 1), ("a", 1))), column_term("a"), column_term("c"), Term("b^2", (("b", 2),))]
    assert columns_of(terms) == ["b", "a", "c"]
    assert [term.plain for term in terms] == [False, True, True, False]


def test_no_columns_are_changed() -> None:
    a, b = np.arange(5.0), np.arange(5)
    a.flags.writeable = b.flags.writeable = False
    evaluate([Term(f"{i}{j}", (("a", i), ("b", j))) for i, j in product((1, 2), repeat=2)], [a, b])
