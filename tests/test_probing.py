"""Linear probes: beside a fit on activations that are gathered by hand, and with models and loaders that are odd."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import gradline as gl


def network(width: int = 3, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(width, 2)]
    return nn.Sequential(*layers).to(dtype)


def examples(rows: int = 500) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 4, generator=rng)
    return x, torch.stack([x.sum(1) ** 2, x[:, 0].abs() + torch.randn(rows, generator=rng)], dim=1)


def by_hand(model: nn.Sequential, x: torch.Tensor, layers: int) -> torch.Tensor:
    model.eval()
    with torch.no_grad():
        return model[:layers](x)


def loader(x: torch.Tensor, y: torch.Tensor, size: int = 64) -> DataLoader[Any]:
    return DataLoader(TensorDataset(x, y), batch_size=size)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("l2", [0.0, 3.0])
def test_a_probe_is_the_fit_on_the_activations(dtype: torch.dtype, l2: float) -> None:
    x, y = examples()
    x = x.to(dtype)
    # Batches of the loader's own size, for a matrix product of other rows may round otherwise.
    activations = torch.cat([by_hand(network(dtype=dtype), part, 1) for part in x.split(64)])
    expected = gl.fit(activations, y, l2=l2)
    found = gl.probe(network(dtype=dtype), "0", loader(x, y), l2=l2)
    assert found.names == ["Intercept", "h1", "h2", "h3"]
    assert found.targets == ("y1", "y2")
    np.testing.assert_array_equal(found.params, expected.params)
    np.testing.assert_array_equal(found.se, expected.se)
    np.testing.assert_array_equal(found.predict(activations), expected.predict(activations))
    assert (found.digits, found.source) == (expected.digits, "the activations of layer '0'")


def test_a_later_layer_that_writes_in_place_changes_nothing() -> None:
    x, y = examples()
    before = by_hand(network(), x, 2).clone()
    found = gl.probe(network(), "1", [(x, y)])  # the ReLU after it works in place
    assert (before < 0).any()
    np.testing.assert_array_equal(found.params, gl.fit(before, y).params)


def test_a_wide_layer_is_summed_in_float64_and_right_to_1e_9() -> None:
    torch.manual_seed(3)
    model, x = nn.Linear(150, 150), torch.randn(9_000, 150)
    model = nn.Sequential(model, nn.Tanh())
    y = torch.randn(9_000, 7)
    found = gl.probe(model, "1", loader(x, y, 500))
    activations = torch.cat([by_hand(model, part, 2) for part in x.split(500)]).double().numpy()
    expected = np.linalg.lstsq(np.column_stack([np.ones(9_000), activations]), y.double().numpy(), rcond=None)[0]
    assert (found.plan.precision, found.plan.passes, found.precision) == ("float64", 1, "float64")
    assert "one pass over the rows" in str(found.plan)
    np.testing.assert_allclose(found.params, expected, rtol=1e-9, atol=1e-9 * abs(expected).max())


def test_the_smallest_of_many_coefficients_has_few_digits_and_nobody_is_warned() -> None:
    torch.manual_seed(3)
    h, y = torch.randn(3_000, 400), torch.randn(3_000, 100)
    found = gl.probe(nn.Sequential(nn.Identity()), "0", loader(h, y, 500), l2=1.0)  # a warning fails the test
    about = (h.double() - h.double().mean(0)).numpy()
    expected = np.linalg.solve(about.T @ about + np.eye(400), about.T @ y.double().numpy())
    assert found.digits < 7
    np.testing.assert_allclose(found.coef, expected, rtol=0, atol=1e-13 * abs(expected).max())


def test_batches_that_grow_and_shrink_leave_nothing_of_each_other_behind() -> None:
    torch.manual_seed(3)
    h, y = torch.randn(1_000, 5).double(), torch.randn(1_000)
    cuts = [0, 3, 500, 501, 999, 1_000]
    batches = [(h[a:b], y[a:b]) for a, b in itertools.pairwise(cuts)]
    found = gl.probe(nn.Sequential(nn.Identity()), "0", batches)
    np.testing.assert_array_equal(found.params, gl.fit(h, y).params)


def test_a_compiled_model_is_heard_though_it_has_run_before() -> None:
    x, y = examples()
    model = network()
    before = gl.probe(model, "1", [(x, y)]).params
    compiled = torch.compile(model, backend="eager")
    compiled.eval()
    with torch.no_grad():
        compiled(x)
    for layer in ("1", "_orig_mod.1", model[1]):
        np.testing.assert_array_equal(gl.probe(compiled, layer, [(x, y)]).params, before)


def test_a_layer_that_has_two_names_has_both() -> None:
    model = nn.Module()
    model.a = model.b = nn.Linear(3, 2)
    model.forward = lambda x: model.a(x)
    x, y = torch.randn(30, 3), torch.randn(30)
    np.testing.assert_array_equal(gl.probe(model, "b", [(x, y)]).params, gl.probe(model, "a", [(x, y)]).params)


@pytest.mark.parametrize("inputs", [torch.randn(9, 4), np.zeros((9, 5)), "abc", torch.randn(9, 5).double()])
def test_inputs_that_the_model_cannot_take_name_the_batch(inputs: Any) -> None:
    good = torch.randn(9, 5), torch.randn(9)
    with pytest.raises(
        gl.DataError, match=r"^batch 2 of the list: the model failed on .*\nPairs are \(inputs, target"
    ):
        gl.probe(nn.Sequential(nn.Linear(5, 3)), "0", [good, (inputs, torch.randn(9))])


def test_a_target_function_that_fails_names_the_batch() -> None:
    with pytest.raises(IndexError) as caught:
        gl.probe(nn.Sequential(nn.Linear(5, 3)), "0", [(torch.randn(9, 5),)], lambda batch: batch[7])
    assert caught.value.__notes__ == ["This is target= of gl.probe, called with the whole of batch 1 of the list."]


def test_gaps_in_a_wide_layer_are_told_in_a_few_words() -> None:
    x, y = torch.randn(300, 150), torch.randn(300)
    x[0] = float("nan")
    found = gl.probe(nn.Sequential(nn.Identity()), "0", [(x, y)])
    assert found.notes[0].startswith("1 of 300 rows left out, missing: h1 1, h2 1, ")
    assert found.notes[0].endswith(" more")
    assert len(found.notes[0]) < 150


def test_an_empty_batch_adds_nothing() -> None:
    h, y = torch.randn(40, 3), torch.randn(40)
    whole = gl.probe(nn.Sequential(nn.Identity()), "0", [(h, y)])
    parts = gl.probe(nn.Sequential(nn.Identity()), "0", [(h[:9], y[:9]), (h[:0], y[:0]), (h[9:], y[9:])])
    assert np.array_equal(parts.params, whole.params)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_what_torchscript_compiled_cannot_be_heard() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Linear(3, 2), nn.ReLU()))
    for model, layer in ((scripted, "0"), (nn.Sequential(scripted, nn.Linear(2, 1)), "0.1")):
        with pytest.raises(gl.OptionError, match=r"compiled by TorchScript.*\nProbe the model as it was before"):
            gl.probe(model, layer, [(torch.randn(4, 3), torch.randn(4))])


def test_sums_do_not_depend_on_where_batches_end() -> None:
    torch.manual_seed(3)
    activations, y = torch.randn(9_000, 300), torch.randn(9_000)
    fits = [gl.probe(nn.Sequential(nn.Identity()), "0", loader(activations, y, size)) for size in (9_000, 1_111, 7)]
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.params, fits[0].params)
        np.testing.assert_array_equal(fit.se, fits[0].se)


@pytest.mark.parametrize("fails", [False, True])
def test_modes_hooks_and_gradients_are_as_before(fails: bool) -> None:
    x, y = examples()
    model = network()
    model[1].eval()
    modes = [module.training for module in model.modules()]
    running = model[1].running_mean.clone()

    def target(batch: list[torch.Tensor]) -> torch.Tensor:
        assert not any(module.training for module in model.modules())
        if fails:
            raise KeyError("mine")
        return batch[1]

    if fails:
        with pytest.raises(KeyError, match="mine"):
            gl.probe(model, "0", loader(x, y), target)
    else:
        gl.probe(model, model[0], loader(x, y), target)
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.is_grad_enabled()
    assert torch.equal(model[1].running_mean, running)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_model_runs_without_gradients_and_they_are_on_again_between_batches() -> None:
    seen: list[bool] = []
    model = network()
    model.register_forward_pre_hook(lambda *_: seen.append(torch.is_grad_enabled()))

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for _ in range(3):
            seen.append(torch.is_grad_enabled())
            yield examples()

    gl.probe(model, "0", batches())
    assert seen == [True, False] * 3


def test_an_error_in_the_model_leaves_it_as_it_was() -> None:
    x, y = examples()
    model = network().train()
    with pytest.raises(gl.DataError, match="the model failed"):
        gl.probe(model, "0", [(x, y), (x[:, :3], y)])
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


def test_targets_from_a_function_and_from_keys() -> None:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network()

        def forward(self, ids: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return self.body(ids * scale)

    x, y = examples()
    expected = gl.fit(by_hand(network(), x * 2, 1), y)
    scale = torch.tensor(2.0)
    batches = [{"ids": x, "scale": scale, "first": y[:, 0], "second": y[:, 1]}]
    found = gl.probe(Tagger(), "body.0", batches, ["first", "second"])
    assert found.targets == ("first", "second")
    np.testing.assert_array_equal(found.params, expected.params)
    one = gl.probe(Tagger(), "body.0", [{"ids": x, "scale": scale, "second": y[:, 1]}], "second")
    np.testing.assert_array_equal(one.params, gl.fit(by_hand(network(), x * 2, 1), y[:, 1]).params)
    labels = (x[:, 0] > 0).long()
    hot = gl.probe(network(), "0", [(x, labels)], lambda batch: nn.functional.one_hot(batch[1], 2))
    np.testing.assert_array_equal(hot.params, gl.fit(by_hand(network(), x, 1), nn.functional.one_hot(labels)).params)
    alone = gl.probe(network(), "0", [x], lambda batch: batch[:, 0] ** 2)
    np.testing.assert_array_equal(alone.params, gl.fit(by_hand(network(), x, 1), x[:, 0] ** 2).params)


def test_what_is_no_matrix_is_reduced_by_a_function() -> None:
    torch.manual_seed(0)
    recurrent = nn.GRU(4, 5, batch_first=True)
    x, y = torch.randn(60, 7, 4), torch.randn(60)
    with torch.no_grad():
        expected = gl.fit(recurrent(x)[0][:, -1], y)
    found = gl.probe(recurrent, recurrent, [(x, y)], reduce=lambda output: output[0][:, -1])
    np.testing.assert_array_equal(found.params, expected.params)
    with pytest.raises(gl.ColumnError, match=r"the model gave a tuple; a tensor \(n, d\) was expected"):
        gl.probe(recurrent, recurrent, [(x, y)])
    with pytest.raises(gl.ShapeError, match=r"the model was reduced to \(60, 7, 5\); \(n, d\) was expected"):
        gl.probe(recurrent, recurrent, [(x, y)], reduce=lambda output: output[0])


def test_missing_and_infinite_activations() -> None:
    x, y = examples()
    y[3, 0], x[5, 0] = torch.nan, torch.nan
    found = gl.probe(nn.Sequential(nn.Identity()), "0", loader(x, y))
    np.testing.assert_array_equal(found.params, gl.fit(x, y).params)
    assert found.notes[0] == "2 of 500 rows left out, missing: h1 1, y1 1"
    with pytest.raises(gl.DataError, match="missing"):
        gl.probe(nn.Sequential(nn.Identity()), "0", loader(x, y), missing="error")
    x[70, 1] = torch.inf
    with pytest.raises(gl.DataError, match=r"'h2' in the activations of layer '0' is infinite \(inf\) at row 70"):
        gl.probe(nn.Sequential(nn.Identity()), "0", loader(x, y))


class _Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared, self.idle = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shared(self.shared(x))


class _Growing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x[:, : 2 + len(x) % 2])


X, Y = torch.arange(40.0).reshape(10, 4), torch.arange(10.0)
ERRORS: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "no such layer": (
        lambda: gl.probe(nn.ModuleDict({"encoder": network()}), "encoder.O", [(X, Y)]),
        gl.OptionError,
        "no layer 'encoder.O' in the model. Did you mean 'encoder.4'?\nlayers: encoder, encoder.0, ",
    ),
    "a part of its name": (
        lambda: gl.probe(nn.ModuleDict({"encoder": network()}), "4", [(X, Y)]),
        gl.OptionError,
        "no layer '4' in the model. Did you mean 'encoder.4'?",
    ),
    "another model's": (
        lambda: gl.probe(network(), nn.Linear(1, 1), [(X, Y)]),
        gl.OptionError,
        "the layer Linear is not part of the model.\nlayers: 0, 1, 2, 3, 4",
    ),
    "a number": (lambda: gl.probe(network(), 0, [(X, Y)]), gl.OptionError, "layer is the name of a layer or the nn."),
    "no model": (
        lambda: gl.probe(torch.relu, "0", [(X, Y)]),
        gl.OptionError,
        "an nn.Module was expected as",
    ),
    "no reduction": (lambda: gl.probe(network(), "0", [(X, Y)], reduce="mean"), gl.OptionError, "reduce is a funct"),
    "no targets": (lambda: gl.probe(network(), "0", [(X, Y)], []), gl.OptionError, "target is empty"),
    "a number for a target": (lambda: gl.probe(network(), "0", [(X, Y)], 3), gl.OptionError, "a function; 3 arrived"),
    "a dataset": (
        lambda: gl.probe(network(), "0", 3),
        gl.OptionError,
        "loader gives batches when it is iterated; a int does not.\nWrap a dataset",
    ),
    "no batch": (lambda: gl.probe(network(), "0", []), gl.DataError, "the list is empty: not a single batch came."),
    "no pair": (
        lambda: gl.probe(network(), "0", [X]),
        gl.DataError,
        "batch 1 of the list is a tensor (10, 4); a pair (inputs, target) was expected.\nSay where the target is",
    ),
    "later no pair": (
        lambda: gl.probe(network(), "0", [(X, Y), (X, Y, Y)]),
        gl.DataError,
        "batch 2 of the list is a tuple of 3; a pair (inputs, target) was expected.",
    ),
    "no mapping": (
        lambda: gl.probe(network(), "0", [(X, Y)], "label"),
        gl.DataError,
        "batch 1 of the list is a tuple of 2; target= names keys of a mapping.\nLeave target= out",
    ),
    "no key": (
        lambda: gl.probe(network(), "0", [{"x": X, "labels": Y}], "label"),
        gl.DataError,
        "batch 1 of the list has no key 'label' for the target.\nkeys: x, labels",
    ),
    "a wide key": (
        lambda: gl.probe(nn.Identity(), nn.Identity(), [{"input": X, "y": X}], "y"),
        gl.OptionError,
        "the layer Identity is not part of the model.\nlayers: none",
    ),
    "rows": (
        lambda: gl.probe(network(), "0", [(X, Y[:7])]),
        gl.ShapeError,
        "batch 1 of the list: layer '0' gave 10 rows for 7 targets.",
    ),
    "a text": (
        lambda: gl.probe(network(), "0", [(X, ["a"] * 10)]),
        gl.ColumnError,
        "batch 1 of the list, target: an array of numbers was expected and text arrived.",
    ),
    "width": (
        lambda: gl.probe(_Growing(), "layer", [(X, Y), (X[:5], Y[:5])]),
        gl.ShapeError,
        "batch 2 of the list: layer 'layer' gave 3 columns, and 2 in the first batch.\nReduce them to one width",
    ),
    "target's width": (
        lambda: gl.probe(network(), "0", [(X, Y), (X, X)]),
        gl.ShapeError,
        "batch 2 of the list: the target has 4 columns, and 1 in the first",
    ),
    "type": (
        lambda: gl.probe(network(), "0", [(X, Y), (X, Y.double())]),
        gl.ColumnError,
        "batch 2 of the list: float64 numbers came, and float32 in the first batch.",
    ),
    "twice": (lambda: gl.probe(_Twice(), "shared", [(X, Y)]), gl.DataError, "layer 'shared' ran 2 times; once was"),
    "never": (
        lambda: gl.probe(_Twice(), "idle", [(X, Y)]),
        gl.DataError,
        "layer 'idle' did not run; once was ex",
    ),
    "no l2": (lambda: gl.probe(network(), "0", [(X, Y)], l2=-1), gl.OptionError, "l2 is the strength of a penalty"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_was_expected_what_came_and_what_to_try(case: str) -> None:
    call, kind, text = ERRORS[case]
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3
    assert all(len(line) <= 80 for line in str(caught.value).splitlines()), str(caught.value)


def test_batches_are_forgotten() -> None:
    """No batch but the first outlives the next one."""
    import weakref

    alive: list[weakref.ref[torch.Tensor]] = []

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for _ in range(20):
            assert sum(each() is not None for each in alive) <= 2
            x, y = torch.randn(30, 4), torch.randn(30)
            alive.append(weakref.ref(x))
            yield x, y
            del x, y

    assert gl.probe(network(), "0", batches()).nobs == 600
