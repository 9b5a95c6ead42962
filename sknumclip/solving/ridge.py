"""Ridge regressions on features and on waves, with leave-one-out predictions."""

from dataclasses import astuple, dataclass

import numpy as np

from .blend import strength_shares

__all__ = ["WAVES", "WAVE_UNIT", "Ridge", "RidgePath", "solve_ridges", "weighted_sum"]

PENALTIES = 10.0 ** np.arange(-3, 4.01, 0.5)  # per feature of variance 1
WAVE_UNIT = 0.45  # about the standard deviation of a wave, (1 - mean kernel) / 2 under the root
WAVES = "ridge, waves"  # name of the path on waves
NEGLIGIBLE = 1e-12  # variance along an axis, as a share of the largest: rounding noise
_BATCH = 4096


@dataclass(frozen=True)
class Ridge:
    """A linear function of features and waves, and maybe zero-shot CLIP, to be added up."""

    left_out: np.ndarray
    """Leave-one-out predictions."""
    of_text: float
    """1 if the rest is added to the predictions of zero-shot CLIP, else 0."""
    of_features: np.ndarray
    of_waves: np.ndarray
    intercept: float


def solve_ridges(paths, rows, coordinates, start):
    """Fit a ridge for each path: to the labels, or to what zero-shot CLIP leaves of them.

    Parameters
    ----------
    paths : dict of str to RidgePath
        One of them, ``WAVES``, on the waves of the features.
    rows : Rows
    coordinates : Coordinates
        Whose waves these are.
    start : ndarray of shape (n,) or None
        Predictions of zero-shot CLIP to start from.

    Returns
    -------
    dict of str to Ridge
    """
    from_text = start is not None
    start = start if from_text else np.zeros(len(rows))
    ridges = {}
    for name, path in paths.items():
        features = coordinates.waves if name == WAVES else np.asarray
        left = rows.y - start
        coefficients, intercepts, left_out = path.solve(rows.X, left, rows.weight, features)
        left_out += start[path.tested]
        errors = np.abs(left_out - rows.y[path.tested])
        shares = strength_shares(errors, rows.weight[path.tested])
        of_features, of_waves = np.zeros(rows.X.shape[1]), np.zeros(len(coordinates.phases))
        if name == WAVES:
            of_waves = shares @ coefficients
        else:
            of_features = shares @ coefficients
        intercept = shares @ intercepts
        ridges[name] = Ridge(shares @ left_out, float(from_text), of_features, of_waves, intercept)
    return ridges


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


class RidgePath:
    """Ridge regressions on the same features, for each of ``PENALTIES`` and for any labels.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    weight : ndarray of shape (n,)
    scale : float or ndarray of shape (n_features,)
        Unit of each feature.
    tested : int ndarray of shape (n_tested,)
        Indices of the rows to leave out, one at a time.
    """

    def __init__(self, X, weight, scale, tested):
        self.origin, self.scale, self.tested = np.average(X, axis=0, weights=weight), scale, tested
        X = X - self.origin
        X /= scale  # in place, as X may be most of the memory
        X *= np.sqrt(weight)[:, None]
        values, self.axes = _axes(X)
        # Along each axis, for each penalty: shape (n_penalties, n_axes).
        self.inverse = 1 / (values + PENALTIES[:, None] * X.shape[1])
        leverage = np.empty((len(PENALTIES), len(tested)))
        for part in _parts(len(tested)):
            leverage[:, part] = self.inverse @ ((X[tested[part]] @ self.axes.T) ** 2).T
        self.kept = 1 - leverage - weight[tested] / weight.sum()

    @property
    def nbytes(self):
        """Bytes of what is large."""
        return self.axes.nbytes + self.inverse.nbytes + self.kept.nbytes

    def solve(self, X, y, weight, features=np.asarray):
        """Fit to labels.

        Parameters
        ----------
        X : ndarray of shape (n, n_columns)
        y, weight : ndarray of shape (n,)
        features : callable, default=numpy.asarray
            From rows of `X` to the features that the path is of, in batches to save memory.

        Returns
        -------
        coefficients : ndarray of shape (n_penalties, n_features)
        intercepts : ndarray of shape (n_penalties,)
        left_out : ndarray of shape (n_penalties, n_tested)
            Prediction for each of the tested rows by a model fitted to all others.
        """
        if len(X) <= _BATCH:  # compute them once
            X, features = features(X), np.asarray
        y_mean = np.average(y, weights=weight)
        y = y - y_mean
        # Centered: a large constant would otherwise leave its rounding noise.
        moments = sum(
            (features(X[part]) - self.origin).T @ (weight * y)[part] for part in _parts(len(X))
        )
        coefficients = (self.axes @ (moments / self.scale) * self.inverse) @ self.axes / self.scale
        left_out = np.empty((len(PENALTIES), len(self.tested)))
        for part in _parts(len(self.tested)):
            rows = self.tested[part]
            residual = y[rows] - coefficients @ (features(X[rows]) - self.origin).T
            left_out[:, part] = y_mean + y[rows] - residual / self.kept[:, part].clip(1e-6)
        return coefficients, y_mean - coefficients @ self.origin, left_out


def _axes(X):
    """Return the eigenvalues of X.T @ X and the axes, shape (n_axes, n_features)."""
    if len(X) >= X.shape[1]:
        values, vectors = np.linalg.eigh(X.T @ X)
        return values.clip(0), vectors.T
    values, vectors = np.linalg.eigh(X @ X.T)  # the smaller of the two matrices
    used = values > NEGLIGIBLE * values[-1]
    return values[used], vectors[:, used].T @ X / np.sqrt(values[used])[:, None]


def _parts(n):
    """Return slices, as scikit-learn's gen_batches, which refuses n = 0."""
    return [slice(start, start + _BATCH) for start in range(0, n, _BATCH)]
