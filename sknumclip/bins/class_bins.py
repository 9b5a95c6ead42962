"""Bins for classes: width 1, around each whole number or around the rank of each class."""

import re

from .._numbers import in_full
from . import LinguisticBins

__all__ = ["bins_of_classes", "is_word", "unit_bins"]


def unit_bins(descriptions, first=0):
    """Make one bin around each whole number, starting at `first`, with these descriptions."""
    numbers = range(first, first + len(descriptions))
    edges = (first - 0.5, *(number + 0.5 for number in numbers))
    return LinguisticBins(tuple(descriptions), edges, tuple(map(float, numbers)))


def bins_of_classes(classes, descriptions=None):
    """Make one bin around the rank of each class.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels in their order.
    descriptions : sequence of str or None, default=None
        One for each class; None writes the labels themselves.

    Returns
    -------
    LinguisticBins

    Raises
    ------
    ValueError
        If there are more or fewer descriptions than classes.
    """
    labels = classes.tolist()
    if descriptions is None:
        descriptions = [in_full(x) if isinstance(x, float) else str(x) for x in labels]
    if len(descriptions) != len(labels):
        raise ValueError(
            f"descriptions must have one entry for each of the {len(labels)} classes {labels}. "
            f"Got {len(descriptions)}: {list(descriptions)}."
        )
    return unit_bins(descriptions)


def is_word(description):
    """Return whether a description is more than a number, True or False."""
    return description not in ("True", "False") and not re.fullmatch(r"[-+.\de]+", description)
