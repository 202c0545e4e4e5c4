"""What all estimators ask of their data and options before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from numbers import Integral
from typing import Any, ParamSpec, TypeVar

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import _check_sample_weight, validate_data

from gradline.allowed import truth
from gradline.design.terms import Term
from gradline.errors import DataError, OptionError
from gradline.moments import Moments
from gradline.moments.one_pass import processors

SPARSE = ["csr", "csc"]

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def rows_of(estimator: Any, X: Any, y: Any, *, first: bool = True) -> tuple[Any, Any]:
    """X (n, d) and y (n,) or (n, k) as scikit-learn's conventions have them; its own errors where they are not.

    Numbers keep their type, float32 among them. Whether X is finite shows in its sums: see `finite`.
    """
    if issparse(y):
        raise TypeError("A sparse y was passed, but dense targets are required. Use y.toarray().")
    checked: tuple[Any, Any] = validate_data(
        estimator,
        X,
        y,
        reset=first,
        accept_sparse=SPARSE,
        dtype="numeric",
        multi_output=True,
        y_numeric=True,
        ensure_all_finite=False,
    )
    return checked


def weights_of(sample_weight: Any, X: Any, *, first: bool = True) -> Any:
    """The weights (n,) of rows X, as scikit-learn checks them; None of none.

    Behind other rows they may all be 0, as part of the weights of all rows may.
    """
    if sample_weight is None:
        return None
    none = not first and not np.count_nonzero(sample_weight)
    given = np.ones_like(sample_weight) if none else sample_weight
    weights = _check_sample_weight(given, X, dtype=np.float64, ensure_non_negative=True)
    return np.zeros_like(weights) if none else weights


def all_or_nothing(method: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """A method that leaves its estimator as it was where it fails."""

    @wraps(method)
    def careful(*given: _Given.args, **named: _Given.kwargs) -> _Result:
        estimator = given[0]
        before = vars(estimator).copy()
        try:
            return method(*given, **named)
        except BaseException:
            vars(estimator).clear()
            vars(estimator).update(before)
            raise

    return careful


@contextmanager
def finite(estimator: Any, X: Any) -> Iterator[None]:
    """Say what is wrong with X in scikit-learn's words where its sums were refused for missing or infinite values.

    Looking for these beforehand would take another pass over the rows.
    """
    try:
        yield
    except DataError:
        values: Any = X
        assert_all_finite(values.data if issparse(X) else X, estimator_name=type(estimator).__name__, input_name="X")
        raise


def new_rows_of(estimator: Any, X: Any) -> Any:
    """X (n, d) for predictions, with the columns that the estimator was fitted on."""
    return validate_data(estimator, X, reset=False, accept_sparse=SPARSE, dtype="numeric")


def refuse_positive(positive: object, name: str) -> None:
    """Refuse coefficients that must not be negative: they are no function of one elimination."""
    if truth("positive", positive):
        raise OptionError(
            "positive=True was asked for, and an exact solution knows no bounds.\n"
            f"Use positive=False, or sklearn.linear_model.{name}."
        )


def threads_of(n_jobs: object) -> int | None:
    """How many threads that many jobs are: as scikit-learn counts them, but None stands for all processors."""
    if n_jobs is None:
        return None
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral) or n_jobs == 0:
        raise OptionError(f"n_jobs must be None or a whole number other than 0; {n_jobs!r} arrived.")
    jobs = int(n_jobs)
    return jobs if jobs > 0 else max(1, processors() + 1 + jobs)


def named(estimator: Any, moments: Moments) -> Moments:
    """The moments with the names that the columns of X had, where they had any."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return moments
    columns = distinct([str(name) for name in names])
    return replace(moments, columns=columns, terms=tuple([Term(name, ((name, 1),)) for name in columns]))


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names with a mark where scikit-learn allows what a table of coefficients does not: twins, 'Intercept'."""
    chosen: list[str] = []
    for name in names:
        while name == "Intercept" or name in chosen:
            name = f"{name}_"
        chosen.append(name)
    return tuple(chosen)
