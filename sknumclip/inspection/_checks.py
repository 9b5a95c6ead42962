"""Validation of parameters and labels for the inspection functions."""

from __future__ import annotations

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.model_selection import PredefinedSplit, check_cv
from sklearn.utils import column_or_1d

__all__ = ["check_choice", "check_column", "check_labels", "splits_of"]


def check_choice(name, value, choices):
    """Raise ValueError unless `value` is one of `choices` (set of str)."""
    if not (isinstance(value, str) and value in choices):
        raise ValueError(f"{name} must be one of {sorted(choices)}. Got {name}={value!r}.")


def check_column(name, values, n):
    """Return `values` as an array; raise ValueError unless there is one for each of `n` images."""
    if np.ndim(values) == 0:
        raise ValueError(f"There must be one {name} for each image. Got {values!r:.100}.")
    values = np.asarray(column_or_1d(values))
    if len(values) != n:
        raise ValueError(
            f"There must be one {name} for each image. Got {len(values)} for {n} images."
        )
    return values


def check_labels(y, n):
    """Return labels as float64; raise ValueError unless there are `n` finite numbers."""
    y = check_column("label", y, n)
    try:
        y = y.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y must be numbers: {error}. Got y[0]={y[:1].tolist()[0]!r}.") from error
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        raise ValueError(
            f"y must be finite. Got NaN or infinity in {len(bad)} of {n} labels, the first at "
            f"position {bad[0]}. Leave those samples out of X and y."
        )
    return y


def splits_of(cv, n, y, groups):
    """Return the (train, test) indices of a `cv` as a list.

    Parameters
    ----------
    cv : int, splitter, iterable of (train, test) or fold numbers
    n : int
        Number of samples.
    y, groups : ndarray of shape (n,) or None
    """
    is_folds = isinstance(cv, (np.ndarray, pd.Series)) and cv.ndim == 1
    if is_folds and len(cv) != n:
        raise ValueError(f"cv has {len(cv)} fold numbers for {n} samples. Give one for each.")
    splitter = PredefinedSplit(np.asarray(cv)) if is_folds else check_cv(cv)
    # Folds by number look at no groups, and warn of them.
    return list(splitter.split(np.zeros(n), y, None if isinstance(cv, Integral) else groups))
