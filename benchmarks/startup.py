"""What a person waits for: whole processes, from the first byte of Python to the last of output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from timing import alternate, report

ROOT = Path(__file__).parent.parent
PENGUINS = str(ROOT / "examples" / "penguins.csv")
FEATURES = "flipper_length_mm,bill_length_mm,bill_depth_mm"


def process(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    medians = alternate(
        {
            "python -c pass": lambda: process("-c", "pass"),
            "python -c 'import gradline'": lambda: process("-c", "import gradline"),
            "gradline --help": lambda: process("-m", "gradline", "--help"),
            "gradline fit penguins.csv": lambda: process(
                "-m", "gradline", "fit", PENGUINS, "--target", "body_mass_g", "--features", FEATURES
            ),
            "gradline demo": lambda: process("-m", "gradline", "demo"),
            "python -c 'import sklearn.linear_model'": lambda: process("-c", "import sklearn.linear_model"),
            "python -c 'import statsmodels.api'": lambda: process("-c", "import statsmodels.api"),
        },
        rounds=7,
    )
    report("start-up, whole processes", medians)


if __name__ == "__main__":
    main()
