"""Each sample as seen by a model that was fitted without it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing  # documented by scikit-learn, in spite of its name

from ..estimators.base import BaseCLIPEstimator
from ..estimators.neighbors import nearest_rows
from ._pictures import read_thumbnails

__all__ = ["Held", "check_all_readable", "out_of_fold"]


@dataclass(frozen=True)
class Held:
    """What models say of samples that they have not seen."""

    prediction: np.ndarray
    """Of shape (n,); NaN for images that cannot be read."""
    neighbor_labels: np.ndarray
    """Labels of the nearest training images by embedding, of shape (n, k); NaN where there are
    none, as with models that embed nothing."""


def out_of_fold(estimator, X, y, splits, sample_weight, n_neighbors):
    """Fit on each training part, and predict the rest.

    Parameters
    ----------
    estimator : regressor
        Is cloned.
    X : sequence
    y : ndarray of shape (n,)
    splits : list of (train, test)
        Each sample must be tested once.
    sample_weight : ndarray of shape (n,) or None
    n_neighbors : int

    Returns
    -------
    Held
    """
    tested = np.bincount(np.concatenate([test for _, test in splits]), minlength=len(y))
    if (tested != 1).any():
        raise ValueError(
            "cv must test each sample once, as KFold does. Got splits that test "
            f"{(tested == 0).sum()} of {len(y)} samples never and {(tested > 1).sum()} more than "
            "once."
        )
    held = Held(np.full(len(y), np.nan), np.full((len(y), n_neighbors), np.nan))
    for train, test in splits:
        weight = {} if sample_weight is None else {"sample_weight": sample_weight[train]}
        known, asked = _safe_indexing(X, train), _safe_indexing(X, test)
        with warnings.catch_warnings():
            # One warning for all folds comes at the end, of attributes that the user can see.
            warnings.filterwarnings("ignore", ".* could not be read", UserWarning)
            model = clone(estimator).fit(known, y[train], **weight)
            held.prediction[test] = np.ravel(model.predict(asked))
            if _embeds(model):
                k = min(n_neighbors, len(train))
                index, _ = nearest_rows(model.transform(asked), model.transform(known), k)
                held.neighbor_labels[test, :k] = np.where(index < 0, np.nan, y[train][index])
    return held


def check_all_readable(images, error):
    """Raise an ImageReadError of all images that cannot be read, not only of those in one fold."""
    if images is not None:
        read_thumbnails(images, "raise", 0)
    raise error


def _embeds(model):
    """Whether ``transform`` embeds; that of a stack returns predictions."""
    last = model[-1] if isinstance(model, Pipeline) else model
    return isinstance(last, BaseCLIPEstimator)
