"""Sums where tensors lie, and whole fits of tensors on a second device.

The function that sums a chunk takes tensors of any device, so it is tested with those of the CPU, against exact
rationals and the CPU's own kernels. `on_a_device.py` has a device of its own and runs in a process of its own, since
PyTorch takes no device back.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import torch
from test_moments_sums import KINDS, columns

from gradline.design.problem import pose
from gradline.doubledouble import Pair
from gradline.moments import accumulate, devices
from gradline.moments.moments import FLOAT64
from gradline.moments.one_pass import summing_of
from gradline.moments.sums import Sums


def summed(x: torch.Tensor, y: torch.Tensor, w: Any = None, missing: str = "drop", **kind: bool) -> Sums | None:
    summing = summing_of(problem_of(x, y, w, **kind), missing, "double-double")
    return devices.sums(summing, [x, y.reshape(len(y), -1)], w)


def problem_of(x: torch.Tensor, y: torch.Tensor, w: Any = None, frequency: bool = False) -> Any:
    return pose(x, y, **{"frequency_weights" if frequency else "weights": w})


def rows(count: int, width: int = 3, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(count)
    x = torch.randn(count, width, generator=rng, dtype=torch.float64) + 2
    y = x.sum(1) + torch.randn(count, generator=rng, dtype=torch.float64)
    return x.to(dtype), y.to(dtype)


def distance(a: Pair, b: Pair) -> float:
    """The largest difference of entries, measured by the diagonal of b."""
    scale = np.sqrt(b[0].diagonal())
    return float((abs((a[0] - b[0]) + (a[1] - b[1])) / np.outer(scale, scale)).max())


def farthest(pair: Pair, exact: list[list[Fraction]]) -> float:
    """The largest error of an entry, measured by the exact diagonal."""
    norms = [math.sqrt(exact[j][j]) or 1.0 for j in range(len(exact))]
    return max(
        oracle.relative_error((pair[0][i, j], pair[1][i, j]), exact[i][j], Fraction(norms[i] * norms[j]))
        for i in range(len(exact))
        for j in range(len(exact))
    )


@pytest.mark.parametrize("count", [1, 31, 33, 1_000, 2_049])
@pytest.mark.parametrize("kind", KINDS)
def test_sums_are_as_exact_as_they_say(kind: str, count: int) -> None:
    given = columns(count, kind)
    z = torch.from_numpy(np.column_stack(given))
    found = summed(z[:, :-1], z[:, -1])
    assert found is not None
    exact = oracle.cross_products([np.ones(count), *given])
    assert farthest(found.pair, exact) <= FLOAT64
    np.testing.assert_array_equal(found.pair[0], found.pair[0].T)
    np.testing.assert_array_equal(found.pair[1], found.pair[1].T)
    alike = (given[-1] == given[-1][0]).all()
    assert (found.rows, found.used, found.constant) == (count, count, (given[-1][0] if alike else None,))


def test_equal_values_by_the_chunk() -> None:
    """Rounding errors of equal terms all go one way: a chain of 65,536 additions would be wrong by 2**-40."""
    value = 0.1
    found = summed(torch.full((65_536, 1), value, dtype=torch.float64), torch.ones(65_536))
    assert found is not None
    assert abs(Fraction(found.pair[0][1, 1]) / (65_536 * Fraction(value) ** 2) - 1) <= FLOAT64


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
)
def test_every_type_counts_for_the_numbers_that_it_holds(dtype: torch.dtype) -> None:
    x, y = rows(500)
    x, y = (x.abs() * 3).to(dtype), (y.abs() * 3).to(dtype)
    found, expected = summed(x, y), summed(x.double(), y.double())
    assert found is not None
    assert expected is not None
    np.testing.assert_array_equal(found.pair, expected.pair)
    exact = oracle.cross_products([np.ones(500), *x.double().numpy().T, y.double().numpy()])
    assert farthest(found.pair, exact) <= FLOAT64


@pytest.mark.parametrize("width", [3, 300])
@pytest.mark.parametrize("weights", ["none", "inverse variances", "frequencies"])
def test_the_same_as_the_kernels(weights: str, width: int) -> None:
    """Two roundings of float64 at most apart, and the same counts, where rows lack values or have weight 0."""
    x, y = rows(5_000, width)
    x[7::50, 1], y[3::70] = np.nan, np.nan
    w = None if weights == "none" else torch.arange(5_000) % 4
    frequency = weights == "frequencies"
    found = summed(x, y, w, frequency=frequency)
    assert found is not None
    kept = accumulate(problem_of(x, y, w, frequency), precision="float64")
    assert distance(found.pair, kept.pair) <= 2 * FLOAT64
    assert (found.rows, found.used) == (kept.rows, kept.used)
    names = [*kept.columns, *kept.targets]
    assert {name: count for name, count in zip(names, found.missing, strict=True) if count} == kept.lacking
    assert found.log_weights == pytest.approx(kept.log_weights, rel=1e-14)
    assert (found.log_weights != 0) == (weights == "inverse variances")


def test_no_row_left() -> None:
    found = summed(torch.full((5, 2), np.nan), torch.ones(5))
    assert found is not None
    assert (found.rows, found.used, found.missing.tolist(), found.constant) == (5, 0, [5, 5, 0], (None,))
    assert not found.pair[0].any()


def with_entry(value: Any, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = rows(50, dtype=dtype)
    x[20, 1] = value
    return x, y


LEFT_TO_THE_CPU: dict[str, Callable[[], Sums | None]] = {
    "infinity": lambda: summed(*with_entry(-np.inf)),
    "infinity in a half": lambda: summed(*with_entry(np.inf, torch.float16)),
    "too large to square": lambda: summed(*with_entry(1e200)),
    "too small to square": lambda: summed(rows(50)[0] * 1e-200, rows(50)[1]),
    "an integer that float64 lacks": lambda: summed(*with_entry(-(2**53) - 1, torch.int64)),
    "missing, where that is an error": lambda: summed(*with_entry(np.nan), missing="error"),
    "a negative weight": lambda: summed(*rows(50), torch.linspace(-1, 1, 50)),
    "a missing weight": lambda: summed(*rows(50), torch.full((50,), np.nan)),
    "an infinite weight": lambda: summed(*rows(50), torch.full((50,), np.inf)),
}


@pytest.mark.parametrize("case", LEFT_TO_THE_CPU)
def test_what_the_processor_must_look_at(case: str) -> None:
    assert LEFT_TO_THE_CPU[case]() is None


SETTINGS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gradients": lambda x: x.clone().requires_grad_(),
    "columns in a row": lambda x: x.T.contiguous().T,
    "every other row": lambda x: torch.stack([x, -x], 1).reshape(-1, x.shape[1])[::2],
    "a lazy sign": lambda x: torch.complex(x, -x).conj().imag,
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_however_the_numbers_lie_in_memory(setting: str) -> None:
    x, y = rows(3_000)
    given = SETTINGS[setting](x)
    assert torch.equal(given, x)
    found, expected = summed(given, y), summed(x, y)
    assert found is not None
    assert expected is not None
    np.testing.assert_array_equal(found.pair, expected.pair)


def test_settings_of_pytorch_make_no_product_coarser() -> None:
    x, y = rows(3_000, dtype=torch.float32)
    expected = summed(x, y)
    before = torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32
    try:
        torch.set_float32_matmul_precision("medium")
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.set_default_dtype(torch.float16)
        with torch.autocast("cpu", torch.bfloat16), torch.device("meta"):
            found = summed(x, y)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.backends.cuda.matmul.allow_tf32 = before[1]
        torch.set_float32_matmul_precision(before[0])
    assert found is not None
    assert expected is not None
    np.testing.assert_array_equal(found.pair, expected.pair)


def test_which_devices_have_float64() -> None:
    assert devices.has_float64(torch.device("cpu"))
    assert not devices.has_float64(torch.device("meta"))  # it has no numbers at all


def test_a_second_device() -> None:
    """Whole fits; what failed there is in the output."""
    program = [sys.executable, "-m", "pytest", "-p", "no:randomly", Path(__file__).with_name("on_a_device.py")]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
