"""find_label_errors(): rank labels by how likely they are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone, is_regressor
from sklearn.model_selection import GroupKFold, KFold, check_cv, cross_val_predict

from .._typing import CV, ImagesOrFeatures
from ..estimators.samples import as_images
from ._checks import check_column, check_labels
from ._nearest import labels_of

__all__ = ["find_label_errors"]

_NEIGHBORS = 300  # number of similar predictions that residuals are compared with
_PRIOR = 0.05  # prior probability that a label is wrong


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
    means little: it is common where labels are noisy, like the ages of old people. So it is
    compared with the residuals of images with about the same prediction, and with the frequency of
    the label among all images.

    Parameters
    ----------
    estimator : NumCLIPRegressor
        Or another regressor; a frozen tower embeds each image only once. It is not changed.
    X : as for ``estimator.fit``
    y : array-like of shape (n_samples,)
        Labels: numbers, with at least two different values.
    cv : int, splitter or iterable of (train, test), default=5
        Folds that test each sample once. An int is the number of shuffled folds, or of
        ``GroupKFold`` if `groups` is given.
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
    ValueError
        If labels are not finite or all the same, lengths differ, or there are fewer than 10.

    Notes
    -----
    The score is ``p m / (p m + (1 - p) f)`` with ``p = 0.05``: m is the density of the label among
    all labels, and f that of its residual among the residuals of the 300 images with the nearest
    predictions (of a tenth of all images, but at least 30, if there are fewer than 3000). The
    kernels are normal, with the median absolute residual (of all images, or of those) as width. On
    faces it finds about a fifth more swapped ages than the absolute residual does; see the guide.

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
    if not is_regressor(estimator):
        raise TypeError(
            "estimator must be a regressor, such as NumCLIPRegressor; for ordered classes pass a "
            f"regressor, and the ranks of the classes as y. Got {estimator!r:.100}."
        )
    images = as_images(X)
    labels = check_labels(y, len(X))
    if len(labels) < 10 or (labels == labels[0]).all():
        raise ValueError(
            "Labels are compared with each other, so there must be at least 10, with at least two "
            f"different values. Got {len(labels)} labels with {len(np.unique(labels))} different "
            "values."
        )
    group = None if groups is None else check_column("group", groups, len(labels))
    predicted = _out_of_fold(estimator, X, labels, cv, group, sample_weight)
    known = np.flatnonzero(np.isfinite(predicted))
    score, noise = _scores(labels[known], predicted[known])
    table = pd.DataFrame(
        {
            "image": labels_of(images, known),
            "label": labels[known],
            "prediction": predicted[known],
            "residual": labels[known] - predicted[known],
            "noise": noise,
            "score": score,
        },
        index=pd.Index(known),
    )
    table["reason"] = [_reason(row) for row in table.itertuples()]
    # If scores are exactly equal, the larger residual comes first.
    order = np.lexsort([-table["residual"].abs(), -table["score"]])
    table = table.iloc[order]
    missing = np.setdiff1d(np.arange(len(labels)), known)
    table.attrs["unreadable"] = list(labels_of(images, missing))
    return table


def _out_of_fold(estimator, X, y, cv, groups, sample_weight):
    if isinstance(cv, (int, np.integer)):
        # Shuffled, since files are often sorted by label.
        folds = KFold(cv, shuffle=True, random_state=0) if groups is None else GroupKFold(cv)
    else:
        folds = check_cv(cv)
    params = None if sample_weight is None else {"sample_weight": sample_weight}
    return cross_val_predict(clone(estimator), X, y, cv=folds, groups=groups, params=params)


def _scores(y, predicted):
    """Return the probability that each label is wrong, and the local noise."""
    residual = y - predicted
    width = np.median(np.abs(residual))
    if width == 0:  # most are predicted exactly
        width = np.abs(residual).mean() or 1.0
    n_near = min(len(y) - 1, max(30, min(_NEIGHBORS, len(y) // 10)))
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
    # Add one neighbor with the overall density, so that no density is 0.
    of_own = (of_own + of_any) / (n_near + 1)
    return _PRIOR * of_any / (_PRIOR * of_any + (1 - _PRIOR) * of_own), noise


def _density(labels, values, width):
    """Average the kernels around sorted labels; long lists are thinned out evenly."""
    labels = labels[:: max(1, len(labels) // 2000)]
    return _kernel((labels - values[:, None]) / width).mean(axis=1) / width


def _kernel(distance):
    return np.exp(-np.square(distance) / 2)


def _reason(row):
    digits = 1 if abs(row.residual) < 10 else 0
    side = "more" if row.residual > 0 else "less"
    return (
        f"labeled {row.label:g}, predicted {row.prediction:.{digits}f} by models that have not "
        f"seen it; {abs(row.residual):.{digits}f} {side}, where {row.noise:.1f} is usual"
    )
