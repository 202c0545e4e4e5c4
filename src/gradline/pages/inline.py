"""Pictures as SVG within a page that is light or dark.

Each picture is drawn twice, on light and on dark. The two differ in colours alone, so one text stands for both: its
colours are variables, whose two values the page's style has. Images within a picture stand there twice.
"""

from __future__ import annotations

import base64
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[["Axes"], object]

_GROUNDS = {"light": ("#ffffff", "#1c2430"), "dark": ("#14171d", "#e7eaf1")}
"""Ground and ink, those of page.css."""
_SIZE = (5.2, 3.7)  # inches: letters can be read where the page is as narrow as a telephone
_MANY, _LONG = 250, 2_000
"""More points than these, or a line of more, become an image: a hundred bytes each would be too many."""
_SHARP = 120  # dots an inch, of images
_SHADES = 32  # of an image
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_FAMILY = re.compile(r"font-family:[^;]*;? ?")  # letters are those of the page
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]*)\)")


class Colours:
    """Pairs of a colour on light and on dark, each a variable of the page."""

    def __init__(self) -> None:
        """None yet."""
        self._pairs: dict[tuple[str, str], str] = {}

    def __call__(self, light: str, dark: str) -> str:
        """The colour as CSS has it."""
        return light if light == dark else f"var({self._pairs.setdefault((light, dark), f'--c{len(self._pairs)}')})"

    def declared(self, ground: str) -> str:
        """The variables with the values that they have on a ground."""
        at = list(_GROUNDS).index(ground)
        return ";".join(f"{name}:{pair[at]}" for pair, name in self._pairs.items())


def inline(draw: Draw, name: str, colours: Colours, size: tuple[float, float] | None = None) -> str:
    """The picture as an svg element.

    Args:
        draw: Draws on axes, twice the same.
        name: What the identifiers within it begin with, so that they meet no others on the page.
        colours: Of the page.
        size: Inches; an axes whose rows ask for more height may change that of its figure.
    """
    light, dark = (_drawn(draw, ground, size or _SIZE) for ground in _GROUNDS)
    used = {found for element in light.iter() for found in _references(element)}
    images = []
    for one, other in zip(light.iter(), dark.iter(), strict=True):
        for key, value in list(one.attrib.items()):
            plain = key.rpartition("}")[2]
            del one.attrib[key]
            if plain == "id":
                if value in used:
                    one.set("id", f"{name}-{value}")
            elif plain == "href" and value.startswith("#"):
                one.set("href", f"#{name}-{value[1:]}")
            elif plain == "href":
                one.set("href", _smaller(value))
                images.append((one, _smaller(other.get(key, ""))))
            elif plain not in ("font", "version"):
                one.set(plain, _merged(value, other.get(key, ""), name, colours))
        one.tag = one.tag.rpartition("}")[2]
    _put_both(light, images)
    for parent in light.iter():
        for child in [each for each in parent if each.tag in ("metadata", "style")]:
            parent.remove(child)
    light.attrib = {"viewBox": light.attrib["viewBox"], "aria-hidden": "true"}  # what is around it says what it is
    for element in light.iter():  # line ends between elements
        element.text = element.text if element.text and element.text.strip() else None
        element.tail = None
    return ET.tostring(light, encoding="unicode")


def _drawn(draw: Draw, ground: str, size: tuple[float, float]) -> ET.Element:
    """The picture on one ground, as matplotlib writes it."""
    from matplotlib.figure import Figure

    with _settings(*_GROUNDS[ground]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # the reader has the letters
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        _many_as_images(figure)
        content = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(content, format="svg", transparent=True, dpi=_SHARP, metadata=nothing)
    return ET.fromstring(content.getvalue())  # noqa: S314 - matplotlib's own, of a moment ago


@contextmanager
def _settings(ground: str, ink: str) -> Iterator[None]:
    """Matplotlib's own settings whatever the reader's are, with these colours."""
    import matplotlib as mpl

    own: dict[Any, Any] = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), ink
    )
    own |= dict.fromkeys(("figure.facecolor", "axes.facecolor"), ground)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(own | {"svg.fonttype": "none", "svg.hashsalt": "gradline", "axes.linewidth": 0.7})
        yield


def _many_as_images(figure: Any) -> None:
    for axes in figure.axes:
        for points in axes.collections:
            if len(points.get_offsets()) > _MANY:
                points.set_rasterized(True)
        for line in axes.lines:
            if len(line.get_xdata()) > (_MANY if line.get_marker() not in ("", "None", None) else _LONG):
                line.set_rasterized(True)


def _references(element: ET.Element) -> Iterator[str]:
    for key, value in element.attrib.items():
        if key.endswith("href") and value.startswith("#"):
            yield value[1:]
        yield from _REFERENCE.findall(value)


def _merged(light: str, dark: str, name: str, colours: Colours) -> str:
    """A value with its colours as variables, and its references to identifiers of this picture."""
    pairs = zip(_COLOUR.findall(light), _COLOUR.findall(dark), strict=True)
    found = [colours(*pair) for pair in pairs]
    value = _COLOUR.sub(lambda _: found.pop(0), light) if found else light
    value = _FAMILY.sub("", value)
    value = _DECIMALS.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), value)
    return _REFERENCE.sub(rf"url(#{name}-\1)", value)


def _put_both(tree: ET.Element, images: list[tuple[ET.Element, str]]) -> None:
    """Beside each image that which stands for it on dark."""
    dark = {id(image): content for image, content in images}
    for parent in list(tree.iter()):
        for place, child in reversed(list(enumerate(parent))):
            if id(child) in dark and dark[id(child)] != child.get("href"):
                twin = ET.Element("image", {**child.attrib, "href": dark[id(child)], "class": "on-dark"})
                child.set("class", "on-light")
                parent.insert(place + 1, twin)


def _smaller(content: str) -> str:
    """An image of few shades, as the address that holds it."""
    from PIL import Image

    head, _, text = content.partition(",")
    with Image.open(BytesIO(base64.b64decode(text))) as image:
        kept = BytesIO()
        image.convert("RGBA").quantize(_SHADES, method=Image.Quantize.FASTOCTREE).save(kept, "png", optimize=True)
    return f"{head},{base64.b64encode(kept.getvalue()).decode()}"
