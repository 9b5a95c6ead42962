"""error_of_mirroring(): whether labels hold for mirror images, too."""

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold

from ..solving.blend import t_value

__all__ = ["ENOUGH_IMAGES", "can_be_tested", "error_of_mirroring"]

ENOUGH_IMAGES = 1000
N_FOLDS = 5
# Standard errors and times the error of the images. On symmetric tasks, mirror images were 2.9
# standard errors worse at most in 600 draws.
CLEARLY, WORTHWHILE = 3.0, 1.1
# A check of the first: with several pictures of one scene, mirror images are just less familiar.
PROBABLY = 2.0


def can_be_tested(y):
    """Return whether there are enough different labels for :func:`error_of_mirroring`."""
    return len(y) >= 2 * N_FOLDS and np.ptp(y) > 0


def error_of_mirroring(features, mirrored, y):
    """Compare how well ridge regressions tell labels from held-out images and mirror images.

    Parameters
    ----------
    features, mirrored : ndarray of shape (n, n_features)
        Embeddings of the images and of their mirror images, in random order.
    y : ndarray of shape (n,)
        Labels.

    Returns
    -------
    float or None
        Mean absolute error for mirror images divided by that for images; None if it is not clearly
        larger, or if learning from both does no harm.
    """
    _, first = np.unique(features, axis=0, return_index=True)
    first.sort()  # equal images would be on both sides of a split
    features, mirrored, y = features[first], mirrored[first], y[first]
    if not can_be_tested(y):
        return None
    y = y - y.mean()
    plain, of_mirrored, with_mirrored = np.zeros((3, len(y)))
    for inside, outside in KFold(N_FOLDS).split(y):
        ridge = _ridge(features[inside], y[inside])
        plain[outside] = np.abs(ridge.predict(features[outside]) - y[outside])
        of_mirrored[outside] = np.abs(ridge.predict(mirrored[outside]) - y[outside])
        both = np.concatenate([features[inside], mirrored[inside]])
        ridge = _ridge(both, np.tile(y[inside], 2))
        with_mirrored[outside] = np.abs(ridge.predict(features[outside]) - y[outside])
    ratio, once = of_mirrored.mean() / plain.mean(), np.ones(len(y))
    is_worse = ratio > WORTHWHILE and t_value(of_mirrored - plain, once) > CLEARLY
    return float(ratio) if is_worse and t_value(with_mirrored - plain, once) > PROBABLY else None


def _ridge(X, y):
    return RidgeCV(np.logspace(-3, 3, 13)).fit(X.astype(float), y)
