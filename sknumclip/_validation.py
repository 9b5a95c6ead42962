"""Checks of what users pass in, and the only importer of scikit-learn's private helpers."""

import os
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

from ._urls import check_urls
from .images import Images

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "as_images",
    "check_template",
    "check_y_and_weight",
]

_WHAT_X_MAY_BE = (
    "X must be a list, array or Series of image paths, a one-column DataFrame of paths, a list of "
    "PIL images, a uint8 array of shape (n_images, height, width, 3), or, with fine_tune='none', a "
    "2-D array of features."
)


def as_images(X):
    """See whether `X` is images.

    Parameters
    ----------
    X : object
        What a user passed to ``fit`` or ``predict``.

    Returns
    -------
    Images or None
        None if it should be checked as a 2-D array of features.

    Raises
    ------
    TypeError or ValueError
        If it is nearly images, but not quite.
    """
    if isinstance(X, (str, os.PathLike, Image.Image)):
        raise TypeError(f"X is a single image; put it in a list: [X]. Got X={X!r}.")
    if hasattr(X, "__next__"):
        raise TypeError(f"X must have a length, so make it a list: list(X). Got X={X!r}.")
    X = _as_list_or_array(X)
    if isinstance(X, (list, tuple, np.ndarray)) and len(X) == 0 and np.ndim(X) in (1, 4):
        raise ValueError(f"X is empty: found 0 images. {_WHAT_X_MAY_BE}")
    if isinstance(X, np.ndarray) and (X.ndim == 4 or (X.ndim == 3 and X.dtype == np.uint8)):
        if X.ndim == 3 or X.dtype != np.uint8 or X.shape[3] != 3:
            raise ValueError(
                "An array of images must be uint8 (0 to 255) of shape (n_images, height, width, "
                f"3). Got {X.dtype} of shape {X.shape}."
            )
        return Images(X)
    if not isinstance(X, (list, tuple)) or not any(map(_is_image, X)):
        return _not_images(X)
    strange = next(((i, item) for i, item in enumerate(X) if not _is_image(item)), None)
    if strange is not None:
        raise TypeError(f"X[{strange[0]}] is not an image: {strange[1]!r:.100}. {_WHAT_X_MAY_BE}")
    check_urls(X)
    return Images(list(X))


def _as_list_or_array(X):
    """Make a list of what holds paths: a Series, a column, an Index, an array of objects."""
    if isinstance(X, (pd.Series, pd.DataFrame)):
        return _column_of(X)
    if isinstance(X, np.ndarray) and X.dtype.kind in "OUT":
        return X[:, 0].tolist() if X.ndim == 2 and X.shape[1] == 1 else X.tolist()
    is_other_collection = isinstance(X, (pd.Index, Collection))
    if is_other_collection and not isinstance(X, (Sequence, np.ndarray)):
        return list(X)
    return X


def _not_images(X):
    """Return None if X may be features; raise if it cannot be."""
    try:
        array = np.asarray(X)
    except (TypeError, ValueError):  # ragged, or on a GPU
        array = None
    if array is None or array.ndim > 2 or array.dtype.kind in "SUT":
        form = type(X).__name__ if array is None else f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"X is neither images nor features. {_WHAT_X_MAY_BE} Got {form}.")
    return None


def _column_of(X):
    if X.ndim == 1:
        return X.tolist()
    if X.shape[1] == 1:
        column = X.iloc[:, 0].tolist()
        return column if any(map(_is_image, column)) else X
    if any(isinstance(value, str) for value in X.iloc[0].tolist()) if len(X) else False:
        raise ValueError(
            f"A DataFrame of images must have one column, of paths. Got the columns "
            f"{list(X.columns)}: select one, as in X[['path']]."
        )
    return X


def _is_image(item):
    if isinstance(item, np.ndarray):
        return item.ndim == 3 and item.shape[2] == 3 and item.dtype == np.uint8
    return isinstance(item, (str, os.PathLike, Image.Image))


def check_template(template):
    """Raise ValueError unless `template` is a sentence with one place for the words."""
    if not isinstance(template, str) or template.count("{}") != 1:
        raise ValueError(
            "template must be a sentence with exactly one {} where the words of the bin go, as in "
            f"'the person is a {{}}.'. Got template={template!r}."
        )


def check_y_and_weight(X, y, sample_weight):
    """Check labels and weights against the samples, before any image is read.

    Parameters
    ----------
    X : sized
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,) or None

    Returns
    -------
    y : ndarray of float64 of shape (n_samples,)
    sample_weight : ndarray of float64 of shape (n_samples,)
        Ones if it was None.
    """
    if y is None:
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None: give one number "
            "per image."
        )
    y = _to_numbers(column_or_1d(y, warn=True))
    if len(X) != len(y):
        raise ValueError(
            f"X and y must have the same length. Got {len(X)} images or rows in X and {len(y)} "
            "labels in y."
        )
    if not np.isfinite(y).all():
        bad = np.flatnonzero(~np.isfinite(y))
        kinds = "NaN" if np.isnan(y[bad]).all() else "NaN or inf (infinity)"
        raise ValueError(
            f"y must be finite. Got {kinds} in {len(bad)} of {len(y)} labels, at index "
            f"{', '.join(map(str, bad[:10]))}{' …' if len(bad) > 10 else ''}. Leave those samples "
            "out of X and y."
        )
    if len(y) < 2:
        raise ValueError(f"At least 2 samples are needed to fit. Got n_samples = {len(y)}.")
    if hasattr(sample_weight, "__len__") and len(sample_weight) != len(y):
        raise ValueError(
            f"sample_weight must have one weight for each of the {len(y)} samples. Got "
            f"{len(sample_weight)}."
        )
    weight = _check_sample_weight(
        sample_weight, y[:, None], dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError("sample_weight must not be zero for all samples.")
    return y, weight


def _to_numbers(y):
    if y.dtype.kind == "c":
        raise ValueError("Complex data not supported: y must be real numbers.")
    if y.dtype.kind in "iufb":
        return y.astype(np.float64)
    if y.dtype.kind == "O" and not any(isinstance(label, str) for label in y):
        try:
            return y.astype(np.float64)
        except (TypeError, ValueError):
            pass
    example = next((label for label in y.tolist() if not isinstance(label, (int, float))), y[0])
    raise ValueError(
        f"y must be numbers. Got labels like {example!r} ({type(example).__name__}): convert them "
        "first, as in pandas.to_numeric(y)."
    )
