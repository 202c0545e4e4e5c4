"""What a fitted model predicts for new rows, and how sure it is of that; a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.allowed import probability
from gradline.cluster.choice import opened
from gradline.design.newdata import NewRows, Predictors, height, numeric_parts, predictors
from gradline.design.terms import less
from gradline.doubledouble import Array, add, multiply
from gradline.errors import OptionError, warn
from gradline.exact import inference
from gradline.layout import told
from gradline.results.undetermined import Open, Relations, broken
from gradline.sources import CHUNK

if TYPE_CHECKING:
    from gradline.results.fit import Fit

_CELLS = 4_000_000
"""Numbers of a matrix that leverage may take at a time: 32 MB."""


class Prediction(NamedTuple):
    """Predicted values with an interval, each (n,) or (n, k)."""

    fit: Array
    lower: Array
    upper: Array


def predictions(
    fit: Fit,
    new: Any,
    *,
    interval: str | None = None,
    level: float = 0.95,
    unseen: str = "error",
    where: str | None = None,
    sql: str | None = None,
    progress: Callable[[int, int | None], object] | None = None,
    engine: Any = "local",
) -> Iterator[Prediction]:
    """The predictions for each chunk of new rows, in order, in bounded memory: see `Fit.predict`.

    Yields:
        fit, lower and upper (n, k); without an interval the latter two are (0, k).

    Raises:
        GradlineError: the request cannot be met; columns are looked for before the first chunk.
    """
    if interval not in (None, "mean", "prediction"):
        raise OptionError(f'interval is "mean", "prediction" or None, not {told(interval)}.')
    probability("level", level)
    if interval and fit.covariance is not None and fit.origin:
        raise OptionError(
            f"integers as large as these leave no intervals with {fit.se_kind} standard errors.\n"
            "Take a constant away from the columns first, or use the classical fit."
        )
    reach = inference.t_quantile(level, fit.df_t) * np.atleast_1d(fit.sigma) if interval else None
    own = float(interval == "prediction")
    if not fit.terms and not fit.recipe.categories:
        return _constants(fit, height(new, where, sql), reach, own)
    new_rows = predictors(
        new,
        fit.terms,
        fit.recipe,
        array_names=fit.array_names,
        where=where,
        sql=sql,
        unseen=unseen,
    )
    models = tuple([_Model.of(fit, root) for root in fit.roots])
    return _scored(new_rows, _Scoring(models, reach, own, Relations.of(fit), new_rows.strict), engine, progress)


def _scored(
    new: Predictors, scoring: _Scoring, engine: Any, progress: Callable[[int, int | None], object] | None
) -> Iterator[Prediction]:
    """What is predicted here, or by workers, in order."""
    done, open_rows = 0, Open()
    with opened(engine) as there:
        chunks = map(scoring.of, new.blocks(progress)) if there is None else there.in_order(new, scoring)
        for answer, left_open in chunks:
            yield answer
            open_rows = open_rows.and_after(left_open, done)
            done += len(answer.fit)
            if progress is not None and there is not None:
                progress(done, new.table.rows)
    if scoring.relations is not None and open_rows.rows:
        warn(scoring.relations.warning(open_rows, done))


def predict(fit: Fit, new: Any, **options: Any) -> Prediction:
    """All predictions at once, each (n, k); options as in `predictions`."""
    empty = np.empty((0, len(fit.targets)))
    chunks = list(predictions(fit, new, **options)) or [Prediction(empty, empty, empty)]
    if len(chunks) == 1:
        return chunks[0]
    return Prediction(*[np.concatenate(parts) for parts in zip(*chunks, strict=True)])


def _constants(fit: Fit, rows: int, reach: Any, own: float) -> Iterator[Prediction]:
    """What a model without features says of so many rows."""
    for first in range(0, rows, CHUNK):
        n = min(CHUNK, rows - first)
        own_spread = [fit.variance[0]] if fit.covariance is None else [float(root[0, 0] ** 2) for root in fit.roots]
        leverage = np.tile(own_spread, (n, 1))
        yield _around(np.repeat(fit.estimates, n, axis=0), leverage if reach is not None else None, reach, own)


def _around(values: Array, leverage: Array | None, reach: Any, own: float) -> Prediction:
    """The values with their intervals: the spread is that of the mean, and of a new observation's `own` noise.

    `leverage` is (n, k), or (n, 1) where targets share it.
    """
    if leverage is None:
        return Prediction(values, values[:0], values[:0])
    spread = np.sqrt(leverage + own) * reach
    return Prediction(values, values - spread, values + spread)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Parameters that share their numeric part and their categories: each row has at most one of them."""

    part: int | None
    """Number of the numeric part; None for the constant 1."""
    categories: tuple[int, ...]
    sizes: tuple[int, ...]
    """How many levels each category has."""
    keys: NDArray[np.int64]
    """Sorted numbers of the cells that have a parameter."""
    places: NDArray[np.int64]
    """Which parameter each of them has."""

    def parameters(self, rows: NewRows, none: int) -> NDArray[np.int64]:
        """Which parameter each row (n,) has; `none` where it has none."""
        cell = np.zeros(rows.rows, np.int64)
        for category, size in zip(self.categories, self.sizes, strict=True):
            cell = cell * size + rows.codes[category]
        at = np.minimum(np.searchsorted(self.keys, cell), len(self.keys) - 1)
        return np.where(self.keys[at] == cell, self.places[at], none)


class _Parts(NamedTuple):
    """Some rows of the design matrix, without the zeros of categories."""

    design: Array
    """(n, q) the constant and the terms without categories."""
    chosen: NDArray[np.int64]
    """(q,) their parameters."""
    cells: list[tuple[Array, NDArray[np.int64]]]
    """Of each group of cells the number (n,) or (1,) and the parameter (n,) that each row has."""

    def times(self, matrix: Array) -> Array:
        """(n, m) these rows times a matrix (p + 1, m)."""
        product: Array = self.design @ matrix[self.chosen]
        for number, places in self.cells:
            product += matrix[places] * number[:, None]
        return product

    def without_signs(self) -> _Parts:
        """The same with the size of each number."""
        return _Parts(abs(self.design), self.chosen, [(abs(number), places) for number, places in self.cells])


@dataclass(frozen=True, slots=True)
class _Model:
    """A fit taken apart: columns of numbers, and cells of categories that never become columns."""

    fit: Fit
    plain: tuple[tuple[int, int], ...]
    """Of each term without categories the number of its parameter and of its numeric part."""
    cells: tuple[_Cells, ...]
    root: Array
    """(p + 1, r): h of a row is the squared length of its parameters' rows, weighted, and what `apart` adds."""
    apart: Array
    """(p + 1,) for parameters of which a row has one at most: what each adds to h, times its number squared."""

    @classmethod
    def of(cls, fit: Fit, root: Array) -> _Model:
        """With rootᵀ·root the covariance of the parameters, for residuals of variance 1."""
        parts = {term.factors: number for number, term in enumerate(numeric_parts(fit.terms))}
        numbers = {category.column: number for number, category in enumerate(fit.recipe.categories)}
        levels = fit.recipe.places
        plain: list[tuple[int, int]] = []
        groups: dict[tuple[int | None, tuple[int, ...]], list[tuple[int, int]]] = {}
        for place, term in enumerate(fit.terms, int(fit.has_intercept)):
            if not term.cell:
                plain.append((place, parts[term.factors]))
                continue
            key = 0
            for column, level in term.cell:
                key = key * len(levels[numbers[column]]) + levels[numbers[column]][level]
            categories = tuple(numbers[column] for column, _ in term.cell)
            groups.setdefault((parts.get(term.factors), categories), []).append((key, place))
        cells = []
        for (part, categories), found in groups.items():
            keys, places = np.array(sorted(found), np.int64).T
            cells.append(_Cells(part, categories, tuple(len(levels[number]) for number in categories), keys, places))
        return cls(fit, tuple(plain), tuple(cells), *_rotated(root, cells))

    def values(self, rows: NewRows) -> Array:
        """(n, k) predicted values. Polynomials cancel: with low words the sums are carried in double-double."""
        fit = self.fit
        params = np.vstack([np.nan_to_num(fit.estimates), np.zeros((1, len(fit.targets)))])
        if fit.origin or any(low is not None for low in rows.lo):
            total = self._careful(rows, params, np.vstack([fit.estimates_low, params[-1:]]))
        else:
            total = self._design(rows) @ params[self._chosen]
            for group in self.cells:
                effect = params[group.parameters(rows, len(params) - 1)]
                total += effect if group.part is None else effect * rows.hi[group.part][:, None]
        return self._missing(rows, total)

    def leverage(self, rows: NewRows) -> Array:
        """(n,) h = z (X'X)⁻¹ z', some rows at a time, so that no matrix of all levels is ever made."""
        result = np.empty(rows.rows)
        for some, parts in self._stretches(rows):
            scaled = parts.times(self.root)
            apart = np.zeros(len(scaled))
            for number, places in parts.cells:
                apart += self.apart[places] * number**2
            result[some] = np.einsum("ij,ij->i", scaled, scaled) + apart
        return result

    def broken(self, rows: NewRows, relations: Array) -> NDArray[np.int64]:
        """(n,) the first of the relations (p + 1, r) that a row breaks, -1 for none."""
        result = np.empty(rows.rows, np.int64)
        sizes = abs(relations)
        for some, parts in self._stretches(rows):
            with np.errstate(over="ignore", invalid="ignore"):
                result[some] = broken(parts.times(relations), parts.without_signs().times(sizes))
        return result

    def _stretches(self, rows: NewRows) -> Iterator[tuple[slice, _Parts]]:
        """The rows about the fit's origin, as many at a time as a number for each parameter allows."""
        chosen, design = self._chosen, self._design(rows)
        if self.fit.origin:
            for column, (place, of) in enumerate(self.plain, int(self.fit.has_intercept)):
                high, low = less((rows.hi[of], rows.lo[of]), self.fit.origin[place - 1])
                design[:, column] = high if low is None else high + low
        found = [(group.part, group.parameters(rows, len(self.root) - 1)) for group in self.cells]
        step = max(1, _CELLS // len(self.root))
        for first in range(0, rows.rows, step):
            some = slice(first, first + step)
            cells = [
                (np.ones(1) if part is None else np.asarray(rows.hi[part][some], np.float64), places[some])
                for part, places in found
            ]
            yield some, _Parts(design[some], chosen, cells)

    @property
    def _chosen(self) -> NDArray[np.int64]:
        """(q,) the parameters of the columns of `_design`."""
        return np.array([*range(int(self.fit.has_intercept)), *[place for place, _ in self.plain]], np.int64)

    def _design(self, rows: NewRows) -> Array:
        """(n, q) the constant and the terms without categories."""
        start = int(self.fit.has_intercept)
        matrix = np.ones((rows.rows, start + len(self.plain)))
        for number, (_, part) in enumerate(self.plain, start):
            matrix[:, number] = rows.hi[part]
        return matrix

    def _careful(self, rows: NewRows, params: Array, params_low: Array) -> Array:
        zero = np.zeros((rows.rows, params.shape[1]))
        total = zero + params[0] * self.fit.has_intercept, zero + params_low[0] * self.fit.has_intercept
        every: Sequence[tuple[int | None, Any]] = [
            *[(part, np.array([place])) for place, part in self.plain],
            *[(group.part, group.parameters(rows, len(params) - 1)) for group in self.cells],
        ]
        for part, places in every:
            effect = params[places], np.nan_to_num(params_low[places])
            if part is not None:
                high = np.asarray(rows.hi[part], np.float64)[:, None]
                low = rows.lo[part]
                effect = multiply((high, np.zeros_like(high) if low is None else low[:, None]), effect)
            total = add(total, effect)
        answer: Array = total[0]
        return answer

    def _missing(self, rows: NewRows, values: Array) -> Array:
        """The values, NaN where a row has no level that the model knows."""
        for codes in rows.codes:
            unknown = codes < 0
            if unknown.any():
                values[unknown] = np.nan
        return values


@dataclass(frozen=True, slots=True)
class _Scoring:
    """What predictions are wanted; it goes to workers as it stands."""

    models: tuple[_Model, ...]
    """One for each root of the covariance: targets share one, or have their own."""
    reach: Any
    """How many spreads an interval goes either way; None where there is no interval."""
    own: float
    relations: Relations | None
    """What every row of the fit kept to, if anything."""
    strict: bool
    """Whether combinations of levels that the fit has not seen have predictions all the same."""

    def of(self, rows: NewRows) -> tuple[Prediction, Open]:
        """Of these rows; and which of them the data of the fit leave open."""
        values, leverage, left_open = self.models[0].values(rows), None, Open()
        if self.reach is not None:
            leverage = np.stack([model.leverage(rows) for model in self.models], axis=1)
        if self.relations is not None:
            found = self._broken(rows, self.relations)
            found[np.isnan(values).any(axis=1)] = -1
            if not self.strict:
                unseen = (found >= 0) & (found < self.relations.levels)
                values[unseen], found[unseen] = np.nan, -1
            left_open = Open.of(found)
        return _around(values, leverage, self.reach, self.own), left_open

    def _broken(self, rows: NewRows, relations: Relations) -> NDArray[np.int64]:
        """(n,) the first relation that each row breaks, -1 for none; of levels alone, once for each combination."""
        if relations.numeric:
            return self.models[0].broken(rows, relations.matrix)
        _, first, inverse = np.unique(np.stack(rows.codes), axis=1, return_index=True, return_inverse=True)
        zeros = [np.zeros(len(first)) for _ in rows.hi]
        distinct = NewRows(len(first), zeros, [None] * len(zeros), [codes[first] for codes in rows.codes])
        return self.models[0].broken(distinct, relations.matrix)[inverse.ravel()]

    def chunks(self, rows: NewRows) -> Iterator[tuple[Prediction, Open]]:
        """One, of all these rows."""
        yield self.of(rows)


def _rotated(root: Array, cells: Sequence[_Cells]) -> tuple[Array, Array]:
    """The root turned so that what the parameters of the largest category have to themselves is one number each.

    With root = Q·[R C; 0 S], R for all other parameters: |root·z|² = |R·z + C·z|² + |S·z|², and z has one number at
    most for S. So a row costs as many operations as there are other parameters, not as there are levels.
    """
    p = len(root)
    largest = max((group.places for group in cells), key=len, default=np.empty(0, np.int64))
    others = np.setdiff1d(np.arange(p), largest)
    turned, apart = root.T, np.zeros(p + 1)
    if len(largest):
        q, r = np.linalg.qr(root[:, others])
        turned = np.zeros((p, r.shape[0]))
        turned[others] = r.T
        turned[largest] = (q.T @ root[:, largest]).T
        apart[largest] = ((root[:, largest] - q @ turned[largest].T) ** 2).sum(axis=0)
    return np.vstack([turned, np.zeros((1, turned.shape[1]))]), apart
