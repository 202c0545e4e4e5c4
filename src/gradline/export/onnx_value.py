"""A value in a graph of ONNX that arithmetic is written with as with a number: `1 + x` adds a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gradline.export.onnx_graph import Graph


class Value:
    """A value (n,) or () of the graph: float64 numbers, or the truth values of a comparison."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name

    def does(self, operator: str, *others: Value | float, **attributes: Any) -> Value:
        """The operator's result for this value and others."""
        names = [each.name if isinstance(each, Value) else constant(self.graph, each).name for each in others]
        return Value(self.graph, self.graph.node(operator, self.name, *names, **attributes))

    def __add__(self, other: Value | float) -> Value:
        return self.does("Add", other)

    def __radd__(self, other: float) -> Value:
        return constant(self.graph, other).does("Add", self)

    def __sub__(self, other: Value | float) -> Value:
        return self.does("Sub", other)

    def __rsub__(self, other: float) -> Value:
        return constant(self.graph, other).does("Sub", self)

    def __mul__(self, other: Value | float) -> Value:
        return self.does("Mul", other)

    def __rmul__(self, other: float) -> Value:
        return constant(self.graph, other).does("Mul", self)

    def __truediv__(self, other: Value | float) -> Value:
        return self.does("Div", other)

    def __rtruediv__(self, other: float) -> Value:
        return constant(self.graph, other).does("Div", self)

    def __neg__(self) -> Value:
        return self.does("Neg")

    def __lt__(self, other: Value | float) -> Value:
        return self.does("Less", other)

    def __gt__(self, other: Value | float) -> Value:
        return self.does("Greater", other)

    def __and__(self, other: Value) -> Value:
        return self.does("And", other)

    def __or__(self, other: Value) -> Value:
        return self.does("Or", other)

    def __invert__(self) -> Value:
        return self.does("Not")

    def equals(self, other: Value | float) -> Value:
        """Where the two are equal; `==` is Python's own."""
        return self.does("Equal", other)

    def missing(self) -> Value:
        """Where this is NaN."""
        return self.does("IsNaN")


def constant(graph: Graph, value: float) -> Value:
    """A number in the graph."""
    return Value(graph, graph.constant(np.array(float(value))))


def where(condition: Value, yes: Value | float, no: Value | float) -> Value:
    """One value where the condition holds, and the other where it does not."""
    return condition.does("Where", yes, no)
