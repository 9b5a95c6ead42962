"""Checks of what users pass in, and the only importer of scikit-learn's private helpers."""

import os
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import issparse
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import (
    HasMethods,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._param_validation import Interval as SklearnInterval

from .._numbers import as_float64, in_full, refuse_mask
from ..images.reading import Images
from ..images.urls import check_urls
from .labels import as_column, how_to_make_numbers, refuse_dates

__all__ = [
    "Described",
    "Interval",
    "StrOptions",
    "as_images",
    "check_no_label_is_missing",
    "check_y_and_weight",
    "validate_parameter_constraints",
]


class Interval(SklearnInterval):
    """A range of numbers, which True and False are not: fine_tune=True would mean one block."""

    def is_satisfied_by(self, value):
        """Whether `value` is allowed."""
        return not isinstance(value, (bool, np.bool_)) and super().is_satisfied_by(value)


class Described(HasMethods):
    """A parameter of any type that will do, put into words for the error message.

    Parameters
    ----------
    words : str
        What the parameter must be.
    allows : callable
        From a value to whether it is that.
    """

    def __init__(self, words, allows):
        super().__init__([])
        self.words = words
        self.allows = allows

    def is_satisfied_by(self, value):
        """Whether `value` is allowed."""
        return self.allows(value)

    def __str__(self):
        return self.words


_MAX_COUNT = 1e9  # of one sample

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
    if isinstance(X, (Mapping, set, frozenset)):
        raise TypeError(f"X must not be a {type(X).__name__}. {_WHAT_X_MAY_BE} Got X={X!r:.100}.")
    refuse_mask("X", X)
    X = _as_list_or_array(X)
    if isinstance(X, np.ndarray) and not X.ndim:
        return _not_images(X)
    if isinstance(X, (list, tuple, np.ndarray)) and len(X) == 0 and np.ndim(X) in (1, 4):
        raise ValueError(f"X is empty: found 0 images. {_WHAT_X_MAY_BE}")
    if isinstance(X, np.ndarray) and X.ndim == 4 and X.dtype == np.uint8 and X.shape[3] == 3:
        return Images(X)
    if not isinstance(X, (list, tuple)) or not any(map(_is_image, X)):
        return _not_images(X)
    strange = next(((i, item) for i, item in enumerate(X) if not _is_image(item)), None)
    if strange is not None:
        raise TypeError(_not_an_image(*strange))
    for i, item in enumerate(X):
        refuse_mask(f"X[{i}]", item)
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
    if issparse(X):
        return None  # which scikit-learn refuses
    try:
        array = np.asarray(X)
    except (TypeError, ValueError):  # ragged, or on a GPU
        array = None
    if array is not None and array.ndim == 1 and array.dtype.kind in "OSM" and len(array) == len(X):
        raise TypeError(_not_an_image(0, X[0]))
    if array is not None and array.dtype.kind in "biuf" and array.ndim in (3, 4):
        raise ValueError(
            "An array of images must be uint8 (0 to 255) of shape (n_images, height, width, 3). "
            f"Got {array.dtype} of shape {array.shape}{_how_to_convert(array)}."
        )
    if array is None or array.ndim not in (1, 2) or array.dtype.kind in "SUTmM":
        form = repr(X)[:100] if array is None or not array.ndim else array.dtype
        shape = f" of shape {array.shape}" if array is not None and array.ndim else ""
        raise ValueError(f"X is neither images nor features. {_WHAT_X_MAY_BE} Got {form}{shape}.")
    if array.ndim == 1 and array.dtype.kind in "biuf":
        raise ValueError(
            f"Expected 2D array, got 1D array instead: X is {len(array)} numbers. {_WHAT_X_MAY_BE} "
            "Are X and y in each other's place, or is it another column that holds the paths? "
            "Reshape your data if it is a single feature: array.reshape(-1, 1)."
        )
    return None


def _not_an_image(i, item):
    """Say what is wrong with item `i` of X."""
    got = (
        f"{item.dtype} of shape {item.shape}" if isinstance(item, np.ndarray) else f"{item!r:.100}"
    )
    advice = " Paths must be str: [os.fsdecode(path) for path in X]." * isinstance(item, bytes)
    return f"X[{i}] is not an image: {got}.{advice} {_WHAT_X_MAY_BE}"


def _how_to_convert(array):
    """Return the expression that makes an array of images what it should be, for a message."""
    if array.ndim == 3 and array.shape[2] == 3:
        return ": if this is a single image, put it in an array of one, X[None]"
    if array.ndim == 3:
        return ": if these are grey images, use np.repeat(X[..., None], 3, axis=3)"
    if array.shape[3] != 3 and array.shape[1] == 3:
        return ": the channels must be last, X.transpose(0, 2, 3, 1)"
    if array.shape[3] != 3:
        return ": of what is not red, green and blue make PIL images, Image.fromarray(x)"
    if array.dtype.kind in "bf" and array.size and array.max() <= 1:
        return ": if 1 is white, use np.round(255 * X).astype(np.uint8)"
    return ": if 255 is white, use np.round(X).astype(np.uint8)"


def _column_of(X):
    if X.ndim == 1:
        return X.tolist()
    if not X.shape[1]:
        raise ValueError(f"X is a DataFrame without columns. {_WHAT_X_MAY_BE}")
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
    y = _to_numbers(_one_dimensional(y))
    if len(X) != len(y):
        raise ValueError(
            f"X and y must have the same length. Got {len(X)} images or rows in X and {len(y)} "
            "labels in y."
        )
    if not np.isfinite(y).all():
        bad = np.flatnonzero(~np.isfinite(y))
        kinds = "NaN" if np.isnan(y[bad]).all() else "NaN or inf (infinity)"
        raise ValueError(
            f"y must be finite. Got {kinds} in {len(bad)} of {len(y)} labels, {_at_index(bad)}."
        )
    if len(y) < 2:
        raise ValueError(f"At least 2 samples are needed to fit. Got n_samples = {len(y)}.")
    return y, _check_weight(sample_weight, len(y))


def check_no_label_is_missing(y):
    """Raise ValueError if a label of any kind is None, NaN or the like."""
    missing = np.flatnonzero(pd.isna(np.asarray(y, dtype=object)))
    if len(missing):
        raise ValueError(
            f"y must have a label for each image. Got None or NaN in {len(missing)} of {len(y)} "
            f"labels, {_at_index(missing)}."
        )


def _at_index(bad):
    some = f"{', '.join(map(str, bad[:10]))}{' …' if len(bad) > 10 else ''}"
    return f"at index {some}. Leave those samples out of X and y"


def _check_weight(weight, n):
    """Return whole numbers as they are, as counts of samples, and others with a mean of 1."""
    if weight is None:
        return np.ones(n)
    refuse_mask("sample_weight", weight)
    try:
        weight = as_float64(weight)
    except (TypeError, ValueError):
        raise ValueError(f"sample_weight must be numbers. Got {weight!r:.100}.") from None
    weight = np.full(n, weight) if weight.ndim == 0 else weight
    if weight.shape != (n,):
        raise ValueError(
            f"sample_weight must have one weight for each of the {n} samples. Got an array of "
            f"shape {weight.shape}."
        )
    bad = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(bad):
        raise ValueError(
            "sample_weight must be at least 0 and finite. Negative values, NaN and infinity are "
            f"not allowed. Got {in_full(weight[bad[0]])} at index {bad[0]}"
            f"{f' and {len(bad) - 1} more' if len(bad) > 1 else ''}. A weight of 0 leaves a "
            "sample out."
        )
    if not weight.any():
        raise ValueError("sample_weight must not be zero for all samples.")
    if weight.max() < _MAX_COUNT and (weight == np.round(weight)).all():
        return weight
    weight = weight / weight.max()  # so that the sum cannot overflow
    return weight / weight[weight > 0].mean()


def _one_dimensional(y):
    """Return y as an array of shape (n_samples,)."""
    refuse_mask("y", y)
    try:
        return column_or_1d(as_column(y), warn=True)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "y must be a list, 1-D array or Series of numbers, one per image. For several numbers "
            "per image fit one estimator for each, as sklearn.multioutput.MultiOutputRegressor "
            f"does. Got {type(y).__name__}: {error}"
        ) from error


def _to_numbers(y):
    if y.dtype.kind == "c":
        raise ValueError("Complex data not supported: y must be real numbers.")
    refuse_dates(y)
    if y.dtype.kind in "iufb" or not any(isinstance(label, str) for label in y):
        try:
            return as_float64(y)
        except (TypeError, ValueError, OverflowError):
            pass
    example = next((label for label in y.tolist() if not isinstance(label, (int, float))), y[0])
    raise ValueError(
        f"y must be numbers. Got labels like {example!r:.100} ({type(example).__name__})"
        f"{how_to_make_numbers(y)}"
    )
