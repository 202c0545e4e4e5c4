"""The real tables that R was asked about, and the models that were fitted to them there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import statsmodels.api as sm

import gradline as gl

DATA = Path(__file__).parent / "data"


class Case(NamedTuple):
    source: str
    formula: str
    options: dict[str, Any] = {}  # noqa: RUF012

    def fit(self) -> gl.Fit:
        """Gradline's."""
        here = DATA / self.source
        source: Any = here if here.exists() else getattr(sm.datasets, self.source).load_pandas().data
        return gl.fit(source, formula=self.formula, **self.options)


CASES = {
    "longley": Case(
        "longley.csv", "Employed ~ `GNP.deflator` + GNP + Unemployed + `Armed.Forces` + Population + Year"
    ),
    "longley short": Case("longley.csv", "Employed ~ GNP + Unemployed + `Armed.Forces`"),
    "mtcars": Case("mtcars.csv", "mpg ~ wt + hp + C(cyl)"),
    "mtcars weighted": Case("mtcars.csv", "mpg ~ wt + hp", {"weights": "qsec"}),
    "mtcars origin": Case("mtcars.csv", "mpg ~ wt + hp - 1"),
    "duncan": Case("duncan.csv", "prestige ~ income + education + type"),
    "prestige": Case("prestige.csv", "prestige ~ education + log(income) + women + type"),
    "grunfeld": Case("robust/grunfeld.csv", "invest ~ value + capital"),
    "penguins": Case("../../examples/penguins.csv", "body_mass_g ~ flipper_length_mm + bill_length_mm + species"),
    "petersen": Case("robust/petersen.csv", "y ~ x"),
    "fair": Case("fair", "affairs ~ rate_marriage + age + yrs_married + children + religious + educ"),
    "randhie": Case("randhie", "mdvis ~ lncoins + idp + lpi + fmde + physlm + disea + hlthg + hlthf + hlthp"),
}
