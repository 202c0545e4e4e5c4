"""DuckDB as we use it: a database of our own that fetches nothing, queries, names and what its errors say."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from gradline.sources.rows import CHUNK

_KIND = re.compile(r"^([A-Z]\w* )+Error: ")  # "Parser Error: ", "Invalid Input Error: "


@contextmanager
def database() -> Iterator[Any]:
    """A database in memory that fetches nothing from anywhere and sees no variable of the caller."""
    import duckdb

    offline: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
    }
    with duckdb.connect(":memory:", config=offline) as connection:
        ask(connection, "SET enable_progress_bar = false")
        with interruptible():
            yield connection


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C during a query be what it is everywhere: DuckDB makes a RuntimeError of it."""
    try:
        yield
    except RuntimeError as problem:
        if str(problem) != "Query interrupted":
            raise
        raise KeyboardInterrupt from None


def ask(connection: Any, query: str) -> list[tuple[Any, ...]]:
    """The whole answer: one that is not fetched to its end blocks the connection."""
    answer: list[tuple[Any, ...]] = connection.execute(query).fetchall()
    return answer


def reader(relation: Any) -> Any:
    """The rows of a DuckDB relation as a stream of Arrow record batches."""
    make = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    return make(CHUNK)


def batches(relation: Any, connection: Any) -> Iterator[Any]:
    """The record batches of a relation; Ctrl-C ends its query at once.

    DuckDB lets go only when it has rows to give, which may be never. So another thread waits for it while this one
    can be interrupted, and `connection`, the relation's own, can be told.
    """
    if connection is None or threading.current_thread() is not threading.main_thread():
        yield from reader(relation)
        return
    with ThreadPoolExecutor(1) as pool:
        try:
            rows = pool.submit(reader, relation).result()
            while (batch := pool.submit(next, rows, None).result()) is not None:
                yield batch
        except KeyboardInterrupt:
            connection.interrupt()
            raise


def is_one_query(connection: Any, query: str) -> bool:
    """Whether this is a single SELECT; duckdb.Error where it cannot be read."""
    import duckdb

    return [each.type for each in connection.extract_statements(query)] == [duckdb.StatementType.SELECT]


def first_line(problem: Exception) -> str:
    """What an error says in its first lines, as one: the rest points into SQL that the caller did not write."""
    lines = [line.strip() for line in _KIND.sub("", str(problem)).splitlines() if line.strip()]
    hint = f" {lines[1]}" if len(lines) > 1 and lines[1].startswith(("Did you mean", "Candidate")) else ""
    return (lines[0] + hint)[:300] if lines else type(problem).__name__


def literal(text: str) -> str:
    """The text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """The name of a column or table as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def struct(values: dict[str, str]) -> str:
    """A struct of texts as SQL writes it."""
    return "{" + ", ".join(f"{literal(key)}: {literal(value)}" for key, value in values.items()) + "}"
