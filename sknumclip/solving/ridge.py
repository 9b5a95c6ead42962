"""Ridge regressions on features and on waves, with leave-one-out predictions."""

from dataclasses import astuple, dataclass, replace

import numpy as np

from .blend import strength_shares

__all__ = ["Ridge", "ridge_path", "solve_ridges", "weighted_sum"]

PENALTIES = 10.0 ** np.arange(-3, 4.01, 0.5)  # per feature of variance 1
WAVE_UNIT = 0.45  # about the standard deviation of a wave, (1 - mean kernel) / 2 under the root
_MANY = 4096  # rows per batch of predictions


@dataclass(frozen=True)
class Ridge:
    """A linear function of features and waves, and its leave-one-out predictions."""

    left_out: np.ndarray
    of_features: np.ndarray
    of_waves: np.ndarray
    intercept: float


def solve_ridges(rows, scale, coordinates, tested, of_clip):
    """Solve one ridge on the features, each in its own unit, one on the waves, and maybe another.

    The other is for features that are not CLIP's: on all of them in one unit.

    Parameters
    ----------
    rows : Rows
    scale : ndarray of shape (n_features,)
        Unit of each feature.
    coordinates : Coordinates
    tested : int ndarray of shape (n_tested,)
        Indices of the rows to leave out, one at a time.
    of_clip : bool

    Returns
    -------
    dict of str to Ridge
    """
    no_features, no_waves = np.zeros(rows.X.shape[1]), np.zeros(len(coordinates.phases))
    waves = replace(rows, X=coordinates.waves(rows.X))
    left_out, coefficients, intercept = _solve_ridge(waves, WAVE_UNIT, tested)
    ridges = {"ridge, waves": Ridge(left_out, no_features, coefficients, intercept)}
    del waves  # may be most of the memory
    units = {"ridge": scale} if of_clip else {"ridge": scale, "ridge, one unit": scale.mean()}
    for name, unit in units.items():
        left_out, coefficients, intercept = _solve_ridge(rows, unit, tested)
        ridges[name] = Ridge(left_out, coefficients, no_waves, intercept)
    return ridges


def _solve_ridge(rows, scale, tested):
    """Return leave-one-out predictions, and coefficients and intercept of the fit to all rows."""
    coefficients, intercepts, left_out = ridge_path(rows, scale, tested)
    shares = strength_shares(np.abs(left_out - rows.y[tested]), rows.weight[tested])
    return shares @ left_out, shares @ coefficients, shares @ intercepts


def weighted_sum(ridges, shares):
    """Add up ridges, each times its share.

    Parameters
    ----------
    ridges : dict of str to Ridge
    shares : dict of str to float

    Returns
    -------
    Ridge
    """
    terms = [[shares[name] * value for value in astuple(ridge)] for name, ridge in ridges.items()]
    return Ridge(*(sum(column) for column in zip(*terms, strict=True)))


def ridge_path(rows, scale, tested):
    """Fit a ridge regression for each of ``PENALTIES``.

    Parameters
    ----------
    rows : Rows
    scale : float or ndarray of shape (n_features,)
        Unit of each feature.
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
    X /= scale  # in place, as X may be most of the memory
    X *= root[:, None]
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
    coefficients /= scale
    return coefficients, y_mean - coefficients @ X_mean, left_out
