"""Tensors on a device of their own, from end to end; `test_moments_devices.py` runs this in a process of its own.

PyTorch lets anyone register one more device ("PrivateUse1"). This one keeps its numbers where only its own operations
reach them, and does each operation there. It can be without float64, as Apple's mps is, and it notes how much is
copied from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend
from torch.utils.data import DataLoader, Dataset, TensorDataset

import gradline as gl


class Device:
    """What is known about the device."""

    float64 = True
    copied: list[int]  # numbers in each copy to the CPU
    operations: list[torch.library.Library]  # which last as long as these do


class There(torch.Tensor):
    """A tensor on the device: its memory is `held`."""

    __torch_function__ = torch._C._disabled_torch_function_impl
    held: torch.Tensor

    @staticmethod
    def of(held: torch.Tensor) -> There:
        if held.dtype == torch.float64 and not Device.float64:
            raise TypeError("second has no float64")
        made: There = torch._C._acc.create_empty_tensor(held.shape, held.dtype)
        made.__class__ = There
        made.held = held
        return made


def operate(operation: Any, *given: Any, **options: Any) -> Any:
    """The operation on what the tensors hold."""

    def held(value: Any) -> Any:
        if isinstance(value, torch.device):
            return torch.device("cpu")
        return value.held if isinstance(value, There) else value

    found = operation(*tree_map(held, given), **tree_map(held, options))
    assert all(each.shape == each.held.shape for each in given if isinstance(each, There)), f"{operation} resizes"
    return tree_map(lambda value: There.of(value) if isinstance(value, torch.Tensor) else value, found)


def copy(source: torch.Tensor, target: torch.Tensor, _: bool = False) -> torch.Tensor:
    """To the device, from it, or within it."""
    if not isinstance(target, There):
        Device.copied.append(source.numel())
    held = [each.held if isinstance(each, There) else each for each in (source, target)]
    held[1].copy_(held[0])
    return target


# What PyTorch would make of strides, or by filling an empty tensor, where only `held` knows the shape.
VIEWS = ["detach", "slice.Tensor", "select.int", "transpose.int", "unsqueeze", "expand", "view", "diagonal"]
RESIZING = ["abs", "isinf", "complex"]


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    """Not before a test runs: a process that only looks through this file for doctests stays as it was."""
    _setup_privateuseone_for_python_backend("second")
    every, own = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    every.fallback(operate, "PrivateUse1")
    own.impl("_copy_from", copy, "PrivateUse1")
    own.impl("_local_scalar_dense", lambda tensor: tensor.held.item(), "PrivateUse1")
    for each in (*VIEWS, *RESIZING):
        name, _, overload = each.partition(".")
        which = getattr(getattr(torch.ops.aten, name), overload or "default")
        own.impl(each, lambda *given, which=which, **options: operate(which, *given, **options), "PrivateUse1")
    Device.operations = [every, own]


@contextmanager
def without_float64() -> Iterator[None]:
    Device.float64 = False
    try:
        yield
    finally:
        Device.float64 = True


@pytest.fixture(autouse=True)
def _nothing_copied() -> None:
    Device.copied = []


def there(*tensors: torch.Tensor) -> list[torch.Tensor]:
    return [tensor.to("second") for tensor in tensors]


def rows(count: int, width: int = 3, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(count)
    x = torch.randn(count, width, generator=rng, dtype=torch.float64) + 1
    y = x.sum(1) + torch.randn(count, generator=rng, dtype=torch.float64)
    return [x.to(dtype), y.to(dtype)]


def equal(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(found.params, expected.params)
    np.testing.assert_array_equal(found.se, expected.se)
    assert (found.nobs, found.missing) == (expected.nobs, expected.missing)


def test_the_device_has_memory_of_its_own() -> None:
    [x] = there(torch.arange(6.0).reshape(3, 2))
    assert str(x.device) == "second:0"
    with pytest.raises(RuntimeError):
        x + torch.ones(3, 2)  # as between any two devices
    assert (x.T[1:] * 2).cpu().tolist() == [[2.0, 6.0, 10.0]]
    with without_float64(), pytest.raises(TypeError):
        x.double()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64])
def test_few_columns_are_copied_a_stretch_at_a_time(dtype: torch.dtype) -> None:
    x, y = rows(300_000, 24, dtype)
    given = there(x, y)
    fit = gl.fit(*given)
    equal(fit, gl.fit(x, y))
    assert fit.plan.device == "copied from second:0"
    assert max(Device.copied) == 65_536 * 24
    assert "double-double: 24 numeric features are few\ntensors: copied from second:0\n" in str(gl.plan(*given))


def test_many_columns_are_summed_there() -> None:
    x, y = rows(66_000, 125, torch.float32)
    x[7, 3] = x[65_999, 4] = y[9] = np.nan
    given = there(x, y)
    plan = gl.plan(*given)
    assert "float64: 125 numeric features are many\ntensors: float64 on second:0\n" in str(plan)
    Device.copied = []
    fit, expected = gl.fit(*given), gl.fit(x, y)
    assert (fit.plan.passes, fit.precision, fit.plan.device) == (1, "float64", "float64 on second:0")
    assert max(Device.copied) == 2 * 127**2  # the sums of a chunk and their low words
    np.testing.assert_allclose(fit.params, expected.params, rtol=1e-10)
    np.testing.assert_allclose(fit.se, expected.se, rtol=1e-10)
    assert (fit.nobs, fit.missing) == (65_997, expected.missing)
    assert (abs(fit.digits - expected.digits)) < 1


def test_sums_that_leave_too_few_digits_are_taken_again_from_copies() -> None:
    x, y = rows(66_000, 125)
    x += 1e6
    fit, exact = gl.fit(*there(x, y)), gl.fit(x, y, precision="double-double")
    assert fit.plan.passes > 1
    assert fit.plan.device == "float64 on second:0"
    np.testing.assert_allclose(fit.params, exact.params, rtol=1e-9)


@pytest.mark.parametrize("role", ["weights", "frequency_weights"])
def test_weights(role: str) -> None:
    x, y = rows(70_000)
    w = torch.arange(70_000) % 5
    given = there(x, y, w)
    expected = gl.fit(x, y, **{role: w})
    equal(gl.fit(*given[:2], **{role: given[2]}), expected)
    fit = gl.fit(*given[:2], **{role: given[2]}, precision="float64")
    assert fit.plan.device == "float64 on second:0"
    np.testing.assert_allclose(fit.params, expected.params, rtol=1e-11)
    np.testing.assert_allclose(fit.se, expected.se, rtol=1e-11)
    assert (fit.nobs, fit.left_out) == (expected.nobs, 14_000)
    assert fit.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-11)


def test_moments() -> None:
    x, y = rows(70_000)
    given = there(x, torch.stack([y, -y], 1))
    found = gl.Moments.of(*given, precision="float64")
    expected = gl.Moments.of(x, torch.stack([y, -y], 1))
    assert (found.precision, found.columns, found.targets) == ("float64", expected.columns, expected.targets)
    np.testing.assert_allclose(found.hi, expected.hi, rtol=1e-13)
    np.testing.assert_array_equal(gl.Moments.of(*given).lo, expected.lo)
    chosen = gl.fit(*given, features=["x3", "x1"], precision="float64")
    assert chosen.plan.device == "float64 on second:0"
    np.testing.assert_allclose(chosen.params, gl.fit(x[:, [2, 0]], torch.stack([y, -y], 1)).params, rtol=1e-11)


def with_entry(value: Any, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    x, y = rows(70_000, dtype=dtype)
    x[66_000, 1] = value
    return [x, y]


REFUSED: dict[str, tuple[Callable[[], list[torch.Tensor]], dict[str, Any]]] = {
    "infinity": (lambda: with_entry(np.inf), {}),
    "missing": (lambda: with_entry(np.nan), {"missing": "error"}),
    "too large": (lambda: with_entry(1e160), {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_errors_are_those_of_the_cpu(case: str) -> None:
    make, options = REFUSED[case]
    x, y = make()
    said = []
    for given in ([x, y], there(x, y)):
        with pytest.raises(gl.DataError) as caught:
            gl.fit(*given, precision="float64", **options)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "'x2'" in said[0]


def test_integers_beyond_float64_keep_their_digits() -> None:
    x, y = with_entry(2**62 + 1, torch.int64)
    equal(gl.fit(*there(x, y), precision="float64"), gl.fit(x, y))


@pytest.mark.parametrize("precision", ["auto", "double-double", "float64"])
def test_a_device_without_float64(precision: str) -> None:
    x, y = rows(70_000, 28, torch.float32)
    with without_float64():
        given = there(x, y)
        fit = gl.fit(*given, precision=precision)
    equal(fit, gl.fit(x, y, precision=precision))
    assert fit.plan.device == "copied from second:0, which has no float64"
    assert max(Device.copied) == 65_536 * 28


def test_columns_that_lie_apart() -> None:
    x, y = rows(1_000)
    fit = gl.fit(there(x)[0], y, precision="float64")
    equal(fit, gl.fit(x, y, precision="float64"))
    assert fit.plan.device == "copied from second:0, since other columns are not there"
    assert gl.fit(x, y).plan.device == ""


def test_powers_are_copied() -> None:
    x, y = rows(1_000, 1)
    given = there(x[:, 0], y)
    fit = gl.fit(gl.polynomial(given[0], 3), given[1], precision="float64")
    equal(fit, gl.fit(gl.polynomial(x[:, 0], 3), y, precision="float64"))
    assert fit.plan.device == "copied from second:0"


class Samples(Dataset):
    """Samples one by one."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, number: int) -> Any:
        return self.x[number], self.y[number]


GIVEN: dict[str, Callable[[torch.Tensor, torch.Tensor], tuple[Any, ...]]] = {
    "tensors that need gradients": lambda x, y: (x.clone().requires_grad_(), y),
    "columns in a row": lambda x, y: (x.T.clone().T, y),
    "TensorDataset": lambda x, y: (TensorDataset(x, y),),
    "Dataset": lambda x, y: (Samples(x, y),),
    "DataLoader": lambda x, y: (DataLoader(TensorDataset(x, y), batch_size=100),),
    "list of batches": lambda x, y: (list(zip(x.split(300), y.split(300), strict=True)),),
    "list of tensors": lambda x, y: (list(x), y),
}


@pytest.mark.parametrize("given", GIVEN)
def test_datasets_and_loaders(given: str) -> None:
    x, y = rows(600)
    equal(gl.fit(*GIVEN[given](*there(x, y))), gl.fit(x, y))


def test_the_rest_of_gradline_copies() -> None:
    x, y = rows(900)
    given = there(x, y)
    fit = gl.fit(x, y)
    np.testing.assert_array_equal(fit.predict(given[0]), fit.predict(x))
    run, expected = (gl.train(*each, lr=0.01, epochs=3, seed=0) for each in (given, (x, y)))
    np.testing.assert_array_equal(run.weight, expected.weight)


REFUSED_TENSORS: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "complex": (lambda x: torch.complex(x, x), "complex"),
    "images": (lambda x: x.reshape(-1, 1, 1), "shape (12, 1, 1) arrived"),
    "a number": (lambda x: x[0, 0], "shape () arrived"),
}


@pytest.mark.parametrize("case", REFUSED_TENSORS)
def test_tensors_that_cannot_be_used(case: str) -> None:
    make, text = REFUSED_TENSORS[case]
    x, y = there(torch.ones(4, 3), torch.ones(4))
    with pytest.raises(gl.DataError) as caught:
        gl.fit(make(x), y)
    assert text in str(caught.value)
