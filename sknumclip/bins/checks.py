"""Validation of descriptions, edges, centers and labels for bins."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from .._numbers import as_float64, in_full, refuse_mask

__all__ = [
    "check_descriptions",
    "check_labels",
    "check_numbers",
    "check_range",
    "check_span",
    "close_ranges",
]


def check_span(name, low, high):
    """Raise ValueError if the labels do not fit float32, which ends at 1e38."""
    if max(-low, high) > 1e30 or high - low < 1e-30:
        raise ValueError(
            f"{name} must lie within ±1e30, and the lowest and highest at least 1e-30 apart. Got "
            f"{name} from {in_full(low)} to {in_full(high)}. Choose another unit for the labels."
        )


_NO_SEQUENCE = (str, bytes, Mapping, set, frozenset)  # iterable, but not an ordered collection


def _number(value):
    """Return `value` as float; strings of digits raise TypeError."""
    if isinstance(value, (str, bytes)):
        raise TypeError
    return float(str(value)) if isinstance(value, np.floating) else float(value)


def check_descriptions(descriptions):
    is_sequence = isinstance(descriptions, Iterable) and not isinstance(descriptions, _NO_SEQUENCE)
    descriptions = tuple(descriptions) if is_sequence else descriptions
    if not is_sequence or not all(isinstance(words, str) for words in descriptions):
        raise ValueError(
            "descriptions must be a sequence of strings. For a mapping of descriptions to ranges "
            f"use LinguisticBins.from_mapping. Got descriptions={descriptions!r}."
        )
    descriptions = tuple(" ".join(description.split()) for description in descriptions)
    if len(descriptions) < 2:
        raise ValueError(f"At least 2 bins are needed. Got descriptions={descriptions}.")
    if "" in descriptions:
        raise ValueError(f"descriptions must not be empty. Got descriptions={descriptions}.")
    # CLIP's tokenizers ignore case, and é may be one Unicode character or two.
    lowered = [unicodedata.normalize("NFC", words).lower() for words in descriptions]
    repeated = sorted({name for name in lowered if lowered.count(name) > 1})
    if repeated:
        raise ValueError(f"Each bin needs a different description. Got {repeated} more than once.")
    return descriptions


def check_numbers(name, values, length):
    refuse_mask(name, values)
    try:
        values = tuple(values)
        values = tuple(_number(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a sequence of numbers. Got {name}={values!r}.") from None
    if len(values) != length:
        raise ValueError(f"{name} must have {length} values for these bins. Got {len(values)}.")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite. Got {name}={values}.")
    return values


def check_range(description, value, may_be_open=False):
    try:
        low, high = (_number(end) for end in value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"The range of bin {description!r} must be (low, high), two numbers. Got "
            f"{value!r}{_instead(description, value)}."
        ) from None
    if np.isinf(low) != np.isinf(high) and low < high and not may_be_open:
        raise ValueError(
            f"The range of bin {description!r} must be finite. Got {value!r}. For an open range, "
            "say which number the bin stands for: LinguisticBins.from_mapping(..., centers=[...], "
            "outside='clip'), with a center for each bin."
        )
    if not (low < high and (may_be_open or np.isfinite([low, high]).all())):
        raise ValueError(
            f"The range of bin {description!r} must be finite with low < high. Got {value!r}."
        )
    return low, high


def _instead(description, value):
    if isinstance(value, str) and isinstance(description, str):
        found = re.fullmatch(r"\s*([\d.]+)\s*(?:-|–|to|,)\s*([\d.]+)\s*", value)
        return f". Write {{{description!r}: ({found[1]}, {found[2]})}}" if found else ""
    if isinstance(value, str):
        return f". The words come first: {{{value!r}: {description!r}}}"
    if isinstance(value, range):
        return f". Write {{{description!r}: ({value.start}, {value.stop})}}"
    if isinstance(value, Real):
        return ". To give only the edges, use LinguisticBins(descriptions, edges)"
    return ""


def close_ranges(descriptions, edges, centers):
    """Replace infinite edges by finite ones, so that the center is in the middle of its range."""
    edges = list(edges)
    for end, inner in ((0, 1), (-1, -2)):
        if np.isinf(edges[end]):
            if (centers[end] - edges[inner]) * edges[end] <= 0:  # on the wrong side
                raise ValueError(
                    f"The center of bin {descriptions[end]!r} must lie in its range, "
                    f"{'below' if end == 0 else 'above'} {in_full(edges[inner])}. Got "
                    f"{in_full(centers[end])}."
                )
            edges[end] = 2 * centers[end] - edges[inner]
    return edges


def check_labels(y) -> NDArray[np.float64]:
    refuse_mask("y", y)
    try:
        y = as_float64(y)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"Labels must be numbers. Got {y!r:.200}.") from None
    if y.ndim != 1 or not np.isfinite(y).all():
        raise ValueError(f"Labels must be a 1-D array of finite numbers. Got {y!r:.200}.")
    return y
