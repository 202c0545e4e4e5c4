"""`gradline train`: losses, learned beside exact, divergence said, the trace, and a run that predicts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

import gradline as gl
from gradline.cli import main

LINE = gl.line(seed=0)


@pytest.fixture
def line(tmp_path: Path) -> str:
    x, y = (values.numpy().ravel().tolist() for values in LINE)
    with (tmp_path / "line.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["x", "y"], *zip(x, y, strict=True)])
    return str(tmp_path / "line.csv")


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["train", *arguments]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    if "--json" not in arguments:
        wide = [row for row in said.out.splitlines() if cell_len(row) > 80 and ".safetensors" not in row]
        assert not wide, "\n".join(wide)
    return said.out


def run(**options: object) -> gl.Run:
    x, y = (values.double() for values in LINE)
    return gl.train(x, y, **options)


def test_prints_the_loss_every_hundred_epochs_and_both_answers(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, line, "--target", "y", "--seed", "0")
    expected = run(seed=0)
    losses = [row.split() for row in text.splitlines() if row.startswith("epoch ")]
    assert [int(row[1]) for row in losses] == [0, 100, 200, 300, 400]
    np.testing.assert_allclose([float(row[3]) for row in losses], expected.history.loss[::100], rtol=1e-5)
    row = next(row for row in text.splitlines() if row.startswith("x "))
    np.testing.assert_allclose(
        [float(cell) for cell in row.split()[1:3]], [expected.weight[0], expected.exact.coef[0]]
    )
    assert "lr 0.01 is 34 % of the limit 0.0291, set by x; 0.0282 is the fastest." in text


def test_json(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads(output(capsys, line, "--target", "y", "--seed", "0", "--epochs", "50", "--json"))
    expected = run(seed=0, epochs=50)
    assert record["weight"] == pytest.approx(expected.weight.tolist())
    assert record["bias"] == pytest.approx(expected.bias)
    assert record["loss"] == pytest.approx(expected.history.loss.tolist())
    assert record["exact"]["params"] == pytest.approx(expected.exact.params.tolist())
    assert record["stability"]["lr_limit"] == pytest.approx(expected.stability.lr_limit)
    assert record["status"] == expected.status
    assert record["stability"]["steep"] == ["x"]
    assert record["stability"]["standardized"]["condition_number"] == pytest.approx(1)
    assert record["stability"]["epochs_to"]["1e-3"] == expected.stability.epochs_to(1e-3)
    assert record["gap"]["condition_number"] == pytest.approx(expected.stability.condition_number)
    assert record["gap"]["noise"] is None
    assert record["explanation"] == expected.explain()


def test_processes_share_the_rows(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = (line, "--target", "y", "--seed", "0", "--epochs", "5", "--json")
    one, two = (json.loads(output(capsys, *options, *more)) for more in ((), ("--processes", "2")))
    assert two["engine"] == "autograd: processes=2"
    np.testing.assert_allclose(two["loss"], one["loss"], rtol=1e-12)


def test_json_of_mini_batches_and_in_korean(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = (line, "--target", "y", "--seed", "0", "--epochs", "9", "--batch-size", "7", "--lang", "ko", "--json")
    record, expected = json.loads(output(capsys, *given)), run(seed=0, epochs=9, batch_size=7)
    assert record["gap"]["noise"] == pytest.approx(expected.gap().noise.tolist())
    assert record["stability"]["lr_limit_batches"] == pytest.approx(expected.stability.lr_limit_batches)
    assert record["explanation"] == expected.explain("ko")


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    "options", ["", "--epochs 20", "--batch-size 9", "--loss l1 --epochs 20", "--lr auto --momentum auto"]
)
def test_the_explanation_stands_after_the_result(
    options: str, lang: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(capsys, line, "--target", "y", "--seed", "0", "--lang", lang, *options.split())
    keywords = {"epochs": 20} if "20" in options else {}
    keywords |= {"batch_size": 9} if "batch" in options else {}
    keywords |= {"loss": "l1"} if "l1" in options else {}
    keywords |= {"lr": "auto", "momentum": "auto"} if "auto" in options else {}
    assert run(seed=0, **keywords).explain(lang) in " ".join(text.split())


def test_a_language_that_there_is_not(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", line, "--target", "y", "--lang", "fr"]) == 2
    assert capsys.readouterr().err == "error: lang must be one of 'en', 'ko'; 'fr' arrived.\n"
    assert main(["train", line, "--target", "y", "--momentum", "much"]) == 2
    assert "Try --momentum auto" in capsys.readouterr().err


def test_the_trace_names_the_five_statements(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, line, "--target", "y", "--init", "-0.5,0.25", "--trace", "2")
    statements = ("optimizer.zero_grad()", "pred = model(x)", "loss = loss_fn(pred, y)", "loss.backward()")
    for statement in (*statements, "optimizer.step()"):
        assert text.count(statement) == 2
    assert "w.grad: None -> -" in text
    assert "w: -0.5 -> " in text
    assert "b: 0.25 -> " in text


def test_a_rate_above_the_limit_is_said_before_and_the_run_is_kept(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", line, "--target", "y", "--lr", "0.05", "--epochs", "5000", "--seed", "0"]) == 0
    said = capsys.readouterr()
    with pytest.warns(gl.GradlineWarning):
        expected = run(lr=0.05, epochs=5000, seed=0)
    assert said.err.startswith("warning: lr 0.05 is above the limit 0.0291")
    words = " ".join(said.err.split())
    assert words.endswith("x sets the limit (its mean square is 34.4). Use --lr auto (0.0282), or --standardize.")
    assert [len(line) <= 80 for line in said.err.splitlines()] == [True] * 3
    assert f"stopped at step {expected.stopped_at}: " in said.out
    assert f"History up to step {expected.stopped_at - 1} is kept." in said.out
    assert "Next:  --lr auto   --standardize" in said.out


OPTIONS = {
    "--lr auto": {"lr": "auto"},
    "--lr auto --momentum auto": {"lr": "auto", "momentum": "auto"},
    "--lr auto --batch-size 8": {"lr": "auto", "batch_size": 8},
    "--momentum 0.9 --dampening 0.1": {"momentum": 0.9, "dampening": 0.1},
    "--momentum 0.5 --nesterov": {"momentum": 0.5, "nesterov": True},
    "--weight-decay 0.1": {"weight_decay": 0.1},
    "--no-zero-grad": {"zero_grad": False},
    "--loss l1 --lr 0.1": {"loss": "l1", "lr": 0.1},
    "--reduction sum --lr 0.0001": {"reduction": "sum", "lr": 0.0001},
    "--optimizer adam --lr 0.1": {"optimizer": "adam", "lr": 0.1},
    "--batch-size 32": {"batch_size": 32},
    "--standardize --lr 0.1": {"standardize": True, "lr": 0.1},
    "--engine autograd": {"engine": "autograd"},
    "--init -1,2": {"init": ([-1.0], 2.0)},
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options_reach_the_training(options: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    seed = {} if "init" in options else {"seed": 3}
    given = [*options.split(), *(["--seed", "3"] if seed else [])]
    record = json.loads(output(capsys, line, "--target", "y", "--epochs", "12", "--json", *given))
    expected = run(epochs=12, **seed, **OPTIONS[options])
    assert record["loss"] == pytest.approx(expected.history.loss.tolist(), rel=1e-12)
    assert record["engine"] == expected.engine


@pytest.mark.parametrize("options", ["--epochs 1", "--batch-size 7 --epochs 3", "--loss huber --epochs 30"])
def test_short_and_unusual_runs_print(options: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, line, "--target", "y", "--seed", "1", *options.split())
    assert "epoch 0 " in text or "epoch  0 " in text


def test_a_formula(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An error says "name a column in --target, or in --formula"."""
    record = json.loads(output(capsys, line, "--formula", "y ~ poly(x, 2)", "--lr", "auto", "--json"))
    assert record["names"] == ["Intercept", "x", "x^2"]
    assert record["exact"]["params"] == gl.fit(line, formula="y ~ poly(x, 2)").params.tolist()


def test_epochs_cost_nothing_in_closed_form(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of the losses of these would take 8 TB."""
    text = output(capsys, line, "--target", "y", "--seed", "0", "--epochs", str(10**12))
    assert "epoch  800000000000   loss 3.16471" in text
    assert "converged · 1000000000000 epochs" in text


def test_no_more_steps_are_traced_than_were_taken(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, line, "--target", "y", "--epochs", "3", "--trace", "1000000")
    assert "step 2 " in text
    assert "step 3 " not in text


def test_a_saved_run_predicts(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tmp_path / "run.safetensors")
    text = output(capsys, line, "--target", "y", "--seed", "0", "--epochs", "40", "--save", model)
    assert f"gradline predict {model}" in text
    assert main(["predict", model, line]) == 0
    got = [float(row) for row in capsys.readouterr().out.splitlines()[1:]]
    trained = run(seed=0, epochs=40)
    expected = trained.weight[0] * LINE[0].double().numpy().ravel() + trained.bias
    np.testing.assert_allclose(got, expected, rtol=1e-12)

    assert main(["predict", model, line, "--interval", "mean"]) == 2
    assert "no intervals" in capsys.readouterr().err


def test_no_rate_is_low_enough(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", line, "--target", "y", "--momentum", "0.5", "--no-zero-grad", "--epochs", "40"]) == 0
    said = capsys.readouterr()
    assert "no learning rate is low enough" in " ".join(said.out.split())
    assert said.out.splitlines()[-1] == "Next:  --save model.safetensors"


def test_at_the_noise_floor_no_more_epochs_are_proposed(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, line, "--target", "y", "--batch-size", "10", "--epochs", "200", "--seed", "0")
    assert "at its noise floor" in text
    assert "--epochs" not in text.splitlines()[-1]
