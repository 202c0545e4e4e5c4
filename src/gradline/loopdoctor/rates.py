"""The learning rate and the scale of the features, judged by the rows that were seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import floor, inf, log10

import numpy as np
import torch

from gradline.descent.options import Sgd
from gradline.descent.stability import Stability
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.loopdoctor.curvature import Curvature, curvature
from gradline.loopdoctor.evidence import Evidence, Linear, Steps
from gradline.loopdoctor.finding import Finding
from gradline.loopdoctor.rewriting import creation, source, with_rate
from gradline.report.numbers import brief, count

HOPELESS = 1000.0
"""The condition number from which on the scale of the features is spoken of: 3,500 steps at the best rate."""
_BETTER = 10.0  # by what standardizing must make the condition number smaller
_ALIKE = 1.05  # scales of different batches
_DONE = 1e-3  # of the loss: what is left to gain


def rates(evidence: Evidence) -> Iterator[Finding]:
    """Of each linear layer that SGD trains with a squared loss."""
    for layer in evidence.linear.values():
        for steps in evidence.steps.values():
            options = _options(steps, layer)
            if options is None or not layer.squared or not layer.scales:
                continue
            mean = layer.rows.sum()
            scale = sum(layer.scales) / len(layer.scales)
            trained = (layer.bias is not None and layer.bias.requires_grad, layer.weight.requires_grad)
            found = None if mean is None else curvature(mean, scale, options, trained)
            if mean is not None and found is not None and max(layer.scales) <= _ALIKE * min(layer.scales):
                yield from _rate(layer, steps, found.raw)
                if not (layer.whole and _done(evidence, layer, steps, mean * scale, trained)):
                    yield from _scale(layer, steps, found)


def _rate(layer: Linear, steps: Steps, stability: Stability) -> Iterator[Finding]:
    limit = stability.lr_limit
    above = sum(times for rate, times in steps.rates.items() if rate >= limit)
    if above * 2 <= sum(steps.rates.values()):
        return
    where, call = creation(steps)
    lr = max(steps.rates, key=lambda rate: steps.rates[rate])
    better = min(stability.lr_best, 0.95 * limit) if layer.whole else 0.5 * limit
    seen = (
        f"lr {brief(lr, 4)} is above {brief(limit, 4)}, set by {stability.column} of {count(layer.rows.count, 'row')}"
    )
    yield Finding("lr-above-limit", seen, *source(where), with_rate(call, _down(better)))


def _scale(layer: Linear, steps: Steps, found: Curvature) -> Iterator[Finding]:
    raw, condition = found.raw, found.raw.condition_number
    if found.standardized is None or condition < HOPELESS:
        return
    if condition < _BETTER * found.standardized.condition_number:
        return
    needed = min(_steps(raw), _steps(raw, best=True))
    if needed <= steps.count:
        return
    scaled = _steps(found.standardized, best=True)
    seen = f"{needed:,.0f} steps to 1e-3 (condition {condition:.2g}); standardized, {scaled:,.0f}"
    yield Finding("unscaled", seen, *source(layer.place), "(x - x.mean(0)) / x.std(0) in place of the features")


def _steps(stability: Stability, *, best: bool = False) -> float:
    if best:
        stability = replace(stability, options=replace(stability.options, lr=stability.lr_best))
    return stability.epochs_to(1e-3) if stability.stable else inf


def _done(evidence: Evidence, layer: Linear, steps: Steps, hessian: Array, trained: tuple[bool, bool]) -> bool:
    """Whether what training could still gain, ½ gᵀH⁻¹g, is next to nothing beside the loss."""
    parts = [steps.last_gradients.get(id(part)) for part in (layer.bias, layer.weight) if part is not None]
    if not all(trained) or len(parts) != 2 or any(part is None for part in parts) or evidence.last_loss is None:
        return False
    bias, weight = (part.detach().to("cpu", torch.float64).numpy() for part in parts if part is not None)
    gradient = np.column_stack([bias, weight]).T  # (1 + d, k)
    if not np.isfinite(gradient).all() or not gradient.any():
        return False
    size = np.sqrt(np.maximum(hessian.diagonal(), 1e-300))
    scaled = gradient / size[:, None]
    left = 0.5 * float((scaled * (np.linalg.pinv(hessian / np.outer(size, size)) @ scaled)).sum())
    loss = float(evidence.last_loss)
    return left <= _DONE * loss or (evidence.first_loss is not None and loss <= 1e-8 * evidence.first_loss)


def _options(steps: Steps, layer: Linear) -> Sgd | None:
    """The options of SGD with which it trains the layer; None for other optimizers."""
    if type(steps.optimizer) is not torch.optim.SGD:
        return None
    groups = steps.optimizer.param_groups
    if id(layer.weight) not in steps.holds or len(groups) != 1 or groups[0]["maximize"]:
        return None
    group, lr = groups[0], max(steps.rates, key=lambda rate: steps.rates[rate], default=0.0)
    try:
        return Sgd(lr, group["momentum"], group["dampening"], bool(group["nesterov"]), float(group["weight_decay"]))
    except OptionError:  # a rate of 0, or options that only PyTorch takes
        return None


def _down(rate: float) -> str:
    """Three digits, never more than the rate itself."""
    unit = 10.0 ** (floor(log10(rate)) - 2)
    return f"{floor(rate / unit) * unit:.3g}"
