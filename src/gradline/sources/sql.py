"""Files that DuckDB reads: CSV and JSON, and any kind under an SQL condition."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradline.errors import ColumnError, OptionError, SourceError
from gradline.layout import choices
from gradline.sources.arrow import Kind, kind_of, recut
from gradline.sources.duck import ask, batches, database, first_line, literal, quoted, reader
from gradline.sources.json import bad_json, json_file
from gradline.sources.text import bad_text, text_file
from gradline.sources.zstd import reject_cut_short


class SqlFile:
    """A file as DuckDB reads it, in file order; the numbers of a CSV or JSON file become float64."""

    def __init__(
        self,
        path: str,
        format_name: str,
        where: str | None = None,
        names: Sequence[str] = (),
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """`names` are the columns as the file calls them; `keys` further ones of one value each, as SQL writes it."""
        self.path = path
        self._keys = keys or {}
        self.rows: int | None = None
        self._format, _, packing = format_name.partition(" ")
        self._where = where
        self._text = ""
        if packing == "zstd":
            reject_cut_short(path)
        nested: Mapping[str, str] = {}
        with self._connection() as connection:
            # DuckDB would expand a name with brackets or stars in it, and read other files.
            file = f"{literal(glob.escape(path))}, compression = {literal(packing or 'uncompressed')}"
            if self._format == "csv":
                text = text_file(connection, path, file, packing)
                self._text, names = text.source, [*text.names, *self._keys]
            elif self._format == "json":
                json = json_file(connection, path, file, packing)
                self._text, names, nested = json.source, [*json.names, *self._keys], json.nested
            self._packing = packing
            source = self.source(connection, "file")
            schema = reader(connection.sql(f"SELECT * FROM {source} LIMIT 0")).schema  # noqa: S608
            # DuckDB's names fold case and number duplicates; the file's own names lead to them by position.
            names = names or schema.names
            self.sql = {name: quoted(sql) for name, sql in zip(names, schema.names, strict=True)}
            self.types: Mapping[str, Kind] = {
                name: (nested[name], None) if name in nested else kind_of(field.type)
                for name, field in zip(names, schema, strict=True)
            }
            if where is not None:
                self._condition(connection, source, where)

    def __getstate__(self) -> dict[str, Any]:
        """With the whole path: another process may be in another folder."""
        here, there = self.path, str(Path(self.path).absolute())
        text = self._text.replace(literal(glob.escape(here)), literal(glob.escape(there)))
        return self.__dict__ | {"path": there, "_text": text}

    def kind(self, column: str) -> str:
        """How an error calls the type of the column, with the first text in it."""
        label = self.types[column][0]
        if label != "text":
            return label
        sql = self.sql[column]
        with self._connection() as connection:
            found = ask(
                connection,
                f"SELECT {sql} FROM {self.source(connection, 'file')} WHERE {sql} IS NOT NULL "  # noqa: S608
                f"AND TRY_CAST({sql} AS DOUBLE) IS NULL LIMIT 1",
            )
        return f"text (such as {found[0][0][:40]!r})" if found else label

    def stored(self, columns: Sequence[str]) -> int:
        """The size of the file, whatever the columns."""
        return Path(self.path).stat().st_size

    def read(self, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The chunks of the rows for which the condition holds."""
        distinct = list(dict.fromkeys(columns))
        chosen = ", ".join(self.sql[column] for column in distinct)
        condition = "" if self._where is None else f" WHERE ({self._where}\n)"
        with self._connection(distinct) as connection:
            relation = connection.sql(f"SELECT {chosen} FROM {self.source(connection, 'file')}{condition}")  # noqa: S608
            for arrays in recut(batches(relation, connection), [distinct.index(column) for column in columns]):
                yield self.path, arrays

    def source(self, connection: Any, name: str) -> str:
        """The file in SQL on this connection, under this name where it needs one."""
        if not self._keys:
            return self._alone(connection, name)
        further = ", ".join(f"{sql} AS {quoted(key)}" for key, sql in self._keys.items())
        return f"(SELECT *, {further} FROM {self._alone(connection, name)})"  # noqa: S608

    def _alone(self, connection: Any, name: str) -> str:
        """The file without the columns that its folders stand for."""
        if self._text:
            return self._text
        if self._format == "parquet":
            return f"read_parquet({literal(glob.escape(self.path))}, hive_partitioning = false)"
        from pyarrow import dataset, ipc, memory_map

        if self._packing == "stream":
            connection.register(name, ipc.open_stream(memory_map(self.path)).read_all())
        else:
            connection.register(name, dataset.dataset(self.path, format="feather"))
        return quoted(name)

    def _condition(self, connection: Any, source: str, where: str) -> None:
        """Let DuckDB read the condition before the first row is."""
        import duckdb

        query = f"SELECT 1 FROM {source} WHERE ({where}\n) LIMIT 0"  # noqa: S608
        try:
            try:
                single = len(connection.extract_statements(query)) == 1
            except duckdb.Error:
                # Half a condition is an error at our bracket, which the caller did not write: say it without.
                connection.extract_statements(f"SELECT 1 WHERE {where}")
                raise
            if single:
                ask(connection, query)
        except duckdb.Error as problem:
            raise SourceError(
                f"where {where!r} cannot be used on {self.path}: {first_line(problem)}\n"
                + choices("columns", self.sql)
            ) from problem
        if not single:
            raise OptionError(f'where is {where!r}; expected one condition, e.g. "fare > 0 AND year = 2024".')

    @contextmanager
    def _connection(self, columns: Sequence[str] = ()) -> Iterator[Any]:
        import duckdb
        import pyarrow as pa

        with database() as connection:
            try:
                yield connection
            except (duckdb.Error, pa.ArrowException, OSError) as problem:
                hint = f"Does the condition {self._where!r} fit its columns?" if self._where else "Is it damaged?"
                raise self.in_a_line(problem, columns) or SourceError(
                    f"{self.path} cannot be read: {first_line(problem)}\n{hint}"
                ) from problem

    def in_a_line(self, problem: Exception, columns: Sequence[str] = ()) -> ColumnError | SourceError | None:
        """What DuckDB says of a line of the file over twenty lines, in two; None where it says something else."""
        if self._format == "csv":
            return bad_text(self.path, problem)
        if self._format == "json":
            with database() as connection:
                return bad_json(connection, self.path, self._text, columns, problem)
        return None
