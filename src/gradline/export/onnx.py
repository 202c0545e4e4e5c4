"""A fit as an ONNX model, in float64, that onnxruntime runs to what `Fit.predict` says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradline.container import written_whole
from gradline.design.expression import checked
from gradline.design.terms import columns_of
from gradline.doubledouble import Array
from gradline.errors import OptionError
from gradline.export.onnx_expression import Inputs, translated
from gradline.export.onnx_graph import Graph
from gradline.export.pieces import Piece, cannot, levels_of, pieces_of, refuse_origin
from gradline.layout import shortened

if TYPE_CHECKING:
    from gradline.design.recipe import Label
    from gradline.results.fit import Fit

_MOST_CELLS = 10_000_000
"""Numbers of a table of parameters by cells: 80 MB."""


def write(fit: Fit, path: str | Path) -> None:
    """Write the model to a file, whole or not at all; see `Fit.to_onnx`."""
    refuse_origin(fit, "ONNX")
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise OptionError("to_onnx needs the package onnx.\nInstall it: pip install 'gradline[onnx]'.") from None
    content = _Writer(fit).model()
    with written_whole(path) as unfinished:
        unfinished.write_bytes(content)


class _Writer:
    """The graph of one model as it grows."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._graph = Graph()
        self._levels = levels_of(fit)
        self._derived = {each.name: each for each in fit.recipe.derived}
        self._inputs = Inputs(self._number, self._text)
        self._columns: dict[str, str] = {}
        """Of each column that was read, the value (n,) in the graph."""
        self._codes: dict[str, str] = {}
        self._position = {name: at for at, name in enumerate(columns_of(fit.terms))} if fit.array_names else {}

    def model(self) -> bytes:
        """The whole model."""
        graph, k = self._graph, len(self._fit.targets)
        pieces = pieces_of(self._fit)
        if not pieces:
            raise cannot("ONNX", "a model without columns", "It has no input; its constant says all.")
        plain = [piece for piece in pieces if not piece.categories]
        totals = [self._chosen(piece) for piece in pieces if piece.categories]
        if plain:
            slopes = np.stack([piece.parameters[()] for piece in plain])  # (q, k)
            totals.insert(0, graph.node("MatMul", self._design(plain), graph.constant(slopes)))
        if self._fit.has_intercept:
            totals.insert(0, graph.constant(self._fit.estimates[:1]))  # (1, k)
        total = totals[0]
        for other in totals[1:]:
            total = graph.node("Add", total, other)
        if self._fit.single_target:
            total = graph.node("Squeeze", total, graph.constant(np.array([1])))
        return graph.serialized(total, None if self._fit.single_target else k)

    def _design(self, plain: list[Piece]) -> str:
        """(n, q) the terms without categories."""
        graph = self._graph
        names = [factors[0][0] for factors, *_ in plain if len(factors) == 1 and factors[0][1] == 1]
        if len(names) == len(plain) and names == list(self._position):
            return self._array()
        columns = [graph.node("Unsqueeze", self._product(piece), graph.constant(np.array([1]))) for piece in plain]
        return graph.node("Concat", *columns, axis=1)

    def _product(self, piece: Piece) -> str:
        """(n,) powers by repeated multiplication, as `predict` has them."""
        values = [self._number(column) for column, power in piece.factors for _ in range(power)]
        product = values[0]
        for value in values[1:]:
            product = self._graph.node("Mul", product, value)
        return product

    def _array(self) -> str:
        return self._graph.input("x", "double", len(self._position))

    def _number(self, column: str) -> str:
        """The column (n,) in float64."""
        graph = self._graph
        if column not in self._columns:
            if column in self._derived:
                derived = self._derived[column]
                states = {text: (mean, low, by) for text, mean, low, by in derived.state}
                value = translated(checked(derived.expression), states, graph, self._inputs)
            elif column in self._position:
                value = graph.node("Gather", self._array(), graph.constant(np.array(self._position[column])), axis=1)
            elif column in self._levels:
                value = graph.node("Cast", graph.input(column, self._kind(column)), to="double")
            else:
                value = graph.input(column, "double")
            self._columns[column] = value
        return self._columns[column]

    def _text(self, column: str) -> str:
        """The column (n,) as text."""
        return self._graph.input(column, "string")

    def _chosen(self, piece: Piece) -> str:
        """(n, k) the parameters of each row's cell, times its numbers."""
        graph = self._graph
        sizes = [len(self._levels[column]) + 1 for column in piece.categories]
        k = len(self._fit.targets)
        if np.prod(sizes, dtype=float) * k > _MOST_CELLS:
            listed = shortened(":".join(piece.categories), 30)
            raise cannot("ONNX", f"the {int(np.prod(sizes)):,} cells of {listed}", "Use to_sql(), or fewer levels.")
        index = self._code(piece.categories[0])
        for column, size in zip(piece.categories[1:], sizes[1:], strict=True):
            scaled = graph.node("Mul", index, graph.constant(np.array(size)))
            index = graph.node("Add", scaled, self._code(column))
        chosen = graph.node("Gather", graph.constant(self._table(piece, sizes)), index, axis=0)
        if not piece.factors:
            return chosen
        number = graph.node("Unsqueeze", self._product(piece), graph.constant(np.array([1])))
        return graph.node("Mul", chosen, number)

    def _table(self, piece: Piece, sizes: list[int]) -> Array:
        """(cells, k) the last level of each category stands for those that the model does not know."""
        table = np.full((*sizes, len(self._fit.targets)), np.nan)
        table[tuple(slice(size - 1) for size in sizes)] = 0.0
        for cell, parameters in piece.parameters.items():
            at = [self._levels[name].index(level) for name, level in zip(piece.categories, cell, strict=True)]
            table[tuple(at)] = parameters
        return table.reshape(-1, len(self._fit.targets))

    def _code(self, column: str) -> str:
        """(n,) the number of each row's level; as many as there are levels where it is not known."""
        if column not in self._codes:
            levels = self._levels[column]
            kind = self._kind(column)
            value = self._graph.input(column, kind)
            if kind == "bool":
                value = self._graph.node("Cast", value, to="int64")
            keys = {"keys_strings": levels} if kind == "string" else {"keys_int64s": [int(level) for level in levels]}
            self._codes[column] = self._graph.node(
                "LabelEncoder",
                value,
                domain="ai.onnx.ml",
                values_int64s=list(range(len(levels))),
                default_int64=len(levels),
                **keys,
            )
        return self._codes[column]

    def _kind(self, column: str) -> str:
        """The type of a category's input."""
        levels: tuple[Label, ...] = self._levels[column]
        if column not in self._derived and levels:
            if all(isinstance(level, str) for level in levels):
                return "string"
            if all(isinstance(level, bool) for level in levels):
                return "bool"
            if all(isinstance(level, int) for level in levels):
                return "int64"
        what = shortened(column, 30)
        raise cannot("ONNX", f"the category {what}", _COLUMN)


_COLUMN = "Levels that are text, whole numbers or truth values of a column can be;\nelse use to_sql()."
