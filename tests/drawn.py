"""Small tables, runs of them, and what a picture of them says."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import gradline as gl
from gradline.pictures import fonts

mpl.use("Agg")
LINE = gl.line(seed=0)
HAS_KOREAN = fonts.korean() is not None
KOREAN = pytest.mark.skipif(not HAS_KOREAN, reason="no font with Korean letters (fonts-nanum) is installed")


def table(n: int = 80, d: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)) @ (np.eye(d) + 0.3)
    return x, x @ np.linspace(2, -1, d) + rng.normal(size=n)


def two_targets() -> pd.DataFrame:
    x, y = table()
    frame = pd.DataFrame(x, columns=list("abcde"))
    return frame.assign(u=y, v=3 * y + x[:, 1])


def diverged(lr: float = 0.05, **options: Any) -> gl.Run:
    with pytest.warns(gl.GradlineWarning, match="limit"):
        return gl.train(*LINE, lr=lr, seed=0, **options)


def written(ax: Any) -> str:
    """All its words."""
    texts = [text.get_text() for text in ax.figure.findobj(mpl.text.Text) if text.get_visible()]
    return "\n".join(texts)


def labelled(ax: Any, words: str) -> Any:
    (found,) = [line for line in ax.get_lines() if words in str(line.get_label())]
    return found
