"""Centers that move with the logits, fitted by a ridge regression."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.preprocessing import StandardScaler

from .blend import strength_shares
from .ridge import RidgePath
from .rows import Rows

__all__ = ["MANY_BINS", "Shifts", "solve_shifts"]

MANY_BINS = 20  # the number of slopes to learn is its square


@dataclass(frozen=True)
class Shifts:
    """Centers c + S · logits; the prediction is their mean, weighted by the probabilities."""

    centers: np.ndarray
    """c, shape (n_bins,)."""
    slopes: np.ndarray
    """S, shape (n_bins, n_bins)."""

    @classmethod
    def none(cls, n_bins):
        """Return centers and slopes of zero."""
        return cls(np.zeros(n_bins), np.zeros((n_bins, n_bins)))

    def blend(self, share, centers):
        """Multiply these shifts by `share` and add `centers`."""
        return Shifts(share * self.centers + centers, share * self.slopes)


def solve_shifts(rows, held, splits, of_splits, of_all):
    """Regress the labels on the logits of the bins models, separately within each bin.

    Parameters
    ----------
    rows, held : Rows
        All rows, and the held-out rows of all `splits`, concatenated.
    splits : list
        With the indices of the rows ``inside`` and ``outside``.
    of_splits : list of FittedBins
        Of each split.
    of_all : FittedBins
        Of all rows.

    Returns
    -------
    predictions : ndarray of shape (n_held,)
        Of the held-out rows.
    shifts : list of Shifts
        Of each split, and of all rows.
    """
    paths = [_path(rows[split.inside], bins) for split, bins in zip(splits, of_splits, strict=True)]
    predictions = np.concatenate(
        [
            starts[:, None] + coefficients @ _columns(rows[split.outside], bins).T
            for (coefficients, starts), split, bins in zip(paths, splits, of_splits, strict=True)
        ],
        axis=1,
    )
    shares = strength_shares(np.abs(predictions - held.y), held.weight)
    shifts = [_shifts(path, shares) for path in [*paths, _path(rows, of_all)]]
    return shares @ predictions, shifts


def _columns(rows, bins):
    """Return probabilities and their products with logits, shape (n, n_bins + n_bins ** 2)."""
    logits = bins.logits(rows)
    proba = softmax(logits, axis=1)
    logits -= logits.mean(axis=1, keepdims=True)  # only their differences matter
    products = proba[:, :, None] * logits[:, None, :]
    return np.concatenate([proba, products.reshape(len(rows), -1)], axis=1)


def _path(rows, bins):
    """Return coefficients and intercepts for each penalty."""
    rows = Rows(_columns(rows, bins), rows.y, rows.weight, rows.bin_index)
    n_bins = len(bins.bias)
    scale = StandardScaler().fit(rows.X, sample_weight=rows.weight).scale_
    # One unit for all columns of a kind: a bin with few rows must stay hard to learn.
    kinds = scale[:n_bins], scale[n_bins:]
    scale = np.concatenate([np.full_like(kind, np.sqrt((kind**2).mean())) for kind in kinds])
    path = RidgePath(rows.X, rows.weight, scale, np.array([], dtype=int))
    return path.solve(rows.X, rows.y, rows.weight)[:2]


def _shifts(path, shares):
    coefficients, intercepts = path
    coefficients = shares @ coefficients
    n_bins = int(np.sqrt(len(coefficients)))
    # Probabilities sum to 1, so the intercept can be added to each center.
    centers = coefficients[:n_bins] + shares @ intercepts
    slopes = coefficients[n_bins:].reshape(n_bins, n_bins)
    return Shifts(centers, slopes - slopes.mean(axis=1, keepdims=True))
