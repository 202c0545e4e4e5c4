"""What the loops of the doctor's tests start from, and what those with a mistake are asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import gradline as gl
from gradline.loopdoctor.finding import Finding

Loop = Callable[[], None]
Numbers = Iterable[torch.Tensor]


def line(n: int = 100, noise: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """The notebook's data: x (n, 1), y (n, 1)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(n, 1, generator=generator) * 20 - 10
    return x, 2 * (x + noise * torch.randn(n, 1, generator=generator)) + 3


def table(n: int = 64, columns: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of mean 0 and spread 1: x (n, columns), y (n, 1)."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, columns, generator=generator)
    truth = torch.arange(1.0, columns + 1).unsqueeze(1)
    return x, x @ truth + 3 + 0.1 * torch.randn(n, 1, generator=generator)


def batches(x: torch.Tensor, y: torch.Tensor, size: int, **options: bool) -> DataLoader:
    return DataLoader(TensorDataset(x, y), batch_size=size, **options)


def linear(columns: int = 1, outputs: int = 1) -> nn.Linear:
    torch.manual_seed(2)
    return nn.Linear(columns, outputs)


def mlp(columns: int = 3) -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(columns, 8), nn.ReLU(), nn.Linear(8, 1))


class Mistakes(list[tuple[str, str, Loop]]):
    """Loops with one mistake each: its kind, what the finding must say to write, and the loop."""

    def __call__(self, kind: str, write: str) -> Callable[[Loop], Loop]:
        def add(loop: Loop) -> Loop:
            self.append((kind, write, loop))
            return loop

        return add

    @property
    def names(self) -> list[str]:
        return [loop.__name__ for _, _, loop in self]


def findings(loop: Loop) -> tuple[Finding, ...]:
    doctor = gl.doctor()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with doctor:
                loop()
        except RuntimeError as error:
            assert "does not require grad" in str(error) or "same dtype" in str(error)  # noqa: PT017 - some fail
    told = [str(warning.message) for warning in caught if warning.category is gl.GradlineWarning]
    assert told == [str(finding) for finding in doctor.findings]
    return doctor.findings


def marked(loop: Loop) -> str:
    """file:line of the line with the mark in the loop's source."""
    file = Path(loop.__code__.co_filename)
    lines = file.read_text(encoding="utf-8").splitlines()
    first = loop.__code__.co_firstlineno
    number = next(n for n in range(first, len(lines)) if lines[n - 1].endswith("# here"))
    return f"{file.name}:{number}"


def assert_named(kind: str, write: str, loop: Loop) -> None:
    """One finding, at the marked line, in three lines of 80 columns."""
    found = findings(loop)
    assert [finding.kind for finding in found] == [kind], found
    assert found[0].where == marked(loop)
    assert write in found[0].write
    assert str(found[0]).count("\n") == 2
    assert all(len(row) <= 80 for row in str(found[0]).splitlines()), str(found[0])


class Correct(list[Callable[[], Numbers]]):
    """Loops without a mistake, which give the parameters at their end."""

    def __call__(self, loop: Callable[[], Numbers]) -> Callable[[], Numbers]:
        self.append(loop)
        return loop

    @property
    def names(self) -> list[str]:
        return [loop.__name__ for loop in self]


def assert_silent(loop: Callable[[], Numbers]) -> None:
    """Nothing found, and the same parameters to the bit as without the doctor."""
    torch.manual_seed(7)
    alone = [part.detach().clone() for part in loop()]
    torch.manual_seed(7)
    with gl.doctor() as doctor:
        watched = [part.detach().clone() for part in loop()]
    assert doctor.findings == ()
    assert repr(doctor) == "doctor: nothing found"
    assert all(torch.equal(one, other) for one, other in zip(alone, watched, strict=True))
