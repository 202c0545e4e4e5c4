"""Lasso and elastic net along a path of strengths, from cross-products alone: compiled.

Coordinate descent finds which coefficients are not 0, over the columns that the sequential strong rule lets through;
the minimum on that face is then exact (`face_compiled.py`). Where a coefficient changes sign on the way there, it
stops at 0 and leaves the face; where a column that is 0 violates the optimality conditions, it enters. Each such step
lowers the objective, so the end is the minimum, however nearly dependent the columns are.

Sources: Friedman, Hastie & Tibshirani (2010), J. Stat. Softw. 33(1); Tibshirani et al. (2012), JRSS B 74(2), for the
strong rule; Lee et al. (2006), NIPS 19, algorithm 1, for the steps between faces.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from gradline.exact.face_compiled import in_pairs, on_face
from gradline.exact.factor_compiled import assign, bring, diagonal

_SWEEPS = 100
_ROUNDS = 8
"""Turns of coordinate descent before columns enter and leave one at a time."""
_FEW = 8
"""Columns that enter or leave one at a time even before."""
_COARSE = 1e-4
"""Where coordinate descent first stops: the change of a fitted value, the target having length 1."""
_SLACK = 1e-14
"""How far beyond its limit rounding may leave a gradient."""
_LEVEL = 1e-12
"""How close to its limit a gradient may be to have reached it."""

UNIQUE, DEPENDENT, UNSETTLED = 0, 1, 2


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def descend(
    gram: Any, right: Any, l1s: Any, l2s: Any, weights: Any, usable: Any, coefs: Any, freedom: Any, states: Any
) -> None:
    """Fill coefs (2, m, d), freedom (m,) and states (m,): the minima of ½·RSS + l1·Σ weight·|β| + ½·l2·Σ weight²·β².

    Args:
        gram: (2, d, d) cross-products, the diagonal of order 1.
        right: (2, d) cross-products with a target of a length of order 1.
        l1s: (m,) positive, best in falling order.
        l2s: (m,).
        weights: (d,) of the columns' penalties.
        usable: (d,) bool; other columns stay 0.
        coefs: Room for the minima, as pairs.
        freedom: Room for the effective numbers of coefficients.
        states: Room for what is known of each minimum: UNIQUE on its face, DEPENDENT columns allow others, UNSETTLED.
    """
    d = len(weights)
    beta = np.zeros((2, d))
    gradient = right[0].copy()
    signs = np.zeros(d)
    upper, order = np.empty((d, d)), np.empty(d, np.int64)
    size = np.int64(0)  # for a literal 0 all would be compiled a second time
    before = 0.0
    for j in range(d):
        if usable[j]:
            before = max(before, abs(gradient[j]) / weights[j])
    swept = np.zeros(d, np.bool_)
    for i in range(len(l1s)):
        l1, l2 = l1s[i], l2s[i]
        if i and l2 != l2s[i - 1]:
            size = np.int64(0)
        bound = 2.0 * l1 - before
        for j in range(d):
            swept[j] = usable[j] and (beta[0, j] != 0.0 or abs(gradient[j]) >= bound * weights[j])
        tolerance = _COARSE
        states[i] = UNSETTLED
        for turn in range(_ROUNDS):
            _sweep(gram[0], beta[0], gradient, swept, l1, l2, weights, tolerance)
            beta[1, :] = 0.0
            size, settled, freedom[i] = _settle(
                gram,
                right,
                beta,
                gradient,
                signs,
                usable,
                l1,
                l2,
                weights,
                upper,
                order,
                size,
                turn == _ROUNDS - 1,
            )
            if settled:
                more = _others(gram, right, gradient, signs, usable, l1, l2, weights)
                states[i] = DEPENDENT if more else UNIQUE
                break
            for j in range(d):
                swept[j] = swept[j] or (usable[j] and _excess(gradient[j], l1, weights[j]) > 0.0)
            tolerance *= 0.1
        assign(coefs[0, i], beta[0])
        assign(coefs[1, i], beta[1])
        before = l1


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _others(gram: Any, right: Any, gradient: Any, signs: Any, usable: Any, l1: Any, l2: Any, weights: Any) -> Any:
    """Whether columns outside of the face, which is of independent ones, reach their limit too and depend on it.

    Source: Tibshirani (2013), Electron. J. Stat. 7, lemma 2.
    """
    reached = np.zeros(len(weights), np.bool_)
    more = False
    for j in range(len(weights)):
        reached[j] = signs[j] != 0.0 or (usable[j] and _excess(gradient[j], l1, weights[j]) > -_LEVEL)
        more = more or (reached[j] and signs[j] == 0.0)
    if not more:
        return False
    active = np.nonzero(reached)[0]
    room = np.empty((2, len(active)))
    return in_pairs(gram, right, active, np.sign(gradient), l1, l2, weights, room, False)[0] >= 0


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _excess(gradient: Any, l1: Any, weight: Any) -> Any:
    return abs(gradient) - l1 * weight - _SLACK


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _sweep(gram: Any, beta: Any, gradient: Any, swept: Any, l1: Any, l2: Any, weights: Any, tolerance: Any) -> None:
    """Coordinate descent over the columns that are swept; the gradient c - Sβ of all columns is kept up to date."""
    columns = np.nonzero(swept)[0]
    for _ in range(_SWEEPS):
        largest = 0.0
        for j in columns:
            old = beta[j]
            reach = gradient[j] + gram[j, j] * old
            limit = l1 * weights[j]
            new = 0.0
            if reach > limit:
                new = (reach - limit) / (gram[j, j] + l2 * weights[j] ** 2)
            elif reach < -limit:
                new = (reach + limit) / (gram[j, j] + l2 * weights[j] ** 2)
            if new != old:
                beta[j] = new
                gradient -= (new - old) * gram[j]
                largest = max(largest, abs(new - old))
        if largest <= tolerance:
            return


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _settle(
    gram: Any,
    right: Any,
    beta: Any,
    gradient: Any,
    signs: Any,
    usable: Any,
    l1: Any,
    l2: Any,
    weights: Any,
    upper: Any,
    order: Any,
    size: Any,
    last: Any,
) -> Any:
    """From β to the minimum, face by face.

    Returns the size of the factor, whether it is the minimum, and the effective number of coefficients. Before the
    `last` turn, many columns that should enter or leave are left to coordinate descent.
    """
    d = len(weights)
    assign(signs, np.sign(beta[0]))
    out, slope = np.empty((2, d)), np.empty(d)
    settled = False
    entered = -1
    for _ in range(10 * d + 200):
        size, related = on_face(gram, right, signs, l1, l2, weights, beta, gradient, upper, order, size, out, slope)
        if related:
            _along(beta, signs, np.nonzero(signs)[0][:related], out[0], weights)
            continue
        if not last and _turning(signs, out) > _FEW:
            break
        share, leaving = _towards(beta, signs, out)
        for j in range(d):
            gradient[j] += share * (slope[j] - gradient[j])
        if leaving == entered >= 0:  # it entered for rounding's sake
            settled = True
            break
        entered = -1
        if leaving >= 0:
            continue
        worst, most, many = -1, 0.0, 0
        for j in range(d):
            if usable[j] and signs[j] == 0.0:
                excess = _excess(gradient[j], l1, weights[j])
                if excess > 0.0:
                    many += 1
                    if excess > most:
                        worst, most = j, excess
        settled = worst < 0
        if settled or (many > _FEW and not last):
            break
        signs[worst] = np.sign(gradient[worst])
        entered = worst
    freedom = 0.0
    if settled:
        size, freedom = _counted(gram, right, signs, l1, l2, weights, upper, order, size)
    return size, settled, freedom


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _counted(
    gram: Any, right: Any, signs: Any, l1: Any, l2: Any, weights: Any, upper: Any, order: Any, size: Any
) -> Any:
    """The size of the factor and tr(M⁻¹S), the effective number of coefficients."""
    active = np.nonzero(signs)[0]
    freedom = float(len(active))
    if l2 == 0.0:
        return size, freedom
    size, trusted = bring(gram[0], l2, weights, signs, upper, order, size)
    if not trusted:
        return size, in_pairs(gram, right, active, signs, l1, l2, weights, np.empty((2, len(active))), True)[1]
    shares = diagonal(upper, size)
    for i in range(size):
        freedom -= l2 * weights[order[i]] ** 2 * shares[i]
    return size, freedom


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _turning(signs: Any, out: Any) -> Any:
    """How many coefficients would change their sign."""
    many = 0
    for j in range(len(signs)):
        if signs[j] != 0.0 and out[0, j] * signs[j] <= 0.0:
            many += 1
    return many


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _towards(beta: Any, signs: Any, out: Any) -> Any:
    """Move β to the minimum on its face, `out`, or to where the first coefficient becomes 0.

    Returns the share of the way, and which coefficient became 0, or -1.
    """
    share, leaving = 1.0, -1
    for j in range(len(signs)):
        if signs[j] != 0.0 and out[0, j] * signs[j] <= 0.0:
            step = 0.0 if beta[0, j] == 0.0 else beta[0, j] / (beta[0, j] - out[0, j])
            if step < share or leaving < 0:
                share, leaving = step, j
    if leaving < 0:
        assign(beta[0], out[0])
        assign(beta[1], out[1])
        return share, leaving
    for j in range(len(signs)):
        beta[0, j] += share * (out[0, j] - beta[0, j])
    beta[1] = 0.0
    beta[:, leaving] = 0.0
    signs[leaving] = 0.0
    return share, leaving


@nb.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _along(beta: Any, signs: Any, active: Any, relation: Any, weights: Any) -> None:
    """Move β along a relation between columns, which leaves the fit as it is, until the penalty falls no more."""
    rate = 0.0
    for i in range(len(active)):
        rate += weights[active[i]] * signs[active[i]] * relation[active[i]]
    way = -1.0 if rate > 0.0 else 1.0
    for _ in range(2):
        step, leaving = np.inf, -1
        for i in range(len(active)):
            j = active[i]
            if way * relation[j] * signs[j] < 0.0:
                far = abs(beta[0, j] / relation[j])
                if far < step:
                    step, leaving = far, j
        if leaving >= 0:
            break
        way = -way
    for i in range(len(active)):
        beta[0, active[i]] += way * step * relation[active[i]]
        beta[1, active[i]] = 0.0
    beta[0, leaving] = signs[leaving] = 0.0
