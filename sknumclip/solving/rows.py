"""Rows of a solved fit: equal rows are merged and their weights added; folds."""

import hashlib
from dataclasses import dataclass

import numpy as np

__all__ = ["Rows", "folds_of", "merge_rows", "n_folds", "weighted_quantile"]


N_FOLDS = 5


@dataclass(frozen=True)
class Rows:
    """Features, labels, weights and bins of samples, in float64."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    """A row of weight 2 counts as two rows."""
    bin_index: np.ndarray

    def __len__(self):
        return len(self.y)

    def __getitem__(self, indices):
        return Rows(self.X[indices], self.y[indices], self.weight[indices], self.bin_index[indices])

    def mean(self, values):
        """Return the weighted mean over the rows."""
        return np.average(values, axis=0, weights=self.weight)

    def median(self):
        """Return the weighted median of the labels."""
        return weighted_quantile(self.y, 0.5, self.weight)


def weighted_quantile(values, quantile, weight):
    """Return the smallest value with at least a share `quantile` of the weight at or below it."""
    order = np.argsort(values)
    below = np.cumsum(weight[order])
    return values[order][min(np.searchsorted(below, quantile * below[-1]), len(order) - 1)]


def merge_rows(rows):
    """Merge equal rows, add up their weights, and sort by content.

    Then a fit does not depend on the order of the samples, and a sample that occurs twice counts as
    one of weight 2. The order, and so the folds, are the same if features are rounded differently
    or labels have another unit: it is that of the labels, then of the first features.
    """
    digests = np.array([_digest(x, y) for x, y in zip(rows.X, rows.y, strict=True)])
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    merged = rows[first]
    weight = np.bincount(inverse, weights=rows.weight)
    order = np.lexsort((*merged.X[:, 2::-1].T, merged.y))  # ties stay in the order of the digests
    return Rows(merged.X, merged.y, weight, merged.bin_index)[order]


def _digest(x, y):
    digest = hashlib.blake2b(np.ascontiguousarray(x), digest_size=16)
    digest.update(np.float64(y))
    return digest.digest()


def n_folds(n_rows):
    """Return the number of folds: five, or the number of rows if that is smaller."""
    return min(N_FOLDS, n_rows)


def folds_of(rows, rng):
    """Return the indices of the rows of each fold, shuffled by `rng`."""
    return np.array_split(rng.permutation(len(rows)), n_folds(len(rows)))
