"""Errors on rows that were held out, for every strength and every fold, from the folds' moments alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from gradline.doubledouble import Array
from gradline.exact.penalties import Sums, penalised, squares_left

_THREADED = 64
"""Features from which on folds are worth a thread each."""


@dataclass(frozen=True, slots=True)
class Split:
    """The rows that a model is fitted to, and those that it is judged by."""

    train: Sums
    test: Sums


def held_out(
    splits: Sequence[Split],
    l1: Array,
    l2: Array,
    *,
    total: float,
    per_row: bool,
    intercept: bool,
    standardize: bool,
    threads: int = 1,
) -> Array:
    """(m, folds, k) mean squared errors of the held-out rows, their weights as in the moments.

    Args:
        splits: The folds.
        l1: (m,) strengths for all rows.
        l2: (m,) likewise.
        total: The sum of the weights of all rows.
        per_row: Whether a training set has strengths in proportion to its rows.
        intercept: As in `penalised`.
        standardize: As in `penalised`, by the deviations in the training set.
        threads: How many folds to compute at a time.
    """

    def errors(split: Split) -> Array:
        share = float(split.train.pair[0][0, 0]) / total if per_row else 1.0
        found = penalised(split.train, l1 * share, l2 * share, intercept=intercept, standardize=standardize)
        mean: Array = squares_left(split.test.pair, found) / split.test.pair[0][0, 0]
        return mean

    return np.stack(_each(errors, splits, threads if splits[0].train.features >= _THREADED else 1), axis=1)


def one_standard_error(mean: Array, se: Array, l1: Array, l2: Array) -> tuple[int, int]:
    """Which strength has the least mean error (m,), and which is the strongest within one standard error (m,) of it.

    Of equals the stronger is taken: by l1, then by l2. Source: Breiman et al. (1984), Classification and Regression
    Trees, section 3.4.3.

    >>> mean, l1 = np.array([9.0, 2.5, 2.0, 3.0]), np.array([3.0, 2.0, 1.0, 0.5])
    >>> one_standard_error(mean, np.full(4, 0.6), l1, np.zeros(4))
    (2, 1)
    """
    order = np.lexsort((-l2, -l1))  # from the strongest
    best = int(order[np.argmin(mean[order])])
    reach = mean[best] + (se[best] if np.isfinite(se[best]) else 0.0)
    simplest = int(order[np.argmax(mean[order] <= reach)])
    return best, simplest


def _each(work: Callable[[Split], Array], splits: Sequence[Split], threads: int) -> list[Array]:
    if threads == 1:
        return [work(split) for split in splits]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, splits))
