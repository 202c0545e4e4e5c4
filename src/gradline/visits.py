"""The rows of a run, for what visits them one batch after another: the loop in PyTorch, and the mini-batch engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.descent.minibatch import InMemory, Source, Streamed
from gradline.descent.options import Objective, Schedule
from gradline.descent.units import Units
from gradline.design.matrix import Matrix, as_held, matrices, one_matrix
from gradline.design.problem import Problem
from gradline.design.stored import sparse_matrix, sparse_table
from gradline.moments import Moments
from gradline.results.run import Run

if TYPE_CHECKING:
    from gradline.descent.autograd import Callback, Loop

MOST_COPIED = 2**30
"""Bytes of rows that are copied into memory for mini-batches; more stay where they are, and are read each epoch."""


def tensors_of(
    problem: Problem,
    dtype: str | None,
    optimizer: Any,
    objective: Objective,
    schedule: Schedule,
    callback: Callback | None,
    run: Run,
) -> tuple[Loop, Any, Any, Any]:
    """The loop of a run, and the tensors that it goes over, in the dtype that PyTorch would train in.

    The features of a sparse matrix are `SparseRows`. The last holds the weights, whose mean is 1 for a loss that is a
    mean; None of ones.
    """
    import torch

    from gradline.descent.autograd import Loop, tensors

    request, moments, complete = run.request, run.moments, run.moments.used == run.moments.rows
    loop = Loop(run.start, request.sgd, optimizer, objective, schedule, request.seed, request.device, callback)
    sparse = sparse_table(problem) is not None
    rows = (
        sparse_matrix(problem, complete) if sparse else one_matrix(problem, moments.terms, moments.recipe, complete)
    )
    features, targets, weights = rows
    kind = getattr(torch, dtype or ("float32" if features.dtype == np.float32 else "float64"))
    if weights is not None:
        weights = weights * unit_of(moments, request.reduction)
    if sparse:
        from gradline.descent.sparse_rows import SparseRows

        y, importance = tensors(targets, weights, dtype=kind, device=request.device)
        return loop, SparseRows(features, run.units, kind, request.device), y, importance
    if run.units is not None:
        features = run.units.standardized(features)
    x, y, importance = tensors(features, targets, weights, dtype=kind, device=request.device)
    return loop, x, y, importance


def unit_of(moments: Moments, reduction: str) -> float:
    """By what weights are multiplied: where a loss is a mean their own is then 1; a sum takes them as they are."""
    return float(moments.nobs / moments.hi[0, 0]) if reduction == "mean" else 1.0


def source_of(problem: Problem, run: Run) -> Source:
    """The rows of a run for the mini-batch engine: in memory, unless copying them there would take too much."""
    moments, units = run.moments, run.units
    complete = moments.used == moments.rows
    size = 8 * moments.used * (len(moments.columns) + len(moments.targets))

    def scaled(matrix: Matrix) -> Matrix:
        return matrix if units is None else matrix._replace(features=units.standardized(matrix.features))

    matrix = as_held(problem) if complete and size > MOST_COPIED else None
    if matrix is None and size <= MOST_COPIED:
        matrix = one_matrix(problem, moments.terms, moments.recipe, complete)
    if matrix is not None:
        return InMemory(*scaled(matrix))
    return Streamed(lambda: map(scaled, matrices(problem, moments.terms, moments.recipe)), int(moments.used))


def longest_row(problem: Problem, moments: Moments, reduction: str, units: Units | None) -> float:
    """The largest w·‖z‖² of the rows that count, intercept included, w as the loss has it."""
    most, unit = 0.0, unit_of(moments, reduction)
    for rows in matrices(problem, moments.terms, moments.recipe):
        features = rows.features if units is None else units.standardized(rows.features)
        features = features.astype(np.float64, copy=False)
        squares = 1.0 + np.einsum("nd,nd->n", features, features)
        if rows.weights is not None:
            squares *= unit * rows.weights
        most = max(most, float(squares.max(initial=0.0)))
    return most
