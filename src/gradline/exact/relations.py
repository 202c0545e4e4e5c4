"""How a redundant column is made of the others, in words."""

from __future__ import annotations

from collections.abc import Sequence

from gradline.doubledouble import Array


def describe(name: str, names: Sequence[str], relation: Array) -> str:
    """The relation as an equation: 'd = 1·c + 2·Intercept'.

    Example:
        >>> import numpy as np
        >>> describe("d", ["Intercept", "c", "d"], np.array([2.0, 1.0, 0.0]))
        'd = 1·c + 2·Intercept'
    """
    parts = [(value, other) for value, other in zip(relation, names, strict=True) if value]
    parts.sort(key=lambda part: part[1] == "Intercept")
    if not parts:
        return f"{name} = 0"
    text = f"{parts[0][0]:.6g}·{parts[0][1]}"
    for value, other in parts[1:]:
        text += f" {'-' if value < 0 else '+'} {abs(value):.6g}·{other}"
    return f"{name} = {text}"
