"""Coordinates and ridges: what candidates of a search share if only bins or losses differ."""

from dataclasses import dataclass

import joblib
import numpy as np
from sklearn.preprocessing import StandardScaler

from ..machine.recent import RecentlyUsed
from .coordinates import Coordinates, coordinates_of
from .ridge import solve_ridges
from .rows import MANY_ROWS

__all__ = ["FeatureParts", "feature_parts"]

_RECENT = RecentlyUsed(256 * 2**20)  # 2,000 embeddings of length 512 take 15


@dataclass(frozen=True)
class FeatureParts:
    """Parts of a solved fit that depend on neither bins nor losses."""

    coordinates: Coordinates
    ridges: dict
    """From names to Ridge."""
    X: np.ndarray
    """The rows in coordinates, shape (n, n_coordinates)."""

    @property
    def nbytes(self):
        """Bytes of what is large."""
        of_coordinates = self.coordinates.of_features.nbytes + self.coordinates.of_waves.nbytes
        return self.X.nbytes + of_coordinates


def feature_parts(rows, tested, seed, of_clip):
    """Compute the parts, or return those of an earlier fit to the same rows.

    Parameters
    ----------
    rows : Rows
    tested : int ndarray of shape (n_tested,)
        Indices of the rows that the ridges leave out, one at a time.
    seed : int
    of_clip : bool
        Whether the features are CLIP's.

    Returns
    -------
    FeatureParts
    """
    key = joblib.hash((rows.X, rows.y, rows.weight, tested, seed, of_clip))
    parts = _RECENT.get(key)
    if parts is None:
        parts = _feature_parts(rows, tested, seed, of_clip)
        _RECENT.put(key, parts)
    return parts


def _feature_parts(rows, tested, seed, of_clip):
    some = rows[:: -(-len(rows) // MANY_ROWS)]  # tell as much of the features as all
    standard = StandardScaler().fit(some.X, sample_weight=some.weight)
    coordinates = coordinates_of(some.X, *_unit(standard, of_clip), seed)
    ridges = solve_ridges(rows, standard.scale_, coordinates, tested, of_clip)
    return FeatureParts(coordinates, ridges, coordinates(rows.X))


def _unit(standard, of_clip):
    """Leave CLIP embeddings as they are, to be compared with texts; scale other features."""
    if of_clip:
        return np.zeros_like(standard.mean_), np.ones_like(standard.scale_)
    return standard.mean_, standard.scale_ * np.sqrt(len(standard.scale_))
