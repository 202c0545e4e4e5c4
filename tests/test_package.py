"""The public surface, and what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import gradline as gl

HEAVY = {"torch", "pandas", "sklearn", "matplotlib", "numba"}


def modules_after(program: str) -> set[str]:
    code = f"import json, sys\n{program}\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_import_is_light() -> None:
    loaded = modules_after("import gradline")
    assert not loaded & (HEAVY | {"numpy", "scipy", "pyarrow", "duckdb", "narwhals", "typer", "rich"})


def test_small_arrays_need_no_compiler_and_no_torch() -> None:
    loaded = modules_after("import gradline as gl; gl.fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]).summary()")
    assert not loaded & (HEAVY | {"pyarrow", "duckdb", "narwhals"})


def test_a_small_file_needs_neither_pandas_nor_a_compiler(penguins: Path) -> None:
    loaded = modules_after(
        f"import gradline as gl; gl.fit({str(penguins)!r}, target='body_mass_g', features='bill_depth_mm').summary()"
    )
    assert not loaded & HEAVY


def test_all_is_what_can_be_had() -> None:
    assert sorted(gl.__all__) == gl.__all__
    for name in gl.__all__:
        assert getattr(gl, name).__name__ == name
    assert set(gl.__all__) <= set(dir(gl))
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        gl.fitt  # noqa: B018


def test_errors_are_also_what_python_users_catch() -> None:
    assert issubclass(gl.DataError, ValueError)
    assert issubclass(gl.OptionError, ValueError)
    for name in gl.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(gl, name), gl.GradlineError)


def test_warnings_point_at_the_callers_line() -> None:
    import numpy as np

    x = np.linspace(1, 2, 40)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gl.fit(gl.polynomial(x, 16), np.sin(x))
    assert [warning.filename for warning in caught] == [__file__]
