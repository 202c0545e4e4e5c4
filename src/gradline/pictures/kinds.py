"""The kinds of picture that a record of several has, and what may be asked of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gradline.allowed import one_of
from gradline.errors import OptionError
from gradline.layout import choices
from gradline.pictures import rows
from gradline.pictures.coefficients import coefficients
from gradline.pictures.loss import loss
from gradline.pictures.rates import rates_of_run
from gradline.pictures.surface import surface
from gradline.second_pass.influence import can_draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gradline.results.fit import Fit


class Kind(NamedTuple):
    """How a kind is drawn, and the options that it has besides `ax` and `lang`."""

    draw: Callable[..., Axes]
    options: tuple[str, ...] = ()


FIT = {
    "coefficients": Kind(coefficients, ("target",)),
    "data": Kind(rows.data, ("target",)),
    "residuals": Kind(rows.residuals, ("target",)),
    "qq": Kind(rows.qq, ("target",)),
    "scale": Kind(rows.scale, ("target",)),
    "leverage": Kind(rows.leverage, ("target",)),
}
RUN = {"loss": Kind(loss), "surface": Kind(surface, ("plane", "target")), "rates": Kind(rates_of_run)}


def picture_of_fit(fit: Fit, kind: str | None, ax: Axes | None, lang: str, **given: Any) -> Axes:
    """The picture of this kind; of none the one that people expect first."""
    return picture(FIT, kind or ("data" if can_draw(fit) else "coefficients"), fit, ax, lang, **given)


def picture(kinds: Mapping[str, Kind], kind: str, record: object, ax: Axes | None, lang: str, **given: Any) -> Axes:
    """The picture of this kind; options that are None were not given.

    Raises:
        OptionError: There is no such kind, or it does not have an option that was given.
    """
    one_of("kind", kind, kinds)
    options = {name: value for name, value in given.items() if value is not None}
    for name in options:
        if name not in kinds[kind].options:
            having = [other for other in kinds if name in kinds[other].options]
            raise OptionError(f"the picture {kind!r} has no {name}=.\n{choices('those that have', having)}")
    return kinds[kind].draw(record, ax, lang, **options)
