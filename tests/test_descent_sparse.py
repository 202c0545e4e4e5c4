"""The loop in PyTorch on sparse rows is that on the same rows written out, and writes out no more than a batch."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import sparse

import gradline as gl
from gradline.descent import sparse_rows
from gradline.sklearn import GradientDescentRegressor
from gradline.sources.sparse import Sparse


def wide(
    n: int = 900, d: int = 150, targets: int = 1, dtype: type = np.float64
) -> tuple[sparse.csr_array, NDArray[Any]]:
    """A matrix with an empty row, and its targets."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((n, d), density=0.03, rng=rng, data_sampler=rng.normal).tolil()
    X[7] = 0.0
    X = X.tocsr().astype(dtype)
    return X, (X @ rng.normal(size=(d, targets)) + rng.normal(size=(n, targets)) + 3.0).astype(dtype)


def close(mine: gl.Run, plain: gl.Run, digits: float = 1e-10) -> None:
    """Losses, parameters and gradients of all steps, and what each run ends with."""
    for name in ("loss", "weight", "bias"):
        one, other = (np.asarray(getattr(run.history, name)) for run in (mine, plain))
        np.testing.assert_allclose(one, other, rtol=0, atol=digits * abs(other).max())
    for one, other in zip(mine.history.grad, plain.history.grad, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=digits * np.max(np.abs(plain.history.grad[0])))
    np.testing.assert_allclose(mine.weight, plain.weight, rtol=0, atol=digits * abs(plain.weight).max())


OPTIONS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": "adam", "lr": 0.05},
    "adam, a loss of its own": {"optimizer": "adam", "lr": 0.05, "loss": torch.nn.SmoothL1Loss()},
    "l1": {"loss": "l1", "engine": "autograd"},
    "huber, sum": {"loss": "huber", "reduction": "sum", "lr": 1e-4, "engine": "autograd"},
    "sgd with momentum": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "engine": "autograd"},
    # In its second step even another order of the rows moves the weights by a hundredth.
    "lbfgs, which computes the loss again": {"optimizer": "lbfgs", "lr": 0.1, "epochs": 1},
    "gradients that add up": {"optimizer": "adagrad", "zero_grad": False},
}


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_all_rows_in_each_step(name: str, standardize: bool) -> None:
    X, y = wide(targets=2)
    options: dict[str, Any] = {"epochs": 8, "seed": 3, "standardize": standardize, **OPTIONS[name]}
    close(gl.train(X, y, **options), gl.train(X.toarray(), y, **options))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("standardize", [False, True])
def test_batches_are_those_of_the_matrix_written_out_to_the_bit(
    container: Any, dtype: type, standardize: bool
) -> None:
    X, y = wide(dtype=dtype)
    options: dict[str, Any] = {
        "optimizer": "adam",
        "batch_size": 64,
        "epochs": 3,
        "seed": 3,
        "standardize": standardize,
    }
    mine, plain = gl.train(container(X), y, **options), gl.train(X.toarray(), y, **options)
    assert mine.request.dtype == plain.request.dtype == ("float32" if dtype is np.float32 else "float64")
    if standardize:  # the means and deviations are from sums in another order
        close(mine, plain, 1e-5 if dtype is np.float32 else 1e-10)
    else:
        assert np.array_equal(mine.history.loss, plain.history.loss)
        assert np.array_equal(mine.weight, plain.weight)


def test_batches_that_are_large_are_not_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = wide()
    options: dict[str, Any] = {"optimizer": "adam", "batch_size": 128, "epochs": 3, "seed": 3, "standardize": True}
    plain = gl.train(X.toarray(), y, **options)
    monkeypatch.setattr(sparse_rows, "WRITTEN_OUT", 127 * 150)
    written_out = sparse.csr_array.toarray

    def of_few_rows(some: sparse.csr_array) -> NDArray[Any]:
        assert some.shape[0] < 128, "a large batch was written out"
        return written_out(some)

    monkeypatch.setattr(sparse.csr_array, "toarray", of_few_rows)
    close(gl.train(X, y, **options), plain)


def test_no_row_is_read_densely(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = wide()
    monkeypatch.setattr(Sparse, "read", lambda self, columns: pytest.fail("rows were written out"))
    for batch_size in (None, 50):
        gl.train(X, y, optimizer="adam", epochs=2, batch_size=batch_size, seed=0, standardize=True)
    model = GradientDescentRegressor(optimizer="adam", lr=0.01, epochs=2, random_state=0)
    with pytest.warns(UserWarning, match="epochs"):
        model.fit(X, y[:, 0])


def test_float32_is_trained_in_float32() -> None:
    X, y = wide(dtype=np.float32)
    options: dict[str, Any] = {"optimizer": "adam", "epochs": 5, "seed": 3, "standardize": True}
    mine, plain = gl.train(X, y, **options), gl.train(X.toarray(), y, **options)
    assert mine.request.dtype == plain.request.dtype == "float32"
    close(mine, plain, 1e-5)
    close(gl.train(X, y, dtype="float64", **options), gl.train(X.toarray(), y, dtype="float64", **options))


@pytest.mark.parametrize("batch_size", [None, 100])
def test_weights_and_rows_that_lack_a_value(batch_size: int | None) -> None:
    X, y = wide()
    X.data[[5, 900]] = np.nan
    y[[3, 700]] = np.nan
    weights = np.random.default_rng(1).integers(0, 3, 900).astype(float)
    options: dict[str, Any] = {
        "optimizer": "adam",
        "epochs": 4,
        "seed": 3,
        "weights": weights,
        "batch_size": batch_size,
    }
    close(gl.train(X, y, **options), gl.train(X.toarray(), y, **options))


def test_a_callback_sees_the_model_of_standardized_columns() -> None:
    X, y = wide()
    seen: list[list[NDArray[Any]]] = [[], []]
    for data, notes in zip((X, X.toarray()), seen, strict=True):

        def look(step: gl.Step, notes: list[NDArray[Any]] = notes) -> bool:
            assert type(step.model) is torch.nn.Linear
            assert step.model.weight.grad is not None
            notes.extend([step.model.weight.detach().numpy().copy(), step.model.weight.grad.numpy().copy()])
            return step.number == 2

        run = gl.train(data, y, epochs=9, seed=3, standardize=True, optimizer="adam", callback=look)
        assert run.epochs == 3
    for one, other in zip(*seen, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * abs(other).max())


def test_a_trace_shows_the_same_numbers() -> None:
    X, y = wide(d=40)
    for options in ({}, {"optimizer": "lbfgs"}, {"batch_size": 10}, {"standardize": True}):
        traces = [str(gl.train(data, y, epochs=2, seed=3, **options).trace(2)) for data in (X, X.toarray())]  # type: ignore[arg-type]
        assert traces[0] == traces[1]
        assert "pred = model(x)" in traces[0]


def test_a_device_without_sparse_matrices_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*parts: Any, **options: Any) -> None:
        raise RuntimeError("no such kernel\nat some place")

    X, y = wide()
    monkeypatch.setattr(torch, "sparse_csr_tensor", refuse)
    with pytest.raises(gl.OptionError) as caught:
        gl.train(X, y, optimizer="adam", epochs=2, seed=0)
    assert str(caught.value) == "device 'cpu' takes no sparse matrix: no such kernel.\nTry device='cpu'."
    gl.train(X, y, optimizer="adam", epochs=2, seed=0, batch_size=20)


MEASURE = """
import resource, sys
import numpy as np
from scipy import sparse
import gradline as gl

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

rng = np.random.default_rng(0)
places = rng.integers(200_000, size=200_000), rng.integers(500, size=200_000)  # density 0.002
X = sparse.coo_array((rng.normal(size=200_000), places), (200_000, 500)).asformat(sys.argv[1])
y = rng.normal(size=200_000)
options = {"optimizer": "adam", "epochs": 1, "seed": 0, "standardize": True}
for size in (None, 1_000):
    gl.train(X[:2_000], y[:2_000], batch_size=size, **options)
before = most()
for size in (None, 1_000, 50_000):
    gl.train(X, y, batch_size=size, **options)
print(most() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
@pytest.mark.parametrize("kind", ["csr", "csc"])
def test_memory_is_far_below_the_matrix_written_out(kind: str) -> None:
    found = subprocess.run([sys.executable, "-c", MEASURE, kind], capture_output=True, text=True, check=True)
    assert float(found.stdout) < 60, found.stdout  # MB; written out it is 800
