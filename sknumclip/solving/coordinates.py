"""Coordinates of the bins model: principal axes of the features and of bent functions of them."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import RBFSampler
from sklearn.metrics import pairwise_distances
from sklearn.utils import gen_batches

from ..model import N_WAVES

__all__ = ["Coordinates", "coordinates_of"]

WAVES_SIZE = 0.5  # root mean square of all waves together; that of all features is 1
CLOSENESS = 0.5  # at the median distance, the kernel is exp(-0.5)
KEPT = 0.998  # share of the variance
_BATCH = 4096


@dataclass(frozen=True)
class Coordinates:
    """Linear functions of features x and of waves cos((x - start) / unit · frequencies + phases).

    With enough waves (random Fourier features: Rahimi and Recht, 2007), a ridge regression on them
    is one with a Gaussian kernel.
    """

    start: np.ndarray
    """Shape (n_features,)."""
    unit: np.ndarray
    """Shape (n_features,)."""
    frequencies: np.ndarray
    """Shape (n_features, n_waves), float16: any will do, and saved models stay small."""
    phases: np.ndarray
    """Shape (n_waves,)."""
    of_features: np.ndarray
    """Shape (n_features, n_coordinates)."""
    of_waves: np.ndarray
    """Shape (n_waves, n_coordinates)."""
    origin: np.ndarray
    """Mean of the coordinates before they were centered, shape (n_coordinates,)."""

    def __call__(self, X):
        """Return the coordinates of features, shape (n, n_coordinates)."""
        found = X @ self.of_features
        for batch in gen_batches(len(X), _BATCH):
            found[batch] += self.waves(X[batch]) @ self.of_waves
        found -= self.origin
        return found

    def waves(self, X):
        """Return the waves of features, shape (n, n_waves)."""
        frequencies = self.frequencies / self.unit[:, None]
        waves = X @ frequencies
        waves += self.phases - self.start @ frequencies
        return np.cos(waves, out=waves)

    def undo(self, weights, intercept):
        """Convert weights of coordinates to those of features and of waves, and the intercept.

        Parameters
        ----------
        weights : ndarray of shape (..., n_coordinates)
        intercept : float or ndarray of shape (...,)

        Returns
        -------
        of_features : ndarray of shape (..., n_features)
        of_waves : ndarray of shape (..., n_waves)
        intercept : float or ndarray of shape (...,)
        """
        intercept = intercept - weights @ self.origin
        return weights @ self.of_features.T, weights @ self.of_waves.T, intercept


def coordinates_of(X, start, unit, seed):
    """Return the coordinates that have most of the variance.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    start, unit : ndarray of shape (n_features,)
        ``(X - start) / unit`` has rows of length 1 or so.
    seed : int
        Of the waves.

    Returns
    -------
    Coordinates
    """
    X = (X - start) / unit
    sampler = RBFSampler(gamma=_gamma(X), n_components=N_WAVES, random_state=seed).fit(X)
    frequencies, phases = sampler.random_weights_.astype(np.float16), sampler.random_offset_
    size = WAVES_SIZE * np.sqrt(2 / N_WAVES)
    both = np.hstack([X, size * np.cos(X @ frequencies + phases)])
    axes, mean = _main_axes(both)
    of_features = axes[: len(unit)] / unit[:, None]
    return Coordinates(
        start=start,
        unit=unit,
        frequencies=frequencies,
        phases=phases,
        of_features=of_features,
        of_waves=size * axes[len(unit) :],
        origin=mean @ axes + start @ of_features,
    )


def _main_axes(X):
    """Return the axes with most of the variance, shape (n_features, n_axes), and the mean."""
    if not np.ptp(X, axis=0).any():  # equal rows
        return np.zeros((X.shape[1], 1)), X[0]
    solver = "full" if len(X) < X.shape[1] else "covariance_eigh"
    pca = PCA(KEPT, svd_solver=solver).fit(X)
    return pca.components_.T, pca.mean_


def _gamma(X):
    """Return the factor on squared distances in the Gaussian kernel."""
    some = X[:: -(-len(X) // 300)]
    squared = pairwise_distances(some, metric="sqeuclidean")[np.triu_indices(len(some), 1)]
    median = np.median(squared) if len(squared) else 0.0
    return CLOSENESS / median if median > 1e-12 else 1.0
