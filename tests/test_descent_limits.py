"""Two hundred random designs: the limit is where training turns, and epochs_to is when it is there."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradline as gl
from gradline.descent.axes import axes_of

OPTIONS = [
    {},
    {"momentum": 0.5},
    {"momentum": 0.9},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.8, "dampening": 0.6},
]
DESIGNS = 200
STEPS = 20_000


def random_design(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of any kind: tame, heavy-tailed, columns of different size, correlated, off centre."""
    rng = np.random.default_rng([40, seed])
    n, d = int(rng.integers(8, 60)), int(rng.integers(1, 6))
    x = [
        lambda: rng.normal(size=(n, d)),
        lambda: rng.standard_t(2, size=(n, d)),
        lambda: rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-1, 1, d),
        lambda: rng.normal(size=(n, d)) + 2 * rng.normal(size=(n, 1)),
        lambda: rng.normal(size=(n, d)) + rng.normal(size=d) * 3,
    ][seed % 5]()
    return x, x @ rng.normal(size=d) + rng.normal(size=n)


def distances(run: gl.Run, epochs: list[int]) -> np.ndarray:
    """How far θ is from the exact answer along each principal axis before these steps, over where it began."""
    axes = axes_of(run.quadratic.root)
    exact, path = run.exact.params[:, None], run.path
    last = max(epochs)
    stretch = path.parameters(min(epochs), last + 1) if last - min(epochs) < 20_000 else None
    thetas = [
        path.parameters(epoch, epoch + 1)[0] if stretch is None else stretch[epoch - min(epochs)] for epoch in epochs
    ]
    found = [axes.right.T @ (theta - exact) for theta in thetas]
    return np.abs(np.array(found)[:, :, 0]) / np.abs(axes.right.T @ (run.start - exact))[:, 0]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_just_below_the_limit_the_distance_shrinks_and_just_above_it_grows(options: dict) -> None:
    for seed in range(DESIGNS):
        moments = gl.Moments.of(*random_design(seed))
        limit = moments.stability(**options).lr_limit
        below = moments.train(lr=0.999 * limit, epochs=STEPS, seed=seed, **options)
        with pytest.warns(gl.GradlineWarning, match="above the limit"):
            above = moments.train(lr=1.001 * limit, epochs=STEPS, seed=seed, **options)
        assert below.stopped_at is None
        assert (distances(below, [STEPS]) < 1).all(), seed
        assert above.stopped_at is not None or distances(above, [STEPS]).max() > 10, seed
        assert above.status == "diverged"


CLOSE = [
    *OPTIONS,
    {"momentum": 0.99},
    {"momentum": "best"},
    {"momentum": "almost best"},
]


@pytest.mark.parametrize("tol", [1e-3, 1e-6])
@pytest.mark.parametrize("options", CLOSE, ids=str)
def test_epochs_to_is_within_a_tenth_of_what_a_run_takes(options: dict, tol: float) -> None:
    checked = 0
    for seed in range(0, DESIGNS, 5 + (tol == 1e-3)):
        moments = gl.Moments.of(*random_design(seed))
        plain = moments.stability()
        chosen, lr = dict(options), None
        if isinstance(options.get("momentum"), str):
            share = 1.0 if options["momentum"] == "best" else 0.999
            chosen = {"momentum": plain.momentum_best * share}
            lr = plain.lr_momentum_best
        rng = np.random.default_rng(seed)
        lr = lr or moments.stability(**chosen).lr_limit * rng.choice([0.02, 0.3, 0.7, 0.97])
        claimed = moments.stability(lr=lr, **chosen).epochs_to(tol)
        if not claimed < 1e6:
            continue
        # Every axis starts equally far from its end, so that none of them is done from the start.
        start = plain_start(moments)
        run = moments.train(lr=lr, epochs=int(2 * claimed) + 50, init=start, **chosen)
        spacing = 1 if claimed < 10_000 else int(claimed) // 500
        late = list(range(max(0, int(0.85 * claimed) - 9), int(1.4 * claimed) + 9, spacing))
        far = distances(run, late).max(axis=1) > tol
        taken = late[int(np.flatnonzero(far).max())] if far.any() else 0
        assert taken - 1 - spacing <= 1.1 * claimed, (seed, taken, claimed)
        assert 0.9 * claimed <= taken + 1 + spacing, (seed, taken, claimed)
        checked += 1
    assert checked > 20


def plain_start(moments: gl.Moments) -> tuple[np.ndarray, float]:
    """One unit along every principal axis away from the exact answer."""
    from gradline.descent.quadratic import quadratic_of

    theta = moments.fit().params + quadratic_of(moments).axes.right.sum(axis=1)
    return theta[1:], float(theta[0])


def test_epochs_to_at_a_double_root_is_not_the_power_of_the_radius() -> None:
    """Where it was taken for ρᵗ it was a third too low."""
    moments = gl.Moments.of(*random_design(2))
    plain = moments.stability()
    best = moments.stability(lr=plain.lr_momentum_best, momentum=plain.momentum_best)
    power = math.log(1e-6) / math.log(math.sqrt(plain.momentum_best))
    assert best.epochs_to(1e-6) > 1.2 * power


@pytest.mark.parametrize("options", [{"momentum": 1.0}, {"zero_grad": False}], ids=str)
def test_what_swings_for_ever_takes_for_ever(options: dict) -> None:
    assert gl.stability(*random_design(0), **options).epochs_to(1e-3) == math.inf
