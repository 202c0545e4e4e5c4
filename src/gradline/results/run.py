"""`Run`: what training did, where it was heading, and how far it got."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.allowed import truth
from gradline.descent.closed_form import ClosedForm
from gradline.descent.drawing import floor
from gradline.descent.gap import Gap, epochs_to_reach, never
from gradline.descent.history import History, Moment, Path
from gradline.descent.quadratic import Quadratic
from gradline.descent.stability import Stability, stability_of
from gradline.descent.units import Units
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.moments.moments import Moments
from gradline.once import once
from gradline.results.request import Request

if TYPE_CHECKING:
    import os

    import torch
    from matplotlib.axes import Axes

    from gradline.descent.trace import Trace
    from gradline.design.problem import Problem
    from gradline.results.fit import Fit

NEAR = 1e-3
"""A run has converged when no coefficient is further from its goal than this, of itself or its standard error."""
SWING = 1e-2
"""A loss over all rows that goes up and down by more than this share of itself has not settled."""


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """What `gl.train` did.

    With one target `weight` is (d,), `bias` a float; with k targets they are (k, d) and (k,), as in
    `nn.Linear`. All arrays are float64, in the units of the data.

    Example:
        >>> import gradline as gl
        >>> x, y = gl.line(seed=0)
        >>> run = gl.train(x, y, lr=0.01, epochs=500, seed=0)
        >>> run
        Run: converged · 500 epochs · loss 3.165 · w 1.93141, b 2.97841
          1.0e-04 from the exact b (0.00057 of its standard error); 0 epochs more to 1e-3
        >>> run.weight.round(4), round(run.bias, 4), run.history.loss[:3].round(2)
        (array([1.9314]), 2.9784, array([136.27,  21.31,   9.92]))
        >>> run.gap().epochs_more(1e-6), run.gap().relative.round(5)
        (176, array([3.e-05, 0.e+00]))
    """

    names: tuple[str, ...]
    """Of the parameters, "Intercept" first."""
    request: Request
    start: Array  # θ_0 (p, k), intercept first, in the units that were trained in
    path: Path
    moments: Moments
    quadratic: Quadratic  # of the columns that were trained on
    units: Units | None
    tracing: Callable[[Run, int], Trace] | None = None
    problem: Problem | None = None  # where the rows can be read again

    @once
    def history(self) -> History:
        """Loss, weight, bias and grad at every step, each before the step."""
        size = self.request.batch_size
        batches = 1 if size is None else -(-int(self.moments.nobs) // size)
        targets = self.moments.targets
        return History(self.path, self.names, targets, self.moments.single_target, batches, self.units)

    def at(self, epoch: int) -> Moment:
        """Loss, weight, bias and gradient at the start of this epoch: `history.at`."""
        return self.history.at(epoch)

    @once
    def stability(self) -> Stability:
        """Of full-batch gradient descent at this run's lr, on the columns that were trained on."""
        return stability_of(
            self.quadratic,
            self.moments,
            self.request.sgd,
            self.request.reduction,
            batch_size=self.request.batch_size,
            rounder=not self.request.standardize,
        )

    @property
    def weight(self) -> Array:
        """The weights after the last step, (d,) or (k, d)."""
        return self._theta[1:, 0] if self.moments.single_target else self._theta[1:].T

    @property
    def bias(self) -> Any:
        """The bias after the last step, a float or (k,)."""
        return float(self._theta[0, 0]) if self.moments.single_target else self._theta[0]

    @once
    def model(self) -> torch.nn.Linear:
        """The trained `nn.Linear`: float64 unless it was trained, or asked for, in another dtype."""
        import torch

        from gradline.descent.autograd import model_of

        return model_of(self._theta, getattr(torch, self.request.dtype))

    @once
    def exact(self) -> Fit:
        """The exact least-squares answer for the same rows."""
        return self.moments.fit()

    @property
    def lr(self) -> float:
        """The learning rate; with lr="auto" the one that was found."""
        return self.request.sgd.lr

    @property
    def epochs(self) -> int:
        """Epochs done, the last perhaps in part."""
        return -(-self.path.steps // self.history.steps_per_epoch)

    @property
    def engine(self) -> str:
        """What ran and why: "closed-form: full batch, MSE, SGD"."""
        return f"{self.request.engine}: {self.request.why}"

    @property
    def stopped_at(self) -> int | None:
        """The step whose loss was not finite, which ended the run; None where it ran to its end."""
        return self.path.stopped_at

    @once
    def status(self) -> str:
        """How it went: "converged", "not yet converged" or "diverged".

        Diverged: the loss left the range of its dtype, or has grown at a rate of at least the limit; that of a loop,
        grown a hundredfold from its first epoch to its last, or tenfold at a rate known to be too high. Converged:
        every coefficient is within 1e-3 of where the run was heading, relative to itself or its standard
        error, whichever is larger; for losses without a closed form: the mean loss of the last tenth of the
        steps is within 1e-4 of that of the tenth before, and where each step sees all rows the losses of that tenth
        are within 1e-2 of each other.
        """
        if self.stopped_at is not None:
            return "diverged"
        loss = self.ends
        if self._blown or (self.request.smooth and not self.stability.stable and loss[1] > loss[0]):
            return "diverged"
        if self.request.heading == "elsewhere":
            near = self._flat
        elif self.request.heading == "decayed":
            gap = dataclasses.replace(self.gap(), exact=self._vector(self._goal(self.request.sgd.weight_decay)))
            near = gap.largest <= NEAR
        else:
            near = self.gap().largest <= NEAR
        return "converged" if near else "not yet converged"

    def gap(self) -> Gap:
        """How far each coefficient is from exact, and how many more epochs it is to 1e-3 and 1e-6.

        Example:
            >>> import gradline as gl
            >>> gl.train(*gl.line(seed=0), lr=0.01, epochs=500, seed=0).gap()
                              trained           exact    distance  in std errors
            Intercept      2.97841442      2.97851681     -0.0001        0.00057
            x              1.93141364      1.93141435    -7.1e-07        2.3e-05
            epochs more: 0 to 1e-3, 176 to 1e-6 of the coefficient or std error
        """
        return self._gap

    def explain(self, lang: str = "en") -> str:
        """What happened in this run and why, with its numbers, in three to six sentences.

        Args:
            lang: "en" or "ko".

        Raises:
            OptionError: Another language.

        Example:
            >>> import gradline as gl
            >>> print(gl.train(*gl.line(seed=0), epochs=50, seed=0).explain().split(". ")[0])
            The run has not converged yet: after 50 epochs Intercept is 2.08, and the exact answer is 2.98
        """
        from gradline.report.explanation import explained

        return " ".join(explained(self, lang))

    def trace(self, steps: int = 2) -> Trace:
        """The first steps of the real PyTorch loop, statement by statement, values before and after each.

        It ends with the run where that has fewer steps. A callback is not called.

        Raises:
            OptionError: steps is not a whole number from 1 up, or the rows are not at hand (training from
                moments, a loaded run).

        Example:
            >>> import gradline as gl
            >>> print(gl.train(*gl.line(seed=0), lr=0.01, epochs=5, seed=0).trace(1))
            step 0   optimizer.zero_grad()     w.grad: None
                                               b.grad: None
                     pred = model(x)           pred[0] = 0.53700411
                     loss = loss_fn(pred, y)   loss = 136.27115
                     loss.backward()           w.grad: None -> -132.28047
                                               b.grad: None -> -3.9860106
                     optimizer.step()          w: -0.0074868202 -> 1.3153179
                                               b: 0.53644359 -> 0.57630372
        """
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise OptionError(f"steps must be a whole number from 1 up; {steps!r} arrived.")
        if self.tracing is None:
            raise OptionError(
                "a trace runs the loop over the rows, and this run has none: it came from moments or a file.\n"
                "Train on the data itself: gl.train(x, y, …).trace(2)."
            )
        return self.tracing(self, steps)

    def plot(
        self,
        kind: str = "loss",
        ax: Axes | None = None,
        lang: str = "en",
        *,
        plane: Sequence[str] | None = None,
        target: str | None = None,
    ) -> Axes:
        """Draw the run; it needs the extra `plot`.

        Args:
            kind: "loss", its curve over the epochs above the loss of the exact solution; "surface", the loss of all
                rows over two coefficients as rings, with the path of training and the exact solution in it; "rates",
                the factor by which an epoch shrinks the error at every learning rate: `Stability.plot`.
            ax: Axes to draw on; by default those of a new figure.
            lang: "en" or "ko".
            plane: Of a surface, the two coefficients, "Intercept" perhaps among them. By default those that make the
                steepest and the flattest direction. The others are at their best for each point of the plane.
            target: Of a surface, which of several targets; by default the first.

        Raises:
            OptionError: No such kind, language, coefficient or target; the kind has no such option; what the run did
                is beyond its formulas (another loss or optimizer); or matplotlib is not installed.
        """
        from gradline.pictures.kinds import RUN, picture

        return picture(RUN, kind, self, ax, lang, plane=plane, target=target)

    def report(self, path: str | os.PathLike[str], lang: str = "en", *, lab: bool = False) -> None:
        """Write the run as one HTML page, whole or not at all; it needs the extra `report`.

        As `Fit.report`, with the pictures of `plot`, how far the run is from the exact answer, and that answer.

        Args:
            path: Where to write. The same run gives the same bytes, but for versions.
            lang: "en" or "ko".
            lab: Whether to put the lab into the page, opened with this run (120 kB and a script; it needs no network
                either). A run that the lab cannot show is reported without it, with the reason.

        Raises:
            OptionError: there are no words in this language, path is none, or jinja2 or matplotlib is not installed.
            StorageError: the file cannot be written.

        Example:
            >>> import pathlib, tempfile, gradline as gl
            >>> run = gl.train(*gl.line(seed=0), epochs=500, seed=0)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     page = pathlib.Path(folder, "line.html")
            ...     run.report(page, "ko")
            ...     page.read_text(encoding="utf-8").count("<svg")
            3
        """
        from gradline.pages.page import write_run

        write_run(self, path, lang, lab=truth("lab", lab))  # type: ignore[arg-type]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to one safetensors file, whole or not at all; it holds no rows of the data.

        A closed-form run comes back with its whole history, for that is computed. Of a loop's history the
        file keeps the losses and the last weights only: `history.weight`, `bias`, `grad` and `at` are refused
        after loading, and so is `trace` of any run.

        Raises:
            StorageError: the file cannot be written.

        Example:
            >>> import pathlib, tempfile, gradline as gl
            >>> run = gl.train(*gl.line(seed=0), lr=0.01, epochs=500, seed=0)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     run.save(pathlib.Path(folder, "run.safetensors"))
            ...     gl.load(pathlib.Path(folder, "run.safetensors")).weight.round(4)
            array([1.9314])
        """
        from gradline import storage

        storage.save_run(self, path)  # type: ignore[arg-type]

    def to_record(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What `gradline.storage` writes: a description, and the tensors of the trained `nn.Linear`."""
        from gradline.results.run_record import to_record

        return to_record(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Run:
        """The run of a description that `to_record` gave."""
        from gradline.results.run_record import from_record

        return from_record(record)

    def summary(self) -> str:
        """What ran, how it went and how far it is from the exact answer, at most 80 columns wide.

        Example:
            >>> import gradline as gl
            >>> print(gl.train(*gl.line(seed=0), lr=0.01, epochs=500, seed=0).summary())
            model     nn.Linear(1, 1), 100 rows
            training  sgd, lr 0.01
            loss      mse (mean), from 136.271 to 3.16471
            engine    closed-form: full batch, MSE, SGD
            condition number 34.46
            outcome   converged · 500 epochs
            <BLANKLINE>
                              trained           exact    distance  in std errors
            Intercept      2.97841442      2.97851681     -0.0001        0.00057
            x              1.93141364      1.93141435    -7.1e-07        2.3e-05
            epochs more: 0 to 1e-3, 176 to 1e-6 of the coefficient or std error
        """
        from gradline.report.run import run_summary

        return run_summary(self)

    def __repr__(self) -> str:
        from gradline.report.run import run_line

        return run_line(self)

    def _repr_html_(self) -> str:
        from gradline.report.run import run_html

        return run_html(self)

    @once
    def ends(self) -> tuple[float, float]:
        """The first and the last loss."""
        kept = len(self.history)
        if not kept:
            return np.nan, np.nan
        return float(self.path.losses(0, 1)[0]), float(self.path.losses(kept - 1, kept)[0])

    @property
    def _blown(self) -> bool:
        if isinstance(self.path, ClosedForm):
            return False
        loss, step, epoch = self.history.loss, self.history.step, self.history.steps_per_epoch
        first, last = loss[step < epoch].max(), loss[step >= self.path.steps - epoch].max()
        most = 10.0 if self.request.constant and self.request.loss == "mse" and self.stability.unstable else 100.0
        return bool(last > most * first > 0.0)

    @once
    def _flat(self) -> bool:
        loss = self.history.loss
        tenth = len(loss) // 10
        if not tenth:
            return False
        last, before = loss[-tenth:].mean(), loss[-2 * tenth : -tenth].mean()
        swings = self.history.steps_per_epoch == 1 and np.ptp(loss[-tenth:]) > SWING * abs(last)
        return bool(abs(last - before) <= 1e-4 * abs(before)) and not swings

    @once
    def _theta(self) -> Array:
        theta = self.path.parameters_after
        return theta if self.units is None else self.units.raw(theta)

    @once
    def _gap(self) -> Gap:
        exact, se = self.exact.estimates, self.exact.se.reshape(self._theta.shape)
        if np.isnan(exact).any():
            exact = self._goal(0.0)
        reach: Callable[[float], float] | None = None
        if self.request.smooth and not self.stability.stable:
            reach = never
        elif (onward := self._onward()) is not None:
            path, done = onward
            reach = partial(epochs_to_reach, path, self.units, exact, se, done)
        trained, exact, se = (self._vector(values) for values in (self._theta, exact, se))
        noise, kappa = self._noise(), self.stability.condition_number
        return Gap(self.names, self.moments.targets, trained, exact, se, reach, kappa, noise)

    def _noise(self) -> Array | None:
        """See Gap.noise."""
        request, drawing = self.request, self.stability.drawing
        known = request.heading == "exact" and request.constant and request.shuffle
        if drawing is None or drawing.weighted or not known:
            return None
        steepness, summed, k = self.stability.steepness, request.reduction == "sum", len(self.moments.targets)
        unit = 2.0 * drawing.size if summed else 2.0 / k
        variance = unit * steepness * floor(steepness, request.sgd, drawing, summed=summed)  # (r,), over σ²
        if not np.isfinite(variance).all():
            return self._vector(np.full_like(self._theta, np.inf))
        axes = self.quadratic.axes.right[:, : len(steepness), None]
        axes = axes.swapaxes(0, 1)  # (r, p, 1)
        axes = axes if self.units is None else self.units.raw(axes)
        spread = np.sqrt(np.einsum("rpo,r->p", axes**2, variance))
        sigma = np.sqrt(np.asarray(self.exact.rss).reshape(-1) / drawing.rows)
        return self._vector(spread[:, None] * sigma)

    def _onward(self) -> tuple[ClosedForm, int] | None:
        """A path whose later steps can be computed, and how many of them are done."""
        if isinstance(self.path, ClosedForm):
            return self.path, self.path.steps
        sgd = self.request.sgd
        if not self.request.smooth or not sgd.plain:
            return None
        return ClosedForm(self.quadratic, self.path.parameters_after, sgd, self.request.reduction, 1), 0

    def _goal(self, weight_decay: float) -> Array:
        """Where descent from the start leads: the least-squares solution nearest to it, or the decayed one."""
        axes, rank = self.quadratic.axes, len(self.stability.steepness)
        left = self.quadratic.leftover(self.start)
        curvature = self.stability.steepness / axes.sigma[:rank] ** 2
        decay = weight_decay * (axes.right.T @ self.start)[:rank]
        pull = curvature[:, None] * axes.sigma[:rank, None] * left[:rank] + decay
        moved = pull / (self.stability.steepness + weight_decay)[:, None]
        theta = self.start - axes.right[:, :rank] @ moved
        if weight_decay and rank < len(self.names):
            flat = axes.right[:, rank:]
            theta = theta - flat @ (flat.T @ self.start)
        return theta if self.units is None else self.units.raw(theta)

    def _vector(self, values: Array) -> Array:
        return values[:, 0] if self.moments.single_target else values
