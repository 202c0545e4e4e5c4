"""Rows of a sparse matrix for the loop in PyTorch: what nn.Linear makes of them, without writing all of them out.

A batch of few numbers is written out, and is then what it would be of a dense matrix. Of more rows only the stored
numbers are multiplied. Standardized columns (x - c)/s are not sparse, so the weights take centre and scale instead:

    (x - c)/s · wᵀ + b  =  x · (w/s)ᵀ + (b - c · (w/s)ᵀ)

which autograd follows back to w and b, and so their gradients are those of standardized columns. What a column's mean
exceeds its deviation by is lost of the digits of pred: little where most of a column is zeros.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import torch

from gradline.descent.autograd import tensors
from gradline.descent.units import Units
from gradline.errors import OptionError, said

WRITTEN_OUT = 1_000_000
"""Numbers of a batch up to which it is written out: 8 MB."""


class SparseRows:
    """Rows (n, d) that the loop indexes like a tensor, and multiplies through `times`."""

    def __init__(self, matrix: Any, units: Units | None, dtype: torch.dtype, device: str) -> None:
        """Of a CSR matrix of SciPy, (n, d) of float64 or float32, which is not written to.

        Args:
            matrix: The columns as they are.
            units: How to standardize them; None leaves them so.
            dtype: Of the model.
            device: Where it is.
        """
        self._matrix, self._units = matrix, units
        self.dtype, self._device = dtype, device

    def __len__(self) -> int:
        return int(self._matrix.shape[0])

    def __getitem__(self, rows: torch.Tensor) -> torch.Tensor | SparseRows:
        """Some of the rows: written out, unless that would take more than a stretch's room."""
        some = self._matrix[rows.cpu().numpy()]
        if some.shape[0] * some.shape[1] > WRITTEN_OUT:
            return SparseRows(some, self._units, self.dtype, self._device)
        dense = some.toarray()
        values = dense if self._units is None else self._units.standardized(dense)
        [batch] = tensors(values, dtype=self.dtype, device=self._device)
        assert batch is not None
        return batch

    def through(self, model: torch.nn.Linear) -> torch.Tensor:
        """The model's output (n, k)."""
        weight, bias = model.weight, model.bias
        if self._units is not None:
            centre, scale = self._centre_and_scale
            weight = weight / scale
            bias = bias - weight @ centre
        product: torch.Tensor = _Product.apply(weight, *self._both_ways)  # type: ignore[no-untyped-call]
        return product + bias

    @cached_property
    def _centre_and_scale(self) -> Any:
        """(d,) each."""
        assert self._units is not None
        return tensors(self._units.centre, self._units.scale, dtype=self.dtype, device=self._device)

    @cached_property
    def _both_ways(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The matrix (n, d) for the forward pass, and turned for the backward pass, by row both."""
        turned = self._matrix.tocsc()
        n, d = self._matrix.shape
        return self._by_row(self._matrix, (n, d)), self._by_row(turned, (d, n))

    def _by_row(self, matrix: Any, shape: tuple[int, int]) -> torch.Tensor:
        starts, columns, values = [
            torch.from_numpy(part.copy()) for part in (matrix.indptr, matrix.indices, matrix.data)
        ]
        options: Any = {"dtype": self.dtype, "device": self._device, "check_invariants": True}
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings(
                    "ignore", message="Sparse CSR tensor support is in beta", category=UserWarning
                )
                return torch.sparse_csr_tensor(starts, columns, values, shape, **options)
        except (RuntimeError, TypeError) as error:
            raise OptionError(
                f"device {self._device!r} takes no sparse matrix: {said(error, 120)}.\nTry device='cpu'."
            ) from None


class _Product(torch.autograd.Function):
    """X·wᵀ (n, k) of a sparse X, and its gradient by w."""

    @staticmethod
    def forward(context: Any, weight: torch.Tensor, matrix: torch.Tensor, turned: torch.Tensor) -> torch.Tensor:
        """X·wᵀ, w (k, d)."""
        context.turned = turned
        product: torch.Tensor = torch.sparse.mm(matrix, weight.T)
        return product

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """gradientᵀ·X."""
        return torch.sparse.mm(context.turned, gradient).T, None, None
