"""What scikit-learn's splitters hold out, as moments from one pass over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from gradline.design.problem import pose
from gradline.errors import OptionError
from gradline.exact.crossval import Split
from gradline.exact.penalties import sums_of
from gradline.folded import Folded, read
from gradline.moments import Moments
from gradline.moments.folding import MOST, Given, Numbers
from gradline.sklearn.base import Exact

TRAINED, JUDGED = 1, 2
"""What a split does with a row; 0 where it leaves it out."""


class Held(Exact):
    """An estimator whose strength is chosen by rows held out.

    Which rows are a fold depends on how many there will be, so it has no `partial_fit`.
    """

    cv: Any

    def get_metadata_routing(self) -> Any:
        """What scikit-learn passes on to `fit`, and `fit` to the splitter."""
        mapping = MethodMapping().add(caller="fit", callee="split")
        return (
            MetadataRouter(owner=self).add_self_request(self).add(splitter=check_cv(self.cv), method_mapping=mapping)
        )


def splits_of(estimator: Any, X: Any, y: Any, params: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The pairs (train, test) of row numbers of the estimator's cv=.

    Args:
        estimator: It has `cv`: a number of folds, a splitter, or the pairs themselves.
        X: (n, d) what splitters ask for; likewise y.
        y: See X.
        params: What `fit` was given for the splitter, such as groups, where metadata are routed.

    Raises:
        ValueError: there are no splits, or metadata came that nobody asked for.
    """
    if params and not get_config()["enable_metadata_routing"]:
        raise OptionError(
            f"{', '.join(params)} arrived, which is only supported if enable_metadata_routing=True.\n"
            "Set that with sklearn.set_config, or give cv= the pairs (train, test) of row numbers."
        )
    wanted = process_routing(estimator, "fit", **params).splitter.split if params else {}
    splits = list(check_cv(estimator.cv).split(X, y, **wanted))
    if not splits:
        raise OptionError("cv gives no splits.\nGive a number of folds, or a splitter.")
    return splits


def folded(
    X: Any, y: Any, weights: Any, splits: Sequence[tuple[Any, Any]], *, intercept: bool, naming: Any = None
) -> Folded:
    """The moments of what each split trains on and of what it holds out.

    Rows that all splits use in the same way share a matrix. Where splits overlap in so many ways that there would be
    more than two matrices for each, rows are read once for each split.

    Args:
        X: (n, d).
        y: (n,) or (n, k).
        weights: (n,) or None.
        splits: Pairs (train, test) of arrays of row numbers.
        intercept: Whether the model has one.
        naming: What turns moments into moments with the columns' names.
    """
    uses = [_use(train, test, X.shape[0], number) for number, (train, test) in enumerate(splits)]
    codes = _combined(uses)
    shared = int(codes.max()) + 1 <= min(2 * len(uses) + 1, MOST)
    totals: list[Moments] = []
    pairs: list[Split] = []
    for some, by in [(uses, codes)] if shared else [([use], _combined([use])) for use in uses]:
        problem = pose(X, y, weights=weights, intercept=intercept)
        found = read(problem, Given(by, int(by.max()) + 1), "error", "auto")
        totals.append(found.total)
        firsts = np.unique(by, return_index=True)[1]
        pairs += [_split(found.moments, use[firsts].tolist(), number) for number, use in enumerate(some, len(pairs))]
    total = totals[0] if naming is None else naming(totals[0])
    return Folded(total, pairs, tuple(range(len(pairs))), "as cv= says", intercept)


def _split(moments: Sequence[Moments], kinds: Sequence[int], number: int) -> Split:
    train, test = [
        reduce(add, [part for part, kind in zip(moments, kinds, strict=True) if kind == wanted])
        for wanted in (TRAINED, JUDGED)
    ]
    if not train.used or not test.used:
        raise OptionError(f"split {number} of cv= has only rows of weight 0 on one side.\nGive fewer folds.")
    return Split(sums_of(train), sums_of(test))


def _use(train: Any, test: Any, rows: int, number: int) -> Numbers:
    """(rows,) what a split does with each row."""
    use = np.zeros(rows, np.int64)
    for some, kind, purpose in ((train, TRAINED, "train on"), (test, JUDGED, "be judged by")):
        some = np.flatnonzero(some) if np.asarray(some).dtype == bool else np.asarray(some)
        if not some.size:
            raise OptionError(
                f"split {number} of cv= has no rows to {purpose}.\nGive fewer folds, or another splitter."
            )
        if some.ndim != 1 or some.dtype.kind not in "iu" or some.min() < -rows or some.max() >= rows:
            raise OptionError(f"split {number} of cv= gives values that are not row numbers, 0 to {rows - 1}.")
        if np.bincount(some % rows, minlength=rows).max() > 1 or use[some].any():
            raise OptionError(f"split {number} of cv= uses a row twice.\nGive each row once, to one of the two.")
        use[some] = kind
    return use


def _combined(uses: Sequence[Numbers]) -> Numbers:
    """(rows,) numbers from 0, the same for rows that all splits use in the same way."""
    codes, count = np.zeros(len(uses[0]), np.int64), 1
    for use in uses:
        if count > 2**60:
            codes, count = np.unique(codes, return_inverse=True)[1].astype(np.int64), len(codes)
        codes += count * use
        count *= 3
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
