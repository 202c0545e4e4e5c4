"""The values in spark.csv: coefficients that Spark's LinearRegression gives for examples/penguins.csv.

python tests/data/spark.py > tests/data/spark.csv        (pyspark 4.3.0)
"""

from __future__ import annotations

import sys

import pandas as pd

FEATURES = ["flipper_length_mm", "bill_length_mm", "bill_depth_mm"]


def main() -> None:
    from pyspark.ml.linalg import Vectors
    from pyspark.ml.regression import LinearRegression
    from pyspark.sql import SparkSession

    penguins = pd.read_csv("examples/penguins.csv")[[*FEATURES, "body_mass_g"]].dropna()
    spark = SparkSession.builder.master("local[1]").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    rows = [(float(row[-1]), Vectors.dense(row[:-1])) for row in penguins.to_numpy()]
    table = spark.createDataFrame(rows, ["label", "features"])
    write = sys.stdout.write
    write(f"regParam,elasticNetParam,standardization,solver,Intercept,{','.join(FEATURES)}\n")
    for solver in ("normal", "l-bfgs"):
        for standardization in (True, False):
            for share in (0.0, 0.3, 1.0):
                for strength in (20.0, 300.0):
                    penalty = {"regParam": strength, "elasticNetParam": share, "standardization": standardization}
                    model = LinearRegression(**penalty, solver=solver, tol=1e-14, maxIter=10_000).fit(table)
                    numbers = ",".join(f"{number:.17g}" for number in [model.intercept, *model.coefficients])
                    write(f"{strength},{share},{standardization},{solver},{numbers}\n")
    spark.stop()


if __name__ == "__main__":
    main()
