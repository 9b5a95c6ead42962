"""warn_user(): warnings that point to the user's own line."""

import os
import sys
import warnings
from pathlib import Path

__all__ = ["warn_user"]

_PACKAGE = str(Path(__file__).parent) + os.sep  # with os.sep: sknumclip_study is not ours
# Libraries that may call us on the user's behalf, by top-level module name.
_BETWEEN = {"concurrent", "contextlib", "dask", "functools", "joblib", "sklearn", "skorch"}
_BETWEEN |= {"threading", "torch"}


def warn_user(message, category=UserWarning):
    """Warn at the user's line: the nearest one outside this package and those libraries.

    Parameters
    ----------
    message : str
    category : type of Warning, default=UserWarning
    """
    frame, level, outside = sys._getframe(1), 2, None
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            outside = outside or level  # a worker process may have no line of the user's
            if frame.f_globals.get("__name__", "").partition(".")[0] not in _BETWEEN:
                break
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=(level if frame else outside) or 2)
