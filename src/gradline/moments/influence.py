"""What each row does to a fit: leverage, residuals in standard deviations, and what leaving it out would change.

With h the leverage and r = √ω·e of a row, s² = RSS/df, and s₍₎² the same without the row:

    standardized = r/(s·√(1 - h))              studentized t = r/(s₍₎·√(1 - h))
    Cook's distance = standardized²·h/((1 - h)·p)       DFFITS = t·√(h/(1 - h))
    DFBETAS = (A⁻¹·x·ω·e)/((1 - h)·s₍₎·√diag A⁻¹),      s₍₎² = (RSS - r²/(1 - h))/(df - 1)

Source: Belsley, Kuh & Welsch (1980), Regression Diagnostics, chapter 2; Cook (1977), Technometrics 19.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import Array
from gradline.moments.grids import Grid
from gradline.moments.scores import ONE

if TYPE_CHECKING:
    from gradline.design.block import Block
    from gradline.moments.kernels import Scores


class Each(NamedTuple):
    """Some rows, for k targets; NaN where a row determines a parameter alone, or nothing is left of the residuals."""

    rows: NDArray[np.int64]  # (n,) their numbers
    fitted: Array  # (k, n)
    residual: Array  # (k, n) y - fitted
    leverage: Array  # (k, n), the same for each target
    standardized: Array  # (k, n)
    studentized: Array  # (k, n)
    cooks_distance: Array  # (k, n)
    dffits: Array  # (k, n)
    dfbetas: Array  # (p, k, n), of the parameters that are not aliased

    def of(self, which: Any) -> Each:
        """Some of them."""
        return Each(*[part[..., which] for part in self])  # type: ignore[arg-type]


def together(parts: Sequence[Each]) -> Each:
    """All these rows, in this order."""
    return Each(*[np.concatenate(each, axis=-1) for each in zip(*parts, strict=True)])


@dataclass(frozen=True, slots=True)
class Influences:
    """What is needed beside scores, which are those of power 2."""

    rss: Array  # (k,)
    df: float
    rank: int
    root: Array  # (q, p): rootᵀ·root is A⁻¹
    origins: Array  # (k,) what has been taken away from each target
    frequency: bool

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """The number of each row, its weight and its targets."""
        n, k = len(block.hi[0]), len(self.rss)
        weights = np.ones(n) if block.weights is None else np.asarray(block.weights, np.float64)
        return (np.arange(block.first, block.first + n), weights, *block.hi[-k:])

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> Each:
        """What these rows do."""
        rows, weights, *targets = labels
        residual = scores.errors
        goals = np.stack([np.asarray(each, np.float64) for each in targets]) + self.origins[:, None]
        distance = np.where(scores.distances < ONE, np.nan, scores.distances)  # (n,) 1 - h
        leverage = 1.0 - np.where(scores.distances < ONE, 0.0, scores.distances)
        own = residual if self.frequency else residual * np.sqrt(weights)
        copies = weights if self.frequency else 1.0
        rss, df = self.rss[:, None], self.df
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.maximum(rss - own**2 / distance, 0.0) / (df - 1.0 if df > 1 else np.nan)
            without = np.sqrt(np.where(left > 0.0, left, np.nan))  # (k, n)
            standardized = own / np.sqrt(np.where(rss > 0.0, rss, np.nan) / df * distance)
            studentized = own / (without * np.sqrt(distance))
            spread = np.sqrt((self.root**2).sum(axis=0))  # (p,)
            moved = np.einsum("qp,kqn->pkn", self.root, scores.values) / copies
            return Each(
                rows=rows,
                fitted=goals - residual,
                residual=residual,
                leverage=np.broadcast_to(leverage, residual.shape),
                standardized=standardized,
                studentized=studentized,
                cooks_distance=standardized**2 * leverage / distance / self.rank,
                dffits=studentized * np.sqrt(leverage / distance),
                dfbetas=moved / (without * spread[:, None, None]),
            )


@dataclass(frozen=True, slots=True)
class EachRow:
    """All rows, as they come."""

    influences: Influences
    power: int = 2
    squared: bool = False
    design: bool = False
    summed: bool = False

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """As Influences has them."""
        return self.influences.labels(block)

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> list[Each]:
        """These rows."""
        return [self.influences.of(scores, labels)]

    def merge(self, a: list[Each], b: list[Each]) -> list[Each]:
        """Both together."""
        return a + b


class Seen(NamedTuple):
    """What is kept of any number of rows."""

    top: tuple[Each, ...]
    """Of each target the rows with the largest Cook's distances, the largest first."""
    beyond: NDArray[np.int64]  # (2, k) rows with a leverage above 2p/n; with |studentized| above 3
    outlier: Array  # (2, k) the largest |studentized|, and its row
    points: tuple[Each, ...]
    """All rows, where there are few."""
    features: tuple[Array, ...]
    """The feature of these."""
    grids: tuple[Mapping[str, Grid], ...]
    """Of each target, where there are many."""


@dataclass(frozen=True, slots=True)
class Influential:
    """The most influential rows, and where all of them lie."""

    influences: Influences
    most: int
    nobs: float
    few: bool
    """Whether every row is kept as a point."""
    widths: tuple[Mapping[str, float], ...]
    """Of each target: how wide the cells of a quantity are at first."""
    feature: int | None
    """Which column of a block is drawn below the target, if one is."""
    power: int = 2
    squared: bool = False
    design: bool = False
    summed: bool = False

    def labels(self, block: Block) -> tuple[NDArray[Any], ...]:
        """As Influences has them, and the feature."""
        feature = () if self.feature is None else (block.hi[self.feature],)
        return (*feature, *self.influences.labels(block))

    def of(self, scores: Scores, labels: Sequence[NDArray[Any]]) -> Seen:
        """These rows."""
        feature = None if self.feature is None else np.asarray(labels[0], np.float64)
        rest = labels if self.feature is None else labels[1:]
        each = self.influences.of(scores, rest)
        k = len(each.residual)
        size = np.nan_to_num(np.abs(each.studentized), nan=-1.0)
        high = each.leverage > 2.0 * self.influences.rank / self.nobs
        outlier = np.full((2, k), -1.0)
        if size.shape[1]:
            at = size.argmax(axis=1)
            outlier = np.stack([size[np.arange(k), at], each.rows[at].astype(np.float64)])
        return Seen(
            top=tuple([self._top(each, target) for target in range(k)]),
            beyond=np.stack([high.sum(axis=1), (size > 3.0).sum(axis=1)]),
            outlier=outlier,
            points=(each._replace(dfbetas=each.dfbetas[:0]),) if self.few else (),
            features=() if feature is None or not self.few else (feature,),
            grids=() if self.few else tuple([self._grids(each, target, feature, rest) for target in range(k)]),
        )

    def merge(self, a: Seen, b: Seen) -> Seen:
        """Both together."""
        return Seen(
            top=tuple(
                [self._top(together(pair), target) for target, pair in enumerate(zip(a.top, b.top, strict=True))]
            ),
            beyond=a.beyond + b.beyond,
            outlier=np.where(b.outlier[0] > a.outlier[0], b.outlier, a.outlier),
            points=a.points + b.points,
            features=a.features + b.features,
            grids=tuple(
                [{name: one[name] + two[name] for name in one} for one, two in zip(a.grids, b.grids, strict=True)]
            ),
        )

    def _top(self, each: Each, target: int) -> Each:
        """The rows with the largest Cook's distances, of equal ones the earlier; NaN counts as 0."""
        distance = np.nan_to_num(each.cooks_distance[target])
        if len(distance) > 4 * self.most:
            some = np.argpartition(-distance, self.most)[: self.most]
            some = np.flatnonzero(distance >= distance[some].min())
            each, distance = each.of(some), distance[some]
        return each.of(np.lexsort((each.rows, -distance))[: self.most])

    def _grids(
        self, each: Each, target: int, feature: Array | None, labels: Sequence[NDArray[Any]]
    ) -> dict[str, Grid]:
        widths = self.widths[target]

        def grid(x: str, y: str, across: Array, along: Array, most: int = 256) -> Grid:
            return Grid.of(across, along, (0.0, 0.0), (widths[x], widths[y]), most)

        fitted, standardized = each.fitted[target], each.standardized[target]
        found = {
            "residuals": grid("fitted", "residual", fitted, each.residual[target]),
            "scale": grid("fitted", "root", fitted, np.sqrt(np.abs(standardized))),
            "leverage": grid("leverage", "standardized", each.leverage[target], standardized),
            "qq": grid("quantile", "nothing", standardized, np.zeros(len(standardized)), 4096),
        }
        if feature is not None:
            goal = np.asarray(labels[2 + target], np.float64) + self.influences.origins[target]
            found["data"] = grid("feature", "target", feature, goal)
        return found
