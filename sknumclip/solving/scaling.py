"""Standard scaling of columns, and how to undo it in a linear function."""

from dataclasses import dataclass

import numpy as np

from .rows import Rows

__all__ = ["Scaling", "standard_scaling"]


@dataclass(frozen=True)
class Scaling:
    """Scaling x = (z - mean) / scale."""

    mean: np.ndarray
    scale: np.ndarray

    def __call__(self, features):
        return (features - self.mean) / self.scale

    def rows(self, rows):
        """Return `rows` with scaled features."""
        return Rows(self(rows.X), rows.y, rows.weight, rows.bin_index)

    def undo(self, coefficients, intercept):
        """Convert coefficients and intercept for scaled features to those for unscaled ones."""
        coefficients = coefficients / self.scale
        return coefficients, intercept - coefficients @ self.mean


def standard_scaling(rows):
    """Return the scaling of each column of `rows` to mean 0 and variance 1; constants become 0."""
    mean = rows.mean(rows.X)
    scale = np.sqrt(rows.mean((rows.X - mean) ** 2))
    is_constant = scale <= 1e-9 * np.abs(mean).max(initial=1e-300)
    return Scaling(mean, np.where(is_constant, 1.0, scale))
