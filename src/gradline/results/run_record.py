"""A `Run` as plain values for its file, and back. A closed-form run is computed again, so nothing of it is lost."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gradline.container import MisfitError
from gradline.descent.closed_form import ClosedForm
from gradline.descent.options import Sgd
from gradline.descent.quadratic import quadratic_of, standardized
from gradline.descent.recorded import Recorded
from gradline.doubledouble import Array
from gradline.moments.moments import Moments
from gradline.results.request import Request
from gradline.results.run import Run


def to_record(run: Run) -> tuple[dict[str, Any], dict[str, Array]]:
    """The description and the tensors; of a loop's history only the losses are kept."""
    path = None
    if not isinstance(run.path, ClosedForm):
        path = {
            "loss": run.history.loss,
            "numbers": run.path.numbers,
            "steps": run.path.steps,
            "parameters_after": run.path.parameters_after,
            "stopped_at": run.path.stopped_at,
        }
    record = {
        "request": dataclasses.asdict(run.request),
        "start": run.start,
        "path": path,
        "moments": dataclasses.asdict(run.moments),
    }
    weight = np.ascontiguousarray(run.weight.reshape(-1, len(run.names) - 1))
    return record, {"weight": weight, "bias": np.array(run.bias, dtype=np.float64).reshape(-1)}


def from_record(record: dict[str, Any]) -> Run:
    """The run; without rows it cannot trace.

    Raises:
        KeyError, TypeError, ValueError: The record is not one that to_record gave.
    """
    request = Request(**{**record["request"], "sgd": Sgd(**record["request"]["sgd"])})
    moments = Moments.from_record(record["moments"])
    start, path = record["start"], record["path"]
    end = start if path is None else path["parameters_after"]
    if not start.shape == end.shape == (1 + len(moments.columns), len(moments.targets)):
        raise MisfitError("shapes and names in its description differ")
    run = _in_closed_form(moments, request, start)
    if path is None:
        return run
    kept = path["numbers"].astype(np.int64)
    after, stopped_at = path["parameters_after"], path["stopped_at"]
    loop = Recorded(path["loss"], None, None, after, stopped_at, kept, int(path["steps"]), loaded=True)
    return dataclasses.replace(run, path=loop)


def _in_closed_form(moments: Moments, request: Request, start: Array) -> Run:
    """The closed-form run of a request on these moments."""
    quadratic, units = quadratic_of(moments), None
    if request.standardize:
        quadratic, units = standardized(quadratic)
    path = ClosedForm(quadratic, start, request.sgd, request.reduction, request.epochs)
    return Run(("Intercept", *moments.columns), request, start, path, moments, quadratic, units)
