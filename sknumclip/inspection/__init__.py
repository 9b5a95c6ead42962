"""Inspect images and labels: duplicates, label errors, nearest images, and a one-page summary.

Each function takes paths, PIL images or arrays.

- :func:`find_duplicates`: images that occur more than once, for example in train and test
- :func:`find_label_errors`: labels that are likely wrong
- :func:`nearest_images`: the training images nearest to given images
- :func:`summarize`: an overview before a fit, a :class:`Summary`
"""

from ._duplicates import find_duplicates
from ._label_errors import find_label_errors
from ._nearest import nearest_images
from ._summary import Summary, summarize

__all__ = ["Summary", "find_duplicates", "find_label_errors", "nearest_images", "summarize"]
