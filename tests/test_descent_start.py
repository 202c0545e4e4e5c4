"""The weights that training starts from, beside a fresh nn.Linear."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from gradline.descent.start import starting_weights
from gradline.errors import OptionError, ShapeError


@pytest.mark.parametrize("seed", [0, 1, 12345, -(2**63), 2**64 - 1])
@pytest.mark.parametrize(("features", "targets"), [(1, 1), (3, 1), (2, 4), (50, 1), (7, 20)])
def test_a_seed_gives_the_numbers_of_a_fresh_linear_layer(features: int, targets: int, seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Linear(features, targets)
    theta = starting_weights(features, targets, seed=seed)
    assert np.array_equal(theta[1:].T, model.weight.detach().numpy())
    assert np.array_equal(theta[0], model.bias.detach().numpy())


def test_both_bounds_of_a_fresh_layer_are_the_same_float32() -> None:
    """They are drawn in one call, where nn.Linear computes each bound for itself."""
    d = np.arange(1, 2_000_001)
    of_weight = np.sqrt(3.0) * (np.sqrt(2.0 / (1 + np.sqrt(5.0) ** 2)) / np.sqrt(d))
    assert np.array_equal(of_weight.astype(np.float32), (1 / np.sqrt(d)).astype(np.float32))


def test_a_seed_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    starting_weights(3, 2, seed=5)
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_the_global_generator_is_used_as_by_a_new_layer() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(9)
        starting_weights(3, 2)
        after_ours = torch.get_rng_state()
        torch.manual_seed(9)
        nn.Linear(3, 2)
        assert torch.equal(after_ours, torch.get_rng_state())


def test_the_draws_are_float32_whatever_the_default() -> None:
    expected = starting_weights(3, 1, seed=0)
    torch.set_default_dtype(torch.float64)
    try:
        assert np.array_equal(starting_weights(3, 1, seed=0), expected)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("features", "targets", "init"),
    [
        (1, 1, (2.0, 3.0)),
        (1, 1, (torch.tensor([[2.0]]), torch.tensor([3.0]))),
        (1, 1, ([2.0], [3.0])),
        (2, 1, ([2.0, 5.0], 3.0)),
        (2, 1, ([[2.0, 5.0]], [3.0])),
        (1, 2, ([2.0, 5.0], [3.0, 4.0])),
        (2, 2, ([[2.0, 5.0], [6.0, 7.0]], [3.0, 4.0])),
    ],
)
def test_given_weights(features: int, targets: int, init: tuple[object, object]) -> None:
    theta = starting_weights(features, targets, init)
    assert np.array_equal(theta[1:].T.ravel(), np.asarray(init[0]).ravel())
    assert np.array_equal(theta[0], np.asarray(init[1]).ravel())


@pytest.mark.parametrize(
    ("features", "targets", "init", "words"),
    [
        (2, 1, ([2.0], 3.0), r"weight has shape \(1,\); these data need \(1, 2\)"),
        (2, 2, ([1.0, 2.0, 3.0, 4.0], [0.0, 0.0]), r"weight has shape \(4,\); these data need \(2, 2\)"),
        (2, 2, ([[1.0, 2.0], [3.0, 4.0]], 0.0), r"bias has shape \(\); these data need \(2,\)"),
        (1, 1, (1.0, [1.0, 2.0]), r"bias has shape \(2,\)"),
    ],
)
def test_weights_of_another_shape(features: int, targets: int, init: tuple[object, object], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        starting_weights(features, targets, init)


@pytest.mark.parametrize(
    "arguments",
    [{"init": (np.nan, 1.0)}, {"init": 3.0}, {"init": (1.0,)}, {"init": ("a", 1.0)}, {"seed": 1.5}, {"seed": 2**64}],
)
def test_not_weights_at_all(arguments: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=r"init must be|seed must be"):
        starting_weights(1, 1, **arguments)
