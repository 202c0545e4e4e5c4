"""What is to be explained by what: the table, the terms, the targets and the weights of one request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradline.allowed import truth
from gradline.design.block import Block
from gradline.design.coding import Coded
from gradline.design.derived import measured, sources, values, whole_columns
from gradline.design.effects import Category, Effect
from gradline.design.expression import checked
from gradline.design.formula import Model, choose, parse
from gradline.design.passing import Passing, in_passing, needs_the_column
from gradline.design.polynomial import Polynomial
from gradline.design.recipe import EMPTY, Derived, Recipe
from gradline.design.request import as_asked
from gradline.design.roles import (
    demand_aside,
    demand_targets,
    features_of,
    labels_as_names,
    refuse_text,
    targets_of,
    weights_of,
)
from gradline.design.terms import Term, column_term, columns_of, evaluate, exact_words, less, powers
from gradline.errors import ColumnError, DataError, OptionError, no_such_column
from gradline.sources import Table, comes_once, is_named, open_table
from gradline.sources.arrays import array_columns, array_table, is_values
from gradline.sources.rows import Part, Rows, not_numbers


@dataclass(frozen=True, slots=True)
class Problem:
    """One request, checked: every column is there, holds numbers and plays one role."""

    table: Table
    terms: tuple[Term, ...]
    """The numeric terms; without `effects` they are the features in order."""
    targets: tuple[str, ...]
    weights: str | None
    intercept: bool
    array_names: bool = False
    """Whether the columns came without names, so that new data match them by position."""
    categories: tuple[Category, ...] = ()
    effects: tuple[Effect, ...] = ()
    """The features in order, where some have categories; `expand` makes them once the levels are known."""

    derived: tuple[Derived, ...] = ()
    """Columns that terms, targets and categories name, and that are computed of those of the table."""
    frequency: bool = False
    """Whether a weight says how many rows a row stands for, rather than how sure it is."""
    asides: tuple[str, ...] = ()
    """Columns that are read beside the model's: they say which fold, cluster or time a row is of."""
    origins: tuple[tuple[str, float], ...] = ()
    """Columns of large integers, each with a number that is taken away from it first; they stand for themselves."""
    passing: Passing | None = None
    """Computed columns that stand for themselves only when the rows, which come once, have passed."""
    asked: tuple[tuple[str, str], ...] = ()
    """The arguments that can be written down, as Python has them: paths, queries, a formula; no values in memory."""

    @property
    def recipe(self) -> Recipe:
        """What new data need to become the same columns; the levels are known once the rows have been read."""
        return Recipe(self.derived, self.categories) if self.derived or self.categories else EMPTY

    @property
    def logical(self) -> list[str]:
        """The categories that are columns of truth values."""
        names = [category.column for category in self.categories if category.column in self.table.columns]
        return [name for name in names if self.table.kind(name) in ("bool", "boolean")]

    @property
    def epsilon(self) -> tuple[float, ...]:
        """Relative spacing of the numbers: of the terms, then of the targets."""
        terms = [self._spacing(term.factors[0][0]) if term.plain else 2.0**-52 for term in self.terms]
        return (*terms, *[self._spacing(target) for target in self.targets])

    def _spacing(self, column: str) -> float:
        """Relative spacing of a column's numbers: of a computed one, the coarsest that it is made of."""
        if not self.derived:
            return self.table.epsilon(column)
        numeric = self.table.numeric
        made_of = [name for name in sources(self.derived, [column]) if name in numeric]
        return max([self.table.epsilon(name) for name in made_of], default=2.0**-52)

    @property
    def single_target(self) -> bool:
        """Whether there is one target: (n,), (n, 1), a series and one column are the same."""
        return len(self.targets) == 1

    @property
    def columns(self) -> list[str]:
        """The columns of the table that are read."""
        model = self._of_model  # a column may be in it twice, as a number and as a category
        return [*model, *dict.fromkeys(name for name in self.asides if name not in model)]

    @property
    def _of_model(self) -> list[str]:
        """Those that the model needs."""
        return sources(self.derived, self._names) if self.derived else self._names

    @property
    def _names(self) -> list[str]:
        """The columns that a block is made of: of the terms, the targets, the weights and the categories."""
        weights = [] if self.weights is None else [self.weights]
        return [*columns_of(self.terms), *self.targets, *weights, *[category.column for category in self.categories]]

    def parts(self) -> Sequence[Part]:
        """The parts of the table; `block` makes numbers of their rows."""
        parts = self.table.parts(self.columns)
        return parts if self.passing is None else self.passing.parts(parts, self.columns)

    def block(self, rows: Rows) -> Block:
        """Rows of the table as numbers."""
        given: Sequence[Any] = rows.columns
        asides: tuple[Any, ...] = ()
        if self.asides:
            columns = self.columns
            asides = tuple([given[columns.index(name)] for name in self.asides])
            given = given[: len(self._of_model)]
        if self.derived:
            given = values(self.derived, self._names, dict(zip(self._of_model, given, strict=True)))
        d = len(given) - len(self.categories) - (self.weights is not None)
        k = len(self.targets)
        hi, lo = evaluate(self.terms, given[: d - k])
        for target in given[d - k : d]:
            high, low = exact_words(target)
            hi.append(high)
            lo.append(low)
        if self.origins:
            hi, lo = self._about_origins(hi, lo)
        weights = None if self.weights is None else given[d]
        if not self.categories:
            return Block(rows.first, tuple(hi), tuple(lo), weights, rows.place, asides=asides)
        labels = [each[0] if isinstance(each, tuple) else each for each in given[len(given) - len(self.categories) :]]
        return Block(rows.first, tuple(hi), tuple(lo), weights, rows.place, tuple(labels), asides)

    def _about_origins(self, hi: Sequence[Any], lo: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The words of terms and targets less the origins of their columns: integers, so without a rounding error."""
        known = dict(self.origins)
        names = [*[term.factors[0][0] if term.plain else "" for term in self.terms], *self.targets]
        pairs = [
            less(words, known[name]) if name in known else words
            for name, words in zip(names, zip(hi, lo, strict=True), strict=True)
        ]
        return [high for high, _ in pairs], [low for _, low in pairs]

    def blocks(self) -> Iterator[Block]:
        """The rows in order, as numbers."""
        return map(self.block, self.table.read(self.columns))


def pose(
    data: Any,
    target: Any = None,
    *,
    features: str | Sequence[str] | None = None,
    formula: str | None = None,
    weights: Any = None,
    frequency_weights: Any = None,
    intercept: bool = True,
    where: str | None = None,
    sql: str | None = None,
    aside: str | Sequence[str] | None = None,
    measure: bool = True,
    once: bool = False,
) -> Problem:
    """Turn a request into a Problem, or say what is wrong with it.

    Columns of text are categories in a formula and among `features`. Where all the other columns are taken, text is
    refused: nobody asked for it, and it may be identifiers, or numbers with a slip in them.
    A formula with center(x) or scale(x) reads those columns once here, for their means and deviations, if `measure`.

    Args:
        data: array, tensor, data frame, path, list of paths, glob, stream, or `Polynomial`.
        target: a column name, several, or values (n,), (n, 1) or (n, k) in memory; by default what a stream has.
        features: column names; all columns but the target and the weights if None.
        formula: 'y ~ a + log(b) + C(c)' in place of target and features.
        weights: a column name, or values (n,) in memory: inverse variances up to a factor.
        frequency_weights: likewise; how many rows each row stands for, not only whole numbers.
        intercept: whether the model has a constant.
        where: an SQL condition on the rows of files.
        sql: a SELECT statement about the files.
        aside: column names; they are read, and no features unless they are named as such.
        measure: False leaves out what only the rows can tell, for a look at the request alone.
        once: whether the rows are wanted for their moments alone, which can be centred and scaled after the pass.

    Raises:
        ColumnError: a column is missing, misspelt, not numeric, or has two roles.
        ShapeError: target or weights do not have one row for each row of the data.
        OptionError: the request contradicts itself.
    """
    options, intercept = (
        (features, formula, weights, frequency_weights, where, sql, aside),
        truth("intercept", intercept),
    )
    if is_values(data) and is_values(target) and all(option is None for option in options):
        problem = _arrays(data, target, intercept)
        if problem is not None:
            return problem
    _not_an_empty_list(data)
    asked = as_asked(
        data=data, formula=formula, weights=weights, frequency_weights=frequency_weights, where=where, sql=sql
    )
    frequency = frequency_weights is not None
    if frequency:
        if weights is not None:
            raise OptionError(
                "weights= and frequency_weights= are both given.\n"
                "weights= says how sure a row is, frequency_weights= how many rows it stands for: choose one."
            )
        weights = frequency_weights
    model = None
    if isinstance(data, Polynomial):
        if features is not None or formula is not None:
            raise OptionError("polynomial(…) is the features already: leave out features= and formula=.")
        data, degree = data.x, data.degree
        table = open_table(data)
        model = Model((), Coded(powers(table.columns[0], degree), ()), intercept)
    else:
        table = open_table(data, where=where, sql=sql)
    target, weights, features = labels_as_names(table, data, target, weights, features)
    table, weight = weights_of(table, data, weights, where)
    asides = () if aside is None else (aside,) if isinstance(aside, str) else tuple(aside)
    for name in asides:
        demand_aside(table, name)
    if formula is not None:
        if target is not None or features is not None:
            raise OptionError("formula= names target and features itself: leave out target= and features=.")
        if not is_named(data):
            raise OptionError(
                "formula= needs columns with names and an array has none.\n"
                "Put it in a data frame, or use polynomial(x, k) for powers."
            )
        model = parse(formula, table.columns, _texts(table), intercept=intercept)
        targets = model.targets
        demand_targets(table, sources(model.derived, targets))
    else:
        table, targets = targets_of(table, data, target, features, where)
        demand_targets(table, targets)
        if model is None:
            taken = [name for name in (*targets, weight, *asides) if name is not None]
            names = features_of(table, features, taken)
            if features is None:
                refuse_text(table, names, taken)
            model = choose(names, table.columns, _texts(table), table.name, intercept=intercept)
    problem = demand_roles(
        Problem(
            table=table,
            terms=model.coded.terms,
            targets=targets,
            weights=weight,
            intercept=model.intercept,
            array_names=not is_named(data),
            categories=model.categories,
            effects=model.coded.effects,
            derived=model.derived,
            frequency=frequency,
            asides=asides,
            asked=asked,
        )
    )
    if not whole_columns(problem.derived):
        return problem
    if comes_once(table):
        if once:
            return in_passing(problem)
        raise needs_the_column(problem.derived, table)
    return replace(problem, derived=measured(problem.derived, table)) if measure else problem


def _arrays(data: Any, target: Any, intercept: bool) -> Problem | None:
    """The problem of two arrays or tensors of one height, whose columns need no checks; None of others.

    It is what the general way gives, in half of its time: half of what the notebook's training takes is such matters.
    """
    if target.ndim not in (1, 2):
        return None
    table = array_table(data)
    columns, height = array_columns(target, "y")
    if height != table.rows or not columns or not table.columns:
        return None
    terms = tuple([column_term(name) for name in table.columns])
    targets = tuple([column.name for column in columns])
    return Problem(table.beside(columns), terms, targets, None, intercept, array_names=True)


def _texts(table: Table) -> list[str]:
    """The columns that are categories without being called so."""
    numeric = set(table.numeric)
    return [name for name in table.labels if name not in numeric]


def demand_roles(problem: Problem) -> Problem:
    """The problem, if each of its columns is there, holds what it should and plays one role."""
    targets, weight, table = problem.targets, problem.weights, problem.table
    for target in targets:
        if targets.count(target) > 1:
            raise ColumnError(f"target {target!r} is named {targets.count(target)} times.\nName each target once.")
        for name, columns in _roles(problem):
            if target in columns:
                raise ColumnError(
                    f"target {target!r} is also a feature ({name}).\nA column cannot explain itself: leave it out."
                )
    if weight in targets:
        raise ColumnError(f"{weight!r} is the target and the weights.\nName another column as one of them.")
    numeric = set(table.numeric)
    compared = {name for each in problem.derived for name in checked(each.expression).texts}
    for name in sources(problem.derived, columns_of(problem.terms)):
        if name not in numeric and name not in compared:
            if name not in table.columns:
                raise no_such_column(name, table.columns, table.name)
            taken = [*targets] if weight is None else [*targets, weight]
            others = [other for other in table.numeric if other not in taken]
            raise not_numbers(name, table.kind(name), table.name, others, "feature", taken)
    for name in sources(problem.derived, [category.column for category in problem.categories]):
        if name not in numeric and name not in table.labels:
            raise ColumnError(
                f"column {name!r} in {table.name} is {table.kind(name)}; a category holds text or numbers.\n"
                "Convert it to text, or leave it out."
            )
    if not problem.terms and not problem.effects and not problem.intercept:
        raise OptionError("the model has neither a feature nor an intercept.\nName a feature, or keep the intercept.")
    return problem


def _roles(problem: Problem) -> Iterator[tuple[str, list[str]]]:
    """Each feature's name, with the columns that it is made of, computed ones and those of the table."""
    for term in problem.terms:
        names = columns_of([term])
        yield term.name, [*names, *sources(problem.derived, names)]
    for category in problem.categories:
        yield category.column, [category.column, *sources(problem.derived, [category.column])]


def _not_an_empty_list(data: Any) -> None:
    if isinstance(data, (list, tuple)) and not data:
        raise DataError(
            "the table is an empty list: it has neither rows nor files.\n"
            "Give an array, a data frame or paths; a glob that matches no file gives an empty list."
        )
