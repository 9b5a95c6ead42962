"""Validation of parameters and labels for the inspection functions."""

from __future__ import annotations

import numpy as np
from sklearn.utils import column_or_1d

__all__ = ["check_choice", "check_column", "check_labels"]


def check_choice(name, value, choices):
    """Raise ValueError unless `value` is one of `choices` (set of str)."""
    if not (isinstance(value, str) and value in choices):
        raise ValueError(f"{name} must be one of {sorted(choices)}. Got {name}={value!r}.")


def check_column(name, values, n):
    """Return `values` as an array; raise ValueError unless there is one for each of `n` images."""
    values = np.asarray(column_or_1d(values))
    if len(values) != n:
        raise ValueError(
            f"There must be one {name} for each image. Got {len(values)} for {n} images."
        )
    return values


def check_labels(y, n):
    """Return labels as float64; raise ValueError for NaN and infinity."""
    try:
        y = check_column("label", y, n).astype(np.float64)
    except TypeError as error:
        raise ValueError(f"y must be numbers. {error}.") from error
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        raise ValueError(
            f"y must be finite. Got NaN or infinity in {len(bad)} of {n} labels, the first at "
            f"index {bad[0]}. Leave those samples out of X and y."
        )
    return y
