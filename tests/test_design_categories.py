"""encode: the levels of any kind of column, whatever dictionary came with it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gradline.design.categories import encode

TEXT = ["b", "a", None, "b", "", "ä", "a"]


def decoded(values: Any) -> list[Any]:
    codes, levels = encode(values)
    assert codes.dtype == np.int32
    assert len(set(levels)) == len(levels)
    assert sorted(set(codes.tolist()) - {-1}) == list(range(len(levels)))  # each level occurs
    return [None if code < 0 else levels[code] for code in codes.tolist()]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(TEXT),
        pa.array(TEXT, pa.large_string()),
        pa.array(TEXT, pa.string_view()),
        pa.array(["z", *TEXT, "z"]).slice(1, len(TEXT)),
        pa.array(TEXT).dictionary_encode(),
        pa.array(["unused", *TEXT]).dictionary_encode().slice(1),
        pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 3, 4, 5, 0], pa.int8()), ["a", "b", "c", "b", "", "ä"]),
        pa.DictionaryArray.from_arrays(pa.array([1, 0, 2, 1, 3, 4, 0], pa.uint16()), ["a", "b", None, "", "ä"]),
        pa.chunked_array([pa.array(TEXT[:2]).dictionary_encode(), pa.array(TEXT[2:]).dictionary_encode()]),
    ],
    ids=lambda values: str(values.type)[:60],
)
def test_text(values: Any) -> None:
    assert decoded(values) == TEXT


def test_numbers() -> None:
    wanted = [2024, 0.5, None, 0, 2024, 0, -3]
    assert decoded(np.array([2024, 0.5, np.nan, 0.0, 2024, -0.0, -3])) == wanted
    assert decoded(np.array([2024, 0.5, np.nan, 0.0, 2024, -0.0, -3], np.float32)) == wanted
    assert decoded(np.repeat([3, 1, 3], 2)[::2]) == [3, 1, 3]
    assert decoded(np.array([2**63 - 1, 2**63 - 2, 5])) == [2**63 - 1, 2**63 - 2, 5]
    assert decoded(np.array([2**64 - 1, 0], np.uint64)) == [2**64 - 1, 0]
    assert [type(level) for level in encode(np.array([1.0, 2.0]))[1]] == [int, int]
    assert decoded(pa.array([3, None, 3]).dictionary_encode()) == [3, None, 3]


def test_truth_values() -> None:
    codes, levels = encode(np.array([True, False, True]))
    assert codes.tolist() == [0, 1, 0]
    assert levels == [True, False]
    assert all(isinstance(level, bool) for level in levels)


def test_nothing_and_nothing_but_missing_values() -> None:
    for empty in (pa.array([], pa.string()), pa.array([], pa.string()).dictionary_encode(), np.empty(0)):
        assert decoded(empty) == []
    for missing in (pa.nulls(2), pa.nulls(2, pa.string()), np.full(2, np.nan)):
        assert decoded(missing) == [None, None]


def test_indices_are_not_copied() -> None:
    values = pa.array(["b", "a", "b"]).dictionary_encode()
    assert not encode(values)[0].flags.owndata


def test_pandas_is_not_loaded() -> None:
    code = (
        "import sys, numpy as np, pyarrow as pa; from gradline.design.categories import encode;"
        "encode(np.array([1.0, 2.0])); encode(pa.nulls(2, pa.string()));"
        "encode(pa.nulls(2, pa.dictionary(pa.int8(), pa.string()))); assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
