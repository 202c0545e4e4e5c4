"""Correct digits on the NIST StRD linear sets: the worst coefficient, and the worst standard error.

Reference values are exact to 20 digits. Polynomials get their powers from gl.polynomial (double-double) in gradline
and as float64 columns elsewhere, for no peer takes more.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

import gradline as gl

SETS = json.loads((Path(__file__).parent.parent / "tests" / "data" / "strd.json").read_text())
ALLOWED = [14.0, 13.5, 16.0, 16.0, 14.2, 14.7, 16.0, 13.2, 16.0, 16.0, 16.0]  # rounding the data allows no more

Answer = tuple[np.ndarray, np.ndarray | None]


def digits(got: float, certified: str) -> float:
    """Log relative error, absolute where the certified value is 0; from 0 to 16."""
    exact = Fraction(certified)
    if not math.isfinite(got):
        return 0.0
    error = abs(Fraction(float(got)) - exact)
    if exact:
        error /= abs(exact)
    return 16.0 if not error else min(16.0, max(0.0, -math.log10(error)))


def matrix(data: dict) -> np.ndarray:
    """(n, d) columns in float64, powers included, no intercept."""
    columns = [np.array(values, float) for values in data["x"].values()]
    if data["model"] == "polynomial":
        columns = [columns[0] ** power for power in range(1, data["degree"] + 1)]
    return np.column_stack(columns)


def with_ones(data: dict) -> np.ndarray:
    X = matrix(data)
    return np.column_stack([np.ones(len(X)), X]) if data["intercept"] else X


def gradline(data: dict, y: np.ndarray) -> Answer:
    X = matrix(data)
    if data["model"] == "polynomial":
        X = gl.polynomial(np.array(next(iter(data["x"].values())), float), data["degree"])
    fit = gl.fit(X, y, intercept=data["intercept"])
    return fit.params, fit.se


def scikit_learn(module: str) -> Callable[[dict, np.ndarray], Answer]:
    def run(data: dict, y: np.ndarray) -> Answer:
        from importlib import import_module

        model = import_module(module).LinearRegression(fit_intercept=data["intercept"]).fit(matrix(data), y)
        return np.concatenate([[model.intercept_], model.coef_]) if data["intercept"] else model.coef_, None

    return run


def statsmodels(method: str) -> Callable[[dict, np.ndarray], Answer]:
    def run(data: dict, y: np.ndarray) -> Answer:
        import statsmodels.api as sm

        fit = sm.OLS(y, with_ones(data)).fit(method=method)
        return fit.params, fit.bse

    return run


def numpy_lstsq(data: dict, y: np.ndarray) -> Answer:
    return np.linalg.lstsq(with_ones(data), y, rcond=None)[0], None


def torch_lstsq(data: dict, y: np.ndarray) -> Answer:
    import torch

    X = torch.from_numpy(with_ones(data))
    return torch.linalg.lstsq(X, torch.from_numpy(y)[:, None], driver="gels").solution[:, 0].numpy(), None


PROGRAMS: dict[str, Callable[[dict, np.ndarray], Answer]] = {
    "gradline": gradline,
    "scikit-learn": scikit_learn("sklearn.linear_model"),
    "scikit-learn-intelex": scikit_learn("sklearnex.linear_model"),
    "statsmodels pinv": statsmodels("pinv"),
    "statsmodels qr": statsmodels("qr"),
    "numpy lstsq": numpy_lstsq,
    "torch lstsq": torch_lstsq,
}


def main() -> None:
    print("\nCorrect digits on the NIST StRD sets (16 = all)")
    print(f"{'':<36}" + "".join(f"{name[:4] + name[-1]:>6}" for name in SETS))
    for what, number in (("coefficients", 0), ("standard errors", 1)):
        for name, program in PROGRAMS.items():
            row = []
            for data in SETS.values():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a peer's warning is not an answer
                    answer = program(data, np.array(data["y"], float))[number]
                certified = data["coef" if number == 0 else "se"]
                row.append(None if answer is None else min(map(digits, answer, certified)))
            if row[0] is not None:
                print(f"{name + ', ' + what:<36}" + "".join(f"{value:6.1f}" for value in row))
    print(f"{'what float64 inputs allow':<36}" + "".join(f"{value:6.1f}" for value in ALLOWED))


if __name__ == "__main__":
    main()
