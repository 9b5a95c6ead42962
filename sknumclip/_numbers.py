"""Number handling: exact conversion to float64, printing in full, and refusing masked arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_float64", "in_full", "refuse_mask"]


def as_float64(values: Any) -> NDArray[np.float64]:
    """Convert numbers to float64 by the decimal digits they print as.

    0.7 in float32 is 0.699999988, which would otherwise fall below an edge at 0.7.

    Parameters
    ----------
    values : array-like of numbers

    Returns
    -------
    ndarray of float64

    Raises
    ------
    TypeError, ValueError or OverflowError
        If they are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumclip._numbers import as_float64
    >>> as_float64(np.array([0.7, 13], dtype=np.float32)).tolist()
    [0.7, 13.0]
    """
    values = np.asarray(values)
    is_words = values.dtype == object and any(isinstance(value, str) for value in values.flat)
    if is_words or values.dtype.kind not in "biufO":  # NumPy would parse strings and dates
        raise TypeError(f"They must be numbers. Got {values.dtype}.")
    if values.dtype.kind != "f" or values.dtype.itemsize >= 8:
        return values.astype(np.float64)
    different, which = np.unique(values, return_inverse=True)
    # NumPy prints the fewest digits that give the same float32.
    return different.astype(str).astype(np.float64)[which].reshape(values.shape)


def in_full(number: float) -> str:
    """Format a number with enough digits to distinguish it from its neighbors.

    Examples
    --------
    >>> from sknumclip._numbers import in_full
    >>> in_full(13.0), in_full(0.1 + 0.2)
    ('13', '0.30000000000000004')
    """
    return repr(float(number)).removesuffix(".0")


def refuse_mask(name: str, values: Any) -> None:
    """Raise ValueError for a masked array: NumPy and pandas would use the masked values."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"{name} is a masked array, and its masked values would be used as well. Remove those "
            f"samples everywhere, or fill the values: {name}.filled(...)."
        )
