"""Coordinates and ridge axes: what candidates of a search share if bins, words or losses differ."""

from dataclasses import dataclass

import joblib
import numpy as np
from sklearn.preprocessing import StandardScaler

from ..machine.recent import RecentlyUsed
from .coordinates import Coordinates, coordinates_of
from .ridge import WAVE_UNIT, WAVES, RidgePath
from .rows import MANY_ROWS

__all__ = ["FeatureParts", "feature_parts"]

_RECENT = RecentlyUsed(256 * 2**20)  # 2,000 embeddings of length 512 take 20


@dataclass(frozen=True)
class FeatureParts:
    """Parts of a solved fit that depend on features only, not on labels, bins or losses."""

    coordinates: Coordinates
    X: np.ndarray
    """The rows in coordinates, shape (n, n_coordinates)."""
    paths: dict
    """From names to RidgePath."""

    @property
    def nbytes(self):
        """Bytes of what is large."""
        of_coordinates = self.coordinates.of_features.nbytes + self.coordinates.of_waves.nbytes
        return self.X.nbytes + of_coordinates + sum(path.nbytes for path in self.paths.values())


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
    key = joblib.hash((rows.X, rows.weight, tested, seed, of_clip))
    parts = _RECENT.get(key)
    if parts is None:
        parts = _feature_parts(rows, tested, seed, of_clip)
        _RECENT.put(key, parts)
    return parts


def _feature_parts(rows, tested, seed, of_clip):
    some = rows[:: -(-len(rows) // MANY_ROWS)]  # tell as much of the features as all
    standard = StandardScaler().fit(some.X, sample_weight=some.weight)
    scale = standard.scale_
    coordinates = coordinates_of(some.X, *_unit(standard, of_clip), seed)
    paths = {WAVES: RidgePath(coordinates.waves(rows.X), rows.weight, WAVE_UNIT, tested)}
    units = {"ridge": scale} if of_clip else {"ridge": scale, "ridge, one unit": scale.mean()}
    for name, unit in units.items():
        paths[name] = RidgePath(rows.X, rows.weight, unit, tested)
    return FeatureParts(coordinates, coordinates(rows.X), paths)


def _unit(standard, of_clip):
    """Leave CLIP embeddings as they are, to be compared with texts; scale other features."""
    if of_clip:
        return np.zeros_like(standard.mean_), np.ones_like(standard.scale_)
    return standard.mean_, standard.scale_ * np.sqrt(len(standard.scale_))
