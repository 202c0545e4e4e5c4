"""A `Run` as text: what ran and how it went, in a few lines or in one."""

from __future__ import annotations

import html
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.layout import WIDTH, cells, shortened, wrapped
from gradline.report.marks import html_table
from gradline.report.numbers import count

if TYPE_CHECKING:
    from gradline.results.run import Run

_SHOWN = 60
"""Rows of a table in a notebook."""


def run_summary(run: Run) -> str:
    """What ran, how it went and how far it is from the exact answer, at most 80 columns wide."""
    request, sgd = run.request, run.request.sgd
    options = [f"lr {sgd.lr:.6g}"]
    options += [
        f"{name} {getattr(sgd, name):g}" for name in ("momentum", "dampening", "weight_decay") if getattr(sgd, name)
    ]
    options += ["nesterov"] * sgd.nesterov + ["zero_grad never called"] * (not sgd.zero_grad)
    options += ["standardized columns"] * request.standardize
    first, last = run.ends
    rows_used = f"{count(run.moments.nobs, 'row')}{', weighted' * run.moments.weighted}"
    rows = [
        ("model", f"nn.Linear({len(run.names) - 1}, {run.start.shape[1]}), {rows_used}"),
        ("training", f"{request.optimizer}, {', '.join(options)}"),
        ("loss", f"{request.loss} ({request.reduction}), from {first:.6g} to {last:.6g}"),
        ("engine", run.engine),
        ("condition", f"number {run.stability.condition_number:.4g}"),
        ("outcome", _outcome(run)),
    ]
    lines = [line for name, value in rows for line in wrapped(f"{name:<10}{value}", " " * 10)]
    return "\n".join([*lines, "", str(run.gap())])


def run_line(run: Run) -> str:
    """How it went, and how far it is from the exact answer, in one to three lines."""
    line = f"Run: {_outcome(run)} · loss {run.ends[1]:.4g}"
    if _is_line(run):
        line += f" · w {np.ravel(run.weight)[0]:.6g}, b {np.ravel(run.bias)[0]:.6g}"
    if run.status == "diverged" and not (run.request.smooth and not run.stability.stable):
        return f"{line}\n  lr {run.lr:.4g} is too high for this way of training: try a tenth of it"
    if run.status == "diverged":
        return f"{line}\n  lr {run.lr:.4g} is above the limit {run.stability.lr_limit:.4g}; see .stability"
    gap = run.gap()
    far = np.unravel_index(int(np.argmax(gap.relative)), gap.relative.shape)
    distance = f"  {abs(gap.distance[far]):.1e} from the exact {_short(run, far)}"
    if np.isfinite(gap.in_se[far]):
        distance += f" ({gap.in_se[far]:.2g} of its standard error)"
    if gap.epochs is None:
        return f"{line}\n{distance}"
    more = ("never" if gap.epochs[0] == inf else f"{gap.epochs[0]:.0f} epochs more") + " to 1e-3"
    return f"{line}\n{distance}" + ("; " if cells(distance) + len(more) <= WIDTH else "\n  ") + more


def run_html(run: Run) -> str:
    """The same for a notebook, with a table of trained and exact parameters; of many the first ones."""
    gap = run.gap()
    columns = [values.ravel().tolist() for values in (gap.trained, gap.exact, gap.distance, gap.in_se)]
    labels = [f"{name} → {target}" if gap.targets[1:] else name for name in gap.names for target in gap.targets]
    rows = [
        [label, f"{trained:.9g}", f"{exact:.9g}", f"{distance:.2g}", f"{in_se:.2g}" if isfinite(in_se) else "none"]
        for label, trained, exact, distance, in_se in zip(labels[:_SHOWN], *columns, strict=False)
    ]
    more = f"<p>… {len(labels) - _SHOWN:,} more</p>" if len(labels) > _SHOWN else ""
    table = html_table(["", "trained", "exact", "distance", "in std errors"], rows)
    ends = [html.escape(text) for text in (run_line(run).splitlines()[0], gap.outlook)]
    return f"<p>{ends[0]}</p>{table}{more}<p>{ends[1]}</p>"


def _outcome(run: Run) -> str:
    if run.stopped_at is not None:
        left = f"the loss left {run.request.computed_in}'s range"
        return f"diverged: stopped at step {run.stopped_at}, {left}"
    return f"{run.status} · {run.epochs} epoch{'s' * (run.epochs != 1)}"


def _is_line(run: Run) -> bool:
    """Whether there are a w and a b, and nothing else."""
    return run.start.shape == (2, 1)


def _short(run: Run, far: tuple[Any, ...]) -> str:
    """The name of a parameter."""
    if _is_line(run):
        return "bw"[int(far[0])]
    if len(far) == 1:
        return shortened(run.names[int(far[0])], 20)
    return f"{shortened(run.names[int(far[0])], 9)} of {shortened(run.moments.targets[int(far[1])], 8)}"
