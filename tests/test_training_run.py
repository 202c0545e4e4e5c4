"""gl.train from end to end: the notebook's numbers, what a Run says, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn
from torch_loop import design, loop

import gradline as gl
from gradline.errors import DataError, OptionError


def notebook() -> tuple[list[torch.Tensor], list[tuple[torch.Tensor, torch.Tensor]]]:
    """x, the clean and the noisy labels, and the two fresh models, drawn in the notebook's order."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = nn.init.uniform_(torch.zeros(100, 1), -10, 10)
        noise = nn.init.normal_(torch.zeros(100, 1), std=1)
        models = [nn.Linear(1, 1), nn.Linear(1, 1)]
    return [x, 2 * x + 3, 2 * (x + noise) + 3], [(m.weight.detach(), m.bias.detach()) for m in models]


def test_the_notebook_with_clean_labels() -> None:
    (x, y, _), (start, _) = notebook()
    run = gl.train(x, y, lr=0.01, epochs=500, init=start)
    expected = [274.187, 0.221915, 0.00392864, 6.95450e-05, 1.23123e-06]  # float32: EXPERIENCE.md
    np.testing.assert_allclose(run.history.loss[::100], expected, rtol=2e-3)
    assert run.weight[0] == pytest.approx(1.9999989, abs=1e-6)
    assert run.bias == pytest.approx(2.9998527, abs=1e-5)
    real = gl.train(x, y, lr=0.01, epochs=500, init=start, engine="autograd")
    np.testing.assert_allclose(real.history.loss[::100], expected, rtol=1e-5)


def test_the_notebook_with_noisy_labels() -> None:
    (x, _, y), (_, start) = notebook()
    run = gl.train(x, y, lr=0.01, epochs=500, init=start)
    np.testing.assert_allclose(
        run.history.loss[::100], [59.0152, 3.41964, 3.16922, 3.16479, 3.16471], rtol=0, atol=1e-4
    )
    assert (round(run.weight[0], 5), round(run.bias, 5)) == (1.93141, 2.97836)
    assert round(run.stability.lr_limit, 4) == 0.0291
    assert run.stability.lr_best == pytest.approx(0.0282, abs=1e-4)
    assert run.stability.column == "x"
    assert run.status == "converged"
    assert repr(run).splitlines() == [
        "Run: converged · 500 epochs · loss 3.165 · w 1.93141, b 2.97836",
        "  1.6e-04 from the exact b (0.00088 of its standard error); 0 epochs more to 1e-3",
    ]


def test_history_is_from_before_each_step() -> None:
    x, y = design("line")
    run = gl.train(x, y, init=(0.5, -0.7), epochs=3)
    assert run.history.weight[0] == 0.5
    assert run.history.bias[0] == -0.7
    assert run.history.loss[0] == pytest.approx(np.mean((y - 0.5 * x + 0.7) ** 2), rel=1e-14)
    by_weight, by_bias = run.history.grad[-1]
    assert run.weight[0] == pytest.approx(run.history.weight[-1, 0] - 0.01 * by_weight, rel=1e-14)
    assert run.bias == pytest.approx(run.history.bias[-1] - 0.01 * by_bias, rel=1e-14)
    assert len(run.history) == 3
    moment = run.history.at(2)
    assert (moment.loss, moment.bias) == pytest.approx((run.history.loss[2], run.history.bias[2]), rel=1e-14)


@pytest.mark.parametrize("engine", ["closed-form", "autograd"])
def test_shapes(engine: str) -> None:
    x, y = design("three targets")
    one = gl.train(x, y[:, 0], epochs=4, engine=engine)
    assert (one.weight.shape, np.shape(one.bias)) == ((3,), ())
    assert (one.history.loss.shape, one.history.weight.shape) == ((4,), (4, 3))
    assert (one.history.bias.shape, one.history.grad.shape) == ((4,), (4, 4))
    three = gl.train(x, y, epochs=4, engine=engine)
    assert (three.weight.shape, three.bias.shape) == ((3, 3), (3,))
    assert (three.history.weight.shape, three.history.bias.shape) == ((4, 3, 3), (4, 3))
    assert three.history.grad.shape == (4, 3, 4)
    assert three.model.weight.shape == (3, 3)
    assert np.array_equal(three.model.weight.detach().numpy(), three.weight)
    assert three.gap().distance.shape == (4, 3)


def test_the_same_target_in_every_form() -> None:
    x, y = design("line")
    import pandas as pd

    runs = [gl.train(x, form, seed=0) for form in (y, y[:, 0], pd.Series(y[:, 0]), pd.DataFrame({"y": y[:, 0]}))]
    assert all(np.array_equal(run.history.loss, runs[0].history.loss) for run in runs)
    with pytest.raises(gl.ShapeError, match="39"):
        gl.train(x, y[:39])


def test_standardized_columns_are_trained_as_by_hand() -> None:
    x, y = design("apart")
    start = np.random.default_rng(1).normal(size=(4, 1))
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    seen = loop((x - mean) / deviation, y, start, epochs=50, lr=0.1)
    for engine in ("closed-form", "autograd"):
        run = gl.train(x, y, lr=0.1, epochs=50, init=(start[1:].T, start[0]), standardize=True, engine=engine)
        np.testing.assert_allclose(run.history.loss, seen.loss, rtol=1e-9)
        np.testing.assert_allclose(run.weight, seen.end[1:, 0] / deviation, rtol=1e-9)
        residual = y[:, 0] - x @ run.history.weight[7] - run.history.bias[7]
        assert np.mean(residual**2) == pytest.approx(run.history.loss[7], rel=1e-9)
        expected = [*(-2 * residual @ x / len(x)), -2 * residual.mean()]
        np.testing.assert_allclose(run.history.grad[7], expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def test_the_best_rate() -> None:
    x, y = design("line")
    run = gl.train(x, y, lr="auto", epochs=500, seed=0)
    assert run.lr == gl.stability(x, y).lr_best
    assert run.status == "converged"
    for options in ({"optimizer": "adam"}, {"loss": "huber"}, {"loss": "l1"}, {"zero_grad": False, "momentum": 0.5}):
        with pytest.raises(OptionError, match='lr="auto" is the best rate of SGD'):
            gl.train(x, y, lr="auto", **options)


def test_moments_train_like_the_rows() -> None:
    x, y = design("three targets")
    options = {"lr": 0.05, "epochs": 30, "momentum": 0.5, "seed": 4}
    rows, moments = gl.train(x, y, **options), gl.Moments.of(x, y).train(**options)
    assert np.array_equal(rows.history.loss, moments.history.loss)
    with pytest.raises(OptionError, match="a trace runs the loop over the rows"):
        moments.trace(2)


def test_the_gap_tells_how_many_epochs_are_left() -> None:
    x, y = design("offset")
    x = x - 990
    run = gl.train(x, y, lr="auto", epochs=10, seed=0)
    assert run.status == "not yet converged"
    for tol in (0.5, 1e-3, 3e-5):
        more = run.gap().epochs_more(tol)
        assert gl.train(x, y, lr="auto", epochs=10 + more, seed=0).gap().largest <= tol
        assert gl.train(x, y, lr="auto", epochs=10 + more - 1, seed=0).gap().largest > tol
    for tol in (0, -1, "a", None):
        with pytest.raises(OptionError, match="tol is a share of the coefficient, above 0"):
            run.gap().epochs_more(tol)
    np.testing.assert_allclose(run.gap().distance, [run.bias - run.exact.intercept, *(run.weight - run.exact.coef)])
    assert "epochs more" in str(run.gap())


def test_the_gap_of_dependent_columns_is_to_the_nearest_solution() -> None:
    x, y = design("dependent")
    run = gl.train(x, y, lr="auto", epochs=3000, seed=0)
    assert np.isnan(run.exact.coef).any()
    assert run.gap().largest < 1e-8
    assert run.status == "converged"


def test_weight_decay_is_heading_elsewhere_and_arrives() -> None:
    x, y = design("three targets")
    run = gl.train(x, y, lr=0.1, epochs=2000, weight_decay=0.5, seed=0)
    assert run.status == "converged"
    assert run.gap().largest > 0.01


@pytest.mark.filterwarnings("ignore::gradline.GradlineWarning")
def test_a_diverged_run_names_the_range_that_it_left() -> None:
    x, y = gl.line(seed=0)  # float32, and so is a loop over them; what is compiled computes in float64
    for options, dtype in (({"engine": "autograd"}, "float32"), ({"batch_size": 50, "dtype": "float32"}, "float64")):
        run = gl.train(x, y, lr=0.1, epochs=500, seed=0, **options)
        assert run.status == "diverged"
        assert f"the loss left {dtype}'s range" in repr(run)
        assert f"left {dtype}'s range" in str(run.explain())


def test_the_leap_is_looked_at_first() -> None:
    x, y = gl.line(seed=0)
    with pytest.warns(gl.GradlineWarning) as caught:
        run = gl.train(x, y, lr=0.05, epochs=1000, seed=0)
    assert len(caught) == 1
    assert str(caught[0].message).splitlines() == [
        "lr 0.05 is above the limit 0.0291 for these data: the loss will grow 5.96-fold each step.",
        'x sets the limit (its mean square is 34.4). Use lr="auto" (0.0282), or standardize=True.',
    ]
    assert caught[0].filename == __file__
    assert (run.status, run.stopped_at) == ("diverged", 393)
    assert "stopped at step 393, the loss left float64's range" in repr(run)
    assert repr(run).count("\n") <= 2
    with pytest.warns(gl.GradlineWarning, match="diverges at any rate"):
        gl.train(x, y, lr=1e-5, momentum=0.9, zero_grad=False)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.5},
        {"momentum": 0.9, "nesterov": True},
        {"zero_grad": False},
        {"lr": 1.0},
        {"lr": "auto"},
        {"lr": 1e-30},
        {"reduction": "sum", "lr": 1e-5},
        {"standardize": True},
        {"engine": "autograd"},
        {"engine": "autograd", "momentum": 0.5},
        {"optimizer": "adam"},
        {"batch_size": 7},
    ],
    ids=str,
)
def test_a_start_whose_loss_is_beyond_float64_is_refused(options: dict) -> None:
    x, y = (values.double() for values in gl.line(seed=0))
    with pytest.raises(OptionError) as caught:
        gl.train(x, y, init=(1e160, 0.0), **{"lr": 0.01, "epochs": 10, **options})
    assert str(caught.value).splitlines() == [
        "the loss at the start is beyond float64: init is too far off (1e+160).",
        "Choose init nearer, or leave it out.",
    ]
    near = gl.train(x, y, init=(1e150, 0.0), epochs=2, **{**options, "lr": 1e-5})
    assert np.isfinite(near.history.loss[0])


def test_the_first_loss_is_refused_where_later_ones_would_be_finite() -> None:
    x, y = design("line")
    with pytest.raises(OptionError, match="the loss at the start is beyond float64"):
        gl.train(x, y, init=(1e155, 0.0), lr="auto", epochs=500)
    with pytest.raises(OptionError, match="the loss at the start is beyond float64"):
        gl.Moments.of(x, y).train(init=(1e155, 0.0), lr="auto")


def test_a_start_beyond_what_the_loop_computes_in() -> None:
    x, y = gl.line(seed=0)  # float32
    for options in ({}, {"loss": "huber"}, {"loss": "l1", "init": (1e300, 0.0)}):
        with pytest.raises(OptionError) as caught:
            gl.train(x, y, **{"init": (1e38, 0.0), "engine": "autograd", **options})
        assert str(caught.value).startswith("the loss at the start is beyond float32: init is too far off (1e+3")
        assert str(caught.value).endswith("\nChoose init nearer, or leave it out, or train in float64.")
    assert gl.train(x, y, init=(1e38, 0.0), engine="autograd", dtype="float64", epochs=2).history.loss[0] > 1e70
    with pytest.raises(OptionError, match=r"beyond float32\.\nRescale the columns \(.*\), or train in float64"):
        gl.train(x, 1e30 * y, engine="autograd", seed=0)

    with pytest.raises(OptionError, match=r"beyond float64: init is too far off \(1e\+308\)"):
        gl.train(x, y, loss="l1", init=(1e308, 0.0))

    def nothing(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (prediction - target).sum() * float("nan")

    with pytest.raises(OptionError, match=r"loss nothing is not finite at the start\.\nCheck what it gives"):
        gl.train(x, y, loss=nothing, seed=0)


def test_a_loop_that_diverged_below_the_limit_is_not_said_to_be_above_it() -> None:
    x, y = gl.line(seed=0)
    run = gl.train(x, y, lr=0.028, batch_size=1, epochs=50, seed=0)
    assert run.status == "diverged"
    assert run.stability.stable
    assert "above the limit" not in repr(run)
    assert repr(run).splitlines()[1] == "  lr 0.028 is too high for this way of training: try a tenth of it"


def test_a_trace_is_the_five_statements() -> None:
    x, y = gl.line(seed=0)
    text = str(gl.train(x, y, seed=0).trace(2))
    assert all(len(line) <= 80 for line in text.splitlines())
    for words in (
        "step 0   optimizer.zero_grad()     w.grad: None",
        "pred = model(x)           pred[0] = ",
        "loss = loss_fn(pred, y)   loss = 136.27",
        "loss.backward()           w.grad: None -> -132.28",
        "optimizer.step()          w: -0.0074868",
        "step 1   optimizer.zero_grad()     w.grad: -132.28",
    ):
        assert words in text
    adding = str(gl.train(x, y, seed=0, zero_grad=False).trace(2))
    assert "zero_grad" not in adding
    assert "w.grad: -132.28" in adding
    wide = str(gl.train(*design("eight columns"), lr=1e-8, epochs=1).trace(1))
    assert "…]" in wide


def test_a_saved_run_is_the_same_run(tmp_path) -> None:
    x, y = design("three targets")
    for number, options in enumerate(({"momentum": 0.9}, {"loss": "l1"}, {"standardize": True, "seed": 3})):
        run = gl.train(x, y, lr=0.05, epochs=50, **options)
        path = tmp_path / f"{number}.safetensors"
        run.save(path)
        again = gl.load(path)
        assert np.array_equal(again.history.loss, run.history.loss)
        assert np.array_equal(again.weight, run.weight)
        assert (repr(again), again.summary()) == (repr(run), run.summary())


@pytest.mark.parametrize("lr", [Fraction(1, 100), np.float32(0.01), np.float64(0.01)])
def test_a_rate_of_any_kind_is_a_float(lr: object, tmp_path) -> None:
    run, same = (gl.train(*gl.line(seed=0), lr=given, epochs=20, seed=0) for given in (lr, float(lr)))
    assert run.weight[0] == same.weight[0]
    assert run.gap().epochs == same.gap().epochs
    run.save(tmp_path / "run.safetensors")
    assert gl.load(tmp_path / "run.safetensors").explain() == run.explain()


def test_a_summary_fits_a_terminal() -> None:
    for name in ("line", "eight columns", "three targets"):
        run = gl.train(*design(name), lr=1e-8, epochs=20, momentum=0.5, dampening=0.1, weight_decay=0.1)
        assert all(len(line) <= 80 for line in run.summary().splitlines())
        assert repr(run).count("\n") <= 2


def test_rows_of_the_gap_say_which_target_and_stay_within_a_terminal() -> None:
    x, y = design("three targets")
    lines = str(gl.train(x, y, epochs=5, seed=0).gap()).splitlines()
    assert lines[1].startswith("Intercept → y1 ")
    assert [line.split("  ")[0].rstrip() for line in lines[4:7]] == ["x1 → y1", "x1 → y2", "x1 → y3"]
    import pandas as pd
    from rich.cells import cell_len

    names = [
        "x",
        "펭귄의 날개 길이를 밀리미터로",
        "flipper_length_in_millimetres",
        "몸무게를 그램으로 잰 값",
        "a" * 90,
        "b",
    ]
    table = pd.DataFrame(np.random.default_rng(3).normal(size=(30, 6)), columns=names)
    for targets in (["b"], ["b", "x"], names[3:5], [names[1]]):
        run = gl.train(table, targets, epochs=3, seed=0)
        text = f"{run.summary()}\n{run!r}"
        assert max(map(cell_len, text.splitlines())) <= 80
        assert repr(run).count("\n") <= 2
        widths = {cell_len(line) for line in str(run.gap()).splitlines()[:-1]}
        assert len(widths) == 1, "columns are aligned"


def test_a_loaded_loop_says_what_it_kept(tmp_path) -> None:
    run = gl.train(*design("line"), epochs=5, seed=0, engine="autograd")
    assert run.history.weight.shape == (5, 1)
    run.save(tmp_path / "run.safetensors")
    again = gl.load(tmp_path / "run.safetensors")
    assert np.array_equal(again.history.loss, run.history.loss)
    for read in (lambda: again.history.weight, lambda: again.history.grad, lambda: again.history.at(2)):
        with pytest.raises(OptionError, match="a saved loop keeps its losses and last weights only"):
            read()


def test_no_rows_are_left() -> None:
    with pytest.raises(DataError, match="no rows left"):
        gl.train(np.array([[np.nan]]), np.array([1.0]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1 up; 0 arrived"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"lr": 0}, "lr must be a positive number"),
        ({"lr": -1.0}, "lr must be a positive number"),
        ({"lr": float("nan")}, "lr must be a positive number"),
        ({"lr": float("inf")}, "lr must be a positive number"),
        ({"lr": "best"}, "lr must be a positive number or \"auto\"; 'best' arrived"),
        ({"momentum": 1.5}, "momentum must be a number from 0 to 1; 1.5 arrived"),
        ({"momentum": -0.1}, "momentum must be"),
        ({"dampening": 2}, "dampening must be"),
        ({"weight_decay": -1}, "weight_decay must be"),
        ({"nesterov": True}, "nesterov=True needs momentum above 0"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov=True needs"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1 up"),
        ({"batch_size": 41}, "batch_size must be at most the 40 rows"),
        ({"optimizer": "admaw"}, "Did you mean 'adamw'?"),
        ({"optimizer": 3}, "optimizer must be a name in torch.optim or a class"),
        ({"optimizer": "adam", "momentum": 0.9}, "Adam has no option momentum"),
        ({"optimizer": "muon"}, "Muon refuses these options or this model|one of"),
        ({"optimizer": "sparseadam"}, "SparseAdam cannot train this model"),
        ({"loss": "mae"}, "loss must be one of 'mse', 'l1', 'huber'"),
        ({"loss": nn.MSELoss}, "an nn.Module instance"),
        ({"loss": nn.MSELoss(reduction="mean"), "reduction": "sum"}, "contradicts MSELoss"),
        ({"reduction": "none"}, "reduction must be one of 'mean', 'sum'"),
        ({"engine": "closed"}, "Did you mean 'closed-form'?"),
        ({"engine": "closed-form", "loss": "l1", "batch_size": 3}, "batch_size=3, loss='l1' arrived"),
        ({"engine": "minibatch", "optimizer": "adam"}, "engine 'minibatch' is for SGD .*; optimizer='adam' arrived"),
        ({"lr_schedule": "cosin"}, "Did you mean 'cosine'?"),
        ({"lr_schedule": lambda epoch: -1.0}, "lr_schedule must give a share of lr, .* -1.0 arrived for epoch 0"),
        ({"average": 501}, "average is over how many of the last epochs, from 0 to 500; 501 arrived"),
        ({"lr": 1e307}, r"lr 1e\+307 times the steepness of the loss is beyond float64's range"),
        ({"lr": 1e307, "batch_size": 40}, r"lr 1e\+307 times the steepness of the loss is beyond float64's range"),
        ({"callback": 3}, "callback must be a function of a step; 3 arrived"),
        (
            {"loss": nn.NLLLoss()},
            r"NLLLoss failed on pred and target of shape \(40, 1\): 0D or 1D target tensor expected",
        ),
        (
            {"loss": nn.BCELoss(), "init": (0.0, 5.0)},
            r"BCELoss failed on .*: all elements of input should be between 0 and 1",
        ),
        (
            {"loss": nn.CosineEmbeddingLoss()},
            "CosineEmbeddingLoss failed on .* missing 1 required positional argument",
        ),
        ({"dtype": "int8"}, "dtype must be one of"),
        ({"device": "nowhere"}, "device 'nowhere' cannot be used"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"seed": 2**70}, r"from -2\*\*63 to 2\*\*64 - 1, as in PyTorch; 1180591620717411303424 arrived"),
        ({"seed": -(2**63) - 1, "init": (0.0, 0.0), "batch_size": 5}, "seed must be a whole number from"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_options_are_refused_in_one_line(options: dict, words: str) -> None:
    x, y = design("line")
    with pytest.raises(OptionError, match=words) as caught:
        gl.train(x, y, **options)
    assert str(caught.value).count("\n") <= 1


def test_sgd_under_any_name_runs_in_closed_form() -> None:
    x, y = design("line")
    for options in (
        {"optimizer": torch.optim.SGD},
        {"optimizer": "SGD"},
        {"loss": nn.MSELoss()},
        {"dtype": torch.float32},
    ):
        assert gl.train(x, y, epochs=2, **options).engine.startswith("closed-form")
    assert gl.train(x, y, epochs=2, loss=nn.MSELoss(reduction="sum"), lr=1e-4).request.reduction == "sum"
    assert gl.train(x, y, epochs=2, dtype=torch.float32).model.weight.dtype == torch.float32


def test_importing_it_does_not_load_torch() -> None:
    code = "import sys, gradline.training; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
