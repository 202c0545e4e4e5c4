"""A `Fit` as text: the table, the short form, and the table for a notebook."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.exact.strengths import objective
from gradline.layout import WIDTH, cells, filled, left, listing, right, shortened, wrapped
from gradline.report.abridged import abridged
from gradline.report.numbers import aligned, brief, count, fixed, probability, significant

if TYPE_CHECKING:
    from gradline.results.fit import Fit

_HEADINGS = ("estimate", "std err", "t", "p", "", "")
_SHORTEST_NAME = 17  # a name may be shortened to this before a digit is given up


def fit_summary(fit: Fit, level: float = 0.95, seconds: float | None = None) -> str:
    """The fit as a table of at most 80 columns, one for each target; of many levels only the first ones.

    Args:
        fit: What to print.
        level: Probability of the confidence intervals.
        seconds: How long the fit took, if that is to be said.
    """
    start = int(fit.has_intercept)
    shown, more = abridged(fit.terms, fit.aliased)
    rows = [*range(start), *(start + number for number in shown)]
    after = {start + number: str(rest) for number, rest in more.items()}
    tables = [_table(_figures(fit, number, level, rows), level, after) for number in range(len(fit.targets))]
    gap = "\n" if len(tables) == 1 else "\n\n"
    return "\n\n".join(tables) + gap + "\n".join(_closing(fit, seconds, len(rows)))


def fit_line(fit: Fit) -> str:
    """The fit in two lines of at most 80 columns: what it explains and how well, and the numbers."""
    features = [name for name in fit.names if not (fit.has_intercept and name == "Intercept")]
    figures = [count(fit.nobs, "row")]
    if len(fit.targets) == 1:
        figures += [f"R² {fixed(_each(fit.r2)[0], 3)}", f"residual sd {significant(_each(fit.sigma)[0])}"]
    tail = " · " + " · ".join(figures)
    room = WIDTH - cells("Fit: " + tail)
    formula = listing(fit.targets, room // 3) + " ~ "
    formula += listing(features or ["1"], room - cells(formula), " + ")
    first = _figures(fit, 0, 0.95, range(len(fit.names)))
    texts = aligned(first.estimates, 4, first.errors)
    pairs = [f"{shortened(name, 30)} {text}" for name, text in zip(first.names, texts, strict=True)]
    more = "" if len(fit.targets) == 1 else f"{shortened(fit.targets[0], 20)}: "
    digits = f" ({_sure(fit)})"
    return f"Fit: {formula}{tail}\n  {more}{listing(pairs, WIDTH - 2 - cells(more + digits))}{digits}"


def as_html(text: str) -> str:
    """Text for a notebook, as it stands."""
    return f'<pre style="line-height: 1.3">{html.escape(text)}</pre>'


@dataclass(frozen=True)
class _Figures:
    """What one target's table shows."""

    target: str
    heading: list[str]
    rows: Sequence[int]
    names: Sequence[str]
    estimates: list[float]
    errors: list[float]
    t: list[float]
    p: list[float]
    lower: list[float]
    upper: list[float]
    aliased: dict[str, str]
    footing: list[str]


def _figures(fit: Fit, number: int, level: float, rows: Sequence[int]) -> _Figures:
    def vector(values: Any) -> list[float]:
        return [float(value) for value in np.reshape(values, (len(fit.names), -1))[rows, number]]

    ends = np.reshape(fit.conf_int(level), (len(fit.names), 2, -1))[rows, :, number]
    return _Figures(
        target=fit.targets[number],
        heading=_heading(fit),
        rows=rows,
        names=[fit.names[row] for row in rows],
        estimates=vector(fit.params),
        errors=vector(fit.se),
        t=vector(fit.t),
        p=vector(fit.p),
        lower=ends[:, 0].tolist(),
        upper=ends[:, 1].tolist(),
        aliased=dict(fit.aliased),
        footing=[*_footing(fit, number), *_errors(fit), *_errors_in_x(fit)],
    )


def _errors_in_x(fit: Fit) -> list[str]:
    """What slopes were corrected for, and what they would be without."""
    if fit.x_error is None:
        return []
    known = fit.x_error
    place = {name: at for at, name in enumerate(fit.names)}
    parts = [
        f"{shortened(name, 24)} sd {brief(sd, 4)} (reliability {brief(share, 3)}; "
        f"least squares {significant(known.naive[place[name]])})"
        for name, sd, share in zip(known.names, known.sd, known.reliability, strict=True)
    ]
    said = "errors in x, given: " if known.kind == "known" else "errors in x, by their ratio to y's: "
    return [line for part in filled([said + parts[0], *parts[1:]], "  ") for line in wrapped(part, "  ")]


def _heading(fit: Fit) -> list[str]:
    """How many rows, which were left out and why."""
    left_out, used = fit.left_out, fit.rows - fit.left_out
    if not left_out:
        rows = count(used, "row")
    else:
        together = [name for name, number in fit.missing.items() if number == left_out]
        if not fit.missing:
            reason = "weight 0"
        elif len(together) == len(fit.terms) + len(fit.targets) > 2:
            reason = f"all {len(together)} columns missing"
        else:
            reason = "missing: " + ", ".join(
                f"{shortened(name, 30)} {number}" for name, number in fit.missing.items()
            )
        rows = f"{used:,} rows of {fit.rows:,} ({left_out:,} left out; {reason})"
    kind = ["weighted"] if fit.weighted else []
    kind += [f"standing for {fit.nobs:,.12g} (frequency weights)"] if fit.nobs != used else []
    kind += [] if fit.has_intercept else ["through the origin"]
    penalties = [f"{name} {brief(value)}" for name, value in (("l1", fit.l1), ("l2", fit.l2)) if value]
    if penalties:
        kind.append(", ".join([*penalties, f"{brief(fit.freedom, 4)} effective parameters"]))
        kind.append(f"minimises {objective(bool(fit.l1), bool(fit.l2), fit.standardized)}")
    return [rows, *kind]


def _table(figures: _Figures, level: float, after: Mapping[int, str]) -> str:
    """The table of one target; `after` is what is said after some rows of the fit in place of the next ones."""
    target = shortened(figures.target, 40)
    heading = [line for part in filled(figures.heading) for line in wrapped(part)]
    title = f"{target}   {heading[0]}"
    lines = [title, *heading[1:]] if cells(title) <= WIDTH else [target, *(f"  {line}" for line in heading)]
    lines = [line for text in lines for line in wrapped(text, "  ")]
    columns, room = _columns(figures)
    width = max(map(cells, ["", *(shortened(name, room) for name in figures.names)]))
    widths = _widths(columns)
    head = "".join("  " + right(title, size) for title, size in zip(_HEADINGS[:4], widths, strict=False))
    interval = f"{brief(100 * level)} % interval".center(widths[4] + widths[5] + 2)
    lines += ["", f"{' ' * width}{head}  {interval}".rstrip()]
    for row, name in enumerate(figures.names):
        start = left(shortened(name, room), width)
        if name in figures.aliased:
            relation = shortened(f"aliased: {figures.aliased[name]}", WIDTH - width - 2)
            lines.append(f"{start}  {relation}")
        else:
            cellular = (right(column[row], size) for column, size in zip(columns, widths, strict=True))
            lines.append(start + "".join(f"  {cell}" for cell in cellular))
        if figures.rows[row] in after:
            lines.append(shortened(after[figures.rows[row]], WIDTH))
    lines += ["", *figures.footing]
    return "\n".join(lines)


def _columns(figures: _Figures) -> tuple[list[list[str]], int]:
    """The columns of numbers under their headings, with as many digits as leave room for the names."""
    shown = [row for row, name in enumerate(figures.names) if name not in figures.aliased]
    for digits in (4, 3, 2):
        columns = [
            _spread(figures.estimates, shown, digits, figures.errors),
            _spread(figures.errors, shown, digits, figures.errors),
            [_t(t) for t in figures.t],
            [probability(p) for p in figures.p],
            _spread(figures.lower, shown, digits - 1, figures.errors),
            _spread(figures.upper, shown, digits - 1, figures.errors),
        ]
        room = WIDTH - sum(2 + width for width in _widths(columns))
        if room >= min(_SHORTEST_NAME, max(map(cells, figures.names))):
            break
    return columns, room


def _widths(columns: list[list[str]]) -> list[int]:
    return [max(map(len, (title, *column))) for title, column in zip(_HEADINGS, columns, strict=True)]


def _spread(values: list[float], shown: list[int], digits: int, errors: list[float]) -> list[str]:
    texts = aligned([values[row] for row in shown], digits, [errors[row] for row in shown])
    column = [""] * len(values)
    for row, text in zip(shown, texts, strict=True):
        column[row] = text
    return column


def _t(t: float) -> str:
    return fixed(t, 2) if abs(t) < 1e4 else significant(t, 2)


def _footing(fit: Fit, number: int) -> list[str]:
    """How much is explained."""
    r2, adjusted = _each(fit.r2)[number], _each(fit.adj_r2)[number]
    f, p = _each(fit.f)[number], _each(fit.f_p)[number]
    parts = [f"R² {_share(r2)} (adjusted {_share(adjusted)})"]
    freedom = brief(fit.df_resid, 4) if fit.l1 or fit.l2 else f"{fit.df_resid}"
    parts.append(f"residual sd {significant(_each(fit.sigma)[number])} on {freedom} df")
    if not np.isnan(f):
        parts.append(f"F {significant(f)}, p {significant(p, 1) if 0 < p < 0.001 else probability(p)}")
    return filled(parts, "  ")


def _errors(fit: Fit) -> list[str]:
    """The line that says which standard errors these are."""
    parts = kind_of_errors(fit)
    return filled([*parts, f"t on {fit.df_t:,} df"], "  ") if parts else []


def kind_of_errors(fit: Fit) -> list[str]:
    """Which standard errors these are, where they are not the classical ones."""
    covariance = fit.covariance
    if covariance is None:
        return []
    parts = [f"{covariance.kind} standard errors"]
    parts += [f"{clusters:,} clusters of {shortened(name, 40)}" for name, clusters in covariance.clusters]
    if covariance.lags is not None:
        order = f"in order of {shortened(covariance.order, 40)}" if covariance.order else "in order of the rows"
        parts += [count(covariance.lags, "lag"), order]
    if covariance.small_sample:
        parts.append("times n/(n - p)")
    return parts


def _closing(fit: Fit, seconds: float | None, shown: int) -> list[str]:
    """How sure the numbers are, and what else should be known."""
    parts = [_sure(fit), f"condition {_condition(fit.condition_number)} scaled", _passes(fit)]
    if seconds is not None:
        parts[-1] += f", {duration(seconds)}"
    lines = filled([f"numbers: {parts[0]}", *parts[1:]], "  ")
    if shown < len(fit.names):
        lines.append(
            f"table: {shown:,} of {count(len(fit.names), 'parameter')}; all are in fit.tidy(), or with --json"
        )
    if fit.l1:
        lines += wrapped("note: no standard errors with l1, whose coefficients are biased towards 0", "      ")
    for note in fit.notes:
        if not note.startswith(("aliased: ", f"{fit.left_out} of ")):  # the table says these
            lines += wrapped(f"note: {note}", "      ")
    return lines


def _passes(fit: Fit) -> str:
    if fit.plan is None:
        return f"{fit.precision}, from moments"
    if fit.plan.precision == fit.precision:
        return f"{fit.precision}, {'one pass' if fit.plan.passes == 1 else f'{fit.plan.passes} passes'}"
    return "float64, then double-double"


def duration(seconds: float) -> str:
    """A time as a person says it.

    >>> duration(0.0042), duration(0.75), duration(12.3), duration(200)
    ('4 ms', '750 ms', '12.3 s', '3 min 20 s')
    """
    if seconds < 1:
        return f"{max(seconds, 0.001) * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{floor(seconds / 60)} min {seconds % 60:.0f} s"


def _condition(number: float) -> str:
    return f"{number:.0f}" if number < 1000 else f"{number:.1e}"


def _sure(fit: Fit) -> str:
    digits = floor(fit.digits)
    return count(digits, "digit") + " sure" if digits > 0 else "no digit is sure"


def _share(value: float) -> str:
    """R²: three decimals, and more where it is nearly 1."""
    for decimals in range(3, 16):
        text = fixed(value, decimals)
        if not text.startswith("1.") or value == 1:
            return text.rstrip("0").rstrip(".") if value == 1 else text
    return fixed(value, 3)


def _each(value: Any) -> list[float]:
    return [float(each) for each in np.atleast_1d(value)]
