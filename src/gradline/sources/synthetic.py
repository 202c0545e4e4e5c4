"""Data whose truth is known."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

from gradline.errors import OptionError

if TYPE_CHECKING:
    import torch

_FLOAT32 = 3.4e38
"""How far the numbers reach that x is drawn in."""


def line(
    n: int = 100,
    slope: float = 2.0,
    intercept: float = 3.0,
    noise: float = 1.0,
    noise_on: str = "x",
    seed: int | None = None,
    low: float = -10.0,
    high: float = 10.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Points scattered about a straight line, as the classic PyTorch tutorial makes them.

    With x ~ U(low, high) and e ~ N(0, 1), the target is

        y = slope·(x + noise·e) + intercept      noise_on="x"
        y = slope·x + intercept + noise·e        noise_on="y"

    With noise on x, the scatter of y about the line has standard deviation slope·noise. The noise is not
    part of the x that is returned, so a fit of y on x still finds the slope and intercept.

    Args:
        n: number of points, at least 1.
        slope: rise of y for a step of 1 in x.
        intercept: y where x is 0.
        noise: standard deviation of the noise, in units of what it is added to; 0 gives clean labels.
        noise_on: "x" or "y".
        seed: the points are those that `init.uniform_(torch.zeros(n, 1), low, high)` and then
            `init.normal_(torch.zeros(n, 1), std=1)` give after `torch.manual_seed(seed)`; torch's global
            generator is not touched. None draws from the global generator.
        low: least x.
        high: greatest x.

    Returns:
        x and y, float32 tensors of shape (n, 1).

    Raises:
        OptionError: n below 1, noise negative, noise_on neither "x" nor "y", low not below high.

    Example:
        >>> x, y = line(n=4, noise=0.0, seed=0)
        >>> x.shape, y.dtype
        (torch.Size([4, 1]), torch.float32)
        >>> bool((y == 2 * x + 3).all())
        True

    Source: the torch.nn.init calls of the notebook that gradline grew out of.
    """
    n, seed = _whole(n, "n is {!r}; expected a number of points, 1 or more."), _seed(seed)
    _check(n, noise, noise_on, low, high)
    for name, value in (("slope", slope), ("intercept", intercept)):
        _number(name, value, "a number")
    import torch
    from torch.nn import init

    generator = None
    if seed is not None:
        try:
            generator = torch.Generator().manual_seed(seed)
        except (RuntimeError, OverflowError, ValueError):
            raise OptionError(f"seed is {seed}; expected an integer below 2**64.") from None
    x = init.uniform_(torch.zeros(n, 1), low, high, generator=generator)
    if noise == 0:
        return x, slope * x + intercept
    e = init.normal_(torch.zeros(n, 1), std=1, generator=generator)
    if noise_on == "x":
        return x, slope * (x + noise * e) + intercept
    return x, slope * x + intercept + noise * e


def _check(n: int, noise: float, noise_on: str, low: float, high: float) -> None:
    if n < 1:
        raise OptionError(f"n is {n!r}; expected a number of points, 1 or more.")
    if noise_on not in ("x", "y"):
        raise OptionError(f"noise_on is {noise_on!r}; expected 'x' or 'y'.")
    _number("noise", noise, "a standard deviation, 0 or more")
    _number("low", low, "a number")
    _number("high", high, "a number")
    if not (noise >= 0 and math.isfinite(noise)):
        raise OptionError(f"noise is {noise!r}; expected a standard deviation, 0 or more.")
    if not (low < high and max(abs(low), abs(high), high - low) < _FLOAT32):
        raise OptionError(f"low is {low!r} and high is {high!r}; expected finite float32, low below high.")


def _seed(seed: int | None) -> int | None:
    return None if seed is None else _whole(seed, "seed is {!r}; expected an integer, or None.")


def _whole(value: int, complaint: str) -> int:
    """A whole number of Python or NumPy."""
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise OptionError(complaint.format(value))


def _number(name: str, value: float, expected: str) -> None:
    """Refuse what is no single number; NumPy's and torch's numbers are."""
    try:
        if not isinstance(value, str | bytes):
            float(value)
            return
    except (TypeError, ValueError, RuntimeError):
        pass
    raise OptionError(f"{name} is {value!r}; expected {expected}.")
