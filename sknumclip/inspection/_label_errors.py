"""find_label_errors(): rank labels by how likely they are wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from sklearn.base import is_regressor
from sklearn.model_selection import GroupKFold, KFold

from .._typing import CV, ImagesOrFeatures
from .._warnings import warn_user
from ..estimators.input_types import as_images
from ..exceptions import ImageReadError
from ._checks import check_column, check_labels, splits_of
from ._nearest import labels_of
from ._out_of_fold import check_all_readable, out_of_fold

__all__ = ["find_label_errors"]

_ALIKE = 300  # predictions that tell how one like them errs
_NEIGHBORS = 50  # training images, whose labels tell what is usual for such an image
_PRIOR = 0.05  # share of labels that are taken to be wrong before looking


def find_label_errors(
    estimator: Any,
    X: ImagesOrFeatures,
    y: ArrayLike,
    *,
    cv: CV = 5,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Rank labels by how likely they are wrong.

    Each label is predicted by a copy of the estimator that has not seen it. A large residual alone
    says little: where labels are noisy, as the ages of old people are, it is common. So it is
    compared with the residuals of images that are predicted to be about the same, and the label
    with those of the nearest images and with how common it is among all.

    Parameters
    ----------
    estimator : NumCLIPRegressor
        Or another regressor, or a pipeline; a frozen tower embeds each image only once. It is
        not changed.
    X : as for ``estimator.fit``
        A DataFrame may have columns beside the paths, for a pipeline.
    y : array-like of shape (n_samples,)
        Numbers, at least two different ones.
    cv : int, splitter, iterable of (train, test) or ndarray of fold numbers, default=5
        Folds of which each sample is tested in one. An int is the number of folds, shuffled; of
        ``GroupKFold`` if there are `groups`.
    groups : array-like of shape (n_samples,), default=None
        For `cv`: the group of each image, for example the person, so that people are not predicted
        from other images of themselves.
    sample_weight : array-like of shape (n_samples,), default=None
        For ``estimator.fit``.

    Returns
    -------
    DataFrame
        One row for each sample, the most suspicious first; its index is the position in X.
        Columns: ``image``, path or position; ``label``; ``prediction``, from the other folds;
        ``residual``, label - prediction; ``noise``, the median absolute residual of images with
        about the same prediction; ``score``, the probability that the label belongs to another
        image, if one in 20 does; and ``reason``, an explanation in words. Unreadable images, with
        an estimator that has ``on_error="skip"``, are left out and listed in
        ``attrs["unreadable"]``.

    Raises
    ------
    TypeError
        If the estimator is not a regressor.
    ImageReadError
        If images cannot be read, with an estimator of ``on_error="raise"``; it lists all of them.
    ValueError
        If labels are not finite or all the same, lengths differ, or there are fewer than 10.

    Notes
    -----
    The score is ``p r / (p r + 1 - p)`` with ``p = 0.05``. r says how much more likely the label is
    as some other image's than as this one's: the density m of the label among all labels over the
    density f of its residual among the residuals of the 300 images with the nearest predictions
    (a tenth of all, but at least 30, if there are fewer than 3000). With an estimator that embeds
    images, r is the geometric mean of that and of m over the density of the label among those of
    the 50 nearest training images (at least 10, and a twentieth of all, if there are fewer than
    1000). Kernels are normal, and as wide as the median absolute residual, of all or of those.

    On faces it finds over a quarter more of swapped ages than the absolute residual does. No score
    finds a label that is off by less than what the estimator is; see the guide.

    Examples
    --------
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.inspection import find_label_errors
    >>> X, y = make_counting_images(200, random_state=0)
    >>> y[7] = 99 if y[7] < 50 else 1
    >>> reg = NumCLIPRegressor(model_name="tiny", fine_tune="none", verbose=0, random_state=0)
    >>> bool(7 in find_label_errors(reg, X, y).index[:10])
    True
    """
    if not hasattr(estimator, "fit"):
        raise TypeError(
            "The arguments are an estimator, X and y: find_label_errors(reg, X, y). Got a "
            f"{type(estimator).__name__} as the estimator."
        )
    if not is_regressor(estimator):
        raise TypeError(
            "estimator must be a regressor, such as NumCLIPRegressor; for ordered classes pass a "
            f"regressor, and the ranks of the classes as y. Got a {type(estimator).__name__}."
        )
    images = _images_of(X)
    labels = check_labels(y, len(X))
    if len(labels) < 10 or (labels == labels[0]).all():
        raise ValueError(
            "Labels are compared with each other, so there must be at least 10, of at least two "
            f"different values. Got {len(labels)}, of {len(np.unique(labels))} different."
        )
    group = None if groups is None else check_column("group", groups, len(labels))
    weight = None if sample_weight is None else check_column("weight", sample_weight, len(labels))
    splits = _folds(cv, labels, group)
    n_neighbors = min(_NEIGHBORS, max(10, len(labels) // 20))
    try:
        held = out_of_fold(estimator, X, labels, splits, weight, n_neighbors)
    except ImageReadError as error:
        check_all_readable(images, error)
    known = np.flatnonzero(np.isfinite(held.prediction))
    missing = np.setdiff1d(np.arange(len(labels)), known)
    if len(missing):
        warn_user(
            f"{len(missing)} of {len(labels)} images could not be read and were left out; they "
            "are listed in attrs['unreadable'] of the result."
        )
    predicted = held.prediction[known]
    near = held.neighbor_labels[known]
    score, noise = _scores(labels[known], predicted, near)
    table = pd.DataFrame(
        {
            "image": labels_of(images, known),
            "label": labels[known],
            "prediction": predicted,
            "residual": labels[known] - predicted,
            "noise": noise,
            "score": score,
        },
        index=pd.Index(known),
    )
    table["reason"] = [
        _reason(row, of_row) for row, of_row in zip(table.itertuples(), near, strict=True)
    ]
    # If scores are exactly equal, the larger residual comes first.
    order = np.lexsort([-table["residual"].abs(), -table["score"]])
    table = table.iloc[order]
    table.attrs["unreadable"] = list(labels_of(images, missing))
    return table


def _images_of(X):
    """Return Images, or None for features and for tables that a pipeline takes apart."""
    is_table = isinstance(X, pd.DataFrame) and X.shape[1] > 1
    return None if is_table else as_images(X)


def _folds(cv, y, groups):
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        # Files often come sorted by label.
        cv = KFold(cv, shuffle=True, random_state=0) if groups is None else GroupKFold(cv)
    return splits_of(cv, len(y), y, groups)


def _scores(y, predicted, neighbor_labels):
    """Return the probability that each label is wrong, and the local noise."""
    residual = y - predicted
    width = np.median(np.abs(residual))
    if width == 0:  # most are predicted exactly
        width = np.abs(residual).mean() or 1.0
    of_any, of_own, noise = _densities(y, predicted, width)
    log_ratio = np.log(of_any / of_own)
    n_near = np.isfinite(neighbor_labels).sum(axis=1)
    near = _kernel((neighbor_labels - y[:, None]) / width) / width
    of_near = (np.nansum(near, axis=1) + of_any) / (n_near + 1)
    log_ratio = np.where(n_near, (log_ratio + np.log(of_any / of_near)) / 2, log_ratio)
    return expit(logit(_PRIOR) + log_ratio), noise


def _densities(y, predicted, width):
    """Return densities of each label among all and given the prediction, and the local noise."""
    residual = y - predicted
    n_near = min(len(y) - 1, max(30, min(_ALIKE, len(y) // 10)))
    order = np.argsort(predicted, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(y))
    of_any, of_own, noise = (np.empty(len(y)) for _ in range(3))
    labels = np.sort(y)
    for part in np.array_split(np.arange(len(y)), max(1, len(y) // 1000)):
        first = np.clip(place[part] - n_near // 2, 0, len(y) - n_near - 1)
        near = order[first[:, None] + np.arange(n_near + 1)]
        others = near != part[:, None]  # exclude the label itself
        noise[part] = np.median(np.abs(residual[near]), axis=1)
        own_width = np.maximum(noise[part], 0.1 * width)[:, None]
        away = (residual[near] - residual[part][:, None]) / own_width
        of_own[part] = (_kernel(away) / own_width * others).sum(axis=1)
        of_any[part] = _density(labels, y[part], width)
    # As if one more label were near, that comes from anywhere: no density is 0.
    return of_any, (of_own + of_any) / (n_near + 1), noise


def _density(labels, values, width):
    """Mean of the kernels around sorted labels; long lists are thinned out evenly."""
    thinned = labels[:: max(1, len(labels) // 2000)]
    mean = _kernel((thinned - values[:, None]) / width).mean(axis=1)
    return np.maximum(mean, 1 / len(labels)) / width  # each value is there once itself


def _kernel(distance):
    return np.exp(-np.square(distance) / 2)


def _reason(row, neighbor_labels):
    # Two digits of the usual error are enough, for ages as for probabilities.
    digits = max(0, 1 - math.floor(math.log10(row.noise))) if row.noise > 0 else 1

    def shown(number):
        return f"{round(float(number), digits):.10g}"

    side = "more" if row.residual > 0 else "less"
    reason = (
        f"labeled {row.label:g}, predicted {shown(row.prediction)} by models that have not "
        f"seen it; {shown(abs(row.residual))} {side}, where {shown(row.noise)} is usual"
    )
    neighbor_labels = neighbor_labels[np.isfinite(neighbor_labels)]
    if not len(neighbor_labels):
        return reason
    low, high = map(shown, np.quantile(neighbor_labels, [0.25, 0.75]))
    return f"{reason}; half of the images most like it are labeled {low} to {high}"
