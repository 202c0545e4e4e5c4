"""Record batches of any size, cut again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gradline.sources.arrow import recut, values_of
from gradline.sources.rows import CHUNK


@pytest.mark.parametrize("rows", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
@pytest.mark.parametrize("most", [1_000, CHUNK - 1, CHUNK, CHUNK + 1, 10 * CHUNK])
def test_chunks_do_not_depend_on_the_batches(rows: int, most: int) -> None:
    table = pa.table({"a": np.arange(rows), "b": -0.5 * np.arange(rows)})
    chunks = list(recut(table.to_batches(max_chunksize=most), [1, 0]))
    full, rest = divmod(rows, CHUNK)
    assert [len(chunk[0]) for chunk in chunks] == [CHUNK] * full + [rest] * (rest > 0)
    for j, column in enumerate((table["b"], table["a"])):
        pieces = [np.empty(0), *(chunk[j] for chunk in chunks)]
        np.testing.assert_array_equal(np.concatenate(pieces), column.to_numpy())


def test_empty_batches_between_full_ones() -> None:
    batch = pa.record_batch({"a": [1.0, 2.0]})
    [chunk] = recut([batch.slice(0, 0), batch, batch.slice(0, 0), batch], [0])
    assert chunk[0].tolist() == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize("start", [0, 3, 8, 13])
def test_missing_values_of_a_slice(start: int) -> None:
    values = [None if j % 3 == 0 or j == 19 else j / 2 for j in range(40)]
    for kind in (pa.float64(), pa.float32(), pa.float16()):
        array = pa.array(values, kind).slice(start, 21)
        expected = [np.nan if value is None else value for value in values[start : start + 21]]
        np.testing.assert_array_equal(values_of(array), expected)
