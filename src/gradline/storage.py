"""Fits, runs and moments as safetensors files: no pickle, nothing of the data, whole or not at all.

The tensors of a fit or a run are just `weight` and `bias`, so `nn.Linear` loads the file as it is. All else stands in
the file's metadata under one key, as JSON, arrays in base64; one key, because the order of several is not fixed
and the same model is to be the same bytes.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradline.design.terms import fields_of_record
from gradline.doubledouble import Array
from gradline.errors import StorageError
from gradline.moments.moments import Moments
from gradline.results.fit import Fit

if TYPE_CHECKING:
    from gradline.results.run import Run

FORMAT = 1
"""Raised by one when a file can no longer be read by the version before."""

_KEY = "gradline"


def load(path: str | Path) -> Fit | Run | Moments:
    """Read what `save` wrote: a `Fit`, a `Run` or `Moments`.

    Raises:
        StorageError: the file is missing, damaged, from a newer version, or not one of gradline's.

    Example:
        >>> import tempfile, gradline as gl
        >>> path = tempfile.mkdtemp() + "/line.safetensors"
        >>> gl.fit([[1.0], [2.0], [4.0]], [3.0, 5.0, 9.0]).save(path)
        >>> load(path).coef
        array([2.])
    """
    kind, record, tensors = _read(Path(path))
    with _refusing_damage(path):
        if kind == "fit":
            return _fit(record)
        if kind == "moments":
            return Moments.from_record(record | tensors)
        if kind == "run":
            from gradline.results.run import Run

            return Run.from_record(record)
    raise StorageError(f"{path} holds a {kind!r}, which this version does not know.\nUpgrade gradline.")


def save_fit(fit: Fit, path: str | Path) -> None:
    """Write a fit; `nn.Linear.load_state_dict` reads its tensors, aliased columns with weight 0."""
    params = np.nan_to_num(fit.estimates)
    start = int(fit.has_intercept)
    tensors = {"weight": np.ascontiguousarray(params[start:].T)}
    if fit.has_intercept:
        tensors["bias"] = params[0].copy()
    _write(path, "fit", dataclasses.asdict(fit), tensors)


def save_moments(moments: Moments, path: str | Path) -> None:
    """Write moments: the tensors `hi` and `lo`, and their names."""
    record = dataclasses.asdict(moments)
    tensors = {name: np.ascontiguousarray(record.pop(name)) for name in ("hi", "lo")}
    _write(path, "moments", record, tensors)


def save_run(run: Run, path: str | Path) -> None:
    """Write what training did; its tensors are those of the trained `nn.Linear`."""
    record, tensors = run.to_record()
    _write(path, "run", record, tensors)


def load_moments(path: str | Path) -> Moments:
    """Read moments, and nothing else.

    Raises:
        StorageError: as `load`, or the file holds a fit or a run.
    """
    loaded = load(path)
    if not isinstance(loaded, Moments):
        raise StorageError(f"{path} holds a {type(loaded).__name__}, not moments.\nRead it with gradline.load.")
    return loaded


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
        raise StorageError(f"cannot write {path}: {error.strerror or error}.") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _write(path: str | Path, kind: str, record: dict[str, Any], tensors: dict[str, Array]) -> None:
    from safetensors.numpy import save

    header = {"format": FORMAT, "kind": kind, "record": record}
    content = save(tensors, {_KEY: json.dumps(header, default=_pack, ensure_ascii=False)})
    with written_whole(path) as unfinished:
        unfinished.write_bytes(content)


def _read(path: Path) -> tuple[str, dict[str, Any], dict[str, Array]]:
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
    with _refusing_damage(path):
        header = json.loads(metadata[_KEY], object_hook=_unpack)
        version = int(header["format"])
    if version > FORMAT:
        raise StorageError(
            f"{path} was written by a newer gradline (format {version}; this one reads up to {FORMAT}).\n"
            "Upgrade gradline."
        )
    with _refusing_damage(path):
        return str(header["kind"]), dict(header["record"]), tensors


@contextmanager
def _refusing_damage(path: str | Path) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path} is damaged: its description does not fit together ({error}).") from None


def _fit(record: dict[str, Any]) -> Fit:
    fields = fields_of_record(record)
    fit = Fit(**fields | {"names": list(fields["names"])})
    q, k = len(fit.names), len(fit.targets)
    shapes = (fit.estimates.shape, fit.estimates_low.shape, fit.variance.shape, fit.root.shape, fit.rss.shape)
    if shapes != ((q, k), (q, k), (q,), (q, q), (k,)) or q != len(fit.terms) + fit.has_intercept:
        raise ValueError("shapes and names differ")
    return fit


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
