"""What the doctor says of one mistake."""

from __future__ import annotations

from dataclasses import dataclass

_WIDTH = 80


@dataclass(frozen=True)
class Finding:
    """One mistake: its kind, what was seen, the line to change and what to write.

    Example:
        >>> from gradline.loopdoctor.finding import Finding
        >>> print(Finding("broadcast", "(4, 1) minus (4,)", "train.py:7", "pred - y", "pred - y[:, None]"))
        broadcast: (4, 1) minus (4,)
          train.py:7  pred - y
          write: pred - y[:, None]
    """

    kind: str
    """One of the names in `gl.doctor`'s docstring."""
    seen: str
    """What was seen, with its numbers."""
    where: str
    """file:line of the user's code; empty where it could not be told."""
    line: str
    """What stands there, as far as the source can be read."""
    write: str
    """What to write instead."""

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.kind}: {self.seen}",
                _cut(f"  {self.where or 'in the loop'}" + (f"  {self.line}" if self.line else "")),
                f"  write: {self.write}",
            ]
        )


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 2] + " …"
