"""Metrics of ordinal regression for numeric predictions.

They use scikit-learn's and dlordinal's implementations where those exist.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, cohen_kappa_score, mean_absolute_error
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight

from ._numbers import as_float64, refuse_mask
from ._typing import IntArray

__all__ = ["nearest_class_accuracy", "ordinal_metrics", "ordinality_score"]


def nearest_class_accuracy(y_true: ArrayLike, y_pred: ArrayLike, classes: ArrayLike) -> float:
    """Compute the share of predictions whose nearest class is the true one.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, each of them one of `classes`.
    y_pred : array-like of shape (n_samples,)
        Predicted numbers.
    classes : array-like of shape (n_classes,)
        The values that labels can take. A prediction halfway between two goes to the lower one.

    Returns
    -------
    accuracy : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If predictions are NaN, for example for unreadable images: leave them out explicitly and
        report how many they are, since nothing is dropped silently. Also if labels are not among
        the classes.

    Examples
    --------
    >>> from sknumclip.metrics import nearest_class_accuracy
    >>> decades = [1935, 1945, 1955]
    >>> nearest_class_accuracy([1935, 1945, 1945], [1937.5, 1941, 1951.2], decades)
    0.6666666666666666
    """
    return accuracy_score(*_as_classes(y_true, y_pred, classes))


def ordinal_metrics(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    classes: ArrayLike | None = None,
    *,
    y_proba: ArrayLike | None = None,
) -> dict[str, float]:
    """Compute the usual metrics of ordinal regression: MAE, accuracy, QWK, AMAE and RPS.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted numbers.
    classes : array-like of shape (n_classes,), default=None
        The values that labels can take, if there are few: adds the class metrics.
    y_proba : array-like of shape (n_samples, n_classes), default=None
        Predicted probabilities of the classes in increasing order: adds the ranked probability
        score. Needs `classes` and dlordinal.

    Returns
    -------
    metrics : dict of str to float
        ``"mae"``, the mean absolute error in the unit of the labels. With `classes`, for the
        class nearest to each prediction: ``"accuracy"``; ``"qwk"``, the quadratically weighted
        kappa; and ``"amae"``, the mean absolute error in classes, averaged over the classes, so
        that rare classes count as much as frequent ones. With `y_proba`: ``"rps"``.

    Raises
    ------
    ValueError
        If predictions are NaN, as in :func:`nearest_class_accuracy`, labels are not among the
        classes, or `y_proba` has the wrong shape or is not finite.
    ImportError
        If `y_proba` is given and dlordinal is not installed.

    Examples
    --------
    >>> from sknumclip.metrics import ordinal_metrics
    >>> ordinal_metrics([1, 2, 3, 3], [1.2, 2.6, 2.9, 3.3], classes=[1, 2, 3])
    {'mae': 0.3, 'accuracy': 0.75, 'qwk': 0.833..., 'amae': 0.333...}
    """
    y_true, y_pred = _check_predictions(y_true, y_pred)
    metrics = {"mae": float(mean_absolute_error(y_true, y_pred))}
    if classes is not None:
        metrics |= _class_metrics(*_as_classes(y_true, y_pred, classes), np.size(classes))
    if y_proba is not None:
        metrics["rps"] = _ranked_probability_score(y_true, y_proba, classes)
    return metrics


def _class_metrics(true, nearest, n_classes):
    """Compute metrics of class indices, 0 to n_classes - 1."""
    # With balanced weights each class counts equally, so this is the mean of the classes' errors.
    # dlordinal's version renumbers classes if one is in neither labels nor predictions.
    balanced = compute_sample_weight("balanced", true)
    return {
        "accuracy": float(accuracy_score(true, nearest)),
        "qwk": float(
            cohen_kappa_score(true, nearest, labels=np.arange(n_classes), weights="quadratic")
        ),
        "amae": float(mean_absolute_error(true, nearest, sample_weight=balanced)),
    }


def _ranked_probability_score(y_true, y_proba, classes):
    if classes is None:
        raise ValueError("y_proba needs classes: the label of each of its columns.")
    refuse_mask("y_proba", y_proba)
    y_proba = np.asarray(y_proba, dtype=np.float64)
    if y_proba.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"y_proba must have shape (n_samples, n_classes) = ({len(y_true)}, {len(classes)}). "
            f"Got {y_proba.shape}."
        )
    if not np.isfinite(y_proba).all():
        raise ValueError("y_proba must be finite.")
    try:
        from dlordinal.metrics import ranked_probability_score
    except ImportError as error:
        raise ImportError(
            "The ranked probability score comes from dlordinal: pip install 'sknumclip[ordinal]'."
        ) from error
    true, _ = _as_classes(y_true, y_true, classes)
    return float(ranked_probability_score(true, y_proba))


def _as_numbers(name, values):
    refuse_mask(name, values)
    try:
        return as_float64(column_or_1d(values))
    except TypeError as error:
        raise ValueError(f"{name} must be numbers. Got {values!r:.100}.") from error


def _check_predictions(y_true, y_pred):
    """Return both as float64 arrays of the same length, without NaN."""
    y_true, y_pred = _as_numbers("y_true", y_true), _as_numbers("y_pred", y_pred)
    check_consistent_length(y_true, y_pred)
    for name, values in (("y_true", y_true), ("y_pred", y_pred)):
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise ValueError(
                f"{len(bad)} of {len(values)} values of {name} are NaN or infinite (the first at "
                f"{bad[:5].tolist()}). Nothing is dropped silently: leave these samples out of "
                "y_true and y_pred, and report how many they are."
            )
    return y_true, y_pred


def _as_classes(y_true, y_pred, classes) -> tuple[IntArray, IntArray]:
    """Return the class index of each label, and of the class nearest to each prediction."""
    y_true, y_pred = _check_predictions(y_true, y_pred)
    classes = _as_numbers("classes", classes)
    if len(classes) < 2 or not (np.diff(classes) > 0).all():
        raise ValueError(
            f"classes must be at least two numbers in increasing order. Got {classes.tolist()}."
        )
    others = np.unique(y_true[~np.isin(y_true, classes)])
    if len(others):
        raise ValueError(
            f"y_true has labels that are not among the classes, such as {others[:5].tolist()}."
        )
    halfway = (classes[:-1] + classes[1:]) / 2
    return np.searchsorted(classes, y_true), np.searchsorted(halfway, y_pred)


def ordinality_score(features: ArrayLike, y: ArrayLike) -> float:
    """Compute how well distances between embeddings follow distances between labels.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
        Embeddings of images or texts, or other features; compared by cosine distance.
    y : array-like of shape (n_samples,)
        Labels.

    Returns
    -------
    score : float
        Spearman's rank correlation over all pairs, between -1 and 1. It is 1 if pairs with more
        distant labels always have more distant features.

    Examples
    --------
    >>> from sknumclip.metrics import ordinality_score
    >>> round(ordinality_score([[1, 0], [1, 1], [0, 1]], [10, 20, 30]), 3)
    1.0
    """
    refuse_mask("features", features)
    check_consistent_length(features, y)
    labels = _as_numbers("y", y)[:, None]
    return float(spearmanr(pdist(features, "cosine"), pdist(labels)).statistic)
