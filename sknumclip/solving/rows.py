"""Rows of a solved fit: equal rows are merged and their weights added; folds."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["MANY_ROWS", "Rows", "folds_of", "merge_rows", "n_folds", "weighted_quantile"]

N_FOLDS = 5
MANY_ROWS = 20_000  # are enough to choose coordinates and penalties


@dataclass(frozen=True)
class Rows:
    """Features, labels, weights and bins of samples, in float64."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    """A row of weight 2 counts as two rows."""
    bin_index: np.ndarray
    zero_shot: np.ndarray | None = None
    """Logits of zero-shot CLIP, shape (n, n_bins), or zeros; only where X are coordinates."""

    def __len__(self):
        return len(self.y)

    def __getitem__(self, indices):
        columns = self.X, self.y, self.weight, self.bin_index, self.zero_shot
        return Rows(*(None if column is None else column[indices] for column in columns))

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
    weight = np.bincount(inverse, weights=rows.weight)
    order = np.lexsort((*rows.X[first, 2::-1].T, rows.y[first]))  # ties: as the digests
    return replace(rows[first[order]], weight=weight[order])


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
