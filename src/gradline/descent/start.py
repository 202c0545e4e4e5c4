"""The weights that training starts from: those of a fresh `nn.Linear`, or given ones."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any

import numpy as np

from gradline.descent.options import LOSSES
from gradline.descent.quadratic import Quadratic
from gradline.doubledouble import Array
from gradline.errors import OptionError, ShapeError


def starting_weights(features: int, targets: int, init: Any = None, seed: int | None = None) -> Array:
    """θ_0 (p, k) with the bias first.

    Without init they are the float32 numbers that `torch.manual_seed(seed); nn.Linear(d, k)` draws. A seed
    leaves PyTorch's global generator alone; without one they come from it, as a new `nn.Linear` would.

    Args:
        features: d.
        targets: k.
        init: (weight, bias) of shapes (k, d) and (k,), as `nn.Linear` has them; for one target also (d,)
            and a number, for one feature and one target two numbers.
        seed: Of the draw, from -2⁶³ to 2⁶⁴ - 1 as in PyTorch. With init nothing is drawn here, and the seed
            is only checked; `gl.train` still orders batches by it.

    Raises:
        ShapeError: weight or bias of init does not fit the columns.
        OptionError: init is not a pair of finite numbers, or seed is not a whole number in its range.

    Example:
        >>> starting_weights(1, 1, seed=0)
        array([[ 0.53644359],
               [-0.00748682]])
    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer))):
        raise OptionError(f"seed must be a whole number or None; {seed!r} arrived.")
    if seed is not None and not -(2**63) <= seed < 2**64:
        raise OptionError(f"seed must be a whole number from -2**63 to 2**64 - 1, as in PyTorch; {seed!r} arrived.")
    if init is None:
        return _drawn(features, targets, None if seed is None else int(seed))
    try:
        weight, bias = (_values(part) for part in init)
    except (TypeError, ValueError):
        raise OptionError(f"init must be a pair (weight, bias) of numbers; {init!r:.60} arrived.") from None
    theta = np.empty((1 + features, targets))
    theta[0] = _shaped("bias", bias, (targets,), targets == 1)
    theta[1:] = _shaped("weight", weight, (targets, features), targets == 1 or features == 1).T
    if not np.isfinite(theta).all():
        raise OptionError("init must be finite numbers; NaN or ±inf arrived.")
    return theta


def loss_is_finite(quadratic: Quadratic, start: Array) -> bool:
    """Whether the sum of squared residuals at θ_0 is a float64: else no step is one either."""
    with np.errstate(over="ignore", invalid="ignore"):
        left = quadratic.root.dot(start) - quadratic.aim
        return isfinite(quadratic.floor + float(np.vdot(left, left)))


def too_far(start: Array, given: bool, dtype: str, loss: str) -> OptionError:
    """The error for a start whose loss is not finite.

    Args:
        start: θ_0.
        given: Whether it came from init.
        dtype: What the loss is computed in.
        loss: Its name; one of ours is beyond the range of dtype, another one can have reasons of its own.
    """
    advice = "Choose init nearer, or leave it out" if given else "Rescale the columns (another unit will do)"
    if loss not in LOSSES:
        return OptionError(
            f"loss {loss} is not finite at the start.\n"
            "Check what it gives for the first prediction, or try another init."
        )
    where = f": init is too far off ({np.abs(start).max():.3g})" if given else ""
    wider = "" if dtype == "float64" else ", or train in float64"
    return OptionError(f"the loss at the start is beyond {dtype}{where}.\n{advice}{wider}.")


def _drawn(features: int, targets: int, seed: int | None) -> Array:
    import torch

    generator = None if seed is None else torch.Generator().manual_seed(seed)
    # nn.Linear draws its weight by kaiming_uniform_(a=√5) and then its bias, number by number. Both bounds are
    # 1/√d; the first is computed on a longer way round, and is the same float32 for all d up to 20 million.
    bound = 1 / sqrt(features) if features else 0.0
    numbers = np.empty((features + 1) * targets, np.float32)
    torch.from_numpy(numbers).uniform_(-bound, bound, generator=generator)
    theta = np.empty((1 + features, targets))
    theta[0] = numbers[features * targets :]
    theta[1:] = numbers[: features * targets].reshape(targets, features).T
    return theta


def _values(part: Any) -> Array:
    if hasattr(part, "detach"):
        part = part.detach().cpu().double().numpy()
    return np.asarray(part, dtype=np.float64)


def _shaped(name: str, value: Array, shape: tuple[int, ...], free: bool) -> Array:
    """The value in this shape, where axes of length 1 may be missing if that leaves no doubt."""
    if value.shape == shape:
        return value
    if free and value.ndim < len(shape) and value.size == np.prod(shape):
        return value.reshape(shape)
    raise ShapeError(f"init: {name} has shape {value.shape}; these data need {shape}.")
