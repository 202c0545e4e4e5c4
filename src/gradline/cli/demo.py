"""`gradline demo`: the notebook that gradline grew out of, both halves, and what it could not say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Context, Option

from gradline.cli import given, terminal
from gradline.cli.demo_texts import TEXTS
from gradline.layout import WIDTH, cells, left, wrapped
from gradline.report.numbers import brief, significant

if TYPE_CHECKING:
    from gradline.results.fit import Fit
    from gradline.results.run import Run

LR, EPOCHS, EVERY = 0.01, 500, 100
TRUTH = (2.0, 3.0)
DONE = 1e-5  # of its error at the start: what "w was done" means


def demo(
    context: Context,
    lang: Annotated[str, Option(metavar="en|ko", help="Language.")] = "en",
    seed: Annotated[int, Option(metavar="N", help="Seed of torch's random numbers.")] = 0,
    report: Annotated[Path | None, Option(metavar="R.html", help="Write a page about the noisy half.")] = None,
) -> None:
    """Train a line as the classic notebook does, and see what it could not say.

    100 points about y = 2x + 3, first with clean labels, then with noisy ones; 500 epochs of SGD each,
    in PyTorch; then the exact answer, its uncertainty, and why the training took as long as it did.
    """
    given.report(report, lang)
    notebook = _notebook(seed)
    for line in _lines(_Words(TEXTS[lang]), seed, notebook):
        terminal.say(line.rstrip(), bold=bool(line[:1].strip()))
    if report is not None:
        from gradline.pages.page import write_run

        write_run(notebook.noisy, report, lang, command=context.obj)
        terminal.say()
        terminal.wrote(report)


@dataclass(frozen=True)
class _Words:
    texts: dict[str, str]

    def __call__(self, key: str, **values: object) -> str:
        return self.texts[key].format(**values)


@dataclass(frozen=True)
class _Notebook:
    """What the notebook's two halves gave."""

    clean: Run
    noisy: Run
    x_mean: float
    x_size: float
    """√ of the mean of x²."""


def _notebook(seed: int) -> _Notebook:
    """Both halves, drawing random numbers in the notebook's order: x, noise, a model, and later a fresh one."""
    import torch
    from torch import nn

    from gradline.sources.synthetic import line
    from gradline.training import train

    x, y = line(noise=0.0, seed=seed)
    _, y_noisy = line(noise=1.0, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        nn.init.uniform_(torch.zeros(len(x), 1), -10, 10)
        nn.init.normal_(torch.zeros(len(x), 1), std=1)
        starts = [(model.weight.detach(), model.bias.detach()) for model in (nn.Linear(1, 1), nn.Linear(1, 1))]
    clean, noisy = (
        train(x, label, lr=LR, epochs=EPOCHS, init=start, dtype=torch.float32, engine="autograd")
        for label, start in zip((y, y_noisy), starts, strict=True)
    )
    return _Notebook(clean, noisy, x.mean().item(), x.square().mean().sqrt().item())


def _lines(words: _Words, seed: int, notebook: _Notebook) -> Iterator[str]:
    clean, noisy, n = notebook.clean, notebook.noisy, notebook.clean.exact.nobs
    title, seed_words = words("title"), words("seed", seed=seed)
    yield left(title, WIDTH - cells(seed_words)) + seed_words
    yield ""
    yield "  " + words("points", n=n)
    yield "  " + words("model", lr=LR, epochs=EPOCHS)
    for statement, key in (
        ("optimizer.zero_grad()", "zero_grad"),
        ("pred = model(x)", "forward"),
        ("loss = loss_fn(pred, y)", "loss"),
        ("loss.backward()", "backward"),
        ("optimizer.step()", "step"),
    ):
        yield f"     {statement:25}{words(key)}"
    yield from ("", "1  " + words("clean"))
    yield from _training(words, clean, None)
    yield from _apart(words, clean)
    yield from ("", "2  " + words("noisy"))
    yield from _training(words, noisy, words("floor"))
    yield from _certain(words, noisy)
    yield from ("", "3  " + words("tells"))
    yield from _why(words, notebook)
    yield ""
    yield f"{words('try')}  gradline lab    gradline train --help    gradline fit FILE.csv --target Y"


def _training(words: _Words, run: Run, at_the_floor: str | None) -> Iterator[str]:
    """The losses as the notebook prints them, and what was learned."""
    losses = [float(loss) for loss in run.history.loss]
    for epoch in range(0, len(losses), EVERY):
        line = f"   {words('epoch')} {epoch:5}   {words('loss_word')} {significant(losses[epoch], 6)}"
        if at_the_floor and epoch + EVERY >= len(losses) and losses[epoch] < 1.001 * _floor(run.exact):
            line = f"{left(line, 36)}← {at_the_floor}"
        yield line
    w, b = _learned(run)
    yield _pair(words, "learned", f"w = {w:.8g}", f"b = {b:.8g}")


def _apart(words: _Words, run: Run) -> Iterator[str]:
    exact_w, exact_b = float(run.exact.coef[0]), float(run.exact.intercept)
    w, b = _learned(run)
    yield _pair(words, "exact", f"w = {brief(exact_w)}", f"b = {brief(exact_b)}")
    w_apart, b_apart = (f"    {brief(abs(one - other), 2)}" for one, other in ((w, exact_w), (b, exact_b)))
    yield _pair(words, "left", w_apart, b_apart, words("left_after", epochs=EPOCHS))


def _certain(words: _Words, run: Run) -> Iterator[str]:
    """The exact answer with its intervals, and whether the truth lies inside."""
    b_ends, w_ends = run.exact.conf_int(0.95).tolist()
    exact = (("w", float(run.exact.coef[0]), w_ends), ("b", float(run.exact.intercept), b_ends))
    for (name, value, (low, high)), truth in zip(exact, TRUTH, strict=True):
        inside = words("inside" if low <= truth <= high else "outside", truth=brief(truth))
        value_words = f"{name} = {value:.4f} ± {(high - low) / 2:.2f}"
        interval = words("interval", low=f"{low:.3f}", high=f"{high:.3f}")
        label = words("exact") if name == "w" else ""
        yield f"   {left(label, _label_width(words))}  {value_words:17}  {interval}  {inside}"


def _why(words: _Words, notebook: _Notebook) -> Iterator[str]:
    """What the steepness of the loss says: why w was quick and b slow."""
    facts = _facts(notebook)
    centring = "centre_no" if facts["centred"] == facts["b_factor"] else "centre_yes"
    entries = {
        "rate": words("rate_why", **facts),
        "w": words("w_why", **facts),
        "b": words("b_why", **facts),
        "faster": words("faster_why", **facts) + " " + words(centring, **facts),
        "batch": words("batch_why", **facts),
        "noise": words("noise_why", **facts),
    }
    width = max(cells(words(label)) for label in entries)
    for label, text in entries.items():
        yield from wrapped(f"   {left(words(label), width)}  {text}", " " * (width + 5))


def _facts(notebook: _Notebook) -> dict[str, object]:
    stability, exact = notebook.noisy.stability, notebook.noisy.exact
    steep, flat = (float(end) for end in stability.steepness[[0, -1]])
    w_factor, b_factor = abs(1 - LR * steep), abs(1 - LR * flat)
    w_steps = ceil(log(DONE) / log(w_factor))
    return {
        "lr": LR,
        "limit": significant(stability.lr_limit, 3),
        "share": round(100 * LR / stability.lr_limit),
        "best": significant(stability.lr_best, 3),
        "both": f"{(steep - flat) / (steep + flat):.2f}",
        "w_steps": w_steps,
        "w_factor": f"{w_factor:.2f}",
        "b_steps": EPOCHS - w_steps,
        "b_factor": f"{b_factor:.2f}",
        "kappa": round(steep / flat),
        "size": f"{notebook.x_size:.1f}",
        "mean": f"{notebook.x_mean:.2f}",
        "centred": f"{1 - 2 * LR:.2f}",  # the constant's own steepness is 2
        "n": exact.nobs,
        "floor": f"{_floor(exact):.2f}",
    }


def _floor(fit: Fit) -> float:
    """The least loss there is."""
    return float(fit.rss[0]) / fit.nobs


def _pair(words: _Words, key: str, w: str, b: str, note: str = "") -> str:
    return f"   {left(words(key), _label_width(words))}  {w:18}{b:18}{note}"


def _label_width(words: _Words) -> int:
    return max(cells(words(key)) for key in ("learned", "exact", "left"))


def _learned(run: Run) -> tuple[float, float]:
    return float(run.weight[0]), float(run.bias)
