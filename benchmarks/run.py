"""Everything that README and docs claim, measured: accuracy first, then speed, then start-up.

    python benchmarks/run.py [accuracy] [training] [minibatch] [moments] [estimators] [files] [categories] [doctor]
        [penalties] [probe] [robust] [lab] [startup]

Peers and gradline take turns within one run; figures are medians, and only ratios within a run mean anything.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import accuracy
import categories
import doctor
import estimators
import files
import lab
import minibatch
import moments
import penalties
import probe
import robust
import startup
import training

PARTS = {
    "accuracy": accuracy,
    "training": training,
    "minibatch": minibatch,
    "moments": moments,
    "estimators": estimators,
    "files": files,
    "categories": categories,
    "doctor": doctor,
    "penalties": penalties,
    "probe": probe,
    "robust": robust,
    "lab": lab,
    "startup": startup,
}
PACKAGES = [
    "gradline",
    "numpy",
    "scipy",
    "numba",
    "torch",
    "scikit-learn",
    "scikit-learn-intelex",
    "polars-ds",
    "statsmodels",
]


def processor() -> str:
    """The processor's own name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (not installed)"


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(PARTS)}")
    print(f"{processor()}, {os.cpu_count()} processors · Python {platform.python_version()} · {platform.system()}")
    print(" · ".join(installed(package) for package in PACKAGES))
    for name in wanted:
        PARTS[name].main()


if __name__ == "__main__":
    main()
