"""Formulas: what they mean, and what is said of those that cannot be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gradline.design.formula import parse
from gradline.design.problem import pose
from gradline.errors import ColumnError, OptionError

COLUMNS = ("y", "z", "a", "b", "c", "a b", "s")


@pytest.mark.parametrize(
    ("formula", "targets", "terms", "intercept"),
    [
        ("y ~ a", ["y"], {"a": [("a", 1)]}, True),
        ("y~a+b", ["y"], {"a": [("a", 1)], "b": [("b", 1)]}, True),
        ("y + z ~ a - 1", ["y", "z"], {"a": [("a", 1)]}, False),
        ("y ~ 0 + a", ["y"], {"a": [("a", 1)]}, False),
        ("y ~ 1", ["y"], {}, True),
        ("y ~ a:b", ["y"], {"a:b": [("a", 1), ("b", 1)]}, True),
        ("y ~ a:b + a", ["y"], {"a": [("a", 1)], "a:b": [("a", 1), ("b", 1)]}, True),
        ("y ~ a*b", ["y"], {"a": [("a", 1)], "b": [("b", 1)], "a:b": [("a", 1), ("b", 1)]}, True),
        ("y ~ a*b - a", ["y"], {"b": [("b", 1)], "a:b": [("a", 1), ("b", 1)]}, True),
        ("y ~ (a + b)**2", ["y"], {"a": [("a", 1)], "b": [("b", 1)], "a:b": [("a", 1), ("b", 1)]}, True),
        ("y ~ poly(a, 3)", ["y"], {"a": [("a", 1)], "a^2": [("a", 2)], "a^3": [("a", 3)]}, True),
        ("y ~ poly(a,2,raw=TRUE)", ["y"], {"a": [("a", 1)], "a^2": [("a", 2)]}, True),
        ("y ~ poly(a, degree=2)", ["y"], {"a": [("a", 1)], "a^2": [("a", 2)]}, True),
        ("y ~ poly(a, 2):b", ["y"], {"a:b": [("a", 1), ("b", 1)], "a^2:b": [("a", 2), ("b", 1)]}, True),
        ("y ~ `a b` + poly(`a b`, 2):c", ["y"], None, True),
        ("y ~ .", ["y"], {name: [(name, 1)] for name in COLUMNS[1:]}, True),
        ("`a b` ~ a", ["a b"], {"a": [("a", 1)]}, True),
    ],
)
def test_meaning(
    formula: str, targets: list[str], terms: dict[str, list[tuple[str, int]]] | None, intercept: bool
) -> None:
    got = parse(formula, COLUMNS)
    assert list(got.targets) == targets
    assert got.intercept is intercept
    if terms is None:
        terms = {"a b": [("a b", 1)], "a b:c": [("a b", 1), ("c", 1)], "a b^2:c": [("a b", 2), ("c", 1)]}
    assert {term.name: list(term.factors) for term in got.terms} == terms
    assert [term.name for term in got.terms] == list(terms)
    assert not got.coded.effects


@pytest.mark.parametrize(
    ("formula", "kind", "words"),
    [
        ("y ~ lag(a)", OptionError, r"function 'lag' in 'lag\(a\)' is not known.\nThere are log, .*scale"),
        ("y ~ np.linalg.norm(a)", OptionError, "function 'linalg.norm'"),
        ("y ~ a.__class__()", OptionError, "function 'a.__class__'"),
        ("y ~ {a.__class__}", ColumnError, "no column 'a.__class__'"),
        ("y ~ {(lambda: a)()}", OptionError, "is not known"),
        ("y ~ {[a][0]}", OptionError, "is not supported.\nThere are numbers"),
        ("y ~ log(a, 2)", OptionError, "log in .* takes 1 value and no options"),
        ("y ~ where(a > 1, 2)", OptionError, "where in .* takes 3 values"),
        ("y ~ I(2)", OptionError, "is a constant"),
        ("y ~ log(aa)", ColumnError, "no column 'aa' .*Did you mean 'a"),
        ("y ~ 2:a", OptionError, r"scales a column by a number.\nUse I"),
        ("y ~ C(a, Sum)", OptionError, "treatment coding"),
        ("y ~ C(a, contr.sum)", OptionError, "treatment coding"),
        ("y ~ C(a, Treatment(1, 2))", OptionError, "treatment coding"),
        ("y ~ C(a, levels=['u'])", OptionError, "treatment coding"),
        ("y ~ C(a, Treatment([1]))", OptionError, "expected a level: text or a number"),
        ("y ~ C(a, Treatment(1)) + b:C(a, Treatment(2))", OptionError, "'a' has two bases"),
        ("y ~ C(a) + C(a):b + C(a, Treatment(2))", OptionError, "twice"),
        ("y ~ scale(a, b)", OptionError, "must be numbers"),
        ("y ~ scale(a, rescale=True)", OptionError, "is not known"),
        ("y ~ center()", OptionError, "'center' .*is not known"),
        ("y:z ~ a", OptionError, "target 'y:z' .*\nThe target is a column or computed"),
        ("C(y) ~ a", OptionError, r"target 'C\(y\)'"),
        ("poly(y, 2) ~ a", OptionError, r"target 'poly\(y, 2\)'"),
        ("y ~ poly(a, 2, raw=False)", OptionError, "powers are raw"),
        ("y ~ poly(a, 0)", OptionError, "degree k of 1 or more"),
        ("y ~ poly(a)", OptionError, r"'poly\(a\)'"),
        ("y ~ poly(a, 2) + a", OptionError, "term 'a' twice"),
        ("y ~ poly(a, 2):b + b:a", OptionError, "twice"),
        ("y ~ aa", ColumnError, "no column 'aa' .*Did you mean 'a"),
        ("yy ~ a", ColumnError, "no column 'yy' .*Did you mean 'y'"),
        ("y ~ poly(d9, 2)", ColumnError, "no column 'd9'"),
        ("y ~ a | b", OptionError, "several parts"),
        ("y ~ 5", OptionError, "cannot be read"),
        ("y ~ (a", OptionError, "cannot be read"),
        ("y ~ a + (b]", OptionError, "cannot be read: brackets or calls"),
        ("y ~ log(a).mean(b)", OptionError, "cannot be read: brackets or calls"),
        ("y ~ a ~ b", OptionError, "formula"),
        ("y ~", OptionError, "expected a target, a tilde"),
        ("~ a", OptionError, "expected a target, a tilde"),
        ("a + b", OptionError, "expected a target, a tilde"),
        ("", OptionError, "expected a target, a tilde"),
        (3, OptionError, "formula is 3"),
    ],
)
def test_refused(formula: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        parse(formula, COLUMNS)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    ("formula", "terms", "intercept"),
    [
        ("y ~ .", ["0", "1", "-1", "1e3", "-1:0"], True),
        ("y ~ . - 1", ["0", "1", "-1", "1e3", "-1:0"], False),
        ("y ~ . - `1`", ["0", "-1", "1e3", "-1:0"], True),
        ("y ~ . - `-1` - `0`", ["1", "1e3", "-1:0"], True),
        ("y ~ `0` + `1`", ["0", "1"], True),
        ("y ~ 0 + `0` + `1`", ["0", "1"], False),
        ("y ~ -1 + `-1`", ["-1"], False),
        ("y ~ 1 + `1`", ["1"], True),
        ("y ~ `0` * `1`", ["0", "1", "0:1"], True),
        ("y ~ (`0` + `1` + `-1`)**2 - `1`:`-1`", ["0", "1", "-1", "0:1", "0:-1"], True),
        ("y ~ log(`1` + 1) + poly(`0`, 2)", ["log(`1` + 1)", "0", "0^2"], True),
        ("`1` ~ . - y", ["0", "-1", "1e3", "-1:0"], True),
        ("log(`1`) ~ I(`0` * 1e3)", ["I(`0` * 1000.0)"], True),
    ],
)
def test_columns_that_are_called_as_numbers(formula: str, terms: list[str], intercept: bool) -> None:
    got = parse(formula, ("0", "1", "-1", "y", "1e3", "-1:0"))
    assert [term.name for term in got.terms] == terms
    assert got.intercept is intercept


def test_a_number_in_backticks_is_missed_as_a_column() -> None:
    for formula in ("y ~ `1`", "`1` ~ a", "y ~ log(`1`)"):
        with pytest.raises(ColumnError, match=r"^no column '1' in "):
            parse(formula, COLUMNS)


def test_a_formula_that_cannot_be_read_is_told_in_its_own_names() -> None:
    with pytest.raises(OptionError, match=r"cannot be read: Missing operator between `a` and `a b`\.\n"):
        parse("y ~ a `a b`", COLUMNS)
    with pytest.raises(OptionError, match=r"^1:2 in formula 'y ~ `1`:2' scales a column"):
        parse("y ~ `1`:2", ("y", "1"))


FRAME = pd.DataFrame({"y": [1.0, 2.0, 4.0], "a": [1.0, 3.0, 5.0], "b": [2.0, 2.5, 3.0], "s": ["u", "v", "w"]})


def test_numbers_of_a_formula() -> None:
    problem = pose(FRAME, formula="y ~ a*b + poly(b, 2) - b - a")
    [block] = problem.blocks()
    assert [term.name for term in problem.terms] == ["b", "b^2", "a:b"]
    a, b = FRAME["a"].to_numpy(), FRAME["b"].to_numpy()
    for got, truth in zip(block.hi, (b, b**2, a * b, FRAME["y"]), strict=True):
        np.testing.assert_array_equal(got, truth)


def test_no_intercept_in_either_place() -> None:
    assert pose(FRAME, formula="y ~ a").intercept
    assert not pose(FRAME, formula="y ~ a - 1").intercept
    assert not pose(FRAME, formula="y ~ a", intercept=False).intercept


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ log(s)", "'s' in 'log.s.' is text"),
        ("y ~ y", "target 'y' is also a feature"),
        ("y ~ a:y", r"target 'y' is also a feature \(a:y\)"),
        ("y ~ poly(y, 2)", "target 'y' is also a feature"),
    ],
)
def test_columns_of_a_formula_are_checked(formula: str, words: str) -> None:
    with pytest.raises(ColumnError, match=words):
        pose(FRAME, formula=formula)
