"""Powers of one column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradline.errors import OptionError, ShapeError
from gradline.sources import open_columns


@dataclass(frozen=True, slots=True)
class Polynomial:
    """One column and the degree up to which its powers are features. Made by `polynomial`."""

    x: Any
    degree: int


def polynomial(x: Any, degree: int) -> Polynomial:
    """Raw powers of one column as features: x, x², … up to the degree.

    With an intercept, the fit on them minimises

        RSS(b) = Σ (y - b_0 - b_1·x - b_2·x² - … - b_degree·x^degree)²

    Powers of a float64 number do not fit in a float64: they are carried in double-double (about 32
    digits), so that nothing but x itself limits the accuracy. They are raw powers, as in R's
    `poly(x, k, raw=TRUE)`, not orthogonal ones: coefficients are those of the formula above.

    Args:
        x: array, tensor or series (n,) or (n, 1), of any numeric dtype.
        degree: the highest power, 1 or more.

    Returns:
        A `Polynomial`, to be given in place of X: `gl.fit(gl.polynomial(x, 3), y)`. The features are
        named x, x^2, x^3, or after the series.

    Raises:
        OptionError: degree is not a whole number of 1 or more.
        ShapeError: x is more than one column.

    Example:
        >>> from gradline.design.problem import pose
        >>> problem = pose(polynomial([1.0, 2.0, 3.0], 3), [1.0, 8.0, 27.0])
        >>> [term.name for term in problem.terms]
        ['x', 'x^2', 'x^3']
        >>> next(problem.blocks()).hi[2]
        array([ 1.,  8., 27.])

    Source: products of Dekker (1971), Numer. Math. 18, as in gradline.doubledouble.
    """
    if isinstance(degree, bool) or not isinstance(degree, int) or degree < 1:
        raise OptionError(f"degree is {degree!r}; expected a whole number, 1 or more.")
    columns, rows = open_columns(x, "x")
    if len(columns) != 1:
        raise ShapeError(
            f"polynomial takes one column and x has shape ({rows}, {len(columns)}).\n"
            "Give one column, or a formula with a poly(…, k) for each."
        )
    return Polynomial(x, degree)
