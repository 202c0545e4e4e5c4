"""JSON files: one object in each line, or one list of objects. Nested values are named, not read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradline.errors import ColumnError, SourceError
from gradline.sources.duck import ask, literal, quoted, struct
from gradline.sources.text import NUMBER, SAMPLE, first_text, past_float64

_SINGLE = re.compile(r"(VARCHAR|BOOLEAN|DATE|TIME.*|TIMESTAMP.*|UUID)$")
_PLACE = re.compile(r"in (?P<unit>line|record/value) (?P<number>\d+)")
_VALUE = re.compile(r"Failed to cast value(?: to numerical)?: (?P<value>.*)|format: (?P<text>\".*?\"),")


@dataclass(frozen=True)
class Json:
    """How DuckDB reads one JSON file."""

    names: tuple[str, ...]
    """The keys of its objects, as far as the objects at its start have them."""
    source: str
    """The file in SQL: numbers as DOUBLE, nested values as JSON text."""
    nested: Mapping[str, str]
    """The keys whose values are no single numbers or texts, and how an error calls them."""


def json_file(connection: Any, path: str, file: str, packing: str) -> Json:
    """The keys of a JSON file. `file` is the path in SQL with its compression, `packing` the name of that."""
    layout = _layout(first_text(path, packing))
    options = f"format = {literal(layout)}, hive_partitioning = false"
    guess = f"read_json({file}, {options}, sample_size = {SAMPLE}, map_inference_threshold = -1)"
    found = {row[0]: str(row[1]).strip('"') for row in ask(connection, f"DESCRIBE SELECT * FROM {guess}")}  # noqa: S608
    if list(found) == ["json"]:  # what DuckDB calls values that are no objects
        raise SourceError(
            f"{path} holds no table.\n"
            'Expected objects such as {"height": 1.7, "weight": 65}: one in each line, or a list of them.'
        )
    nested = {
        name: _kind(type_) for name, type_ in found.items() if not NUMBER.match(type_) and not _is_single(type_)
    }
    # In a column whose first values are whole, DuckDB would round 2.5: every number is read as DOUBLE.
    types = {name: _type(type_, nested=name in nested) for name, type_ in found.items()}
    types |= past_float64(connection, guess, found)
    _reject_case_twins(connection, path, f"read_json({file}, {options}", list(found))
    return Json(tuple(found), f"read_json({file}, {options}, columns = {struct(types)})", nested)


def bad_json(
    connection: Any, path: str, source: str, columns: Sequence[str], problem: Exception
) -> ColumnError | SourceError | None:
    """What DuckDB says of a value or an object, in two lines; None where it says something else."""
    said = str(problem)
    place = _PLACE.search(said)
    if place is None:
        return None
    # DuckDB counts from 1 where a value does not fit, and from 2 where the text is no JSON.
    number = int(place["number"]) - ("Malformed JSON" in said)
    where = f"{path}, {'line' if place['unit'] == 'line' else 'object'} {number}"
    value = _VALUE.search(said)
    if value:
        column = _culprit(connection, source, columns, place[0])
        shown = (value["value"] or value["text"]).strip()[:60]
        return ColumnError(
            f"{where}: {column} has {shown}, which does not fit.\nCorrect it, or make it null if missing."
        )
    if "Malformed JSON" in said:
        reason = said.splitlines()[0].rpartition(": ")[2].partition(". ")[0].strip(" .")
        return SourceError(f"{where}: this is no JSON: {reason}.\nCorrect it, or remove it.")
    return None


def _layout(head: str) -> str:
    start = head.lstrip("\ufeff \t\r\n")
    if start.startswith("["):
        return "array"
    line, end, _ = start.partition("\n")
    try:
        json.loads(line)
    except ValueError:
        # An object over several lines; of one that is longer than what was looked at, DuckDB will say more.
        return "unstructured" if end and line.rstrip().endswith(("{", ",", "[")) else "newline_delimited"
    return "newline_delimited"


def _is_single(type_: str) -> bool:
    return type_ == "NULL" or bool(_SINGLE.match(type_))


def _type(type_: str, *, nested: bool) -> str:
    if nested:
        return "JSON"
    return "DOUBLE" if type_ == "NULL" or NUMBER.match(type_) else type_


def _kind(type_: str) -> str:
    return "a mixture of JSON values" if type_ == "JSON" else f"nested ({type_[:40]})"


def _reject_case_twins(connection: Any, path: str, opened: str, names: Sequence[str]) -> None:
    """Keys that differ in case only: DuckDB calls the second one a_1, and would then look for that key."""
    folded = {name.casefold() for name in names}
    for name in names:
        stem, _, number = name.rpartition("_")
        if not (number.isdigit() and stem.casefold() in folded):
            continue
        query = (
            f"SELECT count({quoted(name)}) FROM (FROM {opened}, columns = {struct({name: 'JSON'})}) LIMIT {SAMPLE})"  # noqa: S608
        )
        if ask(connection, query) == [(0,)]:
            raise ColumnError(f"{path} has keys that differ in case only: {stem!r}.\nRename one of them.")


def _culprit(connection: Any, source: str, columns: Sequence[str], place: str) -> str:
    """The column whose value does not fit, which DuckDB does not say."""
    import duckdb

    for column in columns:
        try:
            ask(connection, f"SELECT count({quoted(column)}) FROM {source}")  # noqa: S608
        except duckdb.Error as problem:
            if place in str(problem):
                return f"column {column!r}"
    return "a column"
