"""Fits, runs and moments as safetensors files: no pickle, nothing of the data, whole or not at all.

The tensors of a fit or a run are just `weight` and `bias`, so `nn.Linear` loads the file as it is.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.container import MisfitError, demand_fields, demand_tensors, read, refusing_damage, write
from gradline.design.terms import fields_of_record
from gradline.errors import StorageError
from gradline.exact.errors_in_x import XError
from gradline.moments.moments import Moments
from gradline.moments.plan import Plan
from gradline.results.covariance import Covariance
from gradline.results.fit import Fit

if TYPE_CHECKING:
    from gradline.results.run import Run


def load(path: str | Path) -> Fit | Run | Moments:
    """Read what `save` wrote: a `Fit`, a `Run` or `Moments`.

    Raises:
        StorageError: the file is missing, damaged, from a newer version, or not one of gradline's.

    Example:
        >>> import tempfile, gradline as gl
        >>> path = tempfile.mkdtemp() + "/line.safetensors"
        >>> gl.fit([[1.0], [2.0], [4.0]], [3.0, 5.0, 9.0]).save(path)
        >>> load(path).coef
        array([2.])
    """
    kind, record, tensors = read(Path(path))
    with refusing_damage(path):
        if kind == "fit":
            return _fit(record, tensors)
        if kind == "moments":
            p = 1 + len(record["columns"]) + len(record["targets"])
            demand_tensors(tensors, {"hi": (p, p), "lo": (p, p)})
            return Moments.from_record({"source": str(path)} | record | tensors)
        if kind == "run":
            from gradline.results.run import Run

            run = Run.from_record(record)
            demand_tensors(tensors, _of_linear(len(run.names) - 1, len(run.moments.targets), bias=True))
            return run
    raise StorageError(f"{path} holds a {kind!r}, which this version does not know.\nUpgrade gradline.")


def save_fit(fit: Fit, path: str | Path) -> None:
    """Write a fit; `nn.Linear.load_state_dict` reads its tensors, aliased columns with weight 0."""
    params = np.nan_to_num(fit.estimates)
    start = int(fit.has_intercept)
    tensors = {"weight": np.ascontiguousarray(params[start:].T)}
    if fit.has_intercept:
        tensors["bias"] = params[0].copy()
    write(path, "fit", dataclasses.asdict(fit), tensors)


def save_moments(moments: Moments, path: str | Path) -> None:
    """Write moments: the tensors `hi` and `lo`, and their names. The same rows of other files are the same bytes."""
    record = dataclasses.asdict(moments)
    del record["source"]
    tensors = {name: np.ascontiguousarray(record.pop(name)) for name in ("hi", "lo")}
    write(path, "moments", record, tensors)


def save_run(run: Run, path: str | Path) -> None:
    """Write what training did; its tensors are those of the trained `nn.Linear`."""
    record, tensors = run.to_record()
    write(path, "run", record, tensors)


def load_moments(path: str | Path) -> Moments:
    """Read moments, and nothing else.

    Raises:
        StorageError: as `load`, or the file holds a fit or a run.
    """
    loaded = load(path)
    if not isinstance(loaded, Moments):
        raise StorageError(f"{path} holds a {type(loaded).__name__}, not moments.\nRead it with gradline.load.")
    return loaded


def _of_linear(features: int, targets: int, *, bias: bool) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors of an `nn.Linear`."""
    return {"weight": (targets, features)} | ({"bias": (targets,)} if bias else {})


def _fit(record: dict[str, Any], tensors: dict[str, Any]) -> Fit:
    demand_fields(record, Fit)
    fields = fields_of_record(record)
    plan: dict[str, Any] | None = fields.get("plan")
    if plan is not None:
        plan |= {"categories": tuple(plan["categories"]), "before": tuple(plan.get("before", ()))}
        fields["plan"] = Plan(**plan)
    covariance: dict[str, Any] | None = fields.get("covariance")
    if covariance is not None:
        demand_fields(covariance, Covariance)
        clusters = tuple((str(name), int(count)) for name, count in covariance["clusters"])
        fields["covariance"] = Covariance(**covariance | {"clusters": clusters, "notes": tuple(covariance["notes"])})
    if fields.get("x_error") is not None:
        fields["x_error"] = XError.from_record(fields["x_error"])
    fit = Fit(**fields | {"names": list(fields["names"])})
    q, k = len(fit.names), len(fit.targets)
    shapes = (fit.estimates.shape, fit.estimates_low.shape, fit.variance.shape, fit.root.shape, fit.rss.shape)
    if shapes != ((q, k), (q, k), (q,), (q, q), (k,)) or q != len(fit.terms) + fit.has_intercept:
        raise MisfitError("shapes and names in its description differ")
    if fit.relations.shape not in ((0, 0), (len(fit.aliased), fit.rank)):
        raise MisfitError("its relations have another shape than its aliased columns need")
    if fit.covariance is not None and fit.covariance.matrix.shape != (q, q, k):
        raise MisfitError("its covariance has another shape than its names need")
    demand_tensors(tensors, _of_linear(len(fit.terms), k, bias=fit.has_intercept))
    return fit
