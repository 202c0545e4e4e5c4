"""A font that has Korean letters, where one is installed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_KNOWN = {
    "NanumGothic": "NanumGothic.",
    "Noto Sans CJK KR": "NotoSansCJK",
    "Noto Sans CJK JP": "NotoSansCJK",  # what matplotlib calls the collection, by its first face
    "Noto Sans KR": "NotoSansKR",
    "Apple SD Gothic Neo": "AppleSDGothicNeo",
    "AppleGothic": "AppleGothic",
    "Malgun Gothic": "malgun.",
    "NanumBarunGothic": "NanumBarunGothic.",
    "UnDotum": "UnDotum.",
}
"""Families, the nicest first, and how the names of their files start."""
_LETTER = ord("가")


def families() -> tuple[list[str], bool]:
    """The families to write in, the user's own first, and whether they have Korean letters."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties, findfont, get_font

    own = list(rcParams["font.family"])
    if get_font(findfont(FontProperties(family=own))).get_char_index(_LETTER):
        return own, True
    found = korean()
    return (own, False) if found is None else ([*own, found], True)


@cache
def korean() -> str | None:
    """The name of an installed family; matplotlib's own list of fonts may be older than the font."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    listed = {font.name for font in fontManager.ttflist}
    for name in _KNOWN:
        if name in listed:
            return name
    for file in sorted(findSystemFonts()):
        if Path(file).name.startswith(tuple(_KNOWN.values())):
            fontManager.addfont(file)
            return fontManager.ttflist[-1].name
    return None
