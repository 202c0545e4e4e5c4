"""JavaScript and CSS without comments and needless blanks, so that the page stays small; names stay as written."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|\s+|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`|[\w$]+|.""", re.DOTALL)
_OPENS, _CLOSES = "{([,;=>?:&|+-*/", ")]},;.?:&|=*/"
"""After and before these no line can end a statement."""


def dense_script(text: str) -> str:
    r"""JavaScript that does the same in fewer characters.

    It relies on how the lab is written: statements end in semicolons, none is empty, and no regular expression holds
    a blank, a quote or two slashes. The tests run what comes out.

    Example:
        >>> dense_script("const a = 1;  // one\nconst b = `${a} + ${`x y`}`;")
        'let a=1;let b=`${a} + ${`x y`}`;'
    """
    out: list[str] = []
    at, blank = 0, ""
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None
        piece = found[0]
        if piece.isspace() or piece.startswith(("//", "/*")):
            blank += "\n" if "\n" in piece else " "
            at = found.end()
            continue
        if text[at] == "`":
            piece = text[at : _end_of_template(text, at)]
        if out and ((piece == "}" and out[-1] == ";") or (piece in ("}", "]", ")") and out[-1] == ",")):
            out.pop()
        if blank and out:
            out.append(_needed(out[-1][-1], piece[0], blank))
        out.append("let" if piece == "const" else piece)  # the linter has seen to it that nothing is set again
        at, blank = at + len(piece), ""
    return "".join(out)


def dense_style(text: str) -> str:
    r"""CSS that says the same in fewer characters.

    Example:
        >>> dense_style("a { color: red; margin: 0 }\n/* why */\nb > i { top: 0 }")
        'a{color:red;margin:0}b>i{top:0}'
    """
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};,>]) ?|(?<=[a-z]):\s", lambda mark: mark[1] or ":", text).strip()


def _needed(before: str, after: str, blank: str) -> str:
    """What of a blank has to stay between two characters."""
    if "\n" in blank and before not in _OPENS and after not in _CLOSES:
        return "\n"
    word = re.compile(r"[\w$]")
    both = word.match(before) and word.match(after)
    return " " if both or before + after in ("++", "--", "+-", "-+") else ""


def _end_of_template(text: str, start: int) -> int:
    """Where a template literal ends; those within its ${…} are looked through."""
    at = start + 1
    while text[at] != "`":
        if text[at] == "\\":
            at += 1
        elif text.startswith("${", at):
            depth = 0
            at += 1
            while True:
                if text[at] == "`":
                    at = _end_of_template(text, at) - 1
                depth += (text[at] == "{") - (text[at] == "}")
                if depth == 0:
                    break
                at += 1
        at += 1
    return at + 1
