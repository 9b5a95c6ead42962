"""Shifts of the centers that depend on the logits, as a ridge regression."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from .blend import strength_shares
from .ridge import ridge_path
from .samples import Rows
from .scaling import Scaling, standard_scaling

__all__ = ["MANY_BINS", "Shifts", "solve_shifts"]

MANY_BINS = 20  # above, there would be too many numbers to learn: their square


@dataclass(frozen=True)
class Shifts:
    """Centers c + S · logits; the prediction is their mean, weighted by the probabilities."""

    centers: np.ndarray
    """c, shape (n_bins,)."""
    slopes: np.ndarray
    """S, shape (n_bins, n_bins)."""

    @classmethod
    def none(cls, n_bins):
        """Return shifts that are 0."""
        return cls(np.zeros(n_bins), np.zeros((n_bins, n_bins)))

    def blend(self, share, centers):
        """Return so large a share of these shifts, from `centers` on."""
        return Shifts(share * self.centers + centers, share * self.slopes)


def solve_shifts(rows, held, splits, of_splits, parts):
    """Regress labels on the logits of bins models, separately within each bin.

    Parameters
    ----------
    rows, held : Rows
        All rows, and those held out in all `splits`, one after another.
    splits : list
        With the indices ``inside`` and ``outside`` of rows.
    of_splits : list of tuple
        Weights, biases and centers of the bins model of each split.
    parts : tuple
        The same of all rows.

    Returns
    -------
    predictions : ndarray of shape (n_held,)
        Of the rows held out.
    shifts : list of Shifts
        Of each split, then of all rows.
    """
    paths = [_path(rows[split.inside], part) for split, part in zip(splits, of_splits, strict=True)]
    predictions = np.concatenate(
        [
            starts[:, None] + coefficients @ _columns(rows.X[split.outside], part).T
            for (coefficients, starts), split, part in zip(paths, splits, of_splits, strict=True)
        ],
        axis=1,
    )
    shares = strength_shares(np.abs(predictions - held.y), held.weight)
    shifts = [_shifts(path, shares) for path in [*paths, _path(rows, parts)]]
    return shares @ predictions, shifts


def _columns(X, parts):
    """Probabilities, and their products with logits, of shape (n, n_bins + n_bins ** 2)."""
    weights, bias, _ = parts
    logits = X @ weights.T + bias
    proba = softmax(logits, axis=1)
    logits -= logits.mean(axis=1, keepdims=True)  # as only their differences count
    products = proba[:, :, None] * logits[:, None, :]
    return np.concatenate([proba, products.reshape(len(X), -1)], axis=1)


def _path(rows, parts):
    """Coefficients and intercepts for each penalty."""
    rows = Rows(_columns(rows.X, parts), rows.y, rows.weight, rows.bin_index)
    n_bins, scale = len(parts[1]), standard_scaling(rows).scale
    # Not each column in its own unit: of a bin that few rows are in, little can be learned.
    kinds = scale[:n_bins], scale[n_bins:]
    scale = np.concatenate([np.full_like(kind, np.sqrt((kind**2).mean())) for kind in kinds])
    scaling = Scaling(rows.mean(rows.X), scale)
    coefficients, intercepts, _ = ridge_path(scaling.rows(rows), np.array([], dtype=int))
    return scaling.undo(coefficients, intercepts)


def _shifts(path, shares):
    coefficients, intercepts = path
    coefficients = shares @ coefficients
    n_bins = int(np.sqrt(len(coefficients)))
    # As probabilities have the sum 1, the intercept is a part of each center.
    centers = coefficients[:n_bins] + shares @ intercepts
    slopes = coefficients[n_bins:].reshape(n_bins, n_bins)
    return Shifts(centers, slopes - slopes.mean(axis=1, keepdims=True))
