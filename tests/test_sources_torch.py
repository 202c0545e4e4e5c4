"""Tensors of every type, datasets and data loaders: the float64 answer of the numbers that they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset

import gradline as gl


class Rows(Dataset):
    """Samples one by one, of whatever `make` makes of a row."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, make: Callable[..., Any] = lambda x, y: (x, y)) -> None:
        self.x, self.y, self.make, self.asked = x, y, make, 0

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, number: int) -> Any:
        self.asked += 1
        return self.make(self.x[number], self.y[number])


class Coming(IterableDataset):
    """Batches, one after the other."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.x, self.y = x, y

    def __iter__(self) -> Any:
        return zip(self.x.split(100), self.y.split(100), strict=True)


def rows(count: int = 9_000, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(count, 3, generator=rng, dtype=torch.float64) + 5
    y = x @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + torch.randn(count, generator=rng)
    return x.to(dtype), y.to(dtype)


GIVEN: dict[str, Callable[[torch.Tensor, torch.Tensor], tuple[Any, ...]]] = {
    "tensors": lambda x, y: (x, y),
    "that need gradients": lambda x, y: (x.clone().requires_grad_(), y),
    "strided": lambda x, y: (x.T.contiguous().T, torch.stack([y, y], dim=1)[:, 0]),
    "TensorDataset": lambda x, y: (TensorDataset(x, y),),
    "dataset": lambda x, y: (Rows(x, y),),
    "dataset of columns": lambda x, y: (Rows(x, y[:, None]),),
    "subset": lambda x, y: (Subset(TensorDataset(x, y), range(len(x))),),
    "concatenated": lambda x, y: (ConcatDataset([TensorDataset(x[:99], y[:99]), Rows(x[99:], y[99:])]),),
    "DataLoader": lambda x, y: (DataLoader(TensorDataset(x, y), batch_size=100),),
    "DataLoader of a stream": lambda x, y: (DataLoader(Coming(x, y), batch_size=None),),
    "list of batches": lambda x, y: (list(zip(x.split(1_000), y.split(1_000), strict=True)),),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("given", GIVEN)
def test_the_float64_answer_of_these_numbers(given: str, dtype: torch.dtype) -> None:
    x, y = rows(dtype=dtype)
    expected = gl.fit(x.double(), y.double())
    data = GIVEN[given](x, y)
    found = gl.fit(*data)
    np.testing.assert_array_equal(found.params, expected.params)
    np.testing.assert_array_equal(found.se, expected.se)
    assert found.nobs == len(x)
    moments = gl.Moments.of(*GIVEN[given](x, y))
    np.testing.assert_array_equal(moments.hi, gl.Moments.of(x.double(), y.double()).hi)
    assert moments.epsilon[0] == torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_many_columns_of_halves_are_not_all_dependent(dtype: torch.dtype) -> None:
    rng = torch.Generator().manual_seed(0)
    x = (torch.randn(400, 70, generator=rng) + 1).to(dtype)
    y = (x.sum(1) / 8 + torch.randn(400, generator=rng) + 100).to(dtype)
    found, expected = gl.fit(x, y), gl.fit(x.double(), y.double())
    assert (found.rank, found.notes) == (71, ())
    np.testing.assert_array_equal(found.params, expected.params)
    run, plain = (
        gl.train(x, y, lr=0.001, epochs=5, seed=0),
        gl.train(x.double(), y.double(), lr=0.001, epochs=5, seed=0),
    )
    np.testing.assert_allclose(run.weight, plain.weight, rtol=1e-12)
    assert run.exact.rank == 71
    repeated = gl.fit(torch.column_stack([x[:, :2], x[:, 0]]), y)
    assert list(repeated.aliased) == ["x3"]


def test_samples_of_arrays_numbers_and_mappings() -> None:
    x, y = rows(200)
    expected = gl.fit(x, y).params
    arrays = Rows(x, y, lambda x, y: (x.numpy(), float(y)))
    np.testing.assert_array_equal(gl.fit(arrays).params, expected)
    whole = Rows(torch.column_stack([x, y]), y, lambda row, _: row)
    np.testing.assert_array_equal(gl.fit(whole, target="x4").params, expected)
    run = gl.train(TensorDataset(x, y), lr=0.001, epochs=3, seed=0)
    np.testing.assert_allclose(run.weight, gl.train(x, y, lr=0.001, epochs=3, seed=0).weight, rtol=1e-13)


def test_each_pass_asks_for_each_sample_once() -> None:
    x, y = rows(5_000)
    data = Rows(x, y)
    fit = gl.fit(data)
    assert (fit.plan.passes, fit.nobs, fit.source) == (1, 5_000, "the Rows")
    assert data.asked == 5_000


class _Endless(Dataset):
    def __getitem__(self, number: int) -> Any:
        return torch.ones(3), 1.0


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "shapes": (
        lambda: Rows(*rows(50), lambda x, y: (x[: 2 + int(y > 0)], y)),
        gl.ShapeError,
        "samples 0 to 49 of the Rows differ in their shape.\nEach needs as many features",
    ),
    "objects": (
        lambda: Rows(*rows(50), lambda x, y: {1, 2}),
        gl.DataError,
        "samples 0 to 49 of the Rows cannot be stacked: they are set.\nExpected (x, y) pairs",
    ),
    "text": (lambda: Rows(*rows(50), lambda x, y: ("a", y)), gl.DataError, "item 1 of the Rows: a list of tuple, T"),
    "images": (
        lambda: Rows(*rows(50), lambda x, y: (x[:, None], y)),
        gl.ShapeError,
        "item 1 of the Rows: an array of shape (50, 3, 1) arrived; expected (n,) or (n, d)",
    ),
    "no memory": (lambda: torch.ones(3, 2, device="meta"), gl.ColumnError, "one on meta came, without numbers."),
    "conjugate": (lambda: torch.ones(3, 2, dtype=torch.complex64).conj(), gl.ColumnError, "and complex arrived"),
    "no length": (_Endless, gl.DataError, "the _Endless has no length: its rows cannot be counted.\nGive it __len__"),
    "nothing": (lambda: TensorDataset(torch.ones(0, 2), torch.ones(0)), gl.DataError, "the TensorDataset is empty"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_datasets_that_cannot_be_used(case: str) -> None:
    make, kind, text = ERRORS[case]
    with pytest.raises(kind) as caught:
        gl.fit(make())
    assert text in str(caught.value)


def test_an_error_of_the_datasets_own_is_left_alone() -> None:
    def make(x: torch.Tensor, y: torch.Tensor) -> Any:
        raise RuntimeError("a file is missing")

    with pytest.raises(RuntimeError, match="a file is missing"):
        gl.fit(Rows(*rows(50), make))


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # beta, says PyTorch
def test_sparse_tensors_are_refused_whatever_their_layout(layout: torch.layout) -> None:
    x = torch.eye(4).to_sparse(layout=layout)
    with pytest.raises(gl.ColumnError, match=r"a sparse or quantized one arrived\.\nUse x\.to_dense\(\)"):
        gl.fit(x, torch.ones(4))


@pytest.mark.parametrize("data", ["tensor", "target", "weights"])
def test_a_device_without_memory_is_refused(data: str) -> None:
    x, y = rows(50)
    w = torch.ones(50)
    given = {"tensor": x, "target": y, "weights": w} | {data: torch.empty(50, device="meta")}
    with pytest.raises(gl.ColumnError, match="one on meta came, without numbers"):
        gl.fit(given["tensor"], given["target"], weights=given["weights"])


def test_a_sign_that_pytorch_has_put_off() -> None:
    x, y = rows(500)
    lazy = torch.complex(x, -x).conj().imag
    assert lazy.is_neg()
    np.testing.assert_array_equal(gl.fit(lazy, y).params, gl.fit(x, y).params)
