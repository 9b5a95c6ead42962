"""Know your pictures before you trust the score.

Each function takes paths, PIL images or arrays, and returns a table that reads by itself.

- :func:`find_duplicates`: which pictures are there twice, in train and test alike?
- :func:`find_label_errors`: which labels are likely wrong?
- :func:`nearest_images`: which training pictures are nearest to these?
- :func:`summarize`: all that can be said before a fit, on one page, a :class:`Summary`
"""

from ._duplicates import find_duplicates
from ._label_errors import find_label_errors
from ._nearest import nearest_images
from ._summary import Summary, summarize

__all__ = ["Summary", "find_duplicates", "find_label_errors", "nearest_images", "summarize"]
