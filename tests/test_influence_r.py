"""How rows of real tables move a fit, beside R's influence.measures; `tests/data/influence` says how."""

from __future__ import annotations

import json

import numpy as np
import pytest
from real_tables import CASES, DATA

KNOWN = json.loads((DATA / "influence" / "influence.json").read_text())


@pytest.mark.parametrize("name", KNOWN)
def test_every_figure_is_what_r_says(name: str) -> None:
    fit = CASES[name].fit()
    ours = fit.augment(dfbetas=True)
    known = {quantity: np.array(values, float) for quantity, values in KNOWN[name].items()}
    rows = known.pop("row").astype(int)
    for quantity, truth in known.items():
        kind, _, column = quantity.partition(" ")
        found = ours[f"{kind}_{fit.names[int(column)]}" if column else kind].to_numpy()[rows]
        np.testing.assert_allclose(found, truth, rtol=1e-9, atol=1e-9 * np.nanmax(abs(truth)), err_msg=quantity)
