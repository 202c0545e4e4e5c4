"""What a fit says and what it takes for granted, in a few sentences; the words are in `fit_explanation_texts`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gradline.allowed import language
from gradline.layout import shortened
from gradline.report.fit_explanation_texts import TEXTS
from gradline.report.numbers import brief, significant

if TYPE_CHECKING:
    from gradline.results.fit import Fit

_NAME = 30  # cells of a name


def explained(fit: Fit, lang: str = "en") -> str:
    """A paragraph for each target: the clearest slope, the scatter, and what errors in x do or would do to it.

    Raises:
        OptionError: There are no words in this language.
    """
    language(lang)
    paragraphs = (_sentences(fit, TEXTS[lang], number) for number in range(len(fit.targets)))
    return "\n\n".join(" ".join(sentences) for sentences in paragraphs)


def _sentences(fit: Fit, texts: dict[str, str], number: int) -> Iterator[str]:
    start, target = int(fit.has_intercept), shortened(fit.targets[number], _NAME)
    estimates, errors = fit.estimates[:, number], np.reshape(fit.se, (len(fit.names), -1))[:, number]
    if len(fit.names) == start:
        yield texts["mean"].format(target=target)
        return
    at = _clearest(fit, estimates, errors)
    beside = texts["beside"] if len(fit.names) - start > 1 else ""
    facts = {"target": target, "beside": beside}
    if at is None:
        yield texts["together"]
    else:
        ends = np.reshape(fit.conf_int(), (len(fit.names), 2, -1))[at, :, number]
        facts |= {
            "column": shortened(fit.names[at], _NAME),
            "slope": significant(float(estimates[at])),
            "low": significant(float(ends[0])),
            "high": significant(float(ends[1])),
            "level": "95",
        }
    if fit.x_error is not None:
        yield from _corrected(fit, texts, facts, estimates, errors)
        return
    certain = at is not None and np.isfinite(errors[at])
    if at is not None:
        yield texts[("slope_beside" if beside else "slope") if certain and not fit.l2 else "slope_bare"].format(
            **facts
        )
    if fit.l1 or fit.l2:
        yield texts["penalised"]
        return
    r2, sigma = (float(np.reshape(value, -1)[number]) for value in (fit.r2, fit.sigma))
    if sigma == 0:
        yield texts["perfect"].format(**facts)
    elif np.isfinite([r2, sigma]).all():
        yield texts["scatter"].format(share=brief(100 * r2, 3), sigma=significant(sigma, 3), **facts)
    if at is None or not certain or not estimates[at] or sigma == 0:
        return
    spread = 1 / np.sqrt(fit.variance[at] * (fit.df_resid + 1))  # standard deviation beside the other columns
    share = float(errors[at] / abs(estimates[at]))
    yield texts["exact_x"].format(spread=significant(float(spread), 3), **facts)
    if share < 1:
        matters = significant(float(spread * np.sqrt(share)), 2)
        yield texts["matters_from"].format(matters=matters, share=brief(100 * share, 2))
    yield texts["noise_in_y"].format(**facts)


def _corrected(
    fit: Fit, texts: dict[str, str], facts: dict[str, str], estimates: np.ndarray, errors: np.ndarray
) -> Iterator[str]:
    """Of each column with errors (three at most) what they had done to its slope."""
    found = fit.x_error
    assert found is not None
    ends, most = fit.conf_int(), 0.0
    for name, sd, reliability in list(zip(found.names, found.sd, found.reliability, strict=True))[:3]:
        at = fit.names.index(name)
        own = facts | {
            "column": shortened(name, _NAME),
            "naive": significant(found.naive[at]),
            "sd": significant(sd, 3),
        }
        own |= {"error": brief(100 * (1 - reliability), 3), "reliability": significant(reliability, 3)}
        own |= {"slope": significant(float(estimates[at])), "level": "95"}
        own |= {"low": significant(float(ends[at, 0])), "high": significant(float(ends[at, 1]))}
        yield texts["corrected"].format(**own)
        yield texts["corrected_to"].format(**own)
        if errors[at] > 0:
            most = max(most, abs(float(estimates[at]) - found.naive[at]) / float(errors[at]))
    if found.names and most:
        yield texts["much" if most >= 1 else "little"].format(times=significant(most, 2))
    yield texts[found.kind]
    if found.kind == "known" and found.names and found.sigma == 0 and fit.sigma > 0:
        yield texts["too_much"].format(**facts)
    yield texts["predict"].format(**facts)


def _clearest(fit: Fit, estimates: np.ndarray, errors: np.ndarray) -> int | None:
    """The column that is in no other term and whose slope is the most standard errors from 0."""
    start = int(fit.has_intercept)
    uses = [column for term in fit.terms for column in dict(term.factors)]
    alone = [
        start + number
        for number, term in enumerate(fit.terms)
        if term.plain and uses.count(term.factors[0][0]) == 1 and np.isfinite(estimates[start + number])
    ]
    if not alone:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return max(alone, key=lambda at: np.nan_to_num(abs(estimates[at]) / errors[at], nan=0.0, posinf=1e308))
