"""What the lab opens with: the notebook's state, a run of `gl.train`, or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.errors import OptionError

if TYPE_CHECKING:
    from gradline.results.run import Run

SETTINGS = (
    *("seed", "n", "low", "high", "slope", "intercept", "noise", "on", "center"),
    *("lr", "momentum", "batch", "reduction", "zero", "epochs", "init"),
)
"""What an address may set, as page/engine/settings.js has it."""

MOST_POINTS = 2000
"""That are drawn; all rows count in the moments."""

_MOST_FEATURES = 20
_MOST_EPOCHS = 5000


@dataclass(frozen=True)
class Opening:
    """A state as in the page's address, and where the points are not the page's own, what it has to know of them."""

    address: str = ""
    given: dict[str, Any] | None = None


def opening_of_settings(settings: dict[str, Any]) -> Opening:
    """Settings by their names in the page: lr=0.05, noise=1, zero="off", init=(0, 0) and the rest.

    Raises:
        OptionError: a name that the lab does not know.

    Example:
        >>> opening_of_settings({"lr": 0.05, "center": True, "init": (0, 0.5)}).address
        'lr=0.05&center=1&init=0,0.5'
    """
    for name in settings:
        if name not in SETTINGS:
            raise OptionError(f"the lab has no setting {name!r}.\nIt has {', '.join(SETTINGS)}.")
    return Opening("&".join(f"{name}={_text(value)}" for name, value in settings.items()))


def opening_of_table(
    source: Any, target: str | Sequence[str] | None, features: str | Sequence[str] | None = None
) -> Opening:
    """A table, trained on at the fastest rate of its moments; options as for `gl.train`."""
    from gradline.training import train

    return opening_of_run(train(source, target, features=features, lr="auto", epochs=500, seed=0))


def opening_of_run(run: Run) -> Opening:
    """A run's data, start and options. Up to 2,000 points of one feature can be edited; else moments stand for them.

    They do for rows with weights too.
    Mini-batches are drawn as `torch.randperm` does from the run's seed, not as its loader did.

    Raises:
        OptionError: the run did something that the lab does not show, or is too large for it.
    """
    request, sgd, moments = run.request, run.request.sgd, run.moments
    unshown = [name for name in ("nesterov", "dampening", "weight_decay") if getattr(sgd, name)]
    if not request.constant or request.loss != "mse" or unshown or run.units is not None:
        what = unshown[0] if unshown else "standardize" if run.units is not None else request.optimizer
        if request.loss != "mse":
            what = f"loss {request.loss}"
        elif not unshown and run.units is None and request.optimizer == "sgd":
            what = "a schedule or an average"
        raise OptionError(
            f"the lab shows SGD with momentum on the squared loss, and this run had {what}.\n"
            "Train again without it to look at it step by step."
        )
    d = len(moments.columns)
    if len(moments.targets) != 1 or d > _MOST_FEATURES:
        raise OptionError(
            f"the lab shows one target and up to {_MOST_FEATURES} features; "
            f"this run has {len(moments.targets)} and {d}.\nTrain on fewer columns to look at it step by step."
        )
    options = {
        "lr": sgd.lr,
        "momentum": sgd.momentum,
        "reduction": request.reduction,
        "zero": "top" if sgd.zero_grad else "off",
        "epochs": min(request.epochs, _MOST_EPOCHS),
    }
    start = [*(float(value) for value in run.start[1:, 0]), float(run.start[0, 0])]
    features, target = _drawn(run)
    if d == 1 and moments.used == len(target) and not moments.weighted:
        points = ";".join(f"{x!r},{y!r}" for x, y in zip(features[:, 0].tolist(), target.tolist(), strict=True))
        options |= {"batch": request.batch_size or 0, "seed": (request.seed or 0) % 2**32, "init": tuple(start)}
        return Opening(f"{opening_of_settings(options).address}&own={points}")
    given = {
        "names": list(moments.columns),
        "target": moments.targets[0],
        "columns": [[float(f"{value:.7g}") for value in column] for column in features.T.tolist()],
        "y": [float(f"{value:.7g}") for value in target.tolist()],
        "start": start,
        "shift": 0,
        "moments": _moments(run),
    }
    return Opening(opening_of_settings(options).address, given)


def _drawn(run: Run) -> tuple[Any, Any]:
    """Up to 2,000 complete rows, evenly spread over all of them: features (m, d) and target (m,)."""
    from gradline.design.matrix import matrices

    d, moments = len(run.moments.columns), run.moments
    if run.problem is None:  # trained from moments, or loaded from a file
        return np.empty((0, d)), np.empty(0)
    apart, before = ceil(moments.used / MOST_POINTS), 0
    features, targets = [], []
    for rows in matrices(run.problem, moments.terms, moments.recipe):
        first = -before % apart
        features.append(np.asarray(rows.features[first::apart], np.float64))
        targets.append(np.asarray(rows.targets[first::apart, 0], np.float64))
        before += len(rows.targets)
    return np.concatenate(features), np.concatenate(targets)


def _moments(run: Run) -> dict[str, Any]:
    """What full-batch descent needs of the rows, about their means."""
    from gradline.exact.centred import centred

    moments, fit = run.moments, run.exact
    d, n = len(moments.columns), moments.nobs
    about = centred(moments.pair, d, intercept=True, standardize=False)
    cross = about.gram[0] / about.scales / about.scales[:, None] / n
    return {
        "n": n,
        "mean": about.mean[0].tolist(),
        "target": float(about.target_mean[0][0]),
        "cross": cross.tolist(),
        "best": np.nan_to_num(np.ravel(fit.coef)).tolist(),
        "floor": float(np.ravel(fit.rss)[0]) / n,
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return str(value)
