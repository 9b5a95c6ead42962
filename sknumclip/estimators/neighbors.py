"""Nearest training images by embedding, for explain(neighbors=...)."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from sklearn.utils import column_or_1d

from .input_types import as_images

__all__ = ["Neighbor", "add_neighbors", "check_neighbors", "nearest_rows"]


class Neighbor(NamedTuple):
    """A training image: its path (or position, if it has none), label and cosine similarity."""

    image: Any
    label: Any
    similarity: float


def check_neighbors(name, k, X_train, y_train):
    """Raise ValueError unless there are `k` training images, and one label for each, if given."""
    if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
        raise ValueError(f"{name} must be an int of at least 1. Got {name}={k!r}.")
    if X_train is None:
        raise ValueError(
            f"{name}={k} needs the training images, which estimators do not keep: pass them as "
            "X_train, and their labels as y_train."
        )
    if len(X_train) < k:
        raise ValueError(f"{name}={k}, but X_train has only {len(X_train)} images.")
    if y_train is not None and len(column_or_1d(y_train)) != len(X_train):
        raise ValueError(f"X_train has {len(X_train)} images, but y_train {len(y_train)} labels.")


def nearest_rows(rows, known, k):
    """Find the nearest rows by cosine similarity, without a table of all pairs.

    Parameters
    ----------
    rows : array-like of shape (n, n_features)
    known : array-like of shape (n_known, n_features)
        Rows of NaN (unreadable images) are never neighbors.
    k : int

    Returns
    -------
    index : ndarray of int of shape (n, k)
        Positions in `known`, the nearest first; -1 for rows of NaN, and if there are too few.
    similarity : ndarray of shape (n, k)
        NaN where the index is -1.
    """
    # Embeddings may be tables, if scikit-learn is set to transform_output="pandas".
    rows, known = np.asarray(rows), np.asarray(known)
    asked, there = (np.flatnonzero(np.isfinite(part).all(axis=1)) for part in (rows, known))
    index, similarity = np.full((len(rows), k), -1), np.full((len(rows), k), np.nan)
    found = min(k, len(there))
    if len(asked) and found:
        search = NearestNeighbors(n_neighbors=found, algorithm="brute")
        search.fit(normalize(known[there]))
        distance, place = search.kneighbors(normalize(rows[asked]))
        index[asked, :found] = there[place]
        similarity[asked, :found] = 1 - distance**2 / 2
    return index, similarity


def add_neighbors(table, estimator, X, k, X_train, y_train):
    """Add the column ``neighbors`` to an Explanation, unless `k` is None."""
    if k is None:
        if X_train is not None or y_train is not None:
            raise ValueError(
                "X_train and y_train need neighbors, the number of images to show: pass "
                "neighbors=3, for example."
            )
        return table
    check_neighbors("neighbors", k, X_train, y_train)
    index, similarity = nearest_rows(estimator.transform(X), estimator.transform(X_train), k)
    images = as_images(X_train)
    labels = None if y_train is None else np.asarray(column_or_1d(y_train)).tolist()
    cells = np.empty(len(table), dtype=object)
    for row, (places, values) in enumerate(zip(index.tolist(), similarity.tolist(), strict=True)):
        cells[row] = tuple(
            Neighbor(
                place if images is None else images.label(place),
                None if labels is None else labels[place],
                value,
            )
            for place, value in zip(places, values, strict=True)
            if place >= 0
        )
    table = table.assign(neighbors=cells)
    table._training = images
    return table
