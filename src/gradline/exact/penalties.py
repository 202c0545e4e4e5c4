"""Least squares with penalties on the coefficients, for many strengths at once, from moments alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradline.doubledouble import UNIT, Array, Pair, add, divide, multiply, subtract, two_product
from gradline.elimination import EXACT
from gradline.exact.centred import Centred, centred, intercepts, residual_squares
from gradline.exact.solve import Solution, solve

if TYPE_CHECKING:
    from gradline.moments import Moments

SURE_CORRECTION = 1e-14
"""Refinement of ridge coefficients must end with corrections below this share of the largest."""
_STEPS = 4

States: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sums:
    """What is known of the rows: moments, and what their columns are."""

    pair: Pair  # (1 + d + k, 1 + d + k)
    features: int
    epsilon: Array  # (d + k,) relative spacing of each column's numbers
    constant: NDArray[np.bool_]  # (k,) targets known to have one value
    unit: float | Array = UNIT
    rows: int | None = None


def sums_of(moments: Moments) -> Sums:
    """The moments as numbers."""
    constant = np.array(moments.constant, bool)
    return Sums(moments.pair, len(moments.columns), np.array(moments.epsilon), constant, moments.units, moments.used)


@dataclass(frozen=True, slots=True)
class Penalised:
    """The minima of RSS + 2·l1·Σ weight·|coef| + l2·Σ weight²·coef² for m strengths and k targets."""

    slopes: Pair  # (m, d, k), NaN where strength 0 leaves a column aliased
    constants: Pair  # (m, k) intercepts
    freedom: Array  # (m, k) effective number of parameters, the intercept among them
    states: States  # (m, k): UNIQUE, DEPENDENT or UNSETTLED of lasso_compiled
    usable: NDArray[np.bool_]  # (d,) features that are not constant


def penalised(
    sums: Sums, l1: Array, l2: Array, *, intercept: bool, standardize: bool, about: Centred | None = None
) -> Penalised:
    """Solve for all strengths, each in the way that suits it.

    1. l1 > 0: coordinate descent and exact steps between faces, from the strongest to the weakest;
    2. l1 = 0 < l2: one factorisation for all of them, refined in double-double;
    3. both 0, or where 2 did not get sure: elimination in double-double.

    Args:
        sums: The moments.
        l1: (m,) strengths of the absolute values.
        l2: (m,) strengths of the squares.
        intercept: Whether the model has one; it is never penalised.
        standardize: Whether a coefficient's weight is the standard deviation of its column, rather than 1.
        about: The centred moments, where they are known.
    """
    if about is None:
        about = centred(sums.pair, sums.features, intercept=intercept, standardize=standardize)
    m, d, k = len(l1), sums.features, len(sums.constant)
    slopes = np.zeros((m, d, k)), np.zeros((m, d, k))
    freedom, states = np.zeros((m, k)), np.zeros((m, k), np.int64)
    squares = ((l1 == 0) & (l2 > 0)).nonzero()[0]
    lassos = (l1 > 0).nonzero()[0]
    rest = ((l1 == 0) & (l2 == 0)).nonzero()[0].tolist()
    if len(lassos):
        order = lassos[np.argsort(-l1[lassos], kind="stable")]
        _lassos(about, l1[order], l2[order], slopes, freedom, states, order)
    if len(squares):
        rest += _ridges(about, l2[squares], slopes, freedom, squares)
    for word, scale in ((word, about.scales[:, None] / about.target_scales) for word in slopes):
        word *= scale
    slopes[0][:, :, sums.constant & intercept] = slopes[1][:, :, sums.constant & intercept] = 0.0
    for at in rest:
        one = weighted_solve(sums, float(l2[at]), about.weights, intercept)
        slopes[0][at], slopes[1][at] = one.params[int(intercept) :], one.params_low[int(intercept) :]
        freedom[at] = one.freedom - int(intercept)
    constants = intercepts(about, _without_gaps(slopes)) if intercept else (np.zeros((m, k)), np.zeros((m, k)))
    return Penalised(slopes, constants, freedom + int(intercept), states, about.usable)


def squares_left(moments: Pair, found: Penalised) -> Array:
    """(m, k) the residual sums of squares of any rows of these columns."""
    return residual_squares(moments, found.constants, _without_gaps(found.slopes))


def _without_gaps(slopes: Pair) -> Pair:
    """Aliased columns with coefficient 0."""
    return np.where(np.isnan(slopes[0]), 0.0, slopes[0]), slopes[1]


def solution(
    sums: Sums, l1: float, l2: float, *, intercept: bool, standardize: bool, slopes: Array | None = None
) -> Solution:
    """The whole solution at one strength, by elimination in double-double over the coefficients that are not 0.

    With l1 there are no standard errors: `variance` is NaN.

    Args:
        sums: The moments.
        l1: Strength of the absolute values.
        l2: Strength of the squares.
        intercept: See `penalised`.
        standardize: See `penalised`.
        slopes: (d, k) the coefficients, where they are known already.
    """
    d, start = sums.features, int(intercept)
    about = centred(sums.pair, d, intercept=intercept, standardize=standardize)
    if not l1:
        return weighted_solve(sums, l2, about.weights, intercept)
    if slopes is None:
        strengths = np.geomspace(max(about.largest_l1(), l1), l1, 11)[1:]
        path = penalised(sums, strengths, np.full(10, l2), intercept=intercept, standardize=standardize, about=about)
        slopes = path.slopes[0][-1]
    found = []
    for target in range(slopes.shape[1]):
        some = slopes[:, target].nonzero()[0]
        at = np.concatenate([[0], 1 + some, [1 + d + target]])
        hi, lo = sums.pair[0][np.ix_(at, at)], sums.pair[1][np.ix_(at, at)]
        pull = two_product(np.full(len(some), -l1), about.weights[some] * np.sign(slopes[some, target]))
        moved = add((hi[1:-1, -1], lo[1:-1, -1]), pull)
        hi[1:-1, -1], lo[1:-1, -1] = hi[-1, 1:-1], lo[-1, 1:-1] = moved
        part = Sums(
            (hi, lo),
            len(some),
            np.append(np.full(len(some), EXACT), sums.epsilon[d + target]),  # as `solve` takes them with a penalty
            sums.constant[[target]],
            np.broadcast_to(sums.unit, len(sums.pair[0]))[at],
            sums.rows,
        )
        one = weighted_solve(part, l2 if len(some) else 0.0, about.weights[some], intercept)
        found.append((some, one))
    return _together(sums, found, start)


def weighted_solve(sums: Sums, l2: float, weights: Array, intercept: bool) -> Solution:
    """`solve` with a weight for each coefficient's penalty: of the columns divided by their weights."""
    pair, start = sums.pair, int(intercept)
    plain = bool((weights == 1.0).all()) or not l2
    if not plain:
        ones = np.concatenate([[1.0], weights, np.ones(len(sums.constant))])
        divisor = two_product(ones[:, None], np.broadcast_to(ones, (len(ones), len(ones))))
        pair = divide(pair, divisor)
    one = solve(
        pair,
        sums.features,
        sums.epsilon,
        sums.constant,
        intercept=intercept,
        l2=l2,
        unit=sums.unit,
        rows=sums.rows,
    )
    if plain:
        return one
    back = np.concatenate([np.ones(start), weights])
    zero = np.zeros((len(back), 1))
    params = divide((one.params, one.params_low), (back[:, None], zero))
    return replace(
        one,
        params=params[0],
        params_low=params[1],
        variance=one.variance / back**2,
        root=one.root / back,
        error=one.error / back[:, None],
    )


def _lassos(
    about: Centred, l1: Array, l2: Array, slopes: Pair, freedom: Array, states: States, at: NDArray[np.int64]
) -> None:
    from gradline.exact.lasso_compiled import descend

    d, k = about.right[0].shape
    gram = np.stack(about.gram)
    weights = about.weights * about.scales
    for target in range(k):
        right = np.stack([word[:, target] for word in about.right])
        coefs, free, state = np.zeros((2, len(l1), d)), np.zeros(len(l1)), np.zeros(len(l1), np.int64)
        descend(gram, right, l1 * about.target_scales[target], l2, weights, about.usable, coefs, free, state)
        slopes[0][at, :, target], slopes[1][at, :, target] = coefs
        freedom[at, target], states[at, target] = free, state


def _ridges(about: Centred, l2: Array, slopes: Pair, freedom: Array, at: NDArray[np.int64]) -> list[int]:
    """Fill in what one eigendecomposition gives for all strengths; return the places where it is not sure."""
    from gradline.elimination_compiled import times

    some = about.usable.nonzero()[0]
    k, m = about.right[0].shape[1], len(l2)
    if not len(some):
        return []
    gram = about.gram[0][np.ix_(some, some)], about.gram[1][np.ix_(some, some)]
    weights = (about.weights * about.scales)[some]
    values, vectors = np.linalg.eigh(gram[0] / weights / weights[:, None])
    values = np.maximum(values, 0.0)
    strength = np.repeat(l2, k)  # (m·k,) for each strength all targets
    shrink = 1.0 / (values[:, None] + strength)

    def inverse(right: Array) -> Array:
        found: Array = (vectors @ (shrink * (vectors.T @ (right / weights[:, None])))) / weights[:, None]
        return found

    right = np.tile(about.right[0][some], m), np.tile(about.right[1][some], m)
    squares = two_product(weights[:, None], weights[:, None])
    pull = multiply((squares[0] + 0.0 * strength, squares[1] + 0.0 * strength), (strength, 0.0 * strength))
    x = inverse(right[0]), np.zeros(right[0].shape)
    for _ in range(_STEPS):
        residual = subtract(subtract(right, times(gram, x)), multiply(pull, x))
        correction = inverse(residual[0])
        x = add(x, (correction, np.zeros_like(correction)))
    size = abs(x[0]).max(axis=0)
    unsure = ~(abs(correction).max(axis=0) <= SURE_CORRECTION * size).reshape(m, k).all(axis=1)
    for word, found in zip(slopes, x, strict=True):
        word[np.ix_(at, some)] = found.reshape(len(some), m, k).swapaxes(0, 1)
    values[values <= len(some) * 2.0**-52 * values.max()] = 0.0
    freedom[at] = (values[:, None] / (values[:, None] + l2)).sum(axis=0)[:, None]
    for word in slopes:
        word[at[unsure]] = 0.0
    return [int(place) for place in at[unsure]]


def _together(sums: Sums, found: Sequence[tuple[NDArray[np.int64], Solution]], start: int) -> Solution:
    """One solution of all targets' own: coefficients that are not among theirs are 0."""
    q, k = start + sums.features, len(found)
    params, low, error = np.zeros((q, k)), np.zeros((q, k)), np.zeros((q, k))
    for target, (some, one) in enumerate(found):
        at = np.concatenate([np.arange(start), start + some])
        for whole, part in ((params, one.params), (low, one.params_low), (error, one.error)):
            whole[at, target] = part[:, 0]
    hi, lo = sums.pair
    none = np.zeros((1, k))
    slopes = np.nan_to_num(params[start:])[None], low[start:][None]
    constants = (params[:1], low[:1]) if start else (none, none)
    rss = residual_squares((hi, lo), constants, slopes)[0]
    return Solution(
        params=params,
        params_low=low,
        variance=np.full(q, np.nan),
        root=np.zeros((q, q)),
        rss=rss,
        tss=np.array([one.tss[0] for _, one in found]),
        perfect=np.zeros(k, bool),
        constant=np.array([one.constant[0] for _, one in found]),
        relations={},
        freedom=max(one.freedom for _, one in found),
        digits=min(one.digits for _, one in found),
        condition=max(one.condition for _, one in found),
        error=error,
        unsure=next((one.unsure for _, one in found if one.unsure), ""),
        method="lasso on its face, " + found[0][1].method,
    )
