"""`gl.doctor`: watches a loop that the user wrote, and names the lines that do not do what they seem to."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

import torch

from gradline.errors import GradlineError, GradlineWarning, OptionError, warn
from gradline.loopdoctor.diagnosis import diagnose
from gradline.loopdoctor.evidence import Steps
from gradline.loopdoctor.finding import Finding
from gradline.loopdoctor.places import name_of, place_of, users_frame
from gradline.loopdoctor.watch import Watch

MANY_STEPS = 10_000
"""What `check`, which sees no loop, takes for the number of steps that a user would wait for."""


class doctor:  # noqa: N801 - used as a function is, like torch.no_grad
    """Watch a PyTorch loop, and name the line of each classic mistake and what to write there.

    On leaving the block each finding is a `GradlineWarning` and an item of `findings`; a correct loop gives
    none. What the loop computes is the same to the bit, and only its first steps are looked at closely.

    kind               the mistake
    detached           the loss is cut off from the parameters
    integer            features or target are whole numbers
    another-dtype      features have another floating type than the model
    broadcast          (n,) against (n, 1) in the loss
    other-parameters   the optimizer holds parameters that the loss does not depend on
    never-zeroed       gradients add up from step to step
    cleared            gradients are gone before the step
    lr-above-limit     of `nn.Linear` with a squared loss and SGD: training diverges on these rows
    unscaled           likewise: only standardized features would get there in the steps that were taken
    unequal-batches    batch means averaged as if the last batch were as large as the others

    It watches the thread that opened it, and speaks of the rows that it saw: of batches, those of the first
    epoch. Learning rates are judged for SGD alone.

    Example:
        >>> import warnings, torch, gradline as gl
        >>> x, y = gl.line(n=100, noise=1.0, seed=0)
        >>> model = torch.nn.Linear(1, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        >>> with warnings.catch_warnings(action="ignore"), gl.doctor() as doctor:
        ...     for epoch in range(20):
        ...         optimizer.zero_grad()
        ...         loss = ((model(x) - y) ** 2).mean()
        ...         loss.backward()
        ...         optimizer.step()
        >>> [finding.kind for finding in doctor.findings]
        ['lr-above-limit']
        >>> print(doctor.findings[0].seen)
        lr 0.05 is above 0.02907, set by column 0 of 100 rows
    """

    def __init__(self) -> None:
        self.findings: tuple[Finding, ...] = ()
        """What was found, once the block has been left."""
        self._watch: Watch | None = None

    def __enter__(self) -> doctor:
        if self._watch is not None:
            raise OptionError(
                "this doctor is watching a loop already.\nUse another one: with gl.doctor() as second: …"
            )
        self._watch = Watch()
        self._watch.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        watch, self._watch = self._watch, None
        assert watch is not None
        watch.close(users_frame(sys._getframe(1)))
        found = diagnose(watch.evidence)
        self.findings += tuple(found)
        for finding in found:
            try:
                warn(str(finding))
            except GradlineWarning:  # warnings are errors here; none may take the place of the loop's own
                if kind is None:
                    raise

    def __repr__(self) -> str:
        if self._watch is not None:
            return "doctor: watching"
        if not self.findings:
            return "doctor: nothing found"
        return "\n".join([f"doctor: {len(self.findings)} found", *map(str, self.findings)])

    @staticmethod
    def check(
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        loss_fn: Callable[[Any, Any], torch.Tensor],
        x: torch.Tensor,
        y: torch.Tensor,
    ) -> tuple[Finding, ...]:
        """Look at one step's parts without taking it: what could go wrong is said before training.

        The forward and backward pass run on a copy of the model; nothing that is handed over is changed. What
        only a loop can show (gradients that are never zeroed, a mean of unequal batches) is left to the block.

        Args:
            model: As the loop would call it.
            optimizer: As the loop would step it.
            loss_fn: A loss module or a function of (pred, y) that gives one number.
            x: Features (n, d); for the learning rate, all rows rather than a batch.
            y: Targets, shaped as the loop would pass them.

        Raises:
            GradlineError: the optimizer is no `torch.optim.Optimizer`, or the model cannot be copied.

        Example:
            >>> import torch, gradline as gl
            >>> x, y = gl.line(seed=0)
            >>> model = torch.nn.Linear(1, 1)
            >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
            >>> gl.doctor.check(model, optimizer, torch.nn.MSELoss(), x, y)
            ()
            >>> print(gl.doctor.check(model, optimizer, torch.nn.MSELoss(), x, y[:, 0])[0].seen)
            prediction (100, 1) against target (100,) is (100, 100)
        """
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise OptionError(
                f"optimizer must be a torch.optim.Optimizer; {type(optimizer).__name__} arrived.\n"
                "The order is check(model, optimizer, loss_fn, x, y)."
            )
        twin = _twin(model)
        watch = Watch()
        problem: RuntimeError | None = None
        devices = {part.device for part in model.parameters() if part.is_cuda}
        with warnings.catch_warnings(action="ignore"), torch.random.fork_rng(devices), torch.enable_grad():
            watch.open()
            try:
                torch.autograd.backward(loss_fn(twin(x), y))
            except RuntimeError as error:
                problem = error
            finally:
                watch.close(None)
        _as_if_stepped(watch, model, twin, optimizer)
        found = tuple(diagnose(watch.evidence))
        if problem is not None and not found:
            raise problem
        return found


def _twin(model: torch.nn.Module) -> torch.nn.Module:
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise GradlineError(f"check works on a copy of the model, and it cannot be copied: {error}") from error


def _as_if_stepped(
    watch: Watch, model: torch.nn.Module, twin: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """What the optimizer would have stepped, told in the parameters of the copy."""
    frame = users_frame(sys._getframe(1))
    copies = {id(mine): copied for mine, copied in zip(model.parameters(), twin.parameters(), strict=True)}
    held = [copies.get(id(part), part) for group in optimizer.param_groups for part in group["params"]]
    steps = Steps(
        optimizer,
        name_of(frame, lambda found: found is optimizer),
        place_of(frame),
        {id(part): part for part in held},
        count=MANY_STEPS,
        rates={float(optimizer.param_groups[0]["lr"]): 1},
        trained=watch.reached,
        trained_name=name_of(frame, lambda found: found is model),
    )
    if steps.trained and not steps.trained.keys() & steps.holds.keys():
        steps.idle = steps.looked_at = 2
    watch.evidence.steps[id(optimizer)] = steps
