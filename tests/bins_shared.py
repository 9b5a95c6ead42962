"""Bins and labels shared by the tests of bins."""

import warnings

from hypothesis import strategies as st

AGES = {"child": (0, 13), "teenager": (13, 19), "adult": (19, 101)}
LABELS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)


def made_or_refused(make):
    """Return bins and None, or None and the words of the error; a warning is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "y has only", UserWarning)
        try:
            return make(), None
        except ValueError as error:
            return None, str(error)
