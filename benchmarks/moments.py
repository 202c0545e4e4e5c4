"""In-memory fits: double-double moments beside the fastest float64 peer, on the same rows."""

from __future__ import annotations

import numpy as np
from timing import alternate, report

import gradline as gl

SIZES = [(10_000_000, 10)]
ROUNDS = 7


def main() -> None:
    from sklearn.linear_model import LinearRegression as Plain
    from sklearnex.linear_model import LinearRegression as Accelerated

    rng = np.random.default_rng(0)
    for n, d in SIZES:
        X = rng.random((n, d))
        y = X.sum(axis=1) + rng.normal(size=n)
        columns = np.asfortranarray(X)
        medians = alternate(
            {
                "scikit-learn-intelex LinearRegression().fit": lambda X=X, y=y: Accelerated().fit(X, y),
                "gradline moments": lambda X=X, y=y: gl.Moments.of(X, y),
                "gradline fit, with standard errors": lambda X=X, y=y: gl.fit(X, y),
                "gradline moments, column-major": lambda X=columns, y=y: gl.Moments.of(X, y),
                "scikit-learn LinearRegression().fit": lambda X=X, y=y: Plain().fit(X, y),
                "reading X once (numpy sum)": lambda X=X: X.sum(),
            },
            ROUNDS,
        )
        report(f"{n:,} x {d} float64 in memory, row-major", medians)


if __name__ == "__main__":
    main()
