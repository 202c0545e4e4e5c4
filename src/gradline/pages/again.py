"""What makes the same fit or run again: the call, as far as the record knows it, and the versions."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradline.pages.words import Says, named
from gradline.results.remembered import recalled

if TYPE_CHECKING:
    from gradline.design.problem import Problem
    from gradline.moments import Moments
    from gradline.results.fit import Fit
    from gradline.results.run import Run

_START = 12
"""Numbers of a start that are written down."""
_LINE = 88  # letters of a call in one line


class Call(NamedTuple):
    """Lines of Python, and what they cannot know."""

    code: str
    remarks: list[str]


def call_of_fit(fit: Fit, say: Says) -> Call:
    """What `gl.fit` was called with."""
    problem = recalled(fit)
    remarks: list[str] = []
    arguments, options = _rows(fit, problem, say, remarks)
    options += _weights(
        fit.weighted or fit.frequency, "frequency_weights" if fit.frequency else "weights", problem, say, remarks
    )
    if not fit.has_intercept:
        options.append(("intercept", "False"))
    options += [(name, repr(value)) for name, value in (("l1", fit.l1), ("l2", fit.l2)) if value]
    if fit.aliased and not np.isnan(fit.estimates).any():
        options.append(("aliased", '"min-norm"'))
    if fit.plan is not None and fit.plan.why == "asked for":
        options.append(("precision", repr(fit.plan.precision)))
    if fit.x_error is not None:
        errors = zip(fit.x_error.names, fit.x_error.sd, strict=True)
        remarks.append(say("remark_x_error", errors=named(f"{name} {sd!r}" for name, sd in errors)))
    if fit.standardized:
        remarks.append(say("remark_path"))
    code = f"import gradline as gl\n\nfit = {_call('gl.fit', arguments, options)}"
    return Call(code + _robust(fit), remarks)


def call_of_run(run: Run, say: Says) -> Call:
    """What `gl.train` was called with; of what was found by "auto" the number."""
    remarks: list[str] = []
    problem, moments = run.problem, run.moments
    arguments, options = _rows(moments, problem, say, remarks)
    options += _weights(moments.weighted, "weights", problem, say, remarks)
    request = run.request
    asked: list[tuple[str, Any]] = [("lr", run.lr), ("epochs", request.epochs), ("batch_size", request.batch_size)]
    asked += [(name, getattr(request.sgd, name)) for name in ("momentum", "dampening", "nesterov", "weight_decay")]
    asked += [("optimizer", request.optimizer), ("loss", request.loss), ("reduction", request.reduction)]
    asked += [("zero_grad", request.sgd.zero_grad), ("shuffle", request.shuffle)]
    asked += [("lr_schedule", request.lr_schedule), ("average", request.average)]
    asked += [("standardize", request.standardize)]
    asked += [("engine", request.engine), ("device", request.device)]
    if request.engine == "autograd" or request.dtype != "float64":
        asked.append(("dtype", request.dtype))
    options += [(name, repr(value)) for name, value in asked if value != _DEFAULTS.get(name) or name in _ALWAYS]
    options += _start(run, say, remarks)
    if _is_own(run):
        remarks.append(say("remark_own"))
    if request.loss == "huber" and request.delta != 1.0:
        options = [
            (name, f"torch.nn.HuberLoss(delta={request.delta!r})" if name == "loss" else value)
            for name, value in options
        ]
    return Call(f"import gradline as gl\n\nrun = {_call('gl.train', arguments, options)}", remarks)


def versions(*more: str) -> list[tuple[str, str]]:
    """Of gradline, Python, NumPy and these."""
    own = [("gradline", version("gradline")), ("Python", platform.python_version())]
    return own + [(name, version(name)) for name in ("numpy", *more)]


_ALWAYS = ("lr", "epochs")
_DEFAULTS = {
    "momentum": 0.0,
    "dampening": 0.0,
    "nesterov": False,
    "weight_decay": 0.0,
    "batch_size": None,
    "optimizer": "sgd",
    "loss": "mse",
    "reduction": "mean",
    "zero_grad": True,
    "shuffle": True,
    "lr_schedule": "constant",
    "average": 0,
    "standardize": False,
    "engine": "closed-form",
    "device": "cpu",
}


def _rows(
    record: Fit | Moments, problem: Problem | None, say: Says, remarks: list[str]
) -> tuple[list[str], list[tuple[str, str]]]:
    """The table, target and features."""
    asked = {} if problem is None else dict(problem.asked)
    if record.array_names:
        remarks.append(say("remark_array", names="X, y"))
        return [_powers(record) or "X", "y"], []
    if "data" not in asked:
        remarks += [say("remark_data"), say("remark_file", source=record.source)]
    arguments, options = [asked.get("data", "data")], []
    if "formula" in asked:
        options.append(("formula", asked["formula"]))
    else:
        targets = list(record.targets)
        options.append(("target", repr(targets[0] if len(targets) == 1 else targets)))
        if record.recipe.derived or not all(term.plain or _is_level(term) for term in record.terms):
            remarks.append(say("remark_formula", terms=named(term.name for term in record.terms)))
        else:
            columns = [name for term in record.terms for name, _ in (*term.factors, *term.cell)]
            options.append(("features", repr(list(dict.fromkeys(columns)))))
    options += [(name, asked[name]) for name in ("where", "sql") if name in asked]
    return arguments, options


def _is_level(term: Any) -> bool:
    return not term.factors and len(term.cell) == 1


def _powers(record: Fit | Moments) -> str:
    """The powers of one column, as `gl.polynomial` makes them."""
    factors = [term.factors for term in record.terms]
    wanted = [(("x", power),) for power in range(1, len(factors) + 1)]
    return f"gl.polynomial(X, {len(factors)})" if len(factors) > 1 and factors == wanted else ""


def _weights(there: bool, role: str, problem: Problem | None, say: Says, remarks: list[str]) -> list[tuple[str, str]]:
    if not there:
        return []
    asked = {} if problem is None else dict(problem.asked)
    if role not in asked:
        remarks.append(say("remark_values"))
    return [(role, asked.get(role, "w"))]


def _robust(fit: Fit) -> str:
    """The call that gave the standard errors."""
    covariance = fit.covariance
    if covariance is None:
        return ""
    if covariance.clusters:
        names = ", ".join(repr(name) for name, _ in covariance.clusters)
        return f"\nfit = fit.clustered({names}, kind={covariance.kind!r})"
    if covariance.lags is None:
        return f"\nfit = fit.robust({covariance.kind!r})"
    options = [f"lags={covariance.lags}"] + ([f"time={covariance.order!r}"] if covariance.order else [])
    return f"\nfit = fit.hac({', '.join([*options, *['small_sample=True'] * covariance.small_sample])})"


def _start(run: Run, say: Says, remarks: list[str]) -> list[tuple[str, str]]:
    """The seed; the weights themselves where it does not give them."""
    from gradline.descent.start import starting_weights

    seed, start = run.request.seed, run.start
    options = [] if seed is None else [("seed", repr(seed))]
    d, k = len(start) - 1, start.shape[1]
    if seed is not None and np.array_equal(starting_weights(d, k, None, seed), start):
        return options
    if start.size > _START:
        remarks.append(say("remark_start"))
        return options
    weight, bias = start[1:].T.tolist(), start[0].tolist()
    return [*options, ("init", repr((weight[0], bias[0]) if k == 1 else (weight, bias)))]


def _is_own(run: Run) -> bool:
    from gradline.descent.options import LOSSES, SCHEDULES

    request = run.request
    return request.loss not in LOSSES or request.lr_schedule not in SCHEDULES or not request.optimizer.isidentifier()


def _call(function: str, arguments: Sequence[str], options: Sequence[tuple[str, str]]) -> str:
    """A call in one line, or in one for each argument where that is too long."""
    parts = [*arguments, *(f"{name}={value}" for name, value in options)]
    line = f"{function}({', '.join(parts)})"
    if len(line) <= _LINE:
        return line
    return f"{function}(\n" + "".join(f"    {part},\n" for part in parts) + ")"
