"""What a long pass has summed so far, kept on disk, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradline import container
from gradline.errors import OptionError, StorageError
from gradline.layout import told
from gradline.moments.cells import Cells, Levels
from gradline.moments.sums import Summing, Sums
from gradline.moments.tree import Node

if TYPE_CHECKING:
    from gradline.design.problem import Problem

_KIND = "checkpoint"
_START = b'{"__metadata__":{"gradline'
"""What a file of ours begins with, after eight bytes."""
_MARKS = (rb"\"kind\": \"checkpoint\"", rb"{\"identity\": \"")
"""What stands near the beginning of a checkpoint; damage in one leaves the other."""


class Checkpoint:
    """A file with the sums of the chunks that are done; it is kept when all are, and then nothing is read again."""

    def __init__(self, path: str | os.PathLike[str], every: float = 1.0) -> None:
        """`every`: seconds at least between two writings."""
        if not isinstance(path, str | os.PathLike):
            raise OptionError(f"checkpoint is the path of a file; {told(path)} arrived.")
        self.path = Path(path)
        self._every = every
        self._written = time.monotonic()
        self._request: dict[str, Any] = {}
        self._levels: list[Levels] = []

    def resume(self, problem: Problem, summing: Summing) -> list[Node[Sums]]:
        """What the file holds of this very problem; nothing where there is no file yet.

        Raises:
            OptionError: the data are not files, whose change could be noticed.
            StorageError: the file is no checkpoint, or one of other data or of another request.
        """
        identity = problem.table.identity
        if identity is None:
            raise OptionError(
                f"a checkpoint is for files, and {problem.table.name} may be another the next time.\n"
                "Leave checkpoint= out, or write the data to a Parquet file."
            )
        self._request = {
            "identity": identity,
            "names": list(summing.names),
            "factors": [[list(factor) for factor in term.factors] for term in problem.terms],
            "targets": summing.targets,
            "missing": summing.missing,
            "weights": [problem.weights, problem.frequency],
            "precision": summing.double,
            "sets": []
            if summing.grouping is None
            else [[list(s), list(p)] for s, p in summing.grouping.sets.items()],
        }
        if summing.grouping is not None:
            self._levels = summing.grouping.levels
        if not self.path.exists():
            self._keep(())  # an unwritable place is refused before the work, not after it
            return []
        try:
            return self._nodes(summing)
        except container.UnreadableError:
            if not self._was_ours():
                raise
            raise StorageError(
                f"{self.path} is a damaged checkpoint: empty, cut short or altered.\n"
                "Delete it to begin anew, or give another file."
            ) from None

    def _nodes(self, summing: Summing) -> list[Node[Sums]]:
        kind, record, tensors = container.read(self.path)
        if kind != _KIND:
            raise StorageError(f"{self.path} holds a {kind}, not a checkpoint.\nGive another file.")
        with container.refusing_damage(self.path):
            if record["request"] != _plain(self._request):
                raise StorageError(
                    f"{self.path} is a checkpoint of other data or of another model.\n"
                    "Delete it to start anew, or give another file."
                )
            if summing.grouping is not None:
                summing.grouping.levels[:] = [Levels(labels) for labels in record["levels"]]
            return [_node(number, node, tensors) for number, node in enumerate(record["nodes"])]

    def _was_ours(self) -> bool:
        """Whether this was a checkpoint once, and nothing that somebody may want to keep."""
        with self.path.open("rb") as file:
            head = file.read(256)
        cut_short = len(head) < 256 and _START.startswith(head[8:][: len(_START)])
        return cut_short or any(mark in head for mark in _MARKS)

    def keep(self, nodes: Sequence[Node[Sums]], *, last: bool = False) -> None:
        """Write the sums so far, if it is time to, or the last."""
        if last or time.monotonic() - self._written >= self._every:
            self._keep(nodes)
            self._written = time.monotonic()

    def _keep(self, nodes: Sequence[Node[Sums]]) -> None:
        tensors: dict[str, NDArray[Any]] = {}
        for number, node in enumerate(nodes):
            sums = node.sums
            tensors[f"{number}.hi"], tensors[f"{number}.lo"] = map(np.ascontiguousarray, sums.pair)
            tensors[f"{number}.missing"] = sums.missing
            for place, cells in enumerate(sums.cells):
                tensors[f"{number}.{place}.keys"] = np.ascontiguousarray(cells.keys)
                for word, matrix in zip(("hi", "lo"), cells.pair, strict=True):
                    tensors[f"{number}.{place}.{word}"] = np.ascontiguousarray(matrix)
        record = {
            "request": self._request,
            "levels": [levels.labels for levels in self._levels],
            "nodes": [
                {
                    "level": node.level,
                    "place": node.place,
                    "rows": node.sums.rows,
                    "used": node.sums.used,
                    "log_weights": node.sums.log_weights,
                    "constant": node.sums.constant,
                    "sets": len(node.sums.cells),
                }
                for node in nodes
            ],
        }
        container.write(self.path, _KIND, record, tensors)


def _node(number: int, node: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Node[Sums]:
    cells = [
        Cells(
            tensors[f"{number}.{place}.keys"],
            (tensors[f"{number}.{place}.hi"], tensors[f"{number}.{place}.lo"]),
        )
        for place in range(node["sets"])
    ]
    sums = Sums(
        (tensors[f"{number}.hi"], tensors[f"{number}.lo"]),
        node["rows"],
        node["used"],
        tensors[f"{number}.missing"],
        node["log_weights"],
        tuple(node["constant"]),
        tuple(cells),
    )
    return Node(node["level"], node["place"], sums)


def _plain(request: dict[str, Any]) -> Any:
    """The request as JSON gives it back."""
    import json

    return json.loads(json.dumps(request))
