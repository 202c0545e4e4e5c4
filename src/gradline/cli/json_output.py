"""Results for machines: one JSON object, with null where there is no number."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradline.results.fit import Fit
    from gradline.results.run import Run

_FIGURES = (
    *("names", "targets", "params", "se", "t", "p", "intercept", "coef", "aliased", "rank", "l2", "weighted"),
    *("r2", "adj_r2", "sigma", "f", "f_p", "df_model", "df_resid", "aic", "bic", "log_likelihood"),
    *(
        "se_kind",
        "clusters",
        "lags",
        "df_t",
        "nobs",
        "rows",
        "missing",
        "source",
        "digits",
        "condition_number",
        "notes",
    ),
)


_GAP = ("distance", "in_se", "relative", "epochs", "condition_number", "noise")


def as_json(record: Mapping[str, Any]) -> str:
    """One JSON object on one line; NaN and infinities, which JSON does not have, are null."""
    return json.dumps(_plain(record), ensure_ascii=False, allow_nan=False)


def fit_record(fit: Fit, level: float) -> dict[str, Any]:
    """All that a fit knows; vectors as `names`, with a trailing axis where there are several targets."""
    record = {name: getattr(fit, name) for name in _FIGURES}
    return record | {"conf_int": fit.conf_int(level), "level": level}


def run_record(run: Run, lang: str) -> dict[str, Any]:
    """What a run did and why, the exact answer it was heading for, and how far from it it is."""
    gap, stability = run.gap(), run.stability
    rounded = stability.standardized
    outcome = ("names", "weight", "bias", "status", "stopped_at", "epochs", "lr", "engine")
    rates = ("lr_limit", "lr_best", "lr_momentum_best", "momentum_best", "condition_number", "column", "steepness")
    more = ("lr_limit_batches", "steep", "flat", "growth")
    return {name: getattr(run, name) for name in outcome} | {
        "targets": run.exact.targets,
        "loss": run.history.loss,
        "gap": {name: getattr(gap, name) for name in _GAP},
        "stability": {name: getattr(stability, name) for name in (*rates, *more)}
        | {
            "epochs_to": {"1e-3": stability.epochs_to(1e-3), "1e-6": stability.epochs_to(1e-6)},
            "standardized": None if rounded is None else {name: getattr(rounded, name) for name in rates[:5]},
        },
        "explanation": run.explain(lang),
        "exact": fit_record(run.exact, 0.95),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if hasattr(value, "tolist"):  # arrays, tensors, NumPy numbers
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
