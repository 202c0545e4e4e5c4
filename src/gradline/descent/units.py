"""Between the columns as they are and standardized ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradline.doubledouble import Array


@dataclass(frozen=True)
class Units:
    """Standardized columns (x - centre) / scale: what was learned on them, in the units of the data."""

    centre: Array  # (d,)
    scale: Array  # (d,)

    def standardized(self, features: Array) -> Array:
        """The columns (n, d), standardized."""
        return (features - self.centre) / self.scale

    def raw(self, theta: Array) -> Array:
        """θ (…, p, k) for the columns as they are."""
        slopes = theta[..., 1:, :] / self.scale[:, None]
        bias = theta[..., :1, :] - (self.centre[:, None] * slopes).sum(axis=-2, keepdims=True)
        return np.concatenate([bias, slopes], axis=-2)

    def raw_gradient(self, gradient: Array) -> Array:
        """The loss's gradient (…, p, k) by the parameters for the columns as they are."""
        bias = gradient[..., :1, :]
        slopes = self.scale[:, None] * gradient[..., 1:, :] + self.centre[:, None] * bias
        return np.concatenate([bias, slopes], axis=-2)
