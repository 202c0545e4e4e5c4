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


def briefly(relations: Sequence[str], width: int = 80) -> str:
    """As many whole relations as fit, one at least, and how many more there are; for messages.

    >>> briefly(["c = 2·a", "d = 0", "e = 1·a - 1·b"], width=26)
    'c = 2·a; d = 0; … 1 more'
    >>> briefly(["e = 1·a - 1·b + 2·Intercept"], width=20)
    'e = 1·a - 1·b + …'
    """
    for shown in range(len(relations), 0, -1):
        rest = [f"… {len(relations) - shown} more"] if shown < len(relations) else []
        text = "; ".join([*relations[:shown], *rest])
        if len(text) <= width:
            return text
    room = width - len("; ".join(["", *rest]))
    first = relations[0]
    if len(first) > room:
        first = first[: room - 1].rpartition(" ")[0] + " …"
    return "; ".join([first, *rest])
