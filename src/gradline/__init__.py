"""Linear regression on PyTorch that shows its work and gets it right.

    fit = gl.fit("penguins.csv", target="body_mass_g", features=["bill_length_mm"])
    run = gl.train(*gl.line(seed=0), lr=0.01, epochs=500)

Names are loaded when they are first used, so that importing gradline costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gradline.errors import (
    ClusterError,
    ColumnError,
    DataError,
    GradlineError,
    GradlineWarning,
    OptionError,
    ShapeError,
    SourceError,
    StorageError,
)

if TYPE_CHECKING:
    from gradline.crossvalidation import crossval
    from gradline.descent.autograd import Step
    from gradline.descent.stability import Stability
    from gradline.design.polynomial import polynomial
    from gradline.exact.errors_in_x import Deming
    from gradline.fitting import fit, plan
    from gradline.lab.widget import Lab
    from gradline.loopdoctor.doctor import doctor
    from gradline.moments.moments import Moments
    from gradline.penalising import path
    from gradline.probing import probe
    from gradline.results.anova import Anova, anova
    from gradline.results.comparison import Comparison, compare
    from gradline.results.cross_validation import CrossValidation
    from gradline.results.fit import Fit
    from gradline.results.penalty_path import PenaltyPath
    from gradline.results.run import Run
    from gradline.results.subsets import Subsets
    from gradline.selecting import subsets
    from gradline.sources.query import sql
    from gradline.sources.synthetic import line
    from gradline.storage import load
    from gradline.strength import Strength
    from gradline.training import stability, train

__version__ = "0.1.0"

_HOMES = {
    "Anova": "gradline.results.anova",
    "Comparison": "gradline.results.comparison",
    "CrossValidation": "gradline.results.cross_validation",
    "Deming": "gradline.exact.errors_in_x",
    "Fit": "gradline.results.fit",
    "Lab": "gradline.lab.widget",
    "Moments": "gradline.moments.moments",
    "PenaltyPath": "gradline.results.penalty_path",
    "Run": "gradline.results.run",
    "Stability": "gradline.descent.stability",
    "Step": "gradline.descent.autograd",
    "Strength": "gradline.strength",
    "Subsets": "gradline.results.subsets",
    "anova": "gradline.results.anova",
    "compare": "gradline.results.comparison",
    "crossval": "gradline.crossvalidation",
    "doctor": "gradline.loopdoctor.doctor",
    "fit": "gradline.fitting",
    "line": "gradline.sources.synthetic",
    "load": "gradline.storage",
    "path": "gradline.penalising",
    "plan": "gradline.fitting",
    "polynomial": "gradline.design.polynomial",
    "probe": "gradline.probing",
    "sql": "gradline.sources.query",
    "stability": "gradline.training",
    "subsets": "gradline.selecting",
    "train": "gradline.training",
}

__all__ = [
    "Anova",
    "ClusterError",
    "ColumnError",
    "Comparison",
    "CrossValidation",
    "DataError",
    "Deming",
    "Fit",
    "GradlineError",
    "GradlineWarning",
    "Lab",
    "Moments",
    "OptionError",
    "PenaltyPath",
    "Run",
    "ShapeError",
    "SourceError",
    "Stability",
    "Step",
    "StorageError",
    "Strength",
    "Subsets",
    "anova",
    "compare",
    "crossval",
    "doctor",
    "fit",
    "line",
    "load",
    "path",
    "plan",
    "polynomial",
    "probe",
    "sql",
    "stability",
    "subsets",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gradline' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
