"""Validation of parameters, labels and weights; only importer of scikit-learn's private code."""

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import (
    HasMethods,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._param_validation import Interval as SklearnInterval

from .._numbers import as_float64, in_full, refuse_mask
from .._warnings import warn_user
from .labels import as_column, how_to_make_numbers, refuse_dates

__all__ = [
    "Described",
    "Interval",
    "StrOptions",
    "check_no_label_is_missing",
    "check_y_and_weight",
    "validate_parameter_constraints",
    "warn_if_in_one_bin",
]


class Interval(SklearnInterval):
    """A range of numbers that excludes True and False: fine_tune=True would mean one block."""

    def is_satisfied_by(self, value):
        """Whether `value` is allowed."""
        return not isinstance(value, (bool, np.bool_)) and super().is_satisfied_by(value)


class Described(HasMethods):
    """Constraint defined by a predicate, with its own text for error messages.

    Parameters
    ----------
    words : str
        What the parameter must be, for the message.
    allows : callable
        Takes a value and returns whether it is valid.
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


_MAX_COUNT = 1e9  # whole weights below this are counts of a sample


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
    y = _to_numbers(_one_dimensional(y), y)
    if len(X) != len(y):
        raise ValueError(
            f"X and y must have the same length. Got {len(X)} images or rows in X and {len(y)} "
            "labels in y."
        )
    if not np.isfinite(y).all():
        bad = np.flatnonzero(~np.isfinite(y))
        kinds = "NaN" if np.isnan(y[bad]).all() else "NaN or inf (infinity)"
        raise ValueError(
            f"y must be finite. Got {kinds} in {len(bad)} of {len(y)} labels, {_at_position(bad)}."
        )
    if len(y) < 2:
        raise ValueError(f"At least 2 samples are needed to fit. Got n_samples = {len(y)}.")
    return y, _check_weight(sample_weight, len(y))


def check_no_label_is_missing(y):
    """Raise ValueError if a label of any type is None, NaN or the like."""
    missing = np.flatnonzero(pd.isna(np.asarray(y, dtype=object)))
    if len(missing):
        raise ValueError(
            f"y must have a label for each image. Got None or NaN in {len(missing)} of {len(y)} "
            f"labels, {_at_position(missing)}."
        )


def _at_position(bad):
    some = f"{', '.join(map(str, bad[:10]))}{' …' if len(bad) > 10 else ''}"
    return f"at position{'s' if len(bad) > 1 else ''} {some}. Leave those samples out of X and y"


def _check_weight(weight, n):
    """Return whole weights unchanged, as counts of samples, and others scaled to mean 1."""
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
            f"not allowed. Got {in_full(weight[bad[0]])} at position {bad[0]}"
            f"{f' and {len(bad) - 1} more' if len(bad) > 1 else ''}. A weight of 0 leaves the "
            "sample out."
        )
    if not weight.any():
        raise ValueError("sample_weight must not be zero for all samples.")
    if weight.max() < _MAX_COUNT and (weight == np.round(weight)).all():
        return weight
    weight = weight / weight.max()  # keeps the sum from overflowing
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


def _to_numbers(y, given):
    if y.dtype.kind == "c":
        raise ValueError("Complex data not supported: y must be real numbers.")
    refuse_dates(y, given)
    if y.dtype.kind in "iufb" or not any(isinstance(label, str) for label in y):
        try:
            return as_float64(y)
        except (TypeError, ValueError, OverflowError):
            pass
    example = next((label for label in y.tolist() if not isinstance(label, (int, float))), y[0])
    raise ValueError(
        f"y must be numbers. Got labels like {example!r:.100} ({type(example).__name__})"
        f"{how_to_make_numbers(y, given)}"
    )


def warn_if_in_one_bin(y, bin_index, bins):
    """Warn if different labels are all in one bin, as fractions are in bins for percentages."""
    if np.ptp(bin_index) or not np.ptp(y):
        return
    k = bin_index[0]
    warn_user(
        f"All {len(y)} labels, from {y.min():g} to {y.max():g}, are in one bin: "
        f"{bins.descriptions[k]!r}, {bins.edges[k]:g} to {bins.edges[k + 1]:g}. Do labels and bins "
        "have the same unit?"
    )
