"""What stands against the numbers of a fit, in plain words of each language, and what to do about it.

Most of it follows from the record. What is in the fit's notes alone is known by its words (`results/notes.py`,
`design/slips.py`, `second_pass/robust.py`), and a note that is not known stands as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import floor
from typing import TYPE_CHECKING, NamedTuple

from gradline.layout import shortened
from gradline.pages.parts import Note
from gradline.pages.words import Says, named

if TYPE_CHECKING:
    from gradline.results.fit import Fit

FEW_DIGITS = 6  # below it `gl.fit` warns
_MOST = 8
"""Notes of one kind."""
_NAME = 80  # cells


class _Known(NamedTuple):
    """How a note begins, and each language's words for it and for what to do; "" says it as it is."""

    pattern: str
    en: tuple[str, str]
    ko: tuple[str, str]


_KNOWN = {
    "few_rows": _Known(
        r"(?P<rows>[\d.e+]+) rows? for (?P<parameters>\d+) parameters?: nothing left for standard errors",
        ("", "Read more rows, leave columns out, or use l2=."),
        (
            "{rows}행으로 파라미터 {parameters}개를 구해서 표준오차를 낼 것이 남지 않는다.",
            "행을 더 읽거나, 열을 빼거나, l2=를 쓴다.",
        ),
    ),
    "constant": _Known(
        r"(?P<name>.*) is constant: slopes are 0 and R² is not defined",
        ("", "Look whether another column was meant as the target."),
        (
            "{name} 값이 모두 같아서 기울기는 0이고 R²는 정의되지 않는다.",
            "다른 열이 목표가 아닌지 살핀다.",
        ),
    ),
    "perfect": _Known(
        r"perfect fit: nothing of (?P<name>.*) is left beyond its own rounding",
        ("", "Look whether a feature is computed from the target."),
        (
            "완전한 적합: {name}에서 반올림 오차 말고는 남는 것이 없다.",
            "특성 가운데 목표로부터 계산한 것이 없는지 살핀다.",
        ),
    ),
    "aliased": _Known(
        r"aliased: (?P<relation>.*)",
        (
            "Determined by the columns before it: {relation}.",
            "Leave it out, or another column of the relation; predictions stay the same.",
        ),
        ("앞의 열들로 정해진다: {relation}.", "이 열이나 관계식의 다른 열을 뺀다. 예측은 그대로이다."),
    ),
    "slip": _Known(
        r"(?P<name>.*) is text and so a category: (?P<some>\d+) of its (?P<all>\d+) levels are numbers, "
        r"(?P<odd>.*) is not\. Correct it for one slope, or write (?P<call>.*) in a formula",
        (
            "{name} is text and so a category: {some} of its {all} levels are numbers, {odd} is not.",
            "Correct that value for one slope, or write {call} in a formula if levels are meant.",
        ),
        (
            "{name} 열은 문자여서 범주로 보았다: 수준 {all}개 가운데 {some}개는 숫자이고 {odd} 값은 숫자가 아니다.",
            "기울기 하나를 원하면 그 값을 고치고, 범주가 맞다면 공식에 {call}라고 쓴다.",
        ),
    ),
    "unused": _Known(
        r"levels that no row left has are left out: (?P<levels>.*)",
        ("", "If they matter, fill the values that their rows lack."),
        ("남은 행에 없는 수준은 뺐다: {levels}.", "필요한 수준이라면 그 행들의 결측값을 채운다."),
    ),
    "moved": _Known(
        r"(?P<name>.*): whole numbers so large beside their spread were summed about (?P<about>.*), in a pass .*",
        ("", "Nothing: coefficients are those of the column as it is."),
        (
            "{name}: 흩어진 정도에 비해 너무 큰 정수여서 {about} 둘레로 한 번 더 읽어 더했다.",
            "할 일이 없다. 계수는 원래 열에 대한 것이다.",
        ),
    ),
    "lost": _Known(
        r"(?P<name>.*) has whole numbers too large beside their spread for one pass, .*",
        ("", "Take a constant away from the column before."),
        ("{name} 값은 흩어진 정도에 비해 너무 큰 정수인데, 행이 한 번만 왔다.", "열에서 먼저 상수를 뺀다."),
    ),
    "few_clusters": _Known(
        r"(?P<clusters>\d+) clusters for (?P<parameters>\d+) parameters: .*",
        ("", "Use larger data with more clusters, or fewer columns."),
        (
            "군집 {clusters}개로 파라미터 {parameters}개를 구해서 함께 검정할 수 없고, 표준오차가 너무 작다.",
            "군집이 더 많은 데이터를 쓰거나 열을 줄인다.",
        ),
    ),
    "negative": _Known(
        r"clusters of two kinds leave a negative variance: no standard error for (?P<names>.*)",
        ("", "Use one of the two cluster columns."),
        ("두 군집이 음의 분산을 남겨 표준오차가 없다: {names}.", "두 군집 열 가운데 하나만 쓴다."),
    ),
}


def advice(fit: Fit, say: Says) -> list[Note]:
    """All of it, the gravest first."""
    notes = list(_of_record(fit, say))
    found: dict[str, list[Note]] = {key: [] for key in (*_KNOWN, "")}
    for note in fit.notes:
        if not _is_of_rows(fit, note):
            key, words = known(note, say.lang)
            found[key].append(words)
    for of_kind in found.values():
        notes += of_kind[:_MOST]
        if len(of_kind) > _MOST:
            notes.append(Note(say("more_notes", count=f"{len(of_kind) - _MOST:,}")))
    return notes + list(_of_rows(fit, say))


def known(note: str, lang: str) -> tuple[str, Note]:
    """Which note it is, "" for one that is not known, and its words in a language."""
    for key, (pattern, *texts) in _KNOWN.items():
        match = re.fullmatch(pattern, note, re.DOTALL)
        if match is not None:
            facts = {name: shortened(value, 3 * _NAME) for name, value in match.groupdict().items()}
            said, to_do = texts[("en", "ko").index(lang)]
            return key, Note(said.format(**facts) or f"{note}.", to_do.format(**facts))
    return "", Note(note, lang="en")


def _of_record(fit: Fit, say: Says) -> Iterator[Note]:
    if fit.digits < FEW_DIGITS:
        yield Note(say("few_digits", digits=floor(max(fit.digits, 0.0))), say("few_digits_do"))
    if fit.l1:
        yield Note(say("l1"), say("l1_do"))
    elif fit.l2:
        yield Note(say("l2"), say("l2_do"))


def _of_rows(fit: Fit, say: Says) -> Iterator[Note]:
    if not fit.left_out:
        return
    facts = {"left": f"{fit.left_out:,}", "rows": f"{fit.rows:,}"}
    if fit.missing:
        yield Note(say("left_missing", columns=lacking(fit), **facts), say("left_missing_do"))
    else:
        yield Note(say("left_weight", **facts), say("left_weight_do"))


def _is_of_rows(fit: Fit, note: str) -> bool:
    return note.startswith(f"{fit.left_out} of {fit.rows} rows left out")


def lacking(fit: Fit) -> str:
    """The columns that lack values, with how many rows of each."""
    return named(f"{shortened(name, _NAME)} {count:,}" for name, count in fit.missing.items())
