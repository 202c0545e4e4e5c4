"""`gl.Lab`: the lab as a widget in Jupyter, marimo, Colab and VS Code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradline.allowed import language
from gradline.container import written_whole
from gradline.errors import OptionError
from gradline.lab.bundle import module, page, template
from gradline.lab.opening import Opening, opening_of_run, opening_of_settings
from gradline.lab.verify import answer, question_of
from gradline.results.run import Run

try:
    import anywidget
    import traitlets
except ImportError:
    raise OptionError("gl.Lab needs the package anywidget.\nInstall it: pip install 'gradline[lab]'.") from None


class Lab(anywidget.AnyWidget):
    """Gradient descent to look at, step by step, with the data and settings of the notebook, or of a run.

    What is moved in the page is seen here when it has come to rest: `settings` are the page's, `result` has the step,
    the loss, weight and bias at the cursor, and the exact answer. Both are read; `address` is the whole state, and
    what is written to it opens in the page.

    Args:
        run: A `Run` of `gl.train` whose data, start and options to open with.
        lang: "en" or "ko".
        settings: Without a run, where they differ from the notebook's: lr, momentum, batch, reduction, zero, epochs,
            init, seed, n, low, high, slope, intercept, noise, on, center.

    Raises:
        OptionError: the extra `lab` is not installed, or run, lang or settings are not what the lab can show.

    Example:
        >>> import gradline as gl
        >>> lab = gl.Lab(lr=0.05, noise=1)
        >>> lab.address
        'lr=0.05&noise=1'
    """

    _esm = module()
    template = traitlets.Unicode(template()).tag(sync=True)
    address = traitlets.Unicode("").tag(sync=True)
    given = traitlets.Any(None, allow_none=True).tag(sync=True)
    lang = traitlets.Unicode("en").tag(sync=True)
    settings = traitlets.Dict().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)

    def __init__(self, run: Run | None = None, *, lang: str = "en", **settings: Any) -> None:
        """See the class."""
        language(lang)
        opening = opening_of(run, settings)
        super().__init__(address=opening.address, given=opening.given, lang=lang)
        self.on_msg(self._asked)

    def save(self, path: str | Path) -> None:
        """Write the lab as it stands to one HTML file that needs no network, whole or not at all."""
        with written_whole(path) as unfinished:
            text = page({"address": self.address, "given": self.given, "lang": self.lang})
            unfinished.write_text(text, encoding="utf-8")

    def _asked(self, _: Any, content: Any, __: Any) -> None:
        """Run the loop that the page asks PyTorch for."""
        if not isinstance(content, dict) or "verify" not in content:
            return
        try:
            said = answer(question_of(content["verify"]))
        except OptionError as error:
            said = {"error": str(error)}
        self.send(said | {"id": content.get("id")})


def opening_of(run: Any, settings: dict[str, Any]) -> Opening:
    """What a lab opens with."""
    if run is None:
        return opening_of_settings(settings)
    if not isinstance(run, Run):
        raise OptionError(f"gl.Lab takes a Run; {type(run).__name__} arrived.\nTry gl.Lab(gl.train(x, y)).")
    if settings:
        raise OptionError("settings go without a run: the run has its own.\nTrain again with other options.")
    return opening_of_run(run)
