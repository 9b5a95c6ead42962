"""LinguisticBins: contiguous ranges of the label, each described in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._html import table_html
from .._numbers import in_full
from .._typing import IntArray, Outside, Preset
from .._warnings import warn_user
from .checks import (
    check_descriptions,
    check_labels,
    check_numbers,
    check_range,
    check_span,
    close_ranges,
)
from .presets import GENERIC_DESCRIPTIONS, PRESETS
from .quantiles import quantile_edges

Bins: TypeAlias = Union["LinguisticBins", Mapping[str, Sequence[float]], Preset, int]

__all__ = ["LinguisticBins"]


@dataclass(frozen=True)
class LinguisticBins:
    """Contiguous ranges of a label, each described in words that CLIP knows.

    This is the linguistic mapping of the paper (Section 3.3) as one value, which keeps each
    description with its range. Instances are frozen, hashable and comparable, so you can search
    over them: ``GridSearchCV(reg, {"bins": [coarse, fine]})``.

    Bin ``k`` covers the half-open range ``[edges[k], edges[k + 1])``; the last bin includes its
    upper edge.

    Parameters
    ----------
    descriptions : sequence of str, length n_bins
        A description of each bin, from the lowest range to the highest. At least two, all
        different.
    edges : sequence of float, length n_bins + 1
        The limits of the ranges, in the unit of the label, finite and strictly increasing.
    centers : sequence of float, length n_bins, default=None
        The number that each bin stands for (`b_k` in Eq. 1 of the paper), inside its range.
        ``None`` uses the midpoints.
    outside : {"raise", "clip"}, default="raise"
        What :meth:`assign` does with labels outside the bins: raise an error, or assign them to
        the first or last bin.

    See Also
    --------
    suggest_bins : Let a language model propose descriptions and ranges.

    Examples
    --------
    >>> from sknumclip import LinguisticBins
    >>> ages = LinguisticBins.from_mapping({"child": (0, 13), "teenager": (13, 19)})
    >>> ages.centers
    (6.5, 16.0)
    >>> ages.assign([3, 12.5, 13, 19])
    array([0, 0, 1, 1])
    >>> ages
    LinguisticBins(descriptions=('child', 'teenager'), edges=(0.0, 13.0, 19.0),
                   centers=(6.5, 16.0), outside='raise')
    """

    descriptions: tuple[str, ...]
    edges: tuple[float, ...]
    centers: tuple[float, ...] = None  # type: ignore[assignment]  # set in __post_init__
    outside: Outside = "raise"

    if TYPE_CHECKING:  # the types accepted here; the attributes are tuples

        def __init__(
            self,
            descriptions: Sequence[str],
            edges: Sequence[float] | NDArray[Any],
            centers: Sequence[float] | NDArray[Any] | None = None,
            outside: Outside = "raise",
        ) -> None: ...

    def __post_init__(self):
        descriptions = check_descriptions(self.descriptions)
        edges = check_numbers("edges", self.edges, len(descriptions) + 1)
        if any(high <= low for low, high in pairwise(edges)):
            raise ValueError(f"edges must be strictly increasing. Got edges={edges}.")
        check_span("edges", edges[0], edges[-1])
        centers = tuple((np.array(edges[:-1]) + edges[1:]) / 2)
        if self.centers is not None:
            centers = check_numbers("centers", self.centers, len(descriptions))
        for description, low, center, high in zip(
            descriptions, edges[:-1], centers, edges[1:], strict=True
        ):
            if not low <= center <= high:
                raise ValueError(
                    f"The center of bin {description!r} must lie in its range "
                    f"[{in_full(low)}, {in_full(high)}]. Got {in_full(center)}."
                )
        if self.outside not in ("raise", "clip"):
            raise ValueError(f"outside must be 'raise' or 'clip'. Got outside={self.outside!r}.")
        # A frozen dataclass stores the checked, canonical values this way.
        object.__setattr__(self, "descriptions", descriptions)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "centers", tuple(float(center) for center in centers))

    @classmethod
    def from_mapping(
        cls,
        mapping: Mapping[str, Sequence[float]],
        *,
        centers: Sequence[float] | None = None,
        outside: Outside = "raise",
    ) -> Self:
        """Make bins from ``{description: (low, high)}``.

        Parameters
        ----------
        mapping : mapping of str to (float, float)
            The range ``[low, high)`` of each description, from the lowest to the highest. Each
            range starts where the previous one ends. The first may start at ``-inf`` and the last
            may end at ``inf`` if `centers` are given and ``outside="clip"``. Such a bin gets the
            finite range with its center in the middle; labels beyond it belong to the bin too.
        centers : sequence of float, default=None
            As in :class:`LinguisticBins`.
        outside : {"raise", "clip"}, default="raise"
            As in :class:`LinguisticBins`.

        Returns
        -------
        LinguisticBins

        Raises
        ------
        ValueError
            If the ranges are empty, out of order, overlap or leave a gap, or are infinite without
            `centers` and ``outside="clip"``.

        Examples
        --------
        >>> from sknumclip import LinguisticBins
        >>> ages = {"young": (0, 35), "middle-aged": (35, 65), "old": (65, float("inf"))}
        >>> bins = LinguisticBins.from_mapping(ages, centers=(20, 50, 75), outside="clip")
        >>> bins.edges
        (0.0, 35.0, 65.0, 85.0)
        >>> bins.assign([70, 99])
        array([2, 2])
        """
        if not isinstance(mapping, Mapping) or not mapping:
            raise ValueError(
                f"bins must map each description to its range (low, high). Got {mapping!r}."
            )
        may_be_open = centers is not None and outside == "clip"
        ranges = [check_range(name, value, may_be_open) for name, value in mapping.items()]
        for (name, before), (next_name, after) in pairwise(zip(mapping, ranges, strict=True)):
            if before[1] != after[0]:
                raise ValueError(
                    "Bins must be contiguous and go from low to high: "
                    f"{name!r} ends at {in_full(before[1])} but {next_name!r} starts at "
                    f"{in_full(after[0])}, which {_how_to_join(name, before, next_name, after)}"
                )
        edges = [ranges[0][0], *(high for _, high in ranges)]
        if may_be_open:
            centers = check_numbers("centers", centers, len(mapping))
            edges = close_ranges(list(mapping), edges, centers)
        return cls(tuple(mapping), tuple(edges), centers, outside)

    @classmethod
    def from_preset(cls, name: Preset, *, outside: Outside = "raise") -> Self:
        """Make the bins for one of the paper's three tasks.

        Parameters
        ----------
        name : {"age", "age_fine", "decade", "aesthetics"}
            ``"age"``: the paper's five stages of life over [0, 121) years; ``"age_fine"``: nine
            stages, more accurate on our faces with few images; ``"decade"``: the years 1930 to
            1980; ``"aesthetics"``: five grades, labeled 1 (unacceptable) to 5 (exceptional).
        outside : {"raise", "clip"}, default="raise"
            As in :class:`LinguisticBins`.

        Returns
        -------
        LinguisticBins

        Examples
        --------
        >>> from sknumclip import LinguisticBins
        >>> LinguisticBins.from_preset("age").edges
        (0.0, 13.0, 19.0, 35.0, 65.0, 121.0)
        """
        if name not in PRESETS:
            raise ValueError(
                f"There are no preset bins named {name!r}. Choose from {list(PRESETS)}."
            )
        return cls(**PRESETS[name], outside=outside)

    @classmethod
    def from_quantiles(
        cls,
        y: ArrayLike,
        n_bins: int = 5,
        *,
        descriptions: Sequence[str] | None = None,
        outside: Outside = "raise",
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Make bins that contain about the same number of labels each.

        If a label is so frequent that quantiles coincide, the quantiles of the distinct labels are
        used instead. If there are at most as many distinct labels as bins, each becomes the center
        of its own bin.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Labels, with at least two distinct values.
        n_bins : int, default=5
            Number of bins, from 2 to 7 if `descriptions` is not given.
        descriptions : sequence of str, length n_bins, default=None
            The descriptions of the bins; ``None`` uses generic ones ("very low" ... "very high").
        outside : {"raise", "clip"}, default="raise"
            As in :class:`LinguisticBins`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights above 0. A label of weight 2 counts as two labels.

        Returns
        -------
        LinguisticBins

        Raises
        ------
        ValueError
            If `n_bins` is out of range, all labels are the same, or there are fewer distinct
            labels than `descriptions`.

        Warns
        -----
        UserWarning
            If there are fewer distinct labels than `n_bins`, so that there are fewer bins.

        Examples
        --------
        >>> from sknumclip import LinguisticBins
        >>> LinguisticBins.from_quantiles([1, 2, 3, 4, 9], 2)
        LinguisticBins(descriptions=('low', 'high'), edges=(1.0, 3.0, 9.0),
                       centers=(2.0, 6.0), outside='raise')
        """
        if not isinstance(n_bins, Integral) or n_bins < 2:
            raise ValueError(f"The number of bins must be an int of at least 2. Got {n_bins!r}.")
        if descriptions is None and n_bins not in GENERIC_DESCRIPTIONS:
            raise ValueError(
                f"There are generic descriptions only for 2 to {max(GENERIC_DESCRIPTIONS)} bins. "
                f"Got {n_bins}: describe the bins yourself, as in bins={{'child': (0, 13), ...}}."
            )
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        edges, centers = quantile_edges(check_labels(y), n_bins, weight)
        if descriptions is None:
            descriptions = _generic_descriptions(n_bins, len(edges) - 1)
        return cls(descriptions, tuple(edges), centers, outside)

    def __len__(self) -> int:
        return len(self.descriptions)

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.descriptions)

    @property
    def widths(self) -> tuple[float, ...]:
        """Width of each bin in the unit of the label; a tuple of n_bins floats."""
        return tuple(float(width) for width in np.diff(self.edges))

    @property
    def range(self) -> float:
        """Total width of all bins, in the unit of the label."""
        return self.edges[-1] - self.edges[0]

    def assign(self, y: ArrayLike) -> IntArray:
        """Find the bin of each label.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Finite numbers.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            Index of the bin, from 0 to ``n_bins - 1``.

        Raises
        ------
        ValueError
            If a label is not a finite number, or lies outside the bins and ``outside="raise"``.
        """
        y = check_labels(y)
        low, high = self.edges[0], self.edges[-1]
        if self.outside == "raise":
            distance = np.maximum(low - y, y - high)
            worst = np.argsort(-distance)[:5]
            n_outside = int((distance > 0).sum())
            if n_outside:
                offenders = ", ".join(
                    f"{in_full(y[i])} (at position {i})" for i in worst[:n_outside]
                )
                raise ValueError(
                    f"{n_outside} of {len(y)} labels in y lie outside the bins, which cover "
                    f"[{in_full(low)}, {in_full(high)}]. The worst: {offenders}. Widen the first "
                    "or last bin, or assign them to the first and last bins with outside='clip', "
                    "as in LinguisticBins.from_mapping({...}, outside='clip')."
                )
        return np.searchsorted(self.edges[1:-1], y, side="right")

    def _repr_html_(self):
        bins = zip(self.descriptions, self.edges[:-1], self.edges[1:], self.centers, strict=True)
        rows = [
            (words, f"{low:.10g} – {high:.10g}", f"{center:.10g}")
            for words, low, high, center in bins
        ]
        return table_html(["description", "range", "center"], rows, caption="LinguisticBins")

    def to_dict(self) -> dict[str, Any]:
        """Return a dict of lists and strings that the constructor accepts as keyword arguments."""
        return {
            "descriptions": list(self.descriptions),
            "edges": list(self.edges),
            "centers": list(self.centers),
            "outside": self.outside,
        }


def _how_to_join(name, before, next_name, after):
    """Describe what is wrong between two ranges (low, high), and how to fix it."""
    (low, high), (next_low, next_high) = before, after
    if high < next_low:
        between = ", or add a bin in between" if next_low - high > 1 else ""
        return (
            "leaves a gap. A range does not include its upper limit: end "
            f"{name!r} at {in_full(next_low)}{between}."
        )
    if before == after:
        return "is the same range. Remove one of the two."
    if after < before:
        return "is out of order. List the bins from the lowest range to the highest."
    ways = [f"end {name!r} at {in_full(next_low)}"] if low < next_low else []
    if high < next_high:
        ways.append(f"let {next_name!r} start at {in_full(high)}")
    return f"is an overlap: {', or '.join(ways)}."


def resolve_bins(
    bins: Bins, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> LinguisticBins:
    """Convert the `bins` parameter of an estimator to :class:`LinguisticBins`.

    Parameters
    ----------
    bins : LinguisticBins, mapping, str or int
        See :class:`~sknumclip.NumCLIPRegressor`.
    y : ndarray of shape (n_samples,)
        The training labels, for quantile bins.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weight of each label in the quantiles.

    Returns
    -------
    LinguisticBins
    """
    if isinstance(bins, LinguisticBins):
        return bins
    if isinstance(bins, str):
        return LinguisticBins.from_preset(bins)
    if isinstance(bins, Mapping):
        return LinguisticBins.from_mapping(bins)
    if isinstance(bins, Integral) and not isinstance(bins, bool):
        return LinguisticBins.from_quantiles(y, bins, sample_weight=sample_weight)
    raise ValueError(
        "bins must be LinguisticBins, a mapping {description: (low, high)}, one of the presets "
        f"{list(PRESETS)}, or the number of quantile bins. Got bins={bins!r}."
    )


def _generic_descriptions(n_asked, n_bins):
    if n_bins < n_asked:
        warn_user(
            f"y has only {n_bins} different values, so there are {n_bins} bins, one for each, "
            f"instead of {n_asked}. To choose the bins yourself, pass bins={{'child': (0, 13), "
            "...}.",
        )
    return GENERIC_DESCRIPTIONS[n_bins]
