"""unwrap(): find our estimator inside searches and pipelines."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

__all__ = ["unwrap"]


def unwrap(display: type, estimator: Any, what: str, *attributes: str, X: Any = None) -> Any:
    """Find the estimator that a display needs: itself, the best of a search, or the last step.

    Parameters
    ----------
    display : type
        For the message.
    estimator : object
    what : str
        The kind of estimator that the display needs, for the message.
    *attributes : str
        Attributes that the estimator must have one of; dots access attributes of attributes.
    X : object, default=None
        Input of the outer estimator; the steps before the last one transform it.

    Returns
    -------
    estimator : object
        The first that has one of the attributes, fitted.
    X : object
        Input for that estimator.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    TypeError
        If it is not an estimator, or has none of the attributes.
    """
    check_is_fitted(estimator)
    inner, path = estimator, type(estimator).__name__
    while not any(_has(inner, name) for name in attributes):
        if hasattr(inner, "best_estimator_"):
            inner = inner.best_estimator_
        elif getattr(inner, "steps", None):
            if X is not None and len(inner.steps) > 1:
                X = inner[:-1].transform(X)
            inner = inner[-1]
        else:
            raise TypeError(
                f"{display.__name__} needs {what}. Got {path}.{_advice(estimator, attributes)}"
            )
        path = f"{type(inner).__name__} in {path}"
    return inner, X


def _has(estimator, name):
    for part in name.split("."):
        estimator = getattr(estimator, part, None)
    return estimator is not None


def _advice(estimator, attributes):
    if hasattr(estimator, "cv_results_") and not hasattr(estimator, "best_estimator_"):
        return " Search with refit=True, so that it has a best_estimator_."
    steps = getattr(estimator, "steps", [])
    if len(steps) > 1 and any(_has(estimator[:-1], name) for name in attributes):
        return " Pass the steps before the last one, pipeline[:-1]."
    return ""
