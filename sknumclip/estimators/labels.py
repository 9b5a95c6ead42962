"""Labels from pandas, polars, Arrow or NumPy: conversion, order of classes, and error advice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._numbers import in_full, refuse_mask
from .._warnings import warn_user

__all__ = [
    "as_column",
    "class_labels",
    "has_an_order",
    "how_to_make_numbers",
    "in_order",
    "rank_labels",
    "refuse_dates",
]


_ADVICE_ON_CODES = (
    " If these are not your labels, a meta-estimator has replaced them by numbers in sorted order "
    "(as VotingClassifier, StackingClassifier and cross_val_predict do): use numbers as labels, in "
    "the order of the classes, and the words as descriptions."
)


def as_column(y: Any) -> Any:
    """Convert labels of pandas, Arrow or polars, or a table of one column, to a Series.

    Parameters
    ----------
    y : object
        Labels passed by the user.

    Returns
    -------
    object
        A Series of a NumPy or categorical dtype if `y` is from one of those libraries; else `y`.
    """
    if hasattr(y, "to_series") and np.shape(y)[1:] == (1,):
        y = y.to_series()  # a polars frame
    if type(getattr(y, "dtype", None)).__name__ == "Enum":  # polars: strings with an order
        return pd.Series(pd.Categorical(y.to_list(), y.dtype.categories.to_list(), ordered=True))
    if hasattr(y, "to_pandas"):
        y = y.to_pandas()
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    dtype: Any = getattr(y, "dtype", None)
    if isinstance(dtype, pd.ArrowDtype):
        return pd.Series(y).array.__arrow_array__().to_pandas()  # type: ignore[attr-defined]
    if hasattr(dtype, "numpy_dtype") and not pd.isna(y).any():
        return pd.Series(y).astype(dtype.numpy_dtype)  # else scikit-learn converts it to floats
    return y


def class_labels(y: Any) -> tuple[np.ndarray, Any]:
    """Return class labels as an array, and their order if the dtype of `y` has one.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, none missing. Intervals, as made by ``pandas.cut``, are converted to strings.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
    order : array-like of shape (n_classes,) or None
    """
    refuse_mask("y", y)
    y = as_column(y)
    dtype: Any = getattr(y, "dtype", None)
    order = dtype.categories if getattr(dtype, "ordered", False) else None
    labels = column_or_1d(y, warn=True)
    if len(labels) and all(isinstance(label, pd.Interval) for label in labels):
        order = _words_of(sorted(set(labels)) if order is None else order)
        labels = np.array(_words_of(labels), dtype=object)
    return labels, order


def rank_labels(y: Any, classes: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Convert class labels to ranks.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        As for :func:`class_labels`.
    classes : array-like of shape (n_classes,) or None
        All labels in order. None uses the order of y's dtype, or else the sorted order, with a
        warning if it is alphabetical.

    Returns
    -------
    ranks : ndarray of int of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        In order.

    Raises
    ------
    ValueError
        If labels have an unsupported type, or are not among the classes.
    """
    labels, order = class_labels(y)
    _check_kind_of_classes(labels, y)
    found, ranks = np.unique(labels, return_inverse=True)
    if classes is not None:
        order = in_order(classes)
    if order is None:
        if len(found) > 2 and isinstance(found[0], str):  # two classes are ordered either way
            _warn_about_alphabetical_order(found.tolist())
        return ranks, found
    order = np.asarray(_words_of(order))
    return _ranks_of(found, order)[ranks], order


def in_order(classes: Any) -> list[Any]:
    """Return classes in order: as they are listed, or as their own type orders them.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)
        An ordered Categorical, as ``y.unique()`` may be, brings the order of its categories.

    Returns
    -------
    list
        Intervals are written out.
    """
    refuse_mask("classes", classes)
    column = as_column(classes)
    dtype: Any = getattr(column, "dtype", None)
    if getattr(dtype, "ordered", False):
        column = pd.Series(column).sort_values()
    return _words_of(column.tolist() if hasattr(column, "tolist") else column)


def has_an_order(value: Any) -> bool:
    """Return whether a value is a list that can be read again; one fit uses up an iterator."""
    is_list = pd.api.types.is_list_like(value, allow_sets=False) and hasattr(value, "__len__")
    return is_list and not isinstance(value, Mapping)


def _warn_about_alphabetical_order(labels):
    warn_user(
        f"The classes are ordered by the alphabet: {labels}. If that is not their order, list "
        "them from the lowest to the highest, as in classes=[...], or pass y with an order: "
        "pandas.Categorical(y, categories=[...], ordered=True)."
    )


def _ranks_of(labels, classes):
    order = {label: rank for rank, label in enumerate(np.asarray(classes).tolist())}
    unknown = [label for label in labels.tolist() if label not in order]
    if unknown or len(order) < len(classes):
        raise ValueError(
            f"classes must be a list of all labels in order, each once. Got {list(order)}"
            + (f", without {unknown[:10]}, which are in y." if unknown else ".")
            + _ADVICE_ON_CODES * (labels.dtype.kind in "iu" and bool(unknown))
        )
    return np.array([order[label] for label in labels.tolist()])


def _check_kind_of_classes(labels, y):
    refuse_dates(labels, y)
    try:
        check_classification_targets(labels)
    except ValueError as error:
        advice = "Convert them, as in [str(label) for label in y], and pass their order as classes."
        if isinstance(labels[0], (float, np.floating)):
            advice = (
                "For numbers use NumCLIPRegressor, or cut them into classes: pandas.cut(y, bins=3)."
            )
        raise ValueError(
            f"{error} Labels may be str, whole numbers or bool. Got {labels[0]!r:.100} "
            f"({type(labels[0]).__name__}). {_for_this(y, advice)}"
        ) from error


def _words_of(labels):
    """Convert intervals to strings; leave other labels unchanged."""
    return [_range_in_words(label) if isinstance(label, pd.Interval) else label for label in labels]


def _range_in_words(interval):
    low, high = (
        in_full(end) if isinstance(end, (int, float, np.number)) else str(end)
        for end in (interval.left, interval.right)
    )
    if low == "-inf":
        return f"up to {high}"
    return f"over {low}" if high == "inf" else f"{low} to {high}"


_NUMBERS_FROM_DATES = {
    "date": "pandas.DatetimeIndex(y).year",
    "timedelta": "pandas.TimedeltaIndex(y).total_seconds()",
    "period": "pandas.PeriodIndex(y).year",
}


def refuse_dates(labels: np.ndarray, y: Any) -> None:
    """Raise ValueError for dates and times, which need a unit to become numbers.

    Parameters
    ----------
    labels : ndarray
    y : object
        What the user passed, for the advice.
    """
    kind = pd.api.types.infer_dtype(labels, skipna=True)
    for name, advice in _NUMBERS_FROM_DATES.items():
        if kind.startswith(name):
            raise ValueError(
                "y must not be dates or times, which need a unit to become numbers. Got labels "
                f"like {labels[0]!s:.50}: choose the unit, as in {_for_this(y, advice)}."
            )


def _for_this(y, advice):
    """Replace y in code by something that pandas accepts, if it does not accept y itself."""
    known = (list, tuple, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)
    if isinstance(y, known) or (isinstance(y, np.ndarray) and y.ndim == 1):
        return advice
    return re.sub(r"\by\b", "numpy.ravel(y)", advice)  # of a table, its one column


def how_to_make_numbers(labels: np.ndarray, y: Any) -> str:
    """Advise how to convert labels to numbers, with code that was tried on these labels."""
    return _for_this(y, _advice_on_numbers(labels))


def _advice_on_numbers(labels):
    if all(isinstance(label, pd.Interval) for label in labels):
        return (
            ": use the middle of each, pandas.IntervalIndex(y).mid. NumCLIPClassifier takes "
            "them as classes, in their order."
        )
    if not all(isinstance(label, str) for label in labels):
        return ": convert them first."
    texts = pd.Series(labels, dtype=object)
    for code, convert in _NUMBERS_FROM_TEXT.items():
        try:
            works = bool(np.isfinite(np.asarray(convert(texts), dtype=np.float64)).all())
        except (TypeError, ValueError):
            works = False
        if works:
            return f": convert them first, as in {code}."
    if texts.str.fullmatch(r"\d{1,3}(,\d+)+").all():
        code = "pandas.Series(y).str.replace(',', {!r}).astype(float)"
        return (
            f": convert them first, as in {code.format('.')} if the comma is a decimal point, "
            f"{code.format('')} if it separates thousands."
        )
    odd = np.flatnonzero(~np.isfinite(pd.to_numeric(texts, errors="coerce").astype(float)))
    if 2 * len(odd) <= len(texts):
        return (
            f", but {len(odd)} of {len(texts)} are not numbers, such as {texts[odd[0]]!r:.100} at "
            f"position {odd[0]}. Correct those or leave them out of X and y, then use "
            "pandas.to_numeric(y)."
        )
    return (
        ". For ordered classes use NumCLIPClassifier(classes=[...]), from the lowest to the "
        "highest."
    )


def _one_number_each(texts):
    """Extract numbers with a unit, as in "48 kg", but not ranges, "<5" or numbers with commas.

    A dash after letters is not a sign, and other kinds of signs would be lost.
    """
    if not texts.str.fullmatch(_ONE_NUMBER).all():
        raise ValueError
    return texts.str.extract(_NUMBER, expand=False)


def _without_percent_signs(texts):
    return [float(text.strip(" %")) for text in texts]


def _years(texts):
    if not texts.str.match(r"\d{4}-\d\d-\d\d").all():
        raise ValueError
    return pd.DatetimeIndex(texts).year


_OTHER = r"\d,.<>≤≥~≈±−–—(+-"
_ONE_NUMBER = rf"([^{_OTHER}]*|[^\w{_OTHER}]*[-+])\d+(\.\d+)?[^{_OTHER}]*"
_NUMBER = r"([-+]?[0-9]+\.?[0-9]*)"
_NUMBERS_FROM_TEXT: dict[str, Callable[[pd.Series], Any]] = {
    "pandas.to_numeric(y)": pd.to_numeric,
    "[float(label.strip(' %')) for label in y]": _without_percent_signs,
    f"pandas.Series(y).str.extract(r'{_NUMBER}', expand=False).astype(float)": _one_number_each,
    "pandas.DatetimeIndex(y).year": _years,
}
