"""`gradline train`: `nn.Linear` trained as PyTorch does it, beside the exact answer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Context, Option

from gradline.cli import given, terminal
from gradline.errors import OptionError
from gradline.layout import wrapped
from gradline.report.numbers import significant

if TYPE_CHECKING:
    from gradline.results.run import Run

_LINES = 5  # of losses, at least: the notebook prints five of its 500


def train(
    context: Context,
    source: Annotated[
        list[str], Argument(metavar="SOURCE", help="CSV, JSON, Parquet, Feather; a folder, a glob in quotes, a URL.")
    ],
    target: Annotated[list[str] | None, Option(metavar="y", help="The column to explain.")] = None,
    features: Annotated[list[str] | None, Option(metavar="a,b", help="Columns to use. [all the others]")] = None,
    formula: Annotated[str | None, Option(metavar="F", help="'y ~ a + log(b)' in their place.")] = None,
    weights: Annotated[str | None, Option(metavar="w", help="A column of weights; 0 leaves out.")] = None,
    lr: Annotated[str, Option(metavar="V|auto", help="Learning rate; auto: the fastest.")] = "0.01",
    epochs: Annotated[int, Option(metavar="N", help="Passes over the rows.")] = 500,
    batch_size: Annotated[int | None, Option(metavar="B", help="Rows for each step. [all of them]")] = None,
    lr_schedule: Annotated[str, Option(metavar="constant|step|cosine|1/t", help="Of lr, by epochs.")] = "constant",
    average: Annotated[int, Option(metavar="N", help="Average the weights over the last N epochs.")] = 0,
    momentum: Annotated[str, Option(metavar="V|auto", help="As torch.optim.SGD's; auto: the fastest.")] = "0",
    dampening: Annotated[float, Option(metavar="V", help="As torch.optim.SGD's.")] = 0.0,
    nesterov: Annotated[bool, Option("--nesterov", help="As torch.optim.SGD's.")] = False,
    weight_decay: Annotated[float, Option(metavar="V", help="As torch.optim.SGD's.")] = 0.0,
    optimizer: Annotated[str, Option(metavar="NAME", help="Any of torch.optim.")] = "sgd",
    loss: Annotated[str, Option(metavar="mse|l1|huber")] = "mse",
    reduction: Annotated[str, Option(metavar="mean|sum")] = "mean",
    no_zero_grad: Annotated[bool, Option("--no-zero-grad", help="Let gradients add up.")] = False,
    init: Annotated[str | None, Option(metavar="w,b", help="Where to start: weights, bias.")] = None,
    seed: Annotated[int | None, Option(metavar="N", help="Of the starting weights and batches.")] = None,
    standardize: Annotated[bool, Option("--standardize", help="Train on centred, scaled columns.")] = False,
    engine: Annotated[str, Option(metavar="auto|minibatch|autograd|…", help="Who computes the steps.")] = "auto",
    processes: Annotated[int | None, Option(metavar="N", help="Share each step's rows among so many.")] = None,
    trace: Annotated[int | None, Option(metavar="N", help="Show the first N steps line by line.")] = None,
    save: Annotated[Path | None, Option(metavar="M.safetensors", help="Keep the run for predict.")] = None,
    report: Annotated[Path | None, Option(metavar="R.html", help="Write a page: gap, pictures, why.")] = None,
    lab: Annotated[bool, Option("--lab", help="The lab within the report, to step through.")] = False,
    lang: Annotated[str, Option(metavar="en|ko", help="Of the explanation and the report.")] = "en",
    json: Annotated[bool, Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Train nn.Linear by gradient descent, and see how far it got.

    gradline train line.csv --target y --lr 0.01 --epochs 500 --trace 2
    """
    if trace is not None and trace < 1:
        raise OptionError(f"trace is how many steps to show, 1 or more, not {trace}.\nTry --trace 2.")
    given.writable(save)
    given.report(report, lang)
    given.apart(source, save, report)
    if lab and report is None:
        raise OptionError("--lab puts the lab into a report.\nName one too: --report report.html")
    rate, start = given.rate(lr), given.weights_and_bias(init)
    from gradline.training import train as gl_train

    with terminal.progress("training", "epochs") as progress:
        run = gl_train(
            given.one_or_several(source),
            given.names("target", target),
            features=given.names("features", features),
            formula=formula,
            weights=weights,
            lr=rate,
            epochs=epochs,
            batch_size=batch_size,
            lr_schedule=lr_schedule,
            average=average,
            momentum=given.momentum(momentum),
            dampening=dampening,
            nesterov=nesterov,
            weight_decay=weight_decay,
            optimizer=optimizer,
            loss=loss,
            reduction=reduction,
            zero_grad=not no_zero_grad,
            init=start,
            seed=seed,
            standardize=standardize,
            engine=engine,
            processes=processes,
            progress=progress,
        )
    traced = None if trace is None else run.trace(trace)
    if save is not None:
        run.save(save)
    if report is not None:
        from gradline.pages.page import write_run

        write_run(run, report, lang, lab=lab, command=context.obj)
    if json:
        from dataclasses import asdict

        from gradline.cli.json_output import as_json, run_record

        terminal.say(as_json(run_record(run, lang) | ({} if traced is None else {"trace": asdict(traced)["events"]})))
        return
    if traced is not None:
        terminal.say(f"{traced}\n")
    for line in _lines(run, lang):
        terminal.say(line)
    terminal.say()
    if report is not None:
        terminal.wrote(report)
    terminal.say(_next(run, save, traced=traced is not None), dim=True)


def _lines(run: Run, lang: str) -> Iterator[str]:
    """The losses as the notebook prints them, what was learned, and what happened on the way."""
    from gradline.report.explanation import explained

    kept, steps = run.path.numbers, run.history.steps_per_epoch
    places = {bisect_left(kept, epoch * steps) for epoch in range(0, run.epochs, _every(run.epochs))}
    for at in sorted(places - {len(kept)}):  # these alone: a closed form may have a billion losses
        loss = significant(float(run.path.losses(at, at + 1)[0]), 6)
        yield f"epoch {kept[at] // steps:{len(str(run.epochs))}}   loss {loss}"
    yield ""
    if run.stopped_at is None:
        yield from run.summary().splitlines()
    else:
        yield f"stopped at step {run.stopped_at}: the loss left {run.request.computed_in}'s range."
        yield f"History up to step {run.stopped_at - 1} is kept."
    yield ""
    for sentence in explained(run, lang):
        yield from wrapped(sentence)


def _every(epochs: int) -> int:
    """Epochs between two lines: 1, 2 or 5 times a power of ten, so that there are at least five lines.

    >>> [_every(epochs) for epochs in (1, 9, 10, 50, 500, 1000, 30_000)]
    [1, 1, 2, 10, 100, 200, 5000]
    """
    step, best = 1, 1
    while step * _LINES <= epochs:
        best = max(size for size in (step, 2 * step, 5 * step) if size * _LINES <= epochs)
        step *= 10
    return best


def _next(run: Run, save: Path | None, *, traced: bool) -> str:
    """What one may want to do now, the most needed first."""
    if save is not None:
        return f"Saved {save}\nNext:  gradline predict {save} NEW.csv"
    steps = []
    if run.status != "converged":
        best = run.stability.lr_best
        if run.request.smooth and best > 0.0 and not 0.99 * best <= run.lr <= best:
            steps.append("--lr auto")
        if best > 0.0 and not run.request.standardize:
            steps.append("--standardize")
        if run.status != "diverged" and not run.gap().at_floor:
            steps.append(f"--epochs {10 * run.request.epochs}")
    elif run.tracing is not None and not traced:
        steps.append("--trace 2")
    return "Next:  " + "   ".join([*steps, "--save model.safetensors"])
