"""LinearRegression in the place of scikit-learn's: the same rows, the same checks of them, and an intercept."""

from __future__ import annotations

import numpy as np
from timing import alternate, report

from gradline.sklearn import LinearRegression

# rows, features, rounds
SIZES = [(1_000_000, 10, 9)]


def main() -> None:
    from polars_ds.linear_models import LR
    from sklearn.linear_model import LinearRegression as Plain
    from sklearnex.linear_model import LinearRegression as Accelerated

    rng = np.random.default_rng(0)
    for n, d, rounds in SIZES:
        X = rng.random((n, d))
        y = X.sum(axis=1) + rng.normal(size=n)
        programs = {
            "scikit-learn LinearRegression().fit": lambda X=X, y=y: Plain().fit(X, y),
            "scikit-learn-intelex LinearRegression().fit": lambda X=X, y=y: Accelerated().fit(X, y),
            "polars_ds LR(has_bias=True).fit": lambda X=X, y=y: LR(has_bias=True).fit(X, y),
            "gradline LinearRegression().fit": lambda X=X, y=y: LinearRegression().fit(X, y),
        }
        exact = LinearRegression().fit(X, y).coef_
        others = Plain().fit(X, y).coef_, Accelerated().fit(X, y).coef_, LR(has_bias=True).fit(X, y).coeffs()
        assert all(np.allclose(coef, exact, rtol=1e-8) for coef in others)
        report(f"estimators: {n:,} x {d:,} float64 in memory, row-major", alternate(programs, rounds))


if __name__ == "__main__":
    main()
