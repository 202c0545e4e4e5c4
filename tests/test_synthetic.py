"""gl.line against the notebook's own calls."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import init

from gradline.errors import OptionError
from gradline.sources.synthetic import line


def notebook(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x and noise as the notebook draws them, with the global generator left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        x = init.uniform_(torch.Tensor(n, 1), -10, 10)
        return x, init.normal_(torch.zeros(n, 1), std=1)


# From 16 numbers on, torch draws normal numbers in blocks: another path.
@pytest.mark.parametrize("n", [1, 15, 16, 100, 1000])
@pytest.mark.parametrize("seed", [0, 1, 42, 2**63])
def test_the_notebooks_numbers_to_the_bit(n: int, seed: int) -> None:
    x, noise = notebook(n, seed)
    for options, y in [
        ({"noise": 0.0}, 2 * x + 3),
        ({}, 2 * (x + noise) + 3),
        ({"noise": 1.0, "noise_on": "y"}, 2 * x + 3 + noise),
    ]:
        ours = line(n, seed=seed, **options)
        assert torch.equal(ours[0], x)
        assert torch.equal(ours[1], y)
        assert all(part.shape == (n, 1) and part.dtype == torch.float32 for part in ours)
        assert not any(part.requires_grad for part in ours)


def test_a_seed_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    line(seed=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_no_seed_draws_from_the_global_generator() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        x, y = line(20)
    expected = line(20, seed=5)
    assert torch.equal(x, expected[0])
    assert torch.equal(y, expected[1])


def test_the_line_and_its_range() -> None:
    x, y = line(5000, slope=-0.5, intercept=10.0, noise=0.25, noise_on="y", seed=1, low=100.0, high=101.0)
    assert 100.0 <= float(x.min()) < 100.01
    assert 100.99 < float(x.max()) <= 101.0
    rest = y.double() - (10 - 0.5 * x.double())
    assert float(rest.std()) == pytest.approx(0.25, rel=0.05)  # 5 standard errors of a deviation from 5000 draws


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": -3}, "n is -3"),
        ({"n": 2.5}, r"n is 2\.5"),
        ({"n": True}, "n is True"),
        ({"noise_on": "z"}, "noise_on is 'z'; expected 'x' or 'y'"),
        ({"noise": -1.0}, r"noise is -1\.0"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"low": 1.0, "high": 1.0}, "low below high"),
        ({"low": float("-inf")}, "finite"),
        ({"low": -1e39, "high": 1e39}, "finite float32"),
        ({"low": -3e38, "high": 3e38}, "finite float32"),
        ({"seed": 0.5}, r"seed is 0\.5"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
    ],
)
def test_refused(options: dict, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        line(**options)


def test_whole_numbers_of_numpy() -> None:
    x, y = line(n=np.int64(5), noise=np.float32(1.0), seed=np.int64(3))
    for one, other in zip((x, y), line(n=5, seed=3), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["n", "slope", "intercept", "noise", "seed", "low", "high"])
@pytest.mark.parametrize("value", ["a", "5", [1, 2], {}])
def test_what_is_no_number(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"{name} is "):
        line(**{name: value})
