"""Texts in the language of a report."""

from __future__ import annotations

from dataclasses import dataclass

from gradline.allowed import language
from gradline.layout import listing
from gradline.pages.texts import TEXTS

_LISTED = 240  # cells of names in a sentence


@dataclass(frozen=True)
class Says:
    """The words of one language."""

    lang: str

    def __post_init__(self) -> None:
        """Refuse a language that there is not."""
        language(self.lang)

    def __call__(self, key: str, **facts: object) -> str:
        """A text with these facts in it."""
        return TEXTS[self.lang][key].format(**facts)

    def name(self, term: str, *, constant: bool) -> str:
        """A term as a table names it; the constant in the language of the page."""
        return self("Intercept") if constant and term == "Intercept" else term

    def source(self, name: str) -> str:
        """What a table in memory is called; files have their own names."""
        return TEXTS[self.lang].get(name, name)


def named(names: object) -> str:
    """Names one after another, as many as a sentence can hold."""
    return listing([str(name) for name in names], _LISTED)  # type: ignore[attr-defined]
