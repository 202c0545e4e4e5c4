"""Whole numbers in text files that a query names: DuckDB guesses them from the first rows, here all rows are asked.

A guess that is wrong further down would not be noticed: 2.5 in a column that began with whole numbers is read as 3.
What is no number at all is noticed when it is read, with its line, so other guesses stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from gradline.sources.duck import ask, quoted

_CSV = re.compile(r"\.(csv|tsv)(\.(gz|zst))?$", re.IGNORECASE)
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UBIGINT", "HUGEINT")
_JSON = re.compile(r"\.(json|jsonl|ndjson)(\.(gz|zst))?$", re.IGNORECASE)


def type_files(connection: Any, query: str, tables: Collection[str], known: dict[str, str]) -> None:
    """Lay a view with the right types over each such file that the query names by itself, as from 'trips.csv'.

    Args:
        connection: A database of our own.
        query: The query; one that DuckDB cannot read is left to whoever runs it.
        tables: Names that are no files.
        known: The view of each file that has been looked through; it is added to.
    """
    import duckdb

    try:
        names = connection.get_table_names(query)
    except duckdb.Error:
        return
    for name in sorted(names - set(tables)):
        read = "read_csv" if _CSV.search(name) else "read_json" if _JSON.search(name) else ""
        try:
            if read and name not in known:
                known[name] = _select(connection, read, "'" + name.replace("'", "''") + "'")
        except duckdb.Error:  # whoever reads the file says what is wrong with it
            continue
        if read:
            connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {known[name]}")


def _select(connection: Any, read: str, file: str) -> str:
    """All of the file, with whole numbers as what all of its rows show them to be."""
    guess, sure = (
        [row[:2] for row in ask(connection, f"DESCRIBE SELECT * FROM {read}({file}{option})")]  # noqa: S608
        for option in ("", ", sample_size = -1")
    )
    types = ", ".join(
        f"{quoted(column)}: '{kind if kind == 'DOUBLE' and guessed in _WHOLE else guessed}'"
        for (column, guessed), (_, kind) in zip(guess, sure, strict=True)
    )
    option = "types" if read == "read_csv" else "columns"
    return f"SELECT * FROM {read}({file}, {option} = {{{types}}})"  # noqa: S608
