"""A second pass over the rows: what each row's residual says about the parameters, and what is made of that.

Rows are cut, counted and added up as in the first pass, so that the bytes do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gradline.design.written_out import WrittenOut
from gradline.doubledouble import Array
from gradline.moments.one_pass import Engine, Progress, WithoutLevels, added_up_by
from gradline.moments.sums import cut, plain
from gradline.sources import CHUNK

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.design.problem import Problem
    from gradline.moments.kernels import Scores

_NUMBERS = 2**17
"""Of scores that are in memory at a time: a megabyte, which stays in the cache."""

_FEW = 32
"""Scores of a row up to which a stretch's are multiplied with each other as they come."""

ONE = 2.0**-30
"""A leverage this near to 1 is that of a row which determines a parameter alone; rounding decides the rest."""


@dataclass(frozen=True, slots=True)
class Whitening:
    """The model as a pass needs it: z = root·(1, x - centre) is orthonormal over the rows."""

    features: tuple[int, ...]
    """Those that are not aliased, m of them."""
    parameters: Array  # (2, k, 1 + m) the words of -β, the constant first: 0 where there is none
    centre: Array  # (1 + m,)
    root: Array  # (q, 1 + m)


class Meat(Protocol):
    """What is made of scores."""

    @property
    def power(self) -> int:
        """Scores are those of residuals over (1 - h)^(power/2)."""
        ...

    @property
    def squared(self) -> bool:
        """Whether scores are only multiplied with themselves: f equal rows then count as one with √f of the score."""
        ...

    @property
    def design(self) -> bool:
        """Whether it needs z as the scores of a target more."""
        ...

    @property
    def summed(self) -> bool:
        """Whether Σ s·sᵀ is all it needs of few scores."""
        ...

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """What it must know of the rows of a block beside their scores, each (n,)."""
        ...

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> Any:
        """What consecutive rows contribute."""
        ...

    def merge(self, a: Any, b: Any) -> Any:
        """Both together, b being of the rows after a's."""
        ...


class Scored(NamedTuple):
    """What a pass over some rows found."""

    rows: int
    used: int
    gradient: Array  # (k, q) Σ ω·z·e: 0 for the rows of the fit
    squares: Array  # (k,) Σ ω·e²
    targets: Array  # (k,) Σ ω·y²
    alone: tuple[int, int]
    """How many rows have a leverage of 1, and the first of them."""
    meat: Any


def scored(
    problem: Problem,
    design: WrittenOut,
    model: Whitening,
    meat: Meat,
    *,
    complete: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Scored | None:
    """Read the rows and make something of their scores; None of no rows.

    Args:
        problem: Whose terms, targets and weights are those of the fit.
        design: How its blocks become the columns of the model.
        model: The parameters and the root.
        meat: What is made of the scores.
        complete: Whether nothing was missing when these rows were read before.
        threads: How many chunks to work on at a time; by default as many as there are processors.
        progress: Called now and then with the rows so far and the rows in all.
        engine: Who does it elsewhere; not of a meat that keeps something of its own.
    """
    scoring = Scoring(design, model, meat, problem.frequency, complete)
    return added_up_by(engine, problem, scoring, threads, progress).total()


@dataclass(frozen=True, slots=True)
class Scoring(WithoutLevels[Scored]):
    """How the chunks of a block are scored."""

    design: WrittenOut
    model: Whitening
    meat: Meat
    frequency: bool
    complete: bool = False
    summed: bool = field(init=False)
    """Whether scores are multiplied and forgotten, a stretch at a time."""
    step: int = field(init=False)
    """Rows whose scores are in memory together."""

    def __post_init__(self) -> None:
        k, q = self.model.parameters.shape[1], len(self.model.root)
        summed = self.meat.summed and 0 < q <= _FEW
        object.__setattr__(self, "summed", summed)
        step = CHUNK if summed else max(256, min(2**14, _NUMBERS // (k * max(q, 1)) // 64 * 64))
        object.__setattr__(self, "step", step)

    def chunks(self, block: Block) -> Iterator[Scored]:
        """What each chunk of the block contributes, in order."""
        labels = self.meat.labels(block)
        codes = self.design.codes(block)
        for first in range(0, len(block.hi[0]), CHUNK):
            last = min(first + CHUNK, len(block.hi[0]))
            found = None
            for start in range(first, last, self.step):
                rows = slice(start, min(start + self.step, last))
                part = self._part(
                    cut(block, rows.start, rows.stop), [code[rows] for code in codes], [each[rows] for each in labels]
                )
                found = part if found is None else self.merge(found, part)
            assert found is not None
            yield found

    def _part(self, block: Block, codes: Sequence[NDArray[Any]], labels: Sequence[NDArray[Any]]) -> Scored:
        """What consecutive rows contribute."""
        rows, first = len(block.hi[0]), block.first
        numbers = None
        found = self._if_complete(block, codes) if self.complete else None
        if found is None:
            keep = _complete(block, codes)
            if not keep.all():
                numbers = np.flatnonzero(keep)
                block = block._replace(
                    hi=tuple([column[keep] for column in block.hi]),
                    lo=tuple([None if low is None else low[keep] for low in block.lo]),
                    weights=None if block.weights is None else block.weights[keep],
                )
                codes, labels = [code[keep] for code in codes], [each[keep] for each in labels]
            found = self._scores(block, codes)
        scores, squares = found
        alone = np.flatnonzero(scores.distances < ONE)
        which = 0 if not len(alone) else first + int(alone[0] if numbers is None else numbers[alone[0]])
        return Scored(
            rows=rows,
            used=len(block.hi[0]),
            gradient=scores.gradient,
            squares=scores.squares,
            targets=squares,
            alone=(len(alone), which),
            meat=self.meat.of(scores, labels),
        )

    def _if_complete(self, block: Block, codes: Sequence[NDArray[Any]]) -> tuple[Scores, Array] | None:
        """The scores of rows that lack nothing, else None. A number that is missing makes its row's residual so."""
        if codes or block.weights is not None or any(map(_gaps, self.design.beside(block, self.model.features))):
            return None
        found = self._scores(block, codes)
        return found if np.isfinite(found[0].squares).all() else None

    def _scores(self, block: Block, codes: Sequence[NDArray[Any]]) -> tuple[Scores, Array]:
        """The scores of rows that are all there, and the squares of their targets."""
        from gradline.moments import kernels

        model, n, k = self.model, len(block.hi[0]), self.model.parameters.shape[1]
        values, features = self.design.columns(block, codes, model.features)
        place = {feature: at for at, feature in enumerate(model.features, 1)}
        at = [0, *[place[feature] for feature in features]]
        twice = [number for number in range(2, len(at)) if at[number] == at[number - 1]]
        parameters, centre, root = model.parameters[:, :, at], model.centre[at], model.root[:, at]
        centre[twice] = 0.0  # the low word of a feature whose high word has been centred
        targets, lows = block.hi[-k:], block.lo[-k:]
        for target, low in enumerate(lows):
            if low is not None and low.any():
                values.append(low)
                own = np.zeros((2, k, 1))
                own[0, target] = 1.0
                parameters = np.concatenate([parameters, own], axis=2)
                centre, root = np.append(centre, 0.0), np.pad(root, ((0, 0), (0, 1)))
        factors = np.ones((3, n))
        if block.weights is not None:
            weights = np.asarray(block.weights, np.float64)
            factors[0] = np.sqrt(weights) if self.frequency and self.meat.squared else weights
            factors[1] = weights
            if not self.frequency:
                factors[2] = weights
        columns = [plain(column) for column in (*values, *targets)]
        options = {"design": self.meat.design, "summed": self.summed}
        found = kernels.scores(columns, parameters, centre, root, factors, self.meat.power, **options)
        squares = [float(np.einsum("i,i,i", factors[1], column, column)) for column in columns[-k:]]
        return found, np.array(squares)

    def merge(self, a: Scored, b: Scored) -> Scored:
        """Both together."""
        return Scored(
            rows=a.rows + b.rows,
            used=a.used + b.used,
            gradient=a.gradient + b.gradient,
            squares=a.squares + b.squares,
            targets=a.targets + b.targets,
            alone=(a.alone[0] + b.alone[0], a.alone[1] if a.alone[0] else b.alone[1]),
            meat=self.meat.merge(a.meat, b.meat),
        )


def _complete(block: Block, codes: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
    """Which rows (n,) lack nothing and have a weight."""
    keep = np.ones(len(block.hi[0]), bool)
    for column in block.hi:
        if column.dtype.kind == "f":
            keep &= ~np.isnan(column)
    for code in codes:
        keep &= code >= 0
    if block.weights is not None:
        keep &= np.asarray(block.weights, np.float64) > 0
    return keep


def _gaps(column: NDArray[Any]) -> bool:
    return column.dtype.kind == "f" and bool(np.isnan(column).any())
