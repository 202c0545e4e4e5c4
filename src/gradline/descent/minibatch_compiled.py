"""The compiled steps of mini-batch SGD: forward, loss, gradient and update for one batch of rows after another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from gradline.moments.simd import address_of, prefetch

MSE, L1, HUBER = range(3)

_AHEAD = 32
"""Rows between asking for one and using it: about the time that memory takes, at a row every few nanoseconds."""
_LINES = 4
"""Cache lines of a row that are asked for; the processor follows a longer row by itself."""


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})  # type: ignore[untyped-decorator]
def steps(  # type: ignore[no-untyped-def]
    x,  # (n, d) float64 or float32
    y,  # (n, k)
    weights,  # (n,), or None of ones: a version of its own is compiled for each
    order,  # (m,) rows in the order of their visits
    size,  # rows in a batch
    loss_kind,  # MSE | L1 | HUBER, of which delta is for the last
    delta,
    mean,  # whether the loss is a mean over the numbers of a batch
    unit,  # by which that mean multiplies weights
    rate,  # lr
    momentum,
    dampening,
    nesterov,
    weight_decay,
    zero_grad,
    theta,  # (k, d + 1) weights and bias, updated in place; likewise what follows
    held,  # (k, d + 1) .grad
    buffer,  # (k, d + 1) momentum's
    total,  # (k, d + 1) sum of the parameters after each step, if averaging
    averaging,
    first,  # number of the first of these steps in the whole run
    every,  # of how many steps one is kept
    last,  # number of the step that is kept besides
    losses,  # (kept,) of the steps that are kept
    thetas,  # (kept, k, d + 1)
    gradients,  # (kept, k, d + 1)
) -> Any:
    """How many steps were taken: fewer than there are batches where a loss was not finite, before its update."""
    d, k = x.shape[1], y.shape[1]
    many = len(order)
    start, row_bytes = address_of(x), d * x.itemsize
    goals = address_of(y)
    lines = min(_LINES, (row_bytes + 63) // 64)
    kept = (first + every - 1) // every
    wait = kept * every - first
    share = unit / (size * k) if mean else 1.0
    count = (many + size - 1) // size
    for step in range(count):
        low, high = step * size, min(step * size + size, many)
        if high - low != size:
            share = unit / ((high - low) * k) if mean else 1.0
        if zero_grad:
            for target in range(k):
                for place in range(d + 1):
                    held[target, place] = 0.0
        loss = 0.0
        for at in range(low, high):
            if at + _AHEAD < many:
                address = start + order[at + _AHEAD] * row_bytes
                for line in range(lines):
                    prefetch(address + 64 * line)
                prefetch(goals + order[at + _AHEAD] * k * 8)
            row = order[at]
            for target in range(k):
                error = theta[target, d] - y[row, target]
                for feature in range(d):
                    error += theta[target, feature] * x[row, feature]
                if loss_kind == MSE:
                    lost = error * error
                    slope = 2.0 * error
                elif loss_kind == L1:
                    lost = abs(error)
                    slope = np.sign(error)
                elif abs(error) <= delta:
                    lost = 0.5 * error * error
                    slope = error
                else:
                    lost = delta * (abs(error) - 0.5 * delta)
                    slope = delta * np.sign(error)
                if weights is not None:
                    lost *= weights[row]
                    slope *= weights[row]
                loss += lost
                slope *= share
                for feature in range(d):
                    held[target, feature] += slope * x[row, feature]
                held[target, d] += slope
        loss *= share
        if not np.isfinite(loss):
            return step
        if wait == 0 or first + step == last:
            losses[kept] = loss
            thetas[kept] = theta
            gradients[kept] = held
            kept += 1
            wait = every
        wait -= 1
        taken = 1.0 - dampening if first + step else 1.0  # the first step fills the buffer
        for target in range(k):
            if momentum == 0.0:
                for place in range(d + 1):
                    theta[target, place] -= rate * (held[target, place] + weight_decay * theta[target, place])
            else:
                for place in range(d + 1):
                    change = held[target, place] + weight_decay * theta[target, place]
                    buffer[target, place] = momentum * buffer[target, place] + taken * change
                    change = change + momentum * buffer[target, place] if nesterov else buffer[target, place]
                    theta[target, place] -= rate * change
            if averaging:
                for place in range(d + 1):
                    total[target, place] += theta[target, place]
    return count
