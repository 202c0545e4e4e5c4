"""CSV files: dialect, names and numeric columns from the first lines, and what went wrong further down."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradline.errors import ColumnError, SourceError
from gradline.sources.duck import ask, first_line, literal, quoted, struct
from gradline.sources.ragged import ragged, reject_ragged
from gradline.sources.rows import reject_duplicates

MISSING = ("NA", "NaN", "nan", "N/A", "null", "NULL", "")
"""What a CSV file may write for a missing value: R writes NA, pandas writes nothing."""

SAMPLE = 20_480
"""Rows at the start of a CSV or JSON file that decide the types of its columns: DuckDB's own default."""

ROW_NAMES = "row_names"
"""The name of the column for which a file of R's write.table has none."""

_DELIMITERS = ",;\t|"
"""Those that DuckDB tries."""
_RARE = " :^~\x01\x1f"
"""Those that are tried where it finds none."""
_LEAVE_EMPTY = "Correct it, or leave it empty (or NA) if it is missing."
_EXPECTED = {"DOUBLE": "a number", "BIGINT": "a whole number", "BOOLEAN": "true or false", "DATE": "a date"}
_HEAD = 1 << 16
NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BIGNUM|FLOAT|DOUBLE|DECIMAL.*)$")
_PLAIN = r"' *[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:inf|infinity)) *'"
"""A number, as a pattern in SQL: also +3 and " 2 ", which are text to DuckDB; 1_000 is more likely a name."""
_TRUTH = r"'(?i:true|false)'"
"""What is true or false, as in pandas; Yes, No, t and f are so to DuckDB, and text in a table from memory."""
_NOT_A_NUMBER = re.compile(
    r'CSV Error on Line: (?P<line>\d+).*?converting column "(?P<column>.*?)"\. '
    r'Could not convert string "(?P<value>.*?)" to (?:\')?(?P<kind>\w+)',
    re.DOTALL,
)


@dataclass(frozen=True)
class Text:
    """How DuckDB reads one CSV file."""

    names: tuple[str, ...]
    """The columns as the file names them."""
    source: str
    """The file in SQL, with the numbers as DOUBLE but for ids that are too long for it."""


def text_file(connection: Any, path: str, file: str, packing: str) -> Text:
    """The columns of a CSV file. `file` is the path in SQL with its compression, `packing` the name of that."""
    import duckdb

    head = first_text(path, packing)
    if not head.strip("\ufeff \t\r\n"):
        raise SourceError(f"{path} has no line of column names.\nExpected a table with its names in the first line.")
    first = head.lstrip("\ufeff\r\n").splitlines()[0]
    try:
        dialect, skip, sniffed = _dialect(connection, file, head)
    except duckdb.Error as problem:
        if "sniff" in str(problem).lower():
            reject_ragged(path, packing, first)
        raise
    rows = _first_rows(head, dialect, skip + 1)
    if len(sniffed) == 1 or _is_table(rows[:skip]):
        reject_ragged(path, packing, first)
    options = f"header = true{dialect['options']}"
    names = [*rows[skip], *[""] * len(sniffed)][: len(sniffed)] if skip < len(rows) else []
    if skip and len(rows[skip - 1]) == len(sniffed) - 1 and any(_is_number(name) for name in names):
        # R's write.table gives the row names no name: its first line is one field short, and DuckDB skips it.
        names = [ROW_NAMES, *rows[skip - 1]]
        listed = ", ".join(map(literal, names))
        options = f"header = false, skip = {skip}, names = [{listed}]{dialect['options']}"
        sniffed = _described(connection, file, options)
    names = [name or sql for name, (sql, _) in zip(names, sniffed, strict=True)]
    reject_duplicates(names, path)
    texts = [sql for sql, kind in sniffed if kind == "VARCHAR"]
    numbers = _only(_PLAIN, connection, file, options, texts) if texts else set()
    numbers |= {sql for sql, kind in sniffed if NUMBER.match(kind)}
    types = dict.fromkeys(numbers, "DOUBLE")
    types |= past_float64(connection, _read_csv(file, options), dict(sniffed))
    logical = [sql for sql, kind in sniffed if kind == "BOOLEAN"]
    if logical:
        as_text = options + f", types = {struct(dict.fromkeys(logical, 'VARCHAR'))}"
        others = set(logical) - _only(_TRUTH, connection, file, as_text, logical)
        types |= dict.fromkeys(others, "VARCHAR")
    if "skip" in options:
        types[sniffed[0][0]] = "VARCHAR"  # numbers of rows are names too, not a feature
    return Text(tuple(names), _read_csv(file, options + (f", types = {struct(types)}" if types else "")))


def bad_text(path: str, problem: Exception, advice: str = _LEAVE_EMPTY) -> ColumnError | SourceError | None:
    """What DuckDB says of a line over twenty lines, in two; None where it says something else.

    `advice` is what to do with a value that does not fit.
    """
    bad = _NOT_A_NUMBER.search(str(problem))
    if bad:
        place = f"{path}, line {bad['line']}: column {bad['column']!r}"
        expected = _EXPECTED.get(bad["kind"], bad["kind"])
        return ColumnError(f"{place} has {bad['value'][:60]!r}, not {expected}.\n{advice}")
    line = re.search(r"CSV Error on Line: (\d+)", str(problem))
    if "not utf-8" in str(problem).lower():
        place = f"{path}, line {line[1]}" if line else path
        return SourceError(
            f"{place}: the text is not UTF-8; an older encoding such as Latin-1 or CP949?\n"
            "Save the file as UTF-8, e.g. iconv -f LATIN1 -t UTF-8 OLD.csv > NEW.csv"
        )
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", str(problem))
    if line and counts:
        return ragged(path, int(line[1]), int(counts[1]), int(counts[2]))
    if line:
        said = [text for text in str(problem).splitlines() if text and not text.startswith("Original Line")]
        return SourceError(f"{path}, line {line[1]}: {' '.join(said[1:2])}\nCorrect the line, or remove it.")
    if "sniff" in str(problem).lower():
        return SourceError(
            f"{path}: no delimiter, quotes and line ends fit its first lines.\n"
            "Expected one delimiter (, ; | : ^ ~ tab or a single space) and lines that all end in the same way."
        )
    return None


def past_float64(connection: Any, source: str, types: Mapping[str, str]) -> dict[str, str]:
    """The columns of whole numbers that float64 would round, as those of long ids, with their types in SQL.

    All others are read as DOUBLE, for a fraction may come further down.
    """
    whole = {column: kind for column, kind in types.items() if kind in ("BIGINT", "UBIGINT")}
    if not whole:
        return {}
    largest = ", ".join(f"coalesce(max(abs({quoted(column)}::HUGEINT)), 0) > {2**53}" for column in whole)
    [found] = ask(connection, f"SELECT {largest} FROM (SELECT * FROM {source} LIMIT {SAMPLE})")  # noqa: S608
    return {column: kind for (column, kind), past in zip(whole.items(), found, strict=True) if past}


def first_text(path: str, packing: str) -> str:
    """The first lines, whole ones where there are several."""
    import pyarrow as pa

    try:
        with pa.input_stream(path, compression=packing or None) as file:
            return bytes(file.read(_HEAD)).decode("utf-8", errors="replace")
    except (OSError, pa.ArrowException) as problem:
        raise SourceError(f"{path} cannot be read: {first_line(problem)}\nIs it damaged?") from problem


def _dialect(connection: Any, file: str, head: str) -> tuple[dict[str, str], int, list[tuple[str, str]]]:
    """Delimiter and quotes, how many lines stand before the names, and DuckDB's names and types."""
    import duckdb

    found = _sniff(connection, file, "")
    first = head.lstrip("\ufeff\r\n").partition("\n")[0].strip()
    delimiter, alone = found[0]["delim"], len(found[2]) == 1
    likely = [mark for mark in _DELIMITERS if mark in first]
    if delimiter in likely and not alone:
        return found
    # R's write.table separates by a space unless told otherwise, and DuckDB does not look for that by itself. Where a
    # comma is in the numbers, it takes "x;y" above 1,5;2,5 for a title.
    for mark in likely if not alone else [mark for mark in _RARE if mark in first and not likely]:
        try:
            other = _sniff(connection, file, f", delim = {literal(mark)}")
        except duckdb.Error:
            continue
        if len(other[2]) > 1 and (alone or not other[1]):
            return other
    return found


def _sniff(connection: Any, file: str, options: str) -> tuple[dict[str, str], int, list[tuple[str, str]]]:
    [(delimiter, quote, escape, comment, skip)] = ask(
        connection,
        f"SELECT Delimiter, Quote, Escape, Comment, SkipRows FROM sniff_csv({file}, header = true{options})",  # noqa: S608
    )
    marks = {"delim": delimiter, "quote": quote, "escape": escape, "comment": comment}
    dialect = {key: "" if mark == "(empty)" else mark for key, mark in marks.items()} | {"options": options}
    return dialect, skip, _described(connection, file, f"header = true{options}")


def _described(connection: Any, file: str, options: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in ask(connection, f"DESCRIBE SELECT * FROM {_read_csv(file, options)}")]  # noqa: S608


def _first_rows(head: str, dialect: dict[str, str], count: int) -> list[list[str]]:
    """The fields of the first lines: DuckDB's names fold case and number duplicates, the file's own do not."""
    lines = csv.reader(
        io.StringIO(head.lstrip("\ufeff"), newline=""),
        delimiter=dialect["delim"] or ",",
        quotechar=dialect["quote"] or None,
        quoting=csv.QUOTE_MINIMAL if dialect["quote"] else csv.QUOTE_NONE,
    )
    return [row for row, _ in zip(lines, range(count), strict=False)]


def _is_table(rows: Sequence[list[str]]) -> bool:
    """Whether lines that DuckDB would skip are no title: one has a number and as many fields as the first."""
    names, *values = [row for row in rows if row] or [[]]
    return len(names) > 1 and any(len(row) == len(names) and any(map(_is_number, row)) for row in values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in MISSING
    return True


def _only(pattern: str, connection: Any, file: str, options: str, columns: Sequence[str]) -> set[str]:
    """Those of these columns of text in which every value at the start of the file is like the pattern."""
    counts = ", ".join(f"count(*) FILTER (NOT regexp_full_match({quoted(column)}, {pattern}))" for column in columns)
    head = f"SELECT * FROM {_read_csv(file, options)} LIMIT {SAMPLE}"  # noqa: S608
    [found] = ask(connection, f"SELECT {counts} FROM ({head})")  # noqa: S608
    return {column for column, count in zip(columns, found, strict=True) if count == 0}


def _read_csv(file: str, options: str) -> str:
    # The first line is always the header, as in R and pandas: a guess could take names for values.
    missing = ", ".join(literal(text) for text in MISSING)
    return f"read_csv({file}, {options}, nullstr = [{missing}], sample_size = {SAMPLE}, hive_partitioning = false)"
