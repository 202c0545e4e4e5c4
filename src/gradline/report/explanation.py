"""What happened in a run and why, in three to six sentences; the words are in `explanation_texts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from gradline.allowed import language
from gradline.descent.rates import slowest
from gradline.layout import shortened
from gradline.report.explanation_texts import TEXTS
from gradline.report.numbers import brief, significant

if TYPE_CHECKING:
    from gradline.results.run import Run

_NAME = 30  # cells of a column's name
_ROUNDER = 10.0  # times a smaller condition number: standardizing is worth a sentence
_BRAKE = 0.5  # of the best rate: below it the rate itself is what takes long


def explained(run: Run, lang: str = "en") -> list[str]:
    """The sentences.

    1. Beyond the range of floats from the start on, or later at a rate that is stable.
    2. Another loss than MSE, another optimizer than SGD: only what is true of them.
    3. A rate that changes from epoch to epoch: nothing that holds for one rate.
    4. Diverged.
    5. Converged, at the noise floor of mini-batches, or on its way.

    Raises:
        OptionError: There are no words in this language.
    """
    language(lang)
    texts, request = TEXTS[lang], run.request
    number = texts["epoch" if run.epochs == 1 else "epochs"].format(number=f"{run.epochs:,}")
    words = _Words(texts, _facts(run) | {"epochs": number})
    known = request.loss == "mse" and request.optimizer == "sgd" and request.lr_schedule == "constant"
    stable = known and request.batch_size is None and run.stability.stable
    if run.stopped_at is not None and stable:
        return list(_beyond(words))
    if request.loss != "mse":
        return list(_other_loss(run, words))
    if request.optimizer != "sgd":
        return list(_other_optimizer(run, words))
    if request.lr_schedule != "constant":
        return list(_scheduled(run, words))
    if run.status == "diverged":
        return list(_divergence(run, words))
    return list(_arrival(run, words))


@dataclass(frozen=True)
class _Words:
    texts: dict[str, str]
    facts: dict[str, str]

    def __call__(self, key: str, **more: object) -> str:
        return self.texts[key].format(**self.facts, **more)

    def epochs(self, number: float) -> str:
        if not isfinite(number):
            return self.texts["never"]
        return self.texts["epoch" if number == 1 else "epochs"].format(number=f"{number:,.0f}")


def _facts(run: Run) -> dict[str, str]:
    """The numbers that sentences may use."""
    stability, request, steps = run.stability, run.request, run.path.steps
    kept = len(run.history)  # of a closed form a billion perhaps: history.loss would compute them all
    first, last = (float(run.path.losses(at, at + 1)[0]) if kept else np.nan for at in (0, kept - 1))
    limit, best = significant(stability.lr_limit, 3), significant(stability.lr_best, 3)
    about = stability.lr_limit if stability.lr_limit_batches is None else stability.lr_limit_batches
    return {
        "lr": f"{run.lr:.4g}",
        "limit": limit,
        "best": best,
        "steps": f"{steps:,}",
        "stopped": f"{run.stopped_at or 0:,}",
        "first": significant(first, 4),
        "last": significant(last, 4),
        "column": shortened(stability.column, _NAME),
        "steep": _listed(stability.steep),
        "flat": _listed(stability.flat),
        "kappa": _times(stability.condition_number),
        "share": _percent(run.lr, stability.lr_limit),
        "times": significant(run.lr / stability.lr_limit, 3) if stability.lr_limit else "",
        "about": significant(about, 2),
        "about_share": _percent(run.lr, about),
        "about_times": significant(run.lr / about, 2) if about else "",
        "square": significant(stability.mean_square, 3),
        "batch": f"{request.batch_size or run.moments.nobs:,.0f}",
        "rows": f"{run.moments.nobs:,.0f}",
        "loss": request.loss,
        "optimizer": request.optimizer,
        "schedule": shortened(request.lr_schedule, _NAME),
        "average": f"{request.average:,}",
        "dtype": request.computed_in,
        "decay": f"{request.sgd.weight_decay:g}",
        "start": significant(float(np.abs(run.start).max()), 3),
    }


def _percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole else inf
    return f"{share:.0f}" if share >= 1 else significant(share, 2)


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if 100 <= factor < 1e9 else brief(factor, 3)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(shortened(name, _NAME) for name in names)


def _beyond(words: _Words) -> Iterator[str]:
    yield words("beyond")
    yield words("beyond_why")
    yield words("beyond_try")


def _other_loss(run: Run, words: _Words) -> Iterator[str]:
    if run.stopped_at is not None:
        yield words("stopped")
    else:
        yield words("settled" if run.status == "converged" else "unsettled")
    yield words({"l1": "l1", "huber": "huber"}.get(run.request.loss, "own_loss"))
    if run.request.loss == "l1" and run.request.constant and run.stopped_at is None:
        yield words("l1_step")
    yield words("no_limit_loss")


def _other_optimizer(run: Run, words: _Words) -> Iterator[str]:
    if run.stopped_at is not None:
        yield words("stopped")
    elif run.request.heading == "exact":
        yield _outcome(run, words)
    else:
        yield words("settled" if run.status == "converged" else "unsettled")
        yield words("decay_elsewhere")
    yield words("no_limit_optimizer")
    yield _bowl(run, words)


def _scheduled(run: Run, words: _Words) -> Iterator[str]:
    batches = "_batches" if _noisy(run) else ""
    if run.status == "diverged":
        yield words("diverged_stopped" if run.stopped_at is not None else "diverged")
        yield words(f"scheduled{batches}")
        yield words(f"scheduled_above{batches}")
        return
    if run.request.heading == "exact":
        yield _outcome(run, words)
    else:
        yield words("settled" if run.status == "converged" else "unsettled")
        yield words("decay_elsewhere")
    yield words(f"scheduled{batches}")
    if run.request.average:
        yield words("averaged")
    yield _bowl(run, words)
    if run.status != "converged":
        yield from _standardize(run, words)


def _divergence(run: Run, words: _Words) -> Iterator[str]:
    stability, sgd = run.stability, run.request.sgd
    yield words("diverged_stopped" if run.stopped_at is not None else "diverged")
    if stability.lr_limit == 0.0:
        yield words("any_rate")
        yield words("call_zero_grad")
        return
    if _noisy(run) and stability.lr_limit_batches == 0.0:
        yield words("any_rate_batches")
        yield words("swings_try")
        return
    if _noisy(run) and stability.unstable:
        yield words("above_batches")
        yield words("feeds_itself")
    elif stability.stable:
        yield words("below_batches")
        yield words("long_rows")
    else:
        yield words("above")
        key = "overshoots" if sgd.plain else "grows"
        yield words(
            key, factor=significant(slowest(stability.steepness, sgd), 3), growth=significant(stability.growth, 3)
        )
    yield words("use_auto_batches" if _noisy(run) else "use_auto")
    if stability.standardized is not None:
        limit = stability.standardized.lr_limit_batches or stability.standardized.lr_limit
        yield words("limit_standardized", other=significant(limit, 3))


def _arrival(run: Run, words: _Words) -> Iterator[str]:
    gap, stability, sgd = run.gap(), run.stability, run.request.sgd
    converged = run.status == "converged"
    exactly = run.request.heading == "exact"
    if run.request.heading == "elsewhere":
        yield words("settled" if converged else "unsettled")
        yield words("decay_elsewhere")
    elif run.request.heading == "decayed":
        yield words("decayed" if converged else "decaying", **_furthest(run))
    elif gap.at_floor and not converged:
        yield words("floor", **_furthest(run))
    else:
        yield _outcome(run, words)
    if stability.epochs_to(0.5) == inf and (not sgd.zero_grad or sgd.momentum == 1.0):
        yield from _swinging(run, words)
        return
    if not _noisy(run):
        yield _rate(run, words)
    else:
        yield words("rate_batches")
        if gap.noise is not None:
            yield _noise(run, words)
    if run.request.average:
        yield words("averaged")
    if not (gap.at_floor and not converged):
        yield from _slowness(run, words)
    if converged:
        if exactly and np.isfinite(gap.in_se).all():
            yield words("certain", in_se=significant(float(gap.in_se.max()), 2))
        return
    if gap.at_floor:
        yield words("lower_floor")
        return
    if exactly and gap.epochs is not None and isfinite(gap.epochs[0]):
        yield words("left", more=words.epochs(gap.epochs[0]), most=words.epochs(gap.epochs[1]))
    yield from _faster(run, words)


def _swinging(run: Run, words: _Words) -> Iterator[str]:
    """Nothing is forgotten, so that no rate is the fastest."""
    if _noisy(run) and run.stability.lr_limit_batches == 0.0:
        yield words("any_rate_batches")
    else:
        yield words("rate_swinging")
        yield words("swings")
    yield words("swings_try")


def _outcome(run: Run, words: _Words) -> str:
    return words("converged") if run.status == "converged" else words("crawled", **_furthest(run))


def _furthest(run: Run) -> dict[str, str]:
    """The coefficient that is furthest from exact, as trained and as it would be."""
    gap = run.gap()
    far = np.unravel_index(int(np.argmax(gap.relative)), gap.relative.shape)
    name = shortened(run.names[int(far[0])], _NAME)
    if len(far) > 1:
        name += f" → {shortened(run.moments.targets[int(far[1])], _NAME)}"
    trained, exact = float(gap.trained[far]), float(gap.exact[far])
    digits = next((n for n in range(3, 16) if significant(trained, n) != significant(exact, n)), 3)
    return {
        "name": name,
        "trained": significant(trained, digits),
        "exact": significant(exact, digits),
    }


def _rate(run: Run, words: _Words) -> str:
    stability = run.stability
    if not stability.lr_limit < inf:
        return words("no_limit")
    share = run.lr / stability.lr_limit if stability.lr_limit else inf
    key = "rate" if significant(stability.lr_best, 3) != significant(stability.lr_limit, 3) else "rate_below"
    return words(key) if share < 10 else words("rate_far")


def _noise(run: Run, words: _Words) -> str:
    """What holds the coefficient that the noise moves most, in standard errors or in itself."""
    gap = run.gap()
    assert gap.noise is not None
    if not np.isfinite(gap.noise).all():
        return words("noise_grows")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num(gap.noise / gap.se, nan=0.0, posinf=0.0)
    most = np.unravel_index(int(share.argmax()), share.shape)
    name, noise = shortened(run.names[int(most[0])], _NAME), significant(float(gap.noise[most]), 2)
    return words("noise", name=name, noise=noise, in_se=significant(float(share[most]), 2))


def _slowness(run: Run, words: _Words) -> Iterator[str]:
    """The steepest and the flattest direction, and what one epoch leaves of the error along each."""
    stability, sgd = run.stability, run.request.sgd
    if _is_round(run):
        yield words("round")
        return
    steps = 1 if stability.drawing is None else stability.drawing.steps
    steep, flat = (slowest(stability.steepness[[end]], sgd) ** steps for end in (0, -1))
    yield words("slow", steep_factor=_factor(steep), flat_factor=_factor(flat))


def _faster(run: Run, words: _Words) -> Iterator[str]:
    """What would help most: a rate that is not so small, columns of one size."""
    stability = run.stability
    if not _noisy(run) and stability.lr < _BRAKE * stability.lr_best < inf and run.request.sgd.zero_grad:
        best = replace(stability, options=replace(stability.options, lr=stability.lr_best))
        yield words("brake", other=words.epochs(best.epochs_to(1e-3)))
    yield from _standardize(run, words)


def _standardize(run: Run, words: _Words) -> Iterator[str]:
    stability, standardized = run.stability, run.stability.standardized
    if standardized is not None and stability.condition_number > _ROUNDER * standardized.condition_number:
        yield words(
            "standardize",
            other=brief(standardized.condition_number, 3),
            rate=significant(standardized.lr, 3),
            epochs_other=words.epochs(standardized.epochs_to(1e-3)),
        )


def _noisy(run: Run) -> bool:
    """Whether steps see fewer rows than there are."""
    drawing = run.stability.drawing
    return drawing is not None and drawing.size < drawing.rows


def _is_round(run: Run) -> bool:
    return len(run.stability.steepness) < 2 or run.stability.condition_number < 1.5


def _bowl(run: Run, words: _Words) -> str:
    return words("round" if _is_round(run) else "bowl")


def _factor(factor: float) -> str:
    """A factor near 1 with as many digits as tell it from 1."""
    if not 0.9 < factor < 1.0:
        return significant(factor, 2)
    return f"{factor:.{min(16, 2 - int(np.floor(np.log10(1.0 - factor))) - 1)}f}"
