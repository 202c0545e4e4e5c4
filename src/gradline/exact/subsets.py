"""Which columns to keep: forward selection and backward elimination, from moments alone.

Goodnight's sweep operator takes a column into the model or out of it again, in double-double; in between, the matrix
says by how much the residual sum of squares would change for every other column.

Source: Goodnight (1979), The American Statistician 33(3); Miller (2002), Subset Selection in Regression, chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradline.doubledouble import Array, Pair, divide, multiply, negative, subtract
from gradline.elimination import EXACT, negligible
from gradline.exact.centred import powers, residual_squares


@dataclass(frozen=True, slots=True)
class Steps:
    """Models of growing size (forward) or falling size (backward), each one step from the one before."""

    sizes: tuple[tuple[int, ...], ...]
    """The groups of columns in each model, in the order in which they came in."""
    columns: tuple[tuple[int, ...], ...]
    """The columns in each model that are independent, in order."""
    rss: Array  # (steps,)
    params: Pair  # (steps, 1 + d) the intercept first; 0 for what is not in the model
    left_out: tuple[int, ...]
    """Columns that others determine: no model has them."""


def stepwise(
    moments: Pair, groups: Sequence[Sequence[int]], epsilon: Array, *, intercept: bool, forward: bool
) -> Steps:
    """All steps from the model without columns to that with all of them, or back.

    Args:
        moments: (1 + d + 1, 1 + d + 1) cross-products of (1, x, y).
        groups: Columns (from 0) that come and go together, as those of a category do.
        epsilon: (d,) relative spacing of each column's numbers.
        intercept: Whether each model has one.
        forward: From nothing, each step taking in the group that lowers the RSS most; else from everything, each
            step taking out the group that raises it least. Groups of several columns are compared by the change for
            each column.
    """
    d = len(epsilon)
    table = _Table(moments, d, epsilon, intercept)
    if intercept:
        table.sweep(0)
    left_out: list[int] = []
    if not forward:
        for group in groups:
            left_out += [column for column in group if not table.enter(column)]
    inside = [] if forward else list(range(len(groups)))
    models, columns, rss, params = [tuple(inside)], [table.columns()], [table.rss()], [table.params()]
    for _ in groups:
        there = [number for number in range(len(groups)) if (number in inside) != forward]
        change = [table.change([c for c in groups[number] if c not in left_out], into=forward) for number in there]
        chosen = there[int(np.argmax(change) if forward else np.argmin(change))]
        for column in groups[chosen]:
            if forward:
                left_out += [] if table.enter(column) else [column]
            elif column not in left_out:
                table.leave(column)
        inside = [*inside, chosen] if forward else [number for number in inside if number != chosen]
        models.append(tuple(inside))
        columns.append(table.columns())
        rss.append(table.rss())
        params.append(table.params())
    words = np.stack([hi for hi, _ in params]), np.stack([lo for _, lo in params])
    return Steps(tuple(models), tuple(columns), np.array(rss), words, tuple(sorted(left_out)))


def held_out_error(test: Pair, steps: Steps) -> Array:
    """(steps,) mean squared error of other rows, from their moments."""
    hi, lo = steps.params
    constants, slopes = (hi[:, :1], lo[:, :1]), (hi[:, 1:, None], lo[:, 1:, None])
    mean: Array = residual_squares(test, constants, slopes)[:, 0] / test[0][0, 0]
    return mean


def gaussian_criteria(rss: Array, parameters: Array, nobs: float, log_weights: float) -> tuple[Array, Array]:
    """AIC and BIC as `Fit` has them: 2·q - 2·log L and log(n)·q - 2·log L, the residual variance not counted."""
    with np.errstate(divide="ignore"):
        doubled = nobs * (np.log(2 * np.pi) + np.log(rss / nobs) + 1) - log_weights
    return doubled + 2 * parameters, doubled + np.log(nobs) * parameters


class _Table:
    """Cross-products, scaled to order 1 by powers of two, some of whose columns are swept."""

    def __init__(self, moments: Pair, d: int, epsilon: Array, intercept: bool) -> None:
        norms = moments[0].diagonal()
        self._scales = powers(norms)
        both = self._scales * self._scales[:, None]
        self._pair = moments[0] * both, moments[1] * both
        self._whole = self._pair[0].diagonal().copy()
        self._least = negligible(self._pair, np.concatenate([[EXACT], epsilon]), intercept=intercept)
        self._swept = np.zeros(d + 2, bool)

    def columns(self) -> tuple[int, ...]:
        """Those in the model."""
        return tuple(int(at) - 1 for at in self._swept.nonzero()[0] if at)

    def rss(self) -> float:
        """Of the model."""
        return max(float(self._pair[0][-1, -1]), 0.0) / float(self._scales[-1]) ** 2

    def params(self) -> Pair:
        """(1 + d,) its parameters."""
        scales = np.where(self._swept[:-1], self._scales[:-1] / self._scales[-1], 0.0)
        return self._pair[0][:-1, -1] * scales, self._pair[1][:-1, -1] * scales

    def enter(self, column: int) -> bool:
        """Take a column in; not one of which the others leave nothing."""
        at = column + 1
        if not self._pair[0][at, at] > self._least[at]:
            return False
        self.sweep(at)
        return True

    def leave(self, column: int) -> None:
        """Take a column out."""
        self.sweep(column + 1)

    def change(self, group: Sequence[int], *, into: bool) -> float:
        """How much the RSS changes for each column of a group that comes in, or goes out."""
        at = [column + 1 for column in group]
        if into:
            at = [one for one in at if self._pair[0][one, one] > self._least[one]]
        if not at:
            return 0.0
        block, cross = self._pair[0][np.ix_(at, at)], self._pair[0][at, -1]
        if len(at) == 1:
            return abs(float(cross[0] ** 2 / block[0, 0]))
        # Of a swept group the block is -(X'X)⁻¹'s, of the others what is left of X'X.
        lengths = np.sqrt(abs(block.diagonal()))
        scaled = block / lengths / lengths[:, None]
        step = np.linalg.lstsq(scaled, cross / lengths, rcond=1e-12)[0]
        return abs(float(step @ (cross / lengths))) / len(at)

    def sweep(self, at: int) -> None:
        """Goodnight's sweep, of a swept column its undoing.

        The diagonal d becomes -1/d, its row and column a become a/d (-a/d of a swept one), and the rest loses a·a'/d:
        the inverse comes out negative, so that the matrix stays symmetric.
        """
        hi, lo = self._pair
        pivot = hi[at, at], lo[at, at]
        row = hi[at].copy(), lo[at].copy()
        ratio = divide(row, (np.full(len(hi), pivot[0]), np.full(len(hi), pivot[1])))
        outer = multiply(
            (row[0][:, None] + np.zeros(hi.shape), row[1][:, None] + np.zeros(hi.shape)),
            (ratio[0][None, :] + np.zeros(hi.shape), ratio[1][None, :] + np.zeros(hi.shape)),
        )
        new = subtract((hi, lo), outer)
        back = ratio if not self._swept[at] else negative(ratio)
        one = divide((np.array(-1.0), np.array(0.0)), (np.array(pivot[0]), np.array(pivot[1])))
        for word, line, corner in zip(new, back, one, strict=True):
            word[at, :] = word[:, at] = line
            word[at, at] = corner
        self._pair = new
        self._swept[at] = not self._swept[at]
