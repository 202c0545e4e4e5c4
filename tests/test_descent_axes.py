"""Columns of very different sizes: axes and paths beside the same steps of SGD in 60 decimal digits."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import partial

import numpy as np
import pytest

from gradline.descent.axes import axes_of, sharpened
from gradline.descent.closed_form import ClosedForm
from gradline.descent.options import Sgd
from gradline.descent.quadratic import quadratic_of
from gradline.moments import Moments

paired = partial(zip, strict=True)
RNG = np.random.default_rng(31)
X = RNG.uniform(-10, 10, 30)
THREE = RNG.normal(size=(30, 3)) + 0.3
ORTHOGONAL = np.linalg.qr(RNG.normal(size=(30, 4)))[0]
DESIGNS = {
    "large": X[:, None] * 1e8,
    "largest": X[:, None] * 1e12,
    "small": X[:, None] * 1e-8,
    "far from zero": X[:, None] + 1e8,
    "three sizes": THREE * (1.0, 1e6, 1e-4),
    "two large": THREE * (1e8, 1.0, 1e8),
    "three small": THREE * (1e-8, 1e-3, 1.0),
    "nearly the same twice": np.c_[X, X + 1e-7 * THREE[:, 0]],
    "the same twice": np.c_[X * 1e6, X, THREE[:, 0]],
    "one steepness": ORTHOGONAL * 1e5,
    "powers": np.vander(X, 6)[:, :-1],
}
OPTIONS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "no zero_grad": {"zero_grad": False},
    "decay": {"weight_decay": 0.01},  # times the steepest curvature
}


def in_decimals(x: np.ndarray, y: np.ndarray, start: np.ndarray, sgd: Sgd, epochs: int) -> tuple[list, list]:
    """Losses before each step, and parameters before each step and after the last."""
    with localcontext() as context:
        context.prec = 60
        rows = [[Decimal(1), *map(Decimal, row)] for row in x.tolist()]
        goals = [Decimal(value) for value in y.tolist()]
        lr, beta, decay = (Decimal(value) for value in (sgd.lr, sgd.momentum, sgd.weight_decay))
        theta = [Decimal(value) for value in start.tolist()]
        held = [Decimal(0)] * len(theta)
        buffer: list | None = None
        losses, path = [], [theta]
        for _ in range(epochs):
            rest = [sum(z * t for z, t in paired(row, theta)) - goal for row, goal in paired(rows, goals)]
            losses.append(sum(value * value for value in rest) / len(rows))
            fresh = [2 * sum(r * row[j] for r, row in paired(rest, rows)) / len(rows) for j in range(len(theta))]
            held = fresh if sgd.zero_grad else [a + b for a, b in paired(held, fresh)]
            step = [g + decay * t for g, t in paired(held, theta)]
            if sgd.momentum:
                buffer = step if buffer is None else [beta * b + s for b, s in paired(buffer, step)]
                step = [s + beta * b for s, b in paired(step, buffer)] if sgd.nesterov else buffer
            theta = [t - lr * s for t, s in paired(theta, step)]
            path.append(theta)
        return losses, path


def relative(values: np.ndarray, truth: list) -> float:
    pairs = paired(np.ravel(values).tolist(), truth)
    return max(float(abs(Decimal(a) - b) / abs(b)) if b else abs(a) for a, b in pairs)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", DESIGNS)
def test_columns_of_very_different_sizes(name: str, options: str) -> None:
    x = DESIGNS[name]
    y = x @ (2.0 / np.abs(x).max(axis=0)) + 3.0 + 0.1 * RNG.normal(size=len(x))
    z = np.c_[np.ones(len(x)), x]
    steepest = 2.0 * float(np.linalg.eigvalsh(z.T @ z / len(x))[-1])
    given = dict(OPTIONS[options])
    if "weight_decay" in given:
        given["weight_decay"] *= steepest
    sgd = Sgd(0.6 / steepest, **given)
    for start in (RNG.normal(size=x.shape[1] + 1), np.zeros(x.shape[1] + 1)):
        losses, thetas = in_decimals(x, y, start, sgd, 40)
        path = ClosedForm(quadratic_of(Moments.of(x, y)), start[:, None], sgd, "mean", 40)
        assert relative(path.losses(0, 40), losses) < 1e-12
        # A parameter that crosses zero has no digits of its own: relative to the largest of the steps beside it.
        seen = np.concatenate([path.parameters(0, 40)[:, :, 0], path.parameters_after.T])
        for j in range(len(start)):
            truth = [theta[j] for theta in thetas]
            beside = [max(map(abs, truth[max(t - 1, 0) : t + 2])) for t in range(41)]
            errors = [
                float(abs(Decimal(a) - b) / c) if c else abs(a) for a, b, c in paired(seen[:, j], truth, beside)
            ]
            assert max(errors) < 1e-10, (name, options, j)


@pytest.mark.parametrize("name", DESIGNS)
def test_sharp_axes_take_the_root_apart_to_twice_the_digits(name: str) -> None:
    (hi, lo), _ = quadratic_of(Moments.of(DESIGNS[name], X)).exactly()
    axes = sharpened(axes_of(hi), (hi, lo))
    assert axes.low is not None
    with localcontext() as context:
        context.prec = 60
        size = range(len(hi))
        root = [[Decimal(hi[i, j]) + Decimal(lo[i, j]) for j in size] for i in size]
        parts = (axes.sigma, axes.low[0]), (axes.left, axes.low[1]), (axes.right, axes.low[2])
        sigma = [Decimal(a) + Decimal(b) for a, b in paired(parts[0][0], parts[0][1])]
        left, right = ([[Decimal(h[i, j]) + Decimal(w[i, j]) for j in size] for i in size] for h, w in parts[1:])
        for i in size:
            for j in size:
                assert abs(sum(left[m][i] * left[m][j] for m in size) - (i == j)) < Decimal("1e-28")
                middle = sum(left[m][i] * root[m][n] * right[n][j] for m in size for n in size)
                assert axes.mixed is not None
                share = Decimal(axes.mixed[i, j]) * sigma[i]
                assert abs(middle - (sigma[i] if i == j else share)) < Decimal("1e-28") * sigma[0]
