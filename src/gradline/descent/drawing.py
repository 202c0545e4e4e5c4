"""What drawing mini-batches adds to gradient descent: each step is shaken by the rows it happens to see.

Along an axis of steepness λ a step is the full-batch one plus noise, because the rows of a batch differ from all rows
in their residuals and in their own steepness. To first order the loss at rest is set by the first kind, and the rate
at which the noise feeds itself by the second. With E‖z‖² from the trace of A, the second needs no row:

    E (h - H) M (h - H)  ≈  κ·(H·tr(H·M) + H·M·H),      κ = (n - B)/(B·(n - 1)),

exact for Gaussian rows drawn at random; h is the steepness of a batch of B out of n rows, H that of all.

Source: Ma, Bassily & Belkin (2018), "The Power of Interpolation", ICML, for the rate that a batch allows; Isserlis
(1918) for the fourth moments; Gürbüzbalaban, Ozdaglar & Parrilo (2021), "Why random reshuffling beats stochastic
gradient descent", Math. Program. 186, for drawing without putting back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradline.descent.options import Sgd
from gradline.descent.recurrence import Matrices, matrices
from gradline.doubledouble import Array

_HALVINGS = 40
_SLOW = 1e-10  # an axis that shrinks by less than this in a step does not come to rest, and noise hardly moves it


@dataclass(frozen=True)
class Drawing:
    """Batches of `size` rows out of `rows`, each row once in an epoch, in a new order every time."""

    size: int
    rows: int
    weighted: bool = False
    """Whether rows have weights; how these add to the noise is not in the moments."""

    @property
    def steps(self) -> int:
        """In an epoch, the last of which may see fewer rows."""
        return -(-self.rows // self.size)

    @property
    def last(self) -> int:
        """Rows in the last batch."""
        return self.rows - (self.steps - 1) * self.size

    @property
    def spread(self) -> float:
        """κ: the variance of a batch's mean over that of a row, on average over the steps of an epoch."""
        if self.size == self.rows:
            return 0.0
        return ((self.steps - 1) * self._of(self.size) + self._of(self.last)) / self.steps

    def _of(self, size: int) -> float:
        return (self.rows - size) / (size * (self.rows - 1))


def limit(steepness: Array, options: Sgd, drawing: Drawing, below: float) -> float:
    """An estimate of the rate from which on noise feeds itself and the mean square of the error grows.

    For plain SGD and batches out of many rows it is about 2B/(Σλ + (B + 1)·λ_max). Runs on Gaussian rows were found
    to diverge from 0.9 to 1.9 times the estimate on, with a momentum of 0.9 from 0.65 times; on rows of Student's t
    with 5 degrees of freedom from 0.9 and 0.3 times. A much smaller last batch is counted by its share of the steps,
    which makes the estimate low, by up to 4 times. A few rows that are much longer than all others can bring them
    to diverge far below it, at less than a twentieth: the trace does not know them. `safe` does.

    Args:
        steepness: λ (p,) of the average step.
        options: Of SGD; its rate is not looked at.
        drawing: How batches are drawn.
        below: The full-batch limit, which the estimate cannot exceed.
    """
    if not drawing.spread or not len(steepness) or below == 0.0:
        return below
    low, high = 0.0, below if np.isfinite(below) else 4.0 / float(steepness[0])
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if feedback(steepness, replace(options, lr=middle), drawing) < 1.0:
            low = middle
        else:
            high = middle
    return low


def feedback(steepness: Array, options: Sgd, drawing: Drawing) -> float:
    """Which share of the noise is the answer to earlier noise; from 1 on it feeds itself."""
    steepness = steepness[_moving(steepness, options)]
    own = drawing.spread * steepness**2 * _answer(matrices(options, steepness))
    return float((own / (1.0 - own)).sum()) if (own < 1.0).all() else np.inf


def floor(steepness: Array, options: Sgd, drawing: Drawing, *, summed: bool) -> Array:
    """The variance (p,) along each axis at the end of an epoch, once nothing but noise is left.

    Over σ² and over the variance of one row's gradient there, 2λ/k or, for a summed loss, 2Bλ. In an epoch each row
    is seen once, so that the noise of its steps adds up to 0 and slow axes feel little of it:

        W = n/B·Σ_j w_j·w_jᵀ - (Σ_j w_j)(Σ_j w_j)ᵀ,      w_j = Tʲ·q

    is what one epoch adds, T being the step and q what noise does to it; T^K hands it on to the next epoch.
    """
    n, size, last, count = drawing.rows, drawing.size, drawing.last, drawing.steps
    if not drawing.spread:
        return np.zeros_like(steepness)
    fed = feedback(steepness, options, drawing)
    if not fed < 1.0:
        return np.full_like(steepness, np.inf)
    variance, moving = np.zeros_like(steepness), _moving(steepness, options)
    steepness = steepness[moving]
    moves = matrices(options, steepness)
    shake, epoch = moves.shake, np.linalg.matrix_power(moves.step, count)
    ever = _at_rest(moves.step, _outer(shake))
    within = ever - epoch @ ever @ epoch.swapaxes(1, 2)
    rest = np.linalg.solve(np.eye(3) - moves.step, (shake[..., None] - epoch @ shake[..., None]))[..., 0]
    share = last / size if summed else 1.0  # a summed loss gives the last, smaller batch less to say
    rest = rest + (share - 1.0) * shake
    added = n / size * within + (n * share**2 / last - n / size) * _outer(shake) - _outer(rest)
    first = np.maximum(_at_rest(epoch, added)[:, 0, 0], 0.0) / (n - 1)
    own = drawing.spread * steepness**2 * ever[:, 0, 0]
    variance[moving] = first / ((1.0 - own) * (1.0 - fed))
    return variance


def safe(
    steepness: Array, options: Sgd, drawing: Drawing, *, longest: float | None, summed: bool, targets: int
) -> float:
    """A rate at which no noise feeds itself: B/(β + (B - 1)·λ_max), β the steepness of the longest row.

    With momentum times 1 - momentum, since that many steps later a gradient still counts. A smaller last batch
    holds the rate down so far that it does not grow by itself. Without the rows, half of the estimated limit.

    Args:
        steepness: λ (p,) of the average step.
        options: Of SGD; its rate is not looked at.
        drawing: How batches are drawn.
        longest: The largest ‖z‖² of all rows, intercept included, in the units that are trained in.
        summed: Whether the loss adds up rather than averages.
        targets: k.
    """
    if longest is None:
        return 0.5 * limit(steepness, options, drawing, np.inf)
    slower = 1.0 - options.momentum  # whatever the dampening: the first step is not dampened
    unit = drawing.size if summed else 1.0 / targets
    row, top = 2.0 * unit * longest, float(steepness[0])

    def allowed(size: int) -> float:
        share = size / drawing.size if summed else 1.0
        return size / (share * (row + (size - 1) * top) + size * options.weight_decay)

    return slower * min(allowed(drawing.size), 1.9 * allowed(drawing.last))


def _moving(steepness: Array, options: Sgd) -> NDArray[np.bool_]:
    """Which axes are not too slow to tell, (p,)."""
    if not options.zero_grad or options.momentum == 1.0:
        return np.ones(len(steepness), dtype=np.bool_)
    moving: NDArray[np.bool_] = options.lr * (steepness + options.weight_decay) > _SLOW * (1.0 - options.momentum)
    return moving


def _answer(moves: Matrices) -> Array:
    """Σ_t w_t² (p,), w_t what noise of 1 has become t steps later; inf where it does not fade."""
    fading = np.abs(np.linalg.eigvals(moves.step)).max(axis=1) < 1.0 - 1e-14
    answer = np.full(len(fading), np.inf)
    if fading.any():
        answer[fading] = _at_rest(moves.step[fading], _outer(moves.shake[fading]))[:, 0, 0]
    return answer


def _at_rest(step: Array, added: Array) -> Array:
    """The covariance P = T·P·Tᵀ + W (p, 3, 3) of axes that are moved by T and shaken with W."""
    square = (step[:, :, None, :, None] * step[:, None, :, None, :]).reshape(-1, 9, 9)
    return np.asarray(np.linalg.solve(np.eye(9) - square, added.reshape(-1, 9, 1)).reshape(-1, 3, 3))


def _outer(vectors: Array) -> Array:
    """v·vᵀ (p, 3, 3)."""
    result: Array = vectors[:, :, None] * vectors[:, None, :]
    return result
