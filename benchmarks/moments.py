"""In-memory fits beside the fastest float64 peer, on the same rows, and beside what no fit in float64 can do without.

That is one plain read of them, and as many multiply-adds as their products take.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from products import at_full_speed
from timing import alternate, report

import gradline as gl

# rows, features, dtype, precisions, rounds
SIZES = [
    (10_000_000, 10, "float64", ("double-double", "float64", "auto"), 7),
    (1_000_000, 100, "float64", ("float64", "auto"), 5),
    (200_000, 500, "float64", ("float64", "auto"), 5),
    (20_000, 2_000, "float32", ("float64", "auto"), 5),
]
THREADS = 2


def main() -> None:
    from sklearn.linear_model import LinearRegression as Plain
    from sklearnex.linear_model import LinearRegression as Accelerated

    rng = np.random.default_rng(0)
    with ThreadPoolExecutor(THREADS) as pool:
        for n, d, dtype, precisions, rounds in SIZES:
            X = rng.random((n, d), dtype=dtype)
            y = X.sum(axis=1) + rng.normal(size=n).astype(dtype)
            pieces = np.array_split(X.reshape(-1), 16)
            programs = {"scikit-learn-intelex LinearRegression().fit": lambda X=X, y=y: Accelerated().fit(X, y)}
            for precision in precisions:
                programs[f"gradline fit, {precision}"] = lambda X=X, y=y, p=precision: gl.fit(X, y, precision=p)
            programs[f"the products alone ({THREADS} threads, in cache)"] = lambda n=n, d=d: at_full_speed(
                n, d + 1, THREADS, pool
            )
            programs[f"reading X once ({THREADS} threads, numpy sum)"] = lambda a=pieces: list(pool.map(np.sum, a))
            if d == 10:
                columns = np.asfortranarray(X)
                programs["gradline moments, double-double"] = lambda X=X, y=y: gl.Moments.of(X, y)
                programs["gradline moments, column-major"] = lambda X=columns, y=y: gl.Moments.of(X, y)
                programs["scikit-learn LinearRegression().fit"] = lambda X=X, y=y: Plain().fit(X, y)
            report(f"{n:,} x {d:,} {dtype} in memory, row-major", alternate(programs, rounds))


if __name__ == "__main__":
    main()
