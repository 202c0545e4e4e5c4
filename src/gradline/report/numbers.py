"""Numbers as a person reads them: enough digits, and in a column the decimal points one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, isnan, log10

ABSENT = "—"
"""What stands where there is no number."""

SMALLEST_P = 2e-16
"""p-values below this are rounding, not evidence: R's limit."""

_WIDEST = 11


def aligned(values: Sequence[float], digits: int, spread: Sequence[float] | None = None) -> list[str]:
    """A column of numbers with one number of decimals, at least `digits` significant ones in each.

    Given a `spread` (the standard errors), its smallest gets `digits` significant ones, and the values as many
    decimals as that: what lies far below the standard error says nothing. Where one number of decimals
    would make the column too wide, each number stands for itself.

    >>> aligned([-6424.765, 50.2692, 4.1617], 4, spread=[561.469, 2.4771, 5.3289])
    ['-6424.765', '50.269', '4.162']
    >>> aligned([1e-9, 123456.0], 3)
    ['1.00e-09', '123456']
    """
    guide = [abs(value) for value in (spread or values) if isfinite(value) and value]
    if not guide:
        guide = [abs(value) for value in values if isfinite(value) and value] or [1.0]
    decimals = max(0, digits - 1 - floor(log10(min(guide))))
    texts = [fixed(value, decimals) for value in values]
    if max(map(len, texts)) <= _WIDEST and _shown(values, texts):
        return texts
    if spread is None:
        return [significant(value, digits) for value in values]
    return [_beside(value, digits, own) for value, own in zip(values, spread, strict=True)]


def _beside(value: float, digits: int, spread: float) -> str:
    """The value to as many decimals as its own standard error has at `digits` significant ones, if there is room."""
    if isfinite(value) and isfinite(spread) and spread > 0:
        text = fixed(value, max(0, digits - 1 - floor(log10(spread))))
        if len(text) <= _WIDEST and _shown([value], [text]):
            return text
    return significant(value, digits)


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals, never "-0.00".

    >>> fixed(2.5, 2), fixed(-0.001, 2), fixed(float("nan"), 2), fixed(float("-inf"), 2)
    ('2.50', '0.00', '—', '-inf')
    """
    if isnan(value):
        return ABSENT
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def significant(value: float, digits: int = 4) -> str:
    """A number with so many significant digits; powers of ten only where zeros would have to be counted.

    >>> significant(393.4012), significant(0.000123456), significant(1.5e-7, 2), significant(2.0, 3), significant(0)
    ('393.4', '0.0001235', '1.5e-07', '2.00', '0')
    """
    if isnan(value):
        return ABSENT
    if value == 0 or not isfinite(value):
        return f"{value:g}".lstrip("-") if value == 0 else f"{value:g}"
    scientific = f"{value:.{digits - 1}e}"
    exponent = int(scientific.rpartition("e")[2])
    if -5 < exponent < 7:
        return f"{value:.{max(0, digits - 1 - exponent)}f}"
    return scientific


def brief(value: float, digits: int = 6) -> str:
    """A number without zeros at its end.

    >>> brief(2.0), brief(1.9314149), brief(0.01), brief(-3e-11)
    ('2', '1.93141', '0.01', '-3e-11')
    """
    return ABSENT if isnan(value) else f"{value:.{digits}g}"


def probability(p: float) -> str:
    """A p-value: three decimals, or two digits and a power of ten.

    >>> probability(1e-40), probability(0.0451), probability(3.14e-5), probability(0.9999)
    ('<2e-16', '0.045', '3.1e-05', '1.000')
    """
    if isnan(p):
        return ABSENT
    if p < SMALLEST_P:
        return "<2e-16"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def count(number: float, noun: str) -> str:
    """A number with its noun, thousands apart; of one that is not whole six digits.

    >>> count(1, "row"), count(10_000_000, "row"), count(50 / 3, "row"), count(1e6 / 3, "row")
    ('1 row', '10,000,000 rows', '16.6667 rows', '333,333 rows')
    """
    return f"{number:{',.0f' if number % 1 == 0 or number >= 1e5 else ',.6g'}} {noun}" + ("" if number == 1 else "s")


def _shown(values: Sequence[float], texts: Sequence[str]) -> bool:
    """Whether every number that is not 0 shows at least two digits of itself."""
    return all(
        not value or not isfinite(value) or len(text.lstrip("-0.").replace(".", "")) >= 2 or abs(value) >= 1
        for value, text in zip(values, texts, strict=True)
    )
