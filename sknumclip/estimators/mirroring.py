"""error_of_mirroring(): whether labels hold for mirror images, too."""

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold

__all__ = ["error_of_mirroring"]

ENOUGH = 1000  # images
CONVINCING = 3.0  # standard errors: on symmetric tasks, 2.9 at most in 600 draws of 50 and more
WORTHWHILE = 1.1  # times the error of the images
N_FOLDS = 5


def error_of_mirroring(features, mirrored, y, seed):
    """Compare how well labels can be told from images and from mirror images, out of fold.

    Parameters
    ----------
    features, mirrored : ndarray of shape (n, n_features)
        Embeddings of the images and of their mirror images.
    y : ndarray of shape (n,)
        Labels.
    seed : int
        Of the folds, and of the images to compare if there are many.

    Returns
    -------
    float or None
        Error of mirror images divided by that of the images; None if it is not clearly larger.
    """
    some = np.random.default_rng(seed).permutation(len(y))[:ENOUGH]
    if len(some) < 2 * N_FOLDS or np.ptp(y[some]) == 0:
        return None
    features, mirrored, y = features[some], mirrored[some], y[some]
    errors, mirrored_errors = np.zeros(len(y)), np.zeros(len(y))
    for inside, outside in KFold(N_FOLDS).split(y):
        ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(features[inside], y[inside])
        errors[outside] = np.abs(ridge.predict(features[outside]) - y[outside])
        mirrored_errors[outside] = np.abs(ridge.predict(mirrored[outside]) - y[outside])
    differences = mirrored_errors - errors
    noise = differences.std(ddof=1) / np.sqrt(len(y))
    if differences.mean() < max(CONVINCING * noise, (WORTHWHILE - 1) * errors.mean()):
        return None
    return float(mirrored_errors.mean() / errors.mean())
