"""Ridge regression along a path of penalties, out of fold."""

import numpy as np

__all__ = ["ridge_path"]

PENALTIES = 10.0 ** np.arange(-3, 4.01, 0.5)  # for each feature of variance 1


def ridge_path(rows):
    """Solve for each of ``PENALTIES``.

    Parameters
    ----------
    rows : Rows
        With features of about variance 1.

    Returns
    -------
    coefficients : ndarray of shape (n_penalties, n_features)
    intercepts : ndarray of shape (n_penalties,)
    """
    X_mean, y_mean = rows.mean(rows.X), rows.mean(rows.y)
    root = np.sqrt(rows.weight)
    X, y = (rows.X - X_mean) * root[:, None], (rows.y - y_mean) * root
    penalties = PENALTIES[:, None] * X.shape[1]
    if len(X) < X.shape[1]:  # by the smaller of the two square matrices
        values, vectors = np.linalg.eigh(X @ X.T)
        coefficients = (vectors.T @ y / (values + penalties)) @ vectors.T @ X
    else:
        values, vectors = np.linalg.eigh(X.T @ X)
        coefficients = (vectors.T @ (X.T @ y) / (values + penalties)) @ vectors.T
    return coefficients, y_mean - coefficients @ X_mean
