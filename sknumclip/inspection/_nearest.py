"""nearest_images(): the nearest training images by embedding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from .._typing import ImagesOrFeatures
from ..estimators.input_types import as_images
from ..estimators.neighbors import check_neighbors, nearest_rows

__all__ = ["nearest_images"]


def nearest_images(
    estimator: Any,
    X: ImagesOrFeatures,
    X_train: ImagesOrFeatures,
    y_train: ArrayLike | None = None,
    *,
    k: int = 5,
) -> pd.DataFrame:
    """Find the training images that are nearest to each image, by their embeddings.

    Estimators keep no images, so that a saved model reveals no one's image; pass them again.

    Parameters
    ----------
    estimator : NumCLIPRegressor, NumCLIPClassifier, CLIPEmbedder or another transformer
        Computes the embeddings. If it is not fitted, such as ``CLIPEmbedder()``, a copy is fitted
        on the training images.
    X : as for ``estimator.transform``
        Images to find neighbors of.
    X_train : as for ``estimator.transform``
        Images to search.
    y_train : array-like of shape (n_train,), default=None
        Labels of `X_train`.
    k : int, default=5
        Number of neighbors for each image.

    Returns
    -------
    DataFrame
        `k` rows for each image, the nearest first: ``image`` and ``neighbor``, paths, or positions
        if there is no path; ``position`` and ``neighbor_position``; ``rank`` from 1;
        ``similarity``, the cosine of the embeddings; and ``label``, that of the neighbor, if
        `y_train` was passed. Unreadable images, with an estimator that skips them, have no rows
        and are never neighbors.

    Raises
    ------
    TypeError
        If the estimator has no ``transform``.
    ImageReadError
        If images cannot be read and the estimator has ``on_error="raise"``.
    ValueError
        If there are fewer than `k` training images, or lengths differ.

    Examples
    --------
    >>> from sknumclip import CLIPEmbedder
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.inspection import nearest_images
    >>> X, y = make_counting_images(60, random_state=0)
    >>> embedder = CLIPEmbedder(model_name="tiny", verbose=0)
    >>> table = nearest_images(embedder, X[50:], X[:50], y[:50], k=3)
    >>> table.groupby("image")["label"].mean().shape
    (10,)
    """
    check_neighbors("k", k, X_train, y_train)
    embed = transformer(estimator, X_train)
    index, similarity = nearest_rows(embed(X), embed(X_train), k)
    place, rank = np.nonzero(index >= 0)
    neighbor = index[place, rank]
    table = pd.DataFrame(
        {
            "image": labels_of(as_images(X), place),
            "neighbor": labels_of(as_images(X_train), neighbor),
            "position": place,
            "neighbor_position": neighbor,
            "rank": rank + 1,
            "similarity": similarity[place, rank],
        }
    )
    if y_train is not None:
        table["label"] = np.asarray(column_or_1d(y_train))[neighbor]
    return table


def transformer(estimator, X):
    """Return ``transform`` of an estimator, or of a copy fitted on X if it is not fitted."""
    if not hasattr(estimator, "transform"):
        raise TypeError(
            "estimator must convert images to embeddings, like CLIPEmbedder and NumCLIPRegressor. "
            f"Got {estimator!r:.100}, which has no transform."
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        estimator = clone(estimator).fit(X)
    return lambda X: np.asarray(estimator.transform(X), dtype=np.float32)


def labels_of(images, positions):
    """Return the paths of Images, or positions if they have none or `images` is None."""
    if images is None:
        return positions
    found = [images.label(i) for i in positions.tolist()]
    return pd.Series(found).infer_objects().to_numpy()  # without an index, so not aligned
