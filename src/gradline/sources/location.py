"""Where files are: a path on this machine, or an address that fsspec opens; globs and folders."""

from __future__ import annotations

import glob
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gradline.errors import SourceError

_COLUMNAR = (".parquet", ".pq", ".feather", ".arrow", ".ipc")
_DRIVERS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "aiohttp", "https": "aiohttp"}
_DRIVERS |= {"abfs": "adlfs", "abfss": "adlfs", "az": "adlfs", "hf": "huggingface_hub", "sftp": "paramiko"}


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Location:
    """One file that can be opened as often as wanted, from any thread."""

    name: str
    """How an error calls it: its path or address."""
    path: str
    """Where `system` finds it."""
    system: Any = None
    """The fsspec file system that holds it; None is this machine's own."""
    keys: tuple[tuple[str, str], ...] = ()
    """What the folders say that were found on the way to the file: (("year", "2024"), ("month", "3"))."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process may be in another folder.
        path = str(Path(self.path).absolute()) if self.system is None else self.path
        return Location, (self.name, path, self.system, self.keys)

    def open(self) -> Any:
        """The file as pyarrow reads it; each call gives a handle of its own."""
        import pyarrow as pa

        if self.system is None:
            return pa.OSFile(self.path)
        # What is asked for is what is fetched: columns are read in turns, which defeats a cache of one stretch.
        return pa.PythonFile(self.system.open(self.path, "rb", cache_type="none"), mode="r")

    def head(self) -> bytes:
        """The first bytes, by which a format is known."""
        if self.system is None:
            with _local_trouble(self.path), Path(self.path).open("rb") as file:
                return file.read(4096)
        with remote_trouble(self.name), self.system.open(self.path, "rb", cache_type="none") as file:
            return bytes(file.read(4096))

    def stamp(self) -> str:
        """What changes when the file does: its size and the time of its last change, or its entity tag."""
        if self.system is None:
            with _local_trouble(self.path):
                state = Path(self.path).stat()
            return f"{state.st_size} bytes, {state.st_mtime_ns} ns"
        with remote_trouble(self.name):
            return repr(sorted((key, str(value)) for key, value in self.system.info(self.path).items()))

    def size(self) -> int:
        """Bytes of the file."""
        if self.system is None:
            with _local_trouble(self.path):
                return Path(self.path).stat().st_size
        with remote_trouble(self.name):
            return int(self.system.size(self.path) or 0)

    def in_parts(self) -> bool:
        """Whether reading may start anywhere; some web servers only give a file from its beginning."""
        if self.system is None:
            return True
        with remote_trouble(self.name), self.system.open(self.path, "rb", cache_type="none") as file:
            try:
                file.seek(4)
                return len(file.read(4)) == 4
            except (ValueError, OSError):
                return False

    def fetched(self) -> Location:
        """A copy on this machine under the same name, which lives as long as what is returned."""
        if self.system is None:
            return self
        folder = tempfile.mkdtemp(prefix="gradline-")
        copy = str(Path(folder) / (re.sub(r"[?#].*", "", self.path).rstrip("/").rpartition("/")[2] or "file"))
        local = replace(self, path=copy, system=None)
        weakref.finalize(local, shutil.rmtree, folder, ignore_errors=True)
        with remote_trouble(self.name):
            self.system.get_file(self.path, copy)
        return local


def locate(pattern: str) -> list[Location]:
    """The files that a path, an address, a glob or a folder means, sorted by name.

    A folder stands for the Parquet and Feather files in it and below; names that start with "." or "_" (`_SUCCESS`,
    `_metadata`) are left out. Folders such as "year=2024" become columns (`Location.keys`): those below a folder, and
    of a glob those from its first wildcard on.

    Raises:
        SourceError: there is no such file, the folder has no data files, or fsspec lacks the driver.
    """
    if not pattern:
        raise SourceError("no file '': the path is empty.\nGive the path of a file, a folder or a glob.")
    if "://" in pattern:
        return _remote(pattern)
    path = str(Path(pattern).expanduser()) if pattern.startswith("~") else pattern
    try:
        if Path(path).is_dir():
            return _folder(path)
        if Path(path).exists() or not glob.has_magic(path):
            return [Location(path, path)]
    except ValueError as problem:  # a path with a zero byte
        raise SourceError(f"{path!r}: {problem}.\nCheck the path.") from None
    matches = sorted(match for match in glob.glob(path, recursive=True) if not Path(match).is_dir())  # noqa: PTH207
    if not matches:
        raise SourceError(f"no file matches {pattern!r}.\nCheck the folder and the ending.")
    return [Location(match, match, None, _keys_of_match(match, path)) for match in matches]


@contextmanager
def trouble(place: str, format_name: str) -> Iterator[None]:
    """Turn what pyarrow or a file system says of a damaged or vanished file into two lines."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as problem:
        raise SourceError(
            f"{place}: the file is no longer there.\nWas it moved or deleted while it was being read?"
        ) from problem
    except (pa.ArrowException, OSError, EOFError) as problem:
        raise SourceError(
            f"{place}: the {format_name} file cannot be read: {_first_line(problem)}\n"
            "Is it damaged or still being written?"
        ) from problem


@contextmanager
def remote_trouble(name: str) -> Iterator[None]:
    """Turn what a driver of fsspec says, which may be any kind of exception, into two lines."""
    try:
        yield
    except FileNotFoundError:
        raise SourceError(f"no file {name!r}.\nCheck the address, and that its server can be reached.") from None
    except PermissionError as problem:
        raise SourceError(f"{name}: reading it is not permitted: {_first_line(problem)}\nCheck your keys.") from None
    except SourceError:
        raise
    except Exception as problem:
        raise SourceError(f"{name} cannot be fetched: {_first_line(problem)}\nCheck the address.") from problem


def _remote(uri: str) -> list[Location]:
    from fsspec.core import url_to_fs

    scheme = uri.partition("://")[0]
    try:
        system, path = url_to_fs(uri)
    except ImportError as problem:
        driver = _DRIVERS.get(scheme)
        raise SourceError(
            f"{uri}: reading {scheme}:// needs one more package.\n{f'pip install {driver}' if driver else problem}"
        ) from None
    except ValueError as problem:
        raise SourceError(
            f"{uri}: {_first_line(problem)}.\nGive a path, or an address such as s3://, gs:// or https://."
        ) from None
    if "file" in system.protocol:
        return locate(path)
    with remote_trouble(uri):
        if re.search(r"[*\[]", path):
            found = sorted(found for found in system.glob(path) if not found.endswith("/"))
            if not found:
                raise SourceError(f"no file matches {uri!r}.\nCheck the folder and the ending.")
            return [
                Location(system.unstrip_protocol(each), each, system, _keys_of_match(each, path)) for each in found
            ]
        # Asking a web server whether an address is a folder would fetch it.
        if uri.endswith("/") or (scheme not in ("http", "https") and system.isdir(path)):
            names = {each.removeprefix(path).strip("/"): each for each in system.find(path)}
            return [
                Location(system.unstrip_protocol(names[name]), names[name], system, keys)
                for name, keys in _data_files(list(names), uri)
            ]
    return [Location(uri, path, system)]


def _folder(path: str) -> list[Location]:
    try:
        names = [
            os.path.relpath(Path(folder) / name, path).replace(os.sep, "/")
            for folder, _, files in os.walk(path, onerror=_refuse, followlinks=True)
            for name in files
        ]
    except OSError as problem:
        raise SourceError(f"{path}: {problem.strerror}.\nCheck the owner and mode of the folder.") from None
    found = [(str(Path(path) / name), keys) for name, keys in _data_files(names, path)]
    return [Location(name, name, None, keys) for name, keys in found]


def _refuse(problem: OSError) -> None:
    raise problem


def _data_files(names: list[str], folder: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Those of the files below a folder that hold data, sorted, and what their folders say."""
    shown = [name for name in sorted(names) if not any(part.startswith((".", "_")) for part in name.split("/"))]
    chosen = [name for name in shown if name.lower().endswith(_COLUMNAR)]
    if not chosen:
        texts = [name for name in shown if re.search(r"\.(csv|tsv|txt)(\.gz|\.zst)?$", name.lower())]
        hint = f"/*{Path(texts[0]).suffix}" if texts else "/*.parquet"
        raise SourceError(
            f"{folder} is a directory without Parquet or Feather files.\n"
            f"Name its files, e.g. '{folder.rstrip('/')}{hint}'."
        )
    return [(name, _keys(name.split("/")[:-1])) for name in chosen]


def _keys_of_match(match: str, pattern: str) -> tuple[tuple[str, str], ...]:
    """What those folders say that stand in a match from the first wildcard of its pattern on."""
    fixed = [not glob.has_magic(part) for part in Path(pattern).parts]
    return _keys(Path(match).parts[fixed.index(False) : -1])


def _keys(folders: Sequence[str]) -> tuple[tuple[str, str], ...]:
    from urllib.parse import unquote

    parts = [folder.partition("=") for folder in folders if "=" in folder]
    return tuple([(unquote(key), unquote(value)) for key, _, value in parts])


@contextmanager
def _local_trouble(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise SourceError(f"no file {path!r}.\n{_nearby(Path(path))}") from None
    except PermissionError:
        raise SourceError(f"{path}: reading it is not permitted.\nCheck the owner and mode of the file.") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise SourceError(f"{path}: {reason}.\nCheck the path.") from None


def _nearby(path: Path) -> str:
    import difflib

    try:
        here = [each.name for each in path.parent.iterdir()]
    except OSError:
        return f"There is no folder {str(path.parent)!r} either."
    near = difflib.get_close_matches(path.name, here, n=1)
    return f"Did you mean {str(path.parent / near[0])!r}?" if near else "Check the path and the folder you are in."


def _first_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0][:200] if str(problem).strip() else type(problem).__name__
