"""The numbers of a stretch of rows, ready to be multiplied and added."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from gradline.sources.rows import Place


class Block(NamedTuple):
    """Rows as numeric columns: the features in order, then the targets. The constant 1 is not among them."""

    first: int
    """Number of the first of these rows in the whole table, from 0."""
    hi: tuple[NDArray[Any], ...]
    """Each (n,), float64 | float32 | integer | bool, any stride; NaN where a value is missing."""
    lo: tuple[NDArray[Any] | None, ...]
    """Low words: the number in column j is hi[j] + lo[j]; None where the high word is the whole number."""
    weights: NDArray[Any] | None
    """(n,) weights of the rows, or None for ones."""
    place: Place
    """Where these rows stand."""
    labels: tuple[Any, ...] = ()
    """The values (n,) of each category: pyarrow Arrays of text, or arrays of numbers; null or NaN where missing."""
    asides: tuple[Any, ...] = ()
    """The values (n,) of columns that say which fold, cluster or time a row is of, as those of a category."""
