"""A graph of ONNX that grows node by node; all names in it are made here but those of inputs, which are columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradline.export.pieces import cannot
from gradline.layout import shortened

OUTPUT = "prediction"
_ANOTHER = "fitted prediction"
"""The output's name where a column has its usual one."""
_MADE = "gradline "
_OPSETS = {"": 17, "ai.onnx.ml": 3}
_FORMAT = 8
"""Of the file: what onnxruntime has read since 1.12, with the operators above."""


class Graph:
    """Nodes, constants and inputs, in the order in which they were added."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: dict[str, Any] = {}
        self._kinds: dict[str, str] = {}
        self._made = 0

    def input(self, name: str, kind: str, width: int | None = None) -> str:
        """An input (n,) or (n, width) of double, int64, bool or string; the same one when it is there already."""
        if not name or name == _ANOTHER or name.startswith(_MADE):
            raise cannot("ONNX", f"a column called {shortened(name, 30)!r}", "Rename it, and fit again.")
        if self._kinds.setdefault(name, kind) != kind:
            what = f"{shortened(name, 30)}, which would come as {self._kinds[name]} and as {kind}"
            raise cannot("ONNX", what, "Fit on a column for each, or use to_sql().")
        if name not in self._inputs:
            self._inputs[name] = _declared(name, kind, width)
        return name

    def constant(self, values: NDArray[Any]) -> str:
        """Float64 or int64 numbers."""
        from onnx import numpy_helper

        name = self._new("constant")
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name))
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """An operation on these values, and the name of its result."""
        from onnx import helper

        if operator == "Cast":
            attributes["to"] = _element(attributes["to"])
        result = self._new(operator)
        self._nodes.append(helper.make_node(operator, list(inputs), [result], domain=domain, **attributes))
        return result

    def serialized(self, value: str, width: int | None) -> bytes:
        """The model with this value (n,) or (n, width) as its output, checked."""
        import onnx
        from onnx import helper

        output = _ANOTHER if OUTPUT in self._inputs else OUTPUT
        graph = helper.make_graph(
            [*self._nodes, helper.make_node("Identity", [value], [output])],
            "gradline",
            list(self._inputs.values()),
            [_declared(output, "double", width)],
            initializer=self._constants,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_FORMAT, producer_name="gradline")
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _new(self, what: str) -> str:
        """A name that no column has."""
        self._made += 1
        return f"{_MADE}{self._made} {what}"


def _declared(name: str, kind: str, width: int | None) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, _element(kind), ["n"] if width is None else ["n", width])


def _element(kind: str) -> int:
    from onnx import TensorProto

    return int(TensorProto.DataType.Value(kind.upper()))
