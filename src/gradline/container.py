"""Safetensors files with a description: no pickle, written whole or not at all, read with a clear refusal.

All but the tensors stands in the file's metadata under one key, as JSON, arrays in base64; one key, because the
order of several is not fixed and the same content is to be the same bytes.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.errors import StorageError

FORMAT = 1
"""Raised by one when a file can no longer be read by the version before."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that is full, or of a limit on what one may write."""

_KEY = "gradline"


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A path to write to, beside the real one, that takes its name only when the block ends well.

    Raises:
        StorageError: the folder is missing or cannot be written to.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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
        unfinished.replace(path)
    except OSError as error:
        # pyarrow has the number of the error alone.
        reason = error.strerror or (os.strerror(error.errno) if error.errno else error)
        advice = "\nFree some space, or choose another disk." if error.errno in NO_ROOM else ""
        raise StorageError(f"cannot write {path}: {reason}.{advice}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def write(path: str | Path, kind: str, record: dict[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write one record of a kind, and its tensors."""
    from safetensors.numpy import save

    header = {"format": FORMAT, "kind": kind, "record": record}
    content = save(dict(tensors), {_KEY: json.dumps(header, default=_pack, ensure_ascii=False)})
    with written_whole(path) as unfinished:
        unfinished.write_bytes(content)


def read(path: Path) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]]:
    """The kind, the record and the tensors of a file.

    Raises:
        StorageError: the file is missing, damaged, from a newer version, or not one of gradline's.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise StorageError(f"no model file {path}." + (" It is a folder." if path.is_dir() else ""))
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise StorageError(
            f"{path} is no model file: damaged, cut short, or of another kind ({error}).\n"
            "gradline reads the safetensors files that .save() or --save wrote."
        ) from None
    if _KEY not in metadata:
        raise StorageError(
            f"{path} is a safetensors file, but not one of gradline's.\n"
            "Load its weights with torch; gradline reads what .save() or --save wrote."
        )
    with refusing_damage(path):
        header = json.loads(metadata[_KEY], object_hook=_unpack)
        version = int(header["format"])
    if version > FORMAT:
        raise StorageError(
            f"{path} was written by a newer gradline (format {version}; this one reads up to {FORMAT}).\n"
            "Upgrade gradline."
        )
    with refusing_damage(path):
        return str(header["kind"]), dict(header["record"]), tensors


@contextmanager
def refusing_damage(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong with a record that does not fit together into one line."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path} is damaged: its description does not fit together ({error}).") from None


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
