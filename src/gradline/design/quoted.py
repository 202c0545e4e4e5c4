"""Names of columns that a parser would take for something else: numbers, keywords, spellings that it changes."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection

_TEXT = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
_WORD = r"(?<![\w.%])(?:[\w.]|[^\x00-\x7f\s])+"  # also letters whose accents are characters of their own
_PIECE = re.compile(rf"{_TEXT}|`(?P<quoted>[^`]+)`|(?P<bare>{_WORD})")
_STAND_IN = re.compile(r"_quoted_\d+_")
_CONSTANTS = ("True", "False", "None")


class Quoted:
    """Words that stand in for such names while a text is parsed.

    Example:
        >>> names = Quoted()
        >>> names.hide("log(`a b`) + `1` + 1 + `c`")
        'log(_quoted_0_) + _quoted_1_ + 1 + c'
        >>> names.name("_quoted_1_"), names.shown("log(_quoted_0_)")
        ('1', 'log(`a b`)')
    """

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def hide(self, text: str, columns: Collection[str] = ()) -> str:
        """The text with words for names in backticks, and for `columns` without them; not within quotes."""

        def word(found: re.Match[str]) -> str:
            if found["quoted"]:
                return self.word(found["quoted"])
            bare = found["bare"]
            return self.word(bare) if bare in columns and not _is_constant(bare) else found[0]

        return _PIECE.sub(word, text)

    def word(self, name: str) -> str:
        """What stands for the name; a plain word stands for itself."""
        if is_plain(name):
            return name
        word = self._words.setdefault(name, f"_quoted_{len(self._words)}_")
        self._names[word] = name
        return word

    def name(self, word: str) -> str:
        """The name that a word stands for."""
        return self._names.get(word, word)

    def shown(self, text: str) -> str:
        """The text with the names in backticks."""
        return _STAND_IN.sub(lambda found: in_backticks(self.name(found[0])), text)


def is_plain(name: str) -> bool:
    """Whether each parser takes the name for a column's, letter by letter, as it stands.

    >>> [is_plain(name) for name in ("a.b", "a b", "class", "1", "m²")]
    [True, False, False, False, False]
    """
    if _STAND_IN.fullmatch(name) or unicodedata.normalize("NFKC", name) != name:  # which Python's parser makes of it
        return False
    return all(word.isidentifier() and not keyword.iskeyword(word) for word in name.split("."))


def in_backticks(name: str) -> str:
    """The name as formulas have it."""
    return name if is_plain(name) else f"`{name}`"


def _is_constant(word: str) -> bool:
    """Whether a word that stands without backticks means a number or a truth value."""
    try:
        float(word)
    except ValueError:
        return word in _CONSTANTS
    return not word.isidentifier()  # a column may be called 'inf'
