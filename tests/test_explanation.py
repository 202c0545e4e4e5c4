"""`run.explain` names the true cause, with this run's numbers, in three to six sentences of either language."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import gradline as gl
from gradline.descent import recorded
from gradline.errors import OptionError
from gradline.report.explanation import explained
from gradline.report.explanation_texts import TEXTS


def pytorch_23142() -> tuple[torch.Tensor, torch.Tensor]:
    """The data of pytorch issue 23142, "Simple Linear Regression under PyTorch diverges", at seed 1."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(100, 1, generator=generator) * 10
    return x, x + 3 * torch.randn(100, 1, generator=generator)


def celsius_to_fahrenheit() -> tuple[np.ndarray, np.ndarray]:
    """Of the lesson in which the bias stays far from 32: 2,000 temperatures from -500 to 500."""
    celsius = np.linspace(-500, 500, 2000)
    return celsius[:, None], 1.8 * celsius + 32


def line(**options: object) -> gl.Run:
    return gl.train(*gl.line(seed=0), seed=0, **options)


def heavy() -> gl.Run:
    """A rate far below the estimated limit, and one row that is a hundred times longer than all others."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(100, 2))
    x[17] *= 100
    lr = 0.5 * gl.train(x, x[:, 0], batch_size=2, lr=1e-9, epochs=1, seed=0).stability.lr_limit_batches
    return gl.train(x, x[:, 0], batch_size=2, lr=lr, epochs=100, seed=0)


@pytest.mark.filterwarnings("ignore:lr .* is above:gradline.GradlineWarning")
@pytest.mark.filterwarnings("ignore:zero_grad=False with momentum:gradline.GradlineWarning")
@pytest.mark.parametrize(
    ("run", "english", "korean"),
    [
        (lambda: line(), "The run converged: after 500 epochs", "수렴했으며"),
        (lambda: line(epochs=50), "by 0.31 along the one and by 0.980 along the other", "0.980배"),
        (lambda: line(lr=1e-5), "The rate is low for these data: at 0.0282", "학습률이 작아서"),
        (lambda: line(lr=0.05), "1.72 times the limit 0.0291, which x sets", "발산하여"),
        (lambda: line(lr=0.2, momentum=0.9), "multiplied by 11.8 each step in the long run", "11.8배"),
        (lambda: line(zero_grad=False), "Gradients that are never forgotten add up", "누적되어"),
        (lambda: line(zero_grad=False, momentum=0.5), "no learning rate is low enough", "어떤 학습률에서도 발산"),
        (lambda: line(weight_decay=0.1), "where weight decay 0.1 leads", "가중치 감쇠"),
        (lambda: line(batch_size=10, epochs=200), "at its noise floor", "노이즈 바닥"),
        (lambda: line(batch_size=2, lr=0.03), "an estimate of the limit for batches of 2", "한계 추정값"),
        (heavy, "a few rows must be much longer than the others", "훨씬 큰 행"),
        (lambda: line(init=(2e152, 0.0), lr=0.05, momentum=0.9), "size of the numbers", "값의 크기"),
        (lambda: line(batch_size=10, lr_schedule="cosine"), "multiplied by the schedule cosine", "스케줄 cosine"),
        (lambda: line(batch_size=10, average=50), "means over all steps of the last 50 epochs", "평균이어서"),
        (lambda: line(lr_schedule="1/t", weight_decay=0.1), "multiplied by the schedule 1/t", "스케줄 1/t"),
        (lambda: line(loss="l1", epochs=60), "near a median and not the mean", "중앙값"),
        (lambda: line(loss="huber", epochs=60), "outliers pull less", "이상값"),
        (lambda: line(optimizer="adam", epochs=60), "limits and rates of SGD do not hold for it", "adam"),
        (lambda: line(optimizer="adam", weight_decay=0.1, epochs=60), "leads elsewhere", "목표는 정확한 해와 다르다"),
    ],
)
def test_the_cause_is_named(run: object, english: str, korean: str) -> None:
    done = run()
    for lang, words in (("en", english), ("ko", korean)):
        text = done.explain(lang)
        assert words in text
        assert text == " ".join(explained(done, lang))
        assert 3 <= len(re.findall(r"[.](?: |$)", text)) <= 6, text
        assert not re.search(r"\bnan\b|\binf\b|\{|\bNone\b", text), text


def test_only_what_is_true_of_another_loss() -> None:
    for options in ({"loss": "l1"}, {"loss": "huber"}, {"optimizer": "adam"}):
        text = line(epochs=60, **options).explain()
        assert "% of the limit" not in text
        assert "noise floor" not in text


def test_pytorch_issue_23142() -> None:
    x, y = pytorch_23142()
    assert gl.stability(x, y).lr_limit == pytest.approx(0.010110, rel=0.01)
    with pytest.warns(gl.GradlineWarning, match="lr 0.011 is above the limit 0.0101 .*\n?.*x sets the limit"):
        run = gl.train(x, y, lr=0.011, epochs=1000, seed=1)
    text = run.explain()
    assert run.status == "diverged"
    assert text.startswith("The run diverged: in 1,000 steps the loss grew from ")
    assert "lr 0.011 is 1.09 times the limit 0.0101, which x sets" in text
    assert "Each step overshoots there to the other side: the error is multiplied by 1.18" in text
    assert "학습률 한계 0.0101의 1.09배이고, 한계를 정하는 것은 손실이 가장 가파른 x 방향이다" in run.explain("ko")
    settled = gl.train(x, y, lr="auto", epochs=1000, seed=1)
    assert settled.status == "converged"


def test_celsius_to_fahrenheit() -> None:
    x, y = celsius_to_fahrenheit()
    run = gl.train(x, y, lr=gl.stability(x, y).lr_limit / 2, epochs=5000, init=(0.0, -0.12))
    text = run.explain()
    assert run.bias == pytest.approx(1.75, abs=0.01)  # as it was measured in PyTorch
    assert run.stability.condition_number == pytest.approx(83_417, rel=1e-4)
    assert "after 5,000 epochs Intercept is 1.75, and the exact answer is 32.0" in text
    assert (
        "The loss is 83,417 times steeper along its steepest direction (x) than along its flattest (Intercept)"
        in text
    )
    assert "by 0.999988 along the other" in text
    assert "standardized, their condition number is 1" in text
    assert "가장 가파른 방향(x)이 가장 완만한 방향(Intercept)보다 83,417배" in run.explain("ko")
    more = int(re.search(r"another ([\d,]+) epochs", text)[1].replace(",", ""))
    onward = gl.train(x, y, lr=run.lr, epochs=5000 + more, init=(0.0, -0.12))
    assert abs(onward.bias - 32) / 32 == pytest.approx(1e-3, rel=1e-3)
    standardized = gl.train(x, y, lr="auto", standardize=True, epochs=60, seed=0)
    np.testing.assert_allclose([standardized.weight[0], standardized.bias], [1.8, 32], rtol=1e-9)


def test_every_language_has_the_same_sentences() -> None:
    fields = {
        lang: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in texts.items()}
        for lang, texts in TEXTS.items()
    }
    fields["en"]["epoch"] = fields["ko"]["epoch"] = []
    assert fields["en"] == fields["ko"]


def test_another_language() -> None:
    with pytest.raises(OptionError, match="lang must be one of 'en', 'ko'; 'fr'"):
        line(epochs=1).explain("fr")


def test_of_a_long_run_of_which_not_all_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradline.descent.recorded.MOST_STEPS", 7)
    run = line(batch_size=10, epochs=30)
    assert len(run.history) == 8
    assert run.explain()
    assert run.explain("ko")


@pytest.mark.filterwarnings("ignore:lr .* is above:gradline.GradlineWarning")
@pytest.mark.parametrize(
    ("options", "words", "never"),
    [
        (
            {"lr": 0.05, "lr_schedule": "1/t"},
            "at a constant rate the limit is 0.0291, set by x",
            "an epoch multiplies",
        ),
        ({"lr_schedule": "cosine", "epochs": 40}, "multiplied by the schedule cosine", "The rate is low"),
        ({"lr_schedule": lambda t: 1.0 + t, "epochs": 60}, "the error grows", "a few rows must be much longer"),
        ({"lr_schedule": lambda t: 1.0 + t, "epochs": 400}, "left float64's range", "not from the learning rate"),
        (
            {"lr": 0.05, "lr_schedule": "1/t", "batch_size": 10},
            "limit for batches of 10 is about",
            "an epoch multiplies",
        ),
        ({"lr_schedule": "1/t", "weight_decay": 1.0}, "Weight decay 1 leads elsewhere", "an epoch multiplies"),
        ({"lr_schedule": "1/t", "loss": "l1"}, "near a median", "constant rate of"),
    ],
)
def test_of_a_rate_that_changes_nothing_is_said_that_holds_for_one(options: dict, words: str, never: str) -> None:
    run = line(**options)
    assert words in run.explain()
    assert never not in run.explain()
    for lang in TEXTS:
        assert 3 <= len(explained(run, lang)) <= 6


@pytest.mark.filterwarnings("ignore:lr .* is above:gradline.GradlineWarning")
@pytest.mark.parametrize("lr", [0.01, 0.05])
def test_a_batch_of_all_rows_is_no_mini_batch(lr: float) -> None:
    run = line(batch_size=100, lr=lr, epochs=40)
    assert "estimate" not in run.explain()
    assert "set by x" in run.explain() or "which x sets" in run.explain()


def test_mini_batches_without_zero_grad_have_no_rate() -> None:
    diverged, begun = line(batch_size=7, zero_grad=False, epochs=100), line(batch_size=7, zero_grad=False, epochs=1)
    for run in (diverged, begun):
        text = run.explain()
        assert "the noise of batches of 7 out of 100 rows: no learning rate is low enough" in text
        assert "an estimate of the limit" not in text
        assert 3 <= len(explained(run, "ko")) <= 6


def test_where_no_error_shrinks_no_rate_is_the_fastest() -> None:
    text = line(zero_grad=False).explain()
    assert "17 % of the limit 0.0581, set by x." in text
    assert "fastest" not in text


def test_one_epoch_is_one() -> None:
    run = line(epochs=1)
    assert "after 1 epoch Intercept" in run.explain()
    assert "1 epoch ·" in repr(run)


def test_two_numbers_that_differ_are_shown_so() -> None:
    text = line(batch_size=5, average=50, epochs=100).explain()
    trained, exact = re.search(r"Intercept is (\S+), and the exact answer is (\S+)\. ", text).groups()
    assert trained != exact


def test_a_loss_with_one_direction_is_not_compared_with_itself() -> None:
    run = gl.train(np.zeros((20, 1)), np.arange(20.0), optimizer="adam", epochs=9, seed=0)
    assert "about as steep in every direction" in run.explain()


def test_of_a_run_whose_steps_are_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = line(batch_size=10, epochs=30).explain()
    monkeypatch.setattr(recorded, "MOST_STEPS", 7)
    assert line(batch_size=10, epochs=30).explain() == whole


@pytest.mark.parametrize(("loss", "lr"), [("huber", 1.0), ("l1", 0.5)])
def test_a_loss_that_goes_up_and_down_has_not_settled(loss: str, lr: float) -> None:
    run = line(loss=loss, lr=lr, epochs=1000)
    assert np.ptp(run.history.loss[-2:]) > 0.03 * run.history.loss[-1]
    assert run.status == "not yet converged"
    assert run.explain().startswith("The loss has not settled yet")
