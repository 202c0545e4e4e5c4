"""The moments of a table: the one small matrix that every answer about a linear model is a function of."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.container import MisfitError, demand_fields
from gradline.design.recipe import Recipe
from gradline.design.request import demand_options
from gradline.design.terms import Term, fields_of_record
from gradline.doubledouble import UNIT, Array, Pair, add, divide, subtract
from gradline.errors import ColumnError, DataError, no_such_column
from gradline.layout import ERROR, WIDTH, cells, listing

if TYPE_CHECKING:
    from pathlib import Path

    from gradline.descent.stability import Stability
    from gradline.moments.one_pass import Progress
    from gradline.results.fit import Fit
    from gradline.results.penalty_path import PenaltyPath
    from gradline.results.run import Run
    from gradline.results.subsets import Subsets


FLOAT64 = 2.0**-48
"""Relative error of cross-products that were summed in float64: stretches of rows, then chunks in a tree."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Cross-products A = Σ w·z zᵀ with z = (1, x_1 … x_d, y_1 … y_k), in double-double.

    Each entry is an unevaluated sum hi + lo of two float64, about 32 digits. The moments of a union of rows are
    the sum of the moments, and taking rows away is a subtraction.

    Raises:
        DataError: two moments are added or subtracted that are not of the same columns.

    Example:
        >>> import numpy as np
        >>> x, y = np.arange(10.0), 2 * np.arange(10.0) + 3
        >>> m = Moments.of(x[:4], y[:4]) + Moments.of(x[4:], y[4:])
        >>> m.nobs, m.fit().coef
        (10, array([2.]))
        >>> (m - Moments.of(x[:4], y[:4])).nobs
        6
    """

    hi: Array  # (1 + d + k, 1 + d + k), symmetric
    lo: Array
    columns: tuple[str, ...]
    """Names of the d features."""
    targets: tuple[str, ...]
    """Names of the k targets."""
    nobs: float
    """Rows in the sums; with frequency weights as many as they stand for."""
    epsilon: tuple[float, ...]
    """(d + k,) relative spacing of each column's numbers: 2**-52 for float64, 2**-23 for float32."""
    rows: int = -1
    """Rows read, with the ones left out."""
    missing: tuple[tuple[str, int], ...] = ()
    """For each column that was missing in some rows, in how many."""
    terms: tuple[Term, ...] = ()
    """What each feature is made of."""
    unused: tuple[tuple[str, str | float], ...] = ()
    """Levels of categories that only dropped rows have, with their columns: no features were made of them."""
    constant: tuple[bool, ...] = ()
    """(k,) whether each target is known to have one value in all rows."""
    weighted: bool = False
    log_weights: float = 0.0
    """Σ log w, which the likelihood needs."""
    single_target: bool = True
    """Whether answers about the target are scalars and vectors rather than having an axis of targets."""
    array_names: bool = False
    """Whether the columns came without names, so that new data match them by position."""
    source: str = ""
    """What was read, as an error would call it."""
    recipe: Recipe = field(default_factory=Recipe)
    """What the features need that is no column of the data: levels of categories, functions of columns."""
    precision: str = "double-double"
    """How the sums were carried: "double-double" or "float64"."""
    unit: float = UNIT
    """Relative error of the entries between columns without categories, measured by the diagonal."""
    used: int = -1
    """Rows in the sums, each counted once whatever its weight."""
    growth: tuple[float, ...] = ()
    """(1 + d + k,) where rows were taken away, how many times as large the errors are beside what is left."""

    def __post_init__(self) -> None:
        """Fill in what follows from the rest."""
        if self.used < 0:
            object.__setattr__(self, "used", int(self.nobs))
        if self.rows < 0:
            object.__setattr__(self, "rows", self.used)
        if not self.constant:
            object.__setattr__(self, "constant", (False,) * len(self.targets))
        if not self.terms:
            object.__setattr__(self, "terms", tuple(Term(name, ((name, 1),)) for name in self.columns))

    @classmethod
    def of(
        cls,
        data: Any,
        target: Any = None,
        *,
        features: str | Sequence[str] | None = None,
        formula: str | None = None,
        weights: Any = None,
        frequency_weights: Any = None,
        missing: str = "drop",
        precision: str = "double-double",
        where: str | None = None,
        sql: str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
        engine: Any = "local",
    ) -> Moments:
        """The moments of any data that `gl.fit` takes.

        Args:
            data: As for `gl.fit`; likewise target, features, formula, weights, missing, where, progress and engine.
            target: See data.
            features: See data.
            formula: See data.
            weights: See data.
            frequency_weights: See data.
            missing: See data.
            precision: "double-double", or "float64" for sums that are right to about 15 digits.
            where: See data.
            sql: See data.
            threads: How many chunks to compute at a time; the sums do not depend on it.
            progress: See data.
            engine: See data.

        Raises:
            GradlineError: as for `gl.fit`.

        Example:
            >>> import numpy as np, gradline as gl
            >>> m = gl.Moments.of(np.arange(6.0), [1, 2, 2, 3, 5, 5])
            >>> m
            Moments: 6 rows of y on x · double-double
            >>> m.hi[0]
            array([ 6., 15., 18.])
        """
        from gradline.cluster.choice import opened
        from gradline.design.problem import pose
        from gradline.moments.one_pass import accumulate

        problem = pose(
            data,
            target,
            features=features,
            formula=formula,
            weights=weights,
            frequency_weights=frequency_weights,
            where=where,
            sql=sql,
            once=True,
        )
        with opened(engine) as there:
            return accumulate(
                problem, missing=missing, precision=precision, threads=threads, progress=progress, engine=there
            )

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Moments:
        """The moments from their fields as a file has them, with lists for tuples."""
        demand_fields(record, cls)
        moments = cls(**fields_of_record(record))
        p = 1 + len(moments.columns) + len(moments.targets)
        if moments.hi.shape != (p, p) or moments.lo.shape != (p, p):
            raise MisfitError("shapes and names in its description differ")
        return moments

    @property
    def pair(self) -> Pair:
        """High and low words."""
        return self.hi, self.lo

    @property
    def units(self) -> Array:
        """(1 + d + k,) the error of entry (i, j), measured by the diagonal, is at most √(units_i·units_j).

        Sums over the cells of categories are in double-double whatever the precision of the others.
        """
        fine = [False, *(bool(term.cell) for term in self.terms), *(False for _ in self.targets)]
        units: Array = np.where(fine, UNIT, self.unit) * np.array(self.growth or (1.0,))
        return units

    @property
    def lacking(self) -> dict[str, int]:
        """In how many rows a column was missing, for the columns where any was."""
        return dict(self.missing)

    def __add__(self, other: Moments) -> Moments:
        return self._with(other, 1) if isinstance(other, Moments) else NotImplemented

    def __radd__(self, other: object) -> Moments:
        return self if other == 0 else NotImplemented  # sum() starts from 0

    def __sub__(self, other: Moments) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        if other.nobs > self.nobs:
            raise DataError(f"{other.nobs} rows cannot be taken away from {self.nobs}.")
        return self._with(other, -1)

    def _with(self, other: Moments, sign: int) -> Moments:
        mine, theirs = (self.columns, self.targets, self.terms), (other.columns, other.targets, other.terms)
        if (*mine, self.weighted, self.recipe) != (*theirs, other.weighted, other.recipe):
            differ = f"these moments are of {_list(self)} and those of {_list(other)}"
            if mine == theirs:
                differ = "the rows of these moments were centred, scaled or put into categories in two ways"
                if self.weighted != other.weighted:
                    differ = "some of these moments are weighted and the others are not"
            raise DataError(
                f"{differ}.\n"
                "Moments add up where columns, their order and weighting are the same; use .select() to choose."
            )
        pair = add(self.pair, other.pair) if sign > 0 else subtract(self.pair, other.pair)
        if sign < 0:
            self._demand_among(other, pair[0].diagonal())
        grown = sign < 0 or self.growth or other.growth
        return dataclasses.replace(
            self,
            hi=pair[0],
            lo=pair[1],
            nobs=self.nobs + sign * other.nobs,
            rows=self.rows + sign * other.rows,
            used=self.used + sign * other.used,
            log_weights=self.log_weights + sign * other.log_weights,
            precision=self.precision if self.precision == other.precision else "float64",
            unit=max(self.unit, other.unit),
            growth=_growth(self, other, pair[0].diagonal()) if grown else (),
            unused=tuple(dict.fromkeys((*self.unused, *(other.unused if sign > 0 else ())))),
            missing=_counted(self.lacking, other.lacking, sign),
            epsilon=tuple(max(a, b) for a, b in zip(self.epsilon, other.epsilon, strict=True)),
            constant=tuple(self._stays_constant(other, number, sign) for number in range(len(self.targets))),
        )

    def _demand_among(self, other: Moments, left: Array) -> None:
        """Refuse to take away rows that leave a sum of squares (p,) below zero: they cannot be among these."""
        doubt = 2 * len(left) * np.maximum(self.units, other.units) * (self.hi + other.hi).diagonal()
        below = np.flatnonzero(left < -doubt)
        if len(below):
            name = ("weights", *self.columns, *self.targets)[below[0]]
            raise DataError(
                f"the rows to take away are not among these: they leave a sum of squares of {name} below zero.\n"
                "Take away moments of rows that went into these."
            )

    def _stays_constant(self, other: Moments, number: int, sign: int) -> bool:
        """Whether a target is known to be constant in the union too, or in what is left."""
        if sign < 0 or not other.nobs:
            return self.constant[number]
        if not self.nobs:
            return other.constant[number]
        # The value to the bit: of Σwy / Σw in double-double, float64 alone would be a spacing off.
        at = 1 + len(self.columns) + number
        values = [
            divide((part.hi[0, at], part.lo[0, at]), (part.hi[0, 0], part.lo[0, 0]))[0] for part in (self, other)
        ]
        return self.constant[number] and other.constant[number] and bool(values[0] == values[1])

    def select(self, features: str | Sequence[str], target: str | Sequence[str] | None = None) -> Moments:
        """The moments of some of the columns, without another look at the rows.

        Rows that were left out because another column was missing stay out.

        Args:
            features: Names of features to keep, in this order.
            target: Names of targets to keep; all of them by default.

        Raises:
            ColumnError: a name is not among the columns.

        Example:
            >>> import numpy as np, gradline as gl
            >>> m = gl.Moments.of(np.eye(4)[:, :3], [1.0, 2.0, 4.0, 5.0])
            >>> m.select(["x3"]).fit().coef
            array([1.33333333])
        """
        features = [features] if isinstance(features, str) else list(features)
        targets = list(self.targets) if target is None else [target] if isinstance(target, str) else list(target)
        for wanted, present in ((features, self.columns), (targets, self.targets)):
            for name in wanted:
                if name not in present:
                    raise no_such_column(name, present, "these moments")
        for name in features:
            if features.count(name) > 1:
                raise ColumnError(f"feature {name!r} is named {features.count(name)} times.\nName each once.")
        at = [self.columns.index(name) for name in features]
        at += [len(self.columns) + self.targets.index(name) for name in targets]
        keep = np.array([0] + [number + 1 for number in at])
        return dataclasses.replace(
            self,
            hi=self.hi[np.ix_(keep, keep)],
            lo=self.lo[np.ix_(keep, keep)],
            columns=tuple(features),
            targets=tuple(targets),
            epsilon=tuple(self.epsilon[number] for number in at),
            terms=tuple(self.terms[number] for number in at[: len(features)]),
            constant=tuple(self.constant[self.targets.index(name)] for name in targets),
            growth=tuple(self.growth[number] for number in keep) if self.growth else (),
            single_target=self.single_target or isinstance(target, str),
        )

    def fit(
        self,
        *,
        intercept: bool = True,
        l2: float = 0.0,
        l1: float = 0.0,
        aliased: str = "nan",
        x_error: Any = None,
    ) -> Fit:
        """The exact answer, as `gl.fit`.

        Raises:
            GradlineError: as for `gl.fit`.

        Example:
            >>> import gradline as gl
            >>> gl.Moments.of([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 4.0, 5.0]).fit().params
            array([0.9, 1.4])
        """
        from gradline.fitting import fit_moments

        return fit_moments(self, intercept=intercept, l2=l2, l1=l1, aliased=aliased, x_error=x_error)

    def path(self, **options: Any) -> PenaltyPath:
        """The answers for many strengths of a penalty, as `gl.path`.

        Raises:
            GradlineError: as for `gl.path`.

        Example:
            >>> import gradline as gl
            >>> gl.Moments.of([0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 4.0, 5.0]).path(l2=[0.0, 5.0]).coef
            array([[1.4],
                   [0.7]])
        """
        from gradline.penalising import path_moments

        demand_options(path_moments, options, (), "path")
        return path_moments(self, **options)

    def subsets(self, **options: Any) -> Subsets:
        """Which features to keep, as `gl.subsets`.

        Raises:
            GradlineError: as for `gl.subsets`.

        Example:
            >>> import numpy as np, gradline as gl
            >>> X = np.random.default_rng(0).normal(size=(50, 3))
            >>> gl.Moments.of(X, X[:, 1] + 0.1 * X[:, 0] ** 2).subsets().columns[1]
            ('x2',)
        """
        from gradline.selecting import subsets_of_moments

        demand_options(subsets_of_moments, options, (), "subsets")
        return subsets_of_moments(self, **options)

    def train(self, **options: Any) -> Run:
        """What full-batch gradient descent does with these data, as `gl.train`.

        Raises:
            GradlineError: as for `gl.train`.

        Example:
            >>> import gradline as gl
            >>> m = gl.Moments.of(*gl.line(seed=0))
            >>> m.train(lr=0.01, epochs=500, seed=0).weight.round(4)
            array([1.9314])
        """
        from gradline.training import train_moments

        demand_options(train_moments, options, (), "train")
        return train_moments(self, **options)

    def stability(self, **options: Any) -> Stability:
        """The learning-rate limit and its kin, as `gl.stability`.

        Raises:
            GradlineError: as for `gl.stability`.

        Example:
            >>> import gradline as gl
            >>> round(gl.Moments.of(*gl.line(seed=0)).stability(lr=0.01).lr_limit, 4)
            0.0291
        """
        from gradline.training import stability_of_moments

        demand_options(stability_of_moments, options, (), "stability")
        return stability_of_moments(self, **options)

    def save(self, path: str | Path) -> None:
        """Write the moments to one safetensors file, whole or not at all.

        Raises:
            StorageError: the file cannot be written.

        Example:
            >>> import pathlib, tempfile, gradline as gl
            >>> m = gl.Moments.of([0.0, 1.0, 2.0], [1.0, 2.0, 4.0])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     m.save(pathlib.Path(folder, "m.safetensors"))
            ...     gl.Moments.load(pathlib.Path(folder, "m.safetensors")).nobs
            3
        """
        from gradline import storage

        storage.save_moments(self, path)

    @staticmethod
    def load(path: str | Path) -> Moments:
        """Read moments that `save` wrote."""
        from gradline import storage

        return storage.load_moments(path)

    def __repr__(self) -> str:
        head, tail = f"Moments: {self.nobs} rows of ", f" · {self.precision}"
        head += listing(self.targets, 20) + " on "
        return head + listing(self.columns or ("nothing",), WIDTH - cells(head + tail)) + tail


def _growth(a: Moments, b: Moments, diagonal: Array) -> tuple[float, ...]:
    """(p,) the errors of both beside the diagonal (p,) of their sum or difference; 1 where nothing is left."""
    errors = sum(np.array(part.growth or (1.0,)) * part.hi.diagonal() for part in (a, b))
    return tuple(np.maximum(errors / np.where(diagonal > 0, diagonal, np.inf), 1.0).tolist())


def _counted(mine: dict[str, int], theirs: dict[str, int], sign: int) -> tuple[tuple[str, int], ...]:
    """The counts of both, or of what is left of mine."""
    names = dict.fromkeys((*mine, *theirs))
    total = ((name, mine.get(name, 0) + sign * theirs.get(name, 0)) for name in names)
    return tuple((name, count) for name, count in total if count)


def _list(moments: Moments) -> str:
    """What they are of, in half of an error's line."""
    head = f"{listing(moments.targets, 20)} on "
    return head + listing(moments.columns or ("nothing",), ERROR // 2 - cells(head))
