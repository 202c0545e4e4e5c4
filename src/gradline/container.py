"""Safetensors files with a description: no pickle, written whole or not at all, read with a clear refusal.

All but the tensors stands in the file's metadata under one key, as JSON, arrays in base64; one key, because the
order of several is not fixed and the same content is to be the same bytes. It ends with a checksum of everything, as
one bit that has changed may leave a file that looks sound.
"""

from __future__ import annotations

import base64
import dataclasses
import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.errors import GradlineError, OptionError, StorageError

FORMAT = 1
"""Raised by one when a file can no longer be read by the version before."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that is full, or of a limit on what one may write."""

_KEY = "gradline"
_CHECKSUM = re.compile(r', "sha256": "([0-9a-f]{64})"\}$')


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A path to write to, beside the real one, that takes its name only when the block ends well.

    Raises:
        OptionError: the path is none.
        StorageError: the folder is missing or cannot be written to.
    """
    if not isinstance(path, str | os.PathLike):
        raise OptionError(f"path is the name of a file, not {path!r}.")
    path = Path(path)
    refuse_other_than_file(path)
    place = Path(os.path.realpath(path))  # a link stays a link, and what it points to is written
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror}.\nChoose a folder that exists and can be written to."
        ) from None
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        mask = os.umask(0)
        os.umask(mask)
        unfinished.chmod(0o666 & ~mask)
        unfinished.replace(place)
    except OSError as error:
        # pyarrow has the number of the error alone.
        reason = error.strerror or (os.strerror(error.errno) if error.errno else error)
        advice = "\nFree some space, or choose another disk." if error.errno in NO_ROOM else ""
        raise StorageError(f"cannot write {path}: {reason}.{advice}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def refuse_other_than_file(path: Path) -> None:
    """Refuse a folder, and a device or a pipe: a file that takes its name would take its place, as /dev/null's.

    Raises:
        StorageError: something stands at the path that is no file.
    """
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a device or a pipe"
        raise StorageError(f"cannot write {path}: it is {what}.\nGive the name of a file.")


def write(path: str | Path, kind: str, record: dict[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write one record of a kind, and its tensors."""
    from safetensors.numpy import save

    header = {"format": FORMAT, "kind": kind, "record": record}
    description = json.dumps(header, default=_pack, ensure_ascii=False)
    checked = f'{description[:-1]}, "sha256": "{_checksum(description, tensors)}"}}'
    content = save(dict(tensors), {_KEY: checked})
    with written_whole(path) as unfinished:
        unfinished.write_bytes(content)


def read(path: Path) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
    """The kind, the record and the tensors of a file.

    Raises:
        StorageError: the file is missing, damaged, from a newer version, or not one of gradline's.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        hint = "It is a folder: name a file in it." if path.is_dir() else "Check the path and the folder you are in."
        raise StorageError(f"no model file {str(path)!r}.\n{hint}")
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UnreadableError(
            f"{path} is no model file: damaged, cut short, or of another kind ({error}).\n"
            "gradline reads the safetensors files that .save() or --save wrote."
        ) from None
    if _KEY not in metadata:
        raise UnreadableError(
            f"{path} is a safetensors file, but not one of gradline's.\n"
            "Load its weights with torch; gradline reads what .save() or --save wrote."
        )
    with refusing_damage(path):
        header = _described(_intact(metadata[_KEY], tensors))
        version = header["format"]
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise MisfitError(f"its description has the format {version!r}; a whole number was expected")
    if version > FORMAT:
        raise StorageError(
            f"{path} was written by a newer gradline (format {version}; this one reads up to {FORMAT}).\n"
            "Upgrade gradline."
        )
    with refusing_damage(path):
        if not isinstance(header["kind"], str) or not isinstance(header["record"], dict):
            raise MisfitError("its description has a kind or a record of the wrong type")
        return header["kind"], header["record"], tensors


class UnreadableError(StorageError):
    """A file that is damaged, or none of ours."""


class MisfitError(ValueError):
    """What is wrong with a file's content, in words for whoever wants to read it."""


def demand_fields(record: Mapping[str, Any], kind: type) -> None:
    """Refuse a record that lacks a field of the dataclass, or has one that it does not know."""
    known = {field.name: field for field in dataclasses.fields(kind)}
    for name, field in known.items():
        optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in record and not optional:
            raise MisfitError(f"its description lacks {name!r}")
    for name in record:
        if name not in known:
            raise MisfitError(f"its description has {name!r}, which this version does not know")


def demand_tensors(tensors: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a file whose tensors are not just these, in these shapes."""
    for name, shape in shapes.items():
        if name not in tensors:
            raise MisfitError(f"it lacks the tensor {name!r}")
        if tensors[name].shape != shape:
            raise MisfitError(
                f"the tensor {name!r} has shape {tensors[name].shape} and its description needs {shape}"
            )
    for name in tensors:
        if name not in shapes:
            raise MisfitError(f"it has a tensor {name!r} that its description does not know")


@contextmanager
def refusing_damage(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong with a record that does not fit together into an error that says what it is."""
    try:
        yield
    except StorageError:
        raise
    except (MisfitError, GradlineError) as error:
        raise _damaged(path, str(error).splitlines()[0].rstrip(".")) from None
    except KeyError as error:
        raise _damaged(path, f"its description lacks {error.args[0]!r}") from None
    except (TypeError, ValueError, AttributeError, IndexError):
        raise _damaged(path, "its description does not fit together") from None


def _damaged(path: str | Path, what: str) -> UnreadableError:
    return UnreadableError(f"{path} is damaged: {what}.\nSave it again, or take another copy of the file.")


def _checksum(description: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the description and of the tensors: their names, types, shapes and bytes."""
    content = hashlib.sha256(description.encode())
    for name, tensor in sorted(tensors.items()):
        content.update(f"{name} {tensor.dtype} {tensor.shape} ".encode())
        content.update(np.ascontiguousarray(tensor).data)
    return content.hexdigest()


def _intact(description: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    """The description less its checksum, which files of older versions do not have."""
    found = _CHECKSUM.search(description)
    if found is None:
        return description
    described = description[: found.start()] + "}"
    if _checksum(described, tensors) != found[1]:
        raise MisfitError("its content is not what was written")
    return described


def _described(text: str) -> dict[str, Any]:
    """The description: an object with a format and, unless a newer version says it otherwise, a kind and a record."""
    try:
        header = json.loads(text, object_hook=_unpack)
    except json.JSONDecodeError:
        raise MisfitError("its description is no JSON") from None
    given = header if isinstance(header, dict) else {}
    newer = isinstance(given.get("format"), int) and given["format"] > FORMAT
    lacking = [name for name in ("format", "kind", "record") if name not in given]
    if lacking and not newer:
        raise MisfitError(f"its description lacks {', '.join(lacking)}")
    return given


def _pack(value: Any) -> Any:
    """An array, or a NumPy number, as JSON."""
    if isinstance(value, np.ndarray):
        content = np.ascontiguousarray(value, "<f8")
        return {"shape": list(value.shape), "base64": base64.b64encode(content.tobytes()).decode()}
    return value.item()


def _unpack(value: dict[str, Any]) -> Any:
    if value.keys() == {"shape", "base64"}:
        return np.frombuffer(base64.b64decode(value["base64"]), "<f8").reshape(value["shape"]).astype(float)
    return value
