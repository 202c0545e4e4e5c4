"""CSV files, and files of any kind under an SQL condition, read by DuckDB."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from gradline.errors import ColumnError, OptionError, SourceError
from gradline.sources.arrow import Kind, kind_of, recut
from gradline.sources.ragged import ragged, reject_ragged
from gradline.sources.rows import CHUNK, reject_duplicates

MISSING = ("NA", "NaN", "nan", "N/A", "null", "NULL", "")
"""What a CSV file may write for a missing number: R writes NA, pandas writes nothing."""

_SAMPLE = 20_480
"""Rows at the start of a CSV file that decide the types of its columns: DuckDB's own default."""

_NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$")
_NOT_A_NUMBER = re.compile(
    r'CSV Error on Line: (?P<line>\d+).*?converting column "(?P<column>.*?)"\. '
    r'Could not convert string "(?P<value>.*?)" to',
    re.DOTALL,
)


class SqlFile:
    """A file as DuckDB reads it, in file order; the numbers of a CSV file become float64."""

    def __init__(self, path: str, format_name: str, where: str | None = None, names: Sequence[str] = ()) -> None:
        self.path = path
        self.rows: int | None = None
        self._format = format_name
        self._where = where
        with self._connection() as connection:
            csv = format_name.startswith("csv")
            self._columns = _csv_columns(connection, _csv_file(path, format_name), path) if csv else {}
            if len(self._columns) == 1:
                reject_ragged(path, format_name.partition(" ")[2], next(iter(self._columns)))
            self._source = self._relation(connection)
            schema = _reader(connection, f"SELECT * FROM {self._source} LIMIT 0").schema  # noqa: S608
            names = list(self._columns or names)
            # DuckDB's names fold case and number duplicates; the file's own names lead to them by position.
            self._sql = {name: _quoted(sql) for name, sql in zip(names, schema.names, strict=True)}
            self.types: Mapping[str, Kind] = {
                name: kind_of(field.type) for name, field in zip(names, schema, strict=True)
            }
            if where is not None:
                self._condition(connection, where)

    def kind(self, column: str) -> str:
        """How an error calls the type of the column, with the first text in it."""
        label = self.types[column][0]
        if label != "text":
            return label
        sql = self._sql[column]
        with self._connection() as connection:
            self._relation(connection)
            found = _ask(
                connection,
                f"SELECT {sql} FROM {self._source} WHERE {sql} IS NOT NULL "  # noqa: S608
                f"AND TRY_CAST({sql} AS DOUBLE) IS NULL LIMIT 1",
            )
        return f"text (such as {found[0][0][:40]!r})" if found else label

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[NDArray[Any], ...]]]:
        """The chunks of the rows for which the condition holds."""
        distinct = list(dict.fromkeys(columns))
        chosen = ", ".join(self._sql[column] for column in distinct)
        condition = "" if self._where is None else f" WHERE ({self._where}\n)"
        with self._connection() as connection:
            self._relation(connection)
            batches = _reader(connection, f"SELECT {chosen} FROM {self._source}{condition}")  # noqa: S608
            for arrays in recut(batches, [distinct.index(column) for column in columns]):
                yield self.path, arrays

    def _relation(self, connection: Any) -> str:
        """The file in SQL; the same name reaches it on every connection."""
        if self._format == "parquet":
            return f"read_parquet({_path(self.path)}, hive_partitioning = false)"
        if not self._format.startswith("csv"):
            from pyarrow import dataset, ipc, memory_map

            if self._format == "arrow stream":
                connection.register("file", ipc.open_stream(memory_map(self.path)).read_all())
            else:
                connection.register("file", dataset.dataset(self.path, format="feather"))
            return "file"
        types = {sql: "DOUBLE" for sql, number in self._columns.values() if number}
        return _read_csv(_csv_file(self.path, self._format), f", types = {_struct(types)}" if types else "")

    def _condition(self, connection: Any, where: str) -> None:
        """Let DuckDB read the condition before the first row is."""
        import duckdb

        query = f"SELECT 1 FROM {self._source} WHERE ({where}\n) LIMIT 0"  # noqa: S608
        try:
            single = len(connection.extract_statements(query)) == 1
            if single:
                _ask(connection, query)
        except duckdb.Error as problem:
            columns = ", ".join(list(self._sql)[:8]) + (", …" if len(self._sql) > 8 else "")
            raise SourceError(
                f"where {where!r} cannot be used on {self.path}: {_first_line(problem)}\ncolumns: {columns}"
            ) from problem
        if not single:
            raise OptionError(f'where is {where!r}; expected one condition, e.g. "fare > 0 AND year = 2024".')

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A database of our own in memory that fetches nothing from anywhere."""
        import duckdb
        import pyarrow as pa

        offline: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        try:
            with duckdb.connect(":memory:", config=offline) as connection:
                _ask(connection, "SET enable_progress_bar = false")
                yield connection
        except (duckdb.Error, pa.ArrowException, OSError) as problem:
            raise self._readable(problem) from problem

    def _readable(self, problem: Exception) -> ColumnError | SourceError:
        """What DuckDB says over twenty lines, in two."""
        bad = _NOT_A_NUMBER.search(str(problem))
        if bad:
            value = bad["value"][:60]
            return ColumnError(
                f"{self.path}, line {bad['line']}: column {bad['column']!r} has {value!r}, not a number.\n"
                "Correct it, or leave it empty (or NA) if it is missing."
            )
        line = re.search(r"CSV Error on Line: (\d+)", str(problem))
        if "not utf-8" in str(problem).lower():
            place = f"{self.path}, line {line[1]}" if line else self.path
            return SourceError(
                f"{place}: the text is not UTF-8; an older encoding such as Latin-1 or CP949?\n"
                "Save the file as UTF-8, e.g. iconv -f LATIN1 -t UTF-8 OLD.csv > NEW.csv"
            )
        counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", str(problem))
        if line and counts:
            return ragged(self.path, int(line[1]), int(counts[1]), int(counts[2]))
        if line:
            said = [text for text in str(problem).splitlines() if text and not text.startswith("Original Line")]
            return SourceError(f"{self.path}, line {line[1]}: {' '.join(said[1:2])}\nCorrect the line, or remove it.")
        hint = f"Does the condition {self._where!r} fit its columns?" if self._where else "Is it damaged?"
        return SourceError(f"{self.path} cannot be read: {_first_line(problem)}\n{hint}")


def _csv_columns(connection: Any, file: str, path: str) -> dict[str, tuple[str, bool]]:
    """For each column of a CSV file, by the name in its first line: DuckDB's name, and whether it is numeric."""
    described = _ask(connection, f"DESCRIBE SELECT * FROM {_read_csv(file)}")  # noqa: S608
    sniffed = [(row[0], row[1]) for row in described]
    [(delimiter, quote, escape, skip)] = _ask(
        connection,
        f"SELECT Delimiter, Quote, Escape, SkipRows FROM sniff_csv({file}, header = true)",  # noqa: S608
    )
    marks = {"delim": delimiter, "quote": quote, "escape": escape}
    dialect = "".join(f", {key} = {_literal('' if mark == '(empty)' else mark)}" for key, mark in marks.items())
    [header] = _ask(
        connection,
        f"SELECT * FROM read_csv({file}, header = false, all_varchar = true, skip = {skip}{dialect}) LIMIT 1",  # noqa: S608
    )
    names = [name or sql for name, (sql, _) in zip(header, sniffed, strict=True)]
    reject_duplicates(names, path)
    texts = [sql for sql, kind in sniffed if kind == "VARCHAR"]
    blank = _all_missing(connection, file, texts) if texts else set()
    return {
        name: (sql, bool(_NUMBER.match(kind)) or sql in blank)
        for name, (sql, kind) in zip(names, sniffed, strict=True)
    }


def _all_missing(connection: Any, file: str, columns: Sequence[str]) -> set[str]:
    """The columns without a single value at the start of the file: DuckDB calls them text, they may be numbers."""
    counts = ", ".join(f"count({_quoted(column)})" for column in columns)
    head = f"SELECT * FROM {_read_csv(file)} LIMIT {_SAMPLE}"  # noqa: S608
    [found] = _ask(connection, f"SELECT {counts} FROM ({head})")  # noqa: S608
    return {column for column, count in zip(columns, found, strict=True) if count == 0}


def _read_csv(file: str, options: str = "") -> str:
    # The first line is always the header, as in R and pandas: a guess could take names for values.
    missing = ", ".join(_literal(text) for text in MISSING)
    fixed = f"header = true, nullstr = [{missing}], sample_size = {_SAMPLE}, hive_partitioning = false"
    return f"read_csv({file}, {fixed}{options})"


def _ask(connection: Any, query: str) -> list[tuple[Any, ...]]:
    """The whole answer: one that is not fetched to its end blocks the connection."""
    answer: list[tuple[Any, ...]] = connection.execute(query).fetchall()
    return answer


def _reader(connection: Any, query: str) -> Any:
    """The answer as a stream of Arrow record batches."""
    relation = connection.sql(query)
    make = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    return make(CHUNK)


def _csv_file(path: str, format_name: str) -> str:
    """The file and its compression, which the first bytes told, not the ending."""
    return f"{_path(path)}, compression = '{format_name.partition(' ')[2] or 'none'}'"


def _path(path: str) -> str:
    # DuckDB would expand a name with brackets or stars in it, and read other files.
    return _literal(glob.escape(path))


def _first_line(problem: Exception) -> str:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(problem).__name__


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _struct(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{_literal(key)}: {_literal(value)}" for key, value in values.items()) + "}"
