"""How records show themselves: in a shell and in a notebook as their summary."""

from __future__ import annotations

from abc import abstractmethod


class Shown:
    """A record with a summary. Where one line says more in a shell, it has a `__repr__` of its own."""

    @abstractmethod
    def summary(self) -> str:
        """All of it as text of at most 80 columns."""

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        from gradline.report.text import as_html

        return as_html(self.summary())
