"""What will be done with a problem, and why, before anything is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gradline.allowed import one_of
from gradline.design.derived import whole_columns
from gradline.layout import WIDTH, listing
from gradline.moments import devices, entries
from gradline.sources import comes_once

if TYPE_CHECKING:
    from gradline.design.problem import Problem

PRECISIONS = ("auto", "double-double", "float64")

FEW_COLUMNS = 30
"""Numeric columns up to which double-double costs no more than reading, or than the fastest float64 program."""

FEW_PRODUCTS = 1e9
"""Rows times columns² that double-double does in about a tenth of a second."""

SAFE_DIGITS = 10
"""Fewer sure digits than this after a pass in float64, and the rows are read again."""


@dataclass(frozen=True)
class Plan:
    """How a fit goes about its work; `Fit.plan` says how it went.

    Example:
        >>> import numpy as np, gradline as gl
        >>> print(gl.plan(np.zeros((1000, 3)), np.zeros(1000)))
        the array: 1,000 rows, 4 numeric columns
        double-double: 3 numeric features are few
        one pass over the rows
    """

    source: str
    rows: int | None
    """None where only reading can tell."""
    columns: int
    """Numeric columns: terms and targets."""
    categories: tuple[str, ...]
    """Columns whose levels are found on the way."""
    parts: int
    """Parts that can be read at the same time: row groups."""
    precision: str
    """"double-double" or "float64"."""
    why: str
    second: bool = False
    """Whether a second pass, for the residuals, follows where float64 leaves too few digits; rarely a third for all
    sums in double-double."""
    passes: int = 0
    """Passes that were made; 0 before the work."""
    last: str = ""
    """What the last of several passes was for."""
    before: tuple[str, ...] = ()
    """What needs whole columns before the passes: "scale(x)"."""
    device: str = ""
    """What is done about tensors on other devices: "float64 on cuda:0", "copied from mps:0, which has no float64"."""

    def after(self, what: str) -> Plan:
        """The plan after another pass, made for this."""
        return replace(self, passes=self.passes + 1, last=what)

    def __str__(self) -> str:
        rows = "rows known only when read" if self.rows is None else f"{self.rows:,} rows"
        parts = f", {self.parts} parts read side by side" if self.parts > 1 else ""
        columns = f"{self.columns} numeric column" + ("" if self.columns == 1 else "s")
        first = f"{self.source}: {rows}, {columns}{parts}"
        shown = listing(self.categories, WIDTH - len("levels of  are found on the way")) if self.categories else ""
        categories = [f"levels of {shown} are found on the way"] if shown else []
        if self.passes:
            passes = "one pass" if self.passes == 1 else f"{self.passes} passes, the last {self.last},"
            last = f"{passes} over the rows"
        elif self.second:
            last = f"one pass over the rows; a second for the residuals if fewer than {SAFE_DIGITS} digits are sure"
        else:
            last = "one pass over the rows"
        known = f"before it, one reading for what {', '.join(self.before)} must know of whole columns"
        before = [known] if self.before else []
        device = [f"tensors: {self.device}"] if self.device else []
        return "\n".join([first, *categories, f"{self.precision}: {self.why}", *device, last, *before])


def plan_of(problem: Problem, precision: str = "auto") -> Plan:
    """The decision list: which arithmetic, from what is known before the rows are read.

    Raises:
        OptionError: precision is none of "auto", "double-double" and "float64".
    """
    one_of("precision", precision, PRECISIONS)
    chosen, why = _choice(problem, precision)
    return Plan(
        source=problem.table.name,
        rows=problem.table.rows,
        columns=len(problem.terms) + len(problem.targets),
        categories=tuple([category.column for category in problem.categories]),
        parts=len(problem.parts()),
        precision=chosen,
        why=why,
        second=chosen == "float64" and precision == "auto",
        before=() if problem.passing is not None else tuple(whole_columns(problem.derived)),
        device=devices.described(problem, chosen),
    )


def _choice(problem: Problem, precision: str) -> tuple[str, str]:
    d, rows = len(problem.terms), problem.table.rows
    if precision != "auto":
        return precision, "asked for"
    if any(not term.plain for term in problem.terms):
        return "double-double", "powers and products of columns carry more digits than float64 holds"
    if problem.weights is not None:
        return "double-double", "weighted columns are products, with more digits than float64 holds"
    if d <= FEW_COLUMNS:
        return "double-double", f"{d} numeric feature{'s are' if d != 1 else ' is'} few"
    if entries.summed_by(problem):
        return "double-double", f"{d} sparse features: only stored numbers are multiplied"
    if rows is not None and rows * d**2 <= FEW_PRODUCTS:
        return "double-double", f"{rows:,} rows with {d} numeric features are few"
    if comes_once(problem.table):
        return "double-double", "rows that come only once leave no second look"
    return "float64", f"{d} numeric features are many"
