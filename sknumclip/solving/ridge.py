"""Ridge regression for a path of penalties, with leave-one-out predictions."""

import numpy as np

__all__ = ["ridge_path"]

PENALTIES = 10.0 ** np.arange(-3, 4.01, 0.5)  # per feature of variance 1
_MANY = 4096  # rows per batch of predictions


def ridge_path(rows, tested):
    """Fit a ridge regression for each of ``PENALTIES``.

    Parameters
    ----------
    rows : Rows
        With features of variance 1 or so.
    tested : int ndarray of shape (n_tested,)
        Indices of the rows to leave out, one at a time.

    Returns
    -------
    coefficients : ndarray of shape (n_penalties, n_features)
    intercepts : ndarray of shape (n_penalties,)
    left_out : ndarray of shape (n_penalties, n_tested)
        Prediction for each of these rows by a model fitted to all others.
    """
    X_mean, y_mean = rows.mean(rows.X), rows.mean(rows.y)
    root = np.sqrt(rows.weight)
    X, y = rows.X - X_mean, (rows.y - y_mean) * root
    X *= root[:, None]  # in place, as X may be most of the memory
    penalties = PENALTIES[:, None] * X.shape[1]
    if len(X) < X.shape[1]:  # use the smaller of the two square matrices
        values, vectors = np.linalg.eigh(X @ X.T)
        values = values.clip(0)
        axes = vectors.T @ X
        along = vectors.T @ y / (values + penalties)
    else:
        values, vectors = np.linalg.eigh(X.T @ X)
        values = values.clip(0)
        axes = vectors.T
        along = axes @ (X.T @ y) / (values + penalties)
    coefficients = along @ axes
    fitted, leverage = [], []
    of_axes = values if len(X) < X.shape[1] else np.ones_like(values)  # squared lengths
    for part in np.array_split(tested, max(1, len(tested) // _MANY)):
        shares = (X[part] @ axes.T) ** 2 / np.where(of_axes > 0, of_axes, 1.0)
        leverage.append(shares @ (1 / (values + penalties)).T)
        fitted.append(X[part] @ coefficients.T)
    leverage = np.concatenate(leverage).T + rows.weight[tested] / rows.weight.sum()
    residual = (y[tested] - np.concatenate(fitted).T) / (1 - leverage).clip(1e-6)
    left_out = rows.y[tested] - residual / root[tested]
    return coefficients, y_mean - coefficients @ X_mean, left_out
