"""What a picture is drawn on: axes, colours that are told apart on light and on dark, and words in a language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from gradline.allowed import language
from gradline.errors import OptionError, warn
from gradline.layout import shortened
from gradline.pictures.fonts import families
from gradline.pictures.texts import TEXTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BLUE, _SKY_BLUE = "#0072B2", "#56B4E9"
_VERMILLION, _GREEN, _PURPLE = "#D55E00", "#009E73", "#CC79A7"
"""Those of Okabe & Ito (2008), made for colour-blind readers, whose contrast is 3 to 1 on white and on black."""
Style: TypeAlias = dict[str, Any]
"""How matplotlib is to draw something."""
_NAME = 24  # cells of a column's name


@dataclass(frozen=True)
class Canvas:
    """Axes and how they are written on."""

    ax: Axes
    lang: str
    fonts: tuple[str, ...]

    @property
    def ink(self) -> Any:
        """The colour of the axes' own words."""
        return self.ax.xaxis.label.get_color()

    @property
    def ground(self) -> tuple[float, float, float]:
        """The colour behind the picture: that of the axes, or of the figure where they have none."""
        from matplotlib import rcParams
        from matplotlib.colors import to_rgb, to_rgba

        behind = (self.ax.get_facecolor(), self.ax.figure.get_facecolor(), rcParams["figure.facecolor"])
        return next((to_rgb(each) for each in behind if to_rgba(each)[3]), (1.0, 1.0, 1.0))

    @property
    def colours(self) -> tuple[str, str, str, str]:
        """Blue, vermillion, green and purple; blue is a lighter one on a dark ground."""
        dark = sum(self.ground) < 1.5
        return _SKY_BLUE if dark else _BLUE, _VERMILLION, _GREEN, _PURPLE

    @property
    def text(self) -> Style:
        """How every text is written: a $ in a column's name is no formula."""
        return {"color": self.ink, "fontfamily": list(self.fonts), "parse_math": False}

    @property
    def small(self) -> Style:
        """The same in the size of ticks."""
        return self.text | {"fontsize": self.ax.xaxis.get_ticklabels()[0].get_fontsize()}

    def words(self, key: str, **facts: object) -> str:
        """A text in the language of the picture."""
        return TEXTS[self.lang][key].format(**facts)

    def name(self, column: str) -> str:
        """The name of a column, short enough to stand in a picture."""
        return shortened(TEXTS[self.lang]["Intercept"] if column == "Intercept" else column, _NAME)

    def label(self, x: str, y: str) -> None:
        """What the axes show; the upper and the right edge say nothing and go."""
        self.ax.set_xlabel(x, **self.text)
        self.ax.set_ylabel(y, **self.text)
        self.ax.spines[["top", "right"]].set_visible(False)

    def legend(self, place: Literal["best", "upper left"] = "best") -> None:
        """What was labelled, where it hides least."""
        from matplotlib import rcParams

        legend = self.ax.legend(
            loc=place,
            prop={"family": list(self.fonts), "size": rcParams["xtick.labelsize"]},
            labelcolor=self.ink,
            facecolor=self.ground,
            edgecolor="none",
            framealpha=0.8,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)

    def tint(self, share: float) -> tuple[float, float, float]:
        """The ground with a share of blue in it."""
        from matplotlib.colors import to_rgb

        ground, blue = np.array(self.ground), np.array(to_rgb(self.colours[0]))
        red, green, blue = (1.0 - share) * ground + share * blue
        return float(red), float(green), float(blue)


def canvas_on(ax: Axes | None, lang: str, size: tuple[float, float] | None = None) -> Canvas:
    """The axes that were given, or those of a new figure.

    Args:
        ax: Axes to draw on, or None.
        lang: "en" or "ko".
        size: Inches of a new figure.

    Raises:
        OptionError: matplotlib is not installed; no such language; ax is no axes.

    Warns:
        GradlineWarning: No font has Korean letters; the words are English then.
    """
    language(lang)
    try:
        import matplotlib as mpl
    except ImportError:
        raise OptionError(
            'a picture needs matplotlib, which is not installed.\nInstall it: pip install "gradline[plot]"'
        ) from None
    from matplotlib.axes import Axes

    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=size or mpl.rcParams["figure.figsize"], layout="constrained")
    if not isinstance(ax, Axes):
        raise OptionError(
            f"ax must be matplotlib's Axes; {type(ax).__name__} arrived.\nfigure, ax = plt.subplots() gives one."
        )
    fonts, has_korean = families()
    drawn_elsewhere = mpl.rcParams["svg.fonttype"] == "none"  # letters stay text, in the fonts of whoever reads
    if lang == "ko" and not has_korean and not drawn_elsewhere:
        lang = "en"
        warn(
            "no installed font has Korean letters, so the words of the picture are English.\n"
            "Install NanumGothic (on Debian and Ubuntu: apt-get install fonts-nanum), or set font.family to one."
        )
    return Canvas(ax, lang, tuple(fonts))
