"""few_shot() and distribution_shift(): choose a subset of samples to train on."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state, column_or_1d

from .._numbers import refuse_mask
from .._typing import IntArray, RandomState
from .._warnings import warn_user

__all__ = [
    "check_int",
    "distribution_shift",
    "draw_per_label",
    "few_shot",
    "warn_about_rare_labels",
]


def few_shot(y: ArrayLike, k: int, random_state: RandomState = None) -> IntArray:
    """Draw `k` samples of each label.

    The draws for different `k` with the same int `random_state` are nested: the sample of each
    label for ``k=1`` is among the two for ``k=2``.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    k : int
        Number of samples per label, at least 1. If a label has fewer, all of its samples are used,
        with a warning.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same draw in every call.

    Returns
    -------
    indices : ndarray of shape (n_drawn,), dtype int
        The drawn samples, in increasing order.

    Raises
    ------
    ValueError
        If `k` is not an int of at least 1.

    See Also
    --------
    FewShotSplit : The same as a splitter for ``cv=``.

    Examples
    --------
    >>> from sknumclip.datasets import few_shot
    >>> ages = [20, 20, 20, 31, 31, 31]
    >>> indices = few_shot(ages, k=2, random_state=0)
    >>> sorted(ages[i] for i in indices)
    [20, 20, 31, 31]
    """
    check_int("k", k)
    refuse_mask("y", y)
    y = column_or_1d(y)
    warn_about_rare_labels(y, k)
    return draw_per_label(y, k, random_state)


def draw_per_label(y, k, random_state):
    """Draw like few_shot, without a warning; `k` may be an array with a number per sample."""
    # The same order of all samples for every k makes the draws nested.
    order = check_random_state(random_state).permutation(len(y))
    rank = pd.Series(y[order]).groupby(y[order]).cumcount()
    return np.sort(order[rank < np.broadcast_to(k, len(y))[order]])


def warn_about_rare_labels(y, k):
    """Warn if labels have fewer than `k` samples, and list them."""
    labels, counts = np.unique(y, return_counts=True)
    rare = counts < k
    if rare.any():
        pairs = zip(labels[rare], counts[rare], strict=True)
        named = [f"{label} ({count})" for label, count in pairs]
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""
        warn_user(
            f"{len(named)} of {len(labels)} labels have fewer than k={k} samples, so all of their "
            f"samples are used: {', '.join(named[:5])}{more}.",
        )


def distribution_shift(
    y: ArrayLike, top_k: int, scale: float, random_state: RandomState = None
) -> IntArray:
    """Keep a share of the samples of the most frequent labels, and all other samples.

    This is the label distribution shift of OrdinalCLIP [1]_: it gives training labels a different
    distribution from test labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    top_k : int
        Number of most frequent labels to scale down, at least 1. Among equally frequent labels,
        smaller ones come first.
    scale : float
        The share of their samples to keep, between 0 and 1, rounded down, but at least one
        sample of each label.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same draw in every call.

    Returns
    -------
    indices : ndarray of shape (n_kept,), dtype int
        The kept samples, in increasing order.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    DistributionShiftSplit : The same as a splitter for ``cv=``.

    References
    ----------
    .. [1] Li et al., OrdinalCLIP: Learning Rank Prompts for Language-Guided Ordinal Regression,
       NeurIPS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumclip.datasets import distribution_shift
    >>> y = np.repeat([20, 30, 40], [10, 2, 3])
    >>> np.unique(y[distribution_shift(y, top_k=1, scale=0.2, random_state=0)],
    ...           return_counts=True)
    (array([20, 30, 40]), array([2, 2, 3]))
    """
    check_int("top_k", top_k)
    if not (isinstance(scale, Real) and 0 < scale < 1):
        raise ValueError(f"scale must be a number between 0 and 1, both excluded. Got {scale!r}.")
    refuse_mask("y", y)
    y = column_or_1d(y)
    _, which, counts = np.unique(y, return_inverse=True, return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[:top_k]
    keep = counts.copy()
    # By rounding, a product such as 0.3 * 10 may be slightly below 3.
    keep[frequent] = np.maximum(np.floor(counts[frequent] * scale + 1e-9), 1)
    return draw_per_label(which, keep[which], random_state)


def check_int(name, value):
    """Raise unless `value` is an int of at least 1."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be an int of at least 1. Got {value!r}.")
