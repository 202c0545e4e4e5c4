"""Tensors of every type, datasets and data loaders: the float64 answer of the numbers that they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset

import gradline as gl
from gradline.sources.gathered import TOGETHER, gathered


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


class Samples(IterableDataset):
    """Samples one by one, in the same memory each time."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, make: Callable[..., Any] = lambda x, y: (x, y)) -> None:
        self.x, self.y, self.make = x, y, make

    def __iter__(self) -> Any:
        room = torch.empty(self.x.shape[1], dtype=self.x.dtype)
        for x, y in zip(self.x, self.y, strict=True):
            yield self.make(room.copy_(x), y)
        room.fill_(torch.nan)


MADE: dict[str, Callable[..., Any]] = {
    "pairs": lambda x, y: (x, y),
    "pairs of arrays and numbers": lambda x, y: (x.numpy(), float(y)),
    "features and labels": lambda x, y: {"features": x, "labels": y},
    "a key each": lambda x, y: {"a": x[0], "b": float(x[1]), "c": np.float64(x[2]), "labels": y, "at": "여"},
    "a key each, and a picture": lambda x, y: {**dict(zip("abc", x, strict=True)), "at": x.repeat(2, 2), "labels": y},
}
FORMS: dict[str, Callable[..., Any]] = {
    "dataset": Rows,
    "loader": lambda *given: DataLoader(Rows(*given), batch_size=64),
    "list of batches": lambda *given: list(DataLoader(Rows(*given), batch_size=999)),
    "generator": lambda *given: (item for item in DataLoader(Rows(*given), batch_size=64)),
    "samples": Samples,
    "loader of samples": lambda *given: DataLoader(Samples(*given), batch_size=None),
    "generator of samples": lambda *given: (item for item in Samples(*given)),
}


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("form", FORMS)
def test_mappings_and_single_samples_are_the_same_rows(form: str, made: str) -> None:
    if "sample" in form and "picture" in made:
        pytest.skip("a picture is no sample of a table")
    x, y = rows(5_000)
    request: dict[str, Any] = {} if "pairs" in made else {"target": "labels"}
    if "key" in made:
        request["features"] = ["a", "b", "c"]
    found, expected = gl.fit(FORMS[form](x, y, MADE[made]), **request), gl.fit(x, y)
    np.testing.assert_array_equal(found.params, expected.params)
    features = {"p": ["x1", "x2", "x3"], "f": ["features1", "features2", "features3"], "a": ["a", "b", "c"]}[made[0]]
    assert (found.names, found.nobs, found.plan.passes) == (["Intercept", *features], 5_000, 1)
    moments = gl.Moments.of(FORMS[form](x, y, MADE[made]), **request)
    assert moments.hi.tobytes() == gl.Moments.of(x, y).hi.tobytes()


def test_text_in_batches_is_a_category() -> None:
    x, y = rows(600)
    city = ["Seoul", "Busan", "서울"] * 200
    cut = [slice(at, at + 70) for at in range(0, 600, 70)]
    batches = [{"x": x[part, 0], "y": y[part].numpy(), "city": city[part]} for part in cut]
    fit = gl.fit(batches, formula="y ~ x + city")
    frame = pd.DataFrame({"x": x[:, 0], "y": y, "city": city})
    np.testing.assert_array_equal(fit.params, gl.fit(frame, formula="y ~ x + city").params)
    arrays = [{**batch, "city": np.array(batch["city"])} for batch in batches]
    np.testing.assert_array_equal(gl.fit(iter(arrays), formula="y ~ x + city").params, fit.params)


def test_no_more_than_some_samples_are_kept() -> None:
    items = ((float(number), 1.0) for number in range(3 * TOGETHER))
    numbered = gathered(items)
    for first in (1, TOGETHER + 1):
        number, (x, _) = next(numbered)
        assert (number, len(x), x[0]) == (first, TOGETHER, first - 1)
    assert next(items)[0] == 2 * TOGETHER + 1


X1 = torch.arange(4.0).double()
BATCH = {"a": X1, "y": X1**2}
SAMPLE = {"a": 1.0, "y": 2.0}
PROMISED: dict[str, tuple[list[Any], type[Exception], str]] = {
    "a key more": (
        [BATCH, BATCH | {"b": X1}],
        gl.ColumnError,
        "item 2 of .* has the columns a, y, b.\nThe first had a, y",
    ),
    "a key less": ([BATCH, {"y": X1}], gl.ColumnError, "item 2 of .* has the columns y.\nThe first had a, y"),
    "another type": (
        [BATCH, BATCH | {"a": X1.float()}],
        gl.ColumnError,
        "'a' is float32 here and float64 in the first",
    ),
    "text": ([BATCH, BATCH | {"a": list("abcd")}], gl.ColumnError, "'a' is text here and float64 in the first"),
    "a wider value": (
        [BATCH, BATCH | {"a": torch.ones(4, 2)}],
        gl.ColumnError,
        "columns a1, a2, y.\nThe first had a, y",
    ),
    "more axes": (
        [BATCH, BATCH | {"a": torch.ones(4, 2, 2)}],
        gl.ColumnError,
        r"'a' is an array of shape \(n, 2, 2\) h",
    ),
    "fewer rows": (
        [BATCH, {"a": X1[:3], "y": X1}],
        gl.ShapeError,
        "item 2 of .*: 'a' has 3 rows and 'y' has 4.\nGive",
    ),
    "a pair": ([BATCH, (X1, X1)], gl.ColumnError, "item 2 of .* has the columns x, y.\nThe first had a, y"),
    "a number": (
        [BATCH, 3],
        gl.DataError,
        "item 2 of .*: a int came.\nExpected record batches, data frames, mappings",
    ),
    "None": ([BATCH, BATCH | {"a": None}], gl.DataError, "item 2 of .*: 'a': a NoneType came.\nExpected an array"),
    "nothing": ([{}], gl.DataError, "item 1 of .*: a mapping without columns came"),
    "a sample with another key": (
        [SAMPLE] * 3 + [{"b": 1.0, "y": 2.0}],
        gl.ColumnError,
        "item 4 of .* columns b, y.\nT",
    ),
    "a wider sample": ([(X1, 1.0)] * 5 + [(X1[:3], 1.0)], gl.ColumnError, "item 6 of .* columns x1, x2, x3, y.\nThe"),
    "a coarser sample": (
        [(X1, 1.0), (X1.float(), 1.0)],
        gl.ColumnError,
        "item 2 .*'x1' is float32 here and float64 in",
    ),
    "text in a sample": (
        [SAMPLE, {"a": "b", "y": 2.0}],
        gl.ColumnError,
        "item 2 of .*'a' is text here and float64 in",
    ),
    "no more samples": ([(X1, 1.0), (X1, "b")], gl.DataError, "item 2 of .*: a tuple of Tensor, str came"),
}


@pytest.mark.parametrize("case", PROMISED)
def test_items_that_are_not_what_the_first_promised(case: str) -> None:
    items, kind, text = PROMISED[case]
    with pytest.raises(kind, match=text) as caught:
        gl.fit(iter(items), target="y")
    assert len(str(caught.value).splitlines()) <= 2


def test_a_column_of_more_axes_can_be_there_but_not_be_read() -> None:
    batch = BATCH | {"picture": torch.ones(4, 3, 8, 8)}
    assert gl.fit([batch], target="y", features=["a"]).nobs == 4
    with pytest.raises(
        gl.ColumnError, match=r"feature 'picture' in the list is an array of shape \(n, 3, 8, 8\); numb"
    ):
        gl.fit([batch], target="y")
    with pytest.raises(gl.OptionError, match="no target: name a column of the list in target="):
        gl.fit([batch])


def test_a_sample_may_be_two_numbers() -> None:
    x, y = (each.tolist() for each in (X1, X1**2))
    np.testing.assert_array_equal(gl.fit(zip(x, y, strict=True)).params, gl.fit(x, y).params)
    whole = ({"a": at, "y": at + at % 2 / 2} for at in range(9))  # ints and floats, as JSON has them
    assert gl.fit(whole, target="y").nobs == 9


class _Endless(Dataset):
    def __getitem__(self, number: int) -> Any:
        return torch.ones(3), 1.0


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "shapes": (
        lambda: Rows(*rows(50), lambda x, y: (x[: 2 + int(y > 0)], y)),
        gl.ShapeError,
        "samples 0 to 49 of the Rows differ in their shape.\nEach needs as many features",
    ),
    "keys": (
        lambda: Rows(*rows(50), lambda x, y: {"x": x, "y": y} | ({"z": y} if y > 0 else {})),
        gl.ColumnError,
        "samples 0 to 49 of the Rows differ in their keys.\nThe first has x, y",
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


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda x, y: (x.repeat(1 + int(y) % 2), y), "stack expects each tensor to be equal size"),
        (lambda _x, _y: None, "batch must contain tensors"),
    ],
)
def test_a_loader_that_cannot_make_a_batch(make: Callable[..., Any], said: str) -> None:
    loader = DataLoader(Rows(torch.ones(6, 2), torch.arange(6.0), make), batch_size=3)
    with pytest.raises(gl.DataError) as caught:
        gl.fit(loader)
    assert said in str(caught.value)
    assert str(caught.value).startswith("the DataLoader cannot make batches of its samples: ")
    with pytest.raises(gl.DataError, match="cannot make batches"):
        gl.probe(torch.nn.Sequential(torch.nn.Linear(2, 2)), "0", loader)
