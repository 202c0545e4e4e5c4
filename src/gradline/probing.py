"""`gl.probe`: how much of a target a layer of a model holds in a linear way, exactly, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gradline.allowed import truth
from gradline.design.problem import Problem
from gradline.design.terms import column_term
from gradline.fitting import fit_moments
from gradline.moments import Progress, accumulate
from gradline.moments.plan import FEW_COLUMNS, plan_of
from gradline.results.fit import Fit
from gradline.sources.activations import Activations, Target
from gradline.sources.layers import listening

if TYPE_CHECKING:
    from torch import nn


def probe(
    model: nn.Module,
    layer: str | nn.Module,
    loader: Iterable[Any],
    target: Target = None,
    *,
    reduce: Callable[[Any], Any] | None = None,
    intercept: bool = True,
    l2: float = 0.0,
    missing: str = "drop",
    aliased: str = "nan",
    precision: str = "auto",
    progress: Progress | None = None,
) -> Fit:
    """Fit an exact linear probe on the activations of one layer, in one pass over the batches.

    Minimises Σ (y - b - h·coef)² + l2·‖coef‖² with h what the layer gives for an example. Batches are added up as
    moments and forgotten: memory is O((d + k)²) for d activations and k targets, whatever the number of batches, and
    the sums do not depend on where batches end. The model runs in eval mode without gradients; modes and hooks are
    as before afterwards, also after an error. Inputs are moved to the device of the model's parameters.

    Args:
        model: Any module; it is called as model(inputs), or model(**inputs) where inputs are a mapping.
        layer: Name of a layer, as in `model.named_modules()`, or the module itself.
        loader: What gives batches, such as a DataLoader; it is read once.
        target: None where batches are (inputs, target) pairs; the key or keys of the targets where batches are
            mappings, whose other items go to the model; or a function of the batch that gives (n,) or (n, k) values,
            such as `lambda batch: one_hot(batch[1], 10)`. A function sees the whole batch, and the first item of a
            list or tuple goes to the model, as does a batch that is a tensor or a mapping.
        reduce: From what the layer gives to (n, d), where it is something else: `lambda h: h.mean(1)`.
        intercept: False for a probe without a constant.
        l2: As in `gl.fit`; likewise missing and aliased.
        missing: See l2.
        aliased: See l2.
        precision: Of the sums: "double-double", "float64", or "auto": float64 for more than 30 activations. There is
            no second pass here; `Fit.digits` says how many digits are sure.
        progress: Called with (rows so far, None) now and then.

    Returns:
        The `Fit`; features are called h1 … hd, and `predict` takes activations as an array (n, d).

    Raises:
        OptionError: the model has no such layer; the nearest name is suggested.
        DataError: a batch is not what was promised, or the layer ran other than once.
        ShapeError: activations change their width, or there are more or fewer of them than targets.

    Example:
        >>> import torch, gradline as gl
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh()).double()
        >>> x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        >>> y = 2 * model(x).detach()[:, 0] + 1
        >>> fit = gl.probe(model, "1", [(x[:20], y[:20]), (x[20:], y[20:])])
        >>> bool(abs(fit.coef - [2, 0, 0]).max() < 1e-12)
        True

    Source: Alain & Bengio (2016), Understanding intermediate layers using linear classifier probes.
    """
    intercept = truth("intercept", intercept)
    with listening(model, layer, reduce) as listener:
        table = Activations(listener, loader, target)
        terms = tuple([column_term(name) for name in table.columns[: -len(table.targets)]])
        problem = Problem(table, terms, table.targets, None, intercept, array_names=True)
        many = precision == "auto" and len(terms) > FEW_COLUMNS
        plan = plan_of(problem, "float64" if many else precision)
        moments = accumulate(problem, missing=missing, precision=plan.precision, progress=progress)
    fit = fit_moments(moments, intercept=intercept, l2=l2, aliased=aliased)
    return replace(fit, plan=plan.after(""))
